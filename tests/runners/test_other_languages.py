"""A pipeline in Go calls `DropDuplicates` through Beam's expansion service: its rows and arguments arrive whole.

On Flink, since Prism 2.77 takes the metrics of workers of two languages for one another's and panics.
"""

import json
import subprocess

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from curate.transforms import yaml

from . import servers

WORDS = [f"word{number * number % 997}" for number in range(120)]
ROWS = [
    {"id": "old", "text": " ".join(WORDS), "crawl": 2020, "labels": ["a", "b"], "rating": 0.5},
    {"id": "new", "text": " ".join(WORDS), "crawl": 2022, "labels": [], "rating": None},
    {"id": "near", "text": " ".join([*WORDS[:60], "edited", *WORDS[61:]]), "crawl": 2021, "labels": ["c"], "rating": 2},
    {"id": "other", "text": " ".join(WORDS[::-1]), "crawl": 2019, "labels": ["déjà vu", "日本"], "rating": -1.25},
]
KEPT = {"strict, old first": {"old", "near", "other"}, "loose, new first": {"new", "other"}}
CALLS = {
    "strict, old first": {"threshold": 0.95, "containment": 1.0, "config": {"dedupe": {"prefer": ["crawl"]}}},
    "loose, new first": {"threshold": 0.8, "containment": 1.0, "config": {"dedupe": {"prefer": ["-crawl"]}}},
}
NAMED = {
    "strict, old first": ("curate.transforms.DropDuplicates", ("kept", "dropped"), ("errors", "ledger")),
    "loose, new first": ("curate.transforms.yaml.DropDuplicates", ("kept", "dropped", "ledger"), ()),
}
"""What Go calls, the outputs that it reads, and those that it leaves: tables, and errors of any type."""


@pytest.fixture
def in_go(installed, tmp_path):
    """Runs the pipeline of `deduplicate/`; gives the rows of its outputs by id."""
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))

    def run(name, written, unread, arguments):
        with (
            servers.job_server(installed("flink"), tmp_path, "--flink-master=[local]") as jobs,
            servers.worker_pool(tmp_path) as pool,
            servers.expansion_service(tmp_path, pool) as expansion,
        ):
            command = [
                installed("deduplicate"),
                *("--runner=universal", f"--endpoint={jobs.address}", "--environment_type=LOOPBACK"),
                *(f"--input={tmp_path}/in.jsonl", f"--output={tmp_path}", f"--expansion={expansion.address}"),
                *(f"--transform={name}", f"--written={','.join(written)}", f"--unread={','.join(unread)}"),
                *(f"--{option}={arguments[option]}" for option in ("threshold", "containment")),
                f"--prefer={','.join(arguments['config']['dedupe']['prefer'])}",
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr[-5000:]
        files = {output: (tmp_path / f"{output}.jsonl").read_text() for output in written}
        return {output: by_id(map(json.loads, lines.splitlines())) for output, lines in files.items()}

    return run


def by_id(rows):
    return {row["id"]: row for row in rows}


def in_python(arguments, tmp_path):
    """The rows that the transform itself gives, as JSON has them."""
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        rows = pipeline | beam.Create([beam.Row(**row) for row in ROWS])
        outputs = rows | yaml.DropDuplicates(**arguments)
        for name, output in outputs.items():
            lines = output | f"{name} lines" >> beam.Map(
                lambda row: json.dumps(row, default=lambda each: each._asdict())
            )
            _ = lines | f"Write {name}" >> beam.io.WriteToText(f"{tmp_path}/python-{name}", shard_name_template="")
    return {name: by_id(map(json.loads, (tmp_path / f"python-{name}").read_text().splitlines())) for name in outputs}


@pytest.mark.runners
@pytest.mark.parametrize("call", CALLS)
def test_a_pipeline_in_go(call, in_go, tmp_path):
    name, written, unread = NAMED[call]
    found, expected = in_go(name, written, unread, CALLS[call]), in_python(CALLS[call], tmp_path)
    assert found["kept"].keys() == KEPT[call]
    assert found == {output: expected[output] for output in written}
    rows = {**found["kept"], **found["dropped"]}
    assert [{field: rows[row["id"]][field] for field in row} for row in ROWS] == ROWS
