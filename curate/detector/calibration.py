"""Calibration: scores of trusted human documents per group, and the thresholds that they set (split-conformal).

For a group with n calibration scores the threshold at level α is the ⌈(n + 1)(1 - α)⌉-th smallest, which no more than
a share α of exchangeable human documents exceeds (Vovk et al., 2005; Angelopoulos & Bates, 2021, arXiv 2107.07511).
Which group's threshold a document gets is told in `curate.detector.thresholds`.

A part of the trusted documents checks the threshold that the others set. Where the false-positive rate measured on it
exceeds 2α, the scores of the group are not exchangeable, and it is frozen: no threshold. Else all of them set it.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

HELD_OUT = 0.2
"""Share of the trusted documents that checks the threshold of the others."""

_FREEZE_CHANCE = 0.01


@dataclass(frozen=True)
class Calibration:
    """Calibration scores, ascending float32, per group; plain data.

    Attributes:
        scores: those whose threshold is checked.
        checks: those that check it.
    """

    scores: Mapping[str, NDArray[np.float32]]
    checks: Mapping[str, NDArray[np.float32]]

    @cached_property
    def id(self) -> str:
        """Digest of the scores: the same calibration has the same id."""
        content = json.dumps(self._groups, sort_keys=True, separators=(",", ":"))
        return "calibration-" + hashlib.sha256(content.encode()).hexdigest()[:12]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; `from_dict` gives back an equal calibration."""
        return {"id": self.id, "groups": self._groups}

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> "Calibration":
        """Reads what `to_dict` gave."""
        groups = values["groups"]
        return Calibration(
            {name: np.asarray(group["scores"], dtype=np.float32) for name, group in groups.items()},
            {name: np.asarray(group["checks"], dtype=np.float32) for name, group in groups.items()},
        )

    def human(self, group: str) -> NDArray[np.float32]:
        """All scores of a group, ascending: those that set its thresholds; empty for an unknown group."""
        return self._human.get(group, np.empty(0, np.float32))

    def documents(self, group: str) -> int:
        """Scores that set the thresholds of a group."""
        return len(self.human(group))

    def realised(self, group: str, alpha: float) -> tuple[int, int]:
        """(documents that exceed, documents): those that check a group, against the threshold of its other ones."""
        checks = self.checks.get(group, np.empty(0, np.float32))
        return int(np.sum(checks > conformal_threshold(self.scores.get(group, checks[:0]), alpha))), len(checks)

    def frozen(self, group: str, alpha: float) -> bool:
        """Whether humans outside the calibration of the group exceed its threshold more often than 2α.

        By more than chance: as many exceed it, or more, in less than one of a hundred samples of that size with the
        rate α. Checked once the left-out documents suffice to see such a rate, that is from ⌈1/α⌉ of them.
        """
        return _errs(*self.realised(group, alpha), alpha)

    def frozen_under_parent(self, group: str, alpha: float) -> bool:
        """Whether the humans of a group exceed the threshold of its parent as often.

        A group that is too small for a threshold of its own is judged by its parent's, of which it is a small part.
        """
        return _errs(*self.under_parent(group, alpha), alpha)

    def under_parent(self, group: str, alpha: float) -> tuple[int, int]:
        """(documents that exceed, documents): those of a group, against the threshold of its parent, if it has one."""
        scores = self.human(group)
        return int(np.sum(scores > conformal_threshold(self.human(group.rpartition("/")[0]), alpha))), len(scores)

    @cached_property
    def _human(self) -> dict[str, NDArray[np.float32]]:
        return {
            name: np.sort(np.concatenate([scores, self.checks.get(name, scores[:0])]))
            for name, scores in self.scores.items()
        }

    @cached_property
    def _groups(self) -> dict[str, Any]:
        return {
            name: {"scores": _decimals(self.scores[name]), "checks": _decimals(self.checks[name])}
            for name in sorted(self.scores)
        }


def _errs(above: int, documents: int, alpha: float) -> bool:
    """More than twice as many above the threshold as there should be, and not by chance; only of ⌈1/α⌉ or more."""
    if documents < math.ceil(1 / alpha):
        return False
    by_chance = float(scipy.special.bdtrc(above - 1, documents, alpha))
    return above > 2 * alpha * documents and by_chance < _FREEZE_CHANCE


def conformal_threshold(scores: NDArray[np.float32], alpha: float) -> float:
    """The ⌈(n + 1)(1 - α)⌉-th smallest of ascending scores; NaN if n < ⌈1/α⌉ - 1, where no such rank exists."""
    rank = math.ceil((len(scores) + 1) * (1 - alpha) - 1e-9)
    return float(scores[rank - 1]) if 1 <= rank <= len(scores) else math.nan


def probability(scores: NDArray[np.floating], platt: tuple[float, float]) -> NDArray[np.float64]:
    """P(machine) at equal classes, 1 / (1 + exp(-(a·s + b))) (Platt, 1999); NaN stays NaN."""
    a, b = platt
    return 0.5 * (1 + np.tanh(0.5 * (a * np.asarray(scores, dtype=np.float64) + b)))


def _decimals(scores: NDArray[np.float32]) -> list[float]:
    """Scores as the shortest decimals that read back to the same float32."""
    return [float(str(score)) for score in scores]
