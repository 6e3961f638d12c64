"""What every code point means to the quality signals: bits, on top of the detector's classes."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curate.detector import characters
from curate.text.unicode_tables import CODE_POINTS

SPACE, SKIPPED, LETTER, UPPER, DIGIT, WIDE, PUNCTUATION, TERMINAL = (1 << bit for bit in range(8))
STOP, BULLET, ELLIPSIS, HASH, CURLY, ODD, NEWLINE, FULL_STOP = (1 << bit for bit in range(8, 16))
"""Bits of `Characters.traits`. `WIDE` letters are words of their own, `TERMINAL` marks may end a line, `STOP` marks a
sentence, `FULL_STOP` one without a space after it; an `ODD` character between two letters is no part of any word."""

REPLACEMENT = 0xFFFD

# Bits of `Characters.roles`: what the bytes of UTF-8 become when they are read in a one-byte encoding.
LEAD_2, LEAD_3, LEAD_4, CONTINUATION, EVERYDAY, CYRILLIC_LEAD, CYRILLIC_CONTINUATION, BOX, C1 = (
    1 << bit for bit in range(9)
)
ROLES = 0x2600
"""Code points that can have a role."""

_BULLETS = "•‣⁃▪▫■□●○◦◆◇►▸▶➢➤✓✔·*-–"
_STOPS = ".!?…。．！？؟۔।॥։።၊။។๏፧՞‼⁇⁈⁉"
_FULL_STOPS = "。．！？｡"
_QUOTES = "\"'”’»」』›"
_DIGIT_LIKE = ("sign", "markup", "bracket", "exclamation", "question", "semicolon", "other")
_EVERYDAY = "\xa0«»“”‘’…–—™•‹›°®"
# ├ ┬ ╨ ╤ in code page 437, √ ¬ in Mac Roman: the bytes that letters with accents and Cyrillic ones start with.
_BOXES = "├┬╨╤√¬"


class Characters(NamedTuple):
    """The tables.

    Attributes:
        traits: uint16[0x110000], the bits above.
        folded: int32[0x110000], the detector's folding, by which words are known.
        roles: uint16[0x2600], the bits of encodings.
    """

    traits: NDArray[np.uint16]
    folded: NDArray[np.int32]
    roles: NDArray[np.uint16]


@lru_cache(maxsize=1)
def load() -> Characters:
    """The tables, read-only."""
    kind, folded = characters.load()
    traits = np.zeros(CODE_POINTS, np.uint16)
    kinds = {
        SPACE: kind == characters.SPACE,
        SKIPPED: kind == characters.SKIPPED,
        LETTER: (kind == characters.LOWER) | (kind == characters.UPPER),
        UPPER: kind == characters.UPPER,
        DIGIT: kind == characters.DIGIT,
        WIDE: kind == characters.UNSEGMENTED,
        PUNCTUATION: kind >= characters.PUNCTUATION,
        ODD: (kind == characters.DIGIT)
        | np.isin(kind, [characters.PUNCTUATION + characters.CLASSES.index(name) for name in _DIGIT_LIKE]),
    }
    for bit, where in kinds.items():
        traits[where] |= bit
    sets = {
        TERMINAL: _STOPS + _QUOTES,
        STOP: _STOPS + "｡",
        FULL_STOP: _FULL_STOPS,
        BULLET: _BULLETS,
        ELLIPSIS: "…",
        HASH: "#＃",
        CURLY: "{}",
        NEWLINE: "\n\u2028\u2029",
    }
    for bit, members in sets.items():
        traits[[ord(member) for member in members]] |= bit
    roles = _roles()
    for array in (traits, roles):
        array.flags.writeable = False
    return Characters(traits, folded, roles)


def _roles() -> NDArray[np.uint16]:
    roles = np.zeros(ROLES, np.uint16)
    leads = {LEAD_2: [*range(0xC2, 0xC6), 0xCE, 0xCF, 0xD0, 0xD1, 0xD7, 0xD8, 0xD9], LEAD_3: range(0xE0, 0xF0)}
    for bit, places in (leads | {LEAD_4: range(0xF0, 0xF5), CONTINUATION: range(0x80, 0xC0)}).items():
        roles[list(places)] |= bit
    for byte in range(0x80, 0xC0):
        for encoding, bit in (("cp1252", CONTINUATION), ("cp1251", CYRILLIC_CONTINUATION)):
            character = bytes([byte]).decode(encoding, "ignore")
            if character:
                roles[ord(character)] |= bit
    roles[0x80:0xA0] |= C1
    roles[0x85] &= ~np.uint16(C1)  # next line
    for bit, members in ((EVERYDAY, _EVERYDAY), (CYRILLIC_LEAD, "РСГВ"), (BOX, _BOXES)):
        roles[[ord(member) for member in members]] |= bit
    return roles
