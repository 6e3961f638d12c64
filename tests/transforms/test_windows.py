"""Windows and streams: a corpus in each window, documents one by one without an end, and what is neither is refused."""

# ruff: noqa: UP006 (Beam reads typing.Optional only)

import json
import pickle
import typing
import uuid
from pathlib import Path

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.test_stream import TestStream as Stream
from apache_beam.transforms import trigger, window

from curate.errors import UsageError
from curate.transforms import (
    AttachProvenance,
    Curate,
    DropDuplicates,
    FilterSynthetic,
    MeasureCorpus,
    ReweightClusters,
)

MODE = trigger.AccumulationMode.DISCARDING
FEW = {"dedupe": {"rounds": 1}}
FOX = "the quick brown fox jumps over the lazy dog near the old mill"
ROWS = [
    {"id": "a", "text": FOX, "timestamp": "2019-05-01T00:00:00Z", "day": 0},
    {"id": "b", "text": FOX, "timestamp": "2024-05-01T00:00:00Z", "day": 0},
    {"id": "a", "text": FOX, "timestamp": "2024-05-01T00:00:00Z", "day": 1},
    {"id": "c", "text": "an answer by a model", "timestamp": None, "day": 1},
]


def _timestamped(row: typing.Dict[str, typing.Any]) -> typing.Dict[str, typing.Any]:
    return window.TimestampedValue(row, row["day"] * 86_400)


def _seen(row, reached=beam.DoFn.WindowParam):
    row = row.to_pylist()[0] if isinstance(row, pa.Table) else row
    return int(reached.start) // 86_400, row["curate_id"]


@beam.ptransform_fn
def _by_day(rows, transform, make=lambda row: row, kind=typing.Dict[str, typing.Any]):
    days = rows | beam.Map(_timestamped) | beam.WindowInto(window.FixedWindows(86_400))
    out = days | "Make" >> beam.Map(make).with_output_types(kind) | transform
    return {
        name: out[name] | f"Seen {name}" >> beam.Map(_seen) | f"All {name}" >> beam.WindowInto(window.GlobalWindows())
        for name in out
        if name in ("kept", "dropped", "held")
    }


def _as_table(row):
    return pa.table({name: pa.array([value]) for name, value in row.items()})


@pytest.mark.parametrize(
    ("make", "kind"), [(lambda row: row, typing.Dict[str, typing.Any]), (_as_table, pa.Table)], ids=["rows", "tables"]
)
def test_each_window_is_a_corpus_and_its_rows_stay_in_it(apply, make, kind):
    out = apply(_by_day(DropDuplicates(config=FEW), make, kind), ROWS)
    assert sorted(out["kept"]) == [(0, "a"), (1, "a"), (1, "c")]
    assert out["dropped"] == [(0, "b")]


@pytest.mark.parametrize("transform", [Curate(FEW), FilterSynthetic(), AttachProvenance(), ReweightClusters()])
def test_a_window_is_decided_as_it_would_be_alone(apply, transform):
    windows = apply(_by_day(transform), ROWS)
    for day in (0, 1):
        alone = apply(transform, [row for row in ROWS if row["day"] == day])
        for name, rows in windows.items():
            assert sorted(id for at, id in rows if at == day) == sorted(row["curate_id"] for row in alone[name])


def test_each_window_is_measured(apply):
    @beam.ptransform_fn
    def measured(rows):
        days = rows | beam.Map(_timestamped) | beam.WindowInto(window.FixedWindows(86_400))
        samples = days | MeasureCorpus("source") | beam.Map(lambda found: found["sample"])
        return {"out": samples | "All" >> beam.WindowInto(window.GlobalWindows())}

    assert apply(measured(), ROWS)["out"] == [2, 2]


@pytest.mark.parametrize(
    ("into", "message"),
    [
        (beam.WindowInto(window.Sessions(10)), "merge.* use fixed or sliding windows"),
        (
            beam.WindowInto(
                window.FixedWindows(10),
                trigger=trigger.AfterCount(1),
                accumulation_mode=trigger.AccumulationMode.DISCARDING,
            ),
            "use the default trigger",
        ),
    ],
)
def test_what_is_no_corpus_is_refused_when_the_pipeline_is_built(into, message):
    documents = beam.Pipeline(runner=FnApiRunner()) | beam.Create([{"id": "a", "text": "b"}]) | into
    for transform in (Curate(), MeasureCorpus()):
        with pytest.raises(ValueError, match=message):
            _ = documents | transform


def test_clusters_of_windows_have_no_human_reference(tmp_path):
    pq.write_table(pa.table({"text": [FOX]}), tmp_path / "people.parquet")
    config = {**FEW, "synthetic": {"human_reference": str(tmp_path / "people.parquet")}}
    documents = beam.Pipeline(runner=FnApiRunner()) | beam.Create(ROWS) | beam.WindowInto(window.FixedWindows(10))
    with pytest.raises(ValueError, match=r"each window has clusters of its own"):
        _ = documents | Curate(config)


@pytest.mark.parametrize("transform", [Curate, DropDuplicates, ReweightClusters, MeasureCorpus])
def test_decisions_about_whole_corpora_refuse_a_stream_when_the_pipeline_is_built(transform):
    documents = beam.Pipeline(runner=FnApiRunner()) | beam.Create([{"id": "a", "text": "b"}])
    documents.is_bounded = False
    with pytest.raises(ValueError, match="unbounded, but it decides whole corpora; give a bounded PCollection"):
        _ = documents | transform()


@pytest.fixture
def streamed(tmp_path_factory):
    """Runs a transform on a stream whose watermark goes on between its elements; returns its outputs by name."""

    def run(transform, rows, into=None, element_type=typing.Dict[str, typing.Any], runner=None):
        directory = tmp_path_factory.mktemp("stream")
        if runner is None:
            source = Stream()
            for second, row in enumerate(rows):
                source = source.add_elements([row]).advance_watermark_to(second + 1)
            source = source.advance_watermark_to_infinity()
        else:
            source = beam.Create(rows)
        options = PipelineOptions([], streaming=runner is None)
        with beam.Pipeline(runner=runner or BundleBasedDirectRunner(), options=options) as pipeline:
            documents = pipeline | source | beam.Map(_same).with_output_types(element_type)
            documents.is_bounded = False
            if into is not None:
                documents = documents | "Into" >> into
            for name, output in (documents | transform).items():
                (directory / name).mkdir()
                _ = output | f"Write {name}" >> beam.Map(_write, str(directory / name))
        return {
            folder.name: [pickle.loads(path.read_bytes()) for path in folder.iterdir()]
            for folder in directory.iterdir()
        }

    return run


def _same(row):
    return row


def _write(element, directory):
    Path(directory, uuid.uuid4().hex).write_bytes(pickle.dumps(element))


DECLARED = [
    {"id": "a", "text": "words of a person", "timestamp": "2015-03-01T00:00:00Z", "origin": None, "robots": None},
    {"id": "b", "text": "words of a model", "timestamp": None, "origin": "synthetic", "robots": None},
    {"id": "c", "text": "words kept back", "timestamp": None, "origin": None, "robots": "noai"},
    {"id": "d", "text": " ", "timestamp": None, "origin": None, "robots": None},
]


@pytest.mark.parametrize("into", [None, beam.WindowInto(window.FixedWindows(2))], ids=["global", "fixed"])
@pytest.mark.parametrize("transform", [AttachProvenance, FilterSynthetic])
def test_documents_of_a_stream_are_decided_as_those_of_a_corpus(apply, streamed, transform, into):
    expected, found = apply(transform(), DECLARED), streamed(transform(), DECLARED, into=into)
    for name in ("kept", "dropped", "held"):
        assert sorted(found.get(name, []), key=str) == sorted(expected[name], key=str)
    tables = [row for table in found["ledger"] for row in table.to_pylist()]
    assert sorted(row["id"] for row in tables) == list("abcd")


def test_tables_of_a_stream_stay_tables(streamed):
    found = streamed(AttachProvenance(), [pa.Table.from_pylist(DECLARED)], element_type=pa.Table)
    assert [table["id"].to_pylist() for table in found["kept"]] == [["a", "b"]]
    assert [table["curate_reason"].to_pylist() for table in found["dropped"]] == [["rights", "no_text"]]


def test_a_stream_is_compared_with_given_texts(streamed, tmp_path):
    """What has four fifths of the shingles of one is dropped: exact copies, and near ones of a similarity of .8."""
    words = [f"word{number}" for number in range(60)]
    (tmp_path / "known.jsonl").write_text(json.dumps({"id": "known", "text": " ".join(words)}) + "\n")
    near = ["edit", *words[1:]]
    other = [*words[:30], *(f"other{number}" for number in range(30))]
    rows = [{"id": name, "text": " ".join(text)} for name, text in (("x", words), ("n", near), ("o", other))]
    config = {"dedupe": {"exclude": [str(tmp_path / "known.jsonl")]}}
    found = streamed(DropDuplicates(config=config), rows)
    assert sorted((row["id"], row["curate_matched_id"]) for row in found["dropped"]) == [("n", "known"), ("x", "known")]
    assert [row["id"] for row in found["kept"]] == ["o"]


def test_thresholds_of_a_stream_come_from_the_human_reference(streamed, documents, settings, tmp_path):
    people = [{"id": row["id"], "text": row["text"]} for row in documents if row["source"].startswith("site")]
    pq.write_table(pa.Table.from_pylist(people), tmp_path / "people.parquet")
    config = {"synthetic": {**settings["synthetic"], "human_reference": str(tmp_path / "people.parquet")}}
    rows = [{"id": f"new-{n}", "text": row["text"]} for n, row in enumerate(documents) if row["source"] == "crawl"][:12]
    found = streamed(FilterSynthetic(config=config), rows, runner=FnApiRunner())
    ledger = pa.concat_tables(found["ledger"])
    assert ledger.num_rows == 12
    assert not ledger["threshold"].null_count and set(ledger["group_n"].to_pylist()) <= {*range(20, len(people) + 1)}


def test_an_unreadable_row_of_a_stream_is_an_error(streamed):
    found = streamed(AttachProvenance(), [{"id": "a", "text": "b"}, {"id": "b", "text": 1j}])
    assert [(row["id"], bool(reason)) for row, reason in found["errors"]] == [("b", True)]


def test_a_missing_reference_is_told_when_the_pipeline_is_built():
    documents = beam.Pipeline(runner=FnApiRunner()) | beam.Create([{"id": "a", "text": "b"}])
    documents.is_bounded = False
    with pytest.raises(UsageError, match=r"'/nowhere\.jsonl' cannot be read"):
        _ = documents | DropDuplicates(config={"dedupe": {"exclude": ["/nowhere.jsonl"]}})
