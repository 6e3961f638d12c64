"""A local run that cannot fit is refused before it starts, with what it needs and what there is."""

import math
import resource
import tempfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.errors import UsageError
from curate.pipelines import capacity

GB = 10**9


@pytest.fixture
def machine(tmp_path):
    """Writes files of `proc` and `sys`; gives what memory is read off them."""

    def reads(files):
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(content)
        return capacity.available(tmp_path).memory

    return reads


MEMINFO = {"proc/meminfo": "MemTotal:       24000000 kB\nMemAvailable:    8000000 kB\n"}


@pytest.mark.parametrize(
    ("files", "memory"),
    [
        ({}, math.inf),
        (MEMINFO, 8_000_000 << 10),
        (
            {
                **MEMINFO,
                "proc/self/cgroup": "0::/job/step\n",
                "sys/fs/cgroup/job/memory.max": "5000\n",
                "sys/fs/cgroup/job/memory.current": "3000\n",
                "sys/fs/cgroup/job/memory.stat": "anon 1000\ninactive_file 1500\n",
                "sys/fs/cgroup/job/step/memory.max": "max\n",
                "sys/fs/cgroup/job/step/memory.current": "10\n",
            },
            3500,
        ),
        (
            {
                **MEMINFO,
                "proc/self/cgroup": "4:cpu,memory:/docker/1\n3:cpuset:/\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "7000\n",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": "3000\n",
                "sys/fs/cgroup/memory/memory.stat": "inactive_file 1\ntotal_inactive_file 500\n",
            },
            4500,
        ),
    ],
    ids=["unknown", "machine", "cgroup v2", "cgroup v1, mounted at its own group"],
)
def test_memory_is_what_machine_and_container_leave(machine, files, memory):
    assert machine(files) == memory


def test_needs_grow_with_documents_blocks_and_workers():
    least = capacity.needed(0, 1 << 20, 1)
    assert capacity.needed(1000, 1 << 20, 1).memory == least.memory + 1000 * capacity.DOCUMENT
    assert capacity.needed(1000, 1 << 20, 1).disk == 1000 * capacity.SPOOLED
    assert capacity.needed(0, 2 << 20, 1).memory > least.memory
    assert capacity.needed(0, 1 << 20, 4).memory >= least.memory + 4 * capacity.PROCESS


@pytest.mark.parametrize(("memory", "disk"), [(GB, 10**15), (10**15, GB)])
def test_what_does_not_fit_is_refused(monkeypatch, memory, disk):
    monkeypatch.setattr(capacity, "available", lambda: capacity.Capacity(memory, disk))
    with pytest.raises(UsageError, match=r"1,000,000,000 documents need about 25\d\.\d GB of memory and 1,600\.0 GB"):
        capacity.refuse_too_large(10**9, 1 << 24, 1, None)


def test_a_limit_of_ones_own_takes_the_place_of_the_systems(monkeypatch):
    monkeypatch.setattr(capacity, "available", lambda: capacity.Capacity(GB // 2, 10**15))
    capacity.refuse_too_large(1000, 1 << 20, 1, memory_gb=2.0)
    with pytest.raises(UsageError, match=r"there are 0\.1 GB of memory"):
        capacity.refuse_too_large(1000, 1 << 20, 1, memory_gb=0.1)


def test_commands_refuse_before_they_write(curate, tmp_path):
    pq.write_table(pa.table({"id": ["a"], "text": ["one two three"]}), tmp_path / "in.parquet")
    annotate = ("run", "--input", tmp_path / "in.parquet", "--output", tmp_path / "out")
    told = curate(*annotate, "--set", "run.memory_gb=0.01")
    assert told.code == 2 and "there are 0.0 GB of memory" in told.message and tempfile.gettempdir() in told.message
    assert not (tmp_path / "out").exists()
    assert curate(*annotate, "--set", "mixture.enabled=false").code == 0
    again = ("decide", "--annotations", tmp_path / "out", "--output", tmp_path / "again")
    told = curate(*again, "--set", "run.memory_gb=0.01")
    assert told.code == 2 and "run.memory_gb" in told.message and not (tmp_path / "again").exists()


# Limits of address space.


@pytest.fixture
def limited(monkeypatch):
    """Lets processes have a limit of address space, as `ulimit -v` gives them, and a number of cores."""

    def limit(bytes, cores=2):
        monkeypatch.setattr(resource, "getrlimit", lambda which: (bytes, bytes))
        monkeypatch.setattr(capacity.os, "sched_getaffinity", lambda process: set(range(cores)))

    return limit


@pytest.mark.parametrize(
    ("limit", "cores", "documents", "refused"),
    [
        (resource.RLIM_INFINITY, 2, 10**9, False),
        (30 << 20, 2, 0, True),
        (4 << 30, 2, 0, False),
        (4 << 30, 64, 0, True),
        (4 << 30, 2, 10**7, True),
        (10 << 30, 2, 10**7, False),
    ],
)
def test_a_limit_of_address_space_has_room_for_libraries_threads_and_documents(
    limited, limit, cores, documents, refused
):
    limited(limit, cores)
    if not refused:
        capacity.refuse_small_address_space(documents)
        return
    with pytest.raises(UsageError, match=rf"limited to .* GB \(ulimit -v.* {documents:,} documents with {cores} cores"):
        capacity.refuse_small_address_space(documents)


def test_documents_that_do_not_fit_an_address_space_are_refused_though_memory_is_there(limited):
    limited(4 << 30)
    with pytest.raises(UsageError, match="address space"):
        capacity.refuse_too_large(10**7, 1 << 20, 1, memory_gb=1000.0)
