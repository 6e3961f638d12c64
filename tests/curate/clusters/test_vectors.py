"""Vectors that are given: how they are read, and brought to unit length."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.clusters.vectors import as_vector, unit_vectors
from curate.errors import UsageError

NUMBERS = st.floats(width=32)
VECTORS = st.lists(st.none() | st.lists(NUMBERS, min_size=3, max_size=3), max_size=8)


class Tensor:
    """As PyTorch's, which NumPy takes once it is detached and on the CPU."""

    def detach(self):
        return self

    def cpu(self):
        return [1, 2]


@pytest.mark.parametrize("output", [[1, 2], (1.0, 2.0), np.array([[1, 2]]), np.array([1, 2], np.float16), Tensor()])
def test_what_models_give(output):
    vector = as_vector(output)
    assert vector.dtype == np.float32
    assert vector.tolist() == [1, 2]


@pytest.mark.parametrize("output", [{"vector": [1]}, "text", [[1], [1, 2]]])
def test_what_is_no_vector(output):
    with pytest.raises(UsageError, match="give TextEmbedder a `vector`"):
        as_vector(output)


@given(VECTORS)
def test_vectors_have_unit_length_or_are_none(rows):
    lists = pa.array(rows, pa.list_(pa.float32(), 3))
    vectors, valid = unit_vectors(lists, pa.array(["a"] * len(rows), pa.string()), 3)
    assert vectors.dtype == np.float16
    for row, vector, there in zip(rows, vectors.astype(np.float64), valid, strict=True):
        assert there == (row is not None and bool(np.isfinite(row).all()) and any(row))
        assert np.linalg.norm(vector) == pytest.approx(float(there), abs=2e-3)
    alone = [unit_vectors(lists[row : row + 1], pa.array(["a"]), 3)[0][0].tolist() for row in range(len(rows))]
    assert alone == vectors.tolist()
