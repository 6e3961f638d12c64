"""The same corpus on every runner: one ledger, byte for byte."""

import contextlib
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from curate.schema import LEDGER
from curate.transforms import Curate

from . import servers

EMBED = ("--runner=PortableRunner", "--job_endpoint=embed")
LOOPBACK = ("--environment_type=LOOPBACK",)


@contextlib.contextmanager
def embed_with_pool(installed, directory: Path) -> Iterator[tuple[str, ...]]:
    with servers.worker_pool(directory) as pool:
        yield *EMBED, *servers.external(pool)


@contextlib.contextmanager
def prism(installed, directory: Path) -> Iterator[tuple[str, ...]]:
    with servers.prism(installed("prism"), directory) as server:
        yield *servers.portable(server), *LOOPBACK


@contextlib.contextmanager
def flink_embedded(installed, directory: Path) -> Iterator[tuple[str, ...]]:
    with servers.job_server(installed("flink"), directory, "--flink-master=[local]") as server:
        yield *servers.portable(server), *LOOPBACK


@contextlib.contextmanager
def flink_cluster(installed, directory: Path) -> Iterator[tuple[str, ...]]:
    with servers.flink_cluster(installed("flink"), directory, task_managers=2) as cluster:
        yield cluster.options


@contextlib.contextmanager
def spark(installed, directory: Path) -> Iterator[tuple[str, ...]]:
    with servers.job_server(installed("spark"), directory, "--spark-master-url=local[2]") as server:
        yield *servers.portable(server), *LOOPBACK


def fixed(*options: str):
    """A runner that needs no server."""
    return lambda installed, directory: contextlib.nullcontext(options)


RUNNERS = {
    "2 processes": fixed("--workers=2"),
    "embed, loopback": fixed(*EMBED, *LOOPBACK),
    "embed, worker pool": embed_with_pool,
    "Prism": prism,
    "Flink embedded": flink_embedded,
    "Flink cluster": flink_cluster,
    "Spark": spark,
}


@pytest.mark.runners
@pytest.mark.parametrize("runner", RUNNERS)
def test_batch_job(runner, installed, ledger, expected, tmp_path):
    with RUNNERS[runner](installed, tmp_path) as options:
        assert ledger(tmp_path / "out", *options) == expected


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["rows", "tables"])
def test_embedded(kind, inputs, as_bytes, expected):
    elements = [pq.read_table(file) for file in sorted(inputs.iterdir())]
    if kind == "rows":
        elements = [row for table in elements for row in table.to_pylist()]
    with tempfile.TemporaryDirectory() as directory:
        with beam.Pipeline(runner=FnApiRunner()) as pipeline:
            documents = pipeline | beam.Create(elements, reshuffle=False)
            if kind == "tables":
                documents = documents | beam.Map(lambda table: table).with_output_types(pa.Table)
            ledger = (documents | Curate())["ledger"]
            _ = ledger | beam.Map(lambda table: pq.write_table(table, f"{directory}/{uuid.uuid4()}.parquet"))
        table = pq.read_table(directory).select(LEDGER.names)
    assert as_bytes(table) == expected
