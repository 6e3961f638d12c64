"""Locality-sensitive hashing of MinHash signatures: how many bands of how many rows, and their keys.

Two sets with Jaccard similarity s agree in one signature entry with probability s, in all r rows of a band
with s^r, and in at least one of b bands with 1 - (1 - s^r)^b (Leskovec, Rajaraman and Ullman, "Mining of
Massive Datasets", section 3.4).
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from curate.config import Config
from curate.errors import UsageError
from curate.hashing import mix

RECALL = 0.995
MARGIN = 0.05

_FACTOR = np.uint64(0x9E3779B97F4A7C15)


class Bands(NamedTuple):
    """The layout of a signature: `bands` keys of `rows` entries each; what is left over is unused."""

    bands: int
    rows: int


def bands_of(config: Config) -> Bands:
    """Bands and rows: as configured, or the cheapest that find pairs at the threshold."""
    dedupe = config.dedupe
    if dedupe.bands:
        return Bands(dedupe.bands, dedupe.rows)
    return choose_bands(dedupe.threshold, dedupe.permutations)


def collision_probability(similarity: ArrayLike, bands: int, rows: int) -> NDArray[np.float64]:
    """Probability that two sets of this Jaccard similarity share a band key: 1 - (1 - s^rows)^bands."""
    return 1.0 - (1.0 - np.asarray(similarity, np.float64) ** rows) ** bands


@lru_cache
def choose_bands(threshold: float, permutations: int) -> Bands:
    """The cheapest bands that miss at most one in 200 pairs a little above the threshold.

    False candidates cost most (each is verified), so the most rows win; then the fewest bands, whose keys are
    shuffled. "A little above" is 0.05, or a quarter of the way to 1 where that is less, so that the promise
    does not turn into identical signatures near 1.

    Raises:
        UsageError: the threshold is so low that no layout of so few permutations reaches the probability.
    """
    similarity = threshold + min(MARGIN, (1.0 - threshold) / 4)
    for rows in range(permutations, 0, -1):
        for bands in range(1, permutations // rows + 1):
            if collision_probability(similarity, bands, rows) >= RECALL:
                return Bands(bands, rows)
    needed = int(np.ceil(np.log1p(-RECALL) / np.log1p(-similarity)))
    raise UsageError(
        f"dedupe.permutations is {permutations}, expected at least {needed} for dedupe.threshold {threshold}; "
        f"raise the permutations or the threshold"
    )


def band_keys(signatures: NDArray[np.uint32], bands: Bands) -> NDArray[np.uint64]:
    """One 64-bit key per signature and band; keys of different bands never meet but by chance.

    Args:
        signatures: uint32[n, permutations], permutations ≥ bands × rows.
        bands: the layout.

    Returns:
        uint64[n, bands]. Texts without shingles all have the same keys: leave them out.
    """
    count, rows = bands
    entries = signatures[:, : count * rows].reshape(-1, count, rows).astype(np.uint64)
    keys = np.broadcast_to(mix(np.arange(1, count + 1, dtype=np.uint64)), entries.shape[:2]).copy()
    for row in range(rows):
        keys = (keys ^ entries[:, :, row]) * _FACTOR
        keys ^= keys >> np.uint64(32)
    return mix(keys)
