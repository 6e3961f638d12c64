"""How many of the documents of each cluster another set has counted already, from bounded samples of their texts.

Of each cluster the texts with the smallest hashes are kept (the bottom-k sketch of Broder, 1997), and all sets choose
by the same hash: up to the last hash that the other set keeps of a cluster, one knows of every text whether that set
has it. The share of those that are new stands for all of the cluster. While its texts are fewer than `MOST`, all are
known and the sums are exact; beyond, the sum of both sets is off by some 2 % at most (one standard error, 1 / √`MOST`).
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.arrays import changes

MOST = 2_000
"""Texts that are kept of a cluster."""

SAMPLE = pa.schema([("cluster", pa.int32()), ("key", pa.uint64()), ("tokens", pa.int32())])


class Totals(NamedTuple):
    """Sums over documents by cluster.

    Attributes:
        tokens: of the documents.
        documents: their number.
        squares: sums of their squared tokens.
    """

    tokens: Counter[int]
    documents: Counter[int]
    squares: Counter[int]

    @staticmethod
    def none() -> "Totals":
        """Of no document."""
        return Totals(Counter(), Counter(), Counter())

    @staticmethod
    def of(documents: pa.Table) -> "Totals":
        """Of the documents that have a cluster, by their columns cluster and tokens."""
        clustered = documents.filter(documents["cluster"].is_valid())
        tokens = clustered["tokens"].cast(pa.int64())
        clustered = clustered.append_column("squares", pc.multiply(tokens, tokens))
        sums = clustered.group_by("cluster").aggregate([("tokens", "sum"), ("tokens", "count"), ("squares", "sum")])
        clusters = sums["cluster"].to_pylist()
        columns = (sums[name].to_pylist() for name in ("tokens_sum", "tokens_count", "squares_sum"))
        return Totals(*(Counter(dict(zip(clusters, column, strict=True))) for column in columns))

    def merge(self, other: "Totals") -> "Totals":
        """The sums over both sets."""
        return Totals(*(added(*columns) for columns in zip(self, other, strict=True)))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; `from_dict` gives back equal sums."""
        return {
            name: {str(cluster): n for cluster, n in sorted(column.items())} for name, column in self._asdict().items()
        }

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "Totals":
        """Reads what `to_dict` gave."""
        return Totals(
            *(Counter({int(cluster): int(n) for cluster, n in values[name].items()}) for name in Totals._fields)
        )


def added(left: Counter[int], right: Counter[int]) -> Counter[int]:
    """The sums, those of 0 included, which `Counter.__add__` drops."""
    total = Counter(left)
    total.update(right)
    return total


@dataclass(frozen=True, eq=False)
class TextSample:
    """The texts with the smallest hashes of each cluster; merging is associative, commutative and idempotent.

    Attributes:
        table: `SAMPLE`, sorted by cluster and key, each key once in a cluster.
    """

    table: pa.Table = field(default_factory=SAMPLE.empty_table)

    @staticmethod
    def collect(documents: pa.Table) -> "TextSample":
        """Samples documents by their columns cluster, content and tokens."""
        rows = documents.select(["cluster", "content", "tokens"]).rename_columns(SAMPLE.names)
        return TextSample(_smallest(rows.filter(rows["cluster"].is_valid()).cast(SAMPLE)))

    def merge(self, other: "TextSample") -> "TextSample":
        """The sample of both sets."""
        return TextSample(_smallest(pa.concat_tables([self.table, other.table])))


def without_known(totals: Totals, own: TextSample, known: TextSample) -> Totals:
    """Sums over a set of documents, but for texts that another set has.

    Args:
        totals: of the set.
        own: sample of the set.
        known: sample of the other set.
    """
    cluster, key, tokens = (own.table[name].to_numpy() for name in SAMPLE.names)
    checked = key <= _known_up_to(known, cluster)
    new = checked & ~np.isin(key, known.table["key"].to_numpy())
    numbers, place = np.unique(cluster, return_inverse=True)
    lengths = tokens.astype(np.int64)
    rest = []
    for total, measure in zip(totals, (lengths, np.ones_like(lengths), lengths**2), strict=True):
        parts = np.zeros((2, len(numbers)), np.int64)
        for part, chosen in zip(parts, (checked, new), strict=True):
            np.add.at(part, place, measure * chosen)
        left = {
            number: total[number] * of_new // of_checked
            for number, of_checked, of_new in zip(numbers.tolist(), *parts.tolist(), strict=True)
            if of_checked
        }
        rest.append(dict(total) | left)
    gone = {number for number, documents in rest[1].items() if not documents}
    return Totals(*(Counter({number: n for number, n in sums.items() if number not in gone}) for sums in rest))


def _known_up_to(known: TextSample, cluster: NDArray[np.int32]) -> NDArray[np.uint64]:
    """The last key up to which all texts of each row's cluster are known, uint64[n]."""
    clusters, keys = (known.table[name].to_numpy() for name in ("cluster", "key"))
    full, counts = np.unique(clusters, return_counts=True)
    last = keys[np.cumsum(counts) - 1]
    full, last = full[counts >= MOST], last[counts >= MOST]
    limits = np.full(int(cluster.max(initial=0)) + 1, np.iinfo(np.uint64).max)
    limits[full[full < len(limits)]] = last[full < len(limits)]
    return limits[cluster]


def _smallest(table: pa.Table) -> pa.Table:
    """The rows with the smallest keys of every cluster, each key once, sorted by both."""
    table = table.sort_by([(name, "ascending") for name in SAMPLE.names]).combine_chunks()
    cluster, key = (table[name].to_numpy() for name in ("cluster", "key"))
    first = changes(cluster)
    place = np.flatnonzero(first | changes(key))
    starts = np.maximum.accumulate(np.where(first[place], np.arange(len(place)), 0))
    return table.take(pa.array(place[np.arange(len(place)) - starts < MOST])).combine_chunks()
