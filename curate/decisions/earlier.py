"""Documents of an earlier output among new ones: what becomes of them, and what the new ones mean for them.

They are kept for good, so they lead among documents of their own class, whatever capture time and length say. They
have no row in the ledger. A new document of a higher own class is kept beside the earlier one that it supersedes,
which leads no longer.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

SUPERSEDED = pa.schema(
    [
        ("id", pa.string()),  # of the earlier document
        ("output", pa.string()),  # that it is in
        ("by", pa.string()),  # id of the new one
        ("reason", pa.string()),  # exact, near or contained; line: of one whose lines are kept by the new one named
        ("similarity", pa.float32()),
        ("containment", pa.float32()),
    ]
)


def as_earlier(features: pa.Table) -> pa.Table:
    """Marks features (`curate.schema.features`) as those of documents of an earlier output."""
    place = features.schema.get_field_index("earlier")
    return features.set_column(place, features.schema.field(place), pa.repeat(True, features.num_rows))


def settled(left: NDArray[np.int64], right: NDArray[np.int64], earlier_class: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Pairs in which nothing is to be decided: of two earlier documents of one own class, both of which were kept.

    Of different classes, the lower one was superseded by a later run and does not lead.

    Args:
        left: indices of documents, -1 for none, int64[pairs].
        right: likewise.
        earlier_class: own class of each document of an earlier output, -1 for new ones; int8[documents].

    Returns:
        bool[pairs].
    """
    classes = np.append(earlier_class, np.int8(-1))  # no document (-1) takes the last entry
    return (classes[left] >= 0) & (classes[left] == classes[right])


def new_documents(decided: pa.Table) -> pa.Table:
    """The rows of `curate.decisions.groups.DECIDED` that are of this run's input."""
    return decided.filter(pc.invert(decided["earlier"]))


def new_and_superseded(decided: pa.Table) -> pa.Table:
    """Those and the earlier documents that they supersede: what later steps may still change."""
    return decided.filter(pc.or_(pc.invert(decided["earlier"]), _superseded(decided)))


def _superseded(decided: pa.Table) -> pa.ChunkedArray:
    led = pc.equal(decided["stage"], "dedupe").fill_null(False)
    return pc.and_(led, pc.and_not(decided["earlier"], decided["matched_earlier"]))


@dataclass(frozen=True, eq=False)
class EarlierMatches:
    """What new documents have to do with earlier ones; merging is associative and commutative.

    Attributes:
        matched: new documents that an earlier one leads.
        superseded: `SUPERSEDED`, earlier documents that a new one leads.
    """

    matched: int
    superseded: pa.Table

    @staticmethod
    def none() -> "EarlierMatches":
        """That of no document."""
        return EarlierMatches(0, SUPERSEDED.empty_table())

    @staticmethod
    def collect(decided: pa.Table) -> "EarlierMatches":
        """Looks over `curate.decisions.groups.DECIDED`."""
        superseded = decided.filter(_superseded(decided))
        derived = {
            "output": pc.replace_substring_regex(superseded["source_file"], "/data/[^/]*$", ""),
            "by": superseded["matched_id"],
        }
        columns = [derived[name] if name in derived else superseded[name] for name in SUPERSEDED.names]
        matched = pc.sum(pc.and_not(decided["matched_earlier"], decided["earlier"])).as_py() or 0
        return EarlierMatches(matched, pa.table(columns, schema=SUPERSEDED))

    def merge(self, other: "EarlierMatches") -> "EarlierMatches":
        """That of both parts."""
        return EarlierMatches(self.matched + other.matched, pa.concat_tables([self.superseded, other.superseded]))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, in an order that does not hang on how the documents were cut."""
        rows = self.superseded.sort_by([(name, "ascending") for name in ("id", "output", "by")])
        return {"matched": self.matched, "supersedes": rows.to_pylist()}
