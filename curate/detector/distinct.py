"""The distinct tokens of a stream: what is known of a token is looked up once for all its occurrences."""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from curate.detector.stream import TokenStream

_FEWEST_BITS = 6
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
    return DistinctTokens(*_distinct(stream.keys))


@njit(cache=True, nogil=True)
def _distinct(tokens: Any) -> Any:
    bits = np.uint64(_FEWEST_BITS)
    while (
        4 * tokens.size > 3 << bits
    ):  # a table that grew, or a function that looked into it, would take six times as long
        bits += np.uint64(1)
    shift, last = np.uint64(64) - bits, np.uint64(1 << bits) - np.uint64(1)
    keys, numbers = np.zeros(1 << bits, np.uint64), np.empty(1 << bits, np.int32)
    number, first = np.empty(tokens.size, np.int32), np.empty(tokens.size, np.int64)
    known = 0
    for token in range(tokens.size):
        key = tokens[token] | np.uint64(1)  # not 0, which marks what is free
        place = key * _GOLDEN >> shift
        while keys[place] != 0 and keys[place] != key:
            place = (place + np.uint64(1)) & last
        if keys[place] == 0:
            keys[place], numbers[place], first[known] = key, known, token
            known += 1
        number[token] = numbers[place]
    return number, first[:known].copy()
