"""Probabilities from scores: Platt scaling per calibration group, at equal classes (Platt, 1999).

The machine side is the detector's own: machine text that is known for what it is, a corpus has none of. The human side
is that of the group: where people score high, a high score is no proof. Few scores of a group are filled up with those
of its language, and few of a language with the detector's, as `PRIOR_SCORES` of them.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.detector.calibration import Calibration
from curate.detector.model import Detector
from curate.detector.other import OtherDetector
from curate.detector.thresholds import SHIPPED

PRIOR_SCORES = 50
"""Scores of a group that weigh as much as all of its parent."""

_QUANTILES = 200
_NEWTON_STEPS = 50
_ENOUGH = 1e-9

Floats = NDArray[np.float64]


class Platt(NamedTuple):
    """logit P(machine) = a·score + b at equal classes; float64 or float64[n]."""

    a: float | Floats
    b: float | Floats


def platt_of_groups(groups: pa.Array, calibration: Calibration, detector: Detector | OtherDetector) -> Platt:
    """The coefficients of documents by their groups, each fitted once.

    Args:
        groups: string[n], as `curate.detector.thresholds.thresholds` gives them.
        calibration: human scores per group.
        detector: its reference scores, and its stored coefficients for groups without any.

    Returns:
        float64[n] each; a is at least 0.
    """
    coded = pc.dictionary_encode(groups)
    fitted = [platt_of_group(group, calibration, detector) for group in coded.dictionary.to_pylist()]
    table = np.array([*fitted, (0.0, 0.0)])[coded.indices.fill_null(len(fitted)).to_numpy(zero_copy_only=False)]
    return Platt(table[:, 0], table[:, 1])


def platt_of_group(group: str, calibration: Calibration, detector: Detector | OtherDetector) -> Platt:
    """The coefficients of one group; those stored with the detector where nothing human is known of its language."""
    if group.startswith(SHIPPED):
        levels = [detector.fallback[group.removeprefix(SHIPPED)]]
    else:
        levels = [calibration.human(name) for name in dict.fromkeys((group, group.split("/")[0]))]
    machine = detector.reference_scores("machine")
    if not any(map(len, levels)) or not len(machine):
        return Platt(*detector.platt)
    human, weights, left = [], [], 1.0
    for scores in (*levels, detector.reference_scores("human")):
        share = left * len(scores) / (len(scores) + PRIOR_SCORES)
        if len(scores):
            human.append(_quantiles(scores))
            weights.append(np.full(len(human[-1]), share / len(human[-1])))
            left -= share
    return fit_platt(np.concatenate(human), np.concatenate(weights), _quantiles(machine))


def fit_platt(human: Floats, weights: Floats, machine: Floats) -> Platt:
    """Logistic regression with equal classes and Platt's softened targets, by Newton steps that never go uphill.

    Args:
        human: float64[n], scores of human text.
        weights: float64[n], above 0 in sum.
        machine: float64[m], scores of machine text, m > 0.

    Returns:
        The coefficients; (0, 0), that is no opinion, where human text scores no lower than machine text.
    """
    centre, scale = _moments(np.concatenate([human, machine]))
    x = (np.concatenate([human, machine]) - centre) / scale
    weight = np.concatenate([weights / (2 * weights.sum()), np.full(len(machine), 0.5 / len(machine))])
    target = np.where(np.arange(len(x)) < len(human), 1 / (len(human) + 2), 1 - 1 / (len(machine) + 2))
    design = np.stack([x, np.ones_like(x)], axis=1)
    point = np.zeros(2)
    loss = _loss(design @ point, target, weight)
    for _ in range(_NEWTON_STEPS):
        p = 0.5 * (1 + np.tanh(0.5 * (design @ point)))
        gradient = design.T @ (weight * (p - target))
        curvature = (design * (weight * p * (1 - p))[:, None]).T @ design + 1e-12 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        while (after := _loss(design @ (point - step), target, weight)) > loss:
            step = step / 2
        point, gain, loss = point - step, loss - after, after
        if gain < _ENOUGH:
            break
    slope = point[0] / scale
    return Platt(float(slope), float(point[1] - slope * centre)) if slope > 0 else Platt(0.0, 0.0)


def _loss(logits: Floats, target: Floats, weight: Floats) -> float:
    return float(np.sum(weight * (np.logaddexp(0.0, logits) - target * logits)))


def _moments(scores: Floats) -> tuple[float, float]:
    return float(scores.mean()), float(scores.std()) or 1.0


def _quantiles(scores: NDArray[np.floating]) -> Floats:
    """Ascending scores, thinned to evenly spaced ones where there are many."""
    if len(scores) > _QUANTILES:
        scores = scores[((np.arange(_QUANTILES) + 0.5) / _QUANTILES * len(scores)).astype(np.int64)]
    return scores.astype(np.float64)
