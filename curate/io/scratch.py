"""Temporary directories that do not outlive their process for long, however it ends.

A process holds a lock on each of its directories, which the kernel frees when the process is gone. Whoever makes the
next directory removes those that nobody holds.
"""

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator

PREFIX = "curate-scratch-"
_BEFORE = "curate-locking-"
"""While a directory is not locked yet, nobody may take it for an abandoned one."""


@contextlib.contextmanager
def scratch() -> Iterator[str]:
    """A new directory among the temporary files, removed at the end; abandoned ones are removed before.

    Raises:
        OSError: there is no place for temporary files.
    """
    root = tempfile.gettempdir()
    for name in os.listdir(root):
        if name.startswith(PREFIX):
            _remove_abandoned(os.path.join(root, name))
    with _locked(tempfile.mkdtemp(prefix=_BEFORE, dir=root)) as directory:
        try:
            yield directory
        finally:
            shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def _locked(made: str) -> Iterator[str]:
    """Locks a directory and names it as one that is; keeps its name where the file system has no locks."""
    handle = os.open(made, os.O_RDONLY | os.O_DIRECTORY)
    try:
        directory = made.replace(_BEFORE, PREFIX)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.rename(made, directory)
        except OSError:
            directory = made
        yield directory
    finally:
        os.close(handle)


def _remove_abandoned(directory: str) -> None:
    """Removes a directory of this user's that nobody has locked; what cannot be removed is left to the next time."""
    with contextlib.suppress(OSError):
        found = os.lstat(directory)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():  # such as a link to something dear
            return
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(directory, ignore_errors=True)
        finally:
            os.close(handle)
