"""What the quality of documents makes of them: the gate of boosts and fill, and what rules drop."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curate.config import Config
from curate.decisions.reference import Reference
from curate.decisions.verdict import REJECT, Verdicts
from curate.provenance.evidence import QUALITY, combine, one_per_row
from curate.quality.calibration import levels_of
from curate.quality.catalogue import GATE, MODEL, NAMES
from curate.quality.signals import UNDEFINED, of_level

REASON = "quality"


@dataclass(frozen=True)
class Quality:
    """The quality of n documents.

    Attributes:
        score: float32[n] in [0, 1], share of the human documents of the language that are as odd or odder; NaN where
            there is no text or nothing to compare it with.
        passed: bool[n], whether it passes the gate; true where there is nothing to judge by.
        dropped: bool[n], whether it breaks a rule that drops.
        evidence: EVIDENCE_LIST[n]: what is odd about those that fail the gate, and each rule that drops a document.
    """

    score: NDArray[np.float32]
    passed: NDArray[np.bool_]
    dropped: NDArray[np.bool_]
    evidence: pa.Array


def judge_quality(documents: pa.Table, reference: Reference, config: Config) -> Quality:
    """Holds documents against human documents of their languages.

    Args:
        documents: columns language and quality (`curate.schema.QUALITY`).
        reference: with the limits of quality.
        config: settings.
    """
    settings = config.quality
    levels = levels_of(documents["quality"])
    found = reference.quality.judge(documents["language"], levels)
    passed = found.passed
    if settings.threshold is not None:
        probability = of_level(MODEL, levels[:, MODEL].astype(np.float64))
        passed = passed & ~((levels[:, MODEL] != UNDEFINED) & (probability < settings.threshold))
    rules = {name: found.broken[:, NAMES.index(name)] for name in settings.drop if name != GATE}
    dropped = np.logical_or.reduce([~passed & (GATE in settings.drop), *rules.values()])
    odd = np.flatnonzero(~passed | dropped)
    reasons = reference.quality.explain(documents["language"].take(pa.array(odd)), levels[odd])
    told = dict(zip(odd.tolist(), reasons, strict=True))
    evidence = [
        _evidence(GATE, ~passed, told),
        *(
            _evidence(
                name,
                broken,
                {row: [part for part in parts if part.startswith(f"{name} ")] for row, parts in told.items()},
            )
            for name, broken in rules.items()
        ),
    ]
    return Quality(found.quality.astype(np.float32), passed, dropped, combine(*evidence))


def _evidence(kind: str, selected: NDArray[np.bool_], told: dict[int, list[str]]) -> pa.Array:
    """One item for each document selected, with what is told of it."""
    detail = np.full(len(selected), None, dtype=object)
    for row in np.flatnonzero(selected).tolist():
        detail[row] = ", ".join(told[row])
    return one_per_row(selected, QUALITY, kind, "unknown", 0.0, pa.array(detail, pa.string()))


def reject_poor(judged: Verdicts, dropped: NDArray[np.bool_]) -> Verdicts:
    """Rejects what rules of quality drop, so that it leads no duplicates; what is rejected already stays so.

    Args:
        judged: verdicts without quality.
        dropped: bool[n].
    """
    poor = dropped & (judged.verdict != REJECT)
    return replace(
        judged,
        verdict=np.where(poor, REJECT, judged.verdict).astype(judged.verdict.dtype),
        reason=np.where(poor, REASON, judged.reason),
    )
