"""An interpolated Kneser-Ney trigram model with exact, vectorised sampling: the machine author of the demo.

With discount D per order, counts c, and N₁₊ for numbers of distinct continuations (Kneser and Ney 1995; Chen and
Goodman 1999), the model is

    P₃(w|uv) = (c(uvw) − D₃)⁺ / c(uv)  +  D₃ N₁₊(uv·) / c(uv) · P₂(w|v)

P₂ likewise on the numbers N₁₊(·vw) of distinct trigrams, and P₁(w) = N₁₊(·w) / N₁₊(··). To sample from it no
probability is ever computed: a uniformly random *occurrence* of the context proposes its continuation w, accepted with
probability 1 − D/c, so that w is emitted with probability (c − D)/c(uv) and the rejected mass is exactly the weight of
the lower order.

Its documents are written with a sharper decoder, which keeps the commoner of two exact draws. Text decoded for
likelihood lacks the tail of the language it was learnt from; plain samples of a trigram model cannot be told from prose
by the words in them, and there would be nothing to show.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Int64Array = NDArray[np.int64]

BEGIN = 0
"""The token that stands twice before every document; it is never sampled."""

# Tokens keep the space before them, so that a document is the concatenation of its tokens.
_TOKEN = re.compile(r"\n\n| ?\w+(?:['’-]\w+)*| ?[^\w\s]")
# Backing off to unigrams may put two words side by side that were never neighbours.
_JOINT = "\0"
_MISSING_SPACE = re.compile(rf"(?<=\w){_JOINT}(?=\w)")
_SENTENCE_ENDS = (".", "!", "?")
_LONGEST_TAIL = 60  # tokens after the wanted length within which a sentence should end


@dataclass(frozen=True)
class _Order:
    """Occurrences of one order, grouped by context.

    Attributes:
        contexts: distinct contexts, ascending.
        starts: where the occurrences of each context begin; one longer than contexts.
        continuations: the word of each occurrence.
        acceptance: 1 − D/c of each occurrence.
    """

    contexts: Int64Array
    starts: Int64Array
    continuations: Int64Array
    acceptance: NDArray[np.float64]

    @staticmethod
    def count(contexts: Int64Array, words: Int64Array, vocabulary: int) -> "_Order":
        keys, counts = np.unique(contexts * vocabulary + words, return_counts=True)
        once, twice = int(np.count_nonzero(counts == 1)), int(np.count_nonzero(counts == 2))
        discount = once / ((once + 2 * twice) or 1)  # Ney, Essen and Kneser 1994
        distinct, starts = np.unique(np.repeat(keys // vocabulary, counts), return_index=True)
        return _Order(
            contexts=distinct,
            starts=np.append(starts, counts.sum()),
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


@dataclass(frozen=True)
class TrigramModel:
    """A fitted model.

    Attributes:
        vocabulary: tokens; number 0 is the begin mark.
        frequencies: occurrences of each token, shape (len(vocabulary),).
        lengths: tokens of each fitted document, from which lengths are drawn.
    """

    vocabulary: tuple[str, ...]
    frequencies: Int64Array
    lengths: Int64Array
    _trigrams: _Order
    _bigrams: _Order
    _unigrams: Int64Array

    @staticmethod
    def fit(texts: Iterable[str]) -> "TrigramModel":
        """Counts the trigrams of the texts.

        Raises:
            ValueError: the texts hold no token.
        """
        documents = [_TOKEN.findall(text) for text in texts]
        vocabulary = ["", *sorted({token for document in documents for token in document})]
        if len(vocabulary) == 1:
            raise ValueError("no token in the texts, expected at least one word")
        number = {token: i for i, token in enumerate(vocabulary)}
        stream = np.array(
            [i for document in documents for i in (BEGIN, BEGIN, *(number[token] for token in document))],
            dtype=np.int64,
        )
        size = len(vocabulary)
        first, second, third = stream[:-2], stream[1:-1], stream[2:]
        within = third != BEGIN
        pairs, words = (first * size + second)[within], third[within]
        trigrams = np.unique(pairs * size + words)
        bigrams = np.unique(trigrams % (size * size))
        return TrigramModel(
            vocabulary=tuple(vocabulary),
            frequencies=np.bincount(words, minlength=size),
            lengths=np.array([len(document) for document in documents], dtype=np.int64),
            _trigrams=_Order.count(pairs, words, size),
            _bigrams=_Order.count(trigrams // size % size, trigrams % size, size),
            _unigrams=bigrams % size,
        )

    def next_tokens(self, first: Int64Array, second: Int64Array, rng: np.random.Generator) -> Int64Array:
        """Draws one continuation of each context.

        Args:
            first: token numbers two before, shape (n,), int64.
            second: token numbers one before, shape (n,), int64.
            rng: source of chance.
        """
        words = self._unigrams[rng.integers(len(self._unigrams), size=len(first))]
        words = self._bigrams.replace(words, second, rng)
        return self._trigrams.replace(words, first * len(self.vocabulary) + second, rng)

    def sample_tokens(
        self, lengths: Sequence[int] | Int64Array, rng: np.random.Generator, draws: int = 1
    ) -> list[Int64Array]:
        """Draws documents of the given lengths in tokens, all of them one step at a time.

        Args:
            lengths: tokens of each document.
            rng: source of chance.
            draws: tokens drawn for each place, the commonest of which is kept; 1 follows the model exactly.
        """
        lengths = np.asarray(lengths, dtype=np.int64)
        order = np.argsort(-lengths, kind="stable")
        tokens = np.full((lengths.max(initial=0) + 2, len(lengths)), BEGIN, dtype=np.int64)  # longest documents first
        active = np.searchsorted(-lengths[order], -np.arange(len(tokens) - 2), side="left")
        for step, n in enumerate(active, start=2):
            first, second = tokens[step - 2, :n], tokens[step - 1, :n]
            words = self.next_tokens(first, second, rng)
            for _ in range(draws - 1):
                others = self.next_tokens(first, second, rng)
                words = np.where(self.frequencies[others] > self.frequencies[words], others, words)
            tokens[step, :n] = words
        columns = np.empty_like(order)
        columns[order] = np.arange(len(order))
        return [tokens[2 : 2 + length, column] for length, column in zip(lengths, columns, strict=True)]

    def write(self, documents: int, rng: np.random.Generator) -> list[str]:
        """Writes documents as long as the fitted ones, each ending with a sentence where one ends soon enough."""
        lengths = rng.choice(self.lengths, size=documents)
        samples = self.sample_tokens(lengths + _LONGEST_TAIL, rng, draws=2)
        return [self._finish(tokens, length) for tokens, length in zip(samples, lengths.tolist(), strict=True)]

    def _finish(self, tokens: Int64Array, length: int) -> str:
        words = [self.vocabulary[i] for i in tokens]
        end = next((i + 1 for i in range(length - 1, len(words)) if words[i] in _SENTENCE_ENDS), length)
        return _MISSING_SPACE.sub(" ", _JOINT.join(words[:end])).replace(_JOINT, "").replace("\n\n ", "\n\n").strip()
