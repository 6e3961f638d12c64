"""The cap on text of mixed origin: one weight for all of it, below 1 where it would be too large a part of the corpus.

Mixed documents count among accepted ones, at that weight, so that what holds of an allocation holds with them. Their
share is at most the cap both of the accepted tokens and of the real tokens built, where copies may favour clusters that
hold many of them.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from curate.mixture.allocation import Allocation

Floats = NDArray[np.float64]

_STEPS = 30
_UNIT = 1e9  # weights are rounded down to its inverse, as those of the ledger are rounded


def allocate_capped(
    allocate: Callable[[Floats], Allocation], other: Floats, mixed: Floats, cap: float
) -> tuple[Allocation, float]:
    """Allocates with the mixed tokens that the cap lets through.

    The largest weight that the accepted tokens allow is tried first. If what is built of them has too large a share,
    the weight is bisected, from below: at 0 the cap holds in any case. Where nothing else is accepted, there is nothing
    to be a part of, and all of it stays.

    Args:
        allocate: the allocation that accepted tokens, [k], lead to.
        other: accepted tokens of documents that are not mixed, [k].
        mixed: of those that are, [k].
        cap: largest share, within [0, 1].

    Returns:
        The allocation, and the weight of mixed documents, within [0, 1].
    """

    def at(weight: float) -> tuple[Allocation, bool]:
        allocation = allocate(other + weight * mixed)
        built = float((allocation.real_weight * weight * mixed).sum())
        return allocation, built <= cap * allocation.real.sum() * (1 + 1e-9)

    if cap > 0 and not other.any():
        return allocate(mixed), 1.0
    weight = accepted_weight(float(other.sum()), float(mixed.sum()), cap)
    allocation, within = at(weight)
    if within:
        return allocation, weight
    low, high = 0.0, weight
    for _ in range(_STEPS):
        middle = math.floor((low + high) / 2 * _UNIT) / _UNIT
        low, high = (middle, high) if at(middle)[1] else (low, middle)
    return at(low)[0], low


def accepted_weight(other: float, mixed: float, cap: float) -> float:
    """The largest w ≤ 1 with w·mixed ≤ cap·(other + w·mixed)."""
    if (1 - cap) * mixed <= cap * other:
        return 1.0
    return math.floor(cap * other / ((1 - cap) * mixed) * _UNIT) / _UNIT
