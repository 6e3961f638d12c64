"""Columns of keys: where they change, what is distinct or repeated in them, and where a key stands."""

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


def lookup(keys: UInt64Array, wanted: UInt64Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where each wanted key first stands among sorted keys, and whether it does."""
    if len(keys) == 0:
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), bool)
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return place, keys[place] == wanted


def repeated(keys: UInt64Array) -> NDArray[np.int64]:
    """Where the keys stand that occur more than once, equal ones side by side: few, and all to be looked at further."""
    order = np.argsort(keys)
    ordered = keys[order]
    same = ordered[1:] == ordered[:-1]
    shared = np.zeros(len(order), bool)
    shared[1:] |= same
    shared[:-1] |= same
    return order[shared]
