"""Passages of texts: duplicates side by side, with the words marked that the other lacks, and openings of examples.

Texts are at hand only while the decisions are applied to the inputs. A few documents' beginnings are taken there;
what is kept of them are passages of a few lines.
"""

import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from curate.report.groups import Pair
from curate.text.reference import tokens
from curate.text.unicode_tables import UNSEGMENTED_RANGES

JsonDict = dict[str, Any]
Span = tuple[int, int]

COMPARED = 6_000
"""Characters at the beginning of a document that are compared."""
SHOWN = 600
"""Characters of a passage of a pair."""
OPENING = 240
"""Characters of the opening of an example."""
CONTEXT = 30
"""Words of a passage before the first difference."""

_UNSEGMENTED = "".join(f"{chr(first)}-{chr(last)}" for first, last in UNSEGMENTED_RANGES)
WORD = re.compile(rf"[{_UNSEGMENTED}]|[^\s{_UNSEGMENTED}]+")
"""What is marked as a whole: a character of a script without spaces, else what stands between spaces."""


def beginnings(ids: pa.ChunkedArray, texts: pa.Array) -> dict[str, str]:
    """The compared part of documents by id; those without text are left out."""
    cut = pc.utf8_slice_codeunits(texts, 0, COMPARED)
    return {id: text for id, text in zip(ids.to_pylist(), cut.to_pylist(), strict=True) if text is not None}


def excerpts(pairs: Sequence[Pair], texts: Mapping[str, str]) -> list[JsonDict]:
    """Passages of pairs, as JSON types.

    Args:
        pairs: to be shown.
        texts: beginnings of their documents by id; documents may be missing, such as those of an earlier output.

    Returns:
        {id, matched_id, copy, survivor} for each pair with a text; copy and survivor are passages as in
        `side_by_side`, or None.
    """
    found = []
    for pair in pairs:
        sides = side_by_side(texts.get(pair.id), texts.get(pair.matched_id))
        if any(sides):
            found.append({"id": pair.id, "matched_id": pair.matched_id, "copy": sides[0], "survivor": sides[1]})
    return found


def opening(text: str) -> JsonDict:
    """The first words of a text, at most `OPENING` characters: a passage as of `side_by_side`, nothing in it marked."""
    return _passage(text, most=OPENING)


def side_by_side(one: str | None, other: str | None) -> tuple[JsonDict | None, JsonDict | None]:
    """The passages of two texts around their first difference.

    Words are compared as shingles are, folded and without punctuation. Where only one text is at hand, nothing is
    marked in it.

    Returns:
        For each text None, or {text: at most `SHOWN` characters of it, differs: spans of them whose words the other
        text lacks at that place, begins: whether the document begins with them, ends: whether it ends with them}.
    """
    if one is None or other is None:
        return (None if one is None else _passage(one)), (None if other is None else _passage(other))
    folded = {word: " ".join(tokens(word)) for word in {*WORD.findall(one), *WORD.findall(other)}}
    keys = [[folded[word] for word in WORD.findall(text)] for text in (one, other)]
    # Words of more than 1 % of a text start no match, which bounds the time that monotonous texts take.
    steps = SequenceMatcher(None, keys[0], keys[1], autojunk=True).get_opcodes()
    changed = [step for step in steps if step[0] != "equal"]
    goes_on = bool(changed) and changed[0] != steps[-1]
    return (
        _passage(one, [(first, end) for _, first, end, _, _ in changed], goes_on),
        _passage(other, [(first, end) for _, _, _, first, end in changed], goes_on),
    )


def _words(text: str) -> list[Span]:
    return [word.span() for word in WORD.finditer(text)]


def _passage(text: str, changes: Sequence[Span] = (), goes_on: bool = False, most: int = SHOWN) -> JsonDict:
    """The part of a text around its first change.

    Args:
        text: beginning of a document.
        changes: (first, one after the last) of the words that the other text lacks; both the same where it has more.
        goes_on: whether the texts agree again after the first change. Then its end is shown, else its beginning.
        most: characters of it.
    """
    words = _words(text)
    first = max(0, changes[0][goes_on] - CONTEXT) if changes else 0
    start = words[first][0] if words else 0
    ends = [end for _, end in words[first:] if end - start <= most]
    stop = ends[-1] if ends else min(len(text), start + most)
    spans = [(max(words[begin][0], start), min(words[end - 1][1], stop)) for begin, end in changes if begin < end]
    return {
        "text": text[start:stop],
        "differs": [[begin - start, end - start] for begin, end in spans if begin < end],
        "begins": first == 0,
        "ends": len(text) < COMPARED and not text[stop:].strip(),
    }
