import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from curate.arrays import changes, distinct

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
