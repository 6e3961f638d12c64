"""Parquet parts whose bytes depend on the rows written and their order only, not on how they were cut into tables."""

import contextlib
from collections.abc import Sequence
from functools import partial
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow.types as pt

from curate.columns import one_array
from curate.io.filesystem import Files
from curate.io.schemas import FILE_METADATA, is_bytes, is_string, plain_type
from curate.threads import Behind

ROW_GROUP_ROWS = 10_000
ROW_GROUP_BYTES = 64 * 2**20
_DICTIONARY_BYTES = 2**16  # beyond which a column is found to be one that hardly repeats, such as texts and ids


def part_name(number: int, total: int | None = None) -> str:
    """The name of a part: `part-00000-of-00007.parquet`, or `part-00000.parquet` where the total is not known.

    Args:
        number: of the part, from 0; the order of names is that of numbers up to 99,999.
        total: of all parts.
    """
    return f"part-{number:05d}.parquet" if total is None else f"part-{number:05d}-of-{total:05d}.parquet"


class PartWriter:
    """Writes one Parquet file: zstd, statistics and page checksums, row groups cut by rows and bytes of text.

    Used as a context manager; an error inside it removes the file.
    """

    def __init__(
        self,
        path: str,
        schema: pa.Schema,
        files: Files,
        row_group_rows: int = ROW_GROUP_ROWS,
        row_group_bytes: int = ROW_GROUP_BYTES,
        dictionaries: Sequence[str] | None = None,
    ) -> None:
        """Creates the file.

        Args:
            path: of the file, on `files`.
            schema: of all tables to be written; its metadata is kept but for pandas'.
            files: creates the file.
            row_group_rows: most rows in a row group.
            row_group_bytes: most bytes of strings and byte strings in a row group of more than one row.
            dictionaries: columns whose values are written once in each row group, where they repeat; all without.

        Raises:
            OSError: the file cannot be written.
        """
        metadata = {k: v for k, v in sorted((schema.metadata or {}).items()) if k not in FILE_METADATA}
        self.path = path
        self.rows = 0
        self._schema = schema.with_metadata(metadata or None)
        self._limits = (row_group_rows, row_group_bytes)
        self._pending: list[pa.Table] = []
        self._pending_sizes = np.zeros(0, dtype=np.int64)
        self._files = files
        self._behind = Behind()
        self._file = files.create(path)
        self._writer = pq.ParquetWriter(
            self._file,
            self._schema,
            compression="zstd",
            compression_level=1,  # 3 takes twice the time for a seventh less
            use_dictionary=True if dictionaries is None else list(dictionaries),
            dictionary_pagesize_limit=_DICTIONARY_BYTES,
            version="2.6",
            write_statistics=True,
            write_page_checksum=True,
        )

    def __enter__(self) -> "PartWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._discard()
            return
        try:
            self.close()
        except BaseException:
            self._discard()
            raise

    def write(self, table: pa.Table) -> None:
        """Appends rows.

        Args:
            table: with the columns of the schema, in its order.

        Raises:
            ValueError: a fixed-size list is null, which Arrow writes to Parquet but cannot read back.
            OSError: rows cannot be written, these or those before.
        """
        for field, column in zip(self._schema, table.columns, strict=True):
            if pt.is_fixed_size_list(field.type) and column.null_count:
                raise ValueError(f"column {field.name!r} of {field.type} has nulls; use a list type, or no nulls")
        self.rows += table.num_rows
        self._pending.append(table.replace_schema_metadata(None))
        self._pending_sizes = np.concatenate([self._pending_sizes, _sizes(table)])
        while (rows := self._full_group()) is not None:
            self._write_group(rows)

    def close(self) -> None:
        """Writes what is left and closes the file."""
        if len(self._pending_sizes):
            self._write_group(len(self._pending_sizes))
        self._behind.wait()
        self._writer.close()
        self._file.close()

    def _discard(self) -> None:
        """Removes the file, whatever fails on the way."""
        for step in (self._behind.wait, self._writer.close, self._file.close, partial(self._files.remove, self.path)):
            with contextlib.suppress(Exception):
                step()

    def _full_group(self) -> int | None:
        """Rows of the next row group, or None while more rows could belong to it."""
        rows, size = self._limits
        fitting = int(np.searchsorted(np.cumsum(self._pending_sizes[:rows]), size, side="right"))
        if fitting == rows or fitting < len(self._pending_sizes):
            return max(1, fitting)
        return None

    def _write_group(self, rows: int) -> None:
        pending = pa.concat_tables(self._pending)
        group = pending.slice(0, rows)
        self._behind.run(partial(self._encode, group))
        self._pending = [pending.slice(rows)] if rows < pending.num_rows else []
        self._pending_sizes = self._pending_sizes[rows:]

    def _encode(self, group: pa.Table) -> None:
        self._writer.write_table(_canonical(group, self._schema), row_group_size=group.num_rows)


def write_part(path: str, table: pa.Table, files: Files, dictionaries: Sequence[str] | None = None) -> None:
    """Writes a table as one file, as `PartWriter` does; fixed-size lists with nulls as lists, which cast back.

    Raises:
        OSError: the file cannot be written.
    """
    for index, field in enumerate(table.schema):
        if pt.is_fixed_size_list(field.type) and table.column(index).null_count:
            variable = field.with_type(pa.list_(field.type.value_field))
            table = table.set_column(index, variable, _variable(one_array(table.column(index)), variable.type))
    with PartWriter(path, table.schema, files, dictionaries=dictionaries) as writer:
        writer.write(table)


def _variable(lists: pa.FixedSizeListArray, kind: pa.ListType) -> pa.ListArray:
    """Fixed-size lists as lists of which null ones are empty; a cast leaves them long, which Parquet refuses."""
    valid = lists.is_valid().to_numpy(zero_copy_only=False)
    offsets = np.append(0, np.cumsum(valid * lists.type.list_size)).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), lists.flatten(), type=kind, mask=pa.array(~valid))


def _sizes(table: pa.Table) -> np.ndarray:
    """Bytes of strings and byte strings in each row (those inside lists and structs do not count), int64."""
    total = np.zeros(table.num_rows, dtype=np.int64)
    for column in table.columns:
        kind = plain_type(column.type)
        if is_string(kind) or is_bytes(kind):
            plain = column.cast(kind).cast(pa.large_string() if is_string(kind) else pa.large_binary())
            total += np.asarray(pc.fill_null(pc.binary_length(plain), 0))
    return total


def _canonical(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows in one chunk, each dictionary in order of first use: what the encoder sees depends on values only."""
    columns = []
    for field, column in zip(schema, table.columns, strict=True):
        if pt.is_dictionary(field.type) and not field.type.ordered:
            encoded = column.cast(field.type.value_type).combine_chunks().dictionary_encode()
            indices = encoded.indices.cast(field.type.index_type)
            columns.append(pa.DictionaryArray.from_arrays(indices, encoded.dictionary))
        else:
            columns.append(column.combine_chunks())
    return pa.Table.from_arrays(columns, schema=schema)
