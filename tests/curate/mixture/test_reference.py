import numpy as np
import pyarrow as pa
import pytest

from curate.mixture.reference import cluster_evidence, cluster_reference, gate_failures, tail_clusters


def test_shares_are_smoothed_by_half_a_document():
    reference = cluster_reference([900, 100, 0], documents=10, tail_mass=0.25)
    assert reference.share == pytest.approx(np.array([950, 150, 50]) / 1_150)
    assert reference.tail.tolist() == [False, True, True]


def test_no_reference_documents_no_shares():
    reference = cluster_reference([0, 0], documents=0, tail_mass=0.25)
    assert reference.share.tolist() == [0, 0] and not reference.tail.any()


@pytest.mark.parametrize(
    ("tokens", "mass", "tail"),
    [
        ([50, 25, 25], 0.25, [False, True, False]),
        ([50, 25, 25], 0.5, [False, True, True]),
        ([100], 0.25, [False]),
        ([0, 100], 0.25, [True, False]),
        ([], 0.25, []),
        ([0, 0], 0.25, [False, False]),
    ],
)
def test_tail(tokens, mass, tail):
    assert tail_clusters(tokens, mass).tolist() == tail


def evidence(rows, clusters):
    cluster, source, documents, duplicates = zip(*rows, strict=True)
    return cluster_evidence(np.array(cluster), pa.array(source, pa.string()), documents, duplicates, clusters)


def test_evidence_sums_rows_in_any_order():
    rows = [(0, "a", 2, 1), (0, "b", 1, 0), (0, "a", 1, 0), (2, None, 5, 15)]
    table = evidence(rows, 3)
    assert table.equals(evidence(rows[::-1], 3))
    assert table["documents"].to_pylist() == [4, 0, 5]
    assert table["sources"].to_pylist() == [2, 0, 0]
    assert table["top_source_share"].to_pylist() == [0.75, 0, 0]
    assert table["duplicate_share"].to_pylist() == [0.2, 0, 0.75]


def passes(table, **settings):
    return ~np.logical_or.reduce(list(gate_failures(table, **settings).values()))


def test_gate_refuses_what_is_only_rare():
    good = [(0, source, 2, 0) for source in "abc"]
    few = [(1, source, 1, 0) for source in "abc"]
    one_source = [(2, "spam", 9, 0), (2, "a", 1, 0), (2, "b", 1, 0)]
    template = [(3, source, 2, 5) for source in "abc"]
    assert passes(evidence(good + few + one_source + template, 5)).tolist() == [True] + [False] * 4


def test_gate_without_sources():
    assert passes(evidence([(0, None, 5, 0)], 1), min_sources=1).tolist() == [True]
    assert passes(evidence([(0, None, 5, 0)], 1)).tolist() == [False]


def test_gate_refuses_scattered_clusters():
    rows = [(cluster, source, 2, 0) for cluster in range(3) for source in "abc"]
    cluster, source, documents, duplicates = zip(*rows, strict=True)
    cosine = np.array([0.8, 0.7, 0.2])
    table = cluster_evidence(np.array(cluster), pa.array(source), documents, duplicates, 3, cosine)
    assert passes(table).tolist() == [True, True, False]


def test_gate_says_which_condition_failed():
    good = [(0, source, 2, 0) for source in "abc"]
    rows = [
        *good,
        (1, "a", 2, 9),
        *((2, source, 1, 0) for source in "abc"),
        (3, "a", 9, 0),
        *((3, s, 1, 0) for s in "bc"),
    ]
    failures = gate_failures(evidence(rows, 4))
    failed = [{name for name, flags in failures.items() if flags[cluster]} for cluster in range(4)]
    assert failed == [set(), {"documents", "sources", "one_source", "duplicates"}, {"documents"}, {"one_source"}]
    assert set(gate_failures(evidence(rows, 4), min_sources=1)) == {"documents", "duplicates"}
