"""The few file operations that curate needs, so that local and remote files are read by the same code.

`curate` knows no remote filesystem itself: whoever runs it hands one in that satisfies `Files`.
"""

import glob
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from curate.errors import UsageError

OpenFile = Callable[[str], BinaryIO]
"""Opens a file for reading, seekable; raises an error of its filesystem's own kind where that fails."""


@dataclass(frozen=True)
class FileInfo:
    """A file and its size in bytes."""

    path: str
    size: int


class Files(Protocol):
    """A filesystem. Implementations are picklable, since workers open files too."""

    def stat(self, path: str) -> FileInfo | None:
        """The file of exactly this name (no pattern), or None where there is no such file."""

    def match(self, pattern: str) -> list[FileInfo]:
        """The files, without directories, that a glob matches, sorted by path; `**` crosses directories."""

    def open(self, path: str) -> BinaryIO:
        """Opens a file for reading, seekable.

        Raises:
            OSError: the file cannot be opened.
        """

    def create(self, path: str) -> BinaryIO:
        """Opens a file for writing, with its directories; an old file of that name is replaced.

        Raises:
            OSError: the file cannot be written.
        """

    def remove(self, path: str) -> None:
        """Removes a file.

        Raises:
            OSError: the file cannot be removed.
        """


class LocalFiles:
    """The files of this machine."""

    def stat(self, path: str) -> FileInfo | None:
        """See `Files.stat`."""
        return FileInfo(path, os.path.getsize(path)) if os.path.isfile(path) else None

    def match(self, pattern: str) -> list[FileInfo]:
        """See `Files.match`; names that start with a dot are matched only where the pattern names the dot."""
        paths = sorted(set(glob.glob(pattern, recursive=True)))
        return [FileInfo(path, os.path.getsize(path)) for path in paths if os.path.isfile(path)]

    def open(self, path: str) -> BinaryIO:
        """See `Files.open`."""
        return open(path, "rb")

    def create(self, path: str) -> BinaryIO:
        """See `Files.create`."""
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        return open(path, "wb")

    def remove(self, path: str) -> None:
        """See `Files.remove`."""
        os.remove(path)


def read_named(path: str, name: str, wanted: str) -> bytes:
    """The content of a local file that the operator named.

    Args:
        path: of the file.
        name: what it is to be, for messages: a setting, or a kind of file.
        wanted: what to give instead of what cannot be read.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise UsageError(f"{name} {path!r}: {error.strerror}; give the path of {wanted}") from None


def read_with(open_file: OpenFile) -> Callable[[str], bytes]:
    """Reads whole files with what opens them."""

    def read(path: str) -> bytes:
        with open_file(path) as file:
            return file.read()

    return read


def is_remote(path: str) -> bool:
    """Whether a path names its filesystem (`gs://…`), so that rename and lock are not to be had."""
    return "://" in path


def below(directory: str, files: Files) -> list[FileInfo]:
    """All files under a directory, at any depth, sorted by path."""
    return files.match(glob.escape(directory.rstrip("/")) + "/**")
