"""What credentials, metadata, lineage and rights were found: one mergeable count over ledger tables."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.provenance.evidence import CREDENTIALS, LINEAGE, METADATA, RIGHTS, list_lengths, one_chunk

JsonDict = dict[str, Any]

FAMILIES = (CREDENTIALS, METADATA, LINEAGE, RIGHTS)
DECISIONS = ("kept", "held", "dropped")
_KEY = ["family", "kind", "claim", "decision"]


@dataclass(frozen=True)
class ProvenanceCounts:
    """Documents of any part of a ledger by what was found on their provenance.

    Attributes:
        documents: (family, kind, claim, decision) → documents with such an item, each counted once.
    """

    documents: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)

    @staticmethod
    def of(ledger: pa.Table) -> "ProvenanceCounts":
        """Counts over finished documents (`curate.decisions.mixing.FINISHED`)."""
        evidence = one_chunk(ledger["evidence"])
        row = pa.array(np.repeat(np.arange(len(evidence)), list_lengths(evidence)))
        items = evidence.flatten()
        found = pa.table(
            {
                "row": row,
                **{name: pc.struct_field(items, name) for name in ("family", "kind", "claim")},
                "decision": ledger["decision"].take(row),
            }
        ).filter(pc.is_in(pc.struct_field(items, "family"), value_set=pa.array(FAMILIES)))
        once = found.group_by(["row", *_KEY], use_threads=False).aggregate([])
        sums = once.group_by(_KEY, use_threads=False).aggregate([([], "count_all")]).to_pylist()
        return ProvenanceCounts(Counter({tuple(row[name] for name in _KEY): row["count_all"] for row in sums}))

    def merge(self, other: "ProvenanceCounts") -> "ProvenanceCounts":
        """The counts of both parts."""
        return ProvenanceCounts(self.documents + other.documents)

    def to_dict(self) -> JsonDict:
        """Plain JSON types."""
        return {"documents": [[*key, count] for key, count in sorted(self.documents.items(), key=str)]}

    @staticmethod
    def from_dict(values: JsonDict) -> "ProvenanceCounts":
        """Reads what `to_dict` gave."""
        return ProvenanceCounts(Counter({tuple(key): count for *key, count in values["documents"]}))

    def rows(self) -> list[JsonDict]:
        """One row for each family, kind and claim, in the order of families, the commonest first."""
        kinds: dict[tuple[str, str, str], JsonDict] = {}
        for (family, kind, claim, decision), count in self.documents.items():
            row = kinds.setdefault((family, kind, claim), dict.fromkeys(("documents", *DECISIONS), 0))
            row[decision] += count
            row["documents"] += count
        ordered = sorted(kinds.items(), key=lambda item: (FAMILIES.index(item[0][0]), -item[1]["documents"], item[0]))
        return [{"family": family, "kind": kind, "claim": claim, **counts} for (family, kind, claim), counts in ordered]
