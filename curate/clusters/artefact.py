"""Fitted arrays on disk: NumPy archives without pickles, identified by a digest of what they hold."""

import hashlib
import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.errors import UsageError
from curate.io.filesystem import read_named

Arrays = Mapping[str, NDArray[Any]]


def digest(arrays: Arrays) -> str:
    """32 hexadecimal digits over names, types, shapes and bytes of the arrays, in the order of their names."""
    state = hashlib.blake2b(digest_size=16)
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        state.update(f"{name}:{array.dtype.str}:{array.shape};".encode())
        state.update(array.tobytes())
    return state.hexdigest()


def to_bytes(arrays: Arrays) -> bytes:
    """A compressed .npz archive."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **dict(arrays))
    return buffer.getvalue()


def from_bytes(content: bytes, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Reads the named arrays of an archive; nothing in it is ever executed.

    Raises:
        UsageError: it is no .npz archive, holds objects, or lacks an array.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return {name: archive[name] for name in names}
    except (OSError, ValueError, KeyError, EOFError, AttributeError, zipfile.BadZipFile, zlib.error) as error:
        reason = " ".join(str(error).split())
        raise UsageError(
            f"not a usable artefact ({reason}), expected an .npz archive with {', '.join(names)}"
        ) from None


def read_file(path: str) -> bytes:
    """The bytes of an artefact's file.

    Raises:
        UsageError: the file cannot be read.
    """
    return read_named(path, "artefact", "an .npz file that a run wrote")
