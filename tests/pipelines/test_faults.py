"""Full disks, failing reads, workers that die or hang, bundles that run twice, object stores: nothing is lost."""

import errno
import io
import json
import math
import mmap
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from apache_beam.io.filesystem import FileMetadata, FileSystem
from apache_beam.runners.portability.fn_api_runner import fn_runner

from curate.io import filesystem
from curate.pipelines.processes import death
from curate.pipelines.worker import STUCK, stuck_for

# A disk that is full.


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, and what gives it another size; needs the right to mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()

    def mount(options):
        return subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", disk], capture_output=True, check=False)

    if sys.platform != "linux" or mount("size=500k").returncode:
        pytest.skip("needs the right to mount a tmpfs")
    yield disk, lambda size: mount(f"remount,size={size}")
    subprocess.run(["umount", disk], check=True)


def test_a_full_disk_leaves_the_old_output_and_what_was_annotated(
    curate, small_disk, write, corpus_file, texts, output_of, finished, only_read
):
    disk, resize = small_disk
    resize("8m")
    old = write("old.parquet", {"text": texts[:3]})
    first = ("run", "--input", old, "--output", disk / "out", "--set", "report.enabled=false", *only_read)
    assert curate(*first).code == 0
    used = shutil.disk_usage(disk).used
    files = [path for path in (finished / "annotations").rglob("*") if path.is_file()]
    annotations = sum(math.ceil(path.stat().st_size / mmap.PAGESIZE) * mmap.PAGESIZE for path in files)
    arguments = ("run", "--input", corpus_file, "--output", disk / "out", "--overwrite")
    # For nothing; for a part of the annotations; for all but their record; for a part of what is decided.
    for room in (20_000, annotations - 60_000, annotations, annotations + 30_000):
        resize(used + room)
        outcome = curate(*arguments, "--resume")
        assert outcome.code == 1 and "No space left on device" in outcome.message
        assert len([line for line in outcome.err.splitlines() if "Traceback" in line]) == 0
        assert curate("verify", disk / "out").code == 0
        assert output_of(disk / "out").counts["read"] == 3
    assert "resuming: 300 of 300 documents are annotated" in outcome.err
    resize("50m")
    outcome = curate(*arguments, "--resume")
    assert outcome.code == 0 and "resuming: all documents are annotated" in outcome.err
    assert output_of(disk / "out").ledger.equals(output_of(finished).ledger)
    assert [path.name for path in disk.iterdir()] == ["out"]


# Reads that fail.


@pytest.fixture
def bad_sectors(monkeypatch):
    """Lets reads of a range of a file fail."""

    def spoil(path, first, last):
        class Spoilt(io.FileIO):
            def read(self, size=-1):
                return self._checked(super().read(size))

            def readall(self):
                return self._checked(super().readall())

            def readinto(self, buffer):
                content = self.read(len(buffer))
                buffer[: len(content)] = content
                return len(content)

            def _checked(self, content):
                end = self.tell()
                if end > first and end - len(content) < last:
                    raise OSError(errno.EIO, os.strerror(errno.EIO))
                return content

        whole = filesystem.LocalFiles.open
        monkeypatch.setattr(
            filesystem.LocalFiles,
            "open",
            lambda self, name: Spoilt(name) if str(name) == str(path) else whole(self, name),
        )

    return spoil


def test_bad_sectors_cost_the_rows_that_lie_on_them(curate, write, prose, tmp_path, output_of, only_read, bad_sectors):
    source = prose(3)
    columns = {"id": [f"{index:03d}" for index in range(200)], "text": [source.text(300) for _ in range(200)]}
    path = write("a.parquet", columns, row_group_size=50, compression="none", use_dictionary=False)
    start = pq.read_metadata(path).row_group(2).column(1).data_page_offset
    bad_sectors(path, start, start + 10)
    outcome = curate("run", "--input", path, "--output", tmp_path / "out", *only_read)
    assert outcome.code == 0, outcome.err
    output = output_of(tmp_path / "out")
    output.assert_whole()
    assert output.counts["errors"] == 50
    errors = output.table("errors").to_pylist()
    assert {row["position"] for row in errors} == set(range(100, 150)) and "Input/output error" in errors[0]["error"]
    assert output.counts["kept"] == 150


def test_lines_that_cannot_be_read_again_end_the_run(curate, write, prose, tmp_path, only_read, bad_sectors):
    """The plan could read them; a run that cannot has no way of telling what they were."""
    source = prose(4)
    lines = [json.dumps({"text": source.text(90)}) for _ in range(3000)]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(lines))
    bad_sectors(path, 1_000_000, 1_000_010)
    outcome = curate("run", "--input", path, "--output", tmp_path / "out", *only_read)
    assert outcome.code == 3 and "Input/output error" in outcome.message
    assert [each.name for each in tmp_path.iterdir()] == ["a.jsonl"]


# Worker processes that die or hang.

WORKER = """
import os, signal, time
from apache_beam.ml.inference.base import ModelHandler, PredictionResult
from curate.transforms import TextDetector


class Handler(ModelHandler):
    def load_model(self):
        return None

    def run_inference(self, batch, model, inference_args=None):
        {fault}
        return [PredictionResult(text, [0.5]) for text in batch]


def detector():
    return TextDetector(Handler(), "faulty", "1")
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "more", "expected"),
    [
        (
            "os.kill(os.getpid(), signal.SIGKILL)",
            (),
            r"worker process \d+ was killed \(SIGKILL\): the system may have run out of memory; use fewer --workers",
        ),
        ("os._exit(9)", (), r"worker process \d+ ended with exit code 9"),
        (
            "time.sleep(10_000)",
            ("--element_processing_timeout_minutes", "1"),
            r"worker process \d+ was stuck with one block for longer than --element_processing_timeout_minutes",
        ),
    ],
)
def test_a_worker_that_ends_or_hangs_ends_the_run(
    curate_process, operator_module, write, texts, tmp_path, fault, more, expected
):
    operator_module("faulty", WORKER.format(fault=fault))
    input = write("in/a.parquet", {"text": texts})
    settings = ("--workers", "2", "--set", "synthetic.handler=faulty:detector", *more)
    outcome = curate_process("run", "--input", input, "--output", tmp_path / "out", *settings)
    assert outcome.code == 1
    assert re.match(f"curate: {expected}", outcome.message)
    assert "Traceback" not in outcome.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "modules"]


@pytest.mark.slow
def test_a_process_that_runs_out_of_memory_says_so(curate_process, write, prose, tmp_path, only_read):
    input = write("in/a.parquet", {"text": [prose(1).text(200) * 4_000 for _ in range(12)]})
    # Libraries and compiled loops are loaded before: some of them hang or interrupt the process if they cannot be.
    limit = (
        "import resource, scipy.linalg, pyarrow, curate.pipelines.cli, curate.pipelines.run\n"
        "from curate.hashing import hash_strings\n"
        "from curate.text.kernel import text_features\n"
        "hash_strings(pyarrow.array(['a']))\n"
        "text_features(pyarrow.array(['a']), shingle=5, permutations=128, seed=0)\n"
        "size = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (size + 300_000_000,) * 2)\n"
        "resource.getrlimit = lambda which: (resource.RLIM_INFINITY,) * 2  # or it is refused at once, see below"
    )
    outcome = curate_process("run", "--input", input, "--output", tmp_path / "out", *only_read, before=limit)
    assert outcome.code == 1 and "memory ran out" in outcome.message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("megabytes", [64, 400, 850, 1250, 1700, 2000, 2500])
@pytest.mark.parametrize("command", ["run", "decide"])
def test_a_limit_of_address_space_that_nothing_fits_in_is_told_at_once(
    curate_process, corpus_file, finished, tmp_path, command, megabytes
):
    """Libraries that are loaded under such limits end the process, or wait for ever."""
    given = {"run": ("--input", corpus_file), "decide": ("--annotations", finished)}[command]
    limit = f"import resource\nresource.setrlimit(resource.RLIMIT_AS, ({megabytes << 20},) * 2)"
    outcome = curate_process(command, *given, "--output", tmp_path / "out", before=limit, timeout=60)
    assert outcome.code == 2 and outcome.err.count("\n") == 1
    assert f"address space is limited to {(megabytes << 20) / 1e9:.2f} GB (ulimit -v" in outcome.message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_what_is_refused_for_want_of_address_space_is_not_much_less_than_what_a_run_takes(
    curate_process, corpus_file, tmp_path, output_of
):
    """At the least limit that is not refused a run with all steps gets through."""
    limit = (
        "import resource\n"
        "from curate.pipelines import capacity\n"
        "least = capacity.least_address_space(300, 16 << 20)\n"
        "resource.setrlimit(resource.RLIMIT_AS, (least,) * 2)"
    )
    outcome = curate_process("run", "--input", corpus_file, "--output", tmp_path / "out", before=limit)
    assert outcome.code == 0, outcome.err
    output_of(tmp_path / "out").assert_whole()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (-9, "worker process 7 was killed (SIGKILL): the system may have run out of memory; use fewer --workers"),
        (-15, "worker process 7 was killed (SIGTERM)"),
        (1, "worker process 7 ended with exit code 1"),
    ],
)
def test_how_a_worker_ended_is_told(code, expected):
    assert death(7, code) == expected
    assert "--element_processing_timeout_minutes" in death(7, STUCK)


def test_a_worker_knows_for_how_long_its_slowest_bundle_has_not_moved():
    class Bundle:
        def __init__(self, seconds):
            self.state_sampler = self
            self._seconds = seconds

        def get_info(self):
            return None if self._seconds is None else type("Info", (), {"time_since_transition": self._seconds * 1e9})

    assert stuck_for({}) == 0
    assert stuck_for({"a": ("step", Bundle(2)), "b": ("step", Bundle(5)), "c": ("step", Bundle(None))}) == 5


# Bundles that run more than once.


def test_bundles_that_run_twice_change_nothing(curate, corpus_file, finished, tmp_path, monkeypatch, snapshot):
    """As runners do that lose a worker after its work and before they know of it: the first outputs are lost."""
    once, bundles = fn_runner.BundleManager.process_bundle, []

    def twice(self, inputs, expected_outputs, fired_timers, expected_output_timers, dry_run=False):
        bundles.append(once(self, inputs, expected_outputs, fired_timers, expected_output_timers, dry_run=True))
        return once(self, inputs, expected_outputs, fired_timers, expected_output_timers, dry_run)

    monkeypatch.setattr(fn_runner.BundleManager, "process_bundle", twice)
    outcome = curate("run", "--input", corpus_file, "--output", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    assert len(bundles) > 20
    found, expected = snapshot(tmp_path / "out"), snapshot(finished)
    told = {Path("manifest.json"), Path("croissant.json")}  # which say when the run was
    assert found.keys() == expected.keys()
    assert {name for name in found if found[name] != expected[name]} <= told
    assert curate("verify", tmp_path / "out").code == 0


# Object stores.


class Store(FileSystem):
    """An object store in memory: an object is there as soon as it is closed, and whole."""

    objects: dict[str, bytes] = {}  # noqa: RUF012
    written: list[str] = []  # noqa: RUF012

    @classmethod
    def scheme(cls):
        return "heap"

    def join(self, basepath, *paths):
        return "/".join([basepath.rstrip("/"), *paths])

    def split(self, path):
        return tuple(path.rsplit("/", 1))

    def mkdirs(self, path):
        pass

    def has_dirs(self):
        return False

    def _list(self, prefix):
        for path, content in sorted(self.objects.items()):
            if path.startswith(prefix):
                yield FileMetadata(path, len(content))

    def create(self, path, mime_type=None, compression_type=None):
        store = self

        class Object(io.BytesIO):
            def close(self):
                if not self.closed:
                    store.objects[path] = self.getvalue()
                    store.written.append(path)
                super().close()

        return Object()

    def open(self, path, mime_type=None, compression_type=None):
        return io.BytesIO(self.objects[path])

    def exists(self, path):
        return path in self.objects

    def delete(self, paths):
        for path in paths:
            del self.objects[path]

    def copy(self, source, target):
        raise NotImplementedError

    rename = size = last_updated = checksum = metadata = copy


@pytest.fixture
def store(monkeypatch):
    monkeypatch.setattr(Store, "objects", {})
    monkeypatch.setattr(Store, "written", [])
    return Store


def test_on_an_object_store_the_manifest_comes_last(curate, write, texts, only_read, store, tmp_path):
    input = write("a.parquet", {"id": list("abcd"), "text": texts[:4]})
    outcome = curate("run", "--input", input, "--output", "heap://b/out", *only_read)
    assert outcome.code == 0, outcome.err
    assert store.written[-1] == "heap://b/out/manifest.json"
    assert store.written.count("heap://b/out/manifest.json") == 1

    # A reader takes what the manifest lists, whatever a run that was killed has left beside it.
    store.objects["heap://b/out/data/part-00009-of-00010.parquet"] = b"half"
    second = ("run", "--input", "heap://b/out", "--output", tmp_path / "second", *only_read)
    assert curate(*second).code == 0
    assert json.loads((tmp_path / "second" / "manifest.json").read_text())["counts"]["read"] == 4


def test_on_an_object_store_an_output_without_its_manifest_is_none(curate, write, texts, only_read, store, tmp_path):
    """As the next run finds what one has left that was killed."""
    input = write("a.parquet", {"id": list("abcd"), "text": texts[:4]})
    assert curate("run", "--input", input, "--output", "heap://b/out", *only_read).code == 0
    del store.objects["heap://b/out/manifest.json"]
    outcome = curate("run", "--input", "heap://b/out", "--output", tmp_path / "second", *only_read)
    assert outcome.code == 2 and "'heap://b/out' has no manifest.json, the output of a run" in outcome.message
    assert not (tmp_path / "second").exists()
    new = ("run", "--input", input, "--output", "heap://b/out", *only_read)
    assert "add --overwrite" in curate(*new).message
    assert curate(*new, "--overwrite").code == 0
    assert store.written[-1] == "heap://b/out/manifest.json"
    assert pa.concat_tables(
        [pq.read_table(io.BytesIO(content)) for path, content in store.objects.items() if "/data/" in path]
    ).num_rows == 4  # fmt: skip
