import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.mixture.grades import GRADES, LIMITS, UNCOPIED, copyable, grade_weights, grades


def test_grades_of_documents():
    p_human, copied = np.array([0.0, 0.5, 0.74, 0.9, 1.0, 1.0]), np.array([True] * 5 + [False])
    assert grades(p_human, copied).tolist() == [1, 2, 2, 4, 4, UNCOPIED]


@st.composite
def clusters(draw):
    k = draw(st.integers(1, 8))
    accepted, most, parts = (
        np.frombuffer(draw(st.binary(min_size=n, max_size=n)), np.uint8).astype(float) for n in (k * GRADES, k, k)
    )
    accepted = np.where(accepted < 64, 0.0, np.rint(1.07 ** (accepted - 64))).reshape(k, GRADES)  # up to 400,000
    most, parts = 1 + most % 6, parts / 255
    total = accepted.sum(axis=1)
    room = (most - 1) * np.divide(copyable(accepted), total, out=np.zeros(k), where=total > 0)
    weight = 1 + parts * room if draw(st.booleans()) else parts
    return accepted, np.where(total > 0, weight, 0.0), most


@settings(max_examples=2_000, deadline=None)
@given(clusters())
def test_weights_spend_what_was_allocated_within_limits_and_follow_the_grade(instance):
    accepted, weight, most = instance
    weights = grade_weights(accepted, weight, most)
    total = accepted.sum(axis=1)
    np.testing.assert_allclose((weights * accepted).sum(axis=1), weight * total, rtol=1e-9)
    boosted = weight > 1
    assert np.all(weights[boosted] >= 1) and np.all(weights <= np.maximum(most, 1)[:, None])
    assert np.all(weights[boosted, UNCOPIED] == 1)
    assert np.all(weights[~boosted] == weight[~boosted, None])
    assert np.all(np.diff(weights, axis=1) >= -1e-12)


def test_copies_go_to_people_and_no_grade_gets_many_times_those_of_another():
    (weights,) = grade_weights(np.array([[100.0, 100.0, 100.0, 100.0, 100.0]]), np.array([2.0]), np.array([6.0]))
    assert weights[UNCOPIED] == 1 < weights[2] < weights[4] <= LIMITS[1] / LIMITS[0] * weights[1]
    assert weights.mean() == pytest.approx(2.0)


def test_a_cluster_of_one_grade_shares_its_copies_evenly():
    (weights,) = grade_weights(np.array([[0.0, 50.0, 0.0, 0.0, 0.0]]), np.array([1.5]), np.array([4.0]))
    assert weights[1] == pytest.approx(1.5)
