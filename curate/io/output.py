"""The output directory: one run at a time, and the old output whole until the new one is complete.

A local run writes to a staging directory beside the output and puts it in place by renaming. Names of fixed form
make a crash recoverable: whoever prepares the same output next finds what was left, under the lock, and repairs it.
Object stores have no rename: there files are written in place, and the manifest comes last.

What a run that did not finish has staged may be kept, so that the next one goes on from it (`Staging.keep`).
"""

import ctypes
import fcntl
import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol

from curate.errors import UsageError
from curate.io.filesystem import Files, below, is_remote
from curate.io.inputs import MANIFEST

_DIGEST_CHUNK = 1 << 20
_HERE, _RENAME_EXCHANGE = -100, 2  # of renameat2(2)


class Staging(Protocol):
    """Where a run writes. As a context manager it aborts unless it was committed.

    Attributes:
        path: directory to write to.
        resumable: whether what is written may outlive the run.
    """

    path: str
    resumable: bool

    def commit(self) -> None:
        """Makes what was written the output."""

    def abort(self) -> None:
        """Removes what was written; an old output is as it was."""

    def keep(self) -> None:
        """Ends the run like `abort`, but leaves what was written for a run that resumes."""

    def __enter__(self) -> "Staging": ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def prepare_output(
    path: str, overwrite: bool, files: Files, inputs: Sequence[str] = (), resume: bool = False
) -> Staging:
    """Takes an output directory into use.

    Args:
        path: of the output, local or remote.
        overwrite: replace what is there.
        files: used for remote paths.
        inputs: files to be read, none of which may lie in the directory.
        resume: leave in the staging directory what an interrupted run has written there.

    Raises:
        UsageError: the directory is not empty, cannot be written, is in use by another run, or holds the inputs; or
            it is remote, where nothing can be resumed.
    """
    if is_remote(path) and resume:
        raise UsageError(f"output {path!r} is remote, where no run can be resumed; run without --resume")
    return _InPlace(path, overwrite, files) if is_remote(path) else _Beside(path, overwrite, inputs, resume)


def digests(directory: str, files: Files) -> dict[str, str]:
    """SHA-256, as hex digits, of every file under a directory but its manifest, by relative path in sorted order."""
    root = directory.rstrip("/") + "/"
    found = {}
    for file in below(directory, files):
        name = file.path[len(root) :]
        if name != MANIFEST:
            digest = hashlib.sha256()
            with files.open(file.path) as stream:
                while chunk := stream.read(_DIGEST_CHUNK):
                    digest.update(chunk)
            found[name] = digest.hexdigest()
    return dict(sorted(found.items()))


class _Beside:
    """A staging directory beside a local output."""

    resumable = True

    def __init__(self, path: str, overwrite: bool, inputs: Sequence[str], resume: bool) -> None:
        self._given = path
        self._target = Path(os.path.realpath(path))
        beside = self._target.parent / f".{self._target.name}.curate"
        self._staging = beside.with_name(beside.name + "-staging")
        self._old = beside.with_name(beside.name + "-old")
        self._open = True
        self._made: list[Path] = []
        self.path = str(self._staging)
        self._refuse_dangerous(inputs)
        try:
            self._make_parents()
            self._lock = _Lock(beside.with_name(beside.name + "-lock"), path)
        except OSError as error:
            self._remove_parents()
            raise _unwritable(path, error) from None
        try:
            self._recover(resume)
            self._refuse_not_empty(overwrite)
            self._staging.mkdir(exist_ok=resume)
        except OSError as error:
            self._release()
            raise _unwritable(path, error) from None
        except UsageError:
            self._release()
            raise

    def commit(self) -> None:
        """See `Staging.commit`. A crash on the way is repaired by `_recover`."""
        _flush(self._staging)
        if not self._exchange():
            self._rename()
        shutil.rmtree(self._old, ignore_errors=True)
        self._made = []
        self._release()

    def _exchange(self) -> bool:
        """Lets the new output and the old one take each other's place; False without an old one, or where none can."""
        if not self._target.exists():
            return False
        self._staging.rename(self._old)  # a name under which the old output will be removed
        if _exchange(self._old, self._target):
            return True
        self._old.rename(self._staging)
        return False

    def _rename(self) -> None:
        """Puts the new output in place where two directories cannot be exchanged: for a moment there is none."""
        if self._target.exists() and any(self._target.iterdir()):
            self._target.rename(self._old)
        try:
            self._staging.rename(self._target)
        except OSError:
            if self._old.exists():
                self._old.rename(self._target)
            raise

    def abort(self) -> None:
        """See `Staging.abort`."""
        shutil.rmtree(self._staging, ignore_errors=True)
        self._release()

    def keep(self) -> None:
        """See `Staging.keep`."""
        self._release()

    def __enter__(self) -> "_Beside":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open:
            self.abort()

    def _refuse_dangerous(self, inputs: Sequence[str]) -> None:
        target = self._target
        kept_whole = [Path(os.path.realpath(path)) for path in (".", os.path.expanduser("~"))]
        if target.exists() and not target.is_dir():
            raise UsageError(f"output {self._given!r} is a file, expected a directory; name another path")
        if any(kept.is_relative_to(target) for kept in kept_whole):
            raise UsageError(
                f"output {self._given!r} is or holds the current or home directory, which is not replaced; "
                f"name a directory inside it"
            )
        if os.path.ismount(target):
            raise UsageError(
                f"output {self._given!r} is a mount point, which cannot be replaced; name a directory in it"
            )
        for path in inputs:
            if not is_remote(path) and Path(os.path.realpath(path)).is_relative_to(target):
                raise UsageError(f"output {self._given!r} holds the input {path!r}; name another output directory")

    def _make_parents(self) -> None:
        missing = [parent for parent in self._target.parents if not parent.exists()]
        for parent in reversed(missing):
            parent.mkdir()
            self._made.append(parent)

    def _remove_parents(self) -> None:
        for parent in reversed(self._made):
            try:
                parent.rmdir()
            except OSError:
                return  # in use by now

    def _recover(self, resume: bool) -> None:
        """Repairs what a crash left: an old output that was moved aside comes back unless the new one is in place."""
        if self._old.exists():
            if self._target.exists() and any(self._target.iterdir()):
                shutil.rmtree(self._old)
            else:
                self._old.rename(self._target)
        if self._staging.exists() and not resume:
            shutil.rmtree(self._staging)

    def _refuse_not_empty(self, overwrite: bool) -> None:
        if self._target.exists() and not overwrite and any(self._target.iterdir()):
            raise _not_empty(self._given)

    def _release(self) -> None:
        self._open = False
        self._lock.release()
        self._remove_parents()


class _Lock:
    """An advisory lock on a file beside the output. The kernel frees it when its process ends, however that ends."""

    def __init__(self, path: Path, output: str) -> None:
        self._path = path
        while True:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.read(self._file, 20).decode(errors="replace").strip() or "unknown"
                os.close(self._file)
                raise UsageError(
                    f"output {output!r} is being written by another run (process {holder}); "
                    f"wait for it, or name another directory"
                ) from None
            if self._is_current():
                break
            os.close(self._file)  # the holder before removed this file after it was opened here
        os.ftruncate(self._file, 0)
        os.write(self._file, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Removes the file, then frees the lock, so that no two processes hold locks on files of one name."""
        self._path.unlink(missing_ok=True)
        fcntl.flock(self._file, fcntl.LOCK_UN)
        os.close(self._file)

    def _is_current(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._file), os.stat(self._path))
        except FileNotFoundError:
            return False


class _InPlace:
    """A remote output, written where it stays; readers ignore what its manifest does not list."""

    resumable = False

    def __init__(self, path: str, overwrite: bool, files: Files) -> None:
        self.path = path.rstrip("/")
        self._files = files
        self._open = True
        try:
            if below(self.path, files) and not overwrite:
                raise _not_empty(path)
            self._clear()
        except OSError as error:
            raise _unwritable(path, error) from None

    def commit(self) -> None:
        """See `Staging.commit`: the manifest that the run wrote last is what makes the output one."""
        self._open = False

    def abort(self) -> None:
        """See `Staging.abort`; on a remote filesystem an old output is gone by then."""
        self._open = False
        self._clear()

    def keep(self) -> None:
        """See `Staging.keep`; here nothing is kept."""
        self.abort()

    def __enter__(self) -> "_InPlace":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open:
            self.abort()

    def _clear(self) -> None:
        """Removes the manifest first: without it, no reader takes the rest for an output."""
        found = below(self.path, self._files)
        for file in sorted(found, key=lambda file: not file.path.endswith("/" + MANIFEST)):
            self._files.remove(file.path)


def _exchange(one: Path, other: Path) -> bool:
    """Lets two directories take each other's place at once; False where the system cannot."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None)  # Linux
    names = (os.fsencode(one), os.fsencode(other))
    return rename is not None and rename(_HERE, names[0], _HERE, names[1], _RENAME_EXCHANGE) == 0


def _flush(directory: Path) -> None:
    """Has everything under a directory on the disk, so that a rename cannot get there before what it renames."""
    for parent, _, names in os.walk(directory):
        for path in (parent, *(os.path.join(parent, name) for name in names)):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _not_empty(path: str) -> UsageError:
    return UsageError(f"output {path!r} is not empty, expected a new or empty directory; add --overwrite to replace it")


def _unwritable(path: str, error: OSError) -> UsageError:
    reason = error.strerror or str(error)
    return UsageError(
        f"output {path!r} cannot be written ({reason}), expected a writable place; name another directory"
    )
