"""The results of all chains, as report.json and table.md say them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy

from curate.simulate.arms import ABLATIONS, ARMS
from curate.simulate.metrics import Metrics
from curate.simulate.tiers import Tier, curve_name

JsonDict = dict[str, Any]
Chains = Mapping[tuple[str, int], Sequence[Metrics]]
"""(arm, seed) → metrics of each generation."""

_DECIMALS = 6
_VERDICT = {True: "reached", False: "MISSED"}
_COLUMNS = {
    "perplexity_ratio": "perplexity ratio",
    "damage_removed": "damage removed",
    "perplexity_tail": "tail perplexity",
    "vocabulary_coverage": "vocabulary",
    "trigram_coverage": "rare trigrams",
    "tail_share": "tail share",
    "distinct_3": "distinct-3",
    "unigram_entropy": "entropy",
    "human_loss": "human loss",
    "synthetic_admitted": "synthetic",
    "gibberish_admitted": "gibberish",
    "prevalence_error": "π error",
}
"""Metrics in the table, with their headings."""


def summarise(chains: Chains, tier: Tier) -> JsonDict:
    """What report.json holds of the chains.

    Returns:
        `seeds`, `generations`; `columns` of the table; `arms` and `ablations`: for each the means over seeds of the
        metrics of the last generation, those of each generation (`generations`) and of each seed (`seeds`);
        `detector_curve`; `checks`. Besides its own metrics an arm has, against the human-only arm of the same seed and
        generation, `perplexity_ratio` and `tail_share_ratio`, and `damage_removed`, (none − arm) / (none − human) of
        the perplexities.
    """
    against = {key: _compared(chains, *key) for key in chains}
    arms = {name: _arm(against, name, ARMS[name].label, tier.seeds) for name in tier.arms}
    ablations = {name: _arm(against, name, ABLATIONS[name].label, tier.seeds[:1]) for name in tier.ablations}
    curve = [
        {
            "strength": strength,
            "found": float(scipy.special.ndtr(strength - 1.6448536269514722)),
            "auroc": float(scipy.special.ndtr(strength / np.sqrt(2))),
            "perplexity_ratio": against[curve_name(strength), tier.seeds[0]][-1]["perplexity_ratio"],
            "synthetic_admitted": against[curve_name(strength), tier.seeds[0]][-1]["synthetic_admitted"],
        }
        for strength in tier.strengths
    ]
    rows = [*arms.values(), *ablations.values()]
    return _rounded(
        {
            "seeds": list(tier.seeds),
            "generations": tier.generations,
            "arms": arms,
            "ablations": ablations,
            "detector_curve": curve,
            "checks": [check.judge(arms) for check in tier.checks],
            "columns": {name: title for name, title in _COLUMNS.items() if any(name in row for row in rows)},
        }
    )


def table(report: JsonDict) -> str:
    """The arms in a Markdown table, and what had to be reached."""
    rows = [*report["arms"].values(), *report["ablations"].values()]
    columns, checks, seeds = report["columns"], report["checks"], ", ".join(map(str, report["seeds"]))
    lines = [
        f"Generation {report['generations']}, seeds {seeds}, {report['documents']:,} human documents.",
        "",
        " | ".join(["arm", *columns.values()]),
        " | ".join(["---", *("---:" for _ in columns)]),
        *(" | ".join([row["label"], *(_cell(row.get(name)) for name in columns)]) for row in rows),
        "",
        "check | value | limit | ",
        "--- | ---: | --- | ---",
        *(
            f"{check['name']} | {_cell(check['value'])} | {check['limit']} | {_VERDICT[check['passed']]}"
            for check in checks
        ),
    ]
    if report["ablations"]:
        lines += ["", f"{rows[len(report['arms'])]['label']!r} and what follows it: seed {report['seeds'][0]} alone."]
    return "\n".join(lines) + "\n"


def missed(report: JsonDict) -> list[str]:
    """The names of the checks that were not reached."""
    return [check["name"] for check in report["checks"] if not check["passed"]]


def _compared(chains: Chains, name: str, seed: int) -> list[Metrics]:
    rows = []
    for own, human, none in zip(
        chains[name, seed], chains["human_only", seed], chains["no_curation", seed], strict=False
    ):
        damage = none["perplexity"] - human["perplexity"]
        rows.append(
            {
                **own,
                "perplexity_ratio": own["perplexity"] / human["perplexity"],
                "tail_share_ratio": own["tail_share"] / human["tail_share"] if human["tail_share"] else float("nan"),
                "damage_removed": (none["perplexity"] - own["perplexity"]) / damage if damage else float("nan"),
            }
        )
    return rows


def _arm(against: Chains, name: str, label: str, seeds: Sequence[int]) -> JsonDict:
    runs = [against[name, seed] for seed in seeds]
    generations = [_mean(of_seeds) for of_seeds in zip(*runs, strict=True)]
    by_seed = {str(seed): run[-1] for seed, run in zip(seeds, runs, strict=True)}
    return {"label": label, **generations[-1], "generations": generations, "seeds": by_seed}


def _mean(rows: Sequence[Metrics]) -> Metrics:
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3f}"


def _rounded(value: Any) -> Any:
    """JSON values, numbers to six decimals, null for what is not a number."""
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    if isinstance(value, float):
        return None if np.isnan(value) else round(value, _DECIMALS)
    return value
