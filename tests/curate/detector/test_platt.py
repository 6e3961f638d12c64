from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from curate.detector.calibration import Calibration, probability
from curate.detector.platt import fit_platt, platt_of_group, platt_of_groups


def normal(mean, n=400):
    return np.sort(np.random.default_rng([n, int(10 * abs(mean))]).normal(mean, 1, n)).astype(np.float32)


def detector(human, machine, fallback=None):
    scores = {"human": human, "machine": machine}
    return SimpleNamespace(platt=(0.5, 0.25), fallback=fallback or {}, reference_scores=scores.__getitem__)


def calibration(**groups):
    groups = {name.replace("__", "/source-"): scores for name, scores in groups.items()}
    return Calibration(groups, {name: scores[:0] for name, scores in groups.items()})


EMPTY = np.empty(0, np.float32)
KNOWN = detector(normal(-1, 200), normal(1, 200))


def test_two_normals_have_the_log_odds_of_their_densities():
    human, machine = normal(-1, 100_000), normal(1, 100_000)
    a, b = fit_platt(human.astype(float), np.ones(len(human)), machine.astype(float))
    assert a == pytest.approx(2, abs=0.03) and b == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize(
    ("human", "machine"),
    [([0.0], [1.0]), ([-5.0, -4.0], [4.0, 5.0]), ([-1e6], [1e6]), ([0.0, 1.0, 2.0], [1.0, 2.0, 3.0])],
)
def test_separable_scores_have_finite_coefficients(human, machine):
    a, b = fit_platt(np.array(human), np.ones(len(human)), np.array(machine))
    assert 0 < a < np.inf and np.isfinite(b)
    assert probability(np.array([human[0]]), (a, b))[0] < 0.5 < probability(np.array([machine[-1]]), (a, b))[0]


@pytest.mark.parametrize(("human", "machine"), [([1.0, 2.0], [-1.0, 0.0]), ([3.0] * 5, [3.0] * 5)])
def test_no_opinion_where_humans_score_no_lower(human, machine):
    assert fit_platt(np.array(human), np.ones(len(human)), np.array(machine)) == (0.0, 0.0)


def test_what_is_stored_holds_where_nothing_human_is_known():
    assert platt_of_group("cs", calibration(en=normal(0)), KNOWN) == (0.5, 0.25)
    assert platt_of_group("en", calibration(en=normal(0)), detector(EMPTY, EMPTY)) == (0.5, 0.25)


def test_a_source_leans_on_its_language():
    high, few = normal(1.5, 2_000), normal(-1, 5)
    own = calibration(en=high, en__law=few)
    by_source, by_language = (platt_of_group(name, own, KNOWN) for name in ("en/source-law", "en"))
    unknown = platt_of_group("en/source-new", own, KNOWN)
    zero = [probability(np.array([0.0]), platt)[0] for platt in (by_source, by_language, unknown)]
    assert zero[1] == pytest.approx(zero[2], abs=1e-12)  # a group without scores is its language
    assert abs(zero[0] - zero[1]) < 0.1


def test_shipped_scores_are_the_human_side_of_their_group():
    known = detector(normal(-1, 200), normal(1, 200), {"cs": normal(0.5)})
    a, b = platt_of_group("shipped/cs", calibration(), known)
    assert probability(np.array([0.5]), (a, b))[0] < 0.5


def test_one_fit_for_every_document_of_a_group():
    own = calibration(en=normal(-1), de=normal(1))
    a, b = platt_of_groups(pa.array(["en", "de", None, "en"]), own, KNOWN)
    assert a[0] == a[3] == platt_of_group("en", own, KNOWN).a and (a[2], b[2]) == (0, 0)
    assert platt_of_groups(pa.array([], pa.string()), own, KNOWN).a.shape == (0,)


def test_unseen_people_of_every_group_get_reliable_probabilities():
    """At equal classes no more than (1 - p) / p of the people may have a probability of p or more."""
    means = {"low": -3.0, "middle": -1.0, "high": 1.0}
    own = calibration(en=normal(-1, 900), **{f"en__{name}": normal(mean, 300) for name, mean in means.items()})
    for name, mean in means.items():
        platt = platt_of_group(f"en/source-{name}", own, KNOWN)
        unseen = probability(normal(mean, 5_000), platt)
        for p in (0.6, 0.75, 0.9):
            assert np.mean(unseen >= p) <= (1 - p) / p
        assert np.mean(unseen) <= 0.52
    stored = probability(normal(means["high"], 5_000), (2.0, 0.0))
    assert np.mean(stored >= 0.9) > 0.3  # what one fit for all would say of the people who score high
