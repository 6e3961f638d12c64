import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.detector import calibration as module
from curate.detector.calibration import (
    Calibration,
    CalibrationSample,
    conformal_threshold,
    p_values,
    probability,
    with_prior,
)
from curate.detector.groups import group_names


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


rows = st.lists(
    st.tuples(
        st.sampled_from(["en", "de", None]),
        st.sampled_from(["web", None]),
        st.integers(0, 1200),
        st.sampled_from([0, 1, None]),
        st.floats(-4, 4, width=32) | st.just(float("nan")),
    ),
    max_size=40,
)


def collect(rows, start=0):
    columns = list(zip(*rows, strict=True)) or [()] * 5
    return CalibrationSample.collect(
        group_names(
            pa.array(columns[0], pa.string()),
            pa.array(columns[1], pa.string()),
            np.array(columns[2], np.int32),
            pa.array(columns[3], pa.int32()),
        ),
        np.array(columns[4], np.float32),
        np.arange(start, start + len(rows), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15),
    )


def plain(sample):
    return {name: (hashes.tolist(), values.tolist()) for name, (hashes, values) in sample.groups.items()}


@given(rows, rows, rows)
@settings(max_examples=40, deadline=None)
def test_merge_is_associative_commutative_idempotent(first, second, third):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_MOST_SCORES", 7)
        patch.setattr(module, "_MOST_CLUSTER_SCORES", 3)
        a, b, c = collect(first), collect(second, 100), collect(third, 200)
        whole = plain(a.merge(b).merge(c))
        assert whole == plain(a.merge(b.merge(c))) == plain(c.merge(a).merge(b))
        assert plain(a.merge(a)) == plain(a)
        assert whole == plain(a.merge(b).merge(c).merge(b))
        assert all(len(values) <= (3 if "/cluster-" in name else 7) for name, (_, values) in whole.items())


def test_collect_names_groups():
    sample = collect([("en", "web", 300, 4, 0.5), (None, None, 60, None, 0.1), ("de", "web", 60, 1, float("nan"))])
    assert sorted(sample.groups) == [
        "en", "en/source-web", "en/source-web/200-500", "en/source-web/cluster-4", "und", "und/50-100",
    ]  # fmt: skip


def test_small_parts_of_a_language_are_left_out():
    sample = collect([("en", "a" if i < 19 else "b", 300, None, float(i)) for i in range(39)])
    assert set(sample.calibrate(seed=1).scores) == {"en", "en/source-b", "en/source-b/200-500"}


def test_calibration_round_trip():
    draw = np.random.default_rng(1)
    sample = collect([("en", None, 300, i % 3, float(s)) for i, s in enumerate(draw.normal(size=500))])
    calibration = sample.calibrate(seed=1)
    again = Calibration.from_dict(json.loads(json.dumps(calibration.to_dict())))
    assert again.id == calibration.id
    assert again.to_dict() == calibration.to_dict()
    assert sample.calibrate(seed=2).id != calibration.id
    assert calibration.documents("en") == 500 and 350 < len(calibration.scores["en"]) < 450
    assert (np.diff(calibration.human("en")) >= 0).all()
    np.testing.assert_array_equal(again.scores["en"], calibration.scores["en"])


def test_p_values():
    np.testing.assert_allclose(
        p_values(np.array([0.0, 5.0, 2.0, np.nan]), np.array([1.0, 2.0, 3.0])), [1, 0.25, 0.75, np.nan]
    )


def test_probability_and_prior():
    np.testing.assert_allclose(probability(np.array([0.0, 1e4, -1e4, np.nan]), (2.0, 0.0)), [0.5, 1.0, 0.0, np.nan])
    np.testing.assert_allclose(with_prior(np.array([0.5, 0.9, 1.0]), 0.2), [0.2, 9 / 13, 1.0])
    np.testing.assert_allclose(with_prior(np.array([0.3]), 0.5), [0.3])
