import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

from curate.metrics.shares import (
    TRAILING,
    bursts,
    duplicate_concentration,
    effective_number,
    herfindahl,
    js_divergence,
    top_share,
)

SIZES = st.lists(st.integers(1, 1_000), min_size=1, max_size=20)


@given(SIZES, st.randoms())
def test_agree_with_scipy(sizes, draw):
    other = [draw.randint(1, 50) for _ in sizes]
    assert js_divergence(sizes, other) == pytest.approx(jensenshannon(sizes, other, base=2) ** 2, abs=1e-9)
    assert effective_number(sizes) == pytest.approx(np.exp(entropy(sizes)))


@given(SIZES)
def test_concentration_is_between_even_and_one(sizes):
    assert 1 / len(sizes) <= herfindahl(sizes) + 1e-12 and herfindahl(sizes) <= 1
    assert top_share(sizes) ** 2 <= herfindahl(sizes) + 1e-12 <= top_share(sizes) + 2e-12


def test_of_nothing():
    assert herfindahl([]) is None and top_share([0]) is None
    assert duplicate_concentration({}, 0) == {"top": None, "herfindahl": None}


def test_duplicate_concentration_counts_those_without_copies_as_groups_of_one():
    # 1,000 documents: one group of 100, ten of 10, 800 alone: 811 groups, whose largest 9 are 1 %.
    found = duplicate_concentration({100: 1, 10: 10}, 1_000)
    assert found["top"] == pytest.approx((100 + 8 * 10) / 1_000)
    assert found["herfindahl"] == pytest.approx((100**2 + 10 * 10**2 + 800) / 1_000**2)


def months(source, counts):
    return {(source, f"{2020 + i // 12}-{i % 12 + 1:02d}"): count for i, count in enumerate(counts) if count}


def test_a_burst_is_told_by_how_far_it_is_above_the_months_before():
    steady = months("steady", [100, 104, 98, 101, 99, 103, 97, 102])
    flooded = months("flooded", [10, 12, 9, 11, 10, 8, 400])
    found = bursts({**steady, **flooded})
    assert found[0][:3] == ("flooded", "2020-07", 400) and found[0][3] > 100
    assert all(abs(z) < 6 for source, *_, z in found if source == "steady")


def test_a_source_that_was_unsteady_all_the_time_does_not_burst():
    (_, _, _, z) = bursts(months("dump", [0, 300, 0, 0, 500, 20, 100, 400]))[0]
    assert z < 6


def test_a_new_source_is_not_judged():
    assert bursts(months("new", [5] * (TRAILING - 1) + [900])) == []
