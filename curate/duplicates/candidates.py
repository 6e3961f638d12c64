"""Pairs of contents that share a band key: what is worth comparing exactly.

The key space is cut into partitions; each partition proposes its pairs alone and `unique_pairs` merges them.
A bucket of many contents (a template, a common licence) does not cost its square: the contents that come first in the
order of survival are paired with everybody, which is what the star rule needs to find a survivor for each.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curate.arrays import changes, distinct
from curate.hashing import UInt64Array, mix

LARGEST_COMPLETE = 32  # contents in a bucket, from the first in order, of which all pairs are proposed
LEADERS = 8  # of them, those that are paired with all others

ORDER_BITS = 24
_ORDER = np.uint64((1 << ORDER_BITS) - 1)


class Pairs(NamedTuple):
    """Pairs of distinct contents, each once, ascending by (left, right).

    Attributes:
        left: uint64[k] content keys, less than `right`.
        right: uint64[k].
    """

    left: UInt64Array
    right: UInt64Array


def band_entries(keys: UInt64Array, high: UInt64Array) -> UInt64Array:
    """Band keys that end with the upper part of the order of survival, so that an entry has three words, not four.

    Forty bits of the key are enough: two that agree by chance, a few in a partition of millions, cost one comparison.

    Args:
        keys: uint64[n, bands].
        high: uint64[n], below 2^24 (`curate.decisions.order.SurvivalOrder`).
    """
    return keys & ~_ORDER | high[:, None]


def candidate_pairs(entries: UInt64Array, contents: UInt64Array, low: UInt64Array) -> Pairs:
    """The pairs that one partition of the band keys proposes; how the entries are arranged does not matter.

    In a bucket of m distinct contents the first 32 by (order, hash) give all pairs. All after them are paired with the
    first 8 and with the next in order: O(8 m). Whoever comes last adds pairs and takes none away.

    Args:
        entries: uint64[m], `band_entries`; all entries of a key are in this partition.
        contents: uint64[m] content keys; equal contents (exact duplicates) are one content.
        low: uint64[m], the lower part of the order of survival; a content has its documents' smallest order.
    """
    shared = _repeated(entries >> np.uint64(ORDER_BITS))
    entries, contents, low = entries[shared], contents[shared], low[shared]
    in_order = np.lexsort((mix(contents), low, entries))
    keys, contents = entries[in_order] >> np.uint64(ORDER_BITS), contents[in_order]
    nodes, number = np.unique(contents, return_inverse=True)
    bucket = np.cumsum(changes(keys), dtype=np.int64)
    first = np.sort(np.unique(_packed(bucket, number), return_index=True)[1])  # of every content in every bucket
    number, bucket = number[first], bucket[first]
    begins = np.flatnonzero(changes(bucket))
    sizes = np.diff(np.append(begins, len(bucket)))
    pairs = [np.empty(0, np.uint64)]
    for size in np.unique(sizes[sizes > 1]):
        members = number[begins[sizes == size][:, None] + np.arange(size)]
        left, right = (members[:, side].ravel() for side in _bucket_pairs(int(size)))
        pairs.append(distinct(_packed(np.minimum(left, right), np.maximum(left, right))))
    found = distinct(np.concatenate(pairs))
    return Pairs(nodes[found >> np.uint64(32)], nodes[found & np.uint64(0xFFFFFFFF)])


def unique_pairs(*parts: Pairs) -> Pairs:
    """All pairs of the parts once each."""
    left, right = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.lexsort((right, left))
    left, right = left[order], right[order]
    first = changes(left) | changes(right)
    return Pairs(left[first], right[first])


def _packed(high: NDArray[np.int64], low: NDArray[np.int64]) -> UInt64Array:
    """Two numbers below 2^32 in one: NumPy sorts such values many times faster than it sorts by two columns."""
    return high.astype(np.uint64) << np.uint64(32) | low.astype(np.uint64)


def _repeated(keys: UInt64Array) -> NDArray[np.int64]:
    """Where the keys stand that occur more than once: few, and all that is to be sorted further."""
    order = np.argsort(keys)
    ordered = keys[order]
    same = ordered[1:] == ordered[:-1]
    shared = np.zeros(len(order), bool)
    shared[1:] |= same
    shared[:-1] |= same
    return order[shared]


def _bucket_pairs(size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs within 0..size: the first with each other, the leaders with all after them, neighbours among these."""
    first, second = np.triu_indices(min(size, LARGEST_COMPLETE), 1)
    rest = np.arange(LARGEST_COMPLETE, size)
    leaders = np.arange(min(LEADERS, size))
    return (
        np.concatenate([first, np.repeat(leaders, len(rest)), rest - 1]),
        np.concatenate([second, np.tile(rest, len(leaders)), rest]),
    )
