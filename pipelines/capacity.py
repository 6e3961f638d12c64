"""Whether a local run fits: what it needs of memory and of temporary disk, and what there is.

Texts stream, so that memory grows with the number of documents, whose features Beam's local runner holds between its
steps, and not with their size:

    BASE + processes × PROCESS + blocks at work × BLOCK_COPIES × bytes of a block + documents × DOCUMENT

`tests/benchmarks/bench_run.py --grow` compares the formula with what runs take.
"""

import math
import os
import resource
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from curate.errors import UsageError

BASE = 850 << 20
"""Bytes of a run without documents: Python, libraries, detector, and the sample that the embedding is fitted on."""
PROCESS = 450 << 20
"""Bytes of each worker process."""
BLOCK_COPIES = 6
"""Bytes that each byte of a block takes while it is worked on."""
DOCUMENT = 250
"""Bytes of memory for each document: 13,734,551 took 73 each beyond the rest, and this leaves room for others."""
SPOOLED = 1_600
"""Bytes of temporary disk for each document (`curate.transforms.spool`)."""
MAPPED = 1_700 << 20
"""Bytes of address space that each process takes beyond its memory: libraries, and what they and threads reserve."""
MAPPED_CORE = 100 << 20
"""Likewise, for each core, whose threads have stacks and heaps of their own."""

_GB = 1e9


@dataclass(frozen=True)
class Capacity:
    """Bytes that a run needs, or that there are.

    Attributes:
        memory: of all its processes; infinite where the system does not tell.
        disk: in the directory for temporary files.
    """

    memory: float
    disk: int

    def __str__(self) -> str:
        memory = "unknown memory" if math.isinf(self.memory) else f"{self.memory / _GB:,.1f} GB of memory"
        return f"{memory} and {self.disk / _GB:,.1f} GB of temporary disk"


def needed(documents: int, block_bytes: int, workers: int) -> Capacity:
    """What a local run needs.

    Args:
        documents: of the inputs, and of earlier outputs that they are compared with.
        block_bytes: of the largest block.
        workers: processes; one works in threads, as many as it has cores.
    """
    processes = workers if workers > 1 else 0
    blocks = max(workers, len(os.sched_getaffinity(0)) + 1)
    memory = BASE + processes * PROCESS + blocks * BLOCK_COPIES * block_bytes + documents * DOCUMENT
    return Capacity(memory, documents * SPOOLED)


def available(root: Path = Path("/")) -> Capacity:
    """What this machine can give, or what its container may still take.

    Args:
        root: where `proc` and `sys` are.
    """
    rooms = [*_meminfo(root), *_control_groups(root)]
    return Capacity(min(rooms, default=math.inf), shutil.disk_usage(tempfile.gettempdir()).free)


def refuse_too_large(documents: int, block_bytes: int, workers: int, memory_gb: float | None) -> None:
    """Says that a local run cannot fit, before the system kills it for that.

    Args:
        documents: as for `needed`.
        block_bytes: likewise.
        workers: likewise.
        memory_gb: that the run may take, if somebody knows better than the system.

    Raises:
        UsageError: it needs more than there is.
    """
    refuse_small_address_space(documents, block_bytes)
    needs, found = needed(documents, block_bytes, workers), available()
    has = Capacity(found.memory if memory_gb is None else memory_gb * _GB, found.disk)
    if needs.memory > has.memory or needs.disk > has.disk:
        raise UsageError(
            f"{documents:,} documents need about {needs}, and there are {has} ({tempfile.gettempdir()}); take fewer "
            f"documents at a time or smaller blocks (run.block_bytes), a machine with more, or a cluster (--runner); "
            f"TMPDIR names a larger disk, run.memory_gb what memory the run may take"
        )


def least_address_space(documents: int, block_bytes: int) -> int:
    """Bytes of address space that a process of a local run may take, its memory and what is only reserved.

    Args:
        documents: as for `needed`.
        block_bytes: likewise.
    """
    return int(needed(documents, block_bytes, 1).memory) + MAPPED + len(os.sched_getaffinity(0)) * MAPPED_CORE


def refuse_small_address_space(documents: int = 0, block_bytes: int = 0) -> None:
    """Says that a limit of address space is too low, before libraries meet it.

    They end the process then, or wait for ever while they are loaded (OpenBLAS), and nothing in Python can stop that.

    Args:
        documents: as for `needed`; none before anything is known of the inputs.
        block_bytes: likewise.

    Raises:
        UsageError: the limit is below what a run takes.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    cores, least = len(os.sched_getaffinity(0)), least_address_space(documents, block_bytes)
    if limit != resource.RLIM_INFINITY and limit < least:
        raise UsageError(
            f"address space is limited to {limit / _GB:,.2f} GB (ulimit -v, RLIMIT_AS), and a process that curates "
            f"{documents:,} documents with {cores} cores may take {least / _GB:,.2f} GB of it, most of which is no "
            f"memory; raise the limit or lift it, and limit memory itself (cgroup, run.memory_gb)"
        )


def _meminfo(root: Path) -> list[int]:
    """Bytes that the system could give to new work, none where it does not tell."""
    lines = _lines(root / "proc/meminfo")
    return [int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:")]


def _control_groups(root: Path) -> list[int]:
    """Bytes that this process may still take within each control group of Linux (v1 and v2) that limits it."""
    rooms = []
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, name = line.split(":", 2)
        if controllers == "":
            place, files, cache = root / "sys/fs/cgroup", ("memory.max", "memory.current"), "inactive_file"
        elif "memory" in controllers.split(","):
            place = root / "sys/fs/cgroup/memory"
            files, cache = ("memory.limit_in_bytes", "memory.usage_in_bytes"), "total_inactive_file"
        else:
            continue
        group = place / name.lstrip("/")
        for folder in (group, *group.parents):
            limit, used = (_lines(folder / file) for file in files)
            if limit and used and limit[0].isdecimal():
                free = [int(each.split()[1]) for each in _lines(folder / "memory.stat") if each.split()[0] == cache]
                rooms.append(int(limit[0]) - int(used[0]) + sum(free))
            if folder == place:
                break
    return rooms


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
