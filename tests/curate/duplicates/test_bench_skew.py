"""The simulation of skewed keys (`tests/benchmarks/bench_skew.py`) against curate's own functions and plain draws."""

import bench_skew as skew
import numpy as np
import pytest

from curate.duplicates.candidates import band_entries, candidate_pairs


@pytest.mark.parametrize("members", [1, 2, 31, 32, 33, 40, 500, 3_000])
def test_pairs_of_a_bucket_are_those_that_candidates_propose(members):
    number = np.arange(members, dtype=np.uint64)
    pairs = candidate_pairs(band_entries(np.zeros(members, np.uint64), np.uint64(1 << 22)), number, number)
    assert skew.bucket_pairs(np.array([members]))[0] == len(pairs.left)


@pytest.mark.parametrize("exponent", skew.EXPONENTS)
def test_sizes_of_groups_are_zipfs(exponent):
    drawn = np.random.default_rng(1).zipf(exponent, 200_000)
    for size in (1, 3, 20):
        assert float(skew.larger(float(size), exponent)) == pytest.approx(np.mean(drawn > size), rel=0.05)
    shares = np.array([0.5, 0.1, 1e-3, 1e-6, 1e-9])
    sizes = skew.sizes_beyond(shares, exponent)
    assert (skew.larger(sizes, exponent) <= shares).all()
    assert (skew.larger(sizes[1:] - 1, exponent) > shares[1:]).all()


@pytest.mark.parametrize("exponent", skew.EXPONENTS)
def test_the_largest_group_is_that_of_so_many_draws(exponent):
    rng = np.random.default_rng(2)
    documents = 5_000
    groups = round(documents / skew.mean_size(exponent))
    drawn = np.median([rng.zipf(exponent, groups).max() for _ in range(201)])
    assert skew.largest_group(documents, exponent, rng, draws=201) == pytest.approx(drawn, rel=0.45)


def test_all_documents_are_in_a_partition():
    loads = skew.loads(10**7, 40, 3.0, np.random.default_rng(3))
    assert len(loads) == 40
    assert loads.sum() == pytest.approx(10**7, rel=0.02)


def test_the_hot_bucket_is_a_bucket_among_others():
    keys, content, low = skew.hot_partition(2_000, np.random.default_rng(4))
    pairs = candidate_pairs(keys, content, low)
    expected = skew.bucket_pairs(np.array([2_000]))[0]
    assert expected <= len(pairs.left) <= expected + 100  # keys of forty bits that agree by chance


def test_a_chain_is_gathered_in_some_rounds():
    rng = np.random.default_rng(5)
    number, apart = skew.rounds_of_chain(500, 16, 50, rng)
    assert 1 < number < 12 and apart == 0
    assert skew.rounds_of_chain(500, 16, 1, rng)[1] > 0
    assert skew.rounds_of_chain(500, 1, 1, rng) == (1, 0.0)


@pytest.mark.parametrize("distinct", [False, True])
def test_copies_are_decided_as_one_group(distinct):
    documents, pairs = skew.copies(300, distinct)
    decided = skew.decide_group(documents, pairs, skew.Reference.of(None, skew.CONFIG), skew.CONFIG)
    assert (decided["stage"].to_pylist().count("dedupe"), decided.num_rows) == (299, 300)
