import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.hashing import mix
from curate.mixture.sampling import (
    below_threshold,
    boundary,
    budget_copies,
    budget_threshold,
    copies,
    histogram,
    in_validation,
    loss_weight,
    priorities,
)


def keys(n):
    return mix(np.arange(n, dtype=np.uint64), 99)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 6), min_size=1, max_size=50), st.floats(0, 2), st.integers(0, 2**32 - 1))
def test_copies_lie_around_the_weight_and_grow_with_it(weights, more, seed):
    weights = np.array(weights)
    found = copies(weights, keys(len(weights)), seed)
    assert np.all((found == np.floor(weights)) | (found == np.floor(weights) + 1))
    assert np.all(found[weights == np.floor(weights)] == weights[weights == np.floor(weights)])
    assert np.all(copies(weights + more, keys(len(weights)), seed) >= found)


def test_copies_have_the_mean_of_the_weight_and_follow_their_key():
    weights = np.full(20_000, 1.3)
    found = copies(weights, keys(20_000), 1)
    assert found.mean() == pytest.approx(1.3, abs=0.01)
    order = np.random.default_rng(0).permutation(20_000)
    assert np.array_equal(copies(weights, keys(20_000)[order], 1), found[order])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 500)), min_size=1, max_size=60), st.integers(0, 10_000))
def test_budget_is_met_to_within_one_document(rows, budget):
    weights, tokens = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    priority = priorities(weights, keys(len(rows)), 1)
    kept = below_threshold(priority, budget_threshold(priority, tokens, budget))
    assert tokens[kept].sum() <= budget
    if not kept.all():
        following = priority == priority[~kept].min()
        assert tokens[kept].sum() + tokens[following].sum() > budget
        assert np.all(priority[kept] < priority[~kept].min())


def test_histograms_of_parts_add_up():
    priority, tokens = priorities(np.ones(1_000), keys(1_000), 1), np.arange(1_000)
    for level, prefix in ((0, 0), (1, int(priority[0] >> np.uint64(48)))):
        whole = histogram(priority, tokens, level, prefix)
        parts = [histogram(priority[part], tokens[part], level, prefix) for part in (slice(0, 300), slice(300, None))]
        assert np.array_equal(whole, parts[0] + parts[1])
    assert whole.sum() == tokens[priority >> np.uint64(48) == priority[0] >> np.uint64(48)].sum()


def test_boundary():
    sums = np.array([5, 0, 7, 1])
    assert boundary(sums, 4) == (0, 0)
    assert boundary(sums, 5) == (2, 5)
    assert boundary(sums, 13) == (4, 13)


def test_heavier_documents_are_taken_more_often():
    weights = np.repeat([1.0, 4.0], 5_000)
    priority = priorities(weights, keys(10_000), 3)
    kept = below_threshold(priority, budget_threshold(priority, np.ones(10_000, dtype=np.int64), 2_000))
    assert kept.sum() == 2_000
    assert 3 < kept[5_000:].sum() / kept[:5_000].sum() < 4.2


@pytest.mark.parametrize(("budget", "total"), [(0, 1_000), (999, 1_000), (1_250, 1_250), (9_999, 2_000)])
def test_budget_copies(budget, total):
    weights = np.full(1_000, 1.5)
    found = budget_copies(weights, keys(1_000), np.ones(1_000, dtype=np.int64), budget, 1)
    assert found.sum() == total


def test_budget_copies_leaves_weight_zero_out():
    weights = np.array([0.0, 0.5, 2.0])
    assert budget_copies(weights, keys(3), np.array([10, 10, 10]), 10_000, 1).tolist() == [0, 1, 2]


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
