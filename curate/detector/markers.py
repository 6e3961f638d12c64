"""Traces of hidden characters in a text: payloads that nobody sees, and letters that pass for others.

They say that something was done to a text, not who wrote it: machine text that hides from detectors has them, and so
has text that a tool watermarked or an editor spoilt. As evidence they weigh nothing; as reading help they are
listed. The text itself is never changed.

What is no marker: joiners and zero-width spaces beside scripts that write with them (Persian, Urdu, Indic scripts,
Khmer, Thai) and in emoji; one selector after an emoji, a symbol or a Han character; the tags in flags such as
Scotland's; byte order marks at the start, soft hyphens, directional marks; Greek symbols in Latin words (TNFα).

Everything is counted by RE2 in Arrow, whose tables are not those of the Python at hand; texts without a character
of interest, nearly all, cost one compiled scan.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.provenance.evidence import MARKER, combine, one_per_row
from curate.schema import EVIDENCE_LIST
from curate.text.containing import contains_any
from curate.text.unicode_tables import CODE_POINTS

STRAYS = 8
"""Zero-width characters beside spaces that count: as many as a byte needs; fewer are what editors leave."""
TYPING_ERRORS = 3
"""Words in another script with a Latin letter in them that count: whoever types in two scripts makes a few."""

_ZERO_WIDTH = r"[\x{200b}-\x{200d}\x{2060}-\x{2064}\x{feff}]"
_SELECTOR = r"[\x{fe00}-\x{fe0f}\x{e0100}-\x{e01ef}]"
_TAG = r"[\x{e0000}-\x{e007f}]"
_PRINTABLE_TAG = r"[\x{e0020}-\x{e007e}]"
_FLAG = r"\x{1f3f4}[\x{e0030}-\x{e0039}\x{e0061}-\x{e007a}]{3,6}\x{e007f}"
# Alphabets whose letters neither join nor take selectors.
_ALPHABET = r"[\p{Latin}\p{Greek}\p{Cyrillic}\p{Armenian}\p{Georgian}]"

# Letters that look like Latin ones in most typefaces (a choice from confusables.txt of Unicode UTS 39). Greek letters
# that stand for quantities and substances, such as α, ν and ρ, are left out.
_CYRILLIC = "асеорхуіјѕһԁԛԝӏАВЕКМНОРСТУХІЈЅԚԜ"
_GREEK = "οϲϳΑΒΕΖΗΙΚΜΝΟΡΤΥΧ"
_ARMENIAN = "օոսհ"
_ALIKE = f"[{_CYRILLIC}{_GREEK}{_ARMENIAN}]"
_LATIN_ALIKE = "[aceopxyijshdqwlABEKMHOPCTXYZIJSN]"

_OF_INTEREST = rf"[{_ZERO_WIDTH[1:-1]}{_SELECTOR[1:-1]}{_TAG[1:-1]}{_ALIKE[1:-1]}]"

_LONG_RUN = rf"{_ZERO_WIDTH}{{4,}}"
_IN_WORD = rf"{_ALPHABET}{_ZERO_WIDTH}{{1,3}}{_ALPHABET}"
_STRAY = rf"{_ALPHABET}{_ZERO_WIDTH}{{1,3}} | {_ZERO_WIDTH}{{1,3}}{_ALPHABET}"
_SELECTOR_RUN = rf"{_SELECTOR}{{3,}}"
_SELECTORS_ON_LETTER = rf"{_ALPHABET}{_SELECTOR}+"


def _mixed(letters: str, intruders: str) -> str:
    """A word of at least three letters of both kinds and no other, between two spaces that it does not share."""
    any_of, change = f"[{letters}{intruders}]", f"(?:[{letters}][{intruders}]|[{intruders}][{letters}])"
    return rf" (?:{any_of}+{change}{any_of}*|{change}{any_of}+) "


_WITHIN_WORD = rf"[\p{{M}}\x{{ad}}{_ZERO_WIDTH[1:-1]}{_SELECTOR[1:-1]}]"
_OTHER_LETTER = r"[\p{Cyrillic}\p{Greek}\p{Armenian}]"
_MIXED_WORD = rf"\p{{Latin}}{_WITHIN_WORD}*{_OTHER_LETTER}|{_OTHER_LETTER}{_WITHIN_WORD}*\p{{Latin}}"
_LATIN_WORD = _mixed(r"\p{Latin}", _ALIKE[1:-1])
_OTHER_WORD = "|".join(_mixed(script, _LATIN_ALIKE[1:-1]) for script in (r"\p{Cyrillic}", r"\p{Greek}"))

_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{3,}")
_C2PA = b"C2PATXT\0"


class Markers(NamedTuple):
    """Counts of n texts, int64[n] each; 0 where the text is null or has no more than may be innocent.

    Attributes:
        zero_width: places with zero-width characters in runs of four and more, within words, or many beside spaces.
        variation_selectors: places with selectors in runs of three and more, or on letters.
        tags: tag characters outside of flags.
        homoglyphs: words in which look-alike letters of other scripts stand among Latin ones, or the reverse.
    """

    zero_width: NDArray[np.int64]
    variation_selectors: NDArray[np.int64]
    tags: NDArray[np.int64]
    homoglyphs: NDArray[np.int64]


def count_markers(texts: pa.Array) -> Markers:
    """Counts the markers of texts.

    Args:
        texts: string or large_string[n].
    """
    rows = np.flatnonzero(contains_any(texts, _members(_OF_INTEREST)))
    suspects = texts.take(pa.array(rows))
    counts = np.zeros((len(Markers._fields), len(texts)), np.int64)
    for kind, (pattern, count) in enumerate(_COUNTERS):
        within, own = _matching(suspects, pattern)
        counts[kind, rows[within]] = count(own)
    return Markers(*counts)


def marker_evidence(texts: pa.Array) -> pa.ListArray:
    """The markers of texts as evidence that weighs nothing, one item for each kind; none of their content is told.

    Args:
        texts: string or large_string[n].

    Returns:
        EVIDENCE_LIST[n], null for nearly all.
    """
    markers = count_markers(texts)
    evidence: list[pa.Array] = [pa.nulls(len(texts), EVIDENCE_LIST)]
    for kind, counts in markers._asdict().items():
        marked = counts > 0
        if marked.any():
            told = _DETAILS[kind](texts.filter(pa.array(marked)))
            detail = pc.binary_join_element_wise(pa.array(counts[marked]).cast(pa.string()), told, " × ")
            place = pa.array(np.cumsum(marked) - 1, mask=~marked)
            evidence.append(one_per_row(marked, MARKER, kind, "unknown", 0.0, detail.take(place)))
    return combine(*evidence)


@lru_cache(maxsize=1)
def _members(character_class: str) -> NDArray[np.bool_]:
    """The characters of a class of single ones and ranges, bool[0x110000]."""
    written = re.sub(r"\\x\{(\w+)\}", lambda code: chr(int(code[1], 16)), character_class[1:-1])
    members = np.zeros(CODE_POINTS, np.bool_)
    for first, last, single in re.findall("(.)-(.)|(.)", written):
        members[ord(first or single) : ord(last or single) + 1] = True
    return members


def _matching(texts: pa.Array, pattern: str) -> tuple[NDArray[np.int64], pa.Array]:
    """The numbers of the texts that match, and these texts."""
    found = pc.fill_null(pc.match_substring_regex(texts, pattern), False)
    return np.flatnonzero(found.to_numpy(zero_copy_only=False)), texts.filter(found)


def _zero_width(texts: pa.Array) -> NDArray[np.int64]:
    strays = _occurrences(texts, _STRAY)
    return _occurrences(texts, f"{_LONG_RUN}|{_IN_WORD}") + np.where(strays >= STRAYS, strays, 0)


def _selectors(texts: pa.Array) -> NDArray[np.int64]:
    return _occurrences(texts, f"{_SELECTORS_ON_LETTER}|{_SELECTOR_RUN}")


def _tags(texts: pa.Array) -> NDArray[np.int64]:
    return _occurrences(pc.replace_substring_regex(texts, _FLAG, ""), _TAG)


def _homoglyphs(texts: pa.Array) -> NDArray[np.int64]:
    """Words of mixed scripts, set apart first, so that each has a space of its own on both sides."""
    words = pc.replace_substring_regex(texts, f"{_WITHIN_WORD}+", "")
    space = pa.scalar(" ", texts.type)
    words = pc.binary_join_element_wise(space, words, space, pa.scalar("", texts.type))
    words = pc.replace_substring_regex(words, r"\P{L}+", "  ")
    others = _occurrences(pc.replace_substring_regex(words, _LATIN_WORD, " "), _OTHER_WORD)
    return _occurrences(words, _LATIN_WORD) + np.where(others >= TYPING_ERRORS, others, 0)


def _occurrences(texts: pa.Array, pattern: str) -> NDArray[np.int64]:
    return pc.count_substring_regex(texts, pattern).to_numpy(zero_copy_only=False).astype(np.int64)


def _tell_selectors(texts: pa.Array) -> pa.Array:
    return pa.array([_tell_runs(_SELECTORS.findall(text)) for text in texts.to_pylist()], pa.string())


def _tell_runs(runs: list[str]) -> str:
    """What the longest run of selectors holds as bytes in the usual encoding: 0–15, then 16–255 from U+E0100."""
    if not runs:
        return "variation selectors on a letter"
    payloads = [bytes(code - 0xFE00 if code < 0xE0100 else code - 0xE00F0 for code in map(ord, run)) for run in runs]
    longest = max(payloads, key=len)
    if any(_C2PA in payload for payload in payloads):
        kind = "the wrapper of a C2PA manifest"
    else:
        try:
            longest.decode()
            kind = "bytes that read as UTF-8"
        except UnicodeDecodeError:
            kind = "bytes that are no text"
    return f"variation selectors in a row; the longest run holds {len(longest):,} bytes, {kind}"


def _tell_tags(texts: pa.Array) -> pa.Array:
    printable = pa.array(_occurrences(pc.replace_substring_regex(texts, _FLAG, ""), _PRINTABLE_TAG))
    return pc.binary_join_element_wise(
        "a tag character outside of flags; printable ASCII:", printable.cast(pa.string()), " "
    )


def _tell(words: str) -> Callable[[pa.Array], pa.Array]:
    return lambda texts: pa.repeat(words, len(texts))


_DETAILS = {
    "zero_width": _tell("zero-width characters that no script needs"),
    "variation_selectors": _tell_selectors,
    "tags": _tell_tags,
    "homoglyphs": _tell("look-alike letters of another script in a word"),
}
"""What follows the count of each of the `Markers`."""

_COUNTERS = (
    (_ZERO_WIDTH, _zero_width),
    (_SELECTOR, _selectors),
    (_TAG, _tags),
    (_MIXED_WORD, _homoglyphs),
)
"""For each of the `Markers`, what a text needs to have any, and how they are counted in those that do."""
