"""Seeded, portable hashes: the only source of order and chance in curate.

Python's builtin hash and global random generators differ from process to process, so nothing uses them.
"""

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

UInt64Array = NDArray[np.uint64]

_C1 = np.uint64(0xBF58476D1CE4E5B9)
_C2 = np.uint64(0x94D049BB133111EB)


def stage_seed(seed: int, stage: str) -> int:
    """A 64-bit seed of its own for every (run seed, stage), so that stages draw independently."""
    return xxhash.xxh3_64_intdigest(stage.encode(), seed)


def mix(values: UInt64Array, seed: int = 0) -> UInt64Array:
    """A bijective scramble of 64-bit keys (the finaliser of SplitMix64, Steele et al. 2014).

    Args:
        values: keys, any shape, uint64.
        seed: 64-bit seed; different seeds give unrelated orders.
    """
    with np.errstate(over="ignore"):
        z = np.asarray(values, dtype=np.uint64) + np.uint64(seed & 0xFFFFFFFFFFFFFFFF)
        z = (z ^ (z >> np.uint64(30))) * _C1
        z = (z ^ (z >> np.uint64(27))) * _C2
        return z ^ (z >> np.uint64(31))


def uniform(values: UInt64Array, seed: int) -> NDArray[np.float64]:
    """A number in [0, 1) for every key: the upper 53 bits of `mix`."""
    return (mix(values, seed) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def hash_strings(strings: pa.Array | pa.ChunkedArray, seed: int = 0) -> UInt64Array:
    """xxh3-64 of the UTF-8 bytes of each string; null hashes as the empty string."""
    from curate.xxh3 import digests  # compiled, which takes long to import where nothing is hashed

    chunks = strings.chunks if isinstance(strings, pa.ChunkedArray) else [strings]
    return np.concatenate([np.empty(0, np.uint64), *(digests(chunk, seed) for chunk in chunks)])
