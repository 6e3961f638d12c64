"""Drift: whether a corpus's trusted human documents score as those that its thresholds come from.

Two-sample Kolmogorov–Smirnov test per language: D is the largest distance of the two empirical distribution functions,
its p-value the asymptotic one (Kolmogorov's distribution). With many documents every difference is significant, so that
a warning needs a distance that matters as well.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

LEAST_DISTANCE = 0.1
MOST_CHANCE = 0.01


@dataclass(frozen=True)
class Drift:
    """The comparison of one language.

    Attributes:
        language: whose documents are compared.
        distance: D, between 0 and 1.
        p: chance of so large a distance between samples of one distribution.
        n: trusted human documents of the corpus.
        stored_n: calibration documents.
    """

    language: str
    distance: float
    p: float
    n: int
    stored_n: int

    def drifted(self) -> bool:
        """Whether the thresholds cannot be relied on in this language."""
        return self.distance > LEAST_DISTANCE and self.p < MOST_CHANCE

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {**asdict(self), "drifted": self.drifted()}


def measure_drift(
    own: Mapping[str, NDArray[np.float32]], stored: Mapping[str, NDArray[np.float32]], languages: Iterable[str]
) -> list[Drift]:
    """Compares the languages that both sides know.

    Args:
        own: group → scores of the corpus's trusted human documents.
        stored: group → those that thresholds come from, in any order.
        languages: names of the groups to compare.
    """
    found = []
    for language in sorted(languages):
        left, right = (np.sort(side.get(language, np.empty(0, np.float32))) for side in (own, stored))
        if len(left) and len(right):
            distance = _distance(left, right)
            size = len(left) * len(right) / (len(left) + len(right))
            p = float(scipy.special.kolmogorov(np.sqrt(size) * distance))
            found.append(Drift(language, round(distance, 6), round(p, 6), len(left), len(right)))
    return found


def _distance(left: NDArray[np.float32], right: NDArray[np.float32]) -> float:
    """The largest distance of the distribution functions of ascending scores."""
    points = np.concatenate([left, right])
    below = [np.searchsorted(side, points, side="right") / len(side) for side in (left, right)]
    return float(np.max(np.abs(below[0] - below[1])))
