"""What is to become of a document for itself, before duplicates and mixture: accept, fill, hold or reject."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curate.decisions.actions import DROP as REMOVE
from curate.decisions.actions import HOLD as REVIEW
from curate.decisions.actions import WEIGHT, Actions
from curate.provenance.origin import CLEAR, DROP, NO_ZONE, REAL, SUSPECT, SYNTHETIC

ACCEPT, FILL, HOLD, REJECT = np.int8(0), np.int8(1), np.int8(2), np.int8(3)
"""The verdicts, in the order in which their documents survive as duplicates."""


@dataclass(frozen=True)
class Suspicion:
    """What the detector holds against each document, after calibration; arrays of one length.

    Attributes:
        score: log-odds of machine text, float32; NaN where the detector abstained.
        suspect: threshold above which a document is suspected, float32; NaN where uncalibrated.
        failed: the detector should have scored the document and could not, bool.
        protected: tail cluster, or a language with too few calibration documents: never rejected or held, bool.
    """

    score: NDArray[np.float32]
    suspect: NDArray[np.float32]
    failed: NDArray[np.bool_]
    protected: NDArray[np.bool_]

    def suspected(self) -> NDArray[np.bool_]:
        """Documents above the threshold of suspicion, bool."""
        with np.errstate(invalid="ignore"):
            return self.score > self.suspect

    def uncalibrated(self) -> NDArray[np.bool_]:
        """Documents that have a score and no threshold, or should have a score and have none, bool."""
        return (~np.isnan(self.score) & np.isnan(self.suspect)) | self.failed


@dataclass(frozen=True)
class Zones(Suspicion):
    """All that the detector says of each document.

    Attributes:
        drop: threshold above which it is rejected, float32; NaN where uncalibrated.
        log_odds: calibrated log-odds of machine text, float64; NaN where the detector abstained.
        group: calibration group that the thresholds come from, string; null where there is none.
        group_n: calibration documents in it, int32.
    """

    drop: NDArray[np.float32]
    log_odds: NDArray[np.float64]
    group: pa.Array
    group_n: pa.Array

    def condemned(self) -> NDArray[np.bool_]:
        """Suspected documents above the threshold to drop, bool."""
        with np.errstate(invalid="ignore"):
            return self.suspected() & (self.score > self.drop)

    def threshold(self, reason: NDArray[np.object_]) -> NDArray[np.float32]:
        """The threshold that decided each scored document: that to drop for `detector`, else that of suspicion."""
        threshold = np.where(reason == "detector", self.drop, self.suspect)
        return np.where(np.isnan(self.score), np.float32(np.nan), threshold)

    def zone(self) -> NDArray[np.int8]:
        """The zone of each document as `curate.provenance.origin` names them, int8."""
        zone = np.full(len(self.score), NO_ZONE, dtype=np.int8)
        zone[~np.isnan(self.score) & ~np.isnan(self.suspect)] = CLEAR
        zone[self.suspected()] = SUSPECT
        zone[self.condemned()] = DROP
        return zone


@dataclass(frozen=True)
class Verdicts:
    """The verdict of each document with its reason (null when accepted without doubt) and base weight."""

    verdict: NDArray[np.int8]
    reason: NDArray[np.object_]
    weight: NDArray[np.float64]


def verdicts(
    own: NDArray[np.int8],
    conflict: NDArray[np.bool_],
    copy_of_synthetic: NDArray[np.bool_],
    copy_of_capture: NDArray[np.bool_],
    zones: Zones,
    actions: Actions,
    p_human: NDArray[np.float64],
    fills: bool,
    acts: bool,
    suspect_weight: float,
) -> Verdicts:
    """Gives every document its verdict.

    Zones come from the calibrated thresholds only. Hard evidence comes first: the detector never moves a
    document whose origin is known, and it is never one of two items that conflict.

    Args:
        own: own class of each document, int8.
        conflict: two hard items contradict, of own evidence or of what travelled, bool.
        copy_of_synthetic: a verified copy of a declared machine text, bool.
        copy_of_capture: a verified copy of a text captured before the cut-off, bool.
        zones: the detector's say.
        actions: what becomes of those that it suspects.
        p_human: probability that a person wrote the document, float64: the weight of a suspect that is kept.
        fills: whether declared machine text may fill shortages (the mixture is on); else it is rejected.
        acts: whether synthetic text is filtered at all; else only contradictions are held.
        suspect_weight: least weight of a suspect that is kept at less than 1.
    """
    count = len(own)
    verdict = np.full(count, ACCEPT, dtype=np.int8)
    reason = np.full(count, None, dtype=object)
    weight = np.ones(count, dtype=np.float64)

    declared = (own == SYNTHETIC) & ~conflict
    copied = copy_of_synthetic & ~conflict
    open_to_detector = ~conflict & ~declared & ~copied & ~copy_of_capture & (own != REAL)

    reason[open_to_detector & zones.uncalibrated()] = "uncalibrated"
    suspected = open_to_detector & zones.suspected()
    condemned = suspected & zones.condemned() & ~zones.protected
    action = np.where(condemned, actions.condemned, actions.suspect)
    action = np.where(zones.protected, np.minimum(action, WEIGHT), action)
    reason[suspected] = "suspect"
    reason[condemned] = "detector"
    verdict[suspected & (action == REVIEW)] = HOLD
    verdict[suspected & (action == REMOVE)] = REJECT
    weighted = suspected & (action == WEIGHT)
    weight[weighted] = np.maximum(p_human[weighted], suspect_weight)

    verdict[conflict], reason[conflict] = HOLD, "conflict"
    if fills:
        verdict[declared] = FILL
    elif acts:
        verdict[declared], reason[declared] = REJECT, "declared"
    if fills or acts:  # the mixture would take it for real text
        verdict[copied], reason[copied] = REJECT, "copy_of_synthetic"
    return Verdicts(verdict, reason, weight)
