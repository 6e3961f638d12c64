"""The two tiers of the benchmark: a small one for every change, and the documented one on real prose."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from curate.simulate.arms import ABLATIONS, ARMS, Arm, simulated

Results = Mapping[str, Mapping[str, Any]]
"""Arm → its entry of the report."""


@dataclass(frozen=True)
class Check:
    """A figure that must be reached.

    Attributes:
        name: what is measured.
        limit: the figure.
        least: whether it is the least that is good, else the most.
        value: takes it from the results.
    """

    name: str
    limit: float
    least: bool
    value: Callable[[Results], float]

    def judge(self, results: Results) -> dict[str, Any]:
        """Name, value, limit in words, and whether it is reached."""
        value = self.value(results)
        passed = value >= self.limit if self.least else value <= self.limit
        return {"name": self.name, "value": value, "limit": f"{'≥' if self.least else '≤'} {self.limit:g}",
                "passed": bool(passed)}  # fmt: skip


def _of(arm: str, metric: str) -> Callable[[Results], float]:
    return lambda results: float(results[arm][metric])


def _beyond(arm: str, other: str, metric: str) -> Callable[[Results], float]:
    return lambda results: float(results[arm][metric] / results[other][metric])


@dataclass(frozen=True)
class Tier:
    """Sizes and arms.

    Attributes:
        documents: human documents of a world, at most.
        seeds: of the worlds.
        generations: of each chain.
        arms: names of `curate.simulate.arms.ARMS`, run for every seed.
        ablations: names of `ABLATIONS`, run for the first seed.
        strengths: d′ of simulated detectors, run for the first seed.
        curve_generations: of their chains.
        checks: what must be reached.
    """

    documents: int
    seeds: tuple[int, ...]
    generations: int
    arms: tuple[str, ...]
    ablations: tuple[str, ...]
    strengths: tuple[float, ...]
    curve_generations: int
    checks: tuple[Check, ...]

    def chains(self) -> dict[tuple[str, int], tuple[Arm, int]]:
        """The chains of the tier: (name of the arm, seed) → (arm, generations), the slow ones first."""
        first = self.seeds[0]
        chains = {(name, seed): (ARMS[name], self.generations) for seed in self.seeds for name in self.arms}
        chains |= {(name, first): (ABLATIONS[name], self.generations) for name in self.ablations}
        chains |= {(curve_name(d), first): (simulated(d), self.curve_generations) for d in self.strengths}
        return dict(sorted(chains.items(), key=lambda item: not item[1][0].detector))


def curve_name(strength: float) -> str:
    """The name of the arm of a simulated detector."""
    return f"simulated_{strength:g}"


TIERS = {
    "ci": Tier(
        documents=2_000,
        seeds=(1,),
        generations=3,
        arms=("human_only", "no_curation", "full"),
        ablations=(),
        strengths=(),
        curve_generations=0,
        checks=(
            Check("perplexity ratio, no curation", 1.3, True, _of("no_curation", "perplexity_ratio")),
            Check("perplexity ratio, full curation", 1.15, False, _of("full", "perplexity_ratio")),
        ),
    ),
    "doc": Tier(
        documents=3_000,
        seeds=(1, 2, 3),
        generations=6,
        arms=tuple(ARMS),
        ablations=tuple(ABLATIONS),
        strengths=(0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0),
        curve_generations=3,
        checks=(
            Check("perplexity ratio, no curation", 1.8, True, _of("no_curation", "perplexity_ratio")),
            Check("perplexity ratio, full curation", 1.10, False, _of("full", "perplexity_ratio")),
            Check("damage removed, full curation", 0.95, True, _of("full", "damage_removed")),
            Check("tail share to human only, full curation", 0.9, True, _of("full", "tail_share_ratio")),
            Check("error of prevalence, full curation", 0.05, False, _of("full", "prevalence_error")),
            Check(
                "perplexity to that of importance resampling", 1.0, False, _beyond("full", "importance", "perplexity")
            ),
            Check(
                "vocabulary coverage to that of importance resampling",
                1.0,
                True,
                _beyond("full", "importance", "vocabulary_coverage"),
            ),
        ),
    ),
}
