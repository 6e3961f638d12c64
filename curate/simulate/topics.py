"""The learner of the benchmark: Kneser-Ney trigrams mixed with the words of a topic, P = (1 − λ)·P₃(w|uv) + λ·P(w|t).

A model without topics could not lose one. The topic of a document is given when it is scored, and drawn when one is
written. The *ancestral* decoder follows the model exactly. The *sharp* one imitates low temperature and nucleus
sampling: of two draws from the trigrams it keeps the likelier, and it raises topic shares to the power 1.3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from curate.language_model.trigrams import Floats, Trigrams, sample_documents
from curate.language_model.words import BEGIN, Int64Array

TOPIC_WEIGHT = 0.25
"""λ, the weight of the topic's words."""
SHARP_POWER = 1.3

Decoder = Literal["ancestral", "sharp"]


@dataclass(frozen=True)
class TopicModel:
    """A fitted model.

    Attributes:
        trigrams: of all documents.
        documents: fitted documents by topic, int64[k].
    """

    trigrams: Trigrams
    documents: Int64Array
    _words: Int64Array  # of all documents, ordered by topic
    _starts: Int64Array  # where the words of each topic begin, [k + 1]
    _lengths: Int64Array  # of the documents, ordered by topic
    _keys: Int64Array  # distinct topic · size + word, ascending
    _counts: Int64Array  # of each key

    @staticmethod
    def fit(documents: Sequence[Int64Array], topics: Int64Array, size: int, topic_count: int) -> "TopicModel":
        """Counts.

        Args:
            documents: token numbers.
            topics: int64[n], the topic of each document.
            size: of the vocabulary.
            topic_count: k.

        Raises:
            ValueError: the documents hold no token.
        """
        trigrams = Trigrams.fit(documents, size)
        order = np.argsort(topics, kind="stable")
        lengths = np.array([len(documents[row]) for row in order], dtype=np.int64)
        words = np.concatenate([documents[row] for row in order])
        topic_words = np.bincount(topics[order], weights=lengths, minlength=topic_count).astype(np.int64)
        keys, counts = np.unique(np.repeat(topics[order], lengths) * size + words, return_counts=True)
        return TopicModel(
            trigrams,
            np.bincount(topics, minlength=topic_count),
            words,
            np.concatenate([[0], np.cumsum(topic_words)]),
            lengths,
            keys,
            counts,
        )

    def topic_shares(self, decoder: Decoder) -> Floats:
        """How likely a written document is to be of each topic, float64[k]."""
        shares = (self.documents / self.documents.sum()) ** (SHARP_POWER if decoder == "sharp" else 1.0)
        normalised: Floats = shares / shares.sum()
        return normalised

    def write(self, count: int, decoder: Decoder, rng: np.random.Generator) -> tuple[list[Int64Array], Int64Array]:
        """Writes documents, as long as the fitted ones of their topics.

        Returns:
            Token numbers and topic of each document.
        """
        topics = rng.choice(len(self.documents), size=count, p=self.topic_shares(decoder))
        before = np.concatenate([[0], np.cumsum(self.documents)])[topics]
        lengths = self._lengths[before + (rng.random(count) * self.documents[topics]).astype(np.int64)]

        def draw(first: Int64Array, second: Int64Array, places: Int64Array) -> Int64Array:
            words = self.trigrams.next_tokens(first, second, rng)
            if decoder == "sharp":
                words = self.trigrams.likelier(first, second, words, self.trigrams.next_tokens(first, second, rng))
            topic = topics[places]
            starts, ends = self._starts[topic], self._starts[topic + 1]
            of_topic = self._words[starts + (rng.random(len(topic)) * (ends - starts)).astype(np.int64)]
            return np.where(rng.random(len(topic)) < TOPIC_WEIGHT, of_topic, words)

        return sample_documents(lengths, draw), topics

    def log_probabilities(self, documents: Sequence[Int64Array], topics: Int64Array) -> list[Floats]:
        """Natural logarithms of the chances of all tokens, in a closed vocabulary each of whose words has one.

        The words of a topic that the model has never met are those of its trigrams.
        """
        lengths = np.array([len(document) for document in documents], dtype=np.int64)
        padded = np.concatenate([np.concatenate([[BEGIN, BEGIN], document]) for document in documents])
        words = np.concatenate(documents)
        places = np.arange(len(words)) + 2 * (1 + np.repeat(np.arange(len(lengths)), lengths))
        chances = self.trigrams.probabilities(padded[places - 2], padded[places - 1], words, closed=True)
        topic = np.repeat(topics, lengths)
        keys = topic * self.trigrams.size + words
        found = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        counts = np.where(self._keys[found] == keys, self._counts[found], 0)
        total = np.diff(self._starts)[topic]
        mixed = (1 - TOPIC_WEIGHT) * chances + TOPIC_WEIGHT * counts / np.maximum(total, 1)
        logs = np.log(np.where(total > 0, mixed, chances))
        return np.split(logs, np.cumsum(lengths)[:-1])


def tail_topics(documents: Int64Array, mass: float = 0.25) -> NDArray[np.bool_]:
    """The smallest topics that together hold at most this share of the documents, bool[k]; empty ones are in none."""
    order = np.argsort(documents, kind="stable")
    tail = np.zeros(len(documents), dtype=bool)
    tail[order] = np.cumsum(documents[order]) <= mass * documents.sum()
    return tail & (documents > 0)
