"""Measures of the counts of n-gram types: how many there are, how even, how steep, and how much was not seen.

All depend on the number of tokens, so compare them at equal numbers (`curate.metrics.parts`). Types are estimated from
`SampledTypes` by Horvitz–Thompson, which is exact while the counter holds all of them.
"""

import math

import numpy as np
import scipy
from numpy.typing import NDArray

from curate.metrics.types import SampledTypes

HEAD_RANKS, TAIL_RANKS = (10, 1_000), (1_000, 100_000)
"""Bands of ranks in which Zipf slopes are fitted."""

_RANKS = 40  # at which a band is looked at, evenly spaced in logarithm: otherwise its last ranks are all that counts
_LEAST_RANKS = 10
_HALVINGS = 4

Floats = NDArray[np.float64]


def distinct(types: SampledTypes) -> float:
    """Distinct-n (Li et al. 2016, arXiv 1510.03055): types per occurrence; NaN of nothing."""
    return types.types / types.total if types.total else math.nan


def entropy(types: SampledTypes) -> float:
    """Shannon entropy in bits, with the correction of Miller (1955) and Madow: H + (U − 1)/(2N ln 2)."""
    if not types.total:
        return math.nan
    p = types.counts / types.total
    plugin = -float((p * np.log2(p)).sum()) / types.share
    return plugin + (types.types - 1) / (2 * types.total * math.log(2))


def hapax(types: SampledTypes) -> float:
    """Share of the types that occur once, f1/U."""
    return types.occurring(1) / types.types if types.total else math.nan


def coverage(types: SampledTypes) -> float:
    """Good–Turing coverage (Good 1953): 1 − f1/N, the chance that the next occurrence is of a type seen before."""
    return 1.0 - types.occurring(1) / types.total if types.total else math.nan


def unseen(types: SampledTypes) -> float:
    """Chao1 (Chao 1984), bias-corrected: at least so many types were not seen, f1(f1 − 1)/(2(f2 + 1))."""
    once, twice = types.occurring(1), types.occurring(2)
    return once * max(once - 1, 0) / (2 * (twice + 1))


def rarefied(types: SampledTypes, size: int) -> float:
    """Types expected in a random part of `size` occurrences (Hurlbert 1971): Σ 1 − C(N − c, m)/C(N, m)."""
    total = types.total
    counts, number = np.unique(types.counts, return_counts=True)
    absent = np.zeros(len(counts))
    can = counts <= total - size
    left = total - counts[can]
    gammaln = scipy.special.gammaln
    absent[can] = np.exp(gammaln(left + 1) - gammaln(left - size + 1) - gammaln(total + 1) + gammaln(total - size + 1))
    return float((number * (1.0 - absent)).sum()) / types.share


def heaps(types: SampledTypes) -> float:
    """Heaps' β: slope of ln U over ln m, on rarefied parts of N, N/2, … N/16 occurrences."""
    if types.total < 2**_HALVINGS:
        return math.nan
    sizes = [types.total >> halving for halving in range(_HALVINGS + 1)]
    return _slope(np.log(sizes), np.log([rarefied(types, size) for size in sizes]))


def zipf(types: SampledTypes, ranks: tuple[int, int]) -> float:
    """Slope of ln frequency over ln rank in a band of ranks; NaN where there are too few of them."""
    frequencies = np.sort(types.counts)[::-1]
    first, last = ranks[0], min(ranks[1], int(types.types))
    if last < 2 * first:
        return math.nan
    asked = np.unique(np.geomspace(first, last, _RANKS).astype(np.int64))
    places = np.unique(np.minimum((asked * types.share).astype(np.int64), len(frequencies)))
    places = places[places > 0]
    if len(places) < _LEAST_RANKS:
        return math.nan
    return _slope(np.log(places / types.share), np.log(frequencies[places - 1]))


def _slope(x: Floats, y: Floats) -> float:
    """Slope of the least-squares line."""
    x = x - x.mean()
    return float((x * (y - y.mean())).sum() / (x * x).sum())
