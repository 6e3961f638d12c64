import re
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.decisions.identity import partition_hashes, resolve_ids
from curate.hashing import hash_strings

NAMES = st.sampled_from(["a", "b", "a#2", "a#3", "a#2#2", "#2", "#", "ä", "a#x", "a#2\n"])


def table(names, hashes=None, values=None, earlier=None):
    count = len(names)
    return pa.table(
        {
            "location": pa.array(np.arange(count, dtype=np.uint64)),
            "id": pa.array(names, pa.string()),
            "row_hash": pa.array(hashes if hashes is not None else range(count), pa.uint64()),
            "earlier": pa.array(earlier if earlier is not None else [False] * count, pa.bool_()),
            "value": pa.array(values if values is not None else range(count), pa.int64()),
        }
    )


def test_the_first_keeps_its_id():
    resolved, renamed = resolve_ids(table(["a", "b", "a", "a"], [30, 5, 10, 20]))
    assert resolved["id"].to_pylist() == ["a#3", "b", "a", "a#2"] and renamed == 2


def test_names_that_somebody_uses_are_left_alone():
    resolved, renamed = resolve_ids(table(["a", "a#2", "a", "a#2"], [1, 1, 2, 2]))
    assert resolved["id"].to_pylist() == ["a", "a#2", "a#3", "a#2#2"] and renamed == 2


def test_documents_of_an_earlier_output_keep_their_ids():
    resolved, renamed = resolve_ids(
        table(["a", "a", "b", "b", "a#2"], [1, 2, 1, 2, 3], earlier=[False, True, True, True, False])
    )
    assert resolved["id"].to_pylist() == ["a#3", "a", "b", "b", "a#2"] and renamed == 1


@pytest.mark.parametrize("names", [[], ["a"], ["a", "b"]])
def test_nothing_to_do(names):
    resolved, renamed = resolve_ids(table(names))
    assert resolved["id"].to_pylist() == names and renamed == 0


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(NAMES, st.integers(0, 3)), max_size=12), st.randoms(use_true_random=False))
def test_unique_complete_and_free_of_order(rows, random):
    names, hashes = [name for name, _ in rows], [number for _, number in rows]
    resolved, renamed = resolve_ids(table(names, hashes))
    ids = resolved["id"].to_pylist()
    assert len(set(ids)) == len(names)
    assert resolved["value"].to_pylist() == list(range(len(names)))
    assert set(names) <= set(ids)
    assert renamed == sum(count - 1 for count in Counter(names).values())
    for before, after in zip(names, ids, strict=True):
        assert after == before or re.fullmatch(re.escape(before) + r"#\d+", after)

    order = list(range(len(rows)))
    random.shuffle(order)
    again, _ = resolve_ids(table([names[i] for i in order], [hashes[i] for i in order], order))
    # Rows with equal hashes are equal in all columns, so only the pairs of id and hash count.
    outcome = sorted(zip(ids, hashes, strict=True))
    assert sorted(zip(again["id"].to_pylist(), again["row_hash"].to_pylist(), strict=True)) == outcome


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(NAMES, st.integers(0, 3)), max_size=12), st.integers(1, 3))
def test_partitions_do_not_matter(rows, partitions):
    names = [name for name, _ in rows]
    whole, renamed = resolve_ids(table(names, [number for _, number in rows]))
    numbers = partition_hashes(pa.array(names, pa.string())) % np.uint64(partitions)
    apart, total = {}, 0
    for partition in range(partitions):
        here = np.flatnonzero(numbers == partition)
        resolved, count = resolve_ids(table([names[i] for i in here], [rows[i][1] for i in here], here))
        apart.update(zip(resolved["value"].to_pylist(), resolved["id"].to_pylist(), strict=True))
        total += count
    assert apart == dict(enumerate(whole["id"].to_pylist())) and total == renamed


def test_partition_hashes():
    hashes = partition_hashes(pa.array(["a", "a#2", "a#2#13", "a#", "a#x", "b#2"]))
    assert len(set(hashes[:3].tolist())) == 1 and len(set(hashes.tolist())) == 4
    assert hashes[0] == hash_strings(pa.array(["a"]))[0]
