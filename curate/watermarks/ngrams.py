"""The n-grams of many texts at once, each counted once in a text.

A generator that repeats itself repeats its green tokens: counted again they would pass for evidence.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from curate.hashing import mix
from curate.watermarks.tokens import Tokens

Int64Array = NDArray[np.int64]


class NGrams(NamedTuple):
    """The n-grams of n texts, in order.

    Attributes:
        tokens: int64[m], of all texts.
        starts: int64[k], the first token of each n-gram.
        documents: int64[k], the text that it is in, ascending.
    """

    tokens: Int64Array
    starts: Int64Array
    documents: Int64Array

    def fold(self, state: NDArray, step: Callable[[NDArray, Int64Array], NDArray], tokens: int) -> NDArray:
        """Folds the first tokens of every n-gram into a state, one after the other.

        Args:
            state: one value to start from, shape ().
            step: (state[k], tokens int64[k]) → state[k].
            tokens: how many.
        """
        states = np.broadcast_to(state, self.starts.shape)
        for place in range(tokens):
            states = step(states, self.tokens[self.starts + place])
        return states

    def where(self, chosen: NDArray[np.bool_]) -> "NGrams":
        """The chosen ones."""
        return NGrams(self.tokens, self.starts[chosen], self.documents[chosen])


def ngrams(tokens: Tokens, width: int) -> NGrams:
    """All runs of `width` tokens within a text."""
    counts = np.maximum(np.diff(tokens.offsets) - width + 1, 0)
    documents = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(documents)) - np.repeat(np.cumsum(counts) - counts, counts)
    return NGrams(tokens.values, tokens.offsets[documents] + within, documents)


def first_in_document(keys: NDArray[np.int64 | np.uint64], documents: Int64Array) -> NDArray[np.bool_]:
    """Where a key occurs in its document for the first time.

    Args:
        keys: 64-bit [k].
        documents: int64[k], ascending.

    Returns:
        bool[k].
    """
    first = np.zeros(len(keys), np.bool_)
    # Keys start from a secret, but a linear rule may have gone on from there: their differences are no secret. Mixed,
    # which is not linear and keeps different keys different, nobody without the secret makes keys that collide.
    _mark_first(mix(keys.view(np.uint64)), documents, first)
    return first


@numba.njit(cache=True, nogil=True)
def _mark_first(keys: Any, documents: Any, first: Any) -> None:
    """One hash table for each document, probed linearly, by the upper bits of mixed keys (Knuth 6.4)."""
    start = 0
    while start < keys.size:
        end = start
        while end < keys.size and documents[end] == documents[start]:
            end += 1
        bits = 1
        while (1 << bits) < 2 * (end - start):
            bits += 1
        table = np.full(1 << bits, -1)
        for place in range(start, end):
            slot = np.int64(keys[place] >> np.uint64(64 - bits))
            while table[slot] >= 0 and keys[table[slot]] != keys[place]:
                slot = (slot + 1) & ((1 << bits) - 1)
            if table[slot] < 0:
                table[slot] = place
                first[place] = True
        start = end
