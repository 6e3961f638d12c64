"""From weights to documents, by seeded hashes of their keys: copies, an exact token budget, the split.

Whether a document is taken depends on its key, the seed and its weight, and for a budget on one global threshold;
never on order, sharding or retries. Every draw has a salt of its own, so that draws are independent.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from curate.hashing import UInt64Array, stage_seed, uniform

Floats = NDArray[np.float64]

RADIX_BITS = 16
LEVELS = 64 // RADIX_BITS
_DIGITS = 1 << RADIX_BITS
_MILLION = 10**6


def copies(weights: Floats, keys: UInt64Array, seed: int) -> NDArray[np.int32]:
    """⌊w⌋ copies, and one more with probability w − ⌊w⌋; raising a weight never takes a copy away.

    The number of tokens kept has mean Σ w·ℓ and standard deviation √(Σ f·(1 − f)·ℓ²), f = w − ⌊w⌋.
    """
    whole = np.floor(weights)
    return (whole + (uniform(keys, stage_seed(seed, "copies")) < weights - whole)).astype(np.int32)


def priorities(weights: Floats, keys: UInt64Array, seed: int) -> UInt64Array:
    """Ranks of u/f, f the fraction of the weight that is not whole: the smallest are taken first.

    Sequential Poisson sampling (Ohlsson 1998), which is priority sampling (Duffield, Lund and Thorup 2007) without
    replacement. Below 1 are just those for which `copies` draws one more, so that a threshold other than 1 moves as few
    documents as possible. Bits of non-negative doubles sort like the doubles; a whole weight comes last.

    Returns:
        uint64[n].
    """
    fraction = weights - np.floor(weights)
    draws = uniform(keys, stage_seed(seed, "copies"))
    with np.errstate(over="ignore"):
        ranks = np.divide(draws, fraction, out=np.full(len(draws), np.inf), where=fraction > 0)
    return np.asarray(ranks, dtype=np.float64).view(np.uint64)


@dataclass(frozen=True, eq=False)
class Tokens:
    """Tokens of a part of a corpus, for one step of a `BudgetSearch`. Mergeable, exactly and in any order.

    Attributes:
        whole: tokens of the whole copies.
        weighted: tokens by weight, in millionths of a token.
        by_digit: int64[65536], tokens of documents with a fraction, by a digit of their priority.
    """

    whole: int
    weighted: int
    by_digit: NDArray[np.int64]

    def merge(self, other: "Tokens") -> "Tokens":
        """The tokens of both parts."""
        return Tokens(self.whole + other.whole, self.weighted + other.weighted, self.by_digit + other.by_digit)


@dataclass(frozen=True)
class BudgetSearch:
    """The search for the threshold of priorities at which a token budget is spent: a radix selection in four steps.

    Attributes:
        budget: tokens left to spend on what lies at or behind the prefix.
        level: digits known.
        prefix: the known upper digits of the threshold.
        done: everything behind the prefix fits.
    """

    budget: int
    level: int = 0
    prefix: int = 0
    done: bool = False

    def tally(self, weights: Floats, keys: UInt64Array, tokens: NDArray[np.int64], seed: int) -> Tokens:
        """The tokens of a part of the corpus that the next step asks for."""
        priority = priorities(weights, keys, seed)
        shift = np.uint64(64 - RADIX_BITS * (self.level + 1))
        digits = priority >> shift
        asked = weights > np.floor(weights)
        if self.level:
            asked &= digits >> np.uint64(RADIX_BITS) == np.uint64(self.prefix)
        sums = np.zeros(_DIGITS, dtype=np.int64)
        np.add.at(sums, (digits[asked] & np.uint64(_DIGITS - 1)).astype(np.int64), tokens[asked])
        whole = int((np.floor(weights).astype(np.int64) * tokens).sum())
        return Tokens(whole, int((np.rint(weights * _MILLION).astype(np.int64) * tokens).sum()), sums)

    def narrowed(self, tokens: Tokens) -> "BudgetSearch":
        """The search with one more digit known.

        Args:
            tokens: of the whole corpus.
        """
        if self.done or self.level == LEVELS:
            return self
        # Where the weights ask for less than the budget, the supply is short: they are what there is to spend.
        budget = self.budget if self.level else min(self.budget, tokens.weighted // _MILLION) - tokens.whole
        cumulative = np.cumsum(tokens.by_digit)
        digit = int(np.searchsorted(cumulative, budget, side="right"))
        if digit == _DIGITS:
            return replace(self, budget=budget, done=True)
        below = int(cumulative[digit - 1]) if digit else 0
        return BudgetSearch(budget - below, self.level + 1, (self.prefix << RADIX_BITS) | digit)

    @property
    def threshold(self) -> int:
        """Documents of smaller priority get one more copy; in [0, 2**64], where 2**64 takes all.

        What is taken is at most the budget, and short of it by less than the tokens of the next document in order of
        priority (of all such documents, should their priorities be equal).
        """
        return (self.prefix + self.done) << (64 - RADIX_BITS * self.level)


def budget_copies(weights: Floats, keys: UInt64Array, threshold: int, seed: int) -> NDArray[np.int32]:
    """⌊w⌋ copies, and one more for documents whose priority is below the threshold of a `BudgetSearch`."""
    whole = np.floor(weights)
    extra = below_threshold(priorities(weights, keys, seed), threshold) & (weights > whole)
    return (whole + extra).astype(np.int32)


def below_threshold(priority: UInt64Array, threshold: int) -> NDArray[np.bool_]:
    """Whether each priority is below a threshold of `BudgetSearch`."""
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
