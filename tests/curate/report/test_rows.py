import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from curate.report.rows import RowSums, fingerprints

ROWS = st.lists(st.tuples(st.sampled_from(["a", "b", "ü"]), st.integers(0, 2**64 - 1)))


def sums(rows):
    names, hashes = zip(*rows, strict=True) if rows else ((), ())
    return RowSums.of(pa.chunked_array([pa.array(names, pa.string())]), np.array(hashes, dtype=np.uint64))


@given(ROWS, st.integers(0, 20), st.randoms())
def test_sums_do_not_depend_on_order_or_parts(rows, cut, random):
    whole = sums(rows)
    assert sums(rows[:cut]).merge(sums(rows[cut:])) == whole
    random.shuffle(rows)
    assert sums(rows).to_dict() == whole.to_dict()
    assert RowSums.from_dict(whole.to_dict()) == whole


@given(ROWS.filter(bool), st.integers(0, 2**64 - 1))
def test_one_changed_row_changes_the_sum(rows, other):
    changed = [(rows[0][0], other), *rows[1:]]
    assert (sums(changed) == sums(rows)) == (other == rows[0][1])


def test_fingerprints_have_both_ends_and_rows():
    ends = {"a": {"size": 1, "digest": "x"}, "empty": {"size": 0, "digest": "y"}}
    found = fingerprints(ends, sums([("a", 2**64 - 1), ("a", 17)]))
    assert found["a"] == {"size": 1, "digest": "x", "rows": 2, "row_sum": f"{16:016x}"}
    assert found["empty"]["rows"] == 0 and found["empty"]["row_sum"] == "0" * 16
