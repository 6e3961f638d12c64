"""What all answers of an output come to: what a decision needs of them, and what the report tells."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from curate.config import Config
from curate.review.agreement import kappas, overrides, total
from curate.review.answers import Answer, settle, to_line
from curate.review.calibration import least_thresholds

LEDGER_COLUMNS = ["id", "decision", "stage", "reason", "tier", "detector_score", "threshold", "group", "cluster"]
"""Columns of the ledger that answers are compared with."""


@dataclass(frozen=True)
class Review:
    """The answers of reviewers, ready for a decision.

    Attributes:
        settled: `curate.review.answers.SETTLED`.
        least: group → least threshold of suspicion (`curate.review.calibration.least_thresholds`).
        told: for the report and the manifest, JSON types.
        answers: all of them, in the order in which they were given.
    """

    settled: pa.Table
    least: dict[str, float]
    told: dict[str, Any]
    answers: list[Answer]

    @property
    def content(self) -> bytes:
        """The lines of the answers."""
        return b"".join(map(to_line, self.answers))


def review_of(answers: Sequence[Answer], ledger: pa.Table | None, config: Config, calibrates: bool = True) -> Review:
    """Gathers answers.

    Args:
        answers: in the order in which they were given.
        ledger: `LEDGER_COLUMNS` of the output that the answers are kept with, decided without them; None where it is
            gone: no override is counted then, and no threshold raised.
        config: settings of the new decision.
        calibrates: whether it draws thresholds of its own, rather than use given ones.
    """
    settled = settle(answers)
    verdicts = dict(zip(settled["id"].to_pylist(), settled["verdict"].to_pylist(), strict=True))
    rows = [] if ledger is None else overrides(ledger, verdicts)
    least = {}
    if ledger is not None and config.synthetic.enabled and calibrates:
        least = least_thresholds(ledger, verdicts, config.synthetic.alpha_suspect, config.run.seed)
    told = {
        "answers": settled.num_rows,
        "verdicts": {str(pair["values"]): pair["counts"] for pair in settled["verdict"].value_counts().to_pylist()},
        "overrides": rows,
        "overrides_total": total(rows),
        "agreement": kappas(answers),
        "raised": least,
    }
    return Review(settled, least, told, list(answers))
