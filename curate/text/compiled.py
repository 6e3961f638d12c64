"""The compiled loops: decode, fold, tokenise, hash, sign.

`curate.text.reference` says in plain Python what they compute. They stand in one file because Numba's disk
cache of a function notices changes of the function's own file only: after changing a constant in `reference`
or `unicode_tables`, touch this file. Indices of the innermost loops are unsigned: Numba looks whether a
signed one is negative.
"""

from typing import Any

import numba
import numpy as np

from curate.text import reference, unicode_tables

_SPACE, _SYMBOL, _WORD = unicode_tables.SPACE, unicode_tables.SYMBOL, unicode_tables.WORD
_UNSEGMENTED, _MARK, _IGNORABLE = unicode_tables.UNSEGMENTED, unicode_tables.MARK, unicode_tables.IGNORABLE
_EXPAND, _HANGUL, _HANGUL_FIRST = unicode_tables.EXPAND, unicode_tables.HANGUL, unicode_tables.HANGUL_FIRST
_REPLACEMENT = 0xFFFD
_MOST_TOKENS = 2  # per byte: U+3316 has three bytes and folds to six kana
_TOKEN_BYTES = 5  # of most texts, at least
_MOST_MARKS = reference.MOST_MARKS

_TOKEN_START = np.uint64(reference.TOKEN_START)
_TOKEN_FACTOR = np.uint64(reference.TOKEN_FACTOR)
_SHINGLE_BASE = np.uint64(reference.SHINGLE_BASE)
_MIX_1, _MIX_2 = np.uint64(reference.MIX_1), np.uint64(reference.MIX_2)
_S27, _S29, _S30, _S31, _S32 = (np.uint64(shift) for shift in (27, 29, 30, 31, 32))
_LOW_HALF, _OTHER = np.uint64(0xFFFFFFFF), np.uint64(2 << 32)
_NO_SHINGLE = np.uint32(0xFFFFFFFF)
_FEW = 128  # hashes that quicksort sorts as fast
_TILE = 4096  # shingle hashes worked on at a time, so that they stay in the first cache


@numba.njit(cache=True, nogil=True)
def _mix(value: Any) -> Any:
    value = (value ^ (value >> _S30)) * _MIX_1
    value = (value ^ (value >> _S27)) * _MIX_2
    return value ^ (value >> _S31)


@numba.njit(cache=True, nogil=True)
def _grown(array: Any, used: int, least: int) -> Any:
    """A longer copy of a buffer of which `used` entries count."""
    longer = np.empty(max(2 * array.size, least), array.dtype)
    longer[:used] = array[:used]
    return longer


@numba.njit(cache=True, nogil=True)
def load_word(data: Any, at: Any) -> Any:
    """Eight bytes from a place on, little-endian: the compiler makes one load of it."""
    at = np.uint64(at)
    word = np.uint64(data[at]) | np.uint64(data[at + np.uint64(1)]) << np.uint64(8)
    word |= np.uint64(data[at + np.uint64(2)]) << np.uint64(16) | np.uint64(data[at + np.uint64(3)]) << np.uint64(24)
    word |= np.uint64(data[at + np.uint64(4)]) << np.uint64(32) | np.uint64(data[at + np.uint64(5)]) << np.uint64(40)
    word |= np.uint64(data[at + np.uint64(6)]) << np.uint64(48) | np.uint64(data[at + np.uint64(7)]) << np.uint64(56)
    return word


@numba.njit(cache=True, nogil=True)
def decode(data: Any, at: Any, end: Any) -> Any:
    """The code point at a place and the next place; ill-formed bytes give U+FFFD per maximal subpart."""
    lead = np.int64(data[np.uint64(at)])
    at += 1
    if lead < 0x80:
        return lead, at
    if lead < 0xC2 or lead > 0xF4:
        return _REPLACEMENT, at
    low, high = 0x80, 0xBF  # bounds of the second byte: no overlong form, no surrogate, nothing above U+10FFFF
    if lead < 0xE0:
        more, code = 1, lead & 0x1F
    elif lead < 0xF0:
        more, code = 2, lead & 0x0F
        if lead == 0xE0:
            low = 0xA0
        elif lead == 0xED:
            high = 0x9F
    else:
        more, code = 3, lead & 0x07
        if lead == 0xF0:
            low = 0x90
        elif lead == 0xF4:
            high = 0x8F
    for _ in range(more):
        if at >= end:
            return _REPLACEMENT, at
        byte = np.int64(data[np.uint64(at)])
        if byte < low or byte > high:
            return _REPLACEMENT, at
        low, high = 0x80, 0xBF
        code = code << 6 | (byte & 0x3F)
        at += 1
    return code, at


@numba.njit(cache=True, nogil=True)
def _expansion(code: Any, way: Any, fold: Any) -> Any:
    """Where the folded characters of a code point start and how many they are."""
    if way == _EXPAND:
        return np.int64(fold >> 5), np.int64(fold & 31)
    if way == _HANGUL:
        index = np.int64(code - _HANGUL_FIRST)
        return index, np.int64(3 if index % 28 else 2)
    return np.int64(code + fold), np.int64(1)


@numba.njit(cache=True, nogil=True)
def _folded(first: Any, j: Any, way: Any, kind: Any, tables: Any) -> Any:
    """The j-th folded character of a code point, and its kind."""
    pages, kinds, _, expansions = tables
    if way == _EXPAND:
        code = np.int64(expansions[first + j])
        return code, np.int64(kinds[np.int64(pages[code >> 8]) << 8 | (code & 255)])
    if way == _HANGUL:
        if j == 0:
            return 0x1100 + first // 588, kind
        if j == 1:
            return 0x1161 + first % 588 // 28, kind
        return 0x11A7 + first % 28, kind
    return first, kind


@numba.njit(cache=True, nogil=True)
def _take_marks(state: Any, marks: Any, held: Any) -> Any:
    """Hashes the marks that were held back to be sorted."""
    for i in range(held):
        state = (state ^ np.uint64(marks[i] >> 8)) * _TOKEN_FACTOR
    return state


@numba.njit(cache=True, nogil=True)
def _hold_mark(marks: Any, held: Any, code: Any, combining: Any) -> Any:
    """Puts a mark behind those of its own and lower combining classes."""
    place = held
    while place > 0 and marks[place - 1] & 255 > combining:
        marks[place] = marks[place - 1]
        place -= 1
    marks[place] = code << 8 | combining
    return held + 1


@numba.njit(cache=True, nogil=True)
def _ascii_letters(tables: Any) -> Any:
    """For each byte: 1 << 32 | folded character of words of ASCII, 0 of spaces, `_OTHER` for all else."""
    pages, kinds, folds, _ = tables
    letters = np.full(256, _OTHER, np.uint64)
    for code in range(128):
        entry = np.int64(pages[0]) << 8 | code
        if kinds[entry] == _WORD:
            letters[code] = np.uint64(1 << 32 | code + folds[entry])
        elif kinds[entry] == _SPACE:
            letters[code] = 0
    return letters


@numba.njit(cache=True, nogil=True)
def _take_mark(folded: Any, combining: Any, state: Any, marks: Any, held: Any) -> Any:
    """Takes a mark into the open token: at once, or when those of its character are in canonical order."""
    if combining == 0 or held == _MOST_MARKS:
        state = _take_marks(state, marks, held)
        held = 0
    if combining == 0:
        return (state ^ np.uint64(folded)) * _TOKEN_FACTOR, held
    return state, _hold_mark(marks, held, folded, combining)


@numba.njit(cache=True, nogil=True)
def _take_symbol(symbols: Any, tokens: Any, folded: Any) -> Any:
    """Takes a symbol after so many tokens into the hash of symbols."""
    symbols = (symbols ^ (np.uint64(tokens) << _S32 | np.uint64(folded))) * _TOKEN_FACTOR
    return symbols ^ (symbols >> _S32)


@numba.njit(cache=True, nogil=True)
def _tokenise(  # noqa: C901 (in parts it is a third slower: the compiler does not put them together again)
    data: Any, at: Any, end: Any, tables: Any, letters: Any, hashes: Any, used: Any, marks: Any
) -> Any:
    """Appends the token hashes of one text to a buffer with room for `_MOST_TOKENS` per byte.

    Returns:
        How much of the buffer is used, code points, hash of the symbols and their places (`reference.symbols`).
    """
    pages, kinds, folds, _ = tables
    begin = used
    chars = 0
    symbols = _TOKEN_START
    state = _TOKEN_START
    open_class = _SPACE  # class of the open token, _SPACE if there is none
    held = 0  # marks held back; each is code << 8 | combining class
    while at < end:
        if held == 0 and open_class != _UNSEGMENTED:
            # Words and spaces of ASCII. Where a word ends is past a processor's foreseeing, so nothing branches on it.
            start, open_word = at, np.uint64(open_class == _WORD)
            while at < end:
                letter = letters[data[np.uint64(at)]]
                if letter == _OTHER:
                    break
                word = letter >> _S32
                hashes[np.uint64(used)] = state
                used += np.int64(open_word & ~word)
                following = (state ^ (letter & _LOW_HALF)) * _TOKEN_FACTOR
                state = following if word else _TOKEN_START
                open_word = word
                at += 1
            chars += at - start
            open_class = _WORD if open_word else _SPACE
            if at == end:
                break
        code, at = decode(data, at, end)
        chars += 1
        entry = np.uint64(np.int64(pages[np.uint64(code >> 8)]) << 8 | (code & 255))
        own_kind = np.int64(kinds[entry])
        if own_kind <= _UNSEGMENTED and held == 0:  # one folded character and no mark: nearly all there are
            if open_class != _SPACE and (own_kind != _WORD or open_class != _WORD):
                hashes[np.uint64(used)] = state
                used += 1
                state = _TOKEN_START
            open_class = own_kind
            if own_kind >= _WORD:
                state = (state ^ np.uint64(code + folds[entry])) * _TOKEN_FACTOR
            elif own_kind == _SYMBOL:
                symbols = _take_symbol(symbols, used - begin, code + folds[entry])
                open_class = _SPACE
            continue
        way = own_kind >> 3 & 3
        first, length = _expansion(code, way, folds[entry])
        for j in range(length):
            folded, kind = _folded(first, j, way, own_kind, tables)
            what = kind & 7
            if what == _IGNORABLE:
                continue
            if what == _MARK and open_class != _SPACE:
                state, held = _take_mark(folded, kind >> 5, state, marks, held)
                continue
            state = _take_marks(state, marks, held)
            held = 0
            if open_class != _SPACE and (what != _WORD or open_class != _WORD):
                hashes[used] = state
                used += 1
                state = _TOKEN_START
                open_class = _SPACE
            if what in (_WORD, _UNSEGMENTED):
                state = (state ^ np.uint64(folded)) * _TOKEN_FACTOR
                open_class = what
            elif what != _SPACE:
                symbols = _take_symbol(symbols, used - begin, folded)
    if open_class != _SPACE:
        hashes[used] = _take_marks(state, marks, held)
        used += 1
    for i in range(begin, used):
        hashes[i] = _mix(hashes[i])
    return used, chars, symbols


@numba.njit(cache=True, nogil=True)
def _shingle(tokens: Any, shingle: int, out: Any) -> None:
    """64-bit hashes of all shingles: a rolling polynomial; `out` has len(tokens) - shingle + 1 entries."""
    lost = np.uint64(1)  # factor of the token that leaves
    for _ in range(shingle):
        lost *= _SHINGLE_BASE
    state = np.uint64(0)
    for i in range(tokens.size):
        state = state * _SHINGLE_BASE + tokens[i]
        if i >= shingle:
            state -= tokens[i - shingle] * lost
        if i >= shingle - 1:
            out[i - shingle + 1] = _mix(state)


@numba.njit(cache=True, nogil=True)
def _sign(shingles: Any, factors: Any, terms: Any, tile: Any, signature: Any) -> None:
    """As datasketch's affine32: per permutation the least factor × fmix32(hash) + term modulo 2^32."""
    signature[:] = _NO_SHINGLE
    for start in range(0, shingles.size, _TILE):
        size = min(_TILE, shingles.size - start)
        for i in range(size):
            value = np.uint32(shingles[start + i] >> _S32)
            value = np.uint32((value ^ (value >> np.uint32(16))) * np.uint32(0x85EBCA6B))
            value = np.uint32((value ^ (value >> np.uint32(13))) * np.uint32(0xC2B2AE35))
            tile[i] = value ^ (value >> np.uint32(16))
        for p in range(factors.size):
            factor, term, least = factors[p], terms[p], signature[p]
            for i in range(size):
                least = min(least, np.uint32(factor * tile[i] + term))
            signature[p] = least


@numba.njit(cache=True, nogil=True)
def features(
    data: Any, offsets: Any, valid: Any, tables: Any, shingle: int, factors: Any, terms: Any, with_tokens: bool
) -> Any:
    """The columns of `kernel.TextFeatures`, in its order."""
    n = valid.size
    tokens, shingles, chars = np.zeros(n, np.int32), np.zeros(n, np.int32), np.zeros(n, np.int32)
    signatures = np.zeros((n, factors.size), np.uint32)
    content, content_low = np.zeros(n, np.uint64), np.zeros(n, np.uint64)
    starts = np.zeros(n + 1, np.int64)
    longest = 0
    for i in range(n):
        longest = max(longest, offsets[i + 1] - offsets[i] if valid[i] else 0)
    all_tokens = (offsets[n] - offsets[0]) // _TOKEN_BYTES if with_tokens else 0
    hashes = np.empty(_MOST_TOKENS * longest + all_tokens, np.uint64)  # memory that is not written costs nothing
    wide = np.empty(1024, np.uint64)
    tile = np.empty(_TILE, np.uint32)
    marks = np.empty(_MOST_MARKS, np.int64)
    letters = _ascii_letters(tables)
    used = 0
    for i in range(n):
        begin = used if with_tokens else 0
        used = begin
        if valid[i]:
            most = begin + _MOST_TOKENS * (offsets[i + 1] - offsets[i])
            if most > hashes.size:
                hashes = _grown(hashes, begin, most)
            used, chars[i], symbols = _tokenise(data, offsets[i], offsets[i + 1], tables, letters, hashes, begin, marks)
            high, low = symbols, symbols ^ _MIX_1
            for j in range(begin, used):
                high = (high ^ hashes[j]) * _TOKEN_FACTOR
                high ^= high >> _S32
                low = (low + hashes[j]) * _SHINGLE_BASE
                low ^= low >> _S29
            content[i], content_low[i] = _mix(high), _mix(low)
            tokens[i] = used - begin
            count = max(0, used - begin - shingle + 1)
            shingles[i] = count
            if factors.size:
                if count > wide.size:
                    wide = _grown(wide, 0, count)
                if count:
                    _shingle(hashes[begin:used], shingle, wide[:count])
                _sign(wide[:count], factors, terms, tile, signatures[i])
        starts[i + 1] = used
    kept = hashes[: used if with_tokens else 0]
    if not with_tokens:
        starts[:] = 0
    return tokens, shingles, chars, signatures, content, content_low, kept, starts


@numba.njit(cache=True, nogil=True)
def _sort(values: Any, spare: Any, counts: Any) -> None:
    """Sorts by one byte after the other, from the lowest: in linear time, whatever the order (Knuth 5.2.5).

    Numba's own sort is a quicksort: three times as slow for a thousand hashes, and quadratic for texts made to be so.

    Args:
        values: uint64[k].
        spare: uint64[k or more], to be written.
        counts: int64[8, 256], likewise.
    """
    if values.size < _FEW:
        values.sort()
        return
    counts[:] = 0
    for i in range(values.size):
        value = values[np.uint64(i)]
        for byte in range(8):
            counts[np.uint64(byte), value >> np.uint64(8 * byte) & np.uint64(255)] += 1
    source, target = values, spare[: values.size]
    for byte in range(8):
        shift, places, total = np.uint64(8 * byte), counts[byte], 0
        for number in range(256):
            total, places[number] = total + places[number], total
        for i in range(values.size):
            value = source[np.uint64(i)]
            number = value >> shift & np.uint64(255)
            target[np.uint64(places[number])] = value
            places[number] += 1
        source, target = target, source


@numba.njit(cache=True, nogil=True)
def shingle_sets(hashes: Any, starts: Any, shingle: int) -> Any:
    """Sorted distinct shingle hashes and where each text's start, from token hashes and their starts."""
    n = starts.size - 1
    values = np.empty(hashes.size, np.uint64)
    longest = 0
    for i in range(n):
        longest = max(longest, starts[i + 1] - starts[i])
    spare, counts = np.empty(longest, np.uint64), np.empty((8, 256), np.int64)
    offsets = np.zeros(n + 1, np.int64)
    used = 0
    for i in range(n):
        count = max(0, starts[i + 1] - starts[i] - shingle + 1)
        if count:
            found = values[used : used + count]
            _shingle(hashes[starts[i] : starts[i + 1]], shingle, found)
            _sort(found, spare, counts)
            last = used
            for j in range(used + 1, used + count):
                if values[j] != values[last]:
                    last += 1
                    values[last] = values[j]
            used = last + 1
        offsets[i + 1] = used
    return values[:used].copy(), offsets


@numba.njit(cache=True, nogil=True)
def shingle_hashes(hashes: Any, starts: Any, shingle: int) -> Any:
    """Hashes of all shingles in their order, repeats included, and where each text's start."""
    n = starts.size - 1
    values = np.empty(hashes.size, np.uint64)
    offsets = np.zeros(n + 1, np.int64)
    used = 0
    for i in range(n):
        count = max(0, starts[i + 1] - starts[i] - shingle + 1)
        if count:
            _shingle(hashes[starts[i] : starts[i + 1]], shingle, values[used : used + count])
            used += count
        offsets[i + 1] = used
    return values[:used], offsets
