"""An interpolated Kneser-Ney trigram model with exact, vectorised sampling.

With discount D per order, counts c, and N₁₊ for numbers of distinct continuations (Kneser and Ney 1995; Chen and
Goodman 1999), the model is

    P₃(w|uv) = (c(uvw) − D₃)⁺ / c(uv)  +  D₃ N₁₊(uv·) / c(uv) · P₂(w|v)

P₂ likewise on the numbers N₁₊(·vw) of distinct trigrams, and P₁(w) = N₁₊(·w) / N₁₊(··). To sample from it no
probability is ever computed: a uniformly random *occurrence* of the context proposes its continuation w, accepted with
probability 1 − D/c, so that w is emitted with probability (c − D)/c(uv) and the rejected mass is exactly the weight of
the lower order.

P₁ gives words that the model has not seen no chance, which is right for an author. To be scored on texts that hold such
words it is mixed with the uniform distribution over a closed vocabulary, which gets what discounting the unigrams would
leave: γ = D₁ N₁₊₊ / N₁₊(··), N₁₊₊ the number of words seen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from curate.language_model.words import BEGIN, Int64Array

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Order:
    """Occurrences of one order, grouped by context.

    Attributes:
        keys: distinct context · vocabulary + word, ascending.
        counts: occurrences of each key.
        discount: D.
        contexts: distinct contexts, ascending.
        starts: where the occurrences of each context begin; one longer than contexts.
        distinct: distinct words after each context.
        continuations: the word of each occurrence.
        acceptance: 1 − D/c of each occurrence.
    """

    keys: Int64Array
    counts: Int64Array
    discount: float
    contexts: Int64Array
    starts: Int64Array
    distinct: Int64Array
    continuations: Int64Array
    acceptance: Floats

    @staticmethod
    def count(contexts: Int64Array, words: Int64Array, vocabulary: int) -> "_Order":
        keys, counts = np.unique(contexts * vocabulary + words, return_counts=True)
        once, twice = int(np.count_nonzero(counts == 1)), int(np.count_nonzero(counts == 2))
        discount = once / ((once + 2 * twice) or 1)  # Ney, Essen and Kneser 1994
        different, distinct = np.unique(keys // vocabulary, return_counts=True)
        ends = np.cumsum(counts)[np.cumsum(distinct) - 1]
        return _Order(
            keys=keys,
            counts=counts,
            discount=discount,
            contexts=different,
            starts=np.concatenate([[0], ends]),
            distinct=distinct,
            continuations=np.repeat(keys % vocabulary, counts),
            acceptance=np.repeat(1.0 - discount / counts, counts),
        )

    def replace(self, words: Int64Array, contexts: Int64Array, rng: np.random.Generator) -> Int64Array:
        """The words drawn by the lower order, replaced wherever this order accepts its own proposal."""
        places = np.minimum(np.searchsorted(self.contexts, contexts), len(self.contexts) - 1)
        starts = self.starts[places]
        chosen = starts + (rng.random(len(words)) * (self.starts[places + 1] - starts)).astype(np.int64)
        accepted = (self.contexts[places] == contexts) & (rng.random(len(words)) < self.acceptance[chosen])
        return np.where(accepted, self.continuations[chosen], words)

    def interpolate(self, lower: Floats, contexts: Int64Array, words: Int64Array, vocabulary: int) -> Floats:
        """Probabilities of words after contexts, given those of the lower order."""
        places = np.minimum(np.searchsorted(self.contexts, contexts), len(self.contexts) - 1)
        known = self.contexts[places] == contexts
        total = self.starts[places + 1] - self.starts[places]
        keys = contexts * vocabulary + words
        found = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        counts = np.where(self.keys[found] == keys, self.counts[found], 0)
        seen = np.maximum(counts - self.discount, 0.0) + self.discount * self.distinct[places] * lower
        interpolated: Floats = np.where(known, seen / total, lower)
        return interpolated


@dataclass(frozen=True)
class Trigrams:
    """A fitted model of token numbers.

    Attributes:
        size: of the vocabulary; number 0 is the begin mark.
        frequencies: occurrences of each token, int64[size].
    """

    size: int
    frequencies: Int64Array
    _trigrams: _Order
    _bigrams: _Order
    _unigrams: Int64Array

    @staticmethod
    def fit(documents: Sequence[Int64Array], size: int) -> "Trigrams":
        """Counts the trigrams of documents, two begin marks before each.

        Args:
            documents: token numbers, none of them the begin mark; a document may come several times.
            size: of the vocabulary.

        Raises:
            ValueError: the documents hold no token.
        """
        lengths = np.array([len(document) for document in documents], dtype=np.int64)
        if not lengths.sum():
            raise ValueError("no token in the documents, expected at least one")
        stream = np.full(int(lengths.sum()) + 2 * len(lengths), BEGIN, dtype=np.int64)
        ends = np.cumsum(lengths + 2)
        mark = np.zeros(len(stream), dtype=bool)
        mark[ends - lengths - 1] = mark[ends - lengths - 2] = True
        stream[~mark] = np.concatenate(documents)
        first, second, third = stream[:-2], stream[1:-1], stream[2:]
        within = third != BEGIN
        pairs, words = (first * size + second)[within], third[within]
        trigrams = np.unique(pairs * size + words)
        bigrams = np.unique(trigrams % (size * size))
        return Trigrams(
            size=size,
            frequencies=np.bincount(words, minlength=size),
            _trigrams=_Order.count(pairs, words, size),
            _bigrams=_Order.count(trigrams // size % size, trigrams % size, size),
            _unigrams=bigrams % size,
        )

    def next_tokens(self, first: Int64Array, second: Int64Array, rng: np.random.Generator) -> Int64Array:
        """Draws one continuation of each context.

        Args:
            first: token numbers two before, int64[n].
            second: token numbers one before, int64[n].
            rng: source of chance.
        """
        words = self._unigrams[rng.integers(len(self._unigrams), size=len(first))]
        words = self._bigrams.replace(words, second, rng)
        return self._trigrams.replace(words, first * self.size + second, rng)

    def probabilities(self, first: Int64Array, second: Int64Array, words: Int64Array, closed: bool = False) -> Floats:
        """The chance of each word after its context, float64[n].

        Args:
            first: token numbers two before, int64[n].
            second: token numbers one before, int64[n].
            words: int64[n].
            closed: give every word of the vocabulary a chance, seen or not; else probabilities are those with which
                `next_tokens` draws.
        """
        base = self._closed_base if closed else self._base
        lower = self._bigrams.interpolate(base[words], second, words, self.size)
        return self._trigrams.interpolate(lower, first * self.size + second, words, self.size)

    @cached_property
    def _base(self) -> Floats:
        base: Floats = np.bincount(self._unigrams, minlength=self.size) / len(self._unigrams)
        return base

    @cached_property
    def _closed_base(self) -> Floats:
        counts = np.bincount(self._unigrams, minlength=self.size)
        once, twice = (int(np.count_nonzero(counts == times)) for times in (1, 2))
        left = once / ((once + 2 * twice) or 1) * np.count_nonzero(counts) / len(self._unigrams)
        base = (1.0 - left) * self._base + left / (self.size - 1)
        base[BEGIN] = 0.0
        return base

    def likelier(self, first: Int64Array, second: Int64Array, words: Int64Array, others: Int64Array) -> Int64Array:
        """Of two draws for the same places the words that are likelier there."""
        kept = words.copy()
        places = np.flatnonzero(words != others)
        first, second = first[places], second[places]
        better = self.probabilities(first, second, others[places]) > self.probabilities(first, second, words[places])
        kept[places[better]] = others[places[better]]
        return kept


Draw = Callable[[Int64Array, Int64Array, Int64Array], Int64Array]
"""Draws the next tokens: of (tokens two before, tokens one before, numbers of the documents)."""


def sample_documents(lengths: Sequence[int] | Int64Array, draw: Draw) -> list[Int64Array]:
    """Draws documents of the given lengths in tokens, all of them one step at a time."""
    lengths = np.asarray(lengths, dtype=np.int64)
    order = np.argsort(-lengths, kind="stable")
    tokens = np.full((lengths.max(initial=0) + 2, len(lengths)), BEGIN, dtype=np.int64)  # longest documents first
    active = np.searchsorted(-lengths[order], -np.arange(len(tokens) - 2), side="left")
    for step, n in enumerate(active, start=2):
        tokens[step, :n] = draw(tokens[step - 2, :n], tokens[step - 1, :n], order[:n])
    columns = np.empty_like(order)
    columns[order] = np.arange(len(order))
    return [tokens[2 : 2 + length, column] for length, column in zip(lengths, columns, strict=True)]
