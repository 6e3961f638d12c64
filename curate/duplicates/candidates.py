"""Pairs of contents that share a band key: what is worth comparing exactly.

The key space is cut into partitions; each partition proposes its pairs alone and `unique_pairs` merges them.
A bucket of many contents (a template, a common licence) does not cost its square: the contents that come first in the
order of survival are paired with everybody, which is what the star rule needs to find a survivor for each. So are the
first of every class, since one declared machine text tells of all its copies.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curate.arrays import changes, distinct, repeated
from curate.hashing import UInt64Array, mix

LARGEST_COMPLETE = 32  # contents in a bucket, from the first in order, of which all pairs are proposed
LEADERS = 8  # of every class, those that are paired with all others
MANY = 1_000  # pairs of one content, of which each is verified where its other end is

ORDER_BITS = 24
_ORDER = np.uint64((1 << ORDER_BITS) - 1)
_CLASS_SHIFT = np.uint64(ORDER_BITS - 2)


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
        keys: uint64[m].
        high: uint64[m], below 2^24 (`curate.decisions.order.SurvivalOrder`).
    """
    return keys & ~_ORDER | high


def candidate_pairs(entries: UInt64Array, contents: UInt64Array, low: UInt64Array) -> Pairs:
    """The pairs that one partition of the band keys proposes; how the entries are arranged does not matter.

    In a bucket of m distinct contents the first 32 by (order, hash) give all pairs. All after them are paired with the
    next in order, and all with the first 8 of each class: O(m). Whoever comes last adds pairs and takes none away.

    Args:
        entries: uint64[m], `band_entries`; all entries of a key are in this partition.
        contents: uint64[m] content keys; equal contents (exact duplicates) are one content.
        low: uint64[m], the lower part of the order of survival; a content has its documents' smallest order, and is of
            the classes of all of them.
    """
    shared = repeated(entries >> np.uint64(ORDER_BITS))
    entries, contents, low = entries[shared], contents[shared], low[shared]
    in_order = np.lexsort((mix(contents), low, entries))
    entries = entries[in_order]
    nodes, number = np.unique(contents[in_order], return_inverse=True)
    bucket = np.cumsum(changes(entries >> np.uint64(ORDER_BITS)), dtype=np.int64) - 1
    first = _first(bucket, number)
    begins = np.flatnonzero(changes(bucket[first]))
    sizes = np.diff(np.append(begins, len(first)))
    pairs = [np.empty(0, np.uint64)]
    for size in np.unique(sizes[sizes > 1]):
        members = number[first][begins[sizes == size][:, None] + np.arange(size)]
        left, right = (members[:, side].ravel() for side in _near_pairs(int(size)))
        pairs.append(distinct(_pair(left, right)))

    kind = np.cumsum(changes(entries >> _CLASS_SHIFT), dtype=np.int64) - 1
    of_kind = _first(kind, number)
    place = np.arange(len(of_kind)) - np.flatnonzero(changes(kind[of_kind]))[kind[of_kind]]
    leaders = of_kind[(place < LEADERS) & (sizes[bucket[of_kind]] > LARGEST_COMPLETE)]
    led = sizes[bucket[leaders]]
    member = np.arange(led.sum()) + np.repeat(begins[bucket[leaders]] - np.cumsum(led) + led, led)
    left, right = np.repeat(number[leaders], led), number[first][member]
    pairs.append(distinct(_pair(left, right)[left != right]))
    found = distinct(np.concatenate(pairs))
    return Pairs(nodes[found >> np.uint64(32)], nodes[found & np.uint64(0xFFFFFFFF)])


def unique_pairs(*parts: Pairs) -> Pairs:
    """All pairs of the parts once each."""
    left, right = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.lexsort((right, left))
    left, right = left[order], right[order]
    first = changes(left) | changes(right)
    return Pairs(left[first], right[first])


def spread(pairs: Pairs) -> UInt64Array:
    """The end of each pair by which it finds the place where it is verified.

    That of a leader is not where all whom it leads gather: their shingle sets are as large as their texts.

    Args:
        pairs: with all pairs of each left end, ascending (`unique_pairs`).

    Returns:
        uint64[k], the left end, or the right one where the left has many pairs.
    """
    begins = np.flatnonzero(changes(pairs.left))
    sizes = np.diff(np.append(begins, len(pairs.left)))
    return np.where(np.repeat(sizes, sizes) > MANY, pairs.right, pairs.left)


def _packed(high: NDArray[np.int64], low: NDArray[np.int64]) -> UInt64Array:
    """Two numbers below 2^32 in one: NumPy sorts such values many times faster than it sorts by two columns."""
    return high.astype(np.uint64) << np.uint64(32) | low.astype(np.uint64)


def _pair(left: NDArray[np.int64], right: NDArray[np.int64]) -> UInt64Array:
    return _packed(np.minimum(left, right), np.maximum(left, right))


def _first(group: NDArray[np.int64], number: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each number stands first in each group, ascending."""
    return np.sort(np.unique(_packed(group, number), return_index=True)[1])


def _near_pairs(size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs within 0..size: the first with each other, neighbours among those after them."""
    first, second = np.triu_indices(min(size, LARGEST_COMPLETE), 1)
    rest = np.arange(LARGEST_COMPLETE, size)
    return np.concatenate([first, rest - 1]), np.concatenate([second, rest])
