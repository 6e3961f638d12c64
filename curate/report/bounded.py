"""Bounded samples that merge exactly: the k lowest entries of every key.

They are bottom-k sketches (Cohen and Kaplan 2007). What belongs to the k lowest of a union also belongs to the k
lowest of each part that holds it, so merging is associative, commutative and indifferent to how rows were split.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

Entry = tuple[Any, ...]


@dataclass
class Lowest:
    """The `limit` lowest distinct entries of every key; entries are tuples ordered by value, then id.

    Attributes:
        limit: entries kept per key.
        entries: key → entries in ascending order.
    """

    limit: int
    entries: dict[Hashable, list[Entry]] = field(default_factory=dict)

    def add(self, keys: Iterable[Hashable], rows: pa.Table) -> None:
        """Adds the rows of `rows`, whose first columns are `value` and `id`, under the key at the same position.

        Args:
            keys: one key per row.
            rows: table of n rows; an entry is the tuple of a row's values.
        """
        codes: dict[Hashable, int] = {}
        numbered = [codes.setdefault(key, len(codes)) for key in keys]
        coded = rows.append_column("code", pa.array(numbered, pa.int64()))
        order = pc.sort_indices(coded, [("code", "ascending"), ("value", "ascending"), ("id", "ascending")])
        taken = dict.fromkeys(range(len(codes)), 0)
        chosen = []
        for position, code in zip(order.to_pylist(), pc.take(coded["code"], order).to_pylist(), strict=True):
            if taken[code] < self.limit:
                taken[code] += 1
                chosen.append(position)
        names = list(codes)
        for row in coded.take(pa.array(chosen, pa.int64())).to_pylist():
            key = names[row.pop("code")]
            self.entries[key] = self._lowest([*self.entries.get(key, []), tuple(row.values())])

    def merge(self, other: "Lowest") -> "Lowest":
        """The lowest entries of both; the limit is the smaller one."""
        merged = Lowest(min(self.limit, other.limit))
        for key in [*self.entries, *other.entries]:
            if key not in merged.entries:
                merged.entries[key] = merged._lowest([*self.entries.get(key, []), *other.entries.get(key, [])])
        return merged

    def _lowest(self, entries: list[Entry]) -> list[Entry]:
        return sorted(set(entries))[: self.limit]
