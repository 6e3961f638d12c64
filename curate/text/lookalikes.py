"""Letters that pass for Latin ones: a copy of a text in which some are exchanged is still a copy of it.

`curate.text.reference` says which letters and when (`LETTERS`, `unmask`); here it is computed on buffers. Within words
of Latin letters hardly anybody writes such letters but to hide that two texts are the same. In a text where that
happens often they stand for the Latin ones, for tokens, shingles and content hashes; every other text is read as it
is, and no text is changed.
"""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from curate.text import reference, unicode_tables
from curate.text.compiled import decode

_SPAN, _FIRST, _LAST = reference.SPAN, reference.FIRST_OTHER, reference.LAST_OTHER
_LEAD, _LEADS = np.uint8(0xCE), np.uint8(8)  # two bytes of UTF-8, of which the first is one of nine
_LETTER = np.zeros(_LAST + 1, np.uint8)
_LETTER[[ord(letter) for letter in reference.LETTERS]] = [ord(latin) for latin in reference.LETTERS.values()]
_LATIN, _OTHER = 1, 2
_WORD, _MARK, _IGNORABLE = unicode_tables.WORD, unicode_tables.MARK, unicode_tables.IGNORABLE


def unmasked(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Texts with look-alikes as the Latin letters that they pass for where words have both; nearly all as they are.

    Args:
        data: bytes, UTF-8 or not.
        offsets: int64[n + 1], where each text starts.

    Returns:
        Bytes and offsets; those that were given where no text is disguised. Linear in the bytes.
    """
    tables = unicode_tables.load()
    masked = _masked(data, offsets, tables.pages, tables.kinds)
    if not masked.any():
        return data, offsets
    plain, places = _translated(data, offsets, masked, _LETTER)
    plain.flags.writeable = False
    return plain, places


@numba.njit(cache=True, nogil=True)
def _masked(data: Any, offsets: Any, pages: Any, kinds: Any) -> Any:
    """Which texts change often between the scripts within words."""
    masked = np.zeros(offsets.size - 1, np.bool_)
    for i in range(masked.size):
        begin, end = offsets[i], offsets[i + 1]
        leads = 0
        for at in range(begin, end):
            leads += np.uint8(data[np.uint64(at)] - _LEAD) <= _LEADS
        if leads * 8 * _SPAN < end - begin or leads == 0:  # a letter makes two changes, and four bytes a character
            continue
        changes, characters = _changes(data, begin, end, pages, kinds)
        masked[i] = changes * _SPAN >= characters and changes > 0
    return masked


@numba.njit(cache=True, nogil=True)
def _changes(data: Any, at: Any, end: Any, pages: Any, kinds: Any) -> Any:
    """Changes between the scripts within words, and characters."""
    last, changes, characters = 0, 0, 0
    while at < end:
        code, at = decode(data, at, end)
        characters += 1
        kind = kinds[np.int64(pages[code >> 8]) << 8 | (code & 255)] & 7
        if kind in (_IGNORABLE, _MARK):
            continue
        script = 0
        if code < 128:
            letter = code | 32
            if 97 <= letter <= 122:
                script = _LATIN
        elif _FIRST <= code <= _LAST and kind == _WORD:
            script = _OTHER
        changes += script + last == _LATIN + _OTHER
        last = script
    return changes, characters


@numba.njit(cache=True, nogil=True)
def _translated(data: Any, offsets: Any, masked: Any, letters: Any) -> Any:
    """All texts, with the letters exchanged in those that are disguised."""
    plain = np.empty(offsets[-1] - offsets[0], np.uint8)
    places = np.zeros(offsets.size, np.int64)
    used = 0
    for i in range(masked.size):
        at, end = offsets[i], offsets[i + 1]
        if not masked[i]:
            plain[used : used + end - at] = data[at:end]
            used += end - at
            at = end
        while at < end:
            start = at
            code, at = decode(data, at, end)
            if code <= _LAST and letters[code]:
                plain[used] = letters[code]
                used += 1
            else:
                plain[used : used + at - start] = data[start:at]
                used += at - start
        places[i + 1] = used
    return plain[:used], places
