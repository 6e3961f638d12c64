"""What the detector takes every code point for, as shipped data.

Scoring must not depend on how a text is set or hidden: invisible characters and combining marks vanish, every
kind of white space is one space, compatibility forms, accents and case are folded, and letters of other scripts
that look like a Latin letter are that letter (the single-letter part of Unicode's confusables, UTS #39, section 4).
The folding is the same in every script: a Russian word becomes another string than it was, but always the same one.

`unicodedata` follows the Python version, and a score must not, so the table is built once
(`python -m curate.detector.characters`) and read from `characters.npz`.
"""

import sys
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from curate.text.reference import LETTERS
from curate.text.unicode_tables import (
    CODE_POINTS,
    HANGUL_FIRST,
    HANGUL_LAST,
    IGNORABLE_RANGES,
    UNSEGMENTED_RANGES,
    within,
)

PATH = Path(__file__).with_name("characters.npz")

SPACE, SKIPPED, LOWER, UPPER, DIGIT, UNSEGMENTED, PUNCTUATION = range(7)
"""Kinds; those from `PUNCTUATION` on are punctuation of class kind - PUNCTUATION."""

PUNCTUATION_CLASSES = {
    "comma": ",、،",
    "stop": ".。।۔",
    "question": "?؟",
    "exclamation": "!",
    "semicolon": ";؛",
    "colon": ":",
    "hyphen": "-‐‑",
    "dash": "–—―",
    "parenthesis": "()",
    "quote": '"“”„«»「」『』',
    "apostrophe": "'‘’`",
    "slash": "/\\",
    "sign": "=+<>^_$%&@~|",
    "ellipsis": "…",
    "bracket": "[]{}【】《》",
    "markup": "*#•",
    "other": "",
}
CLASSES = tuple(PUNCTUATION_CLASSES)

_LOOKALIKES = {
    **LETTERS,
    # Cherokee, Lisu, Latin letters beyond ASCII
    **dict(zip("ᎪᏴᏟᎠᎬᎻᎥᎫᏦᏞᎷᏢᏒᏚᎢᏙᎳᏃ", "abcdehijklmprstvwz", strict=True)),
    **dict(zip("ɑɡıȷʋɩⅼℓ", "agijvill", strict=True)),
    **dict(zip("ᴀʙᴄᴅᴇɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdeghijklmnoprstuvwyz", strict=True)),
}


_STANDS_FOR = _LOOKALIKES | {
    # Marks of one class are one character, but for those that differ in meaning.
    mark: mark if name in ("sign", "markup", "parenthesis", "bracket") else marks[0]
    for name, marks in PUNCTUATION_CLASSES.items()
    for mark in marks
}


class Characters(NamedTuple):
    """The table.

    Attributes:
        kind: uint8[0x110000].
        folded: int32[0x110000], the code point that stands for it; meaningless for spaces and what is skipped.
    """

    kind: NDArray[np.uint8]
    folded: NDArray[np.int32]


@lru_cache(maxsize=1)
def load() -> Characters:
    """The shipped table, read-only."""
    with np.load(PATH, allow_pickle=False) as arrays:
        starts, kinds, shifts = (arrays[name] for name in ("starts", "kinds", "shifts"))
    lengths = np.diff(starts, append=CODE_POINTS)
    kind = np.repeat(kinds, lengths)
    folded = np.arange(CODE_POINTS, dtype=np.int32) + np.repeat(shifts, lengths)
    for array in (kind, folded):
        array.flags.writeable = False
    return Characters(kind, folded)


def build() -> dict[str, Any]:
    """Runs of code points of one kind that fold by the same shift, and the Unicode version (takes seconds)."""
    entries = np.array([_entry(code) for code in range(CODE_POINTS)], dtype=np.int64)
    entries[:, 1] -= np.where(entries[:, 0] == SKIPPED, entries[:, 1], np.arange(CODE_POINTS))
    starts = np.flatnonzero(np.r_[True, np.any(np.diff(entries, axis=0) != 0, axis=1)])
    return {
        "starts": starts.astype(np.int32),
        "kinds": entries[starts, 0].astype(np.uint8),
        "shifts": entries[starts, 1].astype(np.int32),
        "version": np.array(unicodedata.unidata_version.split("."), np.int32),
    }


def _entry(code: int) -> tuple[int, int]:
    character = chr(code)
    category = unicodedata.category(character)
    if category in ("Zs", "Zl", "Zp", "Cc"):
        return SPACE, code
    if HANGUL_FIRST <= code <= HANGUL_LAST:
        return LOWER, code
    if category in ("Cf", "Cn", "Cs", "Mn", "Me", "Mc") or within(code, IGNORABLE_RANGES):
        return SKIPPED, code
    folded = _fold(character)
    if not folded:  # free-standing accents, which fold to a space and a mark
        return SKIPPED, code
    kind = _kind(folded)
    if kind == LOWER and (category in ("Lu", "Lt") or unicodedata.normalize("NFKD", character)[0].isupper()):
        kind = UPPER
    return kind, ord(folded)


def _fold(character: str) -> str:
    """The first character of the folded form."""
    if character in _STANDS_FOR:
        return _STANDS_FOR[character]
    for part in unicodedata.normalize("NFKD", character).casefold():
        if unicodedata.category(part)[0] not in "MZC":
            return _STANDS_FOR.get(part, part)
    return ""


def _kind(folded: str) -> int:
    category = unicodedata.category(folded)
    if within(ord(folded), UNSEGMENTED_RANGES) and category[0] in "LN":
        return UNSEGMENTED
    if category[0] == "L":
        return LOWER
    if category[0] == "N":
        return DIGIT
    for number, members in enumerate(PUNCTUATION_CLASSES.values()):
        if folded in members:
            return PUNCTUATION + number
    return PUNCTUATION + CLASSES.index("other")


if __name__ == "__main__":
    np.savez_compressed(PATH, **build())
    sys.stdout.write(f"{PATH.name}: {PATH.stat().st_size} bytes, Unicode {unicodedata.unidata_version}\n")
