import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.detector.calibration import conformal_threshold, probability


@pytest.mark.parametrize(
    ("n", "alpha", "rank"),
    [(18, 0.05, None), (19, 0.05, 19), (98, 0.01, None), (99, 0.01, 99), (199, 0.05, 190), (0, 0.05, None)],
)
def test_conformal_rank(n, alpha, rank):
    threshold = conformal_threshold(np.arange(1, n + 1, dtype=np.float32), alpha)
    assert np.isnan(threshold) if rank is None else threshold == rank


@given(st.integers(20, 60), st.sampled_from([0.05, 0.1, 0.25]))
@settings(max_examples=20, deadline=None)
def test_false_positive_rate_holds(n, alpha):
    """For exchangeable draws P(new > threshold) is at most alpha, and at least alpha - 1/(n + 1)."""
    draw = np.random.default_rng(n)
    samples = draw.normal(size=(4_000, n + 1)).astype(np.float32)
    calibration = np.sort(samples[:, :-1], axis=1)
    limits = np.array([conformal_threshold(row, alpha) for row in calibration])
    if np.isnan(limits[0]):
        return
    rate = np.mean(samples[:, -1] > limits)
    slack = 4 * np.sqrt(alpha / 4_000)
    assert alpha - 1 / (n + 1) - slack < rate < alpha + slack


def test_probability():
    np.testing.assert_allclose(probability(np.array([0.0, 1e4, -1e4, np.nan]), (2.0, 0.0)), [0.5, 1.0, 0.0, np.nan])
