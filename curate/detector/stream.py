"""The token stream that every part of the detector reads: made once per text, from its bytes.

Words, numbers, single characters of scripts without spaces, and punctuation marks, in the folding of
`curate.detector.characters`.
"""

import threading
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from curate.detector import characters
from curate.detector.characters import DIGIT, LOWER, PUNCTUATION, SKIPPED, SPACE, UNSEGMENTED, UPPER
from curate.text.compiled import decode
from curate.text.kernel import text_buffers

WORD, NUMBER, CHARACTER, MARK = range(4)
"""Kinds of tokens: of letters, of digits, one character of a script without spaces, one punctuation mark."""

SMALL, TITLE, CAPITALS, MIXED = range(4)
"""Shapes of words."""

_APOSTROPHE = PUNCTUATION + characters.CLASSES.index("apostrophe")
FNV_START, FNV_PRIME = np.uint32(2166136261), np.uint32(16777619)
_KEY_START, _KEY_PRIME = np.uint64(14695981039346656037), np.uint64(1099511628211)
_MOST_KEPT = 1 << 21  # of the bytes of texts at a time, 34 in each thread for each of them

_kept = threading.local()


class TokenStream(NamedTuple):
    """Tokens of n texts, m in all, and their folded characters.

    Attributes:
        hashes: uint32[m], FNV-1a of the folded token in UTF-8: the hash by which fastText knows a word
            (Bojanowski et al., 2017, arXiv 1607.04606).
        keys: uint64[m], the same of code points with 64 bits, which tells tokens apart.
        kinds: uint8[m], WORD, NUMBER, CHARACTER or MARK.
        shapes: uint8[m], SMALL, TITLE, CAPITALS or MIXED; the punctuation class of a mark.
        spaced: bool[m], whether white space comes before the token.
        places: int64[m + 1], where each token starts among the characters; the space after it is its own.
        origins: int32[m], the code point of its text that the token starts at.
        characters: uint32[c], folded characters of all texts, white space as single spaces.
        offsets: int64[n + 1], where each text's tokens start.
    """

    hashes: NDArray[np.uint32]
    keys: NDArray[np.uint64]
    kinds: NDArray[np.uint8]
    shapes: NDArray[np.uint8]
    spaced: NDArray[np.bool_]
    places: NDArray[np.int64]
    origins: NDArray[np.int32]
    characters: NDArray[np.uint32]
    offsets: NDArray[np.int64]


def token_hash(word: str) -> int:
    """The hash of a folded token."""
    value = FNV_START
    with np.errstate(over="ignore"):
        for byte in word.encode():
            value = (value ^ np.uint32(byte if byte < 0x80 else byte | 0xFFFFFF00)) * FNV_PRIME
    return int(value)


def token_stream(texts: pa.Array) -> TokenStream:
    """The tokens of texts; none where a text is null.

    Args:
        texts: array of strings, n.
    """
    data, offsets, valid = text_buffers(texts)
    # Every byte may be a token, and the space after it a character.
    room = _room(int(offsets[-1] - offsets[0]) + len(texts) if len(texts) else 0)
    return TokenStream(*_tokenise(data, offsets, valid, *characters.load(), *room))


def _room(size: int) -> tuple[NDArray[Any], ...]:
    """Arrays to write streams of up to so many tokens and characters to, the same for the next texts of this thread.

    New memory costs a fault for each of its pages, which took a third of the time of a stream.
    """
    room: tuple[NDArray[Any], ...] | None = getattr(_kept, "room", None)
    if room is None or len(room[0]) <= size:
        fields = (np.uint32, np.uint64, np.uint8, np.uint8, np.bool_, np.int64, np.int32, np.uint32)
        room = tuple(np.empty(size + 1, kind) for kind in fields)
        if size <= _MOST_KEPT:
            _kept.room = room
    return room


@njit(cache=True, nogil=True)
def token_end(places: Any, letters: Any, token: Any) -> Any:
    """The character after the last one of a token, without the space that may follow.

    Numba counts the references of all arrays of a tuple that is passed on, so inner loops pass what they need.
    """
    end = places[token + 1]
    return end - (letters[end - 1] == 32)


@njit(cache=True, nogil=True)
def fnv(hashed: Any, code: Any) -> Any:
    """FNV-1a over the UTF-8 bytes of a code point, as fastText computes it: bytes are signed."""
    if code < 0x80:
        return (hashed ^ code) * FNV_PRIME
    if code < 0x800:
        hashed = _fnv_byte(hashed, np.uint32(0xC0) | code >> np.uint32(6))
    else:
        if code < 0x10000:
            hashed = _fnv_byte(hashed, np.uint32(0xE0) | code >> np.uint32(12))
        else:
            hashed = _fnv_byte(hashed, np.uint32(0xF0) | code >> np.uint32(18))
            hashed = _fnv_byte(hashed, np.uint32(0x80) | code >> np.uint32(12) & np.uint32(0x3F))
        hashed = _fnv_byte(hashed, np.uint32(0x80) | code >> np.uint32(6) & np.uint32(0x3F))
    return _fnv_byte(hashed, np.uint32(0x80) | code & np.uint32(0x3F))


@njit(cache=True, nogil=True)
def _fnv_byte(hashed: Any, byte: Any) -> Any:
    return (hashed ^ (byte | np.uint32(0xFFFFFF00))) * FNV_PRIME


@njit(cache=True, nogil=True)
def _tokenise(  # noqa: C901, one loop
    data: Any,
    offsets: Any,
    valid: Any,
    kind_of: Any,
    folded_of: Any,
    hashes: Any,
    keys: Any,
    kinds: Any,
    shapes: Any,
    spaced: Any,
    places: Any,
    origins: Any,
    letters: Any,
) -> Any:
    count = offsets.size - 1
    starts = np.zeros(count + 1, np.int64)
    token_kinds = np.full(PUNCTUATION + 1, MARK, np.uint8)
    token_kinds[LOWER], token_kinds[DIGIT], token_kinds[UNSEGMENTED] = WORD, NUMBER, CHARACTER
    tokens, written = 0, 0
    for text in range(count):
        place, end = offsets[text], offsets[text + 1] if valid[text] else offsets[text]
        space, origin = True, 0
        inside = np.uint8(SPACE)  # the kind of token that the next character may go on
        capitals, length = 0, 0
        while place < end:
            code, after = decode(data, place, end)
            kind = kind_of[code]
            here = origin
            origin += 1
            place = after
            if kind == SKIPPED:
                continue
            if kind == SPACE:
                if not space:
                    letters[written] = 32
                    written += 1
                space, inside = True, np.uint8(SPACE)
                continue
            folded = np.uint32(folded_of[code])
            if kind == _APOSTROPHE and inside == LOWER:
                following, ahead = np.uint8(SKIPPED), place
                while following == SKIPPED and ahead < end:
                    code, ahead = decode(data, ahead, end)
                    following = kind_of[code]
                if following in (LOWER, UPPER):  # an apostrophe within a word
                    kind = np.uint8(LOWER)
            group = np.uint8(LOWER) if kind == UPPER else kind
            if group == inside and (group in (LOWER, DIGIT)):
                token = tokens - 1
                hashes[token] = fnv(hashes[token], folded)
                keys[token] = (keys[token] ^ folded) * _KEY_PRIME
                length += 1
                if kind == UPPER:
                    capitals += 1
                    shapes[token] = CAPITALS if capitals == length else MIXED
                elif shapes[token] == CAPITALS:
                    shapes[token] = MIXED
            else:
                hashes[tokens] = fnv(FNV_START, folded)
                keys[tokens] = (_KEY_START ^ folded) * _KEY_PRIME
                kinds[tokens] = (
                    WORD
                    if group == LOWER
                    else NUMBER
                    if group == DIGIT
                    else CHARACTER
                    if group == UNSEGMENTED
                    else MARK
                )
                capitals, length = (1 if kind == UPPER else 0), 1
                shapes[tokens] = TITLE if kind == UPPER else SMALL
                if kind >= PUNCTUATION:
                    shapes[tokens] = kind - PUNCTUATION
                spaced[tokens] = space
                places[tokens] = written
                origins[tokens] = here
                tokens += 1
                inside = group
            letters[written] = folded
            written += 1
            space = False
            if inside != LOWER or shapes[tokens - 1] == CAPITALS:
                continue
            # most of most texts: small ASCII letters, until something else comes
            hashed, key = hashes[tokens - 1], keys[tokens - 1]
            first = place
            while place < end and data[place] < 0x80 and kind_of[data[place]] == LOWER:
                hashed = (hashed ^ np.uint32(data[place])) * FNV_PRIME
                key = (key ^ np.uint64(data[place])) * _KEY_PRIME
                letters[written] = data[place]
                written += 1
                place += 1
            hashes[tokens - 1], keys[tokens - 1] = hashed, key
            origin += place - first
            length += place - first
        if not space:
            letters[written] = 32
            written += 1
        starts[text + 1] = tokens
    places[tokens] = written
    return (
        hashes[:tokens].copy(),
        keys[:tokens].copy(),
        kinds[:tokens].copy(),
        shapes[:tokens].copy(),
        spaced[:tokens].copy(),
        places[: tokens + 1].copy(),
        origins[:tokens].copy(),
        letters[:written].copy(),
        starts,
    )
