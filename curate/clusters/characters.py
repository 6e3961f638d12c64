"""Hashed character n-grams: what words miss of inflections, compounds, code, misspellings and scripts without spaces.

Words are read in fours of characters, a space before and after them included; scripts without spaces between words
in pairs. Of the fours one in `_ONE_IN` counts, chosen by its hash and hence the same in every document: they overlap so
much that the others tell little more, and each costs as much as a word.
"""

from functools import lru_cache

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from curate.clusters.counting import clear, count_in, empty_slots
from curate.text import unicode_tables
from curate.text.compiled import decode
from curate.text.kernel import text_buffers

MAX_CHARACTERS = 4_000  # of a document are read
BUCKET_BITS = 14
_ONE_IN = 8
_SPACE, _WORD, _UNSEGMENTED = unicode_tables.SPACE, unicode_tables.WORD, unicode_tables.UNSEGMENTED
_MARK, _IGNORABLE = unicode_tables.MARK, unicode_tables.IGNORABLE
_FOUR, _PAIR = 4, 2
_CHARACTER = np.uint64(16)  # bits of a character in a window; what lies above falls into the one before, as in a hash
_PAIR_MASK = np.uint64((1 << 32) - 1)
_FIBONACCI = np.uint64(0x9E3779B97F4A7C15)
_HALF, _BUCKET_SHIFT = np.uint64(32), np.uint64(64 - BUCKET_BITS)
_CHOICE_SHIFT, _CHOICE_MASK = np.uint64(40), np.uint64(_ONE_IN - 1)


def character_ngrams(texts: pa.Array) -> tuple[NDArray[np.uint16], NDArray[np.uint16], NDArray[np.int64]]:
    """Counts the character n-grams of each document.

    Args:
        texts: any kind of strings [n]; null has none.

    Returns:
        In compressed sparse rows: buckets uint16[m], below 2**`BUCKET_BITS`; counts uint16[m]; offsets int64[n + 1].
    """
    data, offsets, valid = text_buffers(texts)
    tables = unicode_tables.load()
    return _count_ngrams(data, offsets, valid, _ascii(), tables.pages, tables.kinds, tables.folds)


@lru_cache(maxsize=1)
def _ascii() -> NDArray[np.uint8]:
    """For each byte the folded character of words of ASCII, 0 for what is between words, 255 for all else."""
    tables = unicode_tables.load()
    characters = np.full(256, 255, np.uint8)
    entries = (tables.pages[0].astype(np.int64) << 8) + np.arange(128)
    characters[:128] = np.where(tables.kinds[entries] == _WORD, np.arange(128) + tables.folds[entries], 0)
    return characters


@njit(nogil=True, cache=True)
def _count_ngrams(data, offsets, valid, ascii, pages, kinds, folds):  # type: ignore[no-untyped-def]
    documents = len(valid)
    buckets, counts = np.empty(1 << 16, np.uint16), np.empty(1 << 16, np.uint16)
    rows = np.zeros(documents + 1, np.int64)
    slots = empty_slots(1 << BUCKET_BITS)  # where the current document counts each bucket
    found = np.empty(MAX_CHARACTERS + 1, np.uint16)
    used = 0
    for i in range(documents):
        first = used
        if used + MAX_CHARACTERS + 1 > len(buckets):
            buckets = np.concatenate((buckets, np.empty(len(buckets), np.uint16)))
            counts = np.concatenate((counts, np.empty(len(counts), np.uint16)))
        if valid[i]:
            for j in range(_find_ngrams(data, offsets[i], offsets[i + 1], ascii, pages, kinds, folds, found)):
                used = count_in(slots, buckets, counts, first, used, found[j])
        clear(slots, buckets, first, used)
        rows[i + 1] = used
    return buckets[:used].copy(), counts[:used].copy(), rows


@njit(nogil=True, cache=True)
def _find_ngrams(data, at, end, ascii, pages, kinds, folds, found):  # type: ignore[no-untyped-def]  # noqa: C901
    """Writes the bucket of every n-gram of a text that counts, and gives how many there are."""
    window, held, inside = np.uint64(0), 0, _SPACE  # characters so far, how many, and the class of the last one
    read, count = 0, np.uint64(0)
    while read < MAX_CHARACTERS:
        # ASCII, without branches that depend on the text: nothing would predict them
        while at < end and read < MAX_CHARACTERS:
            letter = ascii[data[np.uint64(at)]]
            if letter == 255:
                break
            at += 1
            read += 1
            is_letter, within = letter > 0, inside == _WORD
            window = window if within else np.uint64(32)
            held = held if within else 1
            window = (window << _CHARACTER) ^ np.uint64(letter if is_letter else 32)
            held += 1
            mixed = _mixed(window)
            found[count] = mixed >> _BUCKET_SHIFT
            chosen = (held >= _FOUR) & (is_letter | within) & ((mixed >> _CHOICE_SHIFT) & _CHOICE_MASK == 0)
            count += np.uint64(chosen)
            inside = _WORD if is_letter else _SPACE
        if read == MAX_CHARACTERS or (at == end and inside != _WORD):
            break
        read += 1
        if at == end:  # a word ends with the text
            kind, code = _SPACE, np.int64(32)
        else:
            code, at = decode(data, at, end)
            entry = np.uint64(np.int64(pages[np.uint64(code >> 8)]) << 8 | (code & 255))
            kind = np.int64(kinds[entry])
            if kind >> 3 & 3 == 0:
                code += folds[entry]
            kind = kind & 7
            if kind == _IGNORABLE:
                continue
            if kind == _MARK:
                kind = inside
        if kind != _WORD and kind != _UNSEGMENTED:
            if inside != _WORD:
                inside = _SPACE
                continue
            kind, code = _SPACE, np.int64(32)
        elif kind != inside:
            window, held = np.uint64(32), 0 if kind == _UNSEGMENTED else 1
        inside = kind
        window = (window << _CHARACTER) ^ np.uint64(code)
        held += 1
        if kind == _UNSEGMENTED:
            found[count] = _mixed(window & _PAIR_MASK) >> _BUCKET_SHIFT
            count += np.uint64(held >= _PAIR)
        else:
            mixed = _mixed(window)
            found[count] = mixed >> _BUCKET_SHIFT
            count += np.uint64((held >= _FOUR) & ((mixed >> _CHOICE_SHIFT) & _CHOICE_MASK == 0))
    return np.int64(count)


@njit(nogil=True, cache=True)
def _mixed(window):  # type: ignore[no-untyped-def]
    mixed = window * _FIBONACCI
    return (mixed ^ (mixed >> _HALF)) * _FIBONACCI
