"""Whether the suspects of a cluster are more than errors of the detector explain.

Distinct scored texts are counted per cluster and bin of their scores, before any threshold is known.
"""

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy
from numpy.typing import NDArray

BINS, PER_NAT = 256, 8
"""Bins of the scores of a cluster, from -16 to 16 nats."""

_FACTOR = 2.0
_CHANCE = 0.01
_PRIOR = 10.0  # documents that the detector's rate of errors in all clusters weighs against those of one cluster

Floats = NDArray[np.float64]


def score_cells(documents: pa.Table) -> Counter[int]:
    """Distinct scored texts by cluster · `BINS` + bin of the score; equal texts have equal scores.

    Args:
        documents: columns cluster, detector_score and content.
    """
    scored = documents.filter(pc.and_(documents["cluster"].is_valid(), documents["detector_score"].is_valid()))
    bins = np.clip(np.floor(scored["detector_score"].to_numpy() * PER_NAT) + BINS // 2, 0, BINS - 1).astype(np.int64)
    cells = scored["cluster"].to_numpy().astype(np.int64) * BINS + bins
    distinct = pa.table({"cell": cells, "content": scored["content"]}).group_by(["cell", "content"]).aggregate([])
    found, counts = np.unique(distinct["cell"].to_numpy(), return_counts=True)
    return Counter(dict(zip(found.tolist(), counts.tolist(), strict=True)))


def beyond_errors(
    texts: Mapping[int, int],
    people: Mapping[int, int],
    clusters: NDArray[np.int32],
    threshold: float,
    alpha: float,
) -> NDArray[np.bool_]:
    """Clusters of which more than twice as many texts are suspected as the rate among their people allows for.

    The rate at which people of a cluster exceed the threshold is at most the 99 % quantile of its posterior, a beta
    distribution whose prior has the mean α, as holds in all clusters together, and is worth `_PRIOR` documents.

    Args:
        texts: of all documents, by `score_cells`.
        people: of trusted human documents, likewise.
        clusters: int32[k].
        threshold: of suspicion, among all people; NaN where there is none, and then no text is suspected.
        alpha: share of people above it.

    Returns:
        bool[k].
    """
    first = BINS if np.isnan(threshold) else int(np.clip(np.ceil(threshold * PER_NAT) + BINS // 2, 0, BINS))
    above, total = _above(texts, clusters, first)
    errors, known = _above(people, clusters, first)
    a, b = alpha * _PRIOR + errors, (1.0 - alpha) * _PRIOR + known - errors
    found: NDArray[np.bool_] = above > _FACTOR * scipy.special.betaincinv(a, b, 1.0 - _CHANCE) * total
    return found


def _above(cells: Mapping[int, int], clusters: NDArray[np.int32], first: int) -> tuple[Floats, Floats]:
    """Texts in the bins from `first` on, and in all bins, of each of the clusters."""
    counts = np.zeros((len(clusters), BINS))
    rows = {cluster: row for row, cluster in enumerate(clusters.tolist())}
    for cell, count in cells.items():
        cluster, place = divmod(cell, BINS)
        if cluster in rows:
            counts[rows[cluster], place] = count
    return counts[:, first:].sum(axis=1), counts.sum(axis=1)
