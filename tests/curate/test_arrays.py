import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from curate.arrays import changes, distinct, lookup, repeated

VALUES = st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 3))


@given(VALUES)
def test_distinct_values(values):
    found = distinct(np.array(values, np.uint64))
    assert found.dtype == np.uint64
    assert found.tolist() == sorted(set(values))


@given(VALUES)
def test_changes_begin_every_run(values):
    column = np.sort(np.array(values, np.uint64))
    assert column[changes(column)].tolist() == sorted(set(values))


@given(VALUES, VALUES)
def test_keys_are_found_where_they_first_stand(values, wanted):
    keys = sorted(values)
    place, found = lookup(np.array(keys, np.uint64), np.array(wanted, np.uint64))
    assert found.tolist() == [value in keys for value in wanted]
    assert place[found].tolist() == [keys.index(value) for value in wanted if value in keys]


@given(VALUES)
def test_repeated_keys_stand_side_by_side(values):
    places = repeated(np.array(values, np.uint64))
    assert sorted(places.tolist()) == [i for i, value in enumerate(values) if values.count(value) > 1]
    found = [values[place] for place in places]
    assert found == sorted(found)
