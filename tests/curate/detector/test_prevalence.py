import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.detector.prevalence import (
    beta_res,
    bin_edges,
    count_by,
    estimate,
    histogram,
    least_share,
    merge_counts,
    mixture_share,
)


def references(seed=1, n=3_000):
    draw = np.random.default_rng(seed)
    return draw.normal(-0.8, 1, n).astype(np.float32), draw.normal(0.8, 1, n).astype(np.float32)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.5, 0.8, 1.0])
def test_recovers_the_share(share):
    human, machine = references()
    edges = bin_edges(human, machine)
    other_human, other_machine = references(seed=2)
    count = int(share * 3_000)
    observed = histogram(np.concatenate([other_human[: 3_000 - count], other_machine[:count]]), edges)
    result = estimate(observed, histogram(human, edges), histogram(machine, edges), seed=1)
    assert abs(result.share - share) < 0.05
    assert result.low <= result.share <= result.high
    assert result.least <= share
    assert result.documents == 3_000


def test_interval_covers():
    human, machine = references()
    edges = bin_edges(human, machine)
    f0, f1 = histogram(human, edges), histogram(machine, edges)
    covered = 0
    for seed in range(50):
        draw = np.random.default_rng(1_000 + seed)
        scores = np.where(draw.uniform(size=400) < 0.3, draw.normal(0.8, 1, 400), draw.normal(-0.8, 1, 400))
        result = estimate(histogram(scores, edges), f0, f1, seed, replicates=100)
        covered += result.low <= 0.3 <= result.high
        assert result.least <= 0.3
    assert covered >= 45


def test_same_seed_same_interval():
    human, machine = references(n=300)
    edges = bin_edges(human, machine)
    counts = [histogram(part, edges) for part in (human[:100], human, machine)]
    assert estimate(*counts, seed=4) == estimate(*counts, seed=4)


def test_nothing_observed():
    result = estimate(np.zeros(20, np.int64), np.ones(20, np.int64), np.ones(20, np.int64), seed=1)
    assert np.isnan(result.share) and (result.low, result.high, result.documents) == (0.0, 1.0, 0)


def test_least_share_needs_no_machine_text():
    human, machine = references(n=20_000)
    edges = bin_edges(human, machine)
    observed = histogram(np.concatenate([human[:10_000], machine[:10_000]]), edges)
    assert 0.35 < least_share(observed, histogram(human, edges)) <= 0.5


@given(st.lists(st.floats(-5, 5, width=32) | st.just(float("nan")), max_size=60), st.integers(0, 60))
@settings(max_examples=60, deadline=None)
def test_histograms_add_up(values, cut):
    scores = np.array(values, np.float32)
    keys = [("a", "2024-01") if i % 3 else ("b", "2024-02") for i in range(len(scores))]
    edges = np.array([-1.0, 0.0, 2.0])
    whole = count_by(keys, scores, edges)
    parts = merge_counts(count_by(keys[:cut], scores[:cut], edges), count_by(keys[cut:], scores[cut:], edges))
    assert {key: value.tolist() for key, value in whole.items()} == {
        key: value.tolist() for key, value in parts.items()
    }
    assert sum(value.sum() for value in whole.values()) == np.sum(~np.isnan(scores))


def test_bins_are_even():
    human, machine = references()
    counts = histogram(np.concatenate([human, machine]), bin_edges(human, machine))
    assert len(counts) == 20
    assert counts.min() > 250


def test_identical_references_stay_within_bounds():
    counts = np.full(20, 10)
    assert 0 <= mixture_share(counts, counts, counts) <= 1


@pytest.mark.parametrize(
    ("share", "tpr", "fpr", "expected"), [(0.5, 0.0, 0.0, 0.5), (0.8, 0.6, 0.05, 0.6275), (0.3, 1.0, 0.05, 0.0)]
)
def test_beta_res(share, tpr, fpr, expected):
    assert abs(beta_res(share, tpr, fpr) - expected) < 1e-4


def test_beta_res_of_nothing():
    assert np.isnan(beta_res(1.0, 1.0, 0.05))
