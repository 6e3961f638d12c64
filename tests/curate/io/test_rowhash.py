from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.io.rowhash import row_hashes

VALUES = {
    "text": (pa.string(), st.text(max_size=6)),
    "n": (pa.int16(), st.integers(-(2**15), 2**15 - 1)),
    "f": (pa.float32(), st.floats(width=32, allow_nan=True)),
    "l": (pa.list_(pa.int32()), st.lists(st.none() | st.integers(-3, 3), max_size=3)),
    "s": (
        pa.struct([("a", pa.int8()), ("b", pa.list_(pa.string()))]),
        st.fixed_dictionaries(
            {"a": st.none() | st.integers(-3, 3), "b": st.none() | st.lists(st.text(max_size=2), max_size=2)}
        ),
    ),
    "t": (pa.timestamp("s"), st.integers(-(2**31), 2**31)),
}
ROW = st.fixed_dictionaries({name: st.none() | values for name, (_, values) in VALUES.items()})
SCHEMA = pa.schema([(name, kind) for name, (kind, _) in VALUES.items()])
ENCODED = {
    "text": pa.dictionary(pa.int32(), pa.large_string()),
    "n": pa.int64(),
    "f": pa.float64(),
    "l": pa.large_list(pa.int64()),
    "s": pa.struct([("b", pa.large_list(pa.large_string())), ("new", pa.string()), ("a", pa.int64())]),
    "t": pa.timestamp("us"),
}


def one(values, kind=None):
    return row_hashes(pa.table({"x": pa.array(values, kind)}))


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=8), st.randoms(use_true_random=False), st.integers(0, 8))
def test_how_arrow_holds_the_rows_does_not_matter(rows, random, cut):
    table = pa.Table.from_pylist(rows, SCHEMA)
    expected = row_hashes(table)
    names = list(SCHEMA.names)
    random.shuffle(names)
    assert (row_hashes(table.select(names)) == expected).all()
    chunked = pa.concat_tables([table.slice(0, cut), table.slice(cut)])
    assert (row_hashes(chunked) == expected).all()
    assert (row_hashes(table.slice(cut)) == expected[cut:]).all()
    encoded = pa.table({name: table.column(name).cast(kind) for name, kind in ENCODED.items()})
    encoded = encoded.append_column("absent", pa.nulls(len(rows), pa.string()))
    assert (row_hashes(encoded) == expected).all()
    order = list(range(len(rows)))
    random.shuffle(order)
    assert (row_hashes(table.take(order)) == expected[order]).all()


@settings(max_examples=60, deadline=None)
@given(ROW, ROW)
def test_different_rows_have_different_hashes(left, right):
    table = pa.Table.from_pylist([left, right], SCHEMA)
    # NaN is equal to itself here and -0.0 to 0.0
    key = [repr(row).replace("-0.0", "0.0") for row in table.to_pylist()]
    hashes = row_hashes(table)
    assert (hashes[0] == hashes[1]) == (key[0] == key[1])


def test_every_type_is_hashed_row_by_row(column):
    hashes = row_hashes(pa.table({"x": column}))
    assert hashes.dtype == np.uint64 and len(hashes) == 3
    nothing = row_hashes(pa.table({"y": pa.nulls(3)}))
    assert (hashes[1] == nothing[1]) == (not column[1].is_valid)
    if not pa.types.is_null(column.type):
        assert hashes[0] != nothing[0]
    assert (row_hashes(pa.table({"x": column.slice(1)})) == hashes[1:]).all()


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (pa.array(["ab", "c"]), pa.array(["a", "bc"])),
        (pa.array(["1"]), pa.array([1])),
        (pa.array(["a"]), pa.array([b"a"])),
        (pa.array([1]), pa.array([True])),
        (pa.array([-1]), pa.array([2**64 - 1], pa.uint64())),
        (pa.array([[1, 2]]), pa.array([[2, 1]])),
        (pa.array([[]], pa.list_(pa.int8())), pa.array([None], pa.list_(pa.int8()))),
        (pa.array([[None]], pa.list_(pa.int8())), pa.array([[]], pa.list_(pa.int8()))),
        (pa.array([{"a": None}], pa.struct([("a", pa.int8())])), pa.array([None], pa.struct([("a", pa.int8())]))),
        (pa.array([{"a": 1, "b": 2}]), pa.array([{"a": 2, "b": 1}])),
        (pa.array([0], pa.timestamp("s")), pa.array([0], pa.timestamp("s", "UTC"))),
    ],
)
def test_what_differs_is_told_apart(left, right):
    assert row_hashes(pa.table({"x": left}))[0] != row_hashes(pa.table({"x": right}))[0]


def test_names_of_columns_count():
    a, b = pa.table({"x": [1], "y": [2]}), pa.table({"x": [2], "y": [1]})
    assert row_hashes(a)[0] != row_hashes(b)[0]


def test_numbers_by_value():
    assert one([1.0])[0] == one([1])[0] == one([1], pa.uint64())[0]
    assert one([float("nan")])[0] == one([-float("nan")])[0] != one([None], pa.float64())[0]
    assert len({int(one([Decimal("1.5")], pa.decimal128(20, scale))[0]) for scale in (1, 2, 3)}) == 1


def test_fixed_size_lists_with_nulls():
    values = [[1, 2], None, [3, None]]
    expected = one(values, pa.list_(pa.int8()))
    assert (one(values, pa.list_(pa.int8(), 2)) == expected).all()
    assert (one([None, *values], pa.list_view(pa.int8()))[1:] == expected).all()


def test_dictionaries_with_null_values():
    array = pa.DictionaryArray.from_arrays(pa.array([0, 1, None]), pa.array(["a", None]))
    expected = one(["a", None, None])
    assert (row_hashes(pa.table({"x": array})) == expected).all()


def test_hashes_are_the_same_in_every_release():
    table = pa.table({"text": ["a", None], "n": [1, 2], "l": [[1, None], []]})
    assert row_hashes(table).tolist() == row_hashes(table.combine_chunks()).tolist() == PINNED


PINNED = [17513955791001487846, 10091315497899202894]
