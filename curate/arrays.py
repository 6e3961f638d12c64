"""Sorted columns: where they change, and what is distinct in them."""

import numpy as np
from numpy.typing import NDArray

from curate.hashing import UInt64Array


def changes(column: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Where a sorted column has another value than before; true at the first place."""
    changed = np.ones(len(column), bool)
    changed[1:] = column[1:] != column[:-1]
    return changed


def distinct(values: UInt64Array) -> UInt64Array:
    """The distinct values, ascending; many times faster for millions than `numpy.unique`, which hashes them first."""
    values = np.sort(values)
    return values[changes(values)]
