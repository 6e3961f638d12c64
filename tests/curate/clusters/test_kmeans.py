import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.clusters import kmeans
from curate.clusters.kmeans import MAX_CLUSTERS, Centroids, assign, choose_k, fit_centroids, inverse_sizes
from curate.hashing import mix


def blobs(sizes, dimensions=16, spread=0.05, seed=0):
    """Unit vectors around one random direction per group, with the group of each."""
    generator = np.random.default_rng(seed)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    directions = generator.standard_normal((len(sizes), dimensions))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    points = directions[groups] + spread * generator.standard_normal((len(groups), dimensions))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float16), groups


def keys(n):
    return mix(np.arange(n, dtype=np.uint64), 3)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1_000), st.integers(1, 20), st.randoms(use_true_random=False))
def test_same_centroids_whatever_the_order(seed, k, random):
    points, _ = blobs([30, 20, 10, 3], seed=seed)
    order = list(range(len(points)))
    random.shuffle(order)
    straight = fit_centroids(points, keys(len(points)), k, seed)
    shuffled = fit_centroids(points[order], keys(len(points))[order], k, seed)
    assert straight.tobytes() == shuffled.tobytes()


def test_assignment_does_not_depend_on_the_batch():
    points, _ = blobs([400, 400, 200])
    centroids = fit_centroids(points, keys(1_000), 25, 1)
    labels, cosines = assign(points, centroids)
    for rows in (slice(0, 1), slice(3, 500), slice(0, 1_000, 7)):
        some_labels, some_cosines = assign(points[rows], centroids)
        assert np.array_equal(some_labels, labels[rows]) and np.array_equal(some_cosines, cosines[rows])


def test_assignment_is_by_the_largest_cosine():
    points, _ = blobs([300, 300])
    centroids = fit_centroids(points, keys(600), 8, 1)
    labels, cosines = assign(points, centroids)
    expected = points.astype(np.float64) @ centroids.astype(np.float64).T
    np.testing.assert_allclose(cosines, expected.max(axis=1), atol=1e-4)
    np.testing.assert_allclose(expected[np.arange(600), labels], expected.max(axis=1), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(centroids, axis=1), 1, atol=1e-6)


def test_ties_go_to_the_lowest_cluster_and_zero_rows_to_none():
    centroids = np.array([[0, 1], [1, 0], [1, 0]], dtype=np.float32)
    labels, cosines = assign(np.array([[1, 0], [0, 0]], dtype=np.float16), centroids)
    assert labels.tolist() == [1, -1] and cosines.tolist() == [1, 0]


def test_more_centroids_than_a_tile():
    points, _ = blobs([1] * 700, dimensions=32)
    labels, cosines = assign(points, points.astype(np.float32))
    assert labels.tolist() == list(range(700))
    assert cosines.min() > 0.999


@pytest.mark.parametrize("seed", range(5))
def test_a_rare_group_is_not_swallowed(seed):
    points, groups = blobs([1_000, 600, 400, 300, 4], spread=0.15, seed=seed)
    labels, _ = assign(points, fit_centroids(points, keys(len(points)), choose_k(len(points)), seed))
    assert np.all(groups[np.isin(labels, labels[groups == 4])] == 4)


def test_fewer_directions_than_clusters():
    points = np.repeat(np.eye(3, dtype=np.float16), 4, axis=0)
    assert len(fit_centroids(points, keys(12), 10, 1)) == 3
    assert len(fit_centroids(points * 0, keys(12), 10, 1)) == 0
    assert assign(points * 0, np.empty((0, 3), np.float32))[0].tolist() == [-1] * 12


@pytest.mark.parametrize(("documents", "k"), [(0, 1), (1, 1), (2, 1), (50, 5), (29_069, 121), (10**9, MAX_CLUSTERS)])
def test_choose_k(documents, k):
    assert choose_k(documents) == k


def test_saved_and_loaded(tmp_path):
    centroids = Centroids(np.eye(3, dtype=np.float32), "space")
    path = str(tmp_path / "centroids.npz")
    centroids.save(path)
    loaded = Centroids.load(path)
    assert loaded.id == centroids.id and loaded.embedding_id == "space"
    assert np.array_equal(loaded.vectors, centroids.vectors)
    assert Centroids(centroids.vectors, "other").id != centroids.id
    assert loaded.assign(np.eye(3, dtype=np.float16))[0].tolist() == [0, 1, 2]


def test_small_groups_far_from_everything_are_seldom_swallowed():
    """Four groups of four among 3,600 points: 16 of 24 get a cluster of their own; 3 without those held back."""
    found = 0
    for seed in range(6):
        points, groups = blobs([300] * 12 + [4] * 4, dimensions=32, spread=0.15, seed=seed)
        labels, _ = assign(points, fit_centroids(points, keys(len(points)), 36, seed))
        for group in range(12, 16):
            own = np.bincount(labels[groups == group]).argmax()
            found += np.mean(groups[labels == own] == group) > 0.5
    assert found >= 12


def test_breathing_moves_centroids_to_where_they_are_missed(monkeypatch):
    points, _ = blobs([400] * 3 + [20] * 20, spread=0.15)
    cosines = {}
    for breaths in (0, kmeans._BREATHS):
        monkeypatch.setattr(kmeans, "_BREATHS", breaths)
        cosines[breaths] = [assign(points, fit_centroids(points, keys(1_600), 23, seed))[1].mean() for seed in range(6)]
    still, breathing = cosines.values()
    assert np.mean(breathing) > np.mean(still) + 2e-4


def test_inverse_sizes_are_small_for_documents_of_large_groups():
    points, groups = blobs([900, 100])
    found = inverse_sizes(points, 2, 3)
    assert found[groups == 0].mean() < found[groups == 1].mean()
