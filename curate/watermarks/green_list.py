"""The green-list test (Kirchenbauer et al. 2023, arXiv 2301.10226 and 2306.04634).

The generator splits its vocabulary anew for every context of h tokens into a green share γ and the rest, and
prefers green. Of T distinct (h+1)-grams of a text without the watermark G ~ Binomial(T, γ) are green, so

    z = (G − γT) / √(γ(1−γ)T)        p = P(X > G) + u·P(X = G),  X ~ Binomial(T, γ)

with u in [0, 1) drawn by a hash of the n-grams: the tail is exact, and p exactly uniform, though G is a whole
number. With h = 0 the split is the same everywhere (Unigram, Zhao et al. 2023, arXiv 2306.17439), and every token
counts once.

Which tokens are green: the original draws them from torch's generator, whose numbers depend on device and version.
Here a portable function does, in unsigned 64-bit integers: with m the finaliser of SplitMix64
(`curate.hashing.mix`), s = m(key + 0x9E3779B97F4A7C15) and s ← m(s xor t) for each token t of the context and then
for the candidate, which is green when s < ⌊γ·2⁶⁴⌋. A generator that is to be recognised has to use it (`green`).
It is no cryptographic function: whoever may query the test at will can learn the list.
"""

import numpy as np
import pyarrow as pa
import scipy
from numpy.typing import NDArray

from curate.hashing import UInt64Array, mix, uniform
from curate.watermarks.keys import key_digest
from curate.watermarks.ngrams import first_in_document, ngrams
from curate.watermarks.protocol import LEAST_NGRAMS, Scores
from curate.watermarks.tokens import Tokenizer

KIND, VERSION = "green-list", "1"

_OFFSET = 0x9E3779B97F4A7C15


class GreenList:
    """The test for one key.

    Args:
        tokenizer: of the generator.
        key: 0 ≤ key < 2⁶³.
        gamma: share of the vocabulary that is green, within (0, 1).
        context: tokens h that the split depends on; 0 is Unigram.
    """

    def __init__(self, tokenizer: Tokenizer, key: int, gamma: float, context: int) -> None:
        self._tokenizer = tokenizer
        self._gamma = gamma
        self._context = context
        self._start = mix(np.uint64((key + _OFFSET) % 2**64))
        self._below = np.uint64(int(gamma * 2**64))
        self._digest = key_digest(KIND, VERSION, tokenizer.sha256, [key], {"gamma": gamma, "context": context})

    def fingerprint(self) -> tuple[str, str, str]:
        """Kind, version, and a digest of tokenizer, key, γ and h."""
        return KIND, VERSION, self._digest

    def green(self, contexts: NDArray[np.int64], tokens: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether tokens are green after contexts: what a generator asks.

        Args:
            contexts: int64[..., h], oldest token first.
            tokens: int64[...].
        """
        state = np.broadcast_to(self._start, tokens.shape)
        for place in range(self._context):
            state = _step(state, contexts[..., place])
        return _step(state, tokens) < self._below

    def score(self, texts: pa.Array) -> Scores:
        """The score z as statistic, with its p-value, of texts with enough distinct (h+1)-grams."""
        count = len(texts)
        found = ngrams(self._tokenizer.encode(texts), self._context + 1)
        hashes = found.fold(self._start, _step, self._context + 1)
        first = first_in_document(hashes, found.documents)
        hashes, documents = hashes[first], found.documents[first]
        distinct = np.bincount(documents, minlength=count)
        green = np.bincount(documents[hashes < self._below], minlength=count)

        above, at_least = (scipy.special.bdtrc(green - less, distinct, self._gamma) for less in (0, 1))
        p_value = above + uniform(_sums(hashes, distinct), 0) * (at_least - above)
        tested = distinct >= LEAST_NGRAMS
        deviation = np.sqrt(np.maximum(distinct, 1) * self._gamma * (1 - self._gamma))
        z = (green - self._gamma * distinct) / deviation
        return Scores(np.where(tested, z, np.nan), np.where(tested, p_value, np.nan), distinct.astype(np.int32))


def _step(state: UInt64Array, tokens: NDArray[np.int64]) -> UInt64Array:
    return mix(state ^ tokens.astype(np.uint64))


def _sums(hashes: UInt64Array, counts: NDArray[np.int64]) -> UInt64Array:
    """The sum of each document's hashes modulo 2⁶⁴."""
    total = np.concatenate([np.zeros(1, np.uint64), np.cumsum(hashes, dtype=np.uint64)])
    ends = np.cumsum(counts)
    return total[ends] - total[ends - counts]
