"""The machine author of the demo: a trigram model with a decoder that keeps the commoner of two draws.

Text decoded for likelihood lacks the tail of the language it was learnt from. Plain samples of a trigram model cannot
be told from prose by the words in them, and there would be nothing to show.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from curate.language_model.trigrams import Trigrams, sample_documents
from curate.language_model.words import Int64Array, Vocabulary

_SENTENCE_ENDS = (".", "!", "?")
_LONGEST_TAIL = 60  # tokens after the wanted length within which a sentence should end


@dataclass(frozen=True)
class TrigramModel:
    """A fitted author.

    Attributes:
        vocabulary: of the fitted texts.
        trigrams: what it draws from.
        lengths: tokens of each fitted document, from which lengths are drawn.
    """

    vocabulary: Vocabulary
    trigrams: Trigrams
    lengths: Int64Array

    @staticmethod
    def fit(texts: Iterable[str]) -> "TrigramModel":
        """Counts the trigrams of the texts.

        Raises:
            ValueError: the texts hold no token.
        """
        texts = list(texts)
        vocabulary = Vocabulary.of(texts)
        documents = vocabulary.read(texts)
        lengths = np.array([len(document) for document in documents], dtype=np.int64)
        return TrigramModel(vocabulary, Trigrams.fit(documents, len(vocabulary)), lengths)

    def sample_tokens(
        self, lengths: Sequence[int] | Int64Array, rng: np.random.Generator, draws: int = 1
    ) -> list[Int64Array]:
        """Draws documents of the given lengths in tokens.

        Args:
            lengths: tokens of each document.
            rng: source of chance.
            draws: tokens drawn for each place, the commonest of which is kept; 1 follows the model exactly.
        """
        frequencies = self.trigrams.frequencies

        def draw(first: Int64Array, second: Int64Array, documents: Int64Array) -> Int64Array:
            words = self.trigrams.next_tokens(first, second, rng)
            for _ in range(draws - 1):
                others = self.trigrams.next_tokens(first, second, rng)
                words = np.where(frequencies[others] > frequencies[words], others, words)
            return words

        return sample_documents(lengths, draw)

    def write(self, documents: int, rng: np.random.Generator) -> list[str]:
        """Writes documents as long as the fitted ones, each ending with a sentence where one ends soon enough."""
        lengths = rng.choice(self.lengths, size=documents)
        samples = self.sample_tokens(lengths + _LONGEST_TAIL, rng, draws=2)
        return [self._finish(tokens, length) for tokens, length in zip(samples, lengths.tolist(), strict=True)]

    def _finish(self, tokens: Int64Array, length: int) -> str:
        words = [self.vocabulary.tokens[i] for i in tokens]
        end = next((i + 1 for i in range(length - 1, len(words)) if words[i] in _SENTENCE_ENDS), length)
        return self.vocabulary.write(tokens[:end])
