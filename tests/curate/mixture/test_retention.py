import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.mixture.retention import FRAGILE_DOCUMENTS, tail_retention


@pytest.mark.parametrize(
    ("real_share", "generator_tail", "expected"),
    [(0.5, 0.0, 0.5), (0.5, 0.5, 0.67), (0.7, 0.25, 0.76), (0.7, 0.5, 0.82), (0.9, 0.75, 0.97), (1.0, 0.0, 1.0)],
)
def test_table_of_the_notes(real_share, generator_tail, expected):
    assert round(float(tail_retention(real_share, real_share, generator_tail)), 2) == expected


@given(st.floats(0.01, 1.0), st.floats(0.0, 1.0), st.floats(0.0, 5.0))
def test_is_where_generations_settle(real_share, generator_tail, relative):
    share, reference = 0.02, 0.02
    for _ in range(3_000):
        share = relative * reference + (1 - real_share) * generator_tail * share
    assert tail_retention(relative, real_share, generator_tail) * reference == pytest.approx(share, rel=1e-6, abs=1e-12)


def test_nothing_real_leaves_nothing():
    assert tail_retention([0.0, 0.0], 0.0, 1.0).tolist() == [0, 0]


def test_fragile_is_what_ten_generations_may_lose():
    extinct = 0.0
    for _ in range(10):
        extinct = np.exp(extinct - 1)
    assert extinct ** (FRAGILE_DOCUMENTS - 1) > 0.05 >= extinct**FRAGILE_DOCUMENTS
