"""Assets by path, `ARCHIVE!/MEMBER` included: zip and tar, read in place and within bounds, never unpacked to disk."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from typing import BinaryIO, Protocol, cast

from curate.io.filesystem import OpenFile

SEPARATOR = "!/"

_OPEN_ARCHIVES = 8
_RATIO = 200  # deflate packs 1032 to 1 at best, and only what says nothing; real media are packed 1 to 1
_SLACK = 1 << 24
_MAX_HEADER = 1 << 20
_COMPRESSED: tuple[tuple[bytes, Callable[[BinaryIO], object]], ...] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\x00", lzma.LZMAFile),
)


class Assets:
    """Reads assets; keeps the archives that it used last open, so that members in order cost one pass.

    Args:
        open_file: opens a file for reading, seekable, on any filesystem.
        max_bytes: the largest asset.
    """

    def __init__(self, open_file: OpenFile, max_bytes: int) -> None:
        self._open_file = open_file
        self._max_bytes = max_bytes
        self._archives: OrderedDict[str, _Archive | str] = OrderedDict()

    def read(self, path: str) -> bytes:
        """The content of a file or of a member.

        Raises:
            Exception: it is not there, is no regular file, is larger than `max_bytes`, or its archive cannot be read;
                OSError, or of the filesystem's own kind.
        """
        reason = None
        place = path.find(SEPARATOR)
        while place >= 0:  # names of folders may end with a ! too
            archive = self._archive(path[:place])
            if not isinstance(archive, str):
                return archive.read(path[place + len(SEPARATOR) :], self._max_bytes)
            reason = reason or archive
            place = path.find(SEPARATOR, place + 1)
        try:
            opened = self._open_file(path)
        except Exception:
            if reason is None:
                raise
            raise OSError(reason) from None
        with opened as file:
            return _read_at_most(file, self._max_bytes)

    def close(self) -> None:
        """Closes the archives."""
        while self._archives:
            self._close_oldest()

    def __enter__(self) -> "Assets":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _archive(self, path: str) -> "_Archive | str":
        """The archive, or why no file of this name can be opened."""
        if path not in self._archives:
            if len(self._archives) == _OPEN_ARCHIVES:
                self._close_oldest()
            self._archives[path] = _open_archive(self._open_file, path)
        self._archives.move_to_end(path)
        return self._archives[path]

    def _close_oldest(self) -> None:
        archive = self._archives.popitem(last=False)[1]
        if not isinstance(archive, str):
            archive.close()


class _Archive(Protocol):
    def read(self, member: str, max_bytes: int) -> bytes: ...

    def close(self) -> None: ...


def _open_archive(open_file: OpenFile, path: str) -> _Archive | str:
    try:
        file = open_file(path)
    except Exception as error:  # filesystems raise errors of many kinds
        return str(error)
    try:
        head = file.read(8)
        file.seek(0)
        return _Zip(file) if head[:2] == b"PK" else _Tar(file, head)
    except Exception as error:  # a broken archive raises errors of many kinds too
        file.close()
        return _Broken(f"not an archive that can be read: {error}")


class _Broken:
    """A file that is no archive that can be read: each of its members fails alike, at no further cost."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def read(self, member: str, max_bytes: int) -> bytes:
        raise OSError(self._reason)

    def close(self) -> None:
        pass


class _Zip:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._zip = zipfile.ZipFile(file)

    def read(self, member: str, max_bytes: int) -> bytes:
        try:
            entry = self._zip.getinfo(member)
        except KeyError:
            raise OSError(f"no member {member!r} in the archive") from None
        _check_ratio(entry.file_size, entry.compress_size)
        try:
            with self._zip.open(entry) as file:
                return _read_at_most(cast(BinaryIO, file), max_bytes)
        except Exception as error:  # broken, encrypted, too large or packed in an unknown way: errors of many kinds
            raise OSError(f"member {member!r} cannot be read: {error}") from None

    def close(self) -> None:
        self._zip.close()
        self._file.close()


class _Tar:
    """The members of a tar file, found in one pass over its headers and read by seeking."""

    def __init__(self, file: BinaryIO, head: bytes) -> None:
        self._file = file
        packed_size = file.seek(0, io.SEEK_END)
        file.seek(0)
        unpack = next((unpack for magic, unpack in _COMPRESSED if head.startswith(magic)), None)
        self._content = cast(BinaryIO, unpack(file) if unpack else file)
        self._members: dict[str, tuple[int, int]] = {}
        with tarfile.TarFile(fileobj=cast(BinaryIO, _Headers(self._content)), mode="r") as tar:
            while entry := tar.next():
                tar.members = []  # type: ignore[attr-defined]  # tarfile keeps them all; name, place and size are enough
                if unpack:
                    _check_ratio(entry.offset_data + entry.size, packed_size)
                if entry.isreg() and not entry.issparse():
                    self._members[entry.name] = (entry.offset_data, entry.size)

    def read(self, member: str, max_bytes: int) -> bytes:
        if member not in self._members:
            raise OSError(f"no file {member!r} in the archive")
        offset, size = self._members[member]
        if size > max_bytes:
            raise OSError(_too_large(max_bytes))
        self._content.seek(offset)
        data = self._content.read(size)
        if len(data) < size:
            raise OSError(f"the archive ends within {member!r}")
        return data

    def close(self) -> None:
        self._content.close()
        self._file.close()


class _Headers:
    """A stream for tarfile, which reads a header as large as it says it is."""

    def __init__(self, stream: BinaryIO) -> None:
        self.seek, self.tell = stream.seek, stream.tell
        self._stream = stream

    def read(self, count: int) -> bytes:
        if count > _MAX_HEADER:
            raise OSError(f"a header of the archive has more than {_MAX_HEADER} bytes")
        return self._stream.read(count)


def _check_ratio(size: int, packed: int) -> None:
    if size > packed * _RATIO + _SLACK:
        raise OSError(f"{packed} bytes that unpack to {size} or more, over {_RATIO} times as many: refused")


def _read_at_most(file: BinaryIO, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    left = max_bytes + 1
    while left and (part := file.read(min(left, _SLACK))):
        parts.append(part)
        left -= len(part)
    if left == 0:
        raise OSError(_too_large(max_bytes))
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(max_bytes: int) -> str:
    return f"larger than provenance.max_media_bytes ({max_bytes})"
