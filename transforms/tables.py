"""Arrow tables as Beam elements: their coder, and the helpers that cut and join them by partition.

Keys of every shuffle are small integers (partition or split numbers); values are whole tables of packed
columns, so that a shuffle costs Arrow's bytes and no Python object per document.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, Tuple

import apache_beam as beam
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curate.hashing import UInt64Array, mix
from curate.transforms import spool

KeyedTable = Tuple[int, pa.Table]

NamedCollections = Any
"""Type of `expand`'s input or result where it is a dict from names to PCollections: a Dict in that place makes Beam
warn that it ignores the hint."""


COMPRESSED_BYTES = 1 << 14
"""Smaller tables gain nothing."""


class TableCoder(beam.coders.Coder):
    """Encodes a table as an Arrow IPC stream, or as its place in the spool if there is one.

    Beam's default would pickle it, and a pickled slice carries its parent's whole buffers.
    """

    def __init__(self) -> None:
        self._spool = spool.spool_directory()

    def encode(self, value: pa.Table) -> bytes:
        """Returns the IPC stream of the rows of `value`, and of nothing else that shares its buffers.

        A large table that is sent, since there is no spool, is compressed: half of its bytes go.
        """
        size = value.nbytes
        if self._spool and size >= spool.LEAST_BYTES:
            return _SPOOLED + spool.put(value, self._spool)
        sink = pa.BufferOutputStream()
        sink.write(_HERE)
        options = pa.ipc.IpcWriteOptions(compression="lz4" if size >= COMPRESSED_BYTES else None)
        with pa.ipc.new_stream(sink, value.schema, options=options) as writer:
            writer.write_table(value)
        return sink.getvalue().to_pybytes()

    def decode(self, encoded: bytes) -> pa.Table:
        """Reads the stream without copying."""
        if self._spool and encoded.startswith(_SPOOLED):
            return spool.get(encoded[len(_SPOOLED) :], self._spool)
        with pa.ipc.open_stream(pa.py_buffer(encoded)[len(_HERE) :]) as reader:
            return reader.read_all()

    def estimate_size(self, value: pa.Table) -> int:
        """Bytes of the rows, for Beam's sampled metrics, which would encode whole tables for it otherwise."""
        return value.nbytes

    def is_deterministic(self) -> bool:
        """Never a key: equal tables may be chunked differently."""
        return False

    def to_type_hint(self) -> type:
        """The type that the coder stands for."""
        return pa.Table

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self).__name__)


_HERE, _SPOOLED = b"\0" * 8, b"\1"  # eight bytes, so that the buffers of the stream stay aligned

beam.coders.registry.register_coder(pa.Table, TableCoder)


def split_by(table: pa.Table, keys: UInt64Array, partitions: int) -> Iterator[KeyedTable]:
    """Cuts a table into the partitions that its 64-bit keys fall in.

    Args:
        table: n rows.
        keys: uint64[n].
        partitions: number of partitions.

    Yields:
        (partition number, the rows whose scrambled key falls in it), for partitions that have rows.
    """
    yield from split_by_number(table, partition_numbers(keys, partitions))


def partition_numbers(keys: UInt64Array, partitions: int) -> NDArray[np.int64]:
    """The partition that each 64-bit key falls in, once scrambled."""
    if partitions == 1:
        return np.zeros(len(keys), dtype=np.int64)
    return (mix(keys) % np.uint64(partitions)).astype(np.int64)


def split_by_number(table: pa.Table, numbers: NDArray[np.int64]) -> Iterator[KeyedTable]:
    """Cuts a table by a number given for each row, 0 or more. The pieces share memory."""
    largest = numbers.max(initial=0)
    if len(numbers) and numbers.min() == largest:
        yield int(largest), table
        return
    narrow = numbers.astype(np.min_scalar_type(int(largest)))  # 16 bits are sorted in linear time
    order = np.argsort(narrow, kind="stable")
    ordered, table = numbers[order], table.take(pa.array(order))
    changes = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    for start, end in pairwise([0, *changes, len(order)] if len(order) else []):
        yield int(ordered[start]), table.slice(start, end - start)


def concat(tables: Iterable[pa.Table], schema: pa.Schema) -> pa.Table:
    """One table of all the given ones, in one chunk per column; empty with `schema` when there are none."""
    tables = [table for table in tables if table.num_rows]
    return pa.concat_tables(tables).combine_chunks() if tables else schema.empty_table()
