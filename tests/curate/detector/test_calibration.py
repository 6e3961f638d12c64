import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.detector.calibration import Calibration, conformal_threshold, probability


@pytest.mark.parametrize(
    ("n", "alpha", "rank"),
    [
        (18, 0.05, None),
        (19, 0.05, 19),
        (98, 0.01, None),
        (99, 0.01, 99),
        (199, 0.05, 190),
        (200, 0.05, 191),
        (0, 0.05, None),
        (49, 0.42, 29),  # 50 · 0.58 is above 29 in floating point
        (1, 0.5, 1),
        (9, 1.0, None),
    ],
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
    np.testing.assert_allclose(probability(np.array([0.0, 1.0, -0.5]), (2.0, 1.0)), 1 / (1 + np.exp([-1, -3, 0])))


def ascending(*values):
    return np.array(values, np.float32)


def first(n):
    return np.arange(1, n + 1, dtype=np.float32)


MADE = Calibration(
    {"en": ascending(0.1, 0.3), "de": ascending(0.2), "cs": ascending(1.0)},
    {"en": ascending(0.2, 0.4), "de": ascending(), "fr": ascending(9.0)},
)


def test_what_sets_and_checks_thresholds():
    assert [MADE.human(group).tolist() for group in ("en", "de", "cs")] == [
        ascending(0.1, 0.2, 0.3, 0.4).tolist(),
        ascending(0.2).tolist(),
        [1.0],
    ]
    assert [MADE.documents(group) for group in ("en", "de", "cs", "fr", "xx")] == [4, 1, 1, 0, 0]
    assert MADE.human("xx").dtype == np.float32


def test_calibration_is_plain_data():
    made = Calibration({name: MADE.scores[name] for name in ("en", "de")}, MADE.checks)
    values = json.loads(json.dumps(made.to_dict()))
    assert values["groups"] == {
        "de": {"scores": [0.2], "checks": []},
        "en": {"scores": [0.1, 0.3], "checks": [0.2, 0.4]},
    }
    assert list(values["groups"]) == ["de", "en"]
    read = Calibration.from_dict(values)
    assert read.to_dict() == made.to_dict() and read.human("en").dtype == np.float32
    assert values["id"] == read.id == "calibration-3803443fb420"  # as runs have told it in their reports
    moved = Calibration({**made.scores, "de": ascending(0.25)}, made.checks)
    turned = Calibration(dict(reversed(made.scores.items())), made.checks)
    assert moved.id != made.id == turned.id


@pytest.mark.parametrize(
    ("scores", "checks", "expected"),
    [
        (first(19), first(30), (11, 30)),  # the threshold is 19
        (first(19), ascending(19.0, 19.5), (1, 2)),
        (first(18), first(30), (0, 30)),  # too few for a threshold
        (first(19), ascending(), (0, 0)),
    ],
)
def test_realised_rate(scores, checks, expected):
    assert Calibration({"en": scores}, {"en": checks}).realised("en", 0.05) == expected


def test_realised_rate_of_groups_that_lack_a_part():
    assert Calibration({"en": first(19)}, {}).realised("en", 0.05) == (0, 0)
    assert Calibration({}, {"en": first(3)}).realised("en", 0.5) == (0, 3)


ERRS = [
    # above the threshold, documents: more than 2α of ⌈1/α⌉ or more, and in less than one of a hundred by chance
    (19, 19, False),
    (4, 20, False),
    (5, 20, True),
    (20, 20, True),
    (18, 200, False),
    (20, 200, False),
    (21, 200, True),
    (12, 100, True),
    (11, 100, False),
    (80, 1_000, False),
    (100, 1_000, False),
    (101, 1_000, True),
    (0, 0, False),
]


@pytest.mark.parametrize(("above", "documents", "errs"), ERRS)
def test_frozen(above, documents, errs):
    people = np.sort(np.concatenate([np.full(above, 100.0), np.zeros(documents - above)])).astype(np.float32)
    by_others = Calibration({"en": first(19)}, {"en": people})
    assert by_others.frozen("en", 0.05) == errs
    by_parent = Calibration({"en": first(19), "en/source-web": people}, {})
    assert by_parent.under_parent("en/source-web", 0.05) == (above, documents)
    assert by_parent.frozen_under_parent("en/source-web", 0.05) == errs


def test_the_parent_is_the_next_more_general_group():
    calibration = Calibration({"en": first(19), "en/source-web": first(39), "en/source-web/cluster-3": first(50)}, {})
    assert calibration.under_parent("en/source-web/cluster-3", 0.05) == (12, 50)  # above the 38th
    assert calibration.under_parent("en/source-web", 0.05) == (20, 39)
    assert calibration.under_parent("en", 0.05) == (0, 19)
    assert calibration.under_parent("fr", 0.05) == (0, 0)
