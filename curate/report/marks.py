"""What the report says of watermarks and of hidden characters: one mergeable count over ledger tables."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.provenance.evidence import MARKER, list_lengths, one_chunk
from curate.watermarks.discoveries import Discoveries
from curate.watermarks.evidence import find

JsonDict = dict[str, Any]


@dataclass(frozen=True)
class Marks:
    """Counts of documents of any part of a ledger.

    Attributes:
        watermarks: (test, decision) → watermarked documents; (test, "") → tested ones.
        markers: (kind, tier) → documents with such a marker.
    """

    watermarks: Counter[tuple[str, str]] = field(default_factory=Counter)
    markers: Counter[tuple[str, str]] = field(default_factory=Counter)

    @staticmethod
    def of(ledger: pa.Table, found: Mapping[str, Discoveries]) -> "Marks":
        """Counts over finished documents (`curate.decisions.mixing.FINISHED`).

        Args:
            ledger: the documents.
            found: what the tests found, with their thresholds.
        """
        watermarks: Counter[tuple[str, str]] = Counter()
        for name, discovered in find(ledger["watermarks"], found).items():
            watermarks[name, ""] += discovered.tested
            for decision in pc.value_counts(ledger["decision"].take(discovered.results["row"])).to_pylist():
                watermarks[name, decision["values"]] += decision["counts"]
        return Marks(watermarks, _markers(one_chunk(ledger["evidence"]), ledger["tier"]))

    def merge(self, other: "Marks") -> "Marks":
        """The counts of both parts."""
        return Marks(self.watermarks + other.watermarks, self.markers + other.markers)

    def to_dict(self) -> JsonDict:
        """Plain JSON types."""
        return {
            name: [[*key, count] for key, count in sorted(counts.items(), key=str)]
            for name, counts in (("watermarks", self.watermarks), ("markers", self.markers))
        }

    @staticmethod
    def from_dict(values: JsonDict) -> "Marks":
        """Reads what `to_dict` gave."""
        counts = (Counter({(a, b): count for a, b, count in values[name]}) for name in ("watermarks", "markers"))
        return Marks(*counts)

    def watermark_rows(self, found: Mapping[str, Discoveries], q: float) -> list[JsonDict]:
        """One row for each test of these documents, by name."""
        rows = []
        for test in sorted({test for test, _ in self.watermarks}):
            name, kind, _, digest = test.split("/")
            by_decision = {decision: self.watermarks[test, decision] for decision in ("kept", "held", "dropped")}
            result = found.get(test)
            rows.append(
                {
                    "name": name,
                    "kind": kind,
                    "digest": digest,
                    "tested": self.watermarks[test, ""],
                    "watermarked": sum(by_decision.values()),
                    **by_decision,
                    "q": q,
                    "corpus": result.to_dict() if result else None,
                }
            )
        return rows

    def marker_rows(self) -> list[JsonDict]:
        """One row for each kind of marker, the commonest first."""
        kinds: Counter[str] = Counter()
        for (kind, _), count in self.markers.items():
            kinds[kind] += count
        return [
            {"kind": kind, "documents": count, "trusted": self.markers[kind, "trusted_human"]}
            for kind, count in sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
        ]


def _markers(evidence: pa.ListArray, tiers: pa.ChunkedArray) -> Counter[tuple[str, str]]:
    items = evidence.flatten()
    rows = pa.table(
        {
            "kind": pc.struct_field(items, "kind"),
            "tier": tiers.take(pa.array(np.repeat(np.arange(len(evidence)), list_lengths(evidence)))),
        }
    ).filter(pc.equal(pc.struct_field(items, "family"), MARKER))
    sums = rows.group_by(["kind", "tier"], use_threads=False).aggregate([([], "count_all")])
    return Counter({(row["kind"], row["tier"]): row["count_all"] for row in sums.to_pylist()})
