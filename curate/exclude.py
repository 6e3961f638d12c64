"""The evaluation sets that a corpus must not contain: read from files, and indexed once per process."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curate.columns import plain_column
from curate.config import Columns, Config
from curate.duplicates.evaluation import EvaluationIndex, index_texts, is_long
from curate.errors import UsageError
from curate.io import ipc, jsonl
from curate.io.inputs import ENDINGS, is_ipc, is_jsonl
from curate.io.schemas import is_bytes, is_string
from curate.io.sources import one_line
from curate.provenance.text.find import strip_manifests
from curate.text.kernel import text_features

ITEMS = pa.schema([("name", pa.string()), ("text", pa.large_string())])


@dataclass(frozen=True)
class EvaluationFile:
    """A file of evaluation texts; two are equal if their paths and contents are.

    Attributes:
        path: of the file.
        sha256: digest of its content, hexadecimal.
        content: of the file.
    """

    path: str
    sha256: str
    content: bytes = field(repr=False, compare=False)


@dataclass(frozen=True)
class EvaluationSets:
    """All evaluation texts of a configuration.

    Attributes:
        index: of the texts.
        files: path → {sha256, bytes, items, whole}: how many texts a file has, and how many of them are so short that
            they are compared as a whole.
    """

    index: EvaluationIndex
    files: dict[str, dict[str, Any]]


def load_evaluation(config: Config, open_file: Callable[[str], bytes]) -> EvaluationSets | None:
    """Reads and indexes the files of `dedupe.exclude`; what a process has indexed before it only reads.

    Args:
        config: names of the columns, settings of dedupe.
        open_file: reads a file.

    Returns:
        The evaluation sets, None where no file is named.

    Raises:
        UsageError: a file cannot be read or decoded, or has no text.
    """
    paths = sorted(set(config.dedupe.exclude))
    if not paths:
        return None
    files = tuple(_open(path, open_file) for path in paths)
    columns, dedupe = config.documents.columns, config.dedupe
    return _load(files, columns, dedupe.shingle, dedupe.exclude_tokens)


def evaluation_index(config: Config, open_file: Callable[[str], bytes]) -> EvaluationIndex | None:
    """The index of `load_evaluation`."""
    sets = load_evaluation(config, open_file)
    return sets.index if sets else None


def read_items(file: EvaluationFile, columns: Columns) -> pa.Table:
    """The texts of a file with their names: their ids, or, where they have none, the file's name and the row.

    Args:
        file: Parquet, JSON lines or Arrow IPC.
        columns: names of the text column and of the id column, which a file need not have.

    Returns:
        `ITEMS`, without null and blank texts.

    Raises:
        UsageError: the file cannot be decoded, or has no text. A line that is no JSON is such an error too: an
            evaluation text that is passed over would not be looked for.
    """
    table = _decode(file)
    if columns.text not in table.column_names:
        raise UsageError(
            f"exclude file {file.path!r} has no text column {columns.text!r} among the columns "
            f"{', '.join(table.column_names) or '(none)'}; rename it, or set documents.columns.text"
        )
    texts = plain_column(table, columns.text)
    if not is_string(texts.type) and not pa.types.is_null(texts.type):
        raise UsageError(f"exclude file {file.path!r}: column {columns.text!r} is {texts.type}, expected string")
    texts = strip_manifests(texts.cast(pa.large_string())).texts
    given = pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(texts), ""), False)
    if not pc.any(given).as_py():
        raise UsageError(f"exclude file {file.path!r} has no text in column {columns.text!r}, expected at least one")
    return pa.table([_names(file, table, columns.id), texts], schema=ITEMS).filter(given)


@lru_cache(maxsize=2)
def _load(files: tuple[EvaluationFile, ...], columns: Columns, shingle: int, least_tokens: int) -> EvaluationSets:
    tables = [read_items(file, columns) for file in files]
    items = pa.concat_tables(tables).combine_chunks()
    names, texts = (items[name].combine_chunks() for name in ITEMS.names)
    about = {
        file.path: {
            "sha256": file.sha256,
            "bytes": len(file.content),
            "items": table.num_rows,
            "whole": _compared_as_a_whole(table, shingle, least_tokens),
        }
        for file, table in zip(files, tables, strict=True)
    }
    return EvaluationSets(index_texts(names, texts, shingle, least_tokens), about)


def _compared_as_a_whole(items: pa.Table, shingle: int, least_tokens: int) -> int:
    tokens = text_features(items["text"], shingle=shingle, permutations=0, seed=0).tokens
    return int((~is_long(tokens, shingle, least_tokens)).sum())


def _open(path: str, open_file: Callable[[str], bytes]) -> EvaluationFile:
    if not path.lower().endswith(ENDINGS):
        raise UsageError(f"exclude file {path!r} is of no known format, expected one of {', '.join(ENDINGS)}")
    try:
        content = open_file(path)
    except Exception as error:  # filesystems raise errors of many kinds
        reason = getattr(error, "strerror", None) or one_line(error)
        raise UsageError(
            f"exclude file {path!r} cannot be read ({reason}), expected a file of evaluation texts; check the path"
        ) from None
    return EvaluationFile(path, hashlib.sha256(content).hexdigest(), content)


def _decode(file: EvaluationFile) -> pa.Table:
    try:
        if is_jsonl(file.path):
            table = _read_lines(file)
        else:
            table = (ipc.read_table if is_ipc(file.path) else pq.read_table)(BytesIO(file.content))
        table.validate(full=True)
        return table
    except (OSError, EOFError, pa.ArrowException, UnicodeDecodeError) as error:
        raise UsageError(
            f"exclude file {file.path!r} cannot be decoded ({one_line(error)}), expected Parquet, JSON lines or "
            "Arrow IPC"
        ) from None


def _read_lines(file: EvaluationFile) -> pa.Table:
    shape, rows = jsonl.Shape(), []
    for line in jsonl.read_lines(BytesIO(file.content), file.path):
        if line.value is None:
            raise UsageError(f"exclude file {file.path!r}, {line.error}; mend or remove the line")
        shape.observe_fields(line.value)
        rows.append(line.value)
    return jsonl.to_table(rows, shape.arrow_schema())


def _names(file: EvaluationFile, table: pa.Table, column: str) -> pa.Array:
    ids = plain_column(table, column)
    if is_bytes(ids.type):
        ids = pa.array([None if value is None else value.hex() for value in ids.to_pylist()], pa.string())
    if pa.types.is_nested(ids.type):
        raise UsageError(f"exclude file {file.path!r}: id column {column!r} is {ids.type}, expected strings or numbers")
    ids = ids.cast(pa.string())
    base = file.path.rpartition("/")[2]
    places = pa.array([f"{base}#{row}" for row in range(table.num_rows)], pa.string())
    return pc.if_else(pc.fill_null(pc.not_equal(ids, ""), False), ids, places)
