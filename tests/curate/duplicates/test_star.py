import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.duplicates.star import star

SHARE = st.sampled_from([0.1, 0.7, 0.8, 0.9, 1.0])


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
                edges[pair] = (draw(SHARE), draw(SHARE), draw(SHARE))
    return n, [-1 if no else r for r, no in zip(rank, barred, strict=True)], edges


def run(n, rank, edges):
    table = np.array([[*pair, *shares] for pair, shares in edges.items()]).reshape(-1, 5)
    left, right = table[:, 0].astype(int), table[:, 1].astype(int)
    return star(n, np.array(rank), left, right, *table[:, 2:].T.astype(np.float32), threshold=0.8, containment=0.9)


def brute_force(n, rank, edges):
    """Leader by leader; an edge is read from the leader's side."""
    leader, similarity, share = [-1] * n, [0.0] * n, [0.0] * n
    for lead in sorted((i for i in range(n) if rank[i] >= 0), key=lambda i: rank[i]):
        if leader[lead] >= 0:
            continue
        for member in range(n):
            if leader[member] >= 0 or not (rank[member] < 0 or rank[member] > rank[lead]) or member == lead:
                continue
            if (lead, member) in edges:
                jaccard, _, inside = edges[lead, member]
            elif (member, lead) in edges:
                jaccard, inside, _ = edges[member, lead]
            else:
                continue
            if jaccard >= 0.8 or inside >= 0.9:
                leader[member], similarity[member], share[member] = lead, jaccard, inside
    return leader, similarity, share


@settings(max_examples=200, deadline=None)
@given(graphs(), st.randoms())
def test_star_equals_brute_force_in_any_order_of_pairs(graph, random):
    n, rank, edges = graph
    leader, similarity, share = brute_force(n, rank, edges)
    shuffled = list(edges.items())
    random.shuffle(shuffled)
    for pairs in (edges, dict(shuffled)):
        found = run(n, rank, pairs)
        assert found[0].tolist() == leader
        assert np.allclose(found[1], similarity) and np.allclose(found[2], share)
    for lead in leader:
        assert lead < 0 or (leader[lead] < 0 and rank[lead] >= 0)


def test_no_transitive_closure():
    chain = {(0, 1): (0.9, 0, 0), (1, 2): (0.9, 0, 0), (2, 3): (0.9, 0, 0)}
    assert run(4, [0, 1, 2, 3], chain)[0].tolist() == [-1, 0, -1, 2]


def test_containment_has_a_direction():
    edge = {(0, 1): (0.1, 0.95, 0.2)}
    assert run(2, [1, 0], edge)[0].tolist() == [1, -1]
    assert run(2, [0, 1], edge)[0].tolist() == [-1, -1]


def test_rejected_nodes_are_matched_but_never_lead():
    edges = {(0, 1): (0.9, 0, 0), (1, 2): (0.9, 0, 0)}
    assert run(3, [-1, 0, -1], edges)[0].tolist() == [1, -1, 1]
    assert run(3, [-1, -1, -1], edges)[0].tolist() == [-1, -1, -1]
