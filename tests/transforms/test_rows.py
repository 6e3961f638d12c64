# ruff: noqa: UP006, UP007, UP045 (Beam reads typing.Optional only)

import collections
import contextlib
import dataclasses
import datetime
import typing

import apache_beam as beam
import pyarrow as pa
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.typehints.native_type_compatibility import convert_to_beam_type
from apache_beam.typehints.row_type import RowTypeConstraint

from curate.config import Config
from curate.errors import UsageError
from curate.transforms.elements import as_mapping, is_declared, output_type, with_columns
from curate.transforms.rows import RowsToTables

Named = collections.namedtuple("Named", "id text")


class Typed(typing.NamedTuple):
    id: str
    curate_weight: typing.Optional[float] = None


@dataclasses.dataclass
class Data:
    id: str
    curate_weight: typing.Optional[float] = None


ROW_TYPE = RowTypeConstraint.from_fields([("id", str), ("curate_weight", int)])
ADDED = {"curate_weight": 0.5, "curate_copies": 1}


@pytest.mark.parametrize(
    "row", [{"id": "a", "curate_weight": None}, beam.Row(id="a", curate_weight=None), Typed("a"), Data("a")]
)
def test_fields_of_any_kind_of_row(row):
    assert dict(as_mapping(row)) == {"id": "a", "curate_weight": None}


@pytest.mark.parametrize("row", ["text", 1, None, ("a", "b"), Data])
def test_other_elements_are_refused(row):
    with pytest.raises(TypeError, match=r"expected a dict, .*, NamedTuple, dataclass or"):
        as_mapping(row)


@pytest.mark.parametrize(
    ("row", "declared", "expected"),
    [
        ({"id": "a"}, False, {"id": "a", **ADDED}),
        (beam.Row(id="a"), False, beam.Row(id="a", **ADDED)),
        (ROW_TYPE.user_type("a", 1), False, beam.Row(id="a", **ADDED)),  # a beam.Row that Beam's coder has read
        (ROW_TYPE.user_type("a", 1), True, ROW_TYPE.user_type("a", 0.5)),  # a NamedTuple read in another process
        (Typed("a"), True, Typed("a", 0.5)),
        (Typed("a"), False, Typed("a", 0.5)),
        (Data("a"), True, Data("a", 0.5)),
        (Named("a", "b"), True, Named("a", "b")),
    ],
)
def test_rows_stay_of_their_kind(row, declared, expected):
    result = with_columns(row, ADDED, declared)
    assert type(result) is type(expected)
    assert result == expected


@pytest.mark.parametrize(
    ("element_type", "declared"),
    [(Typed, True), (Data, True), (Named, True), (ROW_TYPE, False), (typing.Any, False), (dict, False)],
)
def test_types_of_rows(element_type, declared):
    assert is_declared(element_type) is declared


def test_output_type_of_a_schema_has_the_added_fields():
    fields = dict(output_type(ROW_TYPE, "dropped")._fields)
    assert list(fields) == ["id", "curate_weight", "curate_id", "curate_stage", "curate_reason", "curate_matched_id"]
    assert dict(output_type(ROW_TYPE, "kept")._fields)["curate_weight"] == typing.Optional[float]
    assert output_type(Typed, "kept") is Typed
    assert output_type(convert_to_beam_type(typing.Dict[str, str]), "kept") == typing.Dict[str, typing.Any]
    assert output_type(typing.Any, "kept") is typing.Any


def test_columns_that_only_later_rows_have_are_read(apply):
    rows = [{}, {"id": "b", "text": "words"}, {"text": "no id", "note": 1}]
    out = apply(RowsToTables(Config()), rows)
    tables = [row for table in out["blocks"] for row in table.to_pylist()]
    assert tables[:2] == [{"id": None, "note": None, "text": None}, {"id": "b", "note": None, "text": "words"}]
    assert {row["text"] for row in tables} == {None, "words", "no id"}
    assert len(out["rows"]) == 3
    assert all(len(key) == 16 for key, _ in out["rows"])


def test_rows_that_do_not_go_together_are_read_apart_and_bad_ones_are_errors(apply):
    fine = [{"id": number, "text": "a"} for number in range(20)] + [{"id": f"s{n}", "text": "b"} for n in range(20)]
    bad = [{"id": "x", "text": 1j}, {"id": 2**70, "text": "c"}, 17, None]
    out = apply(RowsToTables(Config()), [*fine[:25], *bad, *fine[25:]], element_type=typing.Any)
    assert [row for _, row in out["rows"]] == fine
    assert sum(table.num_rows for table in out["blocks"]) == 40
    assert [row for row, _ in out["failures"]] == bad
    for _, (kind, message, lines) in out["failures"]:
        assert issubclass(kind, Exception) and message and "\n" not in message and lines


def test_keys_do_not_depend_on_the_rows_beside(apply):
    row = {"id": "a", "n": 1, "when": datetime.date(2020, 1, 1), "tags": ["x"]}
    beside = {"id": "b", "n": 2.5, "when": None, "tags": [], "extra": {"deep": 1}}
    alone, together = (apply(RowsToTables(Config()), rows) for rows in ([row], [beside, row]))
    assert alone["rows"][0][0] == next(key for key, kept in together["rows"] if kept["id"] == "a")


def test_tables_of_an_untyped_collection_are_told_apart(apply):
    with pytest.raises(Exception, match=r"with_output_types\(pyarrow.Table\)"):
        apply(RowsToTables(Config()), [pa.table({"id": ["a"]})], element_type=typing.Any)


@pytest.mark.parametrize("elements", [["text"], [1], [("id", "text")], [b"bytes"]])
def test_elements_that_are_no_rows_are_refused_when_the_pipeline_is_built(elements):
    with pytest.raises(TypeError, match="expected a dict"):
        _ = beam.Pipeline(runner=FnApiRunner()) | beam.Create(elements) | RowsToTables(Config())


@pytest.mark.parametrize(
    "kind",
    [typing.List[str], typing.Set[str], typing.Dict[int, str], pa.RecordBatch, type(None), typing.Union[str, int]],
)
def test_types_that_are_no_rows_are_refused_when_the_pipeline_is_built(kind):
    documents = beam.Pipeline(runner=FnApiRunner()) | beam.Create([]).with_output_types(kind)
    with pytest.raises(TypeError, match="expected a dict"):
        _ = documents | RowsToTables(Config())


@pytest.mark.parametrize(
    "kind", [dict, object, beam.Row, Named, typing.Any, typing.Dict[str, int], typing.Optional[typing.Dict[str, str]]]
)
def test_types_that_may_be_rows_are_read(kind):
    _ = beam.Pipeline(runner=FnApiRunner()) | beam.Create([]).with_output_types(kind) | RowsToTables(Config())


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"id": str, "body": str}, UsageError, "have the fields id, body, expected 'text'; .*documents.columns.text"),
        ({"text": int}, TypeError, "the field 'text' is int, expected str"),
        ({"text": typing.Optional[str]}, None, None),
        ({"text": typing.Any}, None, None),
        ({"media": bytes}, None, None),
    ],
)
def test_schemas_without_text_are_refused_when_the_pipeline_is_built(fields, error, message):
    schema = RowTypeConstraint.from_fields(list(fields.items()))
    documents = beam.Pipeline(runner=FnApiRunner()) | beam.Create([]).with_output_types(schema)
    with pytest.raises(error, match=message) if error else contextlib.nullcontext():
        _ = documents | RowsToTables(Config())
