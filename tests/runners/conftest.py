"""The corpus that every runner curates, the runners as options of `curate run`, and the ledger that they must write."""

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.demo.corpus import build_demo

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def installed():
    """Gives what `install` put into CURATE_RUNNERS, or skips."""

    def find(name: str) -> Path:
        path = Path(os.environ.get("CURATE_RUNNERS", ""), name)
        if "CURATE_RUNNERS" not in os.environ or not path.exists():
            pytest.skip(f"{name} is not in CURATE_RUNNERS; `tests/runners/install DIR` puts it there")
        return path

    return find


@pytest.fixture(scope="session")
def inputs(tmp_path_factory):
    """The demo's corpus, small: human and machine text, copies, rare groups, signed images."""
    return build_demo(tmp_path_factory.mktemp("corpus"), seed=3, documents=500).input


def _curate(*arguments: str, inputs: Path, output: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "curate.pipelines.cli", "run", "--input", str(inputs), "--output", str(output)]
    return subprocess.Popen(
        [*command, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.fixture(scope="session")
def start(inputs):
    """Starts a run over the corpus in a process of its own."""
    return lambda output, *arguments: _curate(*arguments, inputs=inputs, output=output)


@pytest.fixture(scope="session")
def ledger(start):
    """Runs to the end, and gives the ledger."""

    def run(output: Path, *arguments: str) -> dict[str, bytes]:
        process = start(output, *arguments)
        said, _ = process.communicate()
        assert process.returncode == 0, said
        return ledger_bytes(pq.read_table(output / "ledger"))

    return run


@pytest.fixture(scope="session")
def as_bytes():
    """Turns a ledger into the bytes of its columns."""
    return ledger_bytes


@pytest.fixture(scope="session")
def expected(ledger, tmp_path_factory):
    """The ledger of a run in one process."""
    return ledger(tmp_path_factory.mktemp("one") / "out")


def ledger_bytes(table: pa.Table) -> dict[str, bytes]:
    """The columns of a ledger sorted by id, as bytes; without the names of files."""
    table = table.drop_columns(["source_file"]).sort_by("id").replace_schema_metadata(None)
    return {name: _bytes(table.select([name])) for name in table.column_names}


def _bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.take(pa.array(range(table.num_rows))).combine_chunks())
    return sink.getvalue().to_pybytes()
