"""Pairs of contents that share a band key: what is worth comparing exactly.

The key space is cut into partitions; each partition proposes its pairs alone and `unique_pairs` merges them.
A bucket of many contents (a template, a common licence) does not cost its square: a few leaders are paired
with everybody, which is what the star rule needs to find a survivor for each.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curate.hashing import UInt64Array, mix

LARGEST_COMPLETE = 32  # contents in a bucket of which all pairs are proposed
LEADERS = 16


class Pairs(NamedTuple):
    """Pairs of distinct contents, each once, ascending by (left, right).

    Attributes:
        left: uint64[k] content keys, less than `right`.
        right: uint64[k].
        left_location: uint64[k], the smallest location of that content, where its text can be read.
        right_location: uint64[k].
    """

    left: UInt64Array
    right: UInt64Array
    left_location: UInt64Array
    right_location: UInt64Array


def candidate_pairs(keys: UInt64Array, contents: UInt64Array, locations: UInt64Array) -> Pairs:
    """The pairs that one partition of the band keys proposes; the order of the entries does not matter.

    Buckets of up to 32 distinct contents give all pairs. In a larger one of m the contents are put in hash
    order, the first 16 are paired with all others and each with the next: O(16 m).

    Args:
        keys: uint64[m] band keys; all entries of a key are in this partition.
        contents: uint64[m] content keys; equal contents (exact duplicates) are one content.
        locations: uint64[m].
    """
    order = np.lexsort((locations, mix(contents), keys))
    keys, contents, locations = keys[order], contents[order], locations[order]
    first = _run_starts(keys, contents)
    keys, contents, locations = keys[first], contents[first], locations[first]
    begins = _run_starts(keys)
    sizes = np.diff(np.append(begins, len(keys)))
    parts = [(np.empty(0, np.int64), np.empty(0, np.int64))]
    for size in range(2, LARGEST_COMPLETE + 1):
        one, other = np.triu_indices(size, 1)
        bucket = begins[sizes == size][:, None]
        parts.append(((bucket + one).ravel(), (bucket + other).ravel()))
    for size in np.unique(sizes[sizes > LARGEST_COMPLETE]):
        one, other = _star(int(size))
        bucket = begins[sizes == size][:, None]
        parts.append(((bucket + one).ravel(), (bucket + other).ravel()))
    left, right = (np.concatenate(side) for side in zip(*parts, strict=True))
    swap = contents[left] > contents[right]
    left, right = np.where(swap, right, left), np.where(swap, left, right)
    return unique_pairs(Pairs(contents[left], contents[right], locations[left], locations[right]))


def unique_pairs(*parts: Pairs) -> Pairs:
    """All pairs of the parts once each, with the smallest location seen for each side."""
    left, right, left_location, right_location = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.lexsort((right, left))
    left, right = left[order], right[order]
    first = _run_starts(left, right)
    if not len(first):
        return Pairs(left, right, left_location, right_location)
    return Pairs(
        left[first],
        right[first],
        np.minimum.reduceat(left_location[order], first),
        np.minimum.reduceat(right_location[order], first),
    )


def _run_starts(*columns: UInt64Array) -> NDArray[np.int64]:
    """Where a run of equal entries starts, in columns sorted together."""
    changed = np.ones(len(columns[0]), bool)
    if len(changed):
        changed[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    return np.flatnonzero(changed)


def _star(size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs within 0..size: every leader with all after it, and neighbours among the rest."""
    leader, member = np.triu_indices(LEADERS, 1, size)
    rest = np.arange(LEADERS, size - 1)
    return np.concatenate([leader, rest]), np.concatenate([member, rest + 1])
