"""A counter of n-gram types that keeps a hash-chosen part of them, with exact counts, and merges in any order.

It keeps the types of the smallest hashes, as a KMV sketch does (Bar-Yossef et al. 2002; Beyer et al. 2007), and counts
every occurrence of those: adaptive threshold sampling (Ting 2022). Equal types have equal hashes in all corpora, so
that the same types are sampled everywhere and coverage of one corpus by another is directly comparable.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.hashing import UInt64Array, mix
from curate.text.kernel import token_hashes

TYPES = 100_000
"""Types kept by default: relative error of a number of types about 0.3 %."""

_ALL = 2**64
_BASE = np.uint64(0x9E3779B97F4A7C15)

Codes = NDArray[np.uint32]
Counts = NDArray[np.int64]


def token_codes(hashes: UInt64Array) -> Codes:
    """Token hashes (`curate.text.kernel.token_hashes`) in 32 bits: of a million words, 120 fall together."""
    return (hashes >> np.uint64(32)).astype(np.uint32)


class Text(NamedTuple):
    """Documents one after the other.

    Attributes:
        codes: uint32[m], the code of each token.
        documents: int64[m], the document of each token.
    """

    codes: Codes
    documents: NDArray[np.int64]

    @staticmethod
    def of(lists: pa.LargeListArray) -> "Text":
        """The text of lists of codes, one for each document."""
        return Text(lists.flatten().to_numpy(), pc.list_parent_indices(lists).to_numpy().astype(np.int64))

    @staticmethod
    def of_texts(texts: pa.Array) -> "Text":
        """The tokens of strings; a null has none."""
        hashes, offsets = token_hashes(texts)
        return Text(token_codes(hashes), np.repeat(np.arange(len(texts)), np.diff(offsets)))

    def first(self, members: NDArray[np.bool_], count: int) -> "Text":
        """The first so many tokens of the documents that are members."""
        places = np.flatnonzero(members[self.documents])[:count]
        return Text(self.codes[places], self.documents[places])

    def between(self, start: int, end: int) -> "Text":
        """Consecutive tokens."""
        return Text(self.codes[start:end], self.documents[start:end])


def ngrams(text: Text, n: int) -> tuple[UInt64Array, NDArray[np.int64]]:
    """The hash of every run of n tokens within a document, uint64[k], and the document of each, int64[k]."""
    codes, documents = text
    count = max(0, len(codes) - n + 1)
    state = np.zeros(count, np.uint64)
    with np.errstate(over="ignore"):
        for place in range(n):
            state = state * _BASE + codes[place : place + count] + np.uint64(1)
    whole = documents[:count] == documents[n - 1 : n - 1 + count]
    return mix(state[whole], n), documents[:count][whole]


@dataclass(frozen=True, eq=False)
class SampledTypes:
    """Types of the smallest hashes and how often each occurs.

    Attributes:
        hashes: uint64[k], ascending, at most `limit`.
        counts: int64[k].
        total: occurrences of all types, kept or not.
        threshold: types with smaller hashes are kept; 2**64 as long as all are.
        limit: types kept.
    """

    hashes: UInt64Array
    counts: Counts
    total: int
    threshold: int = _ALL
    limit: int = TYPES

    @staticmethod
    def of(hashes: UInt64Array, limit: int = TYPES) -> "SampledTypes":
        """Counts occurrences, given by the hashes of their types."""
        types, counts = np.unique(hashes, return_counts=True)
        return _cut(types, counts.astype(np.int64), len(hashes), _ALL, limit)

    def merge(self, other: "SampledTypes") -> "SampledTypes":
        """The counter of both corpora; associative and commutative, `of` of nothing is neutral."""
        threshold, limit = min(self.threshold, other.threshold), min(self.limit, other.limit)
        types, places = np.unique(np.concatenate([self.hashes, other.hashes]), return_inverse=True)
        counts = np.zeros(len(types), np.int64)
        np.add.at(counts, places, np.concatenate([self.counts, other.counts]))
        return _cut(types, counts, self.total + other.total, threshold, limit)

    @property
    def share(self) -> float:
        """The share of types that is kept; numbers of types are estimated by dividing by it."""
        return self.threshold / _ALL

    @property
    def types(self) -> float:
        """The number of distinct types, unbiased (Beyer et al. 2007); exact while all are kept."""
        return len(self.hashes) / self.share

    def occurring(self, times: int) -> float:
        """The number of types that occur so many times, f_1 the hapaxes."""
        return float((self.counts == times).sum()) / self.share


def _cut(types: UInt64Array, counts: Counts, total: int, threshold: int, limit: int) -> SampledTypes:
    """Keeps the types below the threshold, and of them at most `limit`; the first one beyond is the new threshold."""
    if threshold < _ALL:
        known = int(np.searchsorted(types, np.uint64(threshold)))
        types, counts = types[:known], counts[:known]
    if len(types) > limit:
        threshold = int(types[limit])
        types, counts = types[:limit], counts[:limit]
    return SampledTypes(types, counts, total, threshold, limit)
