"""Ids of documents: the caller's own, else a hash of the content, never a position."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from curate.config import Columns, Config
from curate.hashing import UInt64Array, hash_strings
from curate.io.rowhash import row_hashes
from curate.io.schemas import is_bytes, is_string, plain_type


class DocumentIds(NamedTuple):
    """Ids of the rows of a table.

    Attributes:
        ids: string, no nulls; equal ids are told apart later, in the order of `row_hash`.
        id_hash: uint64, xxh3-64 of the id.
        row_hash: uint64, of all columns.
    """

    ids: pa.Array
    id_hash: UInt64Array
    row_hash: UInt64Array


def document_ids(table: pa.Table, config: Config) -> DocumentIds:
    """The id of every row, with hashes of the id and of the whole row.

    The id is the id column as string (bytes and UUIDs as hex digits). Where it is missing, null or empty, it is the
    xxh3-128 of the text's UTF-8 bytes as 32 hex digits; of the media bytes, else of the media path, where there is
    no text.

    Args:
        table: rows with the columns that `config.documents.columns` names, each optional.
        config: names of the columns.
    """
    columns = config.documents.columns
    ids = own_ids(table, columns.id)
    missing = pc.or_kleene(pc.is_null(ids), pc.equal(ids, ""))
    rows = np.flatnonzero(missing.to_numpy(zero_copy_only=False))
    if len(rows):
        content = _content_ids(table.take(rows) if len(rows) < table.num_rows else table, columns)
        ids = pc.replace_with_mask(ids, pc.fill_null(missing, True), content)
    return DocumentIds(ids, hash_strings(ids), row_hashes(table))


def own_ids(table: pa.Table, name: str) -> pa.Array:
    """A column of ids as strings (bytes and UUIDs as hex digits), string[n]; null where the table has none."""
    if name not in table.column_names:
        return pa.nulls(table.num_rows, pa.string())
    column = _plain(table, name)
    if is_bytes(column.type):
        return pa.array([None if value is None else value.hex() for value in column.to_pylist()], pa.string())
    return column.cast(pa.string())


def _content_ids(table: pa.Table, columns: Columns) -> pa.Array:
    """Hex digests of text, media or media path: the first of them that is not empty."""
    digests = [xxhash.xxh3_128_hexdigest(b"")] * table.num_rows
    for name in (columns.media_path, columns.media, columns.text):
        if name not in table.column_names:
            continue
        column = _plain(table, name)
        if not (is_string(column.type) or is_bytes(column.type)):
            continue
        filled = pc.fill_null(pc.greater(pc.binary_length(column), 0), False).to_pylist()
        hashes = _long_digests(column)
        digests = [value if ok else other for value, ok, other in zip(hashes, filled, digests, strict=True)]
    return pa.array(digests, pa.string())


def _long_digests(column: pa.Array) -> list[str]:
    """xxh3-128 of each large string or byte string, without copying them; null as anything."""
    _, offsets, data = column.buffers()
    if data is None or not len(column):
        return [""] * len(column)
    places = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1].tolist()
    view = memoryview(data)
    return [xxhash.xxh3_128_hexdigest(view[start:stop]) for start, stop in pairwise(places)]


def _plain(table: pa.Table, name: str) -> pa.Array:
    """A column in one array, without extension and dictionary; strings and bytes in their large form."""
    column = table.column(name)
    kind = plain_type(column.type)
    kind = pa.large_string() if is_string(kind) else pa.large_binary() if is_bytes(kind) else kind
    return column.cast(kind).combine_chunks()
