"""Groups of duplicates: how large they are, which are the largest, and which pairs are least alike. Mergeable.

A group is a survivor and what was dropped or held for it. All of a group is decided in one place, so a table of
finished documents holds it whole, and sizes and largest groups are exact without counting by survivor over the corpus.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

COPIES = ("exact", "near", "contained", "duplicate_of_held")
MEASURES = {"near": "similarity", "contained": "containment"}
PAIRS_KEPT = 20
PAIRS_SHOWN = 10
"""Of the least similar pairs of each kind, those whose texts are shown."""
LARGEST_GROUPS = 10
MEMBERS = 2


class Pair(NamedTuple):
    """A copy and the document that survived it.

    Attributes:
        measured: what pairs are ordered by, the lowest first: one of the two shares below.
        id: of the copy.
        matched_id: of the survivor.
        reason: why the copy went.
        similarity: Jaccard similarity of the two.
        containment: share of the copy's shingles found in the survivor.
        source: of the copy.
        matched_source: of the survivor; None where it has none, or is of an earlier output.
    """

    measured: float
    id: str
    matched_id: str
    reason: str
    similarity: float | None
    containment: float | None
    source: str | None
    matched_source: str | None


@dataclass
class Groups:
    """Duplicate groups of whole tables of a ledger.

    Attributes:
        sizes: documents in a group, its survivor counted → groups.
        largest: (documents, id of the survivor), the largest first.
        members: id of a survivor in `largest` → its least similar copies.
        least: near or contained → the least similar pairs that were accepted.
    """

    sizes: dict[int, int] = field(default_factory=dict)
    largest: list[tuple[int, str]] = field(default_factory=list)
    members: dict[str, list[Pair]] = field(default_factory=dict)
    least: dict[str, list[Pair]] = field(default_factory=dict)

    @staticmethod
    def of(ledger: pa.Table, sources: pa.Array | pa.ChunkedArray) -> "Groups":
        """The groups of one table, each of which it holds whole.

        Args:
            ledger: n rows with the columns of `curate.schema.LEDGER`.
            sources: n strings, the source of each document.
        """
        columns = ("id", "decision", "reason", "matched_id", "similarity", "containment")
        rows = pa.table({name: ledger[name] for name in columns} | {"source": sources})
        copies = rows.filter(pc.and_(pc.is_in(rows["reason"], pa.array(COPIES)), pc.is_valid(rows["matched_id"])))
        counted = copies.group_by("matched_id", use_threads=False).aggregate([([], "count_all")])
        sizes = np.unique(counted["count_all"].to_numpy() + 1, return_counts=True)
        largest = _lowest(counted, [("count_all", "descending"), ("matched_id", "ascending")], LARGEST_GROUPS)
        ids = largest["matched_id"]
        of_largest = copies.filter(pc.is_in(copies["matched_id"], ids.combine_chunks()))
        return Groups(
            sizes=dict(zip(*(column.tolist() for column in sizes), strict=True)),
            largest=[
                (size + 1, id) for size, id in zip(largest["count_all"].to_pylist(), ids.to_pylist(), strict=True)
            ],
            members={
                id: _pairs(of_largest.filter(pc.equal(of_largest["matched_id"], id)), "similarity", MEMBERS, rows)
                for id in ids.to_pylist()
            },
            least={
                reason: _pairs(accepted, measure, PAIRS_KEPT, rows)
                for reason, measure in MEASURES.items()
                if (accepted := copies.filter(pc.equal(copies["reason"], reason))).num_rows
            },
        )

    def merge(self, other: "Groups") -> "Groups":
        """The groups of both parts. Associative and commutative; `Groups()` is neutral."""
        largest = sorted([*self.largest, *other.largest], key=lambda group: (-group[0], group[1]))[:LARGEST_GROUPS]
        members = self.members | other.members
        return Groups(
            sizes={
                size: self.sizes.get(size, 0) + other.sizes.get(size, 0)
                for size in sorted(self.sizes.keys() | other.sizes.keys())
            },
            largest=largest,
            members={id: members[id] for _, id in largest},
            least={
                reason: sorted([*self.least.get(reason, []), *other.least.get(reason, [])])[:PAIRS_KEPT]
                for reason in sorted(self.least.keys() | other.least.keys())
            },
        )

    def shown(self) -> list[Pair]:
        """The pairs to show side by side: the least similar, and copies in the largest group; each pair once."""
        pairs = [pair for reason in MEASURES for pair in self.least.get(reason, [])[:PAIRS_SHOWN]]
        pairs += self.members[self.largest[0][1]] if self.largest else []
        return list({pair[1:3]: pair for pair in pairs}.values())

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; equal groups give equal values in equal order."""
        return {
            "sizes": [list(item) for item in sorted(self.sizes.items())],
            "largest": [list(group) for group in self.largest],
            "members": {id: _to_lists(pairs) for id, pairs in sorted(self.members.items())},
            "least": {reason: _to_lists(pairs) for reason, pairs in sorted(self.least.items())},
        }

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "Groups":
        """Reads what `to_dict` gave."""
        return Groups(
            sizes=dict(map(tuple, values["sizes"])),
            largest=[(size, id) for size, id in values["largest"]],
            members={id: [Pair(*pair) for pair in pairs] for id, pairs in values["members"].items()},
            least={reason: [Pair(*pair) for pair in pairs] for reason, pairs in values["least"].items()},
        )


def _pairs(copies: pa.Table, measure: str, most: int, ledger: pa.Table) -> list[Pair]:
    """The pairs of the copies with the lowest measure, those of equal measure in the order of their ids."""
    lowest = _lowest(copies, [(measure, "ascending"), ("id", "ascending")], most)
    survivors = ledger.filter(pc.is_in(ledger["id"], lowest["matched_id"].combine_chunks()))
    source = dict(zip(survivors["id"].to_pylist(), survivors["source"].to_pylist(), strict=True))
    return [
        Pair(
            row[measure],
            row["id"],
            row["matched_id"],
            row["reason"],
            row["similarity"],
            row["containment"],
            row["source"],
            source.get(row["matched_id"]),
        )
        for row in lowest.to_pylist()
    ]


def _lowest(table: pa.Table, order: list[tuple[str, str]], most: int) -> pa.Table:
    if table.num_rows == 0:  # of which Arrow selects nothing but an error
        return table
    return table.take(pc.select_k_unstable(table, most, sort_keys=order))


def _to_lists(pairs: Iterable[Pair]) -> list[list[Any]]:
    return [list(pair) for pair in pairs]
