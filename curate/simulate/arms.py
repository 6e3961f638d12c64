"""The arms: what each of them trains on, given a crawl.

The learner is an n-gram model, for which a repeated document is counted twice and not learnt better: curation gives one
copy of each (`mixture.max_copies` 1). The arm `copies` shows what the default of 4, made for neural models, costs. It
asks for no sources, of which the documents of a crawl have none: else no cluster would be boosted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from curate.language_model.words import Int64Array

BUDGET = 1.5
"""Training documents, at most, per human document of the crawl."""
POWER, MOST_REPEATS = 10, 3
"""Of importance resampling (Drayson et al., arXiv 2502.15654)."""

Origins = Literal["declared", "known", "none"]
Training = Literal["human", "written", "crawl", "kept", "importance", "thinned"]


@dataclass(frozen=True)
class Arm:
    """A way to make training data.

    Attributes:
        label: for people.
        training: human: the human documents of the crawl; written: documents by the last model alone; crawl: all; kept:
            what curate keeps; importance: what is resampled by the detector's scores of what curate keeps; thinned: the
            same without repeats.
        settings: of the run of curate; None where there is none.
        detector: whether it needs one of its own.
        origins: what the origin column says: what documents declare, the truth, or nothing.
        strength: d′ of a simulated detector that takes the place of a real one.
    """

    label: str
    training: Training
    settings: Mapping[str, Any] | None = None
    detector: bool = False
    origins: Origins = "declared"
    strength: float | None = None


_OFF: dict[str, Any] = {"enabled": False}
_DEDUPE = {"provenance": _OFF, "synthetic": _OFF, "mixture": _OFF}
_SCORED = {
    "provenance": _OFF,
    "mixture": _OFF,
    "synthetic": {"suspect_action": "keep", "condemned_action": "keep"},
}
_FULL: dict[str, Any] = {"mixture": {"max_copies": 1, "synthetic_cap": 0.1}, "quality": {"drop": ["gibberish"]}}


ARMS = {
    "human_only": Arm("human only", "human"),
    "no_curation": Arm("no curation", "crawl"),
    "dedup_only": Arm("deduplicated", "kept", _DEDUPE),
    "dedup_filter": Arm("deduplicated and filtered", "kept", {"mixture": _OFF}, detector=True),
    "full": Arm("full curation", "kept", _FULL, detector=True),
    "oracle": Arm("full, origins known", "kept", {**_FULL, "provenance": {"trust_origin": True}}, origins="known"),
    "replace": Arm("model output alone", "written"),
    "importance": Arm("resampled by (1-p)^10", "importance", _SCORED, detector=True),
}
"""The arms of the benchmark by name."""

ABLATIONS = {
    "undeclared": Arm("full, nothing declares what it is", "kept", _FULL, detector=True, origins="none"),
    "copies": Arm(
        "full, up to 4 copies",
        "kept",
        {**_FULL, "mixture": {**_FULL["mixture"], "max_copies": 4, "min_cluster_sources": 1}},
        detector=True,
    ),
    "defaults": Arm("full, all settings as shipped", "kept", {}, detector=True),
    "thinned": Arm("thinned by (1-p)^10, no repeats", "thinned", _SCORED, detector=True),
}
"""What parts of curation are worth."""


def simulated(strength: float) -> Arm:
    """Deduplication, and a filter by a simulated detector that loses 5 % of the human documents."""
    return Arm(f"simulated detector, d' = {strength:g}", "kept", _DEDUPE, strength=strength)


def within_budget(copies: Int64Array, budget: int, rng: np.random.Generator) -> Int64Array:
    """Takes a random part of the copies if there are more than the budget allows.

    Args:
        copies: of each document, int64[n].
        budget: documents.
        rng: source of chance.
    """
    rows = np.repeat(np.arange(len(copies)), copies)
    if len(rows) <= budget:
        return copies
    return np.bincount(rng.choice(rows, budget, replace=False), minlength=len(copies))


def importance_weights(p_machine: NDArray[np.float64]) -> NDArray[np.float64]:
    """(1 − p)^10 of the probabilities that documents are by a machine, float64[n]."""
    weights: NDArray[np.float64] = (1.0 - p_machine) ** POWER
    return weights


def importance_copies(weights: NDArray[np.float64], draws: int, rng: np.random.Generator) -> Int64Array:
    """Copies by importance resampling: documents are drawn by their weights, each at most three times.

    Args:
        weights: of each document, float64[n].
        draws: documents to draw.
        rng: source of chance.
    """
    copies = np.zeros(len(weights), dtype=np.int64)
    while (missing := draws - int(copies.sum())) > 0:
        left = np.where(copies < MOST_REPEATS, weights, 0.0)
        if left.sum() <= 0:
            break
        copies += np.bincount(rng.choice(len(copies), missing, p=left / left.sum()), minlength=len(copies))
        copies = np.minimum(copies, MOST_REPEATS)
    return copies


def passes(machine: NDArray[np.bool_], strength: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """What a simulated detector lets pass: scores are normal, d′ higher for machines, and 5 % of people lie above.

    Args:
        machine: bool[n].
        strength: d′.
        rng: source of chance.
    """
    threshold = 1.6448536269514722  # of which 5 % of a standard normal distribution lies above
    return rng.standard_normal(len(machine)) + strength * machine <= threshold
