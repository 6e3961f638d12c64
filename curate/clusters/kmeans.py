"""Spherical k-means that gives the same centroids whatever the order of its input or the number of threads.

Spherical k-means (Dhillon and Modha 2001) clusters unit vectors by cosine. Floating-point sums depend on
their order, so documents are sorted by key, every dot product adds its terms in the order of the dimensions,
and centroids are updated from integer sums. Seeding is k-means++ (Arthur and Vassilvitskii 2007), its random
draws taken from hashes of the document keys, a third of them aimed at outliers. A ninth of the centroids is held back
until the others have settled, and then seeded among the documents farthest from these: what was swallowed gets
clusters of its own.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit
from numpy.typing import NDArray

from curate.clusters.artefact import digest, from_bytes, read_file, to_bytes
from curate.hashing import UInt64Array, stage_seed, uniform

MAX_CLUSTERS = 2_000
_FIXED_POINT = 2.0**24  # |x| <= 1 and n < 2**38 keep the integer sums inside int64
_HELD_BACK = 9  # one centroid in so many
_FAR = 0.01  # share of the documents that those are seeded among, the farthest
_SAME = np.float32(2e-3)  # rows are rounded to float16, so that equal directions are equal only up to this
_SHARPNESS = 6  # power of the distance in sharpened draws
_TILE = 512  # centroids scored at a time: their running sums stay in the first-level cache


@dataclass(frozen=True, eq=False)
class Centroids:
    """Fitted centroids, an artefact.

    Attributes:
        vectors: float32[k, d], unit length.
        embedding_id: id of the embedding in whose space they lie; empty for vectors from elsewhere.
    """

    vectors: NDArray[np.float32]
    embedding_id: str = ""

    @cached_property
    def id(self) -> str:
        """Digest of the centroids and of the embedding's id."""
        return digest(self._arrays())

    def assign(self, embeddings: NDArray[np.float16]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The nearest centroid and its cosine for each document: see `assign`."""
        return assign(embeddings, self.vectors)

    def to_bytes(self) -> bytes:
        """An .npz archive without pickles."""
        return to_bytes(self._arrays())

    @classmethod
    def from_bytes(cls, content: bytes) -> "Centroids":
        """Reads what `to_bytes` gave.

        Raises:
            UsageError: it is not such an archive.
        """
        arrays = from_bytes(content, ["vectors", "embedding_id"])
        return cls(arrays["vectors"].astype(np.float32), str(arrays["embedding_id"]))

    def save(self, path: str) -> None:
        """Writes `to_bytes` to a file."""
        with open(path, "wb") as file:
            file.write(self.to_bytes())

    @classmethod
    def load(cls, path: str) -> "Centroids":
        """Reads what `save` wrote.

        Raises:
            UsageError: the file cannot be read or is not such an archive.
        """
        return cls.from_bytes(read_file(path))

    def _arrays(self) -> dict[str, NDArray]:
        return {"vectors": self.vectors, "embedding_id": np.array(self.embedding_id)}


def choose_k(documents: int) -> int:
    """Number of clusters: the square root of half the documents, between 1 and 2,000."""
    return int(min(MAX_CLUSTERS, max(1, round((documents / 2) ** 0.5))))


def fit_centroids(
    embeddings: NDArray[np.float16], keys: UInt64Array, k: int, seed: int, iterations: int = 12
) -> NDArray[np.float32]:
    """Fits spherical k-means.

    Args:
        embeddings: float16[n, d] of unit rows; all-zero rows are left out.
        keys: uint64[n], distinct; they order the documents and are hashed for the seeding.
        k: clusters wanted.
        seed: of the seeding.
        iterations: most rounds of assignment and update, before and after the last centroids are seeded; fewer when
            no document moves any more.

    Returns:
        float32[m, d] of unit rows, m ≤ k: fewer where there are fewer distinct directions. A corpus without
        any non-zero row has no centroid.
    """
    order = np.argsort(keys, kind="stable")
    order = order[np.any(embeddings[order] != 0, axis=1)]
    points, keys = embeddings[order].astype(np.float32), keys[order]
    held_back = k // _HELD_BACK
    centroids = _seed_centroids(points, keys, k - held_back, stage_seed(seed, "kmeans"))
    if len(centroids) == 0:
        return centroids
    centroids, cosines = _settle(points, centroids, iterations)
    far = np.argsort(cosines, kind="stable")[: max(4 * held_back, int(_FAR * len(points)))]
    far = np.sort(far[cosines[far] < 1 - _SAME])
    others = _seed_centroids(points[far], keys[far], held_back, stage_seed(seed, "outliers"))
    if len(others) == 0:
        return centroids
    others, _ = _settle(points[far], others, iterations)
    return _settle(points, np.concatenate([centroids, others]), iterations)[0]


def _settle(
    points: NDArray[np.float32], centroids: NDArray[np.float32], iterations: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Moves centroids to the means of their points until none changes sides; and the cosines to those before."""
    labels, cosines = np.full(len(points), -1, dtype=np.int32), np.zeros(len(points), dtype=np.float32)
    for _ in range(iterations):
        moved, cosines = _nearest(points, np.ascontiguousarray(centroids.T))
        if np.array_equal(moved, labels):
            break
        labels = moved
        centroids = _normalised_means(_integer_sums(points, labels, len(centroids)), centroids)
    return centroids, cosines


def assign(
    embeddings: NDArray[np.float16], centroids: NDArray[np.float32]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The nearest centroid of each document, the lowest-numbered one on a tie; independent of the batch.

    Args:
        embeddings: float16[n, d]; an all-zero row belongs to no cluster.
        centroids: float32[k, d].

    Returns:
        (cluster int32[n], −1 for none; cosine float32[n], rounded to four digits, 0 for none).
    """
    points = np.ascontiguousarray(embeddings, dtype=np.float32)
    labels, cosines = _nearest(points, np.ascontiguousarray(centroids.T, dtype=np.float32))
    empty = ~np.any(points != 0, axis=1)
    labels[empty], cosines[empty] = -1, 0.0
    return labels, np.round(cosines, 4)


def _seed_centroids(points: NDArray[np.float32], keys: UInt64Array, k: int, seed: int) -> NDArray[np.float32]:
    """k-means++: the next centroid is drawn with probability proportional to 1 − cosine to the nearest one.

    Every third draw is sharpened to fall on what lies farthest from all centroids so far: a rare group has
    too little mass to be drawn otherwise, and without a centroid of its own it is swallowed for good.

    The draw is a race of exponential clocks, −ln(u)/distance: the least wins with just that probability, and
    no running sum over the documents is needed.
    """
    distances = np.ones(len(points), dtype=np.float32)
    chosen: list[int] = []
    while len(chosen) < k and np.any(distances > 0):
        power = _SHARPNESS if len(chosen) % 3 == 2 else 1
        clocks = -np.log1p(-uniform(keys, seed + len(chosen)))
        clocks = np.divide(clocks, distances**power, out=np.full(len(points), np.inf), where=distances > 0)
        chosen.append(int(np.argmin(clocks)))
        _lower_distances(points, points[chosen[-1]], distances)
    return points[chosen]


@njit(nogil=True, cache=True)
def _lower_distances(points, centroid, distances):  # type: ignore[no-untyped-def]
    for row in range(points.shape[0]):
        cosine = np.float32(0)
        for j in range(points.shape[1]):
            cosine += points[row, j] * centroid[j]
        distance = np.float32(1) - cosine
        if distance < _SAME:
            distance = np.float32(0)
        if distance < distances[row]:
            distances[row] = distance


@njit(nogil=True, cache=True)
def _nearest(points, transposed):  # type: ignore[no-untyped-def]
    """Labels and cosines, a tile of centroids at a time.

    The inner loop runs over centroids, so that it is vectorised while every single dot product still adds its
    terms in the order of the dimensions.
    """
    rows, dimensions = points.shape
    k = transposed.shape[1]
    labels = np.zeros(rows, dtype=np.int32)
    cosines = np.full(rows, -np.inf, dtype=np.float32)
    scores = np.empty(_TILE, dtype=np.float32)
    for start in range(0, k, _TILE):
        width = min(_TILE, k - start)
        for row in range(rows):
            scores[:width] = 0
            for j in range(dimensions):
                value = points[row, j]
                for c in range(width):
                    scores[c] += value * transposed[j, start + c]
            for c in range(width):
                if scores[c] > cosines[row]:
                    cosines[row] = scores[c]
                    labels[row] = start + c
    return labels, cosines


@njit(nogil=True, cache=True)
def _integer_sums(points, labels, k):  # type: ignore[no-untyped-def]
    sums = np.zeros((k, points.shape[1]), dtype=np.int64)
    for row in range(points.shape[0]):
        for j in range(points.shape[1]):
            sums[labels[row], j] += np.int64(np.rint(points[row, j] * _FIXED_POINT))
    return sums


def _normalised_means(sums: NDArray[np.int64], previous: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unit vectors along the sums; a cluster without members keeps its centroid."""
    vectors = sums / _FIXED_POINT
    norms = np.sqrt(np.sum(vectors**2, axis=1, keepdims=True))
    return np.where(norms > 0, vectors / np.where(norms > 0, norms, 1), previous).astype(np.float32)
