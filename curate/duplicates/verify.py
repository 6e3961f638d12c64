"""Exact similarity of candidate pairs. No estimate decides about a document."""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray


def similarities(
    values: NDArray[np.uint64], offsets: NDArray[np.int64], left: NDArray[np.integer], right: NDArray[np.integer]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Jaccard similarity and both containments of pairs of shingle sets, by merging the sorted sets.

    Args:
        values: uint64[m], ascending and without repeats within each set (`kernel.shingle_sets`).
        offsets: int64[n + 1], where each set starts.
        left: k indices of sets.
        right: k indices of sets.

    Returns:
        jaccard, left_in_right, right_in_left: float32[k] each; |L ∩ R| over |L ∪ R|, |L| and |R|.
        0 where a set is empty: texts shorter than a shingle have nothing to compare.
    """
    shared = _shared(
        np.ascontiguousarray(values, np.uint64),
        np.ascontiguousarray(offsets, np.int64),
        np.ascontiguousarray(left, np.int64),
        np.ascontiguousarray(right, np.int64),
    )
    sizes = np.diff(offsets)
    left_size, right_size = sizes[left], sizes[right]
    return (
        _share(shared, left_size + right_size - shared),
        _share(shared, left_size),
        _share(shared, right_size),
    )


def verified(
    jaccard: NDArray[np.float32],
    left_in_right: NDArray[np.float32],
    right_in_left: NDArray[np.float32],
    threshold: float,
    containment: float,
) -> NDArray[np.bool_]:
    """Which pairs are near duplicates (Jaccard ≥ threshold) or contained one in the other (≥ containment)."""
    largest = np.maximum(left_in_right, right_in_left)
    return (jaccard >= np.float32(threshold)) | (largest >= np.float32(containment))


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float32]:
    return (part / np.maximum(whole, 1)).astype(np.float32)


@numba.njit(cache=True, nogil=True)
def _shared(values: Any, offsets: Any, left: Any, right: Any) -> Any:
    """Sizes of the intersections."""
    shared = np.zeros(left.size, np.int64)
    for pair in range(left.size):
        i, i_end = offsets[left[pair]], offsets[left[pair] + 1]
        j, j_end = offsets[right[pair]], offsets[right[pair] + 1]
        count = 0
        while i < i_end and j < j_end:
            one, other = values[i], values[j]
            count += one == other
            i += one <= other
            j += other <= one
        shared[pair] = count
    return shared
