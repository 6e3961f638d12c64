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

from curate.clusters.counting import clear, count_in
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
def _count_ngrams(data, offsets, valid, ascii, pages, kinds, folds):  # type: ignore[no-untyped-def]  # noqa: C901
    documents = len(valid)
    buckets, counts = np.empty(1 << 16, np.uint16), np.empty(1 << 16, np.uint16)
    rows = np.zeros(documents + 1, np.int64)
    slots = np.full(1 << BUCKET_BITS, -1, np.int64)  # where the current document counts each bucket
    used = 0
    for i in range(documents):
        first = used
        if used + MAX_CHARACTERS + 1 > len(buckets):
            buckets = np.concatenate((buckets, np.empty(len(buckets), np.uint16)))
            counts = np.concatenate((counts, np.empty(len(counts), np.uint16)))
        at, end = offsets[i], offsets[i + 1]
        if not valid[i]:
            end = at
        window, held, inside = np.uint64(0), 0, _SPACE  # characters so far, how many, and the class of the last one
        for _ in range(MAX_CHARACTERS):
            if at > end or (at == end and inside != _WORD):
                break
            kind, code = _SPACE, np.int64(0)
            if at == end:  # a word ends with the text
                at += 1
            else:
                letter = ascii[data[np.uint64(at)]]
                if letter != 255:
                    at += 1
                    if letter:
                        kind, code = _WORD, np.int64(letter)
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
                window, held = np.uint64(32), 1
                if kind == _UNSEGMENTED:
                    held = 0
            inside = kind
            window = (window << _CHARACTER) ^ np.uint64(code)
            held += 1
            if kind == _UNSEGMENTED:
                if held < _PAIR:
                    continue
                mixed = (window & _PAIR_MASK) * _FIBONACCI
            else:
                if held < _FOUR:
                    continue
                mixed = window * _FIBONACCI
            mixed = (mixed ^ (mixed >> _HALF)) * _FIBONACCI
            if kind != _UNSEGMENTED and (mixed >> _CHOICE_SHIFT) & _CHOICE_MASK:
                continue
            bucket = mixed >> _BUCKET_SHIFT
            used = count_in(slots, buckets, counts, used, bucket)
        clear(slots, buckets, first, used)
        rows[i + 1] = used
    return buckets[:used].copy(), counts[:used].copy(), rows
