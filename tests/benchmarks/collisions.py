"""Texts that are made to be slow: whose words collide in tables, or whose hashes a quicksort meets in its worst order.

Whoever has the code can make them, and so does this, from words of small letters alone.
"""

from typing import Any

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from curate.detector import regression
from curate.detector.stream import FNV_PRIME, FNV_START
from curate.text import compiled, kernel

LETTERS = 9
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_START, _PRIME = np.uint64(14695981039346656037), np.uint64(1099511628211)
_NARROW = np.uint64(32)
"""Slots of the table of n-grams that all words go to."""


def random_words(count: int, seed: int = 1) -> list[str]:
    """Distinct words, of which nobody has chosen one."""
    chance = np.random.default_rng(seed)
    return _spelled(np.unique(chance.integers(97, 123, (2 * count, LETTERS)).astype(np.uint8), axis=0)[:count])


def words_of_one_slot(count: int) -> list[str]:
    """Distinct words that all go to the first slot of the table of distinct tokens that a text of them has."""
    bits = 6
    while 4 * count > 3 << bits:
        bits += 1
    return _spelled(_chosen(count, _of_one_slot, np.uint64(64 - bits)))


def words_of_few_slots(count: int) -> list[str]:
    """Distinct words that all go to a few slots of the table of n-grams of a segment."""
    return _spelled(_chosen(count, _of_few_slots, _NARROW))


def slow_to_sort(count: int) -> list[str]:
    """Words whose shingles of five have hashes in the order that is worst for Numba's quicksort."""
    vocabulary = random_words(1_000_000)
    hashes, _ = kernel.token_hashes(pa.array([" ".join(vocabulary)]))
    order = worst_order(count)
    return [vocabulary[number] for number in _in_order(hashes, order, np.uint64((1 << 64) // count))]


def worst_order(count: int) -> NDArray[np.int64]:
    """A permutation for which a quicksort by the median of three compares a square of times.

    McIlroy, "A killer adversary for quicksort" (1999): sort values that are settled only as they are compared, each so
    that the pivot turns out to be the least of what is left.
    """
    return _worst_order(count)


def _spelled(codes: NDArray[np.uint8]) -> list[str]:
    return [row.tobytes().decode() for row in codes]


@njit
def _next(word: Any) -> None:
    place = word.size - 1
    while True:
        word[place] += 1
        if word[place] < 123:
            return
        word[place] = 97
        place -= 1


@njit
def _of_one_slot(word: Any, shift: Any) -> Any:
    key = _START
    for letter in word:
        key = (key ^ np.uint64(letter)) * _PRIME
    return (key | np.uint64(1)) * _GOLDEN >> shift == 0


@njit
def _of_few_slots(word: Any, slots: Any) -> Any:
    hashed = FNV_START
    for letter in word:
        hashed = (hashed ^ np.uint32(letter)) * FNV_PRIME
    bucket = np.uint64(regression._bucket(np.uint64(hashed), np.uint64(0)))
    return bucket * _GOLDEN >> np.uint64(51) < slots


@njit
def _chosen(count: Any, choose: Any, argument: Any) -> Any:
    """The first words in order that `choose` takes."""
    words = np.empty((count, LETTERS), np.uint8)
    word, found = np.full(LETTERS, 97, np.uint8), 0
    while found < count:
        if choose(word, argument):
            words[found] = word
            found += 1
        _next(word)
    return words


@njit
def _in_order(hashes: Any, order: Any, width: Any) -> Any:
    """Numbers of words, each such that the shingle that it ends is as high among all as the order says."""
    base = compiled._SHINGLE_BASE
    lost = base * base * base * base * base
    chosen = np.zeros(order.size + 4, np.int64)
    state = np.uint64(0)
    for place in range(chosen.size):
        word = place * 7919 % hashes.size
        if place >= 4:
            before = state * base - (hashes[chosen[place - 5]] * lost if place > 4 else np.uint64(0))
            while compiled._mix(before + hashes[word]) // width != np.uint64(order[place - 4]):
                word = (word + 1) % hashes.size
            state = before + hashes[word]
        else:
            state = state * base + hashes[word]
        chosen[place] = word
    return chosen


@njit
def _less(x: Any, y: Any, values: Any, state: Any) -> Any:
    """Compares two values, and settles one if both are open; `state` is the next value and the candidate pivot."""
    unsettled = values.size
    if values[x] == unsettled and values[y] == unsettled:
        settled = x if x == state[1] else y
        values[settled] = state[0]
        state[0] += 1
    if values[x] == unsettled:
        state[1] = x
    elif values[y] == unsettled:
        state[1] = y
    return values[x] < values[y]


@njit
def _partition(items: Any, low: Any, high: Any, values: Any, state: Any) -> Any:
    """As Numba partitions (numba/misc/quicksort.py)."""
    middle = (low + high) >> 1
    if _less(items[middle], items[low], values, state):
        items[low], items[middle] = items[middle], items[low]
    if _less(items[high], items[middle], values, state):
        items[high], items[middle] = items[middle], items[high]
    if _less(items[middle], items[low], values, state):
        items[low], items[middle] = items[middle], items[low]
    pivot = items[middle]
    items[high], items[middle] = items[middle], items[high]
    i, j = low, high - 1
    while True:
        while i < high and _less(items[i], pivot, values, state):
            i += 1
        while j >= low and _less(pivot, items[j], values, state):
            j -= 1
        if i >= j:
            break
        items[i], items[j] = items[j], items[i]
        i += 1
        j -= 1
    items[i], items[high] = items[high], items[i]
    return i


@njit
def _worst_order(count: Any) -> Any:
    values, items, state = np.full(count, count), np.arange(count), np.array([0, -1])
    parts = [(0, count - 1)]
    while len(parts):
        low, high = parts.pop()
        while high - low >= 15:
            i = _partition(items, low, high, values, state)
            if high - i > i - low:
                parts.append((i + 1, high))
                high = i - 1
            else:
                parts.append((low, i - 1))
                low = i + 1
    for item in range(count):
        if values[item] == count:
            values[item] = state[0]
            state[0] += 1
    return values
