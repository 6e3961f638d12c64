import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from curate.config import make_config
from curate.simulate.arms import ABLATIONS, ARMS, importance_copies, importance_weights, passes, within_budget


@pytest.mark.parametrize("name", [*ARMS, *ABLATIONS])
def test_the_settings_of_every_arm_are_settings_of_curate(name):
    make_config((ARMS | ABLATIONS)[name].settings or {})


@given(st.lists(st.integers(0, 4)), st.integers(0, 20))
def test_a_budget_leaves_out_what_is_above_it(copies, budget):
    taken = within_budget(np.array(copies, dtype=np.int64), budget, np.random.default_rng(1))
    assert taken.sum() == min(sum(copies), budget)
    assert (taken <= copies).all()


def test_a_budget_leaves_out_any_copy_alike():
    taken = sum(within_budget(np.array([1, 3, 0]), 2, np.random.default_rng(seed)) for seed in range(2_000))
    np.testing.assert_allclose(taken / 2_000, [0.5, 1.5, 0], atol=0.06)


@given(st.lists(st.floats(0, 1), min_size=1), st.integers(0, 60))
def test_importance_resampling_draws_as_many_as_asked_for_with_at_most_three_repeats(p_machine, draws):
    weights = importance_weights(np.array(p_machine))
    copies = importance_copies(weights, draws, np.random.default_rng(1))
    assert copies.max(initial=0) <= 3
    assert copies.sum() == min(draws, 3 * np.count_nonzero(weights))


def test_importance_resampling_prefers_the_most_human():
    weights = importance_weights(np.array([0.0, 0.1, 1.0]))
    assert weights.tolist() == [1.0, pytest.approx(0.9**10), 0.0]
    drawn = sum(importance_copies(weights, 1, np.random.default_rng(seed)) for seed in range(3_000))
    assert scipy.stats.chisquare(drawn[:2], 3_000 * weights[:2] / weights.sum()).pvalue > 1e-4 and drawn[2] == 0


@pytest.mark.parametrize(("strength", "found"), [(0.0, 0.05), (1.0, 0.26), (3.0, 0.912)])
def test_a_simulated_detector_loses_five_per_cent_of_people_and_finds_by_its_strength(strength, found):
    machine = np.arange(200_000) % 2 == 1
    passed = passes(machine, strength, np.random.default_rng(1))
    assert passed[~machine].mean() == pytest.approx(0.95, abs=0.003)
    assert passed[machine].mean() == pytest.approx(1 - found, abs=0.005)
