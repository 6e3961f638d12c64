"""Where the clusters lie, and what is in the rarest of them: coordinates, example documents, openings of their texts.

The map is classical scaling of the centroids to two dimensions, which for their Euclidean distances is a principal
component analysis (Torgerson 1952; Gower 1966). It is told how much of the spread two dimensions show.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

JsonDict = dict[str, Any]

RAREST = 8
"""Clusters whose documents are shown."""
EXAMPLES = 2
"""Documents shown of each."""
_DIGITS = 4


def rarest(rows: Sequence[JsonDict]) -> list[JsonDict]:
    """Of rows of `curate.report.tables.clusters`, the rarest first, those whose documents are shown."""
    return [row for row in rows if row["tail"]][:RAREST]


def examples(rows: Sequence[JsonDict]) -> list[str]:
    """The ids of the documents that are shown of the rarest clusters."""
    return [id for row in rarest(rows) for id in row["examples"][:EXAMPLES]]


def cluster_map(
    rows: Sequence[JsonDict], centroids: NDArray[np.float32] | None, passages: Mapping[str, JsonDict] | None
) -> JsonDict:
    """`cluster_map` of report.json.

    Args:
        rows: of `curate.report.tables.clusters`, the rarest first.
        centroids: float32[k, d] by number of cluster; None where clusters are given groups, which lie nowhere.
        passages: openings of example documents by id; None where no text was read.

    Returns:
        `points` (cluster, x, y; x is the widest direction), `shown` (share of the centroids' spread that lies in the
        two directions, None without points), and `rarest`: {cluster, examples: {id, passage or None}}.
    """
    points, shown = ([], None) if centroids is None else _points(rows, centroids)
    texts = passages or {}
    told = [
        {"cluster": row["cluster"], "examples": [{"id": id, "passage": texts.get(id)} for id in examples([row])]}
        for row in rarest(rows)
    ]
    return {"points": points, "shown": shown, "rarest": told}


def project(vectors: NDArray[np.floating]) -> tuple[NDArray[np.float64], float]:
    """The two principal components of vectors, rounded; the same for the same vectors on any number of threads.

    Args:
        vectors: float[k, d].

    Returns:
        (float64[k, 2], of which the largest coordinate of each component is positive; share of the variance, 1 where
        there is none).
    """
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    with threadpool_limits(1, user_api="blas"):
        _, lengths, axes = np.linalg.svd(centred, full_matrices=False)
        found = np.zeros((len(centred), 2))
        found[:, : len(axes[:2])] = np.einsum("kd,cd->kc", centred, axes[:2])
    largest = np.abs(found).argmax(axis=0)
    signs = np.where(found[largest, [0, 1]] < 0, -1.0, 1.0)
    total = float(np.sum(lengths**2))
    return np.round(found * signs, _DIGITS) + 0.0, float(np.sum(lengths[:2] ** 2)) / total if total else 1.0


def _points(rows: Sequence[JsonDict], centroids: NDArray[np.float32]) -> tuple[list[JsonDict], float | None]:
    known = [row["cluster"] for row in rows if row["cluster"] < len(centroids)]
    if not known:
        return [], None
    places, shown = project(centroids)
    found = places.tolist()
    points = [{"cluster": cluster, "x": found[cluster][0], "y": found[cluster][1]} for cluster in sorted(known)]
    return points, round(shown, _DIGITS)
