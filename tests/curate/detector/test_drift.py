import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.detector.drift import Drift, measure_drift

scores = st.lists(st.integers(-5, 5), min_size=1, max_size=30)


@given(scores, scores)
@settings(max_examples=60, deadline=None)
def test_the_largest_distance_of_the_distribution_functions(left, right):
    own, stored = (np.array(side, np.float32) for side in (left, right))
    (found,) = measure_drift({"en": own}, {"en": stored}, ["en"])
    largest = max(abs(np.mean(own <= point) - np.mean(stored <= point)) for point in range(-5, 6))
    assert found.distance == pytest.approx(largest, abs=1e-6)
    assert (found.n, found.stored_n) == (len(left), len(right))


def test_p_value_and_warning():
    draw = np.random.default_rng(1)
    stored = draw.normal(size=2_000).astype(np.float32)
    for shift, drifted in ((0.0, False), (0.6, True)):
        own = draw.normal(shift, size=400).astype(np.float32)
        (found,) = measure_drift({"en": own}, {"en": stored}, ["en"])
        assert found.p == pytest.approx(scipy.stats.ks_2samp(own, stored, method="asymp").pvalue, abs=0.02)
        assert found.drifted() == drifted


@pytest.mark.parametrize(("distance", "p"), [(0.05, 1e-6), (0.3, 0.02)])
def test_neither_small_nor_chance_differences_warn(distance, p):
    assert not Drift("en", distance, p, 10, 10).drifted()


def test_only_languages_that_both_know():
    known = np.ones(5, np.float32)
    found = measure_drift({"en": known, "de": known}, {"de": known, "fr": known}, ["en", "de"])
    assert [row.language for row in found] == ["de"]
    assert found[0].distance == 0 and found[0].p == 1  # all tied
