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
    directory, lock = _locked(root)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        os.close(lock)


def _locked(root: str) -> tuple[str, int]:
    """A new directory, and the open file that its lock belongs to; without one where there are no locks.

    Another process may take it for an abandoned one before it is locked; then there is another.
    """
    while True:
        directory = tempfile.mkdtemp(prefix=PREFIX, dir=root)
        with contextlib.suppress(FileNotFoundError):
            handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
            with contextlib.suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_EX)
            if os.path.isdir(directory):
                return directory, handle
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
