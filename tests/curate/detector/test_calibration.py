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
    length_bins,
    p_values,
    probability,
    thresholds,
    with_prior,
)


def scores(n, shift=0.0):
    return (np.arange(1, n + 1) / n + shift).astype(np.float32)


def lookup(groups, language="en", length="200-500", cluster=None, checks=None, min_group=200):
    calibration = Calibration(groups, checks or {})
    return thresholds(
        calibration, pa.array([language]), pa.array([length]), pa.array([cluster], pa.int32()), 0.05, 0.01, min_group
    )


@pytest.mark.parametrize(
    ("n", "alpha", "rank"),
    [(18, 0.05, None), (19, 0.05, 19), (98, 0.01, None), (99, 0.01, 99), (199, 0.05, 190), (0, 0.05, None)],
)
def test_conformal_rank(n, alpha, rank):
    threshold = conformal_threshold(np.arange(1, n + 1, dtype=np.float32), alpha)
    assert np.isnan(threshold) if rank is None else threshold == rank


def test_length_bins():
    assert length_bins(np.array([0, 49, 50, 99, 100, 200, 500, 999, 1000, 10**6])).to_pylist() == [
        "0-50", "0-50", "50-100", "50-100", "100-200", "200-500", "500-1000", "500-1000", "1000+", "1000+",
    ]  # fmt: skip


BACK_OFF = [
    # own groups, asked for, expected group and suspect threshold
    ({"en": 400}, {}, "en", 0.9525),
    ({"en": 400, "en/200-500": 300}, {}, "en/200-500", conformal_threshold(scores(300), 0.05)),
    ({"en": 400, "en/cluster-3": 18}, {"cluster": 3}, "en", 0.9525),
    ({"en": 400, "en/cluster-3": 250}, {"cluster": 3}, "en/cluster-3", conformal_threshold(scores(250), 0.05)),
    ({"en": 400, "en/cluster-3": 250}, {"cluster": 4}, "en", 0.9525),
    ({"en": 400}, {"language": "cs"}, "cs", None),
    ({"en": 400, "cs": 18}, {"language": "cs"}, "cs", None),
    ({"en": 400, "cs": 19}, {"language": "cs"}, "cs", 1.0),
    ({}, {}, "en", None),
]


@pytest.mark.parametrize(("sizes", "asked", "group", "expected"), BACK_OFF)
def test_back_off(sizes, asked, group, expected):
    result = lookup({name: scores(n) for name, n in sizes.items()}, **asked)
    assert result.group.to_pylist() == [group]
    assert result.group_n.tolist() == [sizes.get(group, 0)]
    assert result.language_n.tolist() == [sizes.get(asked.get("language", "en"), 0)]
    np.testing.assert_allclose(result.suspect, [np.nan if expected is None else expected], rtol=1e-6)


def test_small_groups_take_the_larger_threshold():
    strict = lookup({"en": scores(400), "en/200-500": scores(100, shift=1.0)})
    assert strict.group.to_pylist() == ["en/200-500"] and strict.suspect[0] > 1.9
    lenient = lookup({"en": scores(400), "en/200-500": scores(100, shift=-1.0)})
    assert lenient.group.to_pylist() == ["en"] and lenient.suspect[0] > 0.9


def test_no_drop_below_99_documents():
    result = lookup({"cs": scores(98)}, language="cs")
    assert not np.isnan(result.suspect[0]) and np.isnan(result.drop[0])
    assert not np.isnan(lookup({"cs": scores(99)}, language="cs").drop[0])


def test_frozen_group_neither_holds_nor_drops():
    groups = {"en": scores(400), "en/200-500": scores(300)}
    bad = {"en/200-500": scores(100, shift=0.5)}
    result = lookup(groups, checks=bad)
    assert np.isnan(result.suspect[0]) and np.isnan(result.drop[0])
    assert result.group.to_pylist() == ["en/200-500"]
    assert not np.isnan(lookup(groups, checks={"en/200-500": scores(100)}).suspect[0])
    assert not np.isnan(lookup(groups, length="50-100", checks=bad).suspect[0])


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
        st.integers(0, 1200),
        st.sampled_from([0, 1, None]),
        st.floats(-4, 4, width=32) | st.just(float("nan")),
    ),
    max_size=40,
)


def collect(rows, start=0):
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    return CalibrationSample.collect(
        pa.array(columns[0], pa.string()),
        length_bins(np.array(columns[1], np.int32)),
        pa.array(columns[2], pa.int32()),
        np.array(columns[3], np.float32),
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
    sample = collect([("en", 300, 4, 0.5), (None, 60, None, 0.1), ("de", 60, 1, float("nan"))])
    assert sorted(sample.groups) == ["en", "en/200-500", "en/cluster-4", "und", "und/50-100"]


def test_calibration_round_trip():
    draw = np.random.default_rng(1)
    sample = collect([("en", 300, i % 3, float(s)) for i, s in enumerate(draw.normal(size=500))])
    calibration = sample.calibrate(seed=1)
    again = Calibration.from_dict(json.loads(json.dumps(calibration.to_dict())))
    assert again.id == calibration.id
    assert again.to_dict() == calibration.to_dict()
    assert sample.calibrate(seed=2).id != calibration.id
    n = calibration.documents("en")
    assert n + len(calibration.checks["en"]) == 500 and 350 < n < 450
    np.testing.assert_array_equal(again.scores["en"], calibration.scores["en"])


def test_thresholds_of_no_documents():
    empty = pa.array([], pa.string())
    result = thresholds(Calibration({}, {}), empty, empty, empty, 0.05, 0.01, 200)
    assert [len(column) for column in result] == [0] * 5


def test_p_values():
    np.testing.assert_allclose(
        p_values(np.array([0.0, 5.0, 2.0, np.nan]), np.array([1.0, 2.0, 3.0])), [1, 0.25, 0.75, np.nan]
    )


def test_probability_and_prior():
    np.testing.assert_allclose(probability(np.array([0.0, 1e4, -1e4, np.nan]), (2.0, 0.0)), [0.5, 1.0, 0.0, np.nan])
    np.testing.assert_allclose(with_prior(np.array([0.5, 0.9, 1.0]), 0.2), [0.2, 9 / 13, 1.0])
    np.testing.assert_allclose(with_prior(np.array([0.3]), 0.5), [0.3])
