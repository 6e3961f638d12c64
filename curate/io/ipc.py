"""Arrow IPC: record batches in files (with a footer) and in streams, as Hugging Face `datasets` saves them.

A stream has no index. The plan walks it once and remembers where its batches begin, so that workers read theirs only.
Where columns are dictionary-encoded that is not enough, since dictionaries lie between batches: such a stream is read
from its beginning.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.types as pt

from curate.io.schemas import check_fields, nested_fields

_MAGIC = b"ARROW1"


class Batch(NamedTuple):
    """A record batch of a file.

    Attributes:
        place: what `read_batches` finds it by: its number, or in a stream without dictionaries the byte at which it
            begins.
        rows: of the batch.
        size: bytes of all columns in memory.
        text_bytes: bytes of the text column.
    """

    place: int
    rows: int
    size: int
    text_bytes: int


def scan(stream: BinaryIO, text: str) -> tuple[pa.Schema, list[Batch]]:
    """The schema of a file or stream, and its batches in order.

    Args:
        stream: seekable.
        text: name of the text column.

    Raises:
        OSError, EOFError, ArrowException: a batch cannot be read, or the end is missing.
    """
    if _has_footer(stream):
        file = pa.ipc.open_file(stream)
        check_fields(file.schema)
        numbered = ((number, file.get_batch(number)) for number in range(file.num_record_batches))
        return file.schema, [_measure(place, batch, text) for place, batch in numbered]
    native = pa.PythonFile(stream, mode="r")
    reader = pa.ipc.open_stream(native)
    check_fields(reader.schema)
    if _has_dictionaries(reader.schema):
        return reader.schema, [_measure(place, batch, text) for place, batch in enumerate(reader)]
    return reader.schema, [_measure(place, batch, text) for place, batch in _walk(native, reader.schema)]


def read_batches(stream: BinaryIO, places: Sequence[int]) -> Iterator[pa.RecordBatch]:
    """The batches at places that `scan` gave, in ascending order. What they hold is not validated.

    Raises:
        OSError, EOFError, ArrowException: a batch cannot be read.
    """
    if _has_footer(stream):
        yield from map(pa.ipc.open_file(stream).get_batch, places)
        return
    native = pa.PythonFile(stream, mode="r")
    reader = pa.ipc.open_stream(native)
    if _has_dictionaries(reader.schema):
        wanted = set(places)
        yield from (batch for place, batch in enumerate(islice(reader, max(places, default=-1) + 1)) if place in wanted)
        return
    for place in places:
        native.seek(place)
        yield pa.ipc.read_record_batch(pa.ipc.read_message(native), reader.schema)


def read_table(stream: BinaryIO) -> pa.Table:
    """All batches of a file or stream.

    Raises:
        OSError, EOFError, ArrowException: a batch cannot be read.
    """
    schema, batches = scan(stream, "")
    return pa.Table.from_batches(read_batches(stream, [batch.place for batch in batches]), schema)


def _walk(native: pa.NativeFile, schema: pa.Schema) -> Iterator[tuple[int, pa.RecordBatch]]:
    """(first byte, batch) of the messages behind the schema."""
    while True:
        place = native.tell()
        try:
            message = pa.ipc.read_message(native)
        except EOFError:  # the mark at the end of a stream, or the end of the bytes, which is allowed too
            return
        yield place, pa.ipc.read_record_batch(message, schema)


def _has_footer(stream: BinaryIO) -> bool:
    stream.seek(0)
    magic = stream.read(len(_MAGIC))
    stream.seek(0)
    return magic == _MAGIC


def _has_dictionaries(schema: pa.Schema) -> bool:
    return any(pt.is_dictionary(field.type) for field in nested_fields(schema))


def _measure(place: int, batch: pa.RecordBatch, text: str) -> Batch:
    index = batch.schema.get_field_index(text)
    text_bytes = batch.column(index).get_total_buffer_size() if index >= 0 else 0
    return Batch(place, batch.num_rows, batch.get_total_buffer_size(), text_bytes)
