import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.duplicates.candidates import (
    LARGEST_COMPLETE,
    LEADERS,
    MANY,
    ORDER_BITS,
    Pairs,
    band_entries,
    candidate_pairs,
    spread,
    unique_pairs,
)
from curate.duplicates.star import star

ENTRY = st.tuples(st.integers(0, 4), st.integers(0, 9), st.integers(0, 3), st.integers(0, 99))


def propose(entries):
    """Pairs of entries (key, content, high, low)."""
    keys, contents, high, low = np.array(entries, np.uint64).reshape(-1, 4).T
    return candidate_pairs(band_entries(keys << np.uint64(ORDER_BITS), high), contents, low)


def as_set(pairs):
    return list(zip(*(column.tolist() for column in pairs), strict=True))


def brute_force(entries):
    found = {(key, content) for key, content, _, _ in entries}
    pairs = itertools.combinations(sorted(found), 2)
    return sorted({(a, b) for (k1, a), (k2, b) in pairs if k1 == k2})


@settings(max_examples=100, deadline=None)
@given(st.lists(ENTRY, max_size=40), st.randoms())
def test_small_buckets_give_all_pairs_in_any_order(entries, random):
    expected = brute_force(entries)
    assert as_set(propose(entries)) == expected
    random.shuffle(entries)
    assert as_set(propose(entries)) == expected
    parts = [[e for e in entries if e[0] % 3 == p] for p in range(3)]
    assert as_set(unique_pairs(*(propose(part) for part in parts))) == expected


def bucket(size, seed=1):
    """One bucket of contents 0..size in the order of survival, shuffled."""
    entries = [(7, content, content % 3, content) for content in range(size)]
    entries = sorted(entries, key=lambda entry: entry[2:])
    contents = [entry[1] for entry in entries]
    return [entries[i] for i in np.random.default_rng(seed).permutation(size)], contents


@pytest.mark.parametrize("size", [LARGEST_COMPLETE, LARGEST_COMPLETE + 1, 3000])
def test_large_buckets_are_linear_and_led_by_those_who_survive(size):
    entries, in_order = bucket(size)
    pairs = propose(entries)
    if size <= LARGEST_COMPLETE:
        assert len(pairs.left) == size * (size - 1) // 2
    else:
        assert len(pairs.left) <= size * (LEADERS + 1) + LARGEST_COMPLETE**2
        degrees = np.bincount(np.concatenate(pairs).astype(int), minlength=size)
        assert (degrees[in_order[:LEADERS]] == size - 1).all()
        assert degrees.min() >= LEADERS
    assert (pairs.left < pairs.right).all()
    assert as_set(propose(bucket(size, seed=2)[0])) == as_set(pairs)


def test_the_first_of_every_class_are_compared_with_all():
    entries, _ = bucket(200)
    kinds = [(7, 1000 + 200 * kind + number, kind << 22, number) for kind in (1, 2, 3) for number in range(50 * kind)]
    twin = (7, 1249, 3 << 22, 0)  # of a content that comes earlier, too: it is of both classes
    pairs = propose([*entries, *kinds, twin])
    degrees = np.bincount(np.concatenate(pairs).astype(int))
    everybody = 200 + len(kinds)
    full = np.flatnonzero(degrees == everybody - 1).tolist()
    firsts = {first + number for first in (1200, 1400, 1600) for number in range(LEADERS)} - {1607} | {1249}
    assert {node for node in full if node >= 1000} == firsts
    assert len(pairs.left) <= everybody * (4 * LEADERS + 1) + LARGEST_COMPLETE**2


def test_one_of_many_that_are_all_alike_survives():
    entries, in_order = bucket(500)
    left, right = (side.astype(np.int64) for side in propose(entries))
    rank = np.empty(500, np.int64)
    rank[in_order] = np.arange(500)
    leader, _ = star(rank, np.concatenate([left, right]), np.concatenate([right, left]))
    assert leader[in_order[0]] == -1
    assert (leader[in_order[1:]] == in_order[0]).all()


def test_who_comes_last_takes_no_pair_away():
    entries, _ = bucket(60)
    later = [(7, 1000 + number, 9, number) for number in range(80)]
    assert set(as_set(propose(entries))) <= set(as_set(propose(entries + later)))


def test_repeats_of_one_content_are_one_content_with_the_best_order():
    size = 10_000
    assert len(propose([(0, 5, 0, number) for number in range(size)]).left) == 0
    assert as_set(propose([(0, number % 2, 0, number) for number in range(size)])) == [(0, 1)]
    entries, in_order = bucket(100)
    worst = in_order[-1]
    degrees = np.bincount(np.concatenate(propose([*entries, (7, worst, 0, 0)])).astype(int))
    assert degrees[worst] == 99


def test_the_pairs_of_a_leader_are_verified_in_many_places():
    hot, count = np.uint64(5), MANY + 1
    members = np.arange(10, 10 + count, dtype=np.uint64)
    pairs = unique_pairs(Pairs(np.full(count, hot), members), Pairs(members[:9], members[1:10]))
    ends = spread(pairs)
    assert ends[:count].tolist() == members.tolist()  # those of the leader
    assert ends[count:].tolist() == members[:9].tolist()
    assert spread(Pairs(np.full(MANY, hot), members[:MANY])).tolist() == [5] * MANY
    assert len(spread(Pairs(members[:0], members[:0]))) == 0
