"""The overview of a ledger: its summary, its duplicate groups, and the scores that prevalence is estimated from."""

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from curate.config import Config
from curate.decisions.reference import Reference
from curate.metrics.slices import SliceSums
from curate.report.groups import Groups
from curate.report.marks import Marks
from curate.report.provenance import ProvenanceCounts
from curate.report.quality import QualityCounts
from curate.report.rows import RowSums
from curate.report.scores import ScoreCounts
from curate.report.styles import ClusterStyles
from curate.report.summary import Summary
from curate.report.verification import Verification


@dataclass(frozen=True)
class Overview:
    """What the report needs of a ledger. Mergeable.

    Attributes:
        summary: counts and bounded samples.
        groups: of duplicates.
        scores: histograms of the detector's scores.
        marks: watermarks and hidden characters.
        provenance: what was found on it.
        rows: of the input files.
        styles: of the clusters' real documents.
        quality: whom rules of quality take documents from.
        verification: what a verifier answered.
        slices: sums of the slices that metrics compare.
    """

    summary: Summary
    groups: Groups
    scores: ScoreCounts
    marks: Marks
    provenance: ProvenanceCounts
    rows: RowSums
    styles: ClusterStyles
    quality: QualityCounts
    verification: Verification = field(default_factory=Verification)
    slices: SliceSums = field(default_factory=SliceSums)

    @staticmethod
    def empty() -> "Overview":
        """The overview of no document."""
        counts = Marks(), ProvenanceCounts(), RowSums(), ClusterStyles(), QualityCounts()
        return Overview(Summary(), Groups(), ScoreCounts(), *counts)

    @staticmethod
    def of(ledger: pa.Table, reference: Reference, config: Config) -> "Overview":
        """Looks over finished documents (`curate.decisions.mixing.FINISHED`), duplicate groups whole."""
        months = pc.strftime(ledger["timestamp"], format="%Y-%m")
        sources = ledger["source"]
        summary = Summary.of(ledger, sources, months, config.report.examples)
        groups = Groups.of(ledger, sources)
        marks = Marks.of(ledger, reference.watermarks)
        scores = ScoreCounts.of(ledger, reference, config)
        rows = RowSums.of(ledger["source_file"], ledger["row_hash"].to_numpy())
        styles = ClusterStyles.of(ledger, config.report.examples)
        provenance, quality = ProvenanceCounts.of(ledger), QualityCounts.of(ledger)
        verification, slices = Verification.of(ledger, config), SliceSums.of(ledger)
        return Overview(summary, groups, scores, marks, provenance, rows, styles, quality, verification, slices)

    def merge(self, other: "Overview") -> "Overview":
        """The overview of both parts."""
        return Overview(
            self.summary.merge(other.summary),
            self.groups.merge(other.groups),
            self.scores.merge(other.scores),
            self.marks.merge(other.marks),
            self.provenance.merge(other.provenance),
            self.rows.merge(other.rows),
            self.styles.merge(other.styles),
            self.quality.merge(other.quality),
            self.verification.merge(other.verification),
            self.slices.merge(other.slices),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "summary": self.summary.to_dict(),
            "groups": self.groups.to_dict(),
            "scores": self.scores.to_dict(),
            "marks": self.marks.to_dict(),
            "provenance": self.provenance.to_dict(),
            "rows": self.rows.to_dict(),
            "styles": self.styles.to_dict(),
            "quality": self.quality.to_dict(),
            "verification": self.verification.to_dict(),
            "slices": self.slices.to_dict(),
        }

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "Overview":
        """Reads what `to_dict` gave."""
        return Overview(
            Summary.from_dict(values["summary"]),
            Groups.from_dict(values["groups"]),
            ScoreCounts.from_dict(values["scores"]),
            Marks.from_dict(values["marks"]),
            ProvenanceCounts.from_dict(values["provenance"]),
            RowSums.from_dict(values["rows"]),
            ClusterStyles.from_dict(values["styles"]),
            QualityCounts.from_dict(values["quality"]),
            Verification.from_dict(values["verification"]),
            SliceSums.from_dict(values["slices"]),
        )
