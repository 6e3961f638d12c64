import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from curate.mixture.intervals import share_intervals


@pytest.mark.parametrize("documents", [[0, 10], [1, 9], [5, 95], [50, 50], [200, 0]])
def test_equal_lengths_give_the_interval_of_clopper_and_pearson(documents):
    counts = np.array(documents)
    low, high = share_intervals(counts * 70, counts, counts * 70**2)
    for position, count in enumerate(documents):
        exact = binomtest(count, sum(documents)).proportion_ci(0.95, method="exact")
        assert (low[position], high[position]) == pytest.approx((exact.low, exact.high), abs=1e-9)


def test_without_documents_nothing_is_known():
    low, high = share_intervals([0, 0], [0, 0], [0, 0])
    assert low.tolist() == [0, 0] and high.tolist() == [1, 1]


def test_few_long_documents_tell_less_than_many_short_ones():
    many = share_intervals([1_000, 9_000], [100, 900], [100 * 10**2, 900 * 10**2])
    few = share_intervals([1_000, 9_000], [2, 900], [2 * 500**2, 900 * 10**2])
    assert few[1][0] - few[0][0] > 3 * (many[1][0] - many[0][0])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.integers(1, 100_000), max_size=20), min_size=1, max_size=8))
def test_holds_the_observed_share(lengths):
    tokens = np.array([sum(own) for own in lengths])
    low, high = share_intervals(tokens, [len(own) for own in lengths], [sum(n * n for n in own) for own in lengths])
    share = tokens / max(tokens.sum(), 1)
    assert np.all((low >= 0) & (low <= share + 1e-9) & (share <= high + 1e-9) & (high <= 1))


@pytest.mark.parametrize("share", [0.004, 0.03, 0.3])
def test_covers_the_true_share(share):
    """Of 600 samples of 1,000 documents, lengths as skewed as those of web pages and longer in the rare cluster."""
    random = np.random.default_rng(5)
    truth = share * 1.5 / (share * 1.5 + 1 - share)
    covered = 0
    for _ in range(600):
        rare = random.random(1_000) < share
        lengths = np.exp(random.normal(5.0, 0.8, 1_000)) * np.where(rare, 1.5, 1.0)
        tokens = [lengths[rare].sum(), lengths[~rare].sum()]
        squares = [(lengths[rare] ** 2).sum(), (lengths[~rare] ** 2).sum()]
        low, high = share_intervals(tokens, [rare.sum(), 1_000 - rare.sum()], squares)
        covered += bool(low[0] <= truth <= high[0])
    assert covered / 600 >= 0.93
