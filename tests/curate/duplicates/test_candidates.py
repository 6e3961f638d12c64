import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.duplicates.candidates import LARGEST_COMPLETE, LEADERS, candidate_pairs, unique_pairs

ENTRY = st.tuples(st.integers(0, 4), st.integers(0, 9), st.integers(0, 99))


def as_arrays(entries):
    table = np.array(entries, np.uint64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]


def as_set(pairs):
    return list(zip(*(column.tolist() for column in pairs), strict=True))


def brute_force(entries):
    place = {}
    for key, content, location in entries:
        place[key, content] = min(location, place.get((key, content), location))
    pairs = {}
    for (k1, a), (k2, b) in itertools.combinations(sorted(place), 2):
        if k1 == k2:
            one, other = pairs.get((a, b), (100, 100))
            pairs[a, b] = (min(one, place[k1, a]), min(other, place[k1, b]))
    return [(a, b, *pairs[a, b]) for a, b in sorted(pairs)]


@settings(max_examples=100, deadline=None)
@given(st.lists(ENTRY, max_size=40), st.randoms())
def test_small_buckets_give_all_pairs_in_any_order(entries, random):
    expected = brute_force(entries)
    assert as_set(candidate_pairs(*as_arrays(entries))) == expected
    random.shuffle(entries)
    assert as_set(candidate_pairs(*as_arrays(entries))) == expected
    parts = [[e for e in entries if e[0] % 3 == p] for p in range(3)]
    assert as_set(unique_pairs(*(candidate_pairs(*as_arrays(part)) for part in parts))) == expected


@pytest.mark.parametrize("size", [LARGEST_COMPLETE, LARGEST_COMPLETE + 1, 3000])
def test_large_buckets_are_linear_and_connected(size):
    contents = np.random.default_rng(size).permutation(np.arange(size, dtype=np.uint64))
    pairs = candidate_pairs(np.zeros(size, np.uint64), contents, contents + np.uint64(7))
    if size <= LARGEST_COMPLETE:
        assert len(pairs.left) == size * (size - 1) // 2
    else:
        assert len(pairs.left) <= size * (LEADERS + 1)
        degrees = np.bincount(np.concatenate([pairs.left, pairs.right]).astype(int), minlength=size)
        assert np.count_nonzero(degrees == size - 1) >= LEADERS
        assert degrees.min() >= LEADERS
    assert (pairs.left < pairs.right).all()
    assert np.array_equal(pairs.left_location, pairs.left + np.uint64(7))
    again = candidate_pairs(np.zeros(size, np.uint64), np.sort(contents), np.sort(contents) + np.uint64(7))
    assert as_set(again) == as_set(pairs)


def test_repeats_of_one_content_are_one_content():
    size = 10_000
    keys, locations = np.zeros(size, np.uint64), np.arange(size, dtype=np.uint64)[::-1]
    assert len(candidate_pairs(keys, np.full(size, 5, np.uint64), locations).left) == 0
    pairs = candidate_pairs(keys, np.arange(size, dtype=np.uint64) % np.uint64(2), locations)
    assert as_set(pairs) == [(0, 1, 1, 0)]
