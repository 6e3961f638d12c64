"""Human prose that ships with every Python: docstrings, language-reference topics, comments and the licence.

Docstrings and comments are found by regular expressions and not by parsing: the standard library is about 9 MB of
source, which takes seconds to parse and a fraction of one to scan.
"""

import importlib.util
import re
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from curate.errors import UsageError
from curate.hashing import stage_seed

MIN_WORDS = 60
MAX_WORDS = 600

_SKIPPED_FOLDERS = frozenset(
    {"test", "tests", "idlelib", "site-packages", "dist-packages", "lib2to3", "encodings", "pydoc_data", "__pycache__"}
)
_RARE_TOPIC_MODULES = frozenset({"turtle"})

# A string literal that opens the line after a colon is the docstring of a class or function.
_DOCSTRING = re.compile(r'(?:\A(?:[ \t]*#[^\n]*\n|[ \t]*\n)*|:[ \t]*\n[ \t]*)[rR]?"""(.*?)"""', re.DOTALL)
_COMMENT_BLOCK = re.compile(r"(?:^[ \t]*#.*\n){3,}", re.MULTILINE)
_COMMENT_MARK = re.compile(r"^[ \t]*#+[!:]?", re.MULTILINE)
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_WORD = re.compile(r"\w+")
_PROSE_WORD = re.compile(r"""["'(“‘]*[A-Za-zÀ-ÿ][A-Za-zÀ-ÿ'’-]*["')”’]*[.,;:!?]*["')”’]*""")


@dataclass(frozen=True)
class Prose:
    """A human document: its text, the name of the source it is filed under, and whether its topic is the rare one."""

    text: str
    source: str
    rare_topic: bool


def human_prose() -> list[Prose]:
    """All documents of 60 to 600 words that this Python's own texts yield, in an order fixed by the installation.

    A document is a run of neighbouring paragraphs of one file. Paragraphs that copy earlier ones are left out, so that
    the only duplicates in the demo are those it makes.

    Raises:
        UsageError: this Python came without the sources of its standard library.
    """
    seen: set[tuple[str, ...]] = set()
    documents: list[Prose] = []
    for name, source, raw in _raw_texts():
        paragraphs = list(_new_paragraphs(_prose_paragraphs(raw), seen))
        rng = np.random.default_rng(stage_seed(0, f"demo.prose/{source}/{name}"))
        rare = source == "stdlib-docs" and name in _RARE_TOPIC_MODULES
        documents.extend(Prose(text, source, rare) for text in _documents(paragraphs, rng))
    if len(documents) < 500:
        raise UsageError(
            f"this Python holds {len(documents)} documents of prose, expected at least 500; "
            "use a Python that has the .py files of its standard library"
        )
    return documents


def word_shingles(text: str, length: int = 5) -> set[tuple[str, ...]]:
    """The runs of consecutive words, without case; written apart from curate's kernel, which it helps to judge."""
    words = _WORD.findall(text.casefold())
    return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}


def _raw_texts() -> Iterator[tuple[str, str, str]]:
    """Yields (name, source, raw text) of every file and topic, paragraphs separated by blank lines."""
    root = Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(root.rglob("*.py")):
        folders = path.relative_to(root).parts[:-1]
        if _SKIPPED_FOLDERS.intersection(folders) or any(folder.startswith("config-") for folder in folders):
            continue
        code = path.read_text(encoding="utf-8", errors="replace")
        name = ".".join((*folders, path.stem))
        yield name, "stdlib-docs", "\n\n".join(_DOCSTRING.findall(code))
        yield name, "web-forum", "\n\n".join(_COMMENT_MARK.sub("", block) for block in _COMMENT_BLOCK.findall(code))
    if importlib.util.find_spec("pydoc_data.topics"):
        from pydoc_data.topics import topics

        for name in sorted(topics):
            yield name, "handbook", topics[name]
    for path in sorted(root.glob("LICENSE*")):
        yield path.name, "handbook", path.read_text(encoding="utf-8", errors="replace")


def _prose_paragraphs(raw: str) -> Iterator[str]:
    """Paragraphs on one line each, without headings, tables, signatures, sessions and other code."""
    for paragraph in _BLANK_LINE.split(raw):
        words = paragraph.split()
        if len(words) < 8 or words[-1][-1] not in ".!?:)" or ">>>" in paragraph:
            continue
        if sum(_PROSE_WORD.fullmatch(word) is not None for word in words) >= 0.8 * len(words):
            yield " ".join(words)


def _new_paragraphs(paragraphs: Iterable[str], seen: set[tuple[str, ...]]) -> Iterator[str]:
    """Paragraphs most of whose shingles are new; every shingle met is added to `seen`."""
    for paragraph in paragraphs:
        shingles = word_shingles(paragraph)
        if len(shingles & seen) <= 0.3 * len(shingles):
            yield paragraph
        seen |= shingles


def _documents(paragraphs: Iterable[str], rng: np.random.Generator) -> Iterator[str]:
    """Joins neighbouring paragraphs until a drawn length (60 words and more, mostly short) is reached."""
    parts: list[str] = []
    words = 0
    wanted = _draw_length(rng)
    for paragraph in paragraphs:
        parts.append(paragraph)
        words += paragraph.count(" ") + 1
        if words >= wanted:
            if words <= MAX_WORDS:
                yield "\n\n".join(parts)
            parts, words, wanted = [], 0, _draw_length(rng)
    if MIN_WORDS <= words <= MAX_WORDS:
        yield "\n\n".join(parts)


def _draw_length(rng: np.random.Generator) -> float:
    return MIN_WORDS * float(np.exp(0.8 * rng.random() ** 2))
