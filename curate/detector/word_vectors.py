"""fastText (Joulin et al., 2017, arXiv 1607.01759), reduced to one number per feature.

fastText averages the vectors of its features, words, pairs of words and the character n-grams of words (Bojanowski
et al., 2017, arXiv 1607.04606), and applies a softmax to a linear map of the average. With two classes the log-odds
are therefore the average of one number per feature: the projection of its vector on the difference of both output
vectors. Training is fastText's; what is kept of a model are those numbers, and scoring reads them off the token
stream, ten times as fast. Features that training has never met are left out of the average, where fastText has random
vectors.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from curate.detector.distinct import DistinctTokens, distinct_tokens
from curate.detector.stream import FNV_START, TokenStream, fnv, token_end, token_hash, token_stream
from curate.errors import CurateError

GRAM = 4
"""Characters in a character n-gram; words are set between < and >."""

_WORD_SLOTS = 1 << 17
_LABEL = "__label__"


class WordVectors(NamedTuple):
    """A fastText classifier of two classes, reduced.

    Attributes:
        keys: uint32[2^17], hashes of the words in an open hash table; 0 for none.
        words: float32[2^17], the numbers of the words.
        ngrams: float32[buckets], a power of two, of pairs and character n-grams; 0 where training met none.
    """

    keys: NDArray[np.uint32]
    words: NDArray[np.float32]
    ngrams: NDArray[np.float32]

    def score(
        self, stream: TokenStream, distinct: DistinctTokens, bounds: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Log-odds of segments, 0 without any known feature, and the share of their tokens in the vocabulary.

        Args:
            stream: tokens.
            distinct: of the stream.
            bounds: int64[m, 2], first token of each segment and the one after its last.
        """
        none_noted = np.empty(0, np.bool_)
        sums, features, known = _token_sums(stream, distinct.first, *self, none_noted)
        pairs = _pairs(stream, self.ngrams, none_noted)
        scores, shares = _averages(bounds, distinct.number, sums, features, known, pairs)
        return scores, shares


@dataclass(frozen=True)
class FastTextSettings:
    """Settings of fastText.

    Attributes:
        dimensions: of the vectors; two classes need few.
        buckets: of pairs and character n-grams, a power of two.
        least_count: occurrences below which a word is not in the vocabulary (its n-grams are).
        epochs: passes over the lines.
        rate: first learning rate.
    """

    dimensions: int = 4
    buckets: int = 1 << 19
    least_count: int = 5
    epochs: int = 3
    rate: float = 0.3


def fit_word_vectors(
    lines: Sequence[str],
    machine: Sequence[bool],
    seed: int,
    settings: FastTextSettings,
) -> WordVectors:
    """Trains fastText and reduces it.

    Args:
        lines: tokens joined by spaces, in the order in which they are to be seen.
        machine: the class of each line.
        seed: of the initial vectors.
        settings: of fastText.

    Raises:
        CurateError: the installed `fasttext` module cannot train.
    """
    import fasttext  # only training needs it

    if not hasattr(fasttext, "train_supervised"):
        raise CurateError(
            "the installed module 'fasttext' cannot train, another package has overwritten it; "
            "uninstall that and reinstall fasttext-community"
        )
    with tempfile.TemporaryDirectory() as scratch:
        corpus = Path(scratch, "lines.txt")
        with corpus.open("w", encoding="utf-8") as file:
            for line, label in zip(lines, machine, strict=True):
                file.write(f"{_LABEL}{'machine' if label else 'human'} {line}\n")
        model = fasttext.train_supervised(
            str(corpus),
            dim=settings.dimensions,
            wordNgrams=2,
            minn=GRAM,
            maxn=GRAM,
            bucket=settings.buckets,
            minCount=settings.least_count,
            epoch=settings.epochs,
            lr=settings.rate,
            thread=1,  # more threads race: the model would differ from run to run
            seed=seed,
            verbose=0,
        )
    output = model.get_output_matrix()
    labels = model.get_labels()
    direction = output[labels.index(_LABEL + "machine")] - output[labels.index(_LABEL + "human")]
    numbers = (model.get_input_matrix() @ direction).astype(np.float32)
    words = model.get_words()
    return WordVectors(*_word_table(words, numbers), _met(numbers[len(words) :], lines))


def _word_table(words: Sequence[str], numbers: NDArray[np.float32]) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
    keys, values = np.zeros(_WORD_SLOTS, np.uint32), np.zeros(_WORD_SLOTS, np.float32)
    for number, word in list(enumerate(words))[: _WORD_SLOTS // 2]:  # words come by frequency
        slot = token_hash(word) % _WORD_SLOTS
        while keys[slot]:
            slot = (slot + 1) % _WORD_SLOTS
        keys[slot], values[slot] = token_hash(word), numbers[number]
    return keys, values


def _met(numbers: NDArray[np.float32], lines: Sequence[str]) -> NDArray[np.float32]:
    """The numbers of the n-grams that occur in the lines, 0 for the others."""
    stream = token_stream(pa.array(lines, pa.large_string()))
    met = np.zeros(len(numbers), np.bool_)
    _token_sums(stream, distinct_tokens(stream).first, np.zeros(1, np.uint32), np.zeros(1, np.float32), numbers, met)
    _pairs(stream, numbers, met)
    return np.where(met, numbers, np.float32(0))


@njit(cache=True, nogil=True)
def _token_sums(stream: Any, first: Any, keys: Any, words: Any, ngrams: Any, met: Any) -> Any:
    """Sum and number of the features of each distinct token, but for those of pairs, and if it is known.

    Notes in `met`, unless it is empty, which n-grams there are.
    """
    sums, features = np.zeros(first.size, np.float32), np.zeros(first.size, np.int32)
    known = np.zeros(first.size, np.bool_)
    places, characters = stream.places, stream.characters
    for number in range(first.size):
        hashed = stream.hashes[first[number]]
        slot = np.int64(hashed) & (keys.size - 1)
        while keys[slot] != 0 and keys[slot] != hashed:
            slot = (slot + 1) & (keys.size - 1)
        if keys[slot] == hashed:
            sums[number] += words[slot]
            features[number] += 1
            known[number] = True
        start, end = places[first[number]], token_end(places, characters, first[number])
        for begin in range(start - 1, end + 2 - GRAM):
            gram = FNV_START
            for place in range(begin, begin + GRAM):
                code = characters[place] if start <= place < end else np.uint32(60 if place < start else 62)
                gram = np.uint32(fnv(gram, code))
            bucket = np.int64(gram) & (ngrams.size - 1)
            if met.size:
                met[bucket] = True
            if ngrams[bucket] != 0:
                sums[number] += ngrams[bucket]
                features[number] += 1
    return sums, features, known


@njit(cache=True, nogil=True)
def _pairs(stream: Any, ngrams: Any, met: Any) -> Any:
    """The feature of each token with the next one of its text, 0 without one; noted in `met` as well."""
    pairs = np.zeros(stream.hashes.size, np.float32)
    for text in range(stream.offsets.size - 1):
        for token in range(stream.offsets[text], stream.offsets[text + 1] - 1):
            # both hashes are signed in fastText
            first, second = np.int64(np.int32(stream.hashes[token])), np.int64(np.int32(stream.hashes[token + 1]))
            bucket = (first * np.int64(116049371) + second) & (ngrams.size - 1)
            if met.size:
                met[bucket] = True
            pairs[token] = ngrams[bucket]
    return pairs


@njit(cache=True, nogil=True)
def _averages(bounds: Any, number: Any, sums: Any, features: Any, known: Any, pairs: Any) -> Any:
    scores, shares = np.zeros(bounds.shape[0]), np.zeros(bounds.shape[0])
    for row in range(bounds.shape[0]):
        first, last = bounds[row, 0], bounds[row, 1]
        total, count, met = 0.0, 0, 0
        for token in range(first, last):
            total += sums[number[token]]
            count += features[number[token]]
            met += known[number[token]]
            if token + 1 < last and pairs[token] != 0:
                total += pairs[token]
                count += 1
        scores[row] = total / count if count else 0.0
        shares[row] = met / max(last - first, 1)
    return scores, shares
