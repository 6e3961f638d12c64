"""Who of a boosted cluster gets the copies: documents that people likely wrote more of them, and odd ones none.

Documents that fail the gate of quality, that are suspected, or of mixed origin are kept and never copied: so junk in a
cluster of good text is not boosted along with it. The others are told in grades by the probability that a person wrote
them, since machine text that was not recognised shares the clusters of what it imitates. The relative factor q̃ of a
grade is its mean probability over that of the cluster, limited to [0.5, 2]; the weight is clip(λ·q̃, 1, most copies),
with λ such that the cluster gets the tokens that were allocated to it.

Above the gate copies do not follow quality. Quality is how usual a document is in its language, so what is rare and
real (a dialect, a glossary, scripture) is odd to most of it, and would be built less often for just that.

Where fewer tokens are built than there are, all of the cluster's documents have the same chance.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EDGES = (0.5, 0.75, 0.9)
"""Probabilities of a person at which the next grade begins."""

GRADES = len(EDGES) + 2

UNCOPIED = 0
"""The grade of documents that are not copied."""

LIMITS = (0.5, 2.0)
"""Least and most factor."""

_BOUNDS = np.array([0.0, *EDGES, 1.0])
_MEANS = (_BOUNDS[1:] + _BOUNDS[:-1]) / 2


def grades(p_human: Floats, copied: NDArray[np.bool_]) -> NDArray[np.int8]:
    """The grade of each document, int8[n] in [0, GRADES).

    Args:
        p_human: probability that a person wrote it, float64[n].
        copied: bool[n], whether copies may be made of it.
    """
    return np.where(copied, 1 + np.searchsorted(EDGES, p_human, side="right"), UNCOPIED).astype(np.int8)


def copyable(accepted: Floats) -> Floats:
    """Tokens that copies may be made of, float64[k], of tokens float64[k, GRADES]."""
    return np.delete(accepted, UNCOPIED, axis=1).sum(axis=1)


def grade_weights(accepted: Floats, weight: Floats, most: Floats) -> Floats:
    """The weight of the documents of each cluster and grade.

    Args:
        accepted: tokens of accepted documents, float64[k, GRADES].
        weight: mean weight that each cluster is to have, float64[k], at most what copies of the copyable allow.
        most: copies that its documents may have, float64[k].

    Returns:
        float64[k, GRADES], of mean `weight` over the tokens; equal in clusters of which no copies are made.
    """
    weights = np.repeat(weight[:, None], GRADES, axis=1)
    tokens, total = copyable(accepted), accepted.sum(axis=1)
    boosted = (weight > 1) & (tokens > 0)
    mean = 1.0 + (weight - 1.0)[boosted] * total[boosted] / tokens[boosted]
    share = np.delete(accepted, UNCOPIED, axis=1)[boosted] / tokens[boosted, None]
    weights[boosted] = np.insert(_poured(share, np.minimum(mean, most[boosted]), most[boosted]), UNCOPIED, 1.0, axis=1)
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
