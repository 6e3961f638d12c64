"""Bounded samples that merge exactly: the k lowest entries of every key.

They are bottom-k sketches (Cohen and Kaplan 2007). What belongs to the k lowest of a union also belongs to the k
lowest of each part that holds it, so merging is associative, commutative and indifferent to how rows were split.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.columns import one_array
from curate.hashing import UInt64Array

Entry = tuple[Any, ...]

_MARGIN = 4  # times the share of the rows that are wanted


@dataclass
class Lowest:
    """The `limit` lowest distinct entries of every key; entries are tuples ordered by value, then id.

    Attributes:
        limit: entries kept per key.
        entries: key → entries in ascending order.
    """

    limit: int
    entries: dict[Hashable, list[Entry]] = field(default_factory=dict)

    def add(self, keys: Sequence[pa.ChunkedArray], rows: pa.Table) -> None:
        """Adds each row of `rows`, whose first columns are `value` and `id`, under its key.

        Args:
            keys: columns of n rows; a key is the value of one column, or the tuple of the values of several.
            rows: table of n rows; an entry is the tuple of a row's values.
        """
        codes, first = _numbered(keys)
        near = np.flatnonzero(_likely(codes, rows["value"].to_numpy(), len(first), self.limit))
        names = list(zip(*(key.take(pa.array(first)).to_pylist() for key in keys), strict=True))
        found: dict[Hashable, list[Entry]] = {}
        for code, row in zip(codes[near].tolist(), rows.take(pa.array(near)).to_pylist(), strict=True):
            key = names[code] if len(keys) > 1 else names[code][0]
            found.setdefault(key, []).append(tuple(row.values()))
        for key, entries in found.items():
            self.entries[key] = self._lowest([*self.entries.get(key, []), *entries])

    def merge(self, other: "Lowest") -> "Lowest":
        """The lowest entries of both; the limit is the smaller one."""
        merged = Lowest(min(self.limit, other.limit))
        for key in [*self.entries, *other.entries]:
            if key not in merged.entries:
                merged.entries[key] = merged._lowest([*self.entries.get(key, []), *other.entries.get(key, [])])
        return merged

    def _lowest(self, entries: list[Entry]) -> list[Entry]:
        return sorted(set(entries))[: self.limit]


def _numbered(keys: Sequence[pa.ChunkedArray]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The number of each row's key, 0 to k - 1, and the first row of each of the k keys."""
    codes = np.zeros(len(keys[0]), dtype=np.int64)
    for key in keys:
        coded = pc.dictionary_encode(one_array(key), null_encoding="encode")
        codes = codes * max(len(coded.dictionary), 1) + coded.indices.to_numpy()
    distinct = pc.dictionary_encode(pa.array(codes))
    numbers = distinct.indices.to_numpy().astype(np.int64)
    first = np.zeros(len(distinct.dictionary), dtype=np.int64)
    first[numbers[::-1]] = np.arange(len(numbers))[::-1]
    return numbers, first


def _likely(codes: NDArray[np.int64], values: UInt64Array, count: int, limit: int) -> NDArray[np.bool_]:
    """Rows among which the lowest of each of `count` keys are: few, where values are hashes; no sorting."""
    sizes = np.bincount(codes, minlength=count)
    highest = 2.0**64 * _MARGIN * limit / np.maximum(sizes, 1)
    near = values <= highest[codes]
    enough = np.bincount(codes[near], minlength=count) >= np.minimum(limit, sizes)
    return near | ~enough[codes]
