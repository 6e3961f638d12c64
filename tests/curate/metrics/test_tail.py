import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.hashing import mix
from curate.metrics.tail import contained, tail_coverage
from curate.metrics.types import SampledTypes


def types(values, limit=10**6):
    return SampledTypes.of(mix(np.asarray(values, np.uint64)), limit)


def test_only_what_is_rare_counts():
    human = types([1, 1, 1, 2, 2, 3, 4])
    assert tail_coverage(human, types([1, 2])) == pytest.approx(1 / 3)
    assert tail_coverage(human, types([2]), types([3])) == pytest.approx(2 / 3)
    assert tail_coverage(human, types([])) == 0
    assert math.isnan(tail_coverage(types([1, 1, 1]), types([1])))


def test_a_truncated_tail_loses_coverage_and_nothing_else_does():
    draw = np.random.default_rng(1)
    human, same = draw.zipf(1.3, 30_000) % 10**6, draw.zipf(1.3, 30_000) % 10**6
    cut = np.where(same > 500, 1, same)
    of_human = types(human)
    assert tail_coverage(of_human, types(cut)) < 0.5 * tail_coverage(of_human, types(same))


def test_sampled_counters_estimate_the_same_coverage():
    draw = np.random.default_rng(2)
    human, other = draw.integers(0, 60_000, 60_000), draw.integers(0, 60_000, 40_000)
    exact = tail_coverage(types(human), types(other))
    # 3,000 sampled types: standard error about 1 %.
    assert tail_coverage(types(human, 3_000), types(other, 5_000)) == pytest.approx(exact, abs=0.03)


@given(st.lists(st.integers(0, 50)), st.lists(st.integers(0, 50)))
def test_contained(values, others):
    found = contained(np.array(values, np.int64), np.sort(np.array(others, np.int64)))
    assert found.tolist() == [value in others for value in values]
