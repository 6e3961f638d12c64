"""A labelled corpus of duplicates and of what must not be taken for them, in six languages.

    python tests/benchmarks/planted.py OUT.parquet --groups 400

Words are made up: letters, syllables and lengths are those of the language, no outside data is needed. A group is an
original with its copies, or a set of distinct documents with something in common. Beside OUT.parquet (id, text,
timestamp, origin, language) lies OUT.truth.parquet: id, kind, copy_of (the original's id, or null), role.

Kinds of copies: exact (but for case and spaces), near (edited at several rates), contained (a long part). Distinct:
single, boilerplate (much of the text is shared), template (the words between the slots are shared), short (under five
words). Originals are real (captured before chat models) or of unknown role, and their copies, captured later, also
synthetic, as their origin column declares.
"""

import argparse
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from corpora import write

EDIT_RATES = (0.002, 0.005, 0.01, 0.015, 0.02, 0.04)
CUTOFF = datetime(2022, 11, 30, tzinfo=timezone.utc)

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.string()),
        ("timestamp", pa.timestamp("s", tz="UTC")),
        ("origin", pa.string()),
        ("language", pa.string()),
    ]
)
TRUTH = pa.schema([("id", pa.string()), ("kind", pa.string()), ("copy_of", pa.string()), ("role", pa.string())])

_START, _END = datetime(2012, 1, 1, tzinfo=timezone.utc), datetime(2025, 6, 30, tzinfo=timezone.utc)
_VOCABULARY = 4_000


class Language(NamedTuple):
    """How a language is written.

    Attributes:
        word: makes up one word.
        space: between two words.
        stops: what may follow a word, in place of nothing.
        length: words of a document, least and most.
    """

    word: Callable[[np.random.Generator], str]
    space: str
    stops: tuple[str, ...]
    length: tuple[int, int]


class Member(NamedTuple):
    """A document of a group: its words, what it is, and which member it is a copy of."""

    words: list[str]
    kind: str
    copied: int | None = None


def _syllables(onsets: str, nuclei: str, codas: str, most: int) -> Callable[[np.random.Generator], str]:
    starts, middles, ends = onsets.split(), nuclei.split(), ["", *codas.split()]

    def word(rng: np.random.Generator) -> str:
        return "".join(
            rng.choice(starts) + rng.choice(middles) + rng.choice(ends) for _ in range(rng.integers(1, most + 1))
        )

    return word


def _letters(first: int, last: int, least: int, most: int) -> Callable[[np.random.Generator], str]:
    def word(rng: np.random.Generator) -> str:
        return "".join(map(chr, rng.integers(first, last, size=rng.integers(least, most + 1)).tolist()))

    return word


_HINDI = _syllables(" ".join(map(chr, range(0x0915, 0x093A))), "ा ि ी ु ू े ै ो ौ", "ं र्क न्त", 3)
_ENGLISH = _syllables("b br c d f g l m n p qu r s st th tr w", "a e ea i o ou u", "ck d ght ll n ng r s t", 3)
_GERMAN = _syllables("b d f g h k l m pf r s sch st tr w z", "a ä au e ei i ie o ö u ü", "ch ck l n ng r ß st t", 4)


def _identifier(rng: np.random.Generator) -> str:
    parts = [_ENGLISH(rng) for _ in range(rng.integers(1, 4))]
    return "_".join(parts) if rng.random() < 0.7 else str(rng.integers(1, 100_000))


LANGUAGES = {
    "en": Language(_ENGLISH, " ", (",", ".", ".\n\n"), (120, 320)),
    "de": Language(_GERMAN, " ", (",", ".", ".\n\n"), (120, 320)),
    "zh": Language(_letters(0x4E00, 0x5D00, 1, 3), "", ("，", "。", "。\n"), (150, 300)),
    "ar": Language(_letters(0x0627, 0x063B, 2, 7), " ", ("،", ".", ".\n\n"), (120, 320)),
    "hi": Language(_HINDI, " ", (",", "।", "।\n\n"), (120, 320)),
    "code": Language(_identifier, " ", (" =", " +", "(", "):\n   ", ".", "\n"), (120, 320)),
}


class _Writer:
    """Writes groups of one language; later words of its vocabulary are rarer."""

    def __init__(self, language: Language, rng: np.random.Generator) -> None:
        self._language, self._rng = language, rng
        self._vocabulary = [language.word(rng) for _ in range(_VOCABULARY)]

    def words(self, count: int) -> list[str]:
        places = (self._rng.random(count) ** 2 * _VOCABULARY).astype(int)
        stops = self._rng.choice(["", *self._language.stops], size=count, p=self._stop_shares())
        return [self._vocabulary[place] + stop for place, stop in zip(places, stops, strict=True)]

    def _stop_shares(self) -> list[float]:
        return [0.85, *[0.15 / len(self._language.stops)] * len(self._language.stops)]

    def document(self) -> list[str]:
        return self.words(int(self._rng.integers(*self._language.length)))

    def edited(self, words: list[str], rate: float) -> list[str]:
        """Replaces, leaves out or inserts about this share of the words, at least one."""
        words = list(words)
        for _ in range(max(1, self._rng.binomial(len(words), rate))):
            place, way = int(self._rng.integers(len(words))), self._rng.integers(3)
            words[place : place + int(way < 2)] = self.words(int(way > 0))
        return words

    def exact(self) -> Iterator[Member]:
        words = self.document()
        yield Member(words, "single")
        yield Member([word.upper() for word in words], "exact", 0)
        yield Member([word.strip() + "  " for word in words] if self._language.space else list(words), "exact", 0)

    def near(self) -> Iterator[Member]:
        words = self.document()
        yield Member(words, "single")
        for rate in self._rng.choice(EDIT_RATES, size=3):
            yield Member(self.edited(words, float(rate)), "near", 0)

    def contained(self) -> Iterator[Member]:
        words = self.document()
        yield Member(words, "single")
        for share in (0.7, 0.78, 0.9):
            start = int(self._rng.integers(len(words) * (1 - share)))
            yield Member(words[start : start + int(len(words) * share)], "contained", 0)

    def boilerplate(self) -> Iterator[Member]:
        head, foot = self.words(60), self.words(60)
        for _ in range(4):
            yield Member([*head, *self.words(int(self._rng.integers(45, 160))), *foot], "boilerplate")

    def template(self) -> Iterator[Member]:
        parts = [self.words(20) for _ in range(10)]
        for _ in range(4):
            yield Member([word for part in parts for word in (*part, *self.words(1))], "template")

    def short(self) -> Iterator[Member]:
        words = self.words(3)
        yield Member(words, "short")
        yield Member(words, "exact", 0)
        yield Member([*words[:2], *self.words(1)], "short")

    def text(self, words: list[str]) -> str:
        return self._language.space.join(words)


def planted(groups: int, seed: int = 1) -> tuple[pa.Table, pa.Table]:
    """So many groups, a sixth of them in each language: the corpus in random order, and its truth."""
    rng = np.random.default_rng(seed)
    writers = {name: _Writer(language, rng) for name, language in LANGUAGES.items()}
    rows, truth = [], []
    for number in range(groups):
        name = list(LANGUAGES)[number % len(LANGUAGES)]
        writer = writers[name]
        makers = (writer.exact, writer.near, writer.near, writer.contained, writer.boilerplate, writer.template)
        maker = makers[number // len(LANGUAGES) % len(makers)]
        members = list(writer.short()) if number % 17 == 0 else list(maker())
        ids = [f"{rng.integers(1 << 48):012x}" for _ in members]
        original_time, original_role = _original(rng)
        for id, member in zip(ids, members, strict=True):
            if member.copied is None:
                time, role = (original_time, original_role) if id == ids[0] else _original(rng)
            else:
                time, role = _copy(original_time, original_role, rng)
            origin = "synthetic" if role == "synthetic" else None
            rows.append({"id": id, "text": writer.text(member.words), "timestamp": time, "origin": origin})
            rows[-1]["language"] = None if name == "code" else name
            copy_of = None if member.copied is None else ids[member.copied]
            truth.append({"id": id, "kind": member.kind, "copy_of": copy_of, "role": role})
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    return table.take(rng.permutation(len(rows))), pa.Table.from_pylist(truth, schema=TRUTH)


def _original(rng: np.random.Generator) -> tuple[datetime, str]:
    return (_between(_START, CUTOFF, rng), "real") if rng.random() < 0.6 else (_between(CUTOFF, _END, rng), "unknown")


def _copy(time: datetime, role: str, rng: np.random.Generator) -> tuple[datetime | None, str]:
    """When a copy of a document was captured, if that is known, and what it is."""
    roles = ("real", "unknown", "synthetic") if role == "real" else ("unknown", "synthetic")
    chosen = str(rng.choice(roles))
    if chosen == "real":
        return _between(time, CUTOFF, rng), chosen
    return (_between(max(time, CUTOFF), _END, rng) if rng.random() < 0.7 else None), chosen


def _between(start: datetime, end: datetime, rng: np.random.Generator) -> datetime:
    return start + timedelta(seconds=int(rng.integers(1, max(2, int((end - start).total_seconds())))))


def main() -> None:
    """Writes the corpus and its truth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--groups", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    write(given.out, *planted(given.groups, given.seed))


if __name__ == "__main__":
    main()
