import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.mixture.grades import GRADES, LIMITS, ODD, grade_weights, grades


def test_grades_of_qualities():
    assert grades(np.array([0.0, 0.099, 0.1, 0.25, 0.5, 1.0])).tolist() == [ODD, 0, 1, 2, 3, 3]


@st.composite
def clusters(draw):
    k = draw(st.integers(1, 8))
    tokens = st.one_of(st.just(0.0), st.integers(1, 10**7).map(float))
    accepted = np.array([draw(st.lists(tokens, min_size=GRADES, max_size=GRADES)) for _ in range(k)])
    most = np.array(draw(st.lists(st.integers(1, 6), min_size=k, max_size=k)), dtype=float)
    parts = np.array(draw(st.lists(st.floats(0, 1), min_size=k, max_size=k)))
    weight = np.where(draw(st.booleans()), 1 + parts * (most - 1), parts)
    return accepted, np.where(accepted.any(axis=1), weight, 0.0), most


@settings(max_examples=1_000, deadline=None)
@given(clusters())
def test_weights_spend_what_was_allocated_within_limits_and_follow_quality(instance):
    accepted, weight, most = instance
    weights = grade_weights(accepted, weight, most)
    total = accepted.sum(axis=1)
    np.testing.assert_allclose((weights * accepted).sum(axis=1), weight * total, rtol=1e-9)
    boosted = weight > 1
    assert np.all(weights[boosted] >= 1) and np.all(weights <= np.maximum(most, 1)[:, None])
    assert np.all(weights[~boosted] == weight[~boosted, None])
    assert np.all(np.diff(weights, axis=1) >= -1e-12)


def test_copies_go_to_the_better_documents_and_no_grade_gets_many_times_those_of_another():
    (weights,) = grade_weights(np.array([[100.0, 100.0, 100.0, 100.0]]), np.array([2.0]), np.array([6.0]))
    assert weights[ODD] < weights[2] < weights[3] <= LIMITS[1] / LIMITS[0] * weights[ODD]
    assert weights.mean() == pytest.approx(2.0)


def test_a_cluster_of_one_grade_shares_its_copies_evenly():
    (weights,) = grade_weights(np.array([[50.0, 0.0, 0.0, 0.0]]), np.array([1.5]), np.array([4.0]))
    assert weights[ODD] == pytest.approx(1.5)
