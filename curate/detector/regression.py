"""Logistic regression on the weighted n-gram counts of a segment.

Tokens and pairs of neighbouring tokens are hashed to buckets. A segment is 1 + ln(count) of each bucket, every
bucket weighted by the absolute log-ratio of its rates in both classes (Wang & Manning, 2012: naive Bayes features),
scaled to length 1.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from curate.detector.stream import TokenStream

BUCKETS = 1 << 18
"""Buckets of n-grams."""

_SLOTS = 1 << 13
Floats = NDArray[np.float64]


class Counts(NamedTuple):
    """Counts of n-gram buckets per segment, compressed rows.

    Attributes:
        buckets: int32[k], each once in a row.
        counts: float32[k].
        offsets: int64[m + 1].
    """

    buckets: NDArray[np.int32]
    counts: NDArray[np.float32]
    offsets: NDArray[np.int64]


def ngram_counts(stream: TokenStream, bounds: NDArray[np.int64]) -> Counts:
    """Counts the n-grams of segments.

    Args:
        stream: tokens.
        bounds: int64[m, 2], first token of each segment and the one after its last, at most 2,048 tokens.

    Raises:
        ValueError: a segment is too long for the hash table.
    """
    longest = int(np.diff(bounds).max(initial=0))
    if longest > _SLOTS // 4:
        raise ValueError(f"a segment of {longest} tokens, expected {_SLOTS // 4} at most; part it with `segments`")
    return Counts(*_ngram_counts(stream.hashes, bounds))


def regression_scores(counts: Counts, weights: NDArray[np.float32]) -> Floats:
    """Log-odds of segments without the intercept, float64[m].

    Args:
        counts: n-grams of m segments.
        weights: float32[BUCKETS, 2], from `fit_regression`.
    """
    return _scores(*counts, weights)


def fit_regression(
    counts: Counts, machine: NDArray[np.bool_], weight: Floats, strength: float = 3.0
) -> NDArray[np.float32]:
    """Fits the logistic regression.

    Args:
        counts: n-grams of m segments.
        machine: bool[m].
        weight: float64[m], of each segment.
        strength: inverse of the penalty, per mean weight.

    Returns:
        float32[BUCKETS, 2], factor and coefficient; zero for n-grams of fewer than four segments.
    """
    rows = np.repeat(np.arange(len(machine)), np.diff(counts.offsets))
    share = weight / weight.sum() * len(machine)
    frequent = np.bincount(counts.buckets, minlength=BUCKETS) >= 4
    logs = 1 + np.log(counts.counts)
    rates = [
        np.bincount(counts.buckets, np.where(chosen[rows], logs * share[rows], 0), BUCKETS) + 1
        for chosen in (machine, ~machine)
    ]
    ratio = np.log(rates[0] / rates[0].sum()) - np.log(rates[1] / rates[1].sum())
    factor = np.where(frequent, np.abs(ratio) + 0.2, 0).astype(np.float32)
    values = _normalised(*counts, factor)
    sign = np.where(machine, 1.0, -1.0)
    # Buckets that are not frequent have values of 0: where they are counted makes no difference.
    used = np.flatnonzero(frequent)
    places = np.zeros(BUCKETS, np.int32)
    places[used] = np.arange(len(used))
    columns = places[counts.buckets]

    def loss(coefficients: Floats) -> tuple[float, Floats]:
        gradient = np.zeros(len(used) + 1)
        total = _loss(columns, values, counts.offsets, sign, share, coefficients, gradient)
        penalty = coefficients[:-1] / strength
        gradient[:-1] += penalty
        return total + 0.5 * float(coefficients[:-1] @ penalty), gradient

    import scipy.optimize  # a sixth of a worker's memory that only training needs

    start = np.zeros(len(used) + 1)
    found = scipy.optimize.minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 40, "maxcor": 5})
    coefficients = np.zeros(BUCKETS, np.float32)
    coefficients[used] = found.x[:-1]
    return np.stack([factor, coefficients], axis=1)


@njit(cache=True, nogil=True)
def _bucket(hashed: Any, salt: Any) -> Any:
    mixed = (np.uint64(hashed) + salt) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ mixed >> np.uint64(29)) * np.uint64(0xBF58476D1CE4E5B9)
    return np.int64(mixed >> np.uint64(64 - 18))


@njit(cache=True, nogil=True)
def _ngram_counts(hashes: Any, bounds: Any) -> Any:
    most = 0
    for row in range(bounds.shape[0]):
        most += 2 * (bounds[row, 1] - bounds[row, 0])
    buckets, counts = np.empty(most, np.int32), np.empty(most, np.float32)
    offsets = np.zeros(bounds.shape[0] + 1, np.int64)
    stamps, places = np.zeros(_SLOTS, np.int64), np.zeros(_SLOTS, np.int64)
    used = 0
    for row in range(bounds.shape[0]):
        for token in range(bounds[row, 0], bounds[row, 1]):
            for order in range(2 if token + 1 < bounds[row, 1] else 1):
                pair = np.uint64(hashes[token + 1]) << np.uint64(32) if order else np.uint64(0)
                bucket = _bucket(pair | np.uint64(hashes[token]), np.uint64(order))
                slot = np.int64(np.uint64(bucket) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(51))
                while stamps[slot] == row + 1 and buckets[places[slot]] != bucket:
                    slot = (slot + 1) & (_SLOTS - 1)
                if stamps[slot] == row + 1:
                    counts[places[slot]] += 1
                else:
                    stamps[slot], places[slot] = row + 1, used
                    buckets[used], counts[used] = bucket, 1
                    used += 1
        offsets[row + 1] = used
    return buckets[:used].copy(), counts[:used].copy(), offsets


@njit(cache=True, nogil=True)
def _scores(buckets: Any, counts: Any, offsets: Any, weights: Any) -> Any:
    scores = np.zeros(offsets.size - 1)
    for row in range(offsets.size - 1):
        score = squares = 0.0
        for place in range(offsets[row], offsets[row + 1]):
            value = np.log(counts[place]) + 1 if counts[place] > 1 else 1.0
            value *= weights[buckets[place], 0]
            squares += value * value
            score += value * weights[buckets[place], 1]
        scores[row] = score / np.sqrt(squares) if squares > 0 else 0.0
    return scores


@njit(cache=True, nogil=True)
def _normalised(buckets: Any, counts: Any, offsets: Any, factor: Any) -> Any:
    values = np.empty(counts.size, np.float32)
    for row in range(offsets.size - 1):
        squares = 0.0
        for place in range(offsets[row], offsets[row + 1]):
            values[place] = (np.log(counts[place]) + 1) * factor[buckets[place]]
            squares += values[place] * values[place]
        scale = 1 / np.sqrt(squares) if squares > 0 else 0.0
        for place in range(offsets[row], offsets[row + 1]):
            values[place] *= scale
    return values


@njit(cache=True, nogil=True)
def _loss(buckets: Any, values: Any, offsets: Any, sign: Any, share: Any, coefficients: Any, gradient: Any) -> Any:
    """Weighted logistic loss; adds its gradient, that of the intercept last."""
    total = 0.0
    for row in range(offsets.size - 1):
        margin = coefficients[-1]
        for place in range(offsets[row], offsets[row + 1]):
            margin += values[place] * coefficients[buckets[place]]
        margin *= sign[row]
        small = np.exp(-abs(margin))
        total += share[row] * (np.log1p(small) + max(-margin, 0.0))
        wrong = (small if margin > 0 else 1.0) / (1 + small)
        slope = -share[row] * sign[row] * wrong
        for place in range(offsets[row], offsets[row + 1]):
            gradient[buckets[place]] += slope * values[place]
        gradient[-1] += slope
    return total
