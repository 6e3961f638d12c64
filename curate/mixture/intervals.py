"""How far the shares of the reference may be from those of the population that its documents are a sample of.

The interval is that of Clopper and Pearson (1934) for a share of documents, carried over to tokens as Fay and Feuer
(1997) carry Poisson intervals over to weighted sums: a cluster with X tokens in documents of lengths ℓ counts as X²/Σℓ²
documents of Σℓ²/X tokens each. With equal lengths both are the same. It is closed, so that it depends on no seed, and
takes documents for independent: where those of a cluster come from few sources, it is too narrow.

No variant of the shares corrected for confusion, P(assigned cluster | true cluster), is given. With groups of a column
there is none to correct. A fitted cluster is nothing but what its centroid gathers: reference and supply are assigned
by the same centroids, each document by its own text alone, so that what chance does to the one it does to the other.
Confusion can be estimated without labels, from halves of the documents, but correcting by it does harm: where texts are
beginnings of longer ones, the shares came no nearer to those of the longer texts, and from 200 tokens on they went
further away, by a tenth to twice as far, since texts drift in topic: their tokens are not a random sample. Where they
are, correction gains a third at best, and loses at 400 tokens (`tests/benchmarks/bench_confusion.py`).
"""

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

LEVEL = 0.95


def share_intervals(
    tokens: ArrayLike, documents: ArrayLike, squares: ArrayLike, level: float = LEVEL
) -> tuple[Floats, Floats]:
    """Intervals of the share of tokens that each cluster has.

    Args:
        tokens: X, of the reference documents of each cluster, [k].
        documents: their number, [k].
        squares: Σℓ², the sum over them of their squared tokens, [k].
        level: chance that the interval holds the share, at least about.

    Returns:
        (low, high), float64[k] within [0, 1]; 0 and 1 where there are no documents at all.
    """
    own, number, power = (np.asarray(column, dtype=np.float64) for column in (tokens, documents, squares))
    if not own.any():
        return np.zeros_like(own), np.ones_like(own)
    rest, rest_power = own.sum() - own, power.sum() - power
    # A few documents show too little of how lengths spread: they count as spread as in all clusters at least.
    squared_mean = _part(own**2, number, np.zeros_like(own))
    spread = power.sum() / squared_mean.sum()
    typical = np.full_like(own, power.sum() / own.sum())
    size = np.maximum(_part(power, own, typical), spread * _part(own, number, np.zeros_like(own)))
    rest_size = _part(rest_power, rest, typical)
    count, others = own / size, rest / rest_size
    tail = (1.0 - level) / 2.0
    low = np.where(own > 0, scipy.special.betaincinv(np.maximum(count, 1e-9), others + 1.0, tail), 0.0)
    high = np.where(rest > 0, scipy.special.betaincinv(count + 1.0, np.maximum(others, 1e-9), 1.0 - tail), 1.0)
    low, high = (share * size / (share * size + (1.0 - share) * rest_size) for share in (low, high))
    return low, high


def _part(part: Floats, whole: Floats, otherwise: Floats) -> Floats:
    return np.divide(part, whole, out=otherwise.copy(), where=whole > 0)
