"""The test for SynthID-Text (Dathathri et al., Nature 634, 2024): mean and weighted mean of g-values.

The generator holds a tournament of `depth` rounds between candidates for the next token, each decided by one bit, the
g-value of (the last h tokens, candidate, key of the round). Its text has more ones than half. A context that came
before is not watermarked again, and not counted. The score is Σ w_d g_{t,d} / (n·depth) over n distinct contexts, with
w = 1, or falling from 10 to 1 and scaled to the mean 1: early rounds show more.

g-values come from a linear congruential generator on signed 64-bit integers, f(s, x) = (s + x)·a + 1 modulo 2⁶⁴ with
a = 6364136223846793005, folded over the n-gram and then over the key. Two published forms are known here:

- `google`, of the repository google-deepmind/synthid-text: s starts from the SHA-256 of the keys; twelve times
  s ← f(s, 1) >> 5; bit 30 is the g-value. Bits are fair and independent, so the score of a text without the
  watermark has the mean ½ and the variance Σ w_d² / (4·n·depth²).
- `transformers`, of Hugging Face's library (and the package synthid-text 0.2): s starts from 1; the g-value is entry
  s mod 2¹⁶ of a table of random bits, torch's for the seed 0 on a CPU (a GPU draws another). All g-values of an n-gram
  are those of one of 2¹⁶ residues, so mean and variance are counted out over these, and each residue counts
  once in a text.

Sums of so many bits are close to normal, and their tails lighter, so p = Φ(−z) errs to the safe side far out.
Google's own products use other keys and another function, and are not recognised.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
import pyarrow as pa
import scipy
from numpy.typing import NDArray

from curate.watermarks.keys import key_digest
from curate.watermarks.ngrams import NGrams, first_in_document, ngrams
from curate.watermarks.protocol import LEAST_NGRAMS, Scores
from curate.watermarks.tokens import Tokenizer

KIND, VERSION = "synthid", "1"

_FACTOR = 6364136223846793005
_ROUNDS = 12
_TABLE = 1 << 16

Int64Array = NDArray[np.int64]


class SynthID:
    """The test for one set of keys.

    Args:
        tokenizer: of the generator.
        keys: one for each round of the tournament, each from 0 to 2⁶³ − 1.
        context: tokens h before the candidate (`ngram_len` − 1).
        hashing: google or transformers.
        score: weighted-mean or mean.
    """

    def __init__(self, tokenizer: Tokenizer, keys: Sequence[int], context: int, hashing: str, score: str) -> None:
        self._tokenizer = tokenizer
        self._keys = np.array(keys, np.int64)
        self._context = context
        self._start = np.int64(_initial_state(self._keys) if hashing == "google" else 1)
        self._table = np.empty(0, np.uint8) if hashing == "google" else _sampling_table()
        self._weights = _weights(len(keys), score)
        self._mean, self._variance = self._null()
        settings = {"context": context, "hashing": hashing, "score": score}
        self._digest = key_digest(KIND, VERSION, tokenizer.sha256, keys, settings)

    def fingerprint(self) -> tuple[str, str, str]:
        """Kind, version, and a digest of tokenizer, keys and settings."""
        return KIND, VERSION, self._digest

    def g_values(self, grams: Int64Array) -> Int64Array:
        """The g-values of n-grams: what a generator asks.

        Args:
            grams: int64[k, h + 1], the candidate last.

        Returns:
            int64[k, depth], zeros and ones.
        """
        states = np.broadcast_to(self._start, len(grams))
        for place in range(self._context + 1):
            states = _step(states, grams[:, place])
        return self._ones(states, np.arange(len(grams)), len(grams))

    def score(self, texts: pa.Array) -> Scores:
        """The mean or weighted mean as statistic, with its p-value, of texts with enough distinct contexts."""
        count = len(texts)
        found = ngrams(self._tokenizer.encode(texts), self._context + 1)
        found = found.where(first_in_document(self._fold(found, self._context), found.documents))
        states, documents = self._fold(found, self._context + 1), found.documents
        if len(self._table):
            first = first_in_document(states & (_TABLE - 1), documents)
            states, documents = states[first], documents[first]
        distinct = np.bincount(documents, minlength=count)
        tested = distinct >= LEAST_NGRAMS
        n = np.where(tested, distinct, 1)
        mean = self._weighted(self._ones(states, documents, count)) / n
        z = (mean - self._mean) / np.sqrt(self._variance / n)
        p_value = scipy.special.ndtr(-z)
        return Scores(np.where(tested, mean, np.nan), np.where(tested, p_value, np.nan), distinct.astype(np.int32))

    def _fold(self, found: NGrams, tokens: int) -> Int64Array:
        return found.fold(self._start, _step, tokens)

    def _ones(self, states: Int64Array, rows: Int64Array, count: int) -> Int64Array:
        ones = np.zeros((count, len(self._keys)), np.int64)
        _count_ones(states, rows, self._keys, self._table, ones)
        return ones

    def _weighted(self, ones: Int64Array) -> NDArray[np.float64]:
        """Σ w_d · ones_d / depth of each row; row by row, so that a row does not depend on the others."""
        return (ones * self._weights).sum(axis=1) / len(self._keys)

    def _null(self) -> tuple[float, float]:
        """Mean and variance of the score of one n-gram of a text without the watermark."""
        if not len(self._table):
            return 0.5, float((self._weights**2).sum()) / (4 * len(self._keys) ** 2)
        every = np.arange(_TABLE)
        scores = self._weighted(self._ones(every, every, _TABLE))
        return float(scores.mean()), float(scores.var())


def _initial_state(keys: Int64Array) -> int:
    """SHA-256 of the keys as little-endian 64-bit numbers, read as a big-endian number, modulo 2⁶³ − 1."""
    return int.from_bytes(hashlib.sha256(keys.astype("<i8").tobytes()).digest(), "big") % (2**63 - 1)


def _sampling_table() -> NDArray[np.uint8]:
    """The lowest bits of the Mersenne twister's first numbers for the seed 0: `torch.randint(0, 2)` on a CPU."""
    twister = np.random.RandomState(0)
    return (twister.randint(0, 2**32, _TABLE, dtype=np.uint32) & 1).astype(np.uint8)


def _weights(depth: int, score: str) -> NDArray[np.float64]:
    weights = np.ones(depth) if score == "mean" else np.linspace(10, 1, depth)
    return weights * depth / weights.sum()


def _step(states: Int64Array, tokens: Int64Array) -> Int64Array:
    return (states + tokens) * np.int64(_FACTOR) + np.int64(1)  # arrays of int64 wrap around


@numba.njit(cache=True, nogil=True)
def _count_ones(states: Any, rows: Any, keys: Any, table: Any, ones: Any) -> None:
    """Adds the g-values of every n-gram to its row."""
    for place in range(states.size):
        for depth in range(keys.size):
            state = (states[place] + keys[depth]) * _FACTOR + 1
            if table.size:
                ones[rows[place], depth] += table[state & (table.size - 1)]
            else:
                for _ in range(_ROUNDS):
                    state = ((state + 1) * _FACTOR + 1) >> 5
                ones[rows[place], depth] += (state >> 30) & 1
