"""Answers of reviewers: one line of JSON each, appended to a file that no run rewrites.

An answer is about a text, not about a name: it holds the hash of the content that the reviewer saw, and another
document under the same id is not judged by it. Lines are only ever added. A later answer of the same reviewer takes the
place of the earlier one, and a line without a verdict withdraws it.
"""

import fcntl
import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import xxhash

from curate.errors import UsageError
from curate.provenance.evidence import shown
from curate.report.words import listing

FILE = "artefacts/review.jsonl"
"""Where an output keeps its answers. No digest of the manifest covers the file, since it grows after the run."""

VERDICTS = ("human", "synthetic", "keep", "drop")

SETTLED = pa.schema(
    [
        ("id", pa.string()),
        ("content", pa.string()),  # 32 hex digits: both halves of the content hash of the features
        ("verdict", pa.string()),
        ("detail", pa.string()),  # for people: who said what, when
    ]
)

_MOST_NAME = 100


@dataclass(frozen=True)
class Answer:
    """What a reviewer said of a document.

    Attributes:
        id: of the document, as in the ledger.
        content: hash of its content, 32 hex digits.
        verdict: one of `VERDICTS`; None withdraws what the reviewer said of it before.
        reviewer: name.
        time: ISO 8601, UTC.
        note: what else was said.
        reference: id of the reference that the document was decided with, empty where it is not known.
    """

    id: str
    content: str
    verdict: str | None
    reviewer: str
    time: str
    note: str = ""
    reference: str = ""

    def __post_init__(self) -> None:
        if self.verdict not in (*VERDICTS, None):
            raise ValueError(f"verdict {self.verdict!r}, expected one of {', '.join(VERDICTS)}")
        if not all(isinstance(value, str) for name, value in asdict(self).items() if name != "verdict"):
            raise ValueError("a value is no text")
        object.__setattr__(self, "reviewer", reviewer_named(self.reviewer))
        object.__setattr__(self, "note", shown(self.note))


def reviewer_named(name: str) -> str:
    """A name as answers have it: printable, on one line, not too long."""
    return shown(name)[:_MOST_NAME]


def parse_answers(content: bytes, path: str) -> list[Answer]:
    """The answers of a file, in order.

    A last line without an end is what a killed process left of an answer that it had not confirmed: it is left out.

    Args:
        content: of the file.
        path: its name, for messages.

    Raises:
        UsageError: a line is no answer.
    """
    answers = []
    for number, line in enumerate(content.split(b"\n")[:-1], start=1):
        try:
            answers.append(_from_line(line))
        except (ValueError, TypeError, RecursionError) as error:
            raise UsageError(
                f"{path!r}, line {number}: {line[:80]!r} is no answer ({shown(str(error))}), expected what curate "
                f"review wrote there; mend or remove the line"
            ) from None
    return answers


def to_line(answer: Answer) -> bytes:
    """An answer as a line of the file, with a digest of the rest in it."""
    values = asdict(answer)
    return _dump({**values, "check": xxhash.xxh3_64_hexdigest(_dump(values))}) + b"\n"


def _from_line(line: bytes) -> Answer:
    """The answer of a line; lines of earlier versions have no digest."""
    values = json.loads(line)
    if not isinstance(values, dict):
        raise ValueError("it is no object")
    check = values.pop("check", None)
    answer = Answer(**values)
    if check is not None and check != xxhash.xxh3_64_hexdigest(_dump(asdict(answer))):
        raise ValueError("it has changed since it was written")
    return answer


def _dump(values: dict[str, Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False, sort_keys=True).encode()


def read_answers(directory: str | Path) -> list[Answer]:
    """The answers that a local output keeps, none where it has no file of them.

    Raises:
        UsageError: a line is no answer.
    """
    path = Path(directory) / FILE
    try:
        return parse_answers(path.read_bytes(), str(path))
    except FileNotFoundError:
        return []


def append_answers(directory: str | Path, answers: Iterable[Answer]) -> None:
    """Adds answers to those of an output: all of them are on the disk when this returns, or the file is as it was.

    Args:
        directory: of the output, on this machine.
        answers: to be added.

    Raises:
        OSError: they cannot be written.
    """
    lines = b"".join(map(to_line, answers))
    path = Path(directory) / FILE
    new = not path.exists()
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)  # a page and an import may write at the same time
        end = _end_of_lines(file)
        os.ftruncate(file, end)
        try:
            while lines:
                lines = lines[os.write(file, lines) :]
            os.fsync(file)
        except OSError:
            os.ftruncate(file, end)
            raise
    finally:
        os.close(file)
    if new:
        _sync_directory(path.parent)


def _end_of_lines(file: int) -> int:
    """Moves to the end of the last complete line, and says where that is."""
    end = os.lseek(file, 0, os.SEEK_END)
    while end:
        start = max(0, end - 4096)
        found = os.pread(file, end - start, start).rfind(b"\n")
        if found >= 0:
            return os.lseek(file, start + found + 1, os.SEEK_SET)
        end = start
    return os.lseek(file, 0, os.SEEK_SET)


def _sync_directory(directory: Path) -> None:
    folder = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def latest(answers: Iterable[Answer]) -> dict[tuple[str, str], dict[str, Answer]]:
    """(id, content) → reviewer → what that reviewer last said, without what was withdrawn."""
    found: dict[tuple[str, str], dict[str, Answer]] = {}
    for answer in answers:
        given = found.setdefault((answer.id, answer.content), {})
        given.pop(answer.reviewer, None)
        if answer.verdict is not None:
            given[answer.reviewer] = answer
    return {key: given for key, given in found.items() if given}


def verdict_of(given: Sequence[Answer]) -> str | None:
    """What most of the reviewers of a document say; None where as many say something else: it stays held."""
    counts = Counter(answer.verdict for answer in given).most_common(2)
    return None if len(counts) > 1 and counts[0][1] == counts[1][1] else counts[0][0]


def settle(answers: Iterable[Answer]) -> pa.Table:
    """The documents about which the reviewers agree, or most of them do.

    Returns:
        `SETTLED`, sorted by id and content: the order of the answers does not matter, but for those of one reviewer.
    """
    rows: list[dict[str, Any]] = []
    for (id, content), given in sorted(latest(answers).items()):
        verdict = verdict_of(list(given.values()))
        if verdict is not None:
            rows.append({"id": id, "content": content, "verdict": verdict, "detail": _told(verdict, given)})
    return pa.Table.from_pylist(rows, schema=SETTLED)


def _told(verdict: str, given: dict[str, Answer]) -> str:
    agreeing = sorted((name, answer) for name, answer in given.items() if answer.verdict == verdict)
    others = sorted(name for name, answer in given.items() if answer.verdict != verdict)
    who = listing([f"{name} on {answer.time[:10]}" for name, answer in agreeing])
    against = f" (against {listing(others)})" if others else ""
    notes = "; ".join(answer.note for _, answer in agreeing if answer.note)
    return shown(f"{verdict}, by {who}{against}" + (f": {notes}" if notes else ""))
