"""What crosses the shuffles: tables by their own coder, keys that are small and deterministic, and no text."""

import logging

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
from curate.transforms import Curate, MeasureCorpus

RECORDS = ("ClusterSums", "EarlierMatches", "Mixture", "Reference", "ReferenceSample", "HumanReference", "Overview")
"""Small records, a few in a job, that Beam pickles."""

LOOSE = (
    "CombinePerKey",
    "UnKey",
    "InjectDefault",
    "DoOnce",
    "WriteOverview",
    "RowsToTables",
    "JoinRows",
    "Curate/Errors",
)
"""Steps that may yield values of any type: Beam's own combining, numbers and records, and users' rows."""


SHUFFLES = ("beam:transform:group_by_key:v1", "beam:transform:reshuffle:v1")

TABLES = ("TableCoder", "TupleCoder(StrUtf8Coder, TableCoder)")
"""Coders of tables and, where PCollections are joined, of tables with the name of theirs."""

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
def built(tmp_path_factory):
    """The two jobs of a run and the embedded transform, built and not run."""
    directory = tmp_path_factory.mktemp("graph")
    pq.write_table(pa.table({"id": ["a"], "text": ["b"]}), directory / "in.parquet")
    config, files, jobs_built = make_config(LINES), BeamFiles(), []
    planned = plan(find_inputs([str(directory / "in.parquet")], files), config, files)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "run", jobs_built.append)
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
    return dict(zip(("annotate", "decide", "embedded"), (*jobs_built, embedded), strict=True))


@pytest.fixture(scope="module")
def pipelines(built):
    return {name: _visited(pipeline) for name, pipeline in built.items()}


def _shuffles(pipeline):
    """(label, coder of the keys, coder of the values) of each shuffle in the protocol buffer that a runner gets."""
    components = pipeline.to_runner_api().components

    def named(coder):
        parts = components.coders[coder].component_coder_ids
        name = coder.split("_")[2]  # of its class
        return f"{name}({', '.join(map(named, parts))})" if parts else name

    for step in components.transforms.values():
        if step.spec.urn in SHUFFLES:
            (source,) = step.inputs.values()
            key, value = components.coders[components.pcollections[source].coder_id].component_coder_ids
            yield step.unique_name, named(key), named(value)


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


@pytest.mark.parametrize("name", ["annotate", "decide", "embedded"])
def test_no_key_of_the_protocol_buffer_is_pickled(built, name):
    shuffles = list(_shuffles(built[name]))
    assert len(shuffles) > 8
    for label, key, _ in shuffles:
        one = "CombinePerKey" in label and key == "DeterministicFastPrimitivesCoderV2"  # Beam's None, the only key
        assert key in ("VarIntCoder", "BytesCoder") or one or label.startswith("Create/"), (label, key)


@pytest.mark.parametrize("name", ["annotate", "decide"])
def test_no_shuffle_of_the_batch_jobs_protocol_buffer_can_hold_a_text(built, name):
    """Values are tables, whose columns `test_no_text_is_encoded_in_a_batch_job` looks at, numbers and small records."""
    for label, _, value in _shuffles(built[name]):
        record = "CombinePerKey" in label and value == "FastPrimitivesCoder"
        numbers = value == "VarIntCoder" or value == "TupleCoder(StrUtf8Coder, VarIntCoder)"
        assert value in TABLES or record or numbers, (label, value)


def test_rows_are_the_values_of_one_shuffle(built):
    """And the others of the embedded transform are those of the batch job: of tables and small records."""
    loose = [
        label
        for label, _, value in _shuffles(built["embedded"])
        if value not in (*TABLES, "VarIntCoder") and "CombinePerKey" not in label and not label.startswith("Create/")
    ]
    assert len(loose) == 1 and loose[0].startswith("Curate/JoinRows/Join/")


@pytest.mark.parametrize("transform", [Curate, MeasureCorpus])
def test_no_coder_is_warned_of(apply, documents, transform, caplog):
    """Beam warns of a fallback coder of keys when it runs, and of types without a coder when it builds."""
    run = beam.ptransform_fn(lambda rows: found if isinstance(found := rows | transform(), dict) else {"out": found})
    with caplog.at_level(logging.WARNING):
        for elements in (documents[:40], [beam.Row(id="a", text="b")], [pa.table({"id": ["a"], "text": ["b"]})]):
            apply(run(), elements)
    assert [message for message in caplog.messages if "oder" in message or "type" in message] == []


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


def test_no_text_is_encoded_in_a_batch_job(encoded, documents, settings, tmp_path, caplog):
    pq.write_table(pa.Table.from_pylist(documents[:60]), tmp_path / "in.parquet")
    settings = {**settings, "dedupe": {**settings["dedupe"], "lines": {"enabled": True}}}
    outputs = [str(tmp_path / name) for name in ("1", "2", "3")]
    with caplog.at_level(logging.WARNING):
        for number, output in enumerate(outputs):  # the last against both others
            curate_inputs([str(tmp_path / "in.parquet")], output, make_config(settings), against=outputs[:number])
    assert [message for message in caplog.messages if "oder" in message] == []
    assert {"key", "content", "shingles", "unit", "decision"} <= encoded  # the recording sees the shuffles
    assert "text" not in encoded


def test_texts_leave_the_writer_only_as_a_few_beginnings(pipelines):
    """They go from each split to the one step that writes the overview, no table and no key with them."""
    texts = [label for label, kind in pipelines["decide"].produced.items() if kind == beam.typehints.Dict[str, str]]
    assert texts == ["Apply/Write None"]
    assert not [label for label, kind in pipelines["decide"].grouped.items() if str in kind.tuple_types]
