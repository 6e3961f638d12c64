"""Tables wait on the local disk between the steps of a local run.

Beam's local runner keeps every shuffle in memory, several times over, until the job ends. With a spool it keeps a
place in a file instead. Whoever reads a large table maps it into memory, and the pages go when the table goes.
"""

import contextlib
import mmap
import os
import struct
import tempfile
import threading
import weakref
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Optional

import pyarrow as pa

from curate.io.scratch import scratch

LEAST_BYTES = 1 << 9
"""Smaller tables are not worth a place on disk. A shuffle cuts each block for every key: the more there are of both,
the smaller the tables, while all of them together stay what they are."""

MAPPED_BYTES = 1 << 14
"""Smaller ones are read, for a process may map so many only."""

_PLACE = struct.Struct("<QQ")

_directory: ContextVar[Optional[str]] = ContextVar("_directory", default=None)


@contextlib.contextmanager
def spooled() -> Iterator[None]:
    """Gives coders that are made meanwhile in this thread a spool: a directory for temporary files, removed at the end.

    If the process is killed, the next run removes it (`curate.io.scratch`). Coders carry it to the threads and
    processes that they work in; other runs of this process have their own.
    """
    with scratch() as directory:
        token = _directory.set(directory)
        try:
            yield
        finally:
            _directory.reset(token)
            if directory in _files:
                _files.pop(directory)[1].close()


def spool_directory() -> Optional[str]:
    """The directory of `spooled`, None outside of it."""
    return _directory.get()


def put(table: pa.Table, directory: str) -> bytes:
    """Writes a table to a file of this process and returns its place; one that came from a place keeps it.

    Raises:
        OSError: there is no room.
    """
    known, place = _places.get(id(table), ("", b""))
    if known == directory:
        return place
    with _lock:
        try:
            return _append(table, directory)
        except OSError as error:
            raise OSError(
                f"temporary directory {directory!r} cannot take {table.nbytes:,} bytes more ({error}); "
                f"set TMPDIR to a place with more room"
            ) from None


def _append(table: pa.Table, directory: str) -> bytes:
    if directory not in _files:
        handle, path = tempfile.mkstemp(suffix=".arrow", dir=directory)
        os.close(handle)
        _files[directory] = path, pa.OSFile(path, "wb")
    path, file = _files[directory]
    if table.nbytes >= MAPPED_BYTES:
        # Only there can a mapping begin, and only what begins there is mapped by `get`.
        file.write(bytes(-file.tell() % mmap.ALLOCATIONGRANULARITY))
    start = file.tell()
    with pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)
    file.flush()
    return _PLACE.pack(start, file.tell() - start) + os.path.basename(path).encode()


def get(place: bytes, directory: str) -> pa.Table:
    """The table at a place, mapped into memory if it is large."""
    start, size = _PLACE.unpack_from(place)
    path = os.path.join(directory, place[_PLACE.size :].decode())
    with open(path, "rb", buffering=0) as file:
        if start % mmap.ALLOCATIONGRANULARITY:
            content = pa.py_buffer(os.pread(file.fileno(), size, start))
        else:
            content = pa.py_buffer(mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ, offset=start))
    with pa.ipc.open_stream(content) as reader:
        table = reader.read_all()
    _places[id(table)] = directory, place
    weakref.finalize(table, _places.pop, id(table), None)
    return table


_files: dict[str, tuple[str, pa.OSFile]] = {}
_places: dict[int, tuple[str, bytes]] = {}
_lock = threading.Lock()
