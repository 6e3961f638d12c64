import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.report.cluster_map import EXAMPLES, RAREST, cluster_map, examples, project, rarest
from curate.report.excerpts import opening


def rows(number, tail=True):
    return [
        {"cluster": cluster, "tail": tail and cluster < number - 1, "examples": [f"{cluster}-{i}" for i in range(5)]}
        for cluster in range(number)
    ]


def distances(points):
    return np.linalg.norm(points[:, None] - points[None], axis=-1)


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 12), st.integers(2, 40), st.integers(0, 99))
def test_a_plane_keeps_its_distances(clusters, dimensions, seed):
    """Points of a plane, turned into more dimensions, lie as they lay, and two directions hold all of the spread."""
    chance = np.random.default_rng(seed)
    flat = chance.normal(size=(clusters, 2))
    basis = np.linalg.qr(chance.normal(size=(dimensions, 2)))[0].T
    found, shown = project(flat @ basis + chance.normal(size=dimensions))
    assert np.allclose(distances(found), distances(flat), atol=1e-3)
    assert shown == pytest.approx(1.0)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 30), st.integers(1, 20), st.integers(0, 99))
def test_directions_are_ordered_and_signed(clusters, dimensions, seed):
    vectors = np.random.default_rng(seed).normal(size=(clusters, dimensions)).astype(np.float32)
    found, shown = project(vectors)
    assert found.shape == (clusters, 2) and 0 <= shown <= 1
    assert np.allclose(found.mean(axis=0), 0, atol=1e-3)
    assert found[:, 0].var() >= found[:, 1].var() - 1e-3
    largest = np.abs(found).argmax(axis=0)
    assert (found[largest, [0, 1]] >= 0).all()
    assert np.array_equal(project(vectors)[0], found)


@pytest.mark.parametrize("vectors", [np.ones((1, 3), np.float32), np.ones((4, 3), np.float32)])
def test_what_lies_at_one_place_has_no_spread(vectors):
    found, shown = project(vectors)
    assert not found.any() and shown == 1.0


def test_the_rarest_are_those_of_the_tail():
    assert [row["cluster"] for row in rarest(rows(30))] == list(range(RAREST))
    assert rarest(rows(3, tail=False)) == []
    assert examples(rows(3)) == [f"{cluster}-{i}" for cluster in range(2) for i in range(EXAMPLES)]


def test_map_has_a_point_for_each_cluster_and_openings_of_the_rarest():
    centroids = np.eye(6, dtype=np.float32)
    found = cluster_map(rows(5), centroids, {"0-1": opening("words")})
    assert json.loads(json.dumps(found)) == found
    assert [point["cluster"] for point in found["points"]] == list(range(5))
    assert 0 < found["shown"] < 1
    first = found["rarest"][0]
    assert [(example["id"], example["passage"] and example["passage"]["text"]) for example in first["examples"]] == [
        ("0-0", None),
        ("0-1", "words"),
    ]


@pytest.mark.parametrize(("given", "centroids"), [(rows(2), None), ([], np.eye(2, dtype=np.float32))])
def test_groups_lie_nowhere(given, centroids):
    found = cluster_map(given, centroids, None)
    assert found["points"] == [] and found["shown"] is None
