"""Time and memory of a command with all its processes."""

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

_INTERVAL = 0.1  # seconds between two looks at memory


class Usage(NamedTuple):
    """What a command took.

    Attributes:
        seconds: from start to end.
        cpu: processor seconds of all its processes together.
        peak: most megabytes at once, all processes together; pages that several share are counted once.
        output: what it printed, to both streams.
    """

    seconds: float
    cpu: float
    peak: float
    output: str


class CommandError(Exception):
    """A command failed; the message ends with what it printed last."""


def measure(command: Sequence[object], environment: Mapping[str, str] | None = None) -> Usage:
    """Runs a command in a session of its own, so that its processes can be told from others.

    Raises:
        CommandError: it ended with another status than 0.
    """
    with tempfile.TemporaryFile("w+", errors="replace") as printed:
        before = os.times()
        started = time.monotonic()
        process = subprocess.Popen(
            [str(word) for word in command],
            stdout=printed,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
        peaks = [0.0]
        done = threading.Event()
        watcher = threading.Thread(target=_watch, args=(process.pid, peaks, done))
        watcher.start()
        try:
            status = process.wait()
            seconds, after = time.monotonic() - started, os.times()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        finally:
            done.set()
            watcher.join()
        printed.seek(0)
        output = printed.read()
    if status:
        lines = "\n".join(output.strip().splitlines()[-12:])
        raise CommandError(f"{' '.join(map(str, command))} ended with {status}:\n{lines}")
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    return Usage(seconds, cpu, peaks[0], output)


def _watch(session: int, peaks: list[float], done: threading.Event) -> None:
    while not done.wait(_INTERVAL):
        peaks[0] = max(peaks[0], sum(_megabytes(pid) for pid in _members(session)))


def _members(session: int) -> list[int]:
    """Processes of a session; a process that starts a session of its own is found by its group's leader no more."""
    members = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it has ended
                continue
            if int(fields[3]) == session:
                members.append(int(entry.name))
    return members


def _megabytes(pid: int) -> float:
    """Proportional set size."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0
