import pyarrow as pa
import pytest

from curate.errors import UsageError
from curate.io.schemas import IncompatibleTypes, unify, unify_schemas

S, L, B = pa.string(), pa.large_string(), pa.binary()


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (pa.int32(), pa.int64(), pa.int64()),
        (pa.uint8(), pa.int8(), pa.int16()),
        (pa.uint32(), pa.int16(), pa.int64()),
        (pa.float32(), pa.float64(), pa.float64()),
        (pa.int32(), pa.float32(), pa.float64()),
        (pa.null(), pa.list_(S), pa.list_(S)),
        (S, L, L),
        (S, pa.string_view(), L),
        (B, pa.binary(4), pa.large_binary()),
        (pa.dictionary(pa.int32(), S), pa.dictionary(pa.int32(), S), pa.dictionary(pa.int32(), S)),
        (pa.dictionary(pa.int32(), S), S, S),
        (pa.dictionary(pa.int32(), S), L, L),
        (pa.date32(), pa.date64(), pa.date64()),
        (pa.timestamp("ms"), pa.timestamp("us"), pa.timestamp("us")),
        (pa.timestamp("ms", "UTC"), pa.timestamp("ms", "Asia/Tokyo"), pa.timestamp("ms", "UTC")),
        (pa.time32("ms"), pa.time64("us"), pa.time64("us")),
        (pa.duration("s"), pa.duration("ns"), pa.duration("ns")),
        (pa.decimal128(10, 2), pa.decimal128(10, 4), pa.decimal128(12, 4)),
        (pa.decimal128(38, 0), pa.decimal128(38, 2), pa.decimal256(40, 2)),
        (pa.list_(pa.int8()), pa.list_(pa.int64()), pa.list_(pa.int64())),
        (pa.list_(pa.float32(), 2), pa.list_(pa.float32(), 3), pa.large_list(pa.float32())),
        (
            pa.struct([("a", pa.int8())]),
            pa.struct([("b", S), ("a", pa.int16())]),
            pa.struct([("a", pa.int16()), ("b", S)]),
        ),
        (pa.map_(S, pa.int8()), pa.map_(S, pa.int64()), pa.map_(S, pa.int64())),
    ],
)
def test_types_widen_without_loss_in_both_orders(left, right, expected):
    assert unify(left, right) == expected
    if not pa.types.is_struct(left):
        assert unify(right, left) == expected


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (S, pa.int64()),
        (S, B),
        (pa.bool_(), pa.int8()),
        (pa.int64(), pa.float64()),
        (pa.uint64(), pa.int64()),
        (pa.timestamp("us"), pa.timestamp("us", "UTC")),
        (pa.timestamp("us"), pa.date32()),
        (pa.decimal256(76, 0), pa.decimal256(76, 10)),
        (pa.list_(S), S),
        (pa.struct([("a", S)]), pa.struct([("a", pa.int8())])),
    ],
)
def test_types_that_no_type_holds_are_incompatible(left, right):
    with pytest.raises(IncompatibleTypes):
        unify(left, right)


def test_columns_are_joined_by_name_and_metadata_kept():
    a = pa.schema([pa.field("x", S, nullable=False), pa.field("y", pa.int8())], {b"k": b"1", b"pandas": b"{}"})
    b = pa.schema([pa.field("z", S), pa.field("x", S)], {b"k": b"2", b"j": b"3"})
    joined = unify_schemas([("a", a), ("b", b)])
    assert joined.names == ["x", "y", "z"]
    assert joined.metadata == {b"k": b"1", b"j": b"3"}
    assert joined.field("x").nullable
    assert unify_schemas([("a", a)]).field("x").nullable is False


def test_the_refusal_names_file_column_types_and_remedy():
    schemas = [("a", pa.schema([("x", S)])), ("b", pa.schema([("x", pa.int8())]))]
    with pytest.raises(UsageError, match=r"column 'x' is int8 in b but string in a.*convert"):
        unify_schemas(schemas)


def test_two_columns_of_one_name_are_refused():
    with pytest.raises(UsageError, match="more than one column 'x'"):
        unify_schemas([("a", pa.schema([("x", S), ("x", S)]))])


def test_narrow_dictionary_indices_widen_only_where_files_meet():
    schema = pa.schema([("x", pa.dictionary(pa.int8(), S))])
    assert unify_schemas([("a", schema)]) == schema
    assert unify_schemas([("a", schema), ("b", schema)]).field("x").type == pa.dictionary(pa.int32(), S)


def test_fixed_size_lists_that_become_null_are_plain_lists():
    fixed = pa.list_(pa.float32(), 2)
    a = pa.schema([("x", fixed), ("y", pa.struct([("z", fixed)])), ("w", fixed)])
    joined = unify_schemas([("a", a), ("b", pa.schema([("w", fixed)]))])
    assert joined.types == [pa.list_(pa.float32()), pa.struct([("z", pa.list_(pa.float32()))]), fixed]
