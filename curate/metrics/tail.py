"""Tail coverage: how much of what is rare in one corpus another one still has."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.metrics.types import SampledTypes

RARE = 2
"""Occurrences up to which a type belongs to the tail."""


def tail_coverage(types: SampledTypes, *others: SampledTypes) -> float:
    """Share of the types that occur at most twice in `types` which also occur in others; NaN without such types.

    Where the counters hold only a part of the types, it is the same part of all.
    """
    below = np.uint64(min(types.threshold, *(other.threshold for other in others), 2**64 - 1))
    rare = types.hashes[(types.counts <= RARE) & (types.hashes < below)]
    if not len(rare):
        return math.nan
    found = [contained(rare, other.hashes) for other in others]
    return float(np.logical_or.reduce(found).mean())


def contained(values: NDArray[Any], ascending: NDArray[Any]) -> NDArray[np.bool_]:
    """Which values are among others, which are sorted."""
    if not len(ascending):
        return np.zeros(len(values), dtype=bool)
    places = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
    return np.asarray(ascending[places] == values)
