"""The distinct tokens of a stream: what is known of a token is looked up once for all its occurrences."""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from curate.detector.stream import TokenStream

_FEWEST_BITS = 6
_MOST_PROBES = 16
"""For each token, on average; the fullest table takes three of tokens that nobody has made to collide."""
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class DistinctTokens(NamedTuple):
    """The k distinct tokens among m, by their keys.

    Attributes:
        number: int32[m], which of them each token is.
        first: int64[k], the first token that is this one, ascending.
    """

    number: NDArray[np.int32]
    first: NDArray[np.int64]


def distinct_tokens(stream: TokenStream) -> DistinctTokens:
    """Numbers the distinct tokens in the order in which they first occur."""
    number, first = _distinct(stream.keys)
    if len(number) < len(stream.keys):  # a table would take time that grows with the square of the text
        return _sorted(stream.keys)
    return DistinctTokens(number, first)


def _sorted(tokens: NDArray[np.uint64]) -> DistinctTokens:
    """The same without a table."""
    _, first, number = np.unique(tokens | np.uint64(1), return_index=True, return_inverse=True)
    order = np.argsort(first)
    places = np.empty(len(first), np.int32)
    places[order] = np.arange(len(first), dtype=np.int32)
    return DistinctTokens(places[number], first[order])


@njit(cache=True, nogil=True)
def _distinct(tokens: Any) -> Any:
    """Gives up, with fewer numbers than tokens, where tokens were made to collide."""
    bits = np.uint64(_FEWEST_BITS)
    while (
        4 * tokens.size > 3 << bits
    ):  # a table that grew, or a function that looked into it, would take six times as long
        bits += np.uint64(1)
    shift, last = np.uint64(64) - bits, np.uint64(1 << bits) - np.uint64(1)
    keys, numbers = np.zeros(1 << bits, np.uint64), np.empty(1 << bits, np.int32)
    number, first = np.empty(tokens.size, np.int32), np.empty(tokens.size, np.int64)
    known, left = 0, _MOST_PROBES * tokens.size
    for token in range(tokens.size):
        key = tokens[token] | np.uint64(1)  # not 0, which marks what is free
        place = key * _GOLDEN >> shift
        while keys[place] != 0 and keys[place] != key:
            place = (place + np.uint64(1)) & last
            left -= 1
            if left < 0:
                return number[:0], first[:0]
        if keys[place] == 0:
            keys[place], numbers[place], first[known] = key, known, token
            known += 1
        number[token] = numbers[place]
    return number, first[:known].copy()
