"""The public transforms: every kind of element, the same decisions for all of them and for the batch job."""

# ruff: noqa: UP006, UP045 (Beam reads typing.Optional only)

import dataclasses
import logging
import typing

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.transforms.error_handling import ErrorHandler
from apache_beam.typehints import TypeCheckError

from curate.config import make_config
from curate.errors import UsageError
from curate.pipelines.run import curate_inputs
from curate.transforms import AttachProvenance, Curate, DropDuplicates, FilterSynthetic, ReweightClusters

OUTCOMES = ("kept", "dropped", "held")
FEW = {"dedupe": {"rounds": 2}}  # a smaller graph where no long chain is looked at


class Named(typing.NamedTuple):
    id: typing.Optional[str]
    text: typing.Optional[str]
    timestamp: typing.Optional[str]
    origin: typing.Optional[str]
    source: str
    curate_weight: typing.Optional[float] = None


@dataclasses.dataclass
class Data:
    id: typing.Optional[str]
    text: typing.Optional[str]
    timestamp: typing.Optional[str]
    origin: typing.Optional[str]
    source: str
    curate_matched_id: typing.Optional[str] = None


ROW = beam.typehints.row_type.RowTypeConstraint.from_fields(
    [(name, typing.Optional[str]) for name in ("id", "text", "timestamp", "origin", "source")]
)


def as_tables(documents):
    """Blocks of different sizes and schemas, one of them empty and one cut out of a larger table."""
    late = [name for name in documents[0] if name != "origin"]
    whole = pa.Table.from_pylist(documents[:100])
    without_origin = [row for row in documents[100:] if row["origin"] is None]
    others = [row for row in documents[100:] if row["origin"] is not None]
    large = pa.schema([(name, pa.large_string()) for name in documents[0]])
    return [
        whole.slice(0, 0),
        whole.slice(0, 37),
        whole.slice(37),
        pa.Table.from_pylist(without_origin).select(late),
        pa.Table.from_pylist(others, schema=large),
    ]


def ids(rows):
    return sorted(row["curate_id"] for row in rows)


def rows_of(tables):
    return [row for table in tables for row in table.to_pylist()]


@pytest.mark.parametrize("transform", [Curate, DropDuplicates])
def test_evaluation_texts_are_excluded(apply, documents, tmp_path, transform):
    chosen = [row for row in documents if row["id"] in ("real-0-0", "real-0-1", "unknown-1-2", "short", "short-copy")]
    chosen.sort(key=lambda row: len(row["text"]), reverse=True)
    pq.write_table(pa.table({"id": ["q"], "text": [chosen[0]["text"]]}), tmp_path / "long.parquet")
    (tmp_path / "brief.jsonl").write_text('{"text": "three words only"}')
    files = [str(tmp_path / name) for name in ("long.parquet", "brief.jsonl")]
    out = apply(transform(config={"dedupe": {"exclude": files, "rounds": 1}}), chosen)
    dropped = {row["curate_id"]: (row["curate_reason"], row["curate_matched_id"]) for row in out["dropped"]}
    brief = ("evaluation", "brief.jsonl#0")
    assert dropped == {chosen[0]["id"]: ("evaluation", "q"), "short": brief, "short-copy": brief}
    assert len(out["kept"]) == 2


def test_evaluation_file_that_is_missing(apply, documents):
    with pytest.raises(UsageError, match=r"exclude file '/nowhere\.parquet' cannot be read"):
        apply(DropDuplicates(config={"dedupe": {"exclude": ["/nowhere.parquet"]}}), documents[:1])


def test_batch_job_decides_the_same(documents, settings, ledger, ledger_of, tmp_path):
    for part, (start, stop) in enumerate([(0, 90), (90, 91), (91, len(documents))]):
        table = pa.Table.from_pylist(documents[start:stop], schema=pa.Table.from_pylist(documents).schema)
        pq.write_table(table, tmp_path / f"{part}.parquet", row_group_size=40)
    curate_inputs([str(tmp_path / "*.parquet")], str(tmp_path / "out"), make_config(settings))
    batch = [pq.read_table(tmp_path / "out" / "ledger")]
    assert ledger_of(batch) == ledger


def test_tables_are_decided_the_same_and_stay_tables(apply, documents, settings, ledger, ledger_of):
    out = apply(Curate(settings), as_tables(documents))
    assert ledger_of(out["ledger"]) == ledger
    assert out["errors"] == []
    for outcome in OUTCOMES:
        assert ids(rows_of(out[outcome])) == sorted(row["id"] for row in ledger if row["decision"] == outcome)
    by_id = {row["id"]: row for row in ledger}
    texts = {(row["id"], row["text"]) for row in documents}
    for table in out["kept"]:
        assert ("origin" in table.column_names) == (len(table.column_names) == 11)
        for row in table.to_pylist():
            assert (row["id"], row["text"]) in texts
            assert row["curate_weight"] == by_id[row["curate_id"]]["weight"]


def test_dicts_come_back_with_what_the_ledger_says(curated, documents, ledger):
    assert curated["errors"] == []
    by_id = {row["id"]: row for row in ledger}
    for outcome in OUTCOMES:
        assert ids(curated[outcome]) == sorted(row["id"] for row in ledger if row["decision"] == outcome)
    originals = sorted(map(str, documents))
    assert originals == sorted(
        str({name: row[name] for name in documents[0]}) for outcome in OUTCOMES for row in curated[outcome]
    )
    for row in curated["kept"]:
        assert (row["curate_weight"], row["curate_copies"], row["curate_cluster"]) == tuple(
            by_id[row["curate_id"]][name] for name in ("weight", "copies", "cluster")
        )
    for row in curated["dropped"]:
        assert row["curate_reason"] == by_id[row["curate_id"]]["reason"]
        assert row["curate_matched_id"] == by_id[row["curate_id"]]["matched_id"]


@pytest.mark.parametrize(
    ("kind", "element_type"),
    [(Named, None), (Data, None), (beam.Row, ROW), (beam.Row, typing.Any)],
)
def test_rows_of_every_kind_are_decided_the_same(apply, documents, kind, element_type, dropped_duplicates):
    out = apply(DropDuplicates(config=FEW), [kind(**row) for row in documents], element_type=element_type)
    assert rows_of(out["ledger"]) == rows_of(dropped_duplicates["ledger"])
    if element_type is not ROW:  # typed rows are NamedTuples of Beam's making once they have been encoded
        assert {type(row) for outcome in ("kept", "dropped") for row in out[outcome]} == {kind}
    if kind is Named:
        assert {row.curate_weight for row in out["kept"]} == {1.0}
    elif kind is Data:
        assert sorted(row.curate_matched_id or "" for row in out["dropped"]) == sorted(
            row["curate_matched_id"] or "" for row in dropped_duplicates["dropped"]
        )
    else:
        assert sorted(row.curate_id for row in out["kept"]) == ids(dropped_duplicates["kept"])


@pytest.fixture(scope="module")
def dropped_duplicates(apply, documents):
    return apply(DropDuplicates(config=FEW), documents)


def test_drop_duplicates_drops_nothing_else(dropped_duplicates, documents):
    assert set(dropped_duplicates) == {"kept", "dropped", "errors", "ledger"}
    assert len(dropped_duplicates["kept"]) + len(dropped_duplicates["dropped"]) == len(documents)
    assert {row["curate_stage"] for row in dropped_duplicates["dropped"]} == {"dedupe", "read"}
    rows = rows_of(dropped_duplicates["ledger"])
    assert {row["origin"] for row in rows} == {"unknown"}
    assert {(row["weight"], row["copies"]) for row in rows if row["decision"] == "kept"} == {(1.0, 1)}


@pytest.mark.parametrize(
    ("transform", "stages"),
    [
        (FilterSynthetic(0.2, 0.05, config={"synthetic": {"min_group": 20}}), {"synthetic", "read"}),
        (AttachProvenance(), {"read"}),
        (ReweightClusters(config={"mixture": {"min_reference": 50}}), {"mixture", "read"}),
    ],
)
def test_each_step_alone(apply, documents, transform, stages):
    out = apply(transform, documents)
    assert len(out["kept"]) + len(out["dropped"]) + len(out["held"]) == len(documents)
    assert {row["curate_stage"] for row in out["dropped"]} == stages
    assert {row["curate_stage"] for row in out["held"]} == {"synthetic"}


def test_clusters_are_the_values_of_a_column(apply, documents):
    config = {"mixture": {"group_column": "source", "min_reference": 50}}
    out = apply(ReweightClusters(config=config), documents)
    found = {(row["source"], row["curate_cluster"]) for row in out["kept"]}
    names = sorted({row["source"] for row in documents})
    assert len(found) > 3
    assert found <= set(zip(names, range(len(names)), strict=True))


@pytest.mark.parametrize("element_type", [typing.Dict[str, str], pa.Table, ROW])
def test_nothing_in_nothing_out(apply, element_type):
    out = apply(Curate(FEW), [], element_type=element_type)
    assert {name: rows for name, rows in out.items() if rows} == {}


def test_rows_that_arrow_cannot_hold_are_errors_with_the_reason(apply):
    rows = [{"id": "a", "text": "some words of a text"}, {"id": "b", "text": 1j}, {"id": "c", "text": None}]
    out = apply(DropDuplicates(config=FEW), rows)
    assert [(row, bool(reason)) for row, reason in out["errors"]] == [(rows[1], True)]
    assert [row["id"] for row in out["kept"]] == ["a"]
    assert [(row["id"], row["curate_reason"]) for row in out["dropped"]] == [("c", "no_text")]


def test_ids_given_twice_are_told_apart(apply):
    rows = [{"id": "a", "text": text, "n": 1} for text in ("one", "two", "two", "three")]
    out = apply(DropDuplicates(config=FEW), rows)
    assert ids(out["kept"] + out["dropped"]) == ["a", "a#2", "a#3", "a#4"]
    assert sorted(row["text"] for row in out["kept"]) == ["one", "three", "two"]
    again = apply(DropDuplicates(config=FEW), list(reversed(rows)))
    assert sorted((row["curate_id"], row["text"]) for row in out["kept"]) == sorted(
        (row["curate_id"], row["text"]) for row in again["kept"]
    )


def test_columns_of_an_earlier_run_are_replaced(apply):
    rows = [{"id": "a", "text": "some words", "curate_weight": 7.0, "curate_id": "old"}]
    as_rows = apply(DropDuplicates(config=FEW), rows)["kept"]
    as_table = apply(DropDuplicates(config=FEW), [pa.Table.from_pylist(rows)])["kept"]
    assert as_rows == rows_of(as_table)
    assert (as_rows[0]["curate_weight"], as_rows[0]["curate_id"]) == (1.0, "a")


def test_bad_settings_are_refused_at_construction():
    with pytest.raises(UsageError, match=r"dedupe\.threshold is 2"):
        DropDuplicates(threshold=2)
    with pytest.raises(UsageError, match=r"nearest valid one is 'dedupe\.threshold'"):
        Curate({"dedupe": {"treshold": 0.5}})


def test_schemas_and_tables_are_typed_for_what_comes_next():
    pipeline = beam.Pipeline(runner=FnApiRunner())
    rows = pipeline | "Rows" >> beam.Create([]).with_output_types(ROW) | "OfRows" >> DropDuplicates(config=FEW)
    assert dict(rows["dropped"].element_type._fields)["curate_matched_id"] == typing.Optional[str]
    tables = pipeline | "Tables" >> beam.Create([]).with_output_types(pa.Table) | "OfTables" >> Curate(FEW)
    assert all(tables[name].element_type is pa.Table for name in (*OUTCOMES, "ledger"))
    named = pipeline | "Named" >> beam.Create([]).with_output_types(Named) | "OfNamed" >> DropDuplicates(config=FEW)
    assert named["kept"].element_type is Named


def test_a_next_step_of_another_type_is_refused_when_the_pipeline_is_built():
    curated = beam.Pipeline(runner=FnApiRunner()) | beam.Create([{"id": "a", "text": "b"}]) | DropDuplicates(config=FEW)
    with pytest.raises(TypeCheckError, match=r"requires <class 'int'>|int"):
        _ = curated["kept"] | beam.Map(lambda number: number).with_input_types(int)
    with pytest.raises(TypeCheckError):
        _ = beam.Pipeline(runner=FnApiRunner()) | beam.Create([1]) | Curate().with_input_types(typing.Dict[str, str])


def test_an_error_handler_takes_the_place_of_errors(apply):
    rows = [{"id": "a", "text": "some words of a text"}, {"id": "b", "text": 1j}]
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        with ErrorHandler(beam.Map(lambda failed: (failed[0]["id"], failed[1][0].__name__))) as handler:
            out = pipeline | beam.Create(rows) | DropDuplicates(config=FEW).with_error_handler(handler)
        assert set(out) == {"kept", "dropped", "ledger"}
        assert_that(handler.output(), equal_to([("b", "ArrowInvalid")]))


def test_without_an_error_handler_errors_are_an_output():
    documents = beam.Pipeline(runner=FnApiRunner()) | beam.Create([{"text": "a"}])
    assert "errors" in documents | DropDuplicates(config=FEW).with_error_handler(None)


def test_building_the_pipeline_is_quiet(caplog):
    with caplog.at_level(logging.WARNING):
        _ = beam.Pipeline(runner=FnApiRunner()) | beam.Create([{"id": "a"}]) | Curate()
    assert caplog.messages == []


def test_human_reference(apply, documents, settings, tmp_path):
    """Human documents from a file calibrate, and come out nowhere."""
    people = [{"id": row["id"], "text": row["text"]} for row in documents if row["source"].startswith("site")]
    pq.write_table(pa.Table.from_pylist(people), tmp_path / "people.parquet")
    rows = [{"id": f"new-{n}", "text": row["text"]} for n, row in enumerate(documents) if row["source"] == "crawl"][:30]
    given = {"synthetic": {**settings["synthetic"], "human_reference": str(tmp_path / "people.parquet")}}
    ledger = pa.concat_tables(apply(FilterSynthetic(config=given), rows)["ledger"])
    assert ledger.num_rows == 30
    assert set(ledger["group_n"].to_pylist()) <= {*range(20, len(people) + 1)} and not ledger["threshold"].null_count
    with pytest.raises(UsageError, match=r"human reference 'nowhere.parquet'.* does not exist"):
        apply(FilterSynthetic(config={"synthetic": {"human_reference": "nowhere.parquet"}}), rows)
