"""Texts of single documents of an output, found again: in what it wrote, and compared word by word."""

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from curate.config import Config
from curate.report.excerpts import WORD
from curate.text.reference import tokens

COMPARED = 20_000
"""Characters at the beginning of a document that are compared."""
CONTEXT = 12
"""Words on both sides of a difference that are told."""
MOST_TOLD = 10_000
"""Characters of a word diff that are told."""

Part = tuple[str, str]
"""What a piece of text is, "=", "-" or "+", and the piece."""


def written_rows(directory: str | Path, ids: Iterable[str], columns: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Documents that an output on this machine wrote, by id: kept, held, and with `run.write_dropped` dropped ones.

    Args:
        directory: of the output.
        ids: of documents.
        columns: those wanted, of which some may be missing.
    """
    wanted = pa.array(sorted(set(ids)), pa.string())
    found: dict[str, dict[str, Any]] = {}
    for folder in ("held", "data", "artefacts/dropped"):
        files = sorted(str(path) for path in (Path(directory) / folder).glob("*.parquet"))
        if not files or len(found) == len(wanted):
            continue
        dataset = ds.dataset(files, format="parquet")
        there = [name for name in columns if name in dataset.schema.names]
        rows = dataset.to_table(columns=["curate_id", *there], filter=pc.field("curate_id").isin(wanted))
        found |= {row.pop("curate_id"): row for row in rows.to_pylist()}
    return found


def written_texts(directory: str | Path, ids: Iterable[str], config: Config) -> dict[str, str]:
    """Texts that an output on this machine wrote, by id; documents without one are left out."""
    name = config.documents.columns.text
    rows = written_rows(directory, ids, [name])
    return {id: row[name] for id, row in rows.items() if isinstance(row.get(name), str)}


def word_diff(one: str, other: str) -> list[Part]:
    """How one text becomes another, of the first `COMPARED` characters of each.

    Words are compared as shingles are, folded and without punctuation.

    Returns:
        Parts in order: "=" in both (as in the other), "-" only in the one, "+" only in the other.
    """
    texts = one[:COMPARED], other[:COMPARED]
    words = [[found.span() for found in WORD.finditer(text)] for text in texts]
    folded: dict[str, str] = {}
    keys = [[folded.setdefault(word, " ".join(tokens(word))) for word in WORD.findall(text)] for text in texts]
    parts: list[Part] = []
    # Words of more than 1 % of a text start no match, which bounds the time that monotonous texts take.
    for kind, first, end, start, stop in SequenceMatcher(None, keys[0], keys[1], autojunk=True).get_opcodes():
        if kind == "equal":
            parts.append(("=", _cut(texts[1], words[1], start, stop)))
            continue
        if first < end:
            parts.append(("-", _cut(texts[0], words[0], first, end)))
        if start < stop:
            parts.append(("+", _cut(texts[1], words[1], start, stop)))
    return parts


def told(parts: Sequence[Part]) -> str:
    """A word diff in one printable line: [-only in the one-], {+only in the other+}, and what is around them."""
    pieces = []
    for number, (kind, text) in enumerate(parts):
        words = WORD.findall(text)
        if kind == "=" and len(words) > 2 * CONTEXT:
            before = words[: CONTEXT if number else 0]
            after = words[-CONTEXT if number + 1 < len(parts) else len(words) :]
            text = " ".join([*before, f"… {len(words) - len(before) - len(after):,} words the same …", *after])
        else:
            text = " ".join(text.split())
        pieces.append({"=": "{}", "-": "[-{}-]", "+": "{{+{}+}}"}[kind].format(text))
    line = " ".join(pieces)
    line = line if len(line) <= MOST_TOLD else line[:MOST_TOLD] + " …"
    return "".join(character if character.isprintable() else "\ufffd" for character in line)


def _cut(text: str, words: Sequence[tuple[int, int]], first: int, end: int) -> str:
    return text[words[first][0] : words[end - 1][1]]
