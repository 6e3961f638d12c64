"""Counting what occurs in a document by bucket, in compiled loops over many documents.

A table of slots says where the current document counts each bucket; only the slots that a document used are cleared
after it, so that the cost is that of its features and not of all buckets.
"""

from typing import Any

import numpy as np
from numba import njit

NOWHERE = np.uint16(0xFFFF)
"""Slot of a bucket that the current document does not have; a document has fewer buckets than that."""


@njit(nogil=True, cache=True)
def empty_slots(buckets: Any) -> Any:
    """A table of slots, small so that it stays near the processor."""
    return np.full(buckets, NOWHERE, np.uint16)


@njit(nogil=True, cache=True)
def count_in(slots: Any, indices: Any, counts: Any, first: Any, used: Any, bucket: Any) -> Any:
    """Counts one occurrence in the current document, whose features start at `first`; gives where they end now."""
    slot = slots[bucket]
    if slot == NOWHERE:
        slots[bucket] = used - first
        indices[used] = bucket
        counts[used] = 1
        return used + 1
    counts[first + np.int64(slot)] += 1
    return used


@njit(nogil=True, cache=True)
def clear(slots: Any, indices: Any, first: Any, used: Any) -> None:
    """Forgets the buckets of a document, whose features are those from `first` to `used`."""
    for j in range(first, used):
        slots[indices[j]] = NOWHERE
