"""The overview of a ledger: its summary and the score histograms that prevalence is estimated from. Mergeable."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.config import Config
from curate.decisions.reference import Reference, scores_of
from curate.detector.prevalence import Counts, count_by, merge_counts
from curate.report.summary import Summary


@dataclass(frozen=True)
class Overview:
    """What the report needs of a ledger.

    Attributes:
        summary: counts and bounded samples.
        histograms: (source, month) → documents per score bin (`Reference.score_edges`).
    """

    summary: Summary
    histograms: dict[tuple[str, str], Counts]

    @staticmethod
    def empty() -> "Overview":
        """The overview of no document."""
        return Overview(Summary(), {})

    @staticmethod
    def of(ledger: pa.Table, reference: Reference, config: Config) -> "Overview":
        """Looks over finished documents (`curate.decisions.mixing.FINISHED`)."""
        months = pc.strftime(ledger["timestamp"], format="%Y-%m")
        sources = ledger["source"]
        summary = Summary.of(ledger, sources, months, config.report.examples)
        scores = scores_of(ledger)
        scored = ~np.isnan(scores)
        if not scored.any():
            return Overview(summary, {})
        mask = pa.array(scored)
        keys = zip(_named(sources.filter(mask)), _named(months.filter(mask)), strict=True)
        return Overview(summary, count_by(keys, scores[scored], reference.score_edges()))

    def merge(self, other: "Overview") -> "Overview":
        """The overview of both parts."""
        return Overview(self.summary.merge(other.summary), merge_counts(self.histograms, other.histograms))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        histograms = [[*key, counts.tolist()] for key, counts in sorted(self.histograms.items())]
        return {"summary": self.summary.to_dict(), "histograms": histograms}

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "Overview":
        """Reads what `to_dict` gave."""
        histograms = {(source, month): np.array(counts) for source, month, counts in values["histograms"]}
        return Overview(Summary.from_dict(values["summary"]), histograms)


def _named(values: pa.ChunkedArray) -> list[str]:
    return values.fill_null("").to_pylist()
