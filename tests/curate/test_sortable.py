from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from curate.sortable import is_sortable, sort_keys, sortable_bytes

VALUES = [
    (pa.int8(), [-128, -1, 0, 127]),
    (pa.int64(), [-(2**63), -(2**63) + 1, -1, 0, 1, 2**53, 2**53 + 1, 2**63 - 2, 2**63 - 1]),
    (pa.uint64(), [0, 1, 2**63, 2**63 + 1, 2**64 - 2, 2**64 - 1]),
    (pa.float32(), [float("-inf"), -1.5, -0.0, 1e-30, 2.0, float("inf")]),
    (pa.float64(), [-1e300, -1.0, 0.0, 1e-300, 1.0]),
    (pa.decimal128(12, 2), [Decimal("-3.25"), Decimal(0), Decimal("7.5")]),
    (pa.bool_(), [False, True]),
    (pa.date32(), [date(1815, 6, 18), date(1970, 1, 1), date(2024, 2, 29)]),
    (pa.date64(), [date(1815, 6, 18), date(2024, 2, 29)]),
    (pa.time32("s"), [time(1), time(23, 59)]),
    (pa.timestamp("us"), [datetime(1815, 6, 18), datetime(2024, 2, 29)]),
    (pa.timestamp("s", "UTC"), [datetime(1969, 1, 1, tzinfo=timezone.utc), datetime(2024, 1, 1, tzinfo=timezone.utc)]),
    (pa.duration("ms"), [timedelta(-1), timedelta(0), timedelta(1)]),
    (pa.string(), ["", "CC-MAIN-2023-50", "CC-MAIN-2024-10", "a", "ä", "東"]),
    (pa.large_string(), ["a", "b"]),
    (pa.string_view(), ["a", "b"]),
    (pa.binary(), [b"", b"\x00", b"\xff"]),
    (pa.binary(2), [b"aa", b"ab"]),
]


KINDS = (pa.binary(), pa.string())


@pytest.mark.parametrize(("kind", "values"), VALUES, ids=[str(kind) for kind, _ in VALUES])
def test_bytes_sort_as_the_values(kind, values):
    assert is_sortable(kind)
    keys = sortable_bytes(pa.array([*values, None], kind)).to_pylist()
    assert keys[-1] is None
    assert keys[:-1] == sorted(keys[:-1]) and len(set(keys)) == len(keys)


@given(st.lists(st.floats(allow_nan=False)))
def test_any_doubles(values):
    keys = sortable_bytes(pa.array(values, pa.float64())).to_pylist()
    assert [value for _, value in sorted(zip(keys, values, strict=True))] == sorted(values)


NUMBER = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-5, 5),
    st.floats(allow_nan=False),
    st.sampled_from([2.0**53, 2**53 + 1]),
)


@given(st.lists(NUMBER))
def test_numbers_of_different_types_sort_among_each_other(values):
    """One file of a column may have integers, another one floats."""
    keys = [sortable_bytes(pa.array([value]))[0].as_py() for value in values]
    assert [value for _, value in sorted(zip(keys, values, strict=True))] == sorted(values)


def test_times_of_different_units_sort_among_each_other():
    moment = datetime(2024, 2, 29, 12, 30, 1)
    kinds = [pa.timestamp(unit) for unit in ("s", "ms", "us", "ns")]
    kinds += [pa.timestamp("us", "UTC"), pa.timestamp("ns", "Europe/Berlin")]
    same = {sortable_bytes(pa.array([moment.replace(tzinfo=timezone.utc)]).cast(kind))[0].as_py() for kind in kinds}
    assert len(same) == 1
    later = sortable_bytes(pa.array([moment + timedelta(microseconds=1)]))[0].as_py()
    assert sortable_bytes(pa.array([moment.date()]))[0].as_py() < same.pop() < later


@given(
    st.lists(
        st.tuples(st.none() | st.binary(max_size=3), st.none() | st.sampled_from(["", "a", "a\0", "b"])), max_size=8
    ),
    st.tuples(st.booleans(), st.booleans()),
)
def test_keys_sort_as_the_rows_column_by_column(rows, turned):
    columns = [pa.array([row[place] for row in rows], kind) for place, kind in enumerate(KINDS)]
    keys = sort_keys(zip(columns, turned, strict=True)).to_pylist()
    expected = list(range(len(rows)))
    for column, reverse in reversed(list(zip(columns, turned, strict=True))):
        values = [
            value if value is None or isinstance(value, bytes) else value.encode() for value in column.to_pylist()
        ]
        expected.sort(key=lambda i, values=values: values[i] or b"", reverse=reverse)
        expected.sort(key=lambda i, values=values: values[i] is None)
    assert [keys[i] for i in expected] == sorted(keys)
    assert len(set(keys)) == len(set(rows))


NUMBERS = {
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.int32(): st.integers(-(2**31), 2**31 - 1),
    pa.float64(): st.floats(allow_nan=False),
}


@given(st.lists(st.one_of(*(st.tuples(st.just(kind), values) for kind, values in NUMBERS.items()))))
@example([(pa.int64(), 2**63 - 1), (pa.uint64(), 2**64 - 1), (pa.float64(), 2.0**63), (pa.int64(), 2**53 + 1)])
def test_numbers_of_any_type_are_on_one_scale(values):
    keys = [sortable_bytes(pa.array([value], kind))[0].as_py() for kind, value in values]
    numbers = [value for _, value in values]
    assert [keys.index(key) for key in keys] == [numbers.index(number) for number in numbers]
    assert [number for _, number in sorted(zip(keys, numbers, strict=True))] == sorted(numbers)


def test_nan_and_null_are_null():
    assert sortable_bytes(pa.array([float("nan"), None])).to_pylist() == [None, None]
    assert sortable_bytes(pa.nulls(2)).to_pylist() == [None, None]


def test_nested_values_have_no_order():
    with pytest.raises(TypeError, match="list<item: int64> has no order, expected numbers"):
        sortable_bytes(pa.array([[1]]))
