"""What crosses the shuffles: tables by their own coder, keys that are small and deterministic, and no text."""

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from apache_beam.pipeline import PipelineVisitor
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from curate.config import make_config
from curate.io.sources import find_inputs, plan
from curate.pipelines import jobs
from curate.pipelines.files import BeamFiles
from curate.pipelines.run import curate_inputs
from curate.pipelines.runner import beam_options
from curate.transforms import Curate

RECORDS = ("ClusterSums", "EarlierMatches", "Mixture", "Reference", "ReferenceSample", "HumanReference", "Overview")
"""Small records, a few in a job, that Beam pickles."""

LOOSE = ("CombinePerKey", "UnKey", "InjectDefault", "DoOnce", "WriteOverview", "RowsToTables", "JoinRows")
"""Steps that may yield values of any type: Beam's own combining, numbers and records, and users' rows."""


LINES = {"dedupe": {"lines": {"enabled": True}}}
"""Settings with all steps on."""


class _Collections(PipelineVisitor):
    def __init__(self):
        self.produced, self.grouped = {}, {}

    def visit_transform(self, node):
        for tag, output in node.outputs.items():
            self.produced[f"{node.full_label} {tag}"] = output.element_type
        if isinstance(node.transform, beam.GroupByKey):
            self.grouped[node.full_label] = node.inputs[0].element_type


def _visited(pipeline):
    visitor = _Collections()
    pipeline.visit(visitor)
    return visitor


@pytest.fixture(scope="module")
def pipelines(tmp_path_factory):
    """The two jobs of a run and the embedded transform, built and not run."""
    directory = tmp_path_factory.mktemp("graph")
    pq.write_table(pa.table({"id": ["a"], "text": ["b"]}), directory / "in.parquet")
    config, files, built = make_config(LINES), BeamFiles(), []
    planned = plan(find_inputs([str(directory / "in.parquet")], files), config, files)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "run", built.append)
        job = {
            "plan": planned,
            "config": config,
            "artefacts": jobs.Artefacts(),
            "directory": str(directory / "out"),
            "options": beam_options([], 1),
            "partitions": 3,
        }
        jobs.annotate_inputs(**job, earlier=[planned, planned], human=planned)
        job["config"] = make_config({**LINES, "synthetic": {"human_reference": str(directory / "in.parquet")}})
        jobs.decide_annotated(annotations=str(directory / "out/annotations"), **job)
    embedded = beam.Pipeline(runner=FnApiRunner())
    _ = embedded | beam.Create([{"id": "a", "text": "b"}]) | Curate(job["config"].to_dict())
    return {"annotate": _visited(built[0]), "decide": _visited(built[1]), "embedded": _visited(embedded)}


@pytest.mark.parametrize("name", ["annotate", "decide", "embedded"])
def test_keys_are_numbers_or_bytes_with_deterministic_coders(pipelines, name):
    assert pipelines[name].grouped
    for label, kind in pipelines[name].grouped.items():
        key = kind.tuple_types[0]
        assert key in (int, bytes, None), label
        assert key is None or beam.coders.registry.get_coder(key).is_deterministic()


@pytest.mark.parametrize("name", ["annotate", "decide", "embedded"])
def test_tables_are_encoded_as_arrow_streams(pipelines, name):
    tables = 0
    for label, kind in pipelines[name].produced.items():
        if "Table" in str(kind):
            tables += 1
            assert "TableCoder" in str(beam.coders.registry.get_coder(kind)), label
        elif "Any" in str(kind):
            assert any(part in label for part in LOOSE), f"{label}: {kind}"
    assert tables > 10


def test_samples_are_combined_as_arrow_streams(pipelines):
    samples = [kind for label, kind in pipelines["annotate"].produced.items() if "Sample/UnKey" in label]
    assert samples == [pa.Table, pa.Table]


@pytest.mark.parametrize("name", ["annotate", "decide"])
def test_shuffles_of_the_batch_job_hold_tables_numbers_and_small_records(pipelines, name):
    for label, kind in pipelines[name].grouped.items():
        value = kind.tuple_types[1]
        value = value.tuple_types[1] if hasattr(value, "tuple_types") else value
        assert value in (pa.Table, int) or value.__name__ in RECORDS, label


def test_steps_for_lines_are_there_only_where_lines_are_removed(pipelines):
    plain = beam.Pipeline(runner=FnApiRunner())
    _ = plain | beam.Create([{"id": "a", "text": "b"}]) | Curate()
    without, embedded = _visited(plain).produced, pipelines["embedded"].produced
    for part in ("RemoveLines", " units"):
        assert any(part in label for label in embedded)
        assert not any(part in label for label in without)


def test_rows_cross_one_shuffle(pipelines):
    by_row = [label for label, kind in pipelines["embedded"].grouped.items() if kind.tuple_types[0] is bytes]
    assert len(by_row) == 1
    assert by_row[0].startswith("Curate/JoinRows/")


def test_no_text_is_encoded_in_a_batch_job(encoded, documents, settings, tmp_path):
    pq.write_table(pa.Table.from_pylist(documents[:60]), tmp_path / "in.parquet")
    settings = {**settings, "dedupe": {**settings["dedupe"], "lines": {"enabled": True}}}
    outputs = [str(tmp_path / name) for name in ("1", "2", "3")]
    for number, output in enumerate(outputs):  # the last against both others
        curate_inputs([str(tmp_path / "in.parquet")], output, make_config(settings), against=outputs[:number])
    assert {"key", "content", "shingles", "unit", "decision"} <= encoded  # the recording sees the shuffles
    assert "text" not in encoded


def test_texts_leave_the_writer_only_as_a_few_beginnings(pipelines):
    """They go from each split to the one step that writes the overview, no table and no key with them."""
    texts = [label for label, kind in pipelines["decide"].produced.items() if kind == beam.typehints.Dict[str, str]]
    assert texts == ["Apply/Write None"]
    assert not [label for label, kind in pipelines["decide"].grouped.items() if str in kind.tuple_types]
