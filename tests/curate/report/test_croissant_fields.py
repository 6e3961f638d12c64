import pyarrow as pa
import pytest

from curate.report.croissant_fields import data_type, field_id, fields

ITEM = pa.struct([("a", pa.int64()), ("b c", pa.string())])


def described(kind, name="x"):
    (field,) = fields(pa.schema([(name, kind)]))
    return field


def test_ids_have_no_whitespace_and_are_told_apart():
    schema = pa.schema([(name, pa.string()) for name in ("a b", "a_b", "a\tb", "ä.c-1", "", "_", "a<b>")])
    found = {field["name"]: field["@id"] for field in fields(schema)}
    assert found["a_b"] == "documents/a_b"  # who needs no change gets none
    assert found["a b"] == "documents/a_b-2" and found["a\tb"] == "documents/a_b-3"
    assert found["ä.c-1"] == "documents/ä.c-1" and found["a<b>"] == "documents/a_b_"
    assert found["_"] == "documents/_" and found[""] == "documents/_-2"
    assert len(set(found.values())) == len(schema) and field_id(schema, "a b") == "documents/a_b-2"


def test_members_with_odd_names_get_a_quoted_path():
    kind = pa.struct([("it's", pa.int8()), ("where", pa.int8()), ("a\\b", pa.int8()), ("plain", pa.int8())])
    paths = [member["source"]["transform"]["jsonPath"] for member in described(kind)["subField"]]
    assert paths == ["$['it\\'s']", "$['where']", "$['a\\\\b']", "$.plain"]


def test_lists_of_structs_are_arrays_of_sub_fields():
    field = described(pa.list_(ITEM))
    assert field["isArray"] and field["arrayShape"] == "-1" and "dataType" not in field
    assert [member["source"]["transform"]["jsonPath"] for member in field["subField"]] == ["$.a", "$['b c']"]
    (deep,) = described(pa.list_(pa.struct([("deep", ITEM)])))["subField"]
    assert deep["isArray"] and deep["subField"][0]["source"]["transform"]["jsonPath"] == "$.deep.a"


def test_maps_are_arrays_of_pairs():
    field = described(pa.map_(pa.string(), ITEM))
    key, value = field["subField"]
    assert field["isArray"] and key["source"]["transform"] == {"jsonPath": "$[0]"}
    assert value["subField"][0]["source"]["transform"] == {"jsonPath": "$[1].a"}


@pytest.mark.parametrize(
    "kind",
    [
        pa.duration("us"),
        pa.list_(pa.list_(ITEM)),
        pa.list_(pa.map_(pa.string(), pa.int8())),
        pa.struct([("items", pa.list_(ITEM))]),
        pa.struct([("pairs", pa.map_(pa.string(), pa.int8()))]),
    ],
)
def test_what_croissant_cannot_reach_is_left_out(kind):
    assert [field["name"] for field in fields(pa.schema([("x", kind), ("y", pa.string())]))] == ["y"]


def test_nested_members_that_cannot_be_reached_take_no_others_with_them():
    field = described(pa.struct([("items", pa.list_(ITEM)), ("n", pa.int8())]))
    assert [member["name"] for member in field["subField"]] == ["n"]


def test_types_without_a_close_one_are_text():
    assert {data_type(kind) for kind in (pa.binary(), pa.null(), pa.large_string())} == {"sc:Text"}
    assert data_type(pa.dictionary(pa.int8(), pa.float16())) == "sc:Float"
