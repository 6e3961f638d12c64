"""The overview of a ledger: its summary, its duplicate groups, and the scores that prevalence is estimated from."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.config import Config
from curate.decisions.reference import Reference, scores_of
from curate.detector.prevalence import Counts, count_by, merge_counts
from curate.report.groups import Groups
from curate.report.summary import Summary


@dataclass(frozen=True)
class Overview:
    """What the report needs of a ledger. Mergeable.

    Attributes:
        summary: counts and bounded samples.
        groups: of duplicates.
        histograms: (source, month) → documents per score bin (`Reference.score_edges`).
        human: (source, "") → those of them that are trusted human.
    """

    summary: Summary
    groups: Groups
    histograms: dict[tuple[str, str], Counts]
    human: dict[tuple[str, str], Counts]

    @staticmethod
    def empty() -> "Overview":
        """The overview of no document."""
        return Overview(Summary(), Groups(), {}, {})

    @staticmethod
    def of(ledger: pa.Table, reference: Reference, config: Config) -> "Overview":
        """Looks over finished documents (`curate.decisions.mixing.FINISHED`), duplicate groups whole."""
        months = pc.strftime(ledger["timestamp"], format="%Y-%m")
        sources = ledger["source"]
        summary = Summary.of(ledger, sources, months, config.report.examples)
        groups = Groups.of(ledger, sources)
        scores = scores_of(ledger)
        scored = ~np.isnan(scores)
        if not scored.any():
            return Overview(summary, groups, {}, {})
        edges = reference.score_edges(config)
        every = count_by(zip(_named(sources, scored), _named(months, scored), strict=True), scores[scored], edges)
        trusted = scored & pc.equal(ledger["tier"], "trusted_human").to_numpy()
        human = count_by(((source, "") for source in _named(sources, trusted)), scores[trusted], edges)
        return Overview(summary, groups, every, human)

    def merge(self, other: "Overview") -> "Overview":
        """The overview of both parts."""
        return Overview(
            self.summary.merge(other.summary),
            self.groups.merge(other.groups),
            merge_counts(self.histograms, other.histograms),
            merge_counts(self.human, other.human),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "summary": self.summary.to_dict(),
            "groups": self.groups.to_dict(),
            "histograms": _to_lists(self.histograms),
            "human": _to_lists(self.human),
        }

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "Overview":
        """Reads what `to_dict` gave."""
        histograms = (_from_lists(values[name]) for name in ("histograms", "human"))
        return Overview(Summary.from_dict(values["summary"]), Groups.from_dict(values["groups"]), *histograms)


Histograms = dict[tuple[str, str], Counts]


def _to_lists(histograms: Histograms) -> list[list[Any]]:
    return [[*key, counts.tolist()] for key, counts in sorted(histograms.items())]


def _from_lists(lists: list[list[Any]]) -> Histograms:
    return {(source, month): np.array(counts, dtype=np.int64) for source, month, counts in lists}


def _named(values: pa.ChunkedArray, chosen: np.ndarray) -> list[str]:
    return values.filter(pa.array(chosen)).fill_null("").to_pylist()
