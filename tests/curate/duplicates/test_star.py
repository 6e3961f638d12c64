import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.duplicates.star import star

WAY = st.sampled_from(["both", "forth", "back"])


@st.composite
def graphs(draw):
    n = draw(st.integers(1, 9))
    rank = draw(st.permutations(range(n)))
    barred = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    edges = {}
    for i in range(n):
        for j in range(i + 1, n):
            if draw(st.integers(0, 2)):
                pair = (i, j) if draw(st.booleans()) else (j, i)
                edges[pair] = draw(WAY)
    return n, [-1 if no else r for r, no in zip(rank, barred, strict=True)], edges


def run(n, rank, edges):
    forth = [pair for pair, way in edges.items() if way != "back"]
    back = [(b, a) for (a, b), way in edges.items() if way != "forth"]
    directed = np.array([*forth, *back], np.int64).reshape(-1, 2)
    leader, edge = star(np.array(rank), directed[:, 0], directed[:, 1])
    for node in range(n):
        assert (leader[node] < 0) == (edge[node] < 0)
        assert edge[node] < 0 or directed[edge[node]].tolist() == [leader[node], node]
    return leader.tolist()


def brute_force(n, rank, edges):
    """Leader by leader."""
    leader = [-1] * n
    for lead in sorted((i for i in range(n) if rank[i] >= 0), key=lambda i: rank[i]):
        if leader[lead] >= 0:
            continue
        for member in range(n):
            if leader[member] >= 0 or not (rank[member] < 0 or rank[member] > rank[lead]) or member == lead:
                continue
            if edges.get((lead, member), "back") != "back" or edges.get((member, lead), "forth") != "forth":
                leader[member] = lead
    return leader


@settings(max_examples=200, deadline=None)
@given(graphs(), st.randoms())
def test_star_equals_brute_force_in_any_order_of_pairs(graph, random):
    n, rank, edges = graph
    leader = brute_force(n, rank, edges)
    shuffled = list(edges.items())
    random.shuffle(shuffled)
    for pairs in (edges, dict(shuffled)):
        assert run(n, rank, pairs) == leader
    for lead in leader:
        assert lead < 0 or (leader[lead] < 0 and rank[lead] >= 0)


def test_no_transitive_closure():
    chain = {(0, 1): "both", (1, 2): "both", (2, 3): "both"}
    assert run(4, [0, 1, 2, 3], chain) == [-1, 0, -1, 2]


def test_edges_have_a_direction():
    assert run(2, [1, 0], {(0, 1): "back"}) == [1, -1]
    assert run(2, [0, 1], {(0, 1): "back"}) == [-1, -1]


def test_rejected_nodes_are_matched_but_never_lead():
    edges = {(0, 1): "both", (1, 2): "both"}
    assert run(3, [-1, 0, -1], edges) == [1, -1, 1]
    assert run(3, [-1, -1, -1], edges) == [-1, -1, -1]
