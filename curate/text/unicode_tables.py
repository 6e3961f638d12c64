"""How every code point is classed and folded, as shipped data.

`unicodedata` follows the Python version, and a signature must not, so the tables are built once
(`python -m curate.text.unicode_tables`, with the newest Python at hand) and read from `unicode_tables.npz`.

Folding is the compatibility caseless form of the Unicode Standard (section 3.13, definition D146): NFKD and
full case folding until nothing changes. Two texts fold to the same characters exactly when their NFKC forms
are equal but for case, and the decomposed form is the one that can be computed character by character.
Default ignorable characters (zero-width controls, variation selectors, joiners) vanish, as in NFKC_Casefold.
"""

import sys
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PATH = Path(__file__).with_name("unicode_tables.npz")

# Classes of folded characters, bits 0-2 of a kind.
SPACE, SYMBOL, WORD, UNSEGMENTED, MARK, IGNORABLE = range(6)
# How a code point folds, bits 3-4: add `fold`, take a run of the expansions, or decompose a Hangul syllable.
SHIFT, EXPAND, HANGUL = 0, 1, 2
# Bits 5-12 hold the canonical combining class, which orders the marks of one character.

CODE_POINTS = 0x110000
MAX_EXPANSION = 32
HANGUL_FIRST, HANGUL_LAST = 0xAC00, 0xD7A3

# Scripts written without spaces between words: each base character is a token of its own.
UNSEGMENTED_RANGES = (
    (0x0E00, 0x0E7F),  # Thai
    (0x0E80, 0x0EFF),  # Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x2FDF),  # CJK radicals
    (0x3005, 0x3007),  # ideographic iteration mark, closing mark and zero
    (0x3021, 0x3029),  # Hangzhou numerals
    (0x3031, 0x303C),
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),
    (0xA9E0, 0xA9FF),  # Myanmar extended
    (0xAA60, 0xAA7F),
    (0xF900, 0xFAFF),
    (0x1AFF0, 0x1B16F),  # Kana extended
    (0x20000, 0x3FFFD),  # Han, assigned or not: both planes are set aside for it
)
IGNORABLE_RANGES = (
    (0x034F, 0x034F),  # combining grapheme joiner
    (0x115F, 0x1160),  # Hangul fillers
    (0x17B4, 0x17B5),  # Khmer inherent vowels
    (0x180B, 0x180F),  # Mongolian variation selectors
    (0x2065, 0x2065),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8),
    (0xE0000, 0xE0FFF),  # tags, variation selectors supplement
)


class Tables(NamedTuple):
    """Two-stage tables: the entry of code point c is number `pages[c >> 8] << 8 | c & 255`.

    Attributes:
        pages: uint8[4352], the page of each run of 256 code points.
        kinds: uint16[pages × 256]; class, way of folding and combining class. The class is the folded character's.
        folds: int32[pages × 256]; what to add to the code point, or `offset << 5 | length` of its expansion.
        expansions: int32, code points, all folded.
        version: int32[3], of the Unicode Character Database that they were built from.
    """

    pages: NDArray[np.uint8]
    kinds: NDArray[np.uint16]
    folds: NDArray[np.int32]
    expansions: NDArray[np.int32]
    version: NDArray[np.int32]


@lru_cache(maxsize=1)
def load() -> Tables:
    """The shipped tables."""
    with np.load(PATH, allow_pickle=False) as arrays:
        return Tables(*(arrays[name] for name in Tables._fields))


def build() -> Tables:
    """The tables of the running Python's Unicode version (some seconds)."""
    kinds = np.zeros(CODE_POINTS, np.uint16)
    folds = np.zeros(CODE_POINTS, np.int32)
    expansions: list[int] = []
    for code in range(CODE_POINTS):
        kinds[code], folds[code] = _entry(code, expansions)
    rows = np.concatenate([kinds.reshape(-1, 256), folds.reshape(-1, 256)], axis=1)
    _, first, page = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    if len(first) > 256:
        raise ValueError(f"{len(first)} distinct pages, expected at most 256; widen `pages` to uint16")
    return Tables(
        pages=page.ravel().astype(np.uint8),
        kinds=kinds.reshape(-1, 256)[first].ravel(),
        folds=folds.reshape(-1, 256)[first].ravel(),
        expansions=np.array(expansions, np.int32),
        version=np.array(unicodedata.unidata_version.split("."), np.int32),
    )


def fold(character: str) -> str:
    """The folded form of one character, default ignorables removed."""
    folded, previous = unicodedata.normalize("NFD", character), ""
    while folded != previous:
        folded, previous = unicodedata.normalize("NFKD", folded.casefold()), folded
    return "".join(c for c in folded if not _ignorable(c))


def _entry(code: int, expansions: list[int]) -> tuple[int, int]:
    """Kind and fold of one code point; appends to the expansions."""
    character = chr(code)
    if HANGUL_FIRST <= code <= HANGUL_LAST:
        return WORD | HANGUL << 3, 0
    folded = fold(character)
    if not folded:
        return IGNORABLE, 0
    if len(folded) == 1:
        return _class(folded) | unicodedata.combining(folded) << 5, ord(folded) - code
    if len(folded) >= MAX_EXPANSION:
        raise ValueError(f"U+{code:04X} folds to {len(folded)} characters, expected fewer than {MAX_EXPANSION}")
    offset = len(expansions)
    expansions.extend(map(ord, folded))
    return _class(folded[0]) | EXPAND << 3, offset << 5 | len(folded)


def _class(character: str) -> int:
    """The class of a folded character. Marks extend a token; connectors such as `_` belong to words."""
    code, category = ord(character), unicodedata.category(character)
    if category[0] == "M":
        return MARK
    if within(code, UNSEGMENTED_RANGES) and (category[0] in "LN" or code >= 0x20000):
        return UNSEGMENTED
    if category[0] in "LN" or category in ("Pc", "Co"):
        return WORD
    return SPACE if category[0] == "Z" or category == "Cc" else SYMBOL


def _ignorable(character: str) -> bool:
    return unicodedata.category(character) == "Cf" or within(ord(character), IGNORABLE_RANGES)


def within(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    """Whether a code point is in one of the ranges, ends included."""
    return any(first <= code <= last for first, last in ranges)


if __name__ == "__main__":
    np.savez_compressed(PATH, **build()._asdict())
    sys.stdout.write(f"{PATH.name}: {PATH.stat().st_size} bytes, Unicode {unicodedata.unidata_version}\n")
