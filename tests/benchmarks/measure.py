"""Time and memory of a command with all its processes."""

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

_INTERVAL = 0.25  # seconds; each look walks the page tables of all processes, which holds them up


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
    surroundings = {**os.environ, **(environment or {})}
    surroundings.pop("PYTHONDONTWRITEBYTECODE", None)  # else every process compiles all modules anew
    with tempfile.TemporaryFile("w+", errors="replace") as printed:
        before = os.times()
        started = time.monotonic()
        process = subprocess.Popen(
            [str(word) for word in command],
            stdout=printed,
            stderr=subprocess.STDOUT,
            env=surroundings,
            start_new_session=True,
        )
        watch = _Watch(process.pid)
        try:
            status = process.wait()
            seconds, after = time.monotonic() - started, os.times()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        finally:
            watch.stop()
        printed.seek(0)
        output = printed.read()
    if status:
        lines = "\n".join(output.strip().splitlines()[-12:])
        raise CommandError(f"{' '.join(map(str, command))} ended with {status}:\n{lines}")
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    return Usage(seconds, max(cpu, watch.cpu), watch.peak, output)


class _Watch:
    """Looks at the processes of a session until it is stopped.

    Attributes:
        peak: most megabytes at once.
        cpu: processor seconds; unlike a parent's count it has those of processes that nobody waited for, but it
            misses those shorter than the interval.
    """

    def __init__(self, session: int) -> None:
        self.peak = 0.0
        self._session = session
        self._seconds: dict[int, float] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    @property
    def cpu(self) -> float:
        return sum(self._seconds.values())

    def stop(self) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._done.wait(_INTERVAL):
            now = dict(_members(self._session))
            self._seconds.update(now)
            self.peak = max(self.peak, sum(map(_megabytes, now)))


def _members(session: int) -> Iterator[tuple[int, float]]:
    """Processes of a session and the processor seconds that each has used."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it has ended
                continue
            if int(fields[3]) == session:
                yield int(entry.name), (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _megabytes(pid: int) -> float:
    """Proportional set size."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0
