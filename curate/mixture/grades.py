"""Who of a boosted cluster gets the copies: documents of better quality more of them, within limits.

Quality is the share of human documents that are as odd or odder (`curate.quality.calibration`), so it is coarse by
nature, and is told in four grades. The relative factor q̃ of a grade is its mean quality among people over that of the
cluster, limited to [0.5, 2]; the weight is clip(λ·q̃, 1, most copies), with λ such that the cluster gets the tokens that
were allocated to it. Only copies follow quality. Where fewer tokens are built than there are, all of the cluster's
documents have the same chance: nothing is dropped for being odd.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EDGES = (0.1, 0.25, 0.5)
"""Qualities at which the next grade begins."""

GRADES = len(EDGES) + 1

ODD = 0
"""The grade of documents that are odder than nine in ten human ones."""

LIMITS = (0.5, 2.0)
"""Least and most factor."""

_BOUNDS = np.array([0.0, *EDGES, 1.0])
_MEANS = (_BOUNDS[1:] + _BOUNDS[:-1]) / 2  # of people, whose qualities are spread evenly


def grades(quality: Floats) -> NDArray[np.int8]:
    """The grade of each document, int8[n] in [0, GRADES)."""
    return np.searchsorted(EDGES, quality, side="right").astype(np.int8)


def grade_weights(accepted: Floats, weight: Floats, most: Floats) -> Floats:
    """The weight of the documents of each cluster and grade.

    Args:
        accepted: tokens of accepted documents, float64[k, GRADES].
        weight: mean weight that each cluster is to have, float64[k].
        most: copies that its documents may have, float64[k].

    Returns:
        float64[k, GRADES], of mean `weight` over the tokens; equal in clusters of which no copies are made.
    """
    total = accepted.sum(axis=1)
    boosted = (weight > 1) & (total > 0)
    weights = np.repeat(weight[:, None], GRADES, axis=1)
    weights[boosted] = _poured(
        accepted[boosted] / total[boosted, None], np.minimum(weight[boosted], most[boosted]), most[boosted]
    )
    return weights


def _poured(share: Floats, mean: Floats, most: Floats) -> Floats:
    """clip(λ·q̃, 1, most) of the given mean, 1 < mean ≤ most, for each cluster; piecewise linear in λ."""
    factor = np.clip(_MEANS / (share * _MEANS).sum(axis=1, keepdims=True), *LIMITS)
    breaks = np.sort(np.concatenate([1.0 / factor, most[:, None] / factor], axis=1), axis=1)

    def weights(level: Floats) -> Floats:
        return np.clip(level[..., None] * factor[:, None], 1.0, most[:, None, None])

    means = (weights(breaks) * share[:, None]).sum(axis=2)  # ascending, from 1 to most
    rows = np.arange(len(share))
    upper = np.clip((means < mean[:, None] - 1e-12).sum(axis=1), 1, breaks.shape[1] - 1)
    low, high = means[rows, upper - 1], means[rows, upper]
    part = np.clip(np.divide(mean - low, high - low, out=np.ones_like(mean), where=high > low), 0.0, 1.0)
    level = breaks[rows, upper - 1] + part * (breaks[rows, upper] - breaks[rows, upper - 1])
    return weights(level[:, None])[:, 0]
