import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.duplicates.components import connected_components, contract, large_star
from curate.hashing import mix

EDGES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)).filter(lambda e: e[0] != e[1]), max_size=60)


def both_ends(left, right):
    return np.concatenate([left, right]), np.concatenate([right, left])


def partitioned(step, first, second, by, partitions):
    """Runs a step on every partition of the edges by one of their ends and gathers what it returns."""
    owner = mix(by) % np.uint64(partitions)
    found = [step(first[owner == p], second[owner == p]) for p in range(partitions)]
    return tuple(np.concatenate(column) for column in zip(*found, strict=True))


def rounds(left, right, partitions, most=50):
    """The distributed computation, simulated; returns stars and the number of rounds that changed an edge."""
    node, root = np.maximum(left, right), np.minimum(left, right)
    edges = set(zip(node.tolist(), root.tolist(), strict=True))
    for number in range(most):
        before, earlier = len(node), edges
        sent = both_ends(node, root)
        node, root = partitioned(large_star, *sent, sent[0], partitions)
        assert len(node) <= before
        node, root = partitioned(contract, node, root, node, partitions)
        assert len(node) <= before
        edges = set(zip(node.tolist(), root.tolist(), strict=True))
        if edges == earlier:
            return node, root, number
    raise AssertionError(f"not settled after {most} rounds")


def test_components():
    left, right = np.array([5, 9, 2, 30], np.uint64), np.array([9, 7, 3, 2], np.uint64)
    nodes, roots = connected_components(left, right)
    assert nodes.tolist() == [2, 3, 5, 7, 9, 30]
    assert roots.tolist() == [2, 2, 5, 5, 5, 2]
    none = np.empty(0, np.uint64)
    assert [len(column) for column in (*connected_components(none, none), *contract(none, none))] == [0] * 4


def assert_stars_are_the_components(left, right, node, root):
    nodes, roots = connected_components(left, right)
    expected = {(n, r) for n, r in zip(nodes.tolist(), roots.tolist(), strict=True) if n != r}
    assert set(zip(node.tolist(), root.tolist(), strict=True)) == expected


@settings(max_examples=120, deadline=None)
@given(EDGES, st.integers(1, 5))
def test_rounds_end_at_the_components(edges, partitions):
    pairs = np.unique(np.sort(np.array(edges, np.uint64).reshape(-1, 2), axis=1), axis=0)
    left, right = pairs[:, 0], pairs[:, 1]
    node, root, _ = rounds(left, right, partitions)
    assert_stars_are_the_components(left, right, node, root)


@pytest.mark.parametrize("shuffled", [False, True])
def test_long_paths_take_logarithmic_rounds(shuffled):
    nodes = np.arange(2000, dtype=np.uint64)
    if shuffled:
        nodes = np.random.default_rng(3).permutation(nodes)
    node, root, number = rounds(nodes[:-1], nodes[1:], 16)
    assert_stars_are_the_components(nodes[:-1], nodes[1:], node, root)
    assert number <= 11
