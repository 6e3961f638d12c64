"""Counting what occurs in a document by bucket, in compiled loops over many documents.

A table of slots says where the current document counts each bucket; only the slots that a document used are cleared
after it, so that the cost is that of its features and not of all buckets.
"""

from typing import Any

from numba import njit


@njit(nogil=True, cache=True)
def count_in(slots: Any, indices: Any, counts: Any, used: Any, bucket: Any) -> Any:
    """Counts one occurrence in the current document; gives how many features there are now."""
    slot = slots[bucket]
    if slot < 0:
        slots[bucket] = used
        indices[used] = bucket
        counts[used] = 1
        return used + 1
    counts[slot] += 1
    return used


@njit(nogil=True, cache=True)
def clear(slots: Any, indices: Any, first: Any, used: Any) -> None:
    """Forgets the buckets of a document, whose features are those from `first` to `used`."""
    for j in range(first, used):
        slots[indices[j]] = -1
