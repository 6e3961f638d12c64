"""Short documents of which one in a hundred is bad, in every way that a record can be, and what becomes of them.

    python tests/fuzz/bad_records.py [--documents 1000000] [--all-steps]

A third of the documents each are JSON lines, Parquet and Arrow; two files cannot be opened at all. It prints a table
of what was expected and found of every kind, and fails if a record is missing, counted twice or counted as something
else.
"""

import argparse
import itertools
import json
import platform
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from curate.config import make_config
from curate.pipelines.run import curate_inputs
from curate.report.verify import check_counts

BAD = 100
"""One record in so many is bad."""
ERROR, NO_TEXT, READ = "error", "no_text", "read"

_SYLLABLES = ["ba", "den", "fi", "gor", "hul", "ka", "lem", "mi", "nor", "pes", "ra", "sil", "tun", "vo", "wex", "zan"]
_WORDS = ["".join(pair) for pair in itertools.product(_SYLLABLES, _SYLLABLES, ["", "s"])]


def _line(id: object, text: object, **more: object) -> bytes:
    return json.dumps({"id": id, "text": text, **more}, ensure_ascii=False).encode("utf-8", "surrogatepass")


Make = Callable[[str, str], bytes]
LINES: dict[str, tuple[str, Make]] = {
    # What cannot be decoded.
    "not JSON": (ERROR, lambda id, text: text.encode()),
    "cut off": (ERROR, lambda id, text: _line(id, text)[:-9]),
    "invalid UTF-8": (ERROR, lambda id, text: _line(id, text).replace(b" ", b"\xff\xfe", 1)),
    "an overlong form": (ERROR, lambda id, text: _line(id, text).replace(b" ", b"\xc0\xaf", 1)),
    "a lone surrogate as bytes": (ERROR, lambda id, text: _line(id, text + "\ud800")),
    "a lone surrogate escaped": (ERROR, lambda id, text: _line(id, text).replace(b" ", b"\\udc00", 1)),
    "a lone surrogate in a key": (ERROR, lambda id, text: _line(id, text).replace(b'"id"', b'"\\ud83d": 1, "id"')),
    "a list": (ERROR, lambda id, text: json.dumps([id, text]).encode()),
    "a string": (ERROR, lambda id, text: json.dumps(text).encode()),
    "a number": (ERROR, lambda id, text: b"17"),
    "two objects": (ERROR, lambda id, text: _line(id, text) * 2),
    "nested 100,000 deep": (ERROR, lambda id, text: b'{"id": ' + b"[" * 100_000),
    "NUL bytes": (ERROR, lambda id, text: bytes(64)),
    "an integer of 5,000 digits": (ERROR, lambda id, text: b'{"n": ' + b"9" * 5_000 + b"}"),
    # What has no text.
    "null": (NO_TEXT, lambda id, text: _line(id, None)),
    "no such field": (NO_TEXT, lambda id, text: json.dumps({"id": id}).encode()),
    "empty": (NO_TEXT, lambda id, text: _line(id, "")),
    "white space": (NO_TEXT, lambda id, text: _line(id, " \t\u00a0\u3000\n")),
    # What is odd, and is read.
    "a number as text": (READ, lambda id, text: _line(id, 3.5)),
    "an object as text": (READ, lambda id, text: _line(id, {"a": [text]})),
    "columns of the wrong type": (READ, lambda id, text: _line(id, text, timestamp=[1], language={"x": 1}, origin=7)),
    "times that are none": (READ, lambda id, text: _line(id, text, timestamp="2022-02-30T99:99", published="-1")),
    "NaN and infinity": (READ, lambda id, text: _line(id, text, score=float("nan"), other=float("inf"))),
    "an integer of 70 bits": (READ, lambda id, text: _line(id, text, score=2**70)),
    "a key twice": (READ, lambda id, text: _line(id, text)[:-1] + b', "text": "%s"}' % text.encode()),
    "control characters": (READ, lambda id, text: _line(id, "\x00\x01\x1b[2J\x7f" + text)),
    "bidirectional marks": (READ, lambda id, text: _line(id, "\u202e\u2066" + text + "\u2069")),
    "zero-width text": (READ, lambda id, text: _line(id, "\u200b\u200c\u200d\ufeff" * 20)),
    "marks alone": (READ, lambda id, text: _line(id, "\u0301\u0323" * 60)),
    "noncharacters": (READ, lambda id, text: _line(id, "\uffff\U0010ffff\ufdd0" + text)),
    "one token 2,000 times": (READ, lambda id, text: _line(id, "la " * 2_000)),
    "one word of 20,000 letters": (READ, lambda id, text: _line(id, "x" * 20_000)),
    "markup": (READ, lambda id, text: _line(id, f"<script>alert(1)</script>{text}{{{{7*7}}}}")),
    "an id that is a path": (READ, lambda id, text: _line(f"../../{id}", text)),
}
"""Kinds of bad lines: what becomes of them, and how one is made of an id and a text."""

ROWS: dict[str, tuple[str, Callable[[str], bytes | None]]] = {
    "invalid UTF-8 in a column": (ERROR, lambda text: b"\xff\xfe" + text.encode()),
    "a surrogate in a column": (ERROR, lambda text: text.encode() + b"\xed\xa0\x80"),
    "null in a column": (NO_TEXT, lambda text: None),
    "empty in a column": (NO_TEXT, lambda text: b""),
    "NUL in a column": (READ, lambda text: b"\0\0" + text.encode()),
    "selectors in a column": (READ, lambda text: text.encode() + "\ufe0f\U000e0100".encode() * 40),
    "a manifest that is none": (READ, lambda text: text.encode() + b" -----BEGIN C2PA MANIFEST----- x"),
}
"""Kinds of bad rows, by their texts."""


class Corpus(NamedTuple):
    """What was written.

    Attributes:
        read: ids by kind of what is read.
        errors: kinds by file and place of what cannot be decoded.
        no_text: ids by kind of what has no text.
        records: how many there are.
    """

    read: dict[str, set[str]]
    errors: dict[str, dict[int, str]]
    no_text: dict[str, set[str]]
    records: int


def texts(count: int, seed: int = 1) -> Iterator[str]:
    """Short texts of about 125 bytes, a fifth of them copies of others."""
    rng = np.random.Generator(np.random.PCG64(seed))
    earlier: list[str] = []
    for start in range(0, count, 10_000):
        drawn = rng.zipf(1.3, (min(10_000, count - start), 20)) % len(_WORDS)
        for number, row in enumerate(drawn):
            if number % 5 == 4 and earlier:
                yield earlier[number % len(earlier)]
            else:
                text = " ".join(_WORDS[word] for word in row)
                earlier = [*earlier[-99:], text]
                yield text


def write_corpus(folder: Path, documents: int) -> Corpus:
    """Writes the corpus into a folder."""
    made = Corpus({}, {}, {}, documents)
    source = texts(documents)
    third = documents // 3
    _write_lines(folder / "lines.jsonl", third, source, made)
    _write_rows(folder / "rows.parquet", third, source, made)
    _write_rows(folder / "rows.arrow", documents - 2 * third, source, made)
    (folder / "broken.parquet").write_bytes((folder / "rows.parquet").read_bytes()[:4_000])
    (folder / "empty.parquet").write_bytes(b"")
    return made


def _noted(made: Corpus, kind: str, fate: str, id: str, path: Path, place: int) -> None:
    if fate == ERROR:
        made.errors.setdefault(str(path), {})[place] = kind
    else:
        (made.read if fate == READ else made.no_text).setdefault(kind, set()).add(id)


def _write_lines(path: Path, count: int, source: Iterator[str], made: Corpus) -> None:
    kinds = itertools.cycle(LINES.items())
    with path.open("wb") as file:
        for number in range(count):
            kind, fate, id, text = "good", READ, f"line-{number}", next(source)
            if number % BAD == BAD // 2:
                kind, (fate, make) = next(kinds)
                line = make(id, text)
                id = f"../../{id}" if "path" in kind else id
            else:
                line = _line(id, text)
            file.write(line + b"\n")
            _noted(made, kind, fate, id, path, number)


def _write_rows(path: Path, count: int, source: Iterator[str], made: Corpus) -> None:
    kinds = itertools.cycle(ROWS.items())
    schema = pa.schema([("id", pa.string()), ("text", pa.string())])
    opened = pq.ParquetWriter if path.suffix == ".parquet" else pa.ipc.new_file
    with opened(path, schema) as writer:
        for start in range(0, count, 50_000):
            ids, values = [], []
            for number in range(start, min(start + 50_000, count)):
                kind, fate, id, text = "good", READ, f"{path.name}-{number}", next(source)
                value: bytes | None = text.encode()
                if number % BAD == BAD // 2:
                    kind, (fate, make) = next(kinds)
                    value = make(text)
                ids.append(id)
                values.append(value)
                _noted(made, kind, fate, id, path, number)
            _, offsets, data = pa.array(values, pa.binary()).buffers()
            valid = pa.array([value is not None for value in values]).buffers()[1]
            column = pa.StringArray.from_buffers(len(values), offsets, data, valid)
            writer.write_table(pa.table([pa.array(ids), column], schema=schema), 5_000)


def losses(output: Path, made: Corpus) -> tuple[dict[str, tuple[int, int]], list[str]]:
    """What was expected and found of every kind, and what is wrong."""
    ledger = pa.concat_tables(map(pq.read_table, sorted((output / "ledger").glob("*.parquet"))))
    errors = pa.concat_tables(map(pq.read_table, sorted((output / "errors").glob("*.parquet"))))
    rows = ledger.select(["id", "reason"]).to_pylist()
    reasons = {row["id"]: row["reason"] for row in rows}
    places = Counter((row["source_file"], row["position"]) for row in errors.to_pylist())
    counts = json.loads((output / "manifest.json").read_text())["counts"]
    table, wrong = {}, [str(problem) for problem in check_counts(output)]
    for kind, ids in made.read.items():
        table[kind] = len(ids), sum(reasons.get(id, NO_TEXT) != NO_TEXT for id in ids)
    for kind, ids in made.no_text.items():
        table[kind] = len(ids), sum(reasons.get(id) == NO_TEXT for id in ids)
    for file, found in made.errors.items():
        for kind in sorted(set(found.values())):
            own = [place for place in found if found[place] == kind]
            before = table.get(kind, (0, 0))
            told = sum(places[file, place] == 1 for place in own)
            table[kind] = before[0] + len(own), before[1] + told
    wrong += [f"{kind}: {found:,} of {expected:,}" for kind, (expected, found) in table.items() if expected != found]
    undecoded = sum(map(len, made.errors.values()))
    for name, expected, found in (
        ("records read", made.records, counts["read"]),
        ("rows of the ledger", made.records - undecoded, len(rows)),
        ("ids of the ledger", len(rows), len(reasons)),
        ("errors", undecoded, counts["errors"]),
        ("files that cannot be opened", 2, counts["files_failed"]),
    ):
        if expected != found:
            wrong.append(f"{name}: {found:,}, expected {expected:,}")
    return table, wrong


def tried(folder: Path, documents: int, all_steps: bool) -> tuple[dict[str, tuple[int, int]], list[str], float]:
    """Writes the corpus, curates it, and tells what became of every kind of record, what is wrong, and the seconds."""
    (folder / "in").mkdir()
    made = write_corpus(folder / "in", documents)
    off = {} if all_steps else {step: {"enabled": False} for step in ("mixture", "synthetic", "provenance")}
    start = time.monotonic()
    curate_inputs([str(folder / "in")], str(folder / "out"), make_config(off))
    seconds = time.monotonic() - start
    return *losses(folder / "out", made), seconds


def main() -> None:
    """Prints the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--all-steps", action="store_true", help="not deduplication alone")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        table, wrong, seconds = tried(Path(directory), given.documents, given.all_steps)
    steps = "all steps" if given.all_steps else "deduplication alone"
    bad = sum(expected for kind, (expected, _) in table.items() if kind != "good")
    print(  # noqa: T201
        f"{datetime.now(timezone.utc):%Y-%m-%d}, Python {platform.python_version()}: {given.documents:,} documents, "
        f"{bad:,} of them bad in {len(table) - 1} ways, {steps}, {seconds:.0f} s: "
        f"{len(wrong) or 'nothing'} lost or miscounted\n\n| kind | records | accounted for |\n|---|---|---|"
    )
    for kind, (expected, found) in table.items():
        print(f"| {kind} | {expected:,} | {found:,} |")  # noqa: T201
    sys.exit("\n".join(wrong) if wrong else 0)


if __name__ == "__main__":
    main()
