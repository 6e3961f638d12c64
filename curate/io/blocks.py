"""Reading one split as blocks of rows; what cannot be decoded costs its own rows only, each with its error."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from curate.io import ipc, jsonl
from curate.io.filesystem import Files
from curate.io.inputs import is_ipc, is_jsonl
from curate.io.sources import InputPlan, Split, one_line
from curate.schema import ERRORS
from curate.threads import ahead

_READ_BUFFER = 1 << 20
_RETRY_ROWS = (256, 16, 1)  # batches by which the rows before a damaged page are saved


SPLIT_BITS = 32
"""A location is the number of the split shifted by this, plus the row in the split."""


def split_start(number: int, row: int) -> int:
    """The location of a row of a split."""
    return number << SPLIT_BITS | row


@dataclass(frozen=True)
class Block:
    """Consecutive rows of a split, and the records next to them that could not be decoded.

    Attributes:
        table: the rows, with the plan's schema; may be empty.
        location_start: row in the split of the first row; the others follow. JSONL counts decodable lines only.
        source_file: the file that the rows come from.
        errors: `curate.schema.ERRORS`; position is the row in the file (for JSONL the line), from 0.
    """

    table: pa.Table
    location_start: int
    source_file: str
    errors: pa.Table


@dataclass(frozen=True)
class _Lost:
    """Rows that cannot be decoded."""

    rows: int
    reason: str


def read_split(split: Split, plan: InputPlan, files: Files) -> Iterator[Block]:
    """Reads a split block by block, where threads may be used a block ahead; two reads give the same blocks.

    A row group with a damaged page gives the rows before the damage; its other rows become errors. So do rows whose
    strings are not UTF-8 and rows whose values do not fit the plan's schema. Arrow decodes a dictionary column as a
    whole, so there a value that is not UTF-8 counts as damage to the row group. Of an Arrow batch every sound row is
    saved.

    Args:
        split: of the plan.
        plan: from `curate.io.sources.plan`.
        files: opens the file.

    Raises:
        OSError: the file that the plan opened can no longer be opened.
    """
    if is_jsonl(split.path):
        return ahead(_read_jsonl(split, plan, files))
    decode = _decode_ipc if is_ipc(split.path) else _decode
    return ahead(_read_tables(decode(split, plan, files), split, plan))


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table under a wider schema: columns by name, cast without loss, absent ones null; one chunk per column.

    Raises:
        ArrowInvalid: a string is not UTF-8, or a value does not fit its type.
    """
    table.validate(full=True)
    columns = []
    for field in schema:
        index = table.schema.get_field_index(field.name)
        if index < 0:
            columns.append(pa.nulls(table.num_rows, field.type))
        else:
            column = table.column(index)
            columns.append(_one_chunk(column if column.type == field.type else column.cast(field.type)))
    return pa.Table.from_arrays(columns, schema=schema)


def _read_tables(pieces: Iterator["pa.Table | _Lost"], split: Split, plan: InputPlan) -> Iterator[Block]:
    row = 0
    for piece in _gather(pieces, plan.block_rows, plan.block_bytes):
        first = split.row_start + row
        if isinstance(piece, _Lost):
            for start in range(0, piece.rows, plan.block_rows):
                positions = range(first + start, first + min(start + plan.block_rows, piece.rows))
                errors = _errors(split.path, positions, piece.reason)
                yield Block(plan.schema.empty_table(), row + start, split.path, errors)
            row += piece.rows
        else:
            yield from _conform_rows(piece, row, split, plan.schema)
            row += piece.num_rows


def _decode(split: Split, plan: InputPlan, files: Files) -> Iterator["pa.Table | _Lost"]:
    with files.open(split.path) as stream:
        metadata = pq.ParquetFile(stream).metadata
    for index in split.row_groups:
        group = metadata.row_group(index)
        start = split.skip
        stop = min(group.num_rows, start + split.rows)  # a split that skips rows has one row group
        row_bytes = max(1, group.total_byte_size // max(1, group.num_rows))
        batch_rows = min(plan.block_rows, max(1, plan.block_bytes // row_bytes))
        for piece in _decode_rows(split.path, metadata, index, start, stop, batch_rows, files):
            yield from (piece,) if isinstance(piece, _Lost) else _by_bytes(piece, plan.block_bytes)


def _decode_rows(
    path: str,
    metadata: pq.FileMetaData,
    row_group: int,
    start: int,
    stop: int,
    batch_rows: int,
    files: Files,
) -> Iterator["pa.Table | _Lost"]:
    """Decodes the rows [start, stop) of a row group; after an error again, by ever smaller batches, from where it was.

    The last batches are single rows, so which rows are lost depends on the file only and not on the size of blocks.
    """
    done, reason = start, ""
    for rows in (batch_rows, *(rows for rows in _RETRY_ROWS if rows < batch_rows)):
        try:
            with files.open(path) as stream:
                parquet = pq.ParquetFile(
                    stream, metadata=metadata, buffer_size=_READ_BUFFER, page_checksum_verification=True
                )
                position = 0
                for batch in parquet.iter_batches(rows, row_groups=[row_group], use_threads=False):
                    table = pa.Table.from_batches([batch]).slice(max(0, done - position), stop - max(done, position))
                    position += batch.num_rows
                    if position > done:
                        done += table.num_rows
                        yield table
                    if done == stop:
                        return
            reason = "the row group holds fewer rows than its metadata says"
        except (OSError, pa.ArrowException) as error:
            reason = one_line(error)
    if done < stop:
        yield _Lost(stop - done, f"row group {row_group} cannot be decoded: {reason}")


def _decode_ipc(split: Split, plan: InputPlan, files: Files) -> Iterator["pa.Table | _Lost"]:
    with files.open(split.path) as stream:
        for batch in ipc.read_batches(stream, split.row_groups):
            table = pa.Table.from_batches([batch])
            stop = min(table.num_rows, split.skip + split.rows)  # a split that skips rows has one batch
            for start in range(split.skip, stop, plan.block_rows):
                for piece in _sound(table.slice(start, min(plan.block_rows, stop - start))):
                    yield from (piece,) if isinstance(piece, _Lost) else _by_bytes(piece, plan.block_bytes)


def _sound(table: pa.Table) -> Iterator["pa.Table | _Lost"]:
    """Halves a table around the rows that are not valid; IPC is memory as it was, whose offsets may point anywhere."""
    try:
        table.validate(full=True)
        yield table
    except pa.ArrowException as error:
        if table.num_rows == 1:
            yield _Lost(1, one_line(error))
        else:
            half = table.num_rows // 2
            yield from _sound(table.slice(0, half))
            yield from _sound(table.slice(half))


def _gather(pieces: Iterator["pa.Table | _Lost"], rows: int, size: int) -> Iterator["pa.Table | _Lost"]:
    """Joins consecutive small tables up to the size of a block."""
    pending: list[pa.Table] = []
    for piece in pieces:
        full = isinstance(piece, _Lost) or (
            sum(table.num_rows for table in pending) + piece.num_rows > rows
            or sum(_size(table) for table in pending) + _size(piece) > size
        )
        if pending and full:
            yield pa.concat_tables(pending)
            pending = []
        if isinstance(piece, _Lost):
            yield piece
        else:
            pending.append(piece)
    if pending:
        yield pa.concat_tables(pending)


def _by_bytes(table: pa.Table, size: int) -> Iterator[pa.Table]:
    """Halves a table until its pieces have at most `size` bytes, or halving saves nothing (a shared dictionary)."""
    half = table.num_rows // 2
    left, right = table.slice(0, half), table.slice(half)
    if _size(table) <= size or not half or min(_size(left), _size(right)) > 0.9 * _size(table):
        yield table
    else:
        yield from _by_bytes(left, size)
        yield from _by_bytes(right, size)


def _size(table: pa.Table) -> int:
    """Bytes of the rows; where Arrow cannot tell (views, in older versions), of the buffers that they lie in."""
    try:
        return table.nbytes
    except pa.ArrowTypeError:
        return table.get_total_buffer_size()


def _conform_rows(table: pa.Table, row: int, split: Split, schema: pa.Schema) -> Iterator[Block]:
    """Conforms a table, halving it around the rows for which that fails."""
    try:
        yield Block(conform(table, schema), row, split.path, ERRORS.empty_table())
    except pa.ArrowException as error:
        if table.num_rows == 1:
            errors = _errors(split.path, [split.row_start + row], one_line(error))
            yield Block(schema.empty_table(), row, split.path, errors)
        else:
            half = table.num_rows // 2
            yield from _conform_rows(table.slice(0, half), row, split, schema)
            yield from _conform_rows(table.slice(half), row + half, split, schema)


def _one_chunk(column: pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """The column in one chunk, or in as few as its offsets allow."""
    if column.num_chunks == 1:
        return column.chunk(0)
    return column.combine_chunks() if column.num_chunks else pa.array([], column.type)


def _read_jsonl(split: Split, plan: InputPlan, files: Files) -> Iterator[Block]:
    rows: list[dict[str, Any]] = []
    errors: list[tuple[int, str]] = []
    location = size = 0
    with files.open(split.path) as stream:
        for line in jsonl.read_lines(stream, split.path):
            if line.value is None:
                errors.append((line.number, line.error or ""))
            else:
                rows.append(line.value)
            size += line.size
            if len(rows) + len(errors) >= plan.block_rows or size >= plan.block_bytes:
                yield _jsonl_block(rows, errors, location, split.path, plan)
                location += len(rows)
                rows, errors, size = [], [], 0
    if rows or errors:
        yield _jsonl_block(rows, errors, location, split.path, plan)


def _jsonl_block(
    rows: list[dict[str, Any]], errors: list[tuple[int, str]], location: int, path: str, plan: InputPlan
) -> Block:
    table = conform(jsonl.to_table(rows, plan.jsonl_schema), plan.schema)
    lost = pa.table([[path] * len(errors), [n for n, _ in errors], [reason for _, reason in errors]], schema=ERRORS)
    return Block(table, location, path, lost)


def _errors(path: str, positions: Sequence[int], reason: str) -> pa.Table:
    count = len(positions)
    return pa.table([[path] * count, list(positions), [reason] * count], schema=ERRORS)
