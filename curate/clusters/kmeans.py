"""Spherical k-means that gives the same centroids whatever the order of its input or the number of threads.

Spherical k-means (Dhillon and Modha 2001) clusters unit vectors by cosine. Floating-point sums depend on
their order, so documents are sorted by key, every dot product adds its terms in the order of the dimensions,
and centroids are updated from integer sums. Seeding is greedy k-means++ (Arthur and Vassilvitskii 2007), its random
draws taken from hashes of the document keys, a third of them aimed at outliers. Where seeds fell is soon forgotten:
the partition breathes (Fritzke 2020), which moves centroids from where they are of little use to where they are
missed, so that other draws and other samples lead to nearly the same clusters. A few of the centroids are held back
until the others have settled, and then seeded among the documents farthest from these: what was swallowed gets
clusters of its own.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

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
_CANDIDATES = 5  # draws of a seed, of which the one that brings most is taken
_PARTITIONS = 4  # that tell how rare a document is
_ROUGH_ITERATIONS = 4
_BREATH = 16  # one centroid in so many is moved at a time
_BREATHS = 8
_BREATH_ITERATIONS = 6  # rounds of assignment and update after adding and after removing
_LEAST_GAIN = 1e-5  # in the mean cosine: a breath that brings less is undone
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
    points, keys = _Points.of(embeddings[order].astype(np.float32)), keys[order]
    held_back = k // _HELD_BACK
    centroids = _seed_centroids(points, keys, k - held_back, stage_seed(seed, "kmeans"))
    if len(centroids) == 0:
        return centroids
    centroids = _settle(points, centroids, iterations)
    centroids, cosines = _breathe(points, keys, centroids, stage_seed(seed, "breaths"))
    far = np.argsort(cosines, kind="stable")[: max(4 * held_back, int(_FAR * len(keys)))]
    far = np.sort(far[cosines[far] < 1 - _SAME])
    outliers = _Points.of(points.rows[far])
    others = _seed_centroids(outliers, keys[far], held_back, stage_seed(seed, "outliers"))
    if len(others) == 0:
        return centroids
    others = _settle(outliers, others, iterations)
    return _settle(points, np.concatenate([centroids, others]), iterations)


class _Points(NamedTuple):
    """Documents in the forms that the loops read.

    Attributes:
        rows: float32[n, d], unit length.
        columns: float32[d, n], the same.
        fixed: int32[n, d], the same in units of 1/`_FIXED_POINT`.
    """

    rows: NDArray[np.float32]
    columns: NDArray[np.float32]
    fixed: NDArray[np.int32]

    @classmethod
    def of(cls, rows: NDArray[np.float32]) -> "_Points":
        return cls(rows, _columns(rows), np.rint(rows * np.float32(_FIXED_POINT)).astype(np.int32))


def _columns(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ascontiguousarray(rows.T, dtype=np.float32)


def _settle(points: _Points, centroids: NDArray[np.float32], iterations: int) -> NDArray[np.float32]:
    """Moves centroids to the means of their points until none changes sides."""
    labels = np.full(len(points.rows), -1, dtype=np.int32)
    for _ in range(iterations):
        moved, _, _ = _nearest(points.rows, _columns(centroids))
        if np.array_equal(moved, labels):
            break
        labels = moved
        centroids = _normalised_means(_integer_sums(points.fixed, labels, len(centroids)), centroids)
    return centroids


def _breathe(
    points: _Points, keys: UInt64Array, centroids: NDArray[np.float32], seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Moves centroids from where they are of little use to where they are missed, as long as that pays.

    Breathing k-means (Fritzke 2020): the clusters with the largest sums of distances get a second centroid, then as
    many centroids leave as came, those without which the distances grow least. Each breath is undone where the mean
    cosine has not grown; then fewer are moved.

    Returns:
        The centroids, and the cosine of each point to the nearest.
    """
    labels, cosines, _ = _nearest(points.rows, _columns(centroids))
    moved = max(1, len(centroids) // _BREATH)
    for breath in range(_BREATHS):
        distances = np.maximum(1 - cosines, 0)
        worst = _largest(np.bincount(labels, distances, minlength=len(centroids)), moved)
        clocks = _clocks(keys, distances, seed + breath)
        added = [members[np.argmin(clocks[members])] for cluster in worst if len(members := _members(labels, cluster))]
        trial = _settle(points, np.concatenate([centroids, points.rows[added]]), _BREATH_ITERATIONS)
        nearest, first, second = _nearest(points.rows, _columns(trial))
        use = np.bincount(nearest, first - second, minlength=len(trial))
        trial = np.delete(trial, _largest(-use, len(added)), axis=0)
        trial = _settle(points, trial, _BREATH_ITERATIONS)
        nearest, first, _ = _nearest(points.rows, _columns(trial))
        if _mean(first) > _mean(cosines) + _LEAST_GAIN:
            centroids, labels, cosines = trial, nearest, first
        elif moved == 1:
            break
        else:
            moved //= 2
    return centroids, cosines


def _mean(cosines: NDArray[np.float32]) -> float:
    return float(np.mean(cosines, dtype=np.float64))


def _members(labels: NDArray[np.int32], cluster: int) -> NDArray[np.int64]:
    return np.flatnonzero(labels == cluster)


def _largest(values: NDArray[Any], count: int) -> NDArray[np.int64]:
    """Places of the largest values, the lowest ones on a tie."""
    return np.argsort(-values, kind="stable")[:count]


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
    labels, cosines, _ = _nearest(points, _columns(centroids))
    empty = ~np.any(points != 0, axis=1)
    labels[empty], cosines[empty] = -1, 0.0
    return labels, np.round(cosines, 4)


def inverse_sizes(embeddings: NDArray[np.float16], k: int, seed: int) -> NDArray[np.float32]:
    """How rare documents are: 1/(size of their cluster), the mean over a few rough partitions, which is the steadier.

    Args:
        embeddings: float16[n, d] of unit rows, or zero, in an order of their own.
        k: clusters of each partition.
        seed: of the partitions.

    Returns:
        float32[n]; 1 for all-zero rows.
    """
    known = np.any(embeddings != 0, axis=1)
    points, keys = _Points.of(embeddings[known].astype(np.float32)), np.flatnonzero(known).astype(np.uint64)
    shares = np.zeros(len(keys))
    for partition in range(_PARTITIONS if len(keys) else 0):
        own_seed = stage_seed(seed, str(partition))
        centroids = _settle(points, _seed_centroids(points, keys, k, own_seed, candidates=1), _ROUGH_ITERATIONS)
        labels, _, _ = _nearest(points.rows, _columns(centroids))
        shares += 1 / np.bincount(labels)[labels]
    means = np.ones(len(embeddings), dtype=np.float32)
    means[known] = shares / _PARTITIONS
    return means


def _seed_centroids(
    points: _Points, keys: UInt64Array, k: int, seed: int, candidates: int = _CANDIDATES
) -> NDArray[np.float32]:
    """Greedy k-means++: of a few documents drawn, the one that lowers the sum of distances most is the next centroid.

    They are drawn with probability proportional to their distance, 1 − cosine, to the nearest centroid so far.
    Every third draw is sharpened to fall on what lies farthest from all centroids so far: a rare group has
    too little mass to be drawn otherwise, and without a centroid of its own it is swallowed for good.
    """
    distances = np.ones(len(keys), dtype=np.float32)
    chosen: list[int] = []
    while len(chosen) < k and np.any(distances > 0):
        sharpened = len(chosen) % 3 == 2
        clocks = _clocks(keys, distances, seed + len(chosen), _SHARPNESS if sharpened else 1)
        drawn = _least(clocks, 1 if sharpened else candidates)
        best, distances = _best_seed(points.rows[drawn], points.columns, distances)
        chosen.append(int(drawn[best]))
    return points.rows[chosen]


def _least(clocks: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Places of the least finite clocks, in their order."""
    first = np.argpartition(clocks, count - 1)[:count] if count < len(clocks) else np.arange(len(clocks))
    return np.sort(first[np.isfinite(clocks[first])])


def _clocks(keys: UInt64Array, distances: NDArray[np.float32], seed: int, power: int = 1) -> NDArray[np.float64]:
    """A race of exponential clocks, −ln(u)/distance^power; infinite where the distance is 0.

    The least wins with a probability proportional to distance^power: no running sum over the documents is needed.
    """
    clocks = -np.log1p(-uniform(keys, seed))
    return np.divide(clocks, distances**power, out=np.full(len(keys), np.inf), where=distances > 0)


@njit(nogil=True, cache=True)
def _add_products(vector, columns, start, width, scores):  # type: ignore[no-untyped-def]
    """Dot products of a vector with `width` columns from `start` on, each adding its terms in the order of dimensions.

    Eight dimensions at a time: the running sums are read and written once for all of them.
    """
    dimensions = len(vector)
    scores[:width] = 0
    whole = dimensions - dimensions % 8
    for j in range(0, whole, 8):
        a, b, c, d = vector[j], vector[j + 1], vector[j + 2], vector[j + 3]
        e, f, g, h = vector[j + 4], vector[j + 5], vector[j + 6], vector[j + 7]
        p, q = columns[j, start : start + width], columns[j + 1, start : start + width]
        r, s = columns[j + 2, start : start + width], columns[j + 3, start : start + width]
        t, u = columns[j + 4, start : start + width], columns[j + 5, start : start + width]
        v, w = columns[j + 6, start : start + width], columns[j + 7, start : start + width]
        for i in range(width):
            half = scores[i] + a * p[i] + b * q[i] + c * r[i] + d * s[i]
            scores[i] = half + e * t[i] + f * u[i] + g * v[i] + h * w[i]
    for j in range(whole, dimensions):
        value, column = vector[j], columns[j, start : start + width]
        for i in range(width):
            scores[i] += value * column[i]


@njit(nogil=True, cache=True)
def _best_seed(candidates, columns, distances):  # type: ignore[no-untyped-def]
    """The candidate with the least sum of distances to the nearest centroid, and these distances."""
    n = len(distances)
    scores = np.empty(n, dtype=np.float32)
    trial, lowest = np.empty(n, dtype=np.float32), np.empty(n, dtype=np.float32)
    best, least = 0, np.inf
    for candidate in range(len(candidates)):
        _add_products(candidates[candidate], columns, 0, n, scores)
        total = 0.0
        for i in range(n):
            distance = np.float32(1) - scores[i]
            distance = np.float32(0) if distance < _SAME else distance
            trial[i] = min(distance, distances[i])
            total += trial[i]
        if total < least:
            best, least = candidate, total
            lowest, trial = trial, lowest
    return best, lowest


@njit(nogil=True, cache=True)
def _nearest(points, columns):  # type: ignore[no-untyped-def]
    """Labels, cosines, and the cosines to the second nearest, a tile of centroids at a time.

    The inner loop runs over centroids, so that it is vectorised while every single dot product still adds its
    terms in the order of the dimensions.
    """
    n, k = len(points), columns.shape[1]
    labels = np.zeros(n, dtype=np.int32)
    cosines, others = np.full(n, -np.inf, dtype=np.float32), np.full(n, -np.inf, dtype=np.float32)
    scores = np.empty(_TILE, dtype=np.float32)
    for start in range(0, k, _TILE):
        width = min(_TILE, k - start)
        for row in range(n):
            _add_products(points[row], columns, start, width, scores)
            label, cosine, other = labels[row], cosines[row], others[row]
            for c in range(width):
                score = scores[c]
                if score > other:
                    if score > cosine:
                        label, cosine, other = start + c, score, cosine
                    else:
                        other = score
            labels[row], cosines[row], others[row] = label, cosine, other
    return labels, cosines, others


@njit(nogil=True, cache=True)
def _integer_sums(fixed, labels, k):  # type: ignore[no-untyped-def]
    sums = np.zeros((k, fixed.shape[1]), dtype=np.int64)
    for row in range(fixed.shape[0]):
        total, values = sums[labels[row]], fixed[row]
        for j in range(len(values)):
            total[j] += values[j]
    return sums


def _normalised_means(sums: NDArray[np.int64], previous: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unit vectors along the sums; a cluster without members keeps its centroid."""
    vectors = sums / _FIXED_POINT
    norms = np.sqrt(np.sum(vectors**2, axis=1, keepdims=True))
    return np.where(norms > 0, vectors / np.where(norms > 0, norms, 1), previous).astype(np.float32)
