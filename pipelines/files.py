"""Files on any filesystem that Beam knows, by the protocol that `curate.io` reads and writes through."""

from typing import Any, BinaryIO, Optional, cast

from curate.errors import UsageError
from curate.io.filesystem import FileInfo, LocalFiles, is_remote
from curate.io.json_text import json_text
from curate.io.sources import one_line

_LOCAL = LocalFiles()


class BeamFiles:
    """Local paths through the operating system, `scheme://` paths through Beam's filesystems."""

    def stat(self, path: str) -> Optional[FileInfo]:
        """See `curate.io.filesystem.Files.stat`."""
        if not is_remote(path):
            return _LOCAL.stat(path)
        found = [file for file in self.match(path) if file.path == path]
        return found[0] if found else None

    def match(self, pattern: str) -> list[FileInfo]:
        """See `curate.io.filesystem.Files.match`."""
        if not is_remote(pattern):
            return _LOCAL.match(pattern)
        metadata = _filesystems(pattern).match([pattern])[0].metadata_list
        return sorted((FileInfo(file.path, file.size_in_bytes) for file in metadata), key=lambda file: file.path)

    def open(self, path: str) -> BinaryIO:
        """See `curate.io.filesystem.Files.open`; nothing is decompressed."""
        if not is_remote(path):
            return _LOCAL.open(path)
        from apache_beam.io.filesystem import CompressionTypes

        return cast(BinaryIO, _filesystems(path).open(path, compression_type=CompressionTypes.UNCOMPRESSED))

    def create(self, path: str) -> BinaryIO:
        """See `curate.io.filesystem.Files.create`."""
        if not is_remote(path):
            return _LOCAL.create(path)
        from apache_beam.io.filesystem import CompressionTypes

        return cast(BinaryIO, _filesystems(path).create(path, compression_type=CompressionTypes.UNCOMPRESSED))

    def remove(self, path: str) -> None:
        """See `curate.io.filesystem.Files.remove`."""
        if not is_remote(path):
            _LOCAL.remove(path)
            return
        _filesystems(path).delete([path])

    def read_if_there(self, path: str) -> Optional[bytes]:
        """The whole content of a file, None where there is none."""
        return self.read_bytes(path) if self.stat(path) else None

    def write_bytes(self, path: str, content: bytes) -> None:
        """Writes a file.

        Raises:
            OSError: it cannot be written.
        """
        with self.create(path) as file:
            file.write(content)

    def write_json(self, path: str, content: Any) -> None:
        """Writes a file of sorted, indented JSON."""
        self.write_bytes(path, json_text(content))

    def read_bytes(self, path: str) -> bytes:
        """The whole content of a file.

        Raises:
            OSError: it cannot be read.
        """
        with self.open(path) as file:
            return file.read()


def read_finished(directory: str, name: str) -> bytes:
    """The contents of a file that a finished run has written.

    Args:
        directory: of the output.
        name: of the file in it.

    Raises:
        UsageError: it cannot be read.
    """
    path = f"{directory.rstrip('/')}/{name}"
    try:
        return BeamFiles().read_bytes(path)
    except OSError as error:
        reason = error.strerror or one_line(error)
        raise UsageError(f"{path!r} cannot be read ({reason}); give the output directory of a finished run") from None


def _filesystems(path: str) -> Any:
    """Beam's filesystems, once it is sure that they know this path's.

    Raises:
        UsageError: they do not: the client libraries are not installed, or the scheme is unknown.
    """
    from apache_beam.io.filesystems import FileSystems

    try:
        FileSystems.get_filesystem(path)
    except ValueError:
        raise UsageError(
            f"path {path!r} is of a filesystem that Beam does not know here, expected gs:// with apache-beam[gcp] "
            f"installed, s3:// with [aws], or another with its extra; install it"
        ) from None
    return FileSystems
