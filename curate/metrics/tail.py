"""Tail coverage: how much of what is rare in one corpus another one still has."""

import math

import numpy as np
from numpy.typing import NDArray

from curate.metrics.types import SampledTypes

RARE = 2
"""Occurrences up to which a type belongs to the tail."""


def tail_coverage(types: SampledTypes, other: SampledTypes) -> float:
    """Share of the types that occur at most twice in `types` which also occur in `other`; NaN without such types.

    Where the counters hold only a part of the types, it is the same part of both.
    """
    below = np.uint64(min(types.threshold, other.threshold, 2**64 - 1))
    rare = types.hashes[(types.counts <= RARE) & (types.hashes < below)]
    return float(contained(rare, other.hashes).mean()) if len(rare) else math.nan


def contained(values: NDArray[np.uint64], ascending: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which values are among others, which are sorted."""
    if not len(ascending):
        return np.zeros(len(values), dtype=bool)
    places = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
    return np.asarray(ascending[places] == values)
