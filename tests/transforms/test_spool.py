import gc
import os
import resource
import signal
import threading
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest

from curate.pipelines import runner
from curate.transforms import spool
from curate.transforms.tables import TableCoder

ROOT = Path(__file__).parents[2]
BIG = pa.table({"key": pa.array(np.arange(100_000, dtype=np.uint64)), "text": ["some text"] * 100_000})


@pytest.fixture
def coder():
    with spool.spooled():
        yield TableCoder()


@pytest.mark.parametrize(
    "table",
    [
        BIG,
        BIG.slice(70_000, 20_000),
        BIG.slice(7, 100),  # read, not mapped
        pa.concat_tables([BIG.slice(3, 20_000), BIG.slice(90, 1)]),
        BIG.append_column("words", BIG["text"].combine_chunks().dictionary_encode()),
        BIG.replace_schema_metadata({"curate.start": "7"}),
    ],
)
def test_tables_leave_a_place_and_come_back(coder, table):
    encoded = coder.encode(table)
    assert len(encoded) < 100
    decoded = coder.decode(encoded)
    assert decoded.equals(table) and decoded.schema.equals(table.schema, check_metadata=True)


def test_tiny_tables_travel_by_themselves(coder):
    encoded = coder.encode(BIG.slice(7, 10))
    assert TableCoder().decode(encoded).equals(BIG.slice(7, 10))
    assert os.listdir(spool.spool_directory()) == []


def test_a_table_is_written_once(coder):
    first, other = coder.encode(BIG), coder.encode(BIG.slice(1))
    size = sum(path.stat().st_size for path in Path(spool.spool_directory()).iterdir())
    decoded = coder.decode(first)
    assert coder.encode(decoded) == first
    assert sum(path.stat().st_size for path in Path(spool.spool_directory()).iterdir()) == size
    assert coder.decode(coder.encode(decoded.slice(1))).equals(BIG.slice(1))
    assert coder.decode(other).equals(BIG.slice(1))


def test_a_new_table_is_not_taken_for_one_that_is_gone(coder):
    for number in range(10):
        table = coder.decode(coder.encode(BIG.slice(number)))
        del table
        gc.collect()
        assert coder.decode(coder.encode(BIG.slice(number + 1))).equals(BIG.slice(number + 1))


def test_threads_share_the_file(coder):
    found = {}

    def write(number):
        found[number] = coder.encode(BIG.slice(number))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(coder.decode(encoded).equals(BIG.slice(number)) for number, encoded in found.items())
    assert len(os.listdir(spool.spool_directory())) == 1


def test_nothing_stays_on_disk():
    with spool.spooled():
        coder, directory = TableCoder(), spool.spool_directory()
        table = coder.decode(coder.encode(BIG))
    assert not os.path.exists(directory)
    assert table.equals(BIG)  # still mapped
    assert spool.spool_directory() is None


def test_what_a_killed_run_has_left_goes_with_the_next(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    child = os.fork()
    if not child:
        try:
            with spool.spooled():
                TableCoder().encode(BIG)
                os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)
    os.waitpid(child, 0)
    assert len(list(tmp_path.glob("*/*.arrow"))) == 1
    with spool.spooled():
        assert [str(path) for path in tmp_path.iterdir()] == [spool.spool_directory()]


def test_a_full_disk_is_told_with_its_remedy(coder):
    first = coder.encode(BIG)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * BIG.nbytes, limits[1]))
    try:
        with pytest.raises(OSError, match=r"'/.*curate-.*' cannot take [\d,]+ bytes more \(.*\); set TMPDIR"):
            for number in range(9):
                coder.encode(BIG.slice(number))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert coder.decode(coder.encode(BIG.slice(1))).equals(BIG.slice(1))
    assert coder.decode(first).equals(BIG)


def test_runs_in_one_process_have_their_own_spools(coder):
    decoded = coder.decode(coder.encode(BIG))
    began, ended, other = threading.Event(), threading.Event(), []

    def run():
        with spool.spooled():
            of_other = TableCoder()
            other.append(of_other.decode(of_other.encode(decoded)))
            began.set()
            ended.wait(10)

    thread = threading.Thread(target=run)
    thread.start()
    assert began.wait(10)
    encoded = coder.encode(BIG.slice(1))
    ended.set()
    thread.join()
    assert other[0].equals(BIG)
    assert coder.decode(encoded).equals(BIG.slice(1))
    assert coder.decode(coder.encode(BIG.slice(2))).equals(BIG.slice(2))


@pytest.mark.parametrize("workers", [1, 2])
def test_shuffles_of_a_local_run_go_through_the_spool(monkeypatch, workers, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.syspath_prepend(ROOT)  # for the workers, who import the DoFns of this module
    options = runner.beam_options([], workers)
    pipeline = beam.Pipeline(runner=runner.make_runner(options), options=options)
    keyed = pipeline | beam.Create([1, 2]) | beam.ParDo(Keyed()).with_output_types(tuple[int, pa.Table])
    grouped = keyed | beam.GroupByKey() | beam.ParDo(Sizes(str(tmp_path)))
    _ = grouped | beam.ParDo(Written(str(tmp_path / "sizes")))
    runner.run(pipeline)
    assert (tmp_path / "sizes").read_text().split() == ["200000", "spooled"]
    assert not list(tmp_path.glob("curate-*"))


class Keyed(beam.DoFn):
    def process(self, number):
        yield 0, BIG


class Sizes(beam.DoFn):
    def __init__(self, directory):
        self._directory = directory

    def process(self, element):
        rows = sum(table.num_rows for table in element[1])
        spooled = [path for path in Path(self._directory).glob("curate-*/*.arrow") if path.stat().st_size > BIG.nbytes]
        yield f"{rows} {'spooled' if spooled else 'in memory'}"


class Written(beam.DoFn):
    def __init__(self, path):
        self._path = path

    def process(self, line):
        Path(self._path).write_text(line)
