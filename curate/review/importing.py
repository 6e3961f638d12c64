"""Answers read from files: what was exported and filled in, exports of Label Studio, and answers of another output."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from curate.errors import UsageError
from curate.io.sources import one_line
from curate.review.answers import VERDICTS, Answer, latest, parse_answers
from curate.review.describe import SEAL
from curate.review.export import unguarded
from curate.review.label_studio import answers_of

_READ = ("id", "content", "answer", "reviewer", "time", "note")
_WORDS = {word: verdict for verdict in VERDICTS for word in (verdict, verdict[0])} | {"": None}
_LARGEST_CELL = 2**27


@dataclass(frozen=True)
class Given:
    """Answers of a file that an output takes.

    Attributes:
        answers: new ones, in order.
        known: how many the output has already.
        stale: how many are about another text than the one under that id.
    """

    answers: list[Answer]
    known: int
    stale: int


def read_file(path: str | Path, reviewer: str, time: str) -> list[Answer]:
    """The answers in a file: CSV, Parquet, JSON of Label Studio, or the JSON lines of an output.

    Args:
        path: of the file.
        reviewer: whose answers they are where the file does not say.
        time: when they were given where the file does not say, ISO 8601.

    Returns:
        The answers in order; those to a document without a content hash have an empty one.

    Raises:
        UsageError: it cannot be read, or has something else than answers.
    """
    name = str(path)
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"{name!r} cannot be read ({error.strerror}); give a file of answers") from None
    if name.endswith(".jsonl"):
        return parse_answers(content if content.endswith(b"\n") else content + b"\n", name)
    if content.startswith(b"PAR1"):
        rows = _parquet(content, name)
    elif name.endswith(".json"):
        rows = _label_studio(content, name)
    else:
        rows = _csv(content, name)
    found = [_answer(row, place, name, reviewer, time) for place, row in rows]
    return [answer for answer in found if answer is not None]


def _parquet(content: bytes, name: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
    try:
        file = pq.ParquetFile(io.BytesIO(content))
        _check_columns(file.schema_arrow.names, name)
        table = file.read([column for column in _READ if column in file.schema_arrow.names])
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{name!r} cannot be read ({one_line(error)}); export and fill it in again") from None
    return [(f"row {number}", row) for number, row in enumerate(table.to_pylist(), start=1)]


def _csv(content: bytes, name: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
    csv.field_size_limit(_LARGEST_CELL)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{name!r} is not UTF-8; save it as CSV with that encoding") from None
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)  # spreadsheets write what their country has for a list separator
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as error:
        raise UsageError(f"{name!r} is no CSV file ({error}); export and fill it in again") from None
    _check_columns(rows[0] if rows else head.strip().replace('"', "").split(separator), name)
    plain = [{key: unguarded(row[key] or "") for key in _READ if key in row} for row in rows]
    return [(f"row {number}", row) for number, row in enumerate(plain, start=2)]


def _label_studio(content: bytes, name: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
    wanted = "expected a JSON export of Label Studio for tasks that curate review export wrote"
    try:
        tasks = json.loads(content)
        if not isinstance(tasks, list):
            raise ValueError("no list of tasks")
        rows = list(answers_of(tasks))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UsageError(f"{name!r} cannot be read ({one_line(error)}), {wanted}") from None
    return [(f"answer {number}", row) for number, row in enumerate(rows, start=1)]


def _check_columns(columns: Iterable[str], name: str) -> None:
    missing = [column for column in ("id", "answer") if column not in columns]
    if missing:
        raise UsageError(f"{name!r} has no column {missing[0]!r}, expected those that curate review export writes")


def _answer(row: Mapping[str, Any], place: str, name: str, reviewer: str, time: str) -> Answer | None:
    said = str(row.get("answer") or "").strip().lower()
    if said not in _WORDS:
        raise UsageError(f"{name!r}, {place}: answer {row['answer']!r}, expected {', '.join(VERDICTS)} or nothing")
    if not said:
        return None
    text = {key: str(row.get(key) or "").strip() for key in ("content", "reviewer", "time", "note")}
    return Answer(
        id=str(row["id"]),
        content=text["content"].removeprefix(SEAL),
        verdict=_WORDS[said],
        reviewer=text["reviewer"] or reviewer,
        time=text["time"] or time,
        note=text["note"],
    )


def match_answers(
    answers: Iterable[Answer], contents: Mapping[str, str], kept: Iterable[Answer], reference: str, name: str
) -> Given:
    """Sorts out the answers that an output takes: of each reviewer the last one to a document.

    Args:
        answers: as read from a file.
        contents: id → content of the documents of the output that answers may be about.
        kept: what the output has already.
        reference: id of the reference that the output was decided with.
        name: of the file, for messages.

    Raises:
        UsageError: an answer is about a document that the output does not have.
    """
    have = latest(kept)
    taken, known, stale = [], 0, 0
    last = {(answer.id, answer.content, answer.reviewer): answer for answer in answers}
    for answer in last.values():
        if answer.id not in contents:
            raise UsageError(f"{name!r} has an answer to {answer.id!r}, which this output has not; check --into")
        content = contents[answer.id]
        if answer.content and answer.content != content:
            stale += 1
            continue
        before = have.get((answer.id, content), {}).get(answer.reviewer)
        if (before and before.verdict) == answer.verdict:
            known += 1
            continue
        taken.append(replace(answer, content=content, reference=answer.reference or reference))
    return Given(taken, known, stale)
