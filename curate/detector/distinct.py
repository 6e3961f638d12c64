"""The distinct tokens of a stream: what is known of a token is looked up once for all its occurrences."""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from curate.detector.stream import TokenStream

_FEWEST_SLOTS = 1 << 12


class DistinctTokens(NamedTuple):
    """The k distinct tokens among m, by 63 bits of a hash of their folded characters.

    Attributes:
        number: int32[m], which of them each token is.
        first: int64[k], the first token that is this one, ascending.
    """

    number: NDArray[np.int32]
    first: NDArray[np.int64]


def distinct_tokens(stream: TokenStream) -> DistinctTokens:
    """Numbers the distinct tokens in the order in which they first occur."""
    return DistinctTokens(*_distinct(stream.places, stream.characters))


@njit(cache=True, nogil=True)
def token_end(places: Any, characters: Any, token: Any) -> Any:
    """The character after the last one of a token, without the space that may follow."""
    end = places[token + 1]
    return end - (characters[end - 1] == 32)


@njit(cache=True, nogil=True)
def _distinct(places: Any, characters: Any) -> Any:
    count = places.size - 1
    number, first = np.empty(count, np.int32), np.empty(count, np.int64)
    keys, numbers = np.zeros(_FEWEST_SLOTS, np.uint64), np.zeros(_FEWEST_SLOTS, np.int32)
    known = 0
    for token in range(count):
        key = _key(characters, places[token], token_end(places, characters, token))
        place = _place(keys, key)
        if keys[place] == 0:
            keys[place], numbers[place], first[known] = key, known, token
            known += 1
        number[token] = numbers[place]
        if 2 * known > keys.size:
            keys, numbers = _larger(keys, numbers)
    return number, first[:known].copy()


@njit(cache=True, nogil=True)
def _key(characters: Any, start: Any, end: Any) -> Any:
    """A hash of characters, not 0."""
    key = np.uint64(end - start)
    for place in range(start, end):
        key = (key ^ np.uint64(characters[place])) * np.uint64(0x9E3779B97F4A7C15)
        key ^= key >> np.uint64(32)
    return key | np.uint64(1) << np.uint64(63)


@njit(cache=True, nogil=True)
def _place(keys: Any, key: Any) -> Any:
    """Where a key is in the table, or would be."""
    place = key & np.uint64(keys.size - 1)
    while keys[place] != 0 and keys[place] != key:
        place = (place + np.uint64(1)) & np.uint64(keys.size - 1)
    return place


@njit(cache=True, nogil=True)
def _larger(keys: Any, numbers: Any) -> Any:
    grown, moved = np.zeros(2 * keys.size, np.uint64), np.zeros(2 * keys.size, np.int32)
    for old in range(keys.size):
        if keys[old]:
            place = _place(grown, keys[old])
            grown[place], moved[place] = keys[old], numbers[old]
    return grown, moved
