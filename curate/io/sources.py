"""Planning how to read the inputs, before the first row is read.

The plan opens every file: it knows the common schema, the rows, the pieces that workers read (`Split`), and which
files cannot be read at all. A JSONL file is read whole for it, since its types show only in its lines, and so is an
Arrow IPC file, whose batches tell their rows.
"""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as pt
import xxhash

from curate.config import Columns, Config
from curate.errors import UnreadableInputError, UsageError
from curate.io import ipc, jsonl
from curate.io.filesystem import FileInfo, Files
from curate.io.inputs import find_inputs as find_inputs
from curate.io.inputs import is_ipc, is_jsonl
from curate.io.schemas import is_bytes, is_string, plain_type, unify_schemas
from curate.sortable import is_sortable

# A row group is cut into slices only if it is large: each of them decodes the rows before it, too.
_SLICE_BLOCKS = 8  # of bytes in a slice; a row of little text may have
_SLICE_ROWS = 16  # as many times the rows of a block
_MOST_SLICES = 16
_FINGERPRINT_BYTES = 1 << 16
_FREE_ROWS, _ROWS_PER_BYTE = 1 << 20, 64  # of a file; columns of nulls or of one value take next to nothing


@dataclass(frozen=True)
class Split:
    """The piece of a file that one worker reads.

    Attributes:
        number: of the split in the plan, from 0.
        path: the file.
        row_groups: its Parquet row groups, or the places of its Arrow batches (`curate.io.ipc.Batch`), a run of them;
            empty for a whole JSONL file.
        skip: rows of the (single) row group or batch before the split.
        rows: rows of the split; for JSONL all lines that are not blank.
        row_start: row of the file that is the first of the split.
    """

    number: int
    path: str
    row_groups: tuple[int, ...]
    skip: int
    rows: int
    row_start: int


@dataclass(frozen=True)
class InputPlan:
    """What there is to read.

    Attributes:
        splits: in the order of files and rows.
        schema: the columns of every block.
        jsonl_schema: the columns that JSONL lines are decoded to, before they are widened to `schema`.
        failed: (path, one-line reason) of each file that cannot be read.
        fingerprints: path → size and digest of its beginning and end, of each readable file.
        rows: all records, undecodable ones included.
        text_bytes: estimate of the bytes of text, of Parquet with all columns.
        block_rows: most rows in a block.
        block_bytes: most bytes in a block of more than one row.
    """

    splits: tuple[Split, ...]
    schema: pa.Schema
    jsonl_schema: pa.Schema
    failed: tuple[tuple[str, str], ...]
    fingerprints: dict[str, dict[str, int | str]]
    rows: int
    text_bytes: int
    block_rows: int
    block_bytes: int


@dataclass(frozen=True)
class _Source:
    """One file as opened: its schema or the shape of its lines, or why it cannot be read."""

    path: str
    schema: pa.Schema | None = None
    shape: jsonl.Shape | None = None
    row_groups: tuple[tuple[int, int, int], ...] = ()  # (number or place, rows, bytes) of each
    rows: int = 0
    decodable: int = 0
    text_bytes: int = 0
    fingerprint: dict[str, int | str] | None = None
    error: str | None = None


def plan(inputs: Sequence[FileInfo], config: Config, files: Files) -> InputPlan:
    """Opens every input and plans how to read them.

    Args:
        inputs: from `curate.io.inputs.find_inputs`; their order is that of splits and columns.
        config: names of the columns, sizes of blocks.
        files: opens the inputs.

    Raises:
        UsageError: the files' types cannot be joined, or there is neither text nor media to curate.
        UnreadableInputError: not one file can be read.
    """
    with ThreadPoolExecutor(max_workers=8) as pool:
        sources = list(pool.map(lambda file: _open(file, config.documents.columns.text, files), inputs))
    readable = [source for source in sources if source.error is None]
    failed = tuple((source.path, source.error) for source in sources if source.error is not None)
    if not readable:
        path, error = failed[0]
        raise UnreadableInputError(
            f"none of {len(failed)} input files can be read, expected Parquet, JSON lines or Arrow IPC; {path}: {error}"
        )
    jsonl_schema = _jsonl_schema(readable)
    schema = _columns(readable, jsonl_schema, config.documents.columns)
    _check_preferred(schema, config)
    return InputPlan(
        splits=tuple(_splits(readable, config.run.block_rows, config.run.block_bytes)),
        schema=schema,
        jsonl_schema=jsonl_schema,
        failed=failed,
        fingerprints={source.path: source.fingerprint for source in readable if source.fingerprint is not None},
        rows=sum(source.rows for source in readable),
        text_bytes=sum(source.text_bytes for source in readable),
        block_rows=config.run.block_rows,
        block_bytes=config.run.block_bytes,
    )


def one_line(error: BaseException) -> str:
    """The message of an error without line breaks."""
    return " ".join(str(error).split()) or type(error).__name__


def _open(file: FileInfo, text: str, files: Files) -> _Source:
    try:
        fingerprint = _fingerprint(file, files)
        if is_jsonl(file.path):
            return _open_jsonl(file, fingerprint, files)
        if is_ipc(file.path):
            return _open_ipc(file, text, fingerprint, files)
        return _open_parquet(file, fingerprint, files)
    # A damaged file may ask for any number of bytes.
    # Names of columns need not be UTF-8.
    except (OSError, EOFError, pa.ArrowException, MemoryError, OverflowError, UnicodeDecodeError) as error:
        return _Source(file.path, error=one_line(error))


def _fingerprint(file: FileInfo, files: Files) -> dict[str, int | str]:
    digest = xxhash.xxh3_128()
    with files.open(file.path) as stream:
        digest.update(stream.read(_FINGERPRINT_BYTES))
        stream.seek(max(0, file.size - _FINGERPRINT_BYTES))
        digest.update(stream.read(_FINGERPRINT_BYTES))
    return {"size": file.size, "digest": digest.hexdigest()}


def _open_parquet(file: FileInfo, fingerprint: dict[str, int | str], files: Files) -> _Source:
    with files.open(file.path) as stream:
        parquet = pq.ParquetFile(stream)
        metadata = parquet.metadata
        groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
        rows = sum(group.num_rows for group in groups)
        if rows != metadata.num_rows or min((group.num_rows for group in groups), default=0) < 0:
            raise OSError(f"its footer says {metadata.num_rows:,} rows, and its row groups {rows:,}")
        _check_rows(rows, file)
        return _Source(
            file.path,
            schema=parquet.schema_arrow,
            row_groups=tuple((index, group.num_rows, group.total_byte_size) for index, group in enumerate(groups)),
            # Of all columns: asking for one lets a crafted file end the process within pyarrow 25.
            rows=metadata.num_rows,
            decodable=metadata.num_rows,
            text_bytes=sum(group.total_byte_size for group in groups),
            fingerprint=fingerprint,
        )


def _open_ipc(file: FileInfo, text: str, fingerprint: dict[str, int | str], files: Files) -> _Source:
    with files.open(file.path) as stream:
        schema, batches = ipc.scan(stream, text)
    rows = sum(batch.rows for batch in batches)
    _check_rows(rows, file)
    return _Source(
        file.path,
        schema=schema,
        row_groups=tuple((batch.place, batch.rows, batch.size) for batch in batches),
        rows=rows,
        decodable=rows,
        text_bytes=sum(batch.text_bytes for batch in batches),
        fingerprint=fingerprint,
    )


def _check_rows(rows: int, file: FileInfo) -> None:
    """Refuses files of a few bytes that stand for more rows than any memory holds."""
    if rows > _FREE_ROWS + _ROWS_PER_BYTE * file.size:
        raise OSError(f"it claims {rows:,} rows in {file.size:,} bytes, expected at most {_ROWS_PER_BYTE} in each")


def _open_jsonl(file: FileInfo, fingerprint: dict[str, int | str], files: Files) -> _Source:
    shape = jsonl.Shape()
    rows = decodable = size = 0
    with files.open(file.path) as stream:
        for line in jsonl.read_lines(stream, file.path):
            rows += 1
            size += line.size
            if line.value is not None:
                decodable += 1
                shape.observe_fields(line.value)
    return _Source(file.path, shape=shape, rows=rows, decodable=decodable, text_bytes=size, fingerprint=fingerprint)


def _jsonl_schema(sources: Sequence[_Source]) -> pa.Schema:
    shape = jsonl.Shape()
    for source in sources:
        if source.shape is not None:
            shape.merge(source.shape)
    return shape.arrow_schema()


def _columns(sources: Sequence[_Source], jsonl_schema: pa.Schema, columns: Columns) -> pa.Schema:
    lines = next((source.path for source in sources if source.shape is not None), None)
    schemas = [(source.path, source.schema) for source in sources if source.schema is not None]
    if lines is not None and jsonl_schema.names:
        schemas.append((lines, jsonl_schema))
    schema = unify_schemas(schemas) if schemas else pa.schema([])
    if not schema.names and not any(source.decodable for source in sources):
        return pa.schema([(columns.text, pa.string())])  # empty files only: there is no column to miss
    _check_text(schema, columns)
    if columns.id in schema.names and pt.is_nested(plain_type(schema.field(columns.id).type)):
        raise UsageError(
            f"id column {columns.id!r} is {schema.field(columns.id).type}, expected strings, numbers or bytes; "
            f"set documents.columns.id to another column"
        )
    return schema


def _check_preferred(schema: pa.Schema, config: Config) -> None:
    for name in (name.removeprefix("-") for name in config.dedupe.prefer):
        if name not in schema.names:
            raise UsageError(
                f"dedupe.prefer names the column {name!r}, expected one of {', '.join(schema.names)}; mend the name"
            )
        kind = plain_type(schema.field(name).type)
        if not is_sortable(kind):
            raise UsageError(
                f"dedupe.prefer names the column {name!r} of type {kind}, expected numbers, times or strings; "
                "name another, or convert it"
            )


def _check_text(schema: pa.Schema, columns: Columns) -> None:
    def has(name: str, *kinds: object) -> bool:
        return name in schema.names and any(kind(plain_type(schema.field(name).type)) for kind in kinds)  # type: ignore[operator]

    if columns.text in schema.names and not has(columns.text, is_string, pt.is_null):
        raise UsageError(
            f"text column {columns.text!r} is {schema.field(columns.text).type}, expected string; "
            f"convert it, or set documents.columns.text to another column"
        )
    if not (
        has(columns.text, is_string, pt.is_null) or has(columns.media, is_bytes) or has(columns.media_path, is_string)
    ):
        raise UsageError(
            f"no text column {columns.text!r} (nor media bytes {columns.media!r} or {columns.media_path!r}) among "
            f"the columns {', '.join(schema.names) or '(none)'}; set documents.columns.text to the right one"
        )


def _splits(sources: Sequence[_Source], block_rows: int, block_bytes: int) -> Iterator[Split]:
    number = 0
    for source in sources:
        pieces = _whole(source) if source.shape is not None else _cut(source.row_groups, block_rows, block_bytes)
        row = 0
        for row_groups, skip, rows in pieces:
            yield Split(number, source.path, row_groups, skip, rows, row)
            number += 1
            row += rows


def _whole(source: _Source) -> Iterator[tuple[tuple[int, ...], int, int]]:
    if source.rows:
        yield (), 0, source.rows


def _cut(
    row_groups: Sequence[tuple[int, int, int]], block_rows: int, block_bytes: int
) -> Iterator[tuple[tuple[int, ...], int, int]]:
    """Yields (row groups, rows to skip, rows): runs of small row groups, slices of large ones."""
    run: list[int] = []
    run_rows = run_bytes = 0
    for index, rows, size in row_groups:
        if run and (run_bytes + size > block_bytes or run_rows + rows > block_rows):
            yield tuple(run), 0, run_rows
            run, run_rows, run_bytes = [], 0, 0
        slices = math.ceil(max(size / (_SLICE_BLOCKS * block_bytes), rows / (_SLICE_ROWS * block_rows)))
        slices = min(_MOST_SLICES, rows, slices)
        if slices > 1:
            length = math.ceil(rows / slices)
            for start in range(0, rows, length):
                yield (index,), start, min(length, rows - start)
        elif rows:
            run.append(index)
            run_rows += rows
            run_bytes += size
    if run:
        yield tuple(run), 0, run_rows
