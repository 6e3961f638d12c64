"""From weights to documents, by seeded hashes of their keys: copies, an exact token budget, the split.

Whether a document is taken depends on its key, the seed and its weight, and for a budget on one global threshold;
never on order, sharding or retries. Every draw has a salt of its own, so that draws are independent.
"""

import numpy as np
from numpy.typing import NDArray

from curate.hashing import UInt64Array, stage_seed, uniform

Floats = NDArray[np.float64]

RADIX_BITS = 16
LEVELS = 64 // RADIX_BITS
_DIGITS = 1 << RADIX_BITS


def copies(weights: Floats, keys: UInt64Array, seed: int) -> NDArray[np.int32]:
    """⌊w⌋ copies, and one more with probability w − ⌊w⌋; raising a weight never takes a copy away.

    The number of tokens kept has mean Σ w·ℓ and standard deviation √(Σ f·(1 − f)·ℓ²), f = w − ⌊w⌋.
    """
    whole = np.floor(weights)
    return (whole + (uniform(keys, stage_seed(seed, "copies")) < weights - whole)).astype(np.int32)


def priorities(weights: Floats, keys: UInt64Array, seed: int) -> UInt64Array:
    """Keys whose order is a weighted sample without replacement: the bits of −ln(u)/w, smallest first.

    Efraimidis and Spirakis (2006). Bits of non-negative doubles sort like the doubles. Weight 0 comes last.
    """
    draws = -np.log(uniform(keys, stage_seed(seed, "budget")) + 2.0**-54)
    with np.errstate(over="ignore"):
        clocks = np.divide(np.maximum(draws, 0.0), weights, out=np.full(len(draws), np.inf), where=weights > 0)
    return np.asarray(clocks, dtype=np.float64).view(np.uint64)


def histogram(priority: UInt64Array, tokens: NDArray[np.int64], level: int = 0, prefix: int = 0) -> NDArray[np.int64]:
    """Tokens by the digit at `level` (0: the highest) of the priorities that start with `prefix`.

    Histograms of parts of a corpus add up to that of the whole, exactly, in any order.

    Returns:
        int64[65536].
    """
    shift = np.uint64(64 - RADIX_BITS * (level + 1))
    digits = priority >> shift
    chosen = digits >> np.uint64(RADIX_BITS) == np.uint64(prefix) if level else np.ones(len(priority), dtype=bool)
    sums = np.zeros(_DIGITS, dtype=np.int64)
    np.add.at(sums, (digits[chosen] & np.uint64(_DIGITS - 1)).astype(np.int64), tokens[chosen])
    return sums


def boundary(sums: NDArray[np.int64], budget: int) -> tuple[int, int]:
    """The first digit whose tokens no longer fit, and the tokens before it.

    Returns:
        (digit, tokens below it); digit 65,536 when everything fits.
    """
    cumulative = np.cumsum(sums)
    digit = int(np.searchsorted(cumulative, budget, side="right"))
    return digit, int(cumulative[digit - 1]) if digit else 0


def budget_threshold(priority: UInt64Array, tokens: NDArray[np.int64], budget: int) -> int:
    """The threshold below which documents fit a token budget: keep `priority < threshold`.

    A radix selection in at most four mergeable histograms, so that a distributed run needs no more than four
    sums. What is kept is at most the budget, and short of it by less than the tokens of the next document
    in order of priority (of all such documents, should their priorities be equal).

    Returns:
        A threshold in [0, 2**64]; 2**64 keeps everything.
    """
    prefix = 0
    for level in range(LEVELS):
        digit, below = boundary(histogram(priority, tokens, level, prefix), budget)
        if digit == _DIGITS:
            return (prefix + 1) << (64 - RADIX_BITS * level)
        budget -= below
        prefix = (prefix << RADIX_BITS) | digit
    return prefix


def budget_copies(
    weights: Floats, keys: UInt64Array, tokens: NDArray[np.int64], budget: int, seed: int
) -> NDArray[np.int32]:
    """Copies whose tokens fit a budget: ⌊w⌋ each, and the rest by priority sampling on the fractions.

    Short of the budget by less than one document where Σ ⌊w⌋·ℓ ≤ budget and the fractions suffice; where the
    whole copies alone exceed it, no fraction is added.
    """
    whole = np.floor(weights)
    rest = budget - int((whole * tokens).sum())
    priority = priorities(weights - whole, keys, seed)
    extra = below_threshold(priority, budget_threshold(priority, tokens, rest)) if rest > 0 else np.zeros(len(keys))
    return (whole + (extra.astype(bool) & (weights > whole))).astype(np.int32)


def below_threshold(priority: UInt64Array, threshold: int) -> NDArray[np.bool_]:
    """Whether each document is kept under a threshold of `budget_threshold`."""
    if threshold >= 2**64:
        return np.ones(len(priority), dtype=bool)
    return priority < np.uint64(threshold)


def in_validation(groups: UInt64Array, share: float, seed: int) -> NDArray[np.bool_]:
    """Which documents are for validation; all members of a duplicate group fall on one side."""
    return uniform(groups, stage_seed(seed, "split")) < share


def loss_weight(real: float, synthetic: float) -> float:
    """The weight of a synthetic document in the loss relative to a real one: w* = (√(k² + 4k) − k)/2.

    k = real/synthetic documents; the optimum of He et al. (2025, arXiv 2502.18049), 0.618 at k = 1. An upper
    limit, since it assumes a generator without bias. 1 without synthetic documents, 0 without real ones.
    """
    if synthetic <= 0:
        return 1.0
    k = real / synthetic
    return 2 * k / (np.sqrt(k * k + 4 * k) + k) if k > 0 else 0.0
