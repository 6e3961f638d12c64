import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.hashing import mix
from curate.mixture.sampling import (
    LEVELS,
    BudgetSearch,
    Tokens,
    budget_copies,
    copies,
    in_validation,
    loss_weight,
    priorities,
)


def keys(n):
    return mix(np.arange(n, dtype=np.uint64), 99)


@settings(max_examples=2_000, deadline=None)
@given(st.lists(st.floats(0, 6), min_size=1, max_size=20), st.floats(0, 2), st.integers(0, 2**32 - 1))
def test_copies_lie_around_the_weight_and_grow_with_it(weights, more, seed):
    weights = np.array(weights)
    found = copies(weights, keys(len(weights)), seed)
    assert np.all((found == np.floor(weights)) | (found == np.floor(weights) + 1))
    assert np.all(found[weights == np.floor(weights)] == weights[weights == np.floor(weights)])
    assert np.all(copies(weights + more, keys(len(weights)), seed) >= found)
    assert np.array_equal(copies(weights[::-1], keys(len(weights))[::-1], seed), found[::-1])
    assert np.array_equal(copies(weights[:1], keys(len(weights))[:1], seed), found[:1])


def test_copies_have_the_mean_of_the_weight_and_follow_their_key():
    weights = np.full(20_000, 1.3)
    found = copies(weights, keys(20_000), 1)
    assert found.mean() == pytest.approx(1.3, abs=0.01)
    order = np.random.default_rng(0).permutation(20_000)
    assert np.array_equal(copies(weights, keys(20_000)[order], 1), found[order])


def search(weights, tokens, budget, parts=1, seed=1):
    """The finished search over a corpus cut into parts."""
    found = BudgetSearch(budget)
    pieces = np.array_split(np.arange(len(weights)), parts)
    for _ in range(LEVELS):
        tallies = [found.tally(weights[p], keys(len(weights))[p], tokens[p], seed) for p in pieces]
        found = found.narrowed(functools.reduce(Tokens.merge, reversed(tallies)))
    return found


@given(
    st.lists(st.tuples(st.floats(0, 5), st.integers(1, 500)), min_size=1, max_size=60),
    st.integers(0, 50_000),
    st.integers(1, 4),
)
def test_a_budget_is_spent_to_within_one_document(rows, budget, parts):
    weights, tokens = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    found = search(weights, tokens, budget, parts)
    assert found == search(weights, tokens, budget)
    drawn = budget_copies(weights, keys(len(rows)), found.threshold, 1)
    whole, most = np.floor(weights), np.ceil(weights)
    budget = min(budget, int((np.rint(weights * 1e6).astype(np.int64) * tokens).sum()) // 10**6)
    assert np.all((drawn >= whole) & (drawn <= most))
    spent, priority = int((drawn * tokens).sum()), priorities(weights, keys(len(rows)), 1)
    if (whole * tokens).sum() >= budget:
        assert np.array_equal(drawn, whole)
        return
    assert spent <= budget
    left = (drawn < most).nonzero()[0]
    if len(left):
        following = priority == priority[left].min()
        assert spent + tokens[following].sum() > budget


def test_a_threshold_of_one_is_an_independent_draw():
    weights = np.random.default_rng(1).uniform(0, 3, 5_000)
    one = int(np.float64(1.0).view(np.uint64))
    assert np.array_equal(budget_copies(weights, keys(5_000), one, 7), copies(weights, keys(5_000), 7))
    more = budget_copies(weights, keys(5_000), int(np.float64(1.1).view(np.uint64)), 7)
    assert np.all(more >= copies(weights, keys(5_000), 7)) and more.sum() > copies(weights, keys(5_000), 7).sum()


def test_groups_of_other_weights_keep_their_shares():
    weights = np.repeat([0.1, 0.5, 0.9, 1.4], 5_000)
    tokens = np.full(20_000, 100)
    budget = int(weights.sum() * 100)
    drawn = budget_copies(weights, keys(20_000), search(weights, tokens, budget).threshold, 1)
    assert budget - 100 < drawn.sum() * 100 <= budget
    assert drawn.reshape(4, -1).mean(axis=1) == pytest.approx([0.1, 0.5, 0.9, 1.4], abs=0.02)


@settings(max_examples=2_000, deadline=None)
@given(st.lists(st.floats(0, 4), min_size=1, max_size=20), st.floats(0, 2), st.floats(0, 3))
def test_raising_weights_takes_no_copy_away_at_a_threshold(weights, more, threshold):
    weights, bits = np.array(weights), int(np.float64(min(threshold, 1.0)).view(np.uint64))
    before = budget_copies(weights, keys(len(weights)), bits, 1)
    assert np.all(budget_copies(weights + more, keys(len(weights)), bits, 1) >= before)


def test_weight_zero_is_left_out():
    weights = np.array([0.0, 0.5, 2.0])
    found = search(weights, np.array([10, 10, 10]), 10_000)
    assert budget_copies(weights, keys(3), found.threshold, 1).tolist() == [0, 0, 2]  # 25 tokens are asked for


def test_a_budget_beyond_the_supply_spends_what_the_weights_ask_for():
    weights, tokens = np.full(4_000, 0.25), np.full(4_000, 100)
    drawn = budget_copies(weights, keys(4_000), search(weights, tokens, 10**9).threshold, 1)
    assert drawn.sum() == 1_000


def test_split_keeps_groups_together():
    groups = np.repeat(keys(5_000), 3)
    chosen = in_validation(groups, 0.1, 1).reshape(-1, 3)
    assert np.all(chosen == chosen[:, :1])
    assert chosen.mean() == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize(
    ("real", "synthetic", "weight"),
    [(1, 1, 0.618), (4, 1, 0.828), (1, 4, 0.390), (1, 10, 0.270), (5, 0, 1), (0, 5, 0), (10**9, 1, 1)],
)
def test_loss_weight(real, synthetic, weight):
    assert loss_weight(real, synthetic) == pytest.approx(weight, abs=5e-4)
