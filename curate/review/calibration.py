"""What answers say of the thresholds that held the documents.

Reviewed documents were held because their scores are high, so their scores are no sample of those of people: among the
calibration scores they would lift every threshold by the mere fact that somebody looked. They tell something else: how
many of the people's documents that a threshold has judged lie above it. Of those that calibrated it a share α may.

Of a group (of the calibration), let B documents of unknown origin have been judged and accepted, and M been held, in
strata by cluster. Of the M_c held ones of a stratum those count as answered that come before the first gap in the order
of the queue, which is that of a hash: a random sample of r_c, however much a reviewer skips. Every one of them that
a reviewer calls human stands for M_c / r_c people above the threshold (Horvitz & Thompson, 1952). The threshold that
these people would have set is the weighted conformal one (Tibshirani et al., 2019, arXiv 1904.06019): the least score
that at most N - ⌈(N + 1)(1 - α)⌉ of N = B + people exceed. Where it is larger than the threshold in use, it takes its
place; it never lowers one, since below it nobody has looked.

It understates: among the B accepted documents some are machine text that was missed, and people above the threshold to
drop were not held and not seen. A group with fewer than `MIN_ANSWERS` answers, or with a stratum without any, says
nothing.
"""

import math
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.hashing import UInt64Array, hash_strings, stage_seed

MIN_ANSWERS = 30
"""Answers of a group below which its threshold is left alone."""

OWN_CLASSES = ("trusted_human", "declared_synthetic")
"""Tiers of documents that the threshold does not judge."""


def queue_hash(ids: pa.Array | pa.ChunkedArray, seed: int) -> UInt64Array:
    """The place of held documents within their cluster's part of the queue, uint64[n]: smaller ones come first."""
    return hash_strings(ids, stage_seed(seed, "review"))


def least_thresholds(ledger: pa.Table, verdicts: Mapping[str, str], alpha: float, seed: int) -> dict[str, float]:
    """The thresholds of suspicion that answers ask for, of the groups where they ask for another one.

    Args:
        ledger: columns id, decision, reason, tier, detector_score, threshold, group and cluster; decided without these
            answers.
        verdicts: id → the answer to it, of all documents that are answered.
        alpha: share of the people's documents that may be suspected.
        seed: of the queue.
    """
    judged = ledger.filter(pc.is_valid(ledger["threshold"]))
    judged = judged.filter(pc.invert(pc.is_in(judged["tier"], value_set=pa.array(OWN_CLASSES))))
    found = {}
    for group in sorted(pc.unique(judged["group"]).to_pylist()):
        threshold = _least(judged.filter(pc.equal(judged["group"], group)), verdicts, alpha, seed)
        if threshold is not None:
            found[group] = threshold
    return found


def _least(judged: pa.Table, verdicts: Mapping[str, str], alpha: float, seed: int) -> float | None:
    above = pc.greater(judged["detector_score"], judged["threshold"])
    held = pc.and_kleene(
        above, pc.and_kleene(pc.equal(judged["decision"], "held"), pc.equal(judged["reason"], "suspect"))
    )
    spared = pc.and_kleene(above, pc.equal(judged["decision"], "kept"))
    # Where suspects are kept (rare clusters), nobody looks at them: such clusters tell of no one above the threshold.
    open_clusters = pc.unique(judged.filter(spared)["cluster"])
    inside = pc.invert(pc.is_in(judged["cluster"], value_set=open_clusters))
    accepted = pc.and_kleene(inside, pc.and_kleene(pc.invert(above), pc.equal(judged["decision"], "kept")))
    number = pc.sum(accepted).as_py() or 0
    queue = judged.filter(pc.and_kleene(inside, held))
    scores, weights, answers = [], [], 0
    for cluster in pc.unique(queue["cluster"]).to_pylist():
        same = pc.is_null(queue["cluster"]) if cluster is None else pc.equal(queue["cluster"], cluster)
        stratum = queue.filter(same.fill_null(False))
        stratum = stratum.take(pa.array(np.argsort(queue_hash(stratum["id"], seed), kind="stable")))
        said = [verdicts.get(id) for id in stratum["id"].to_pylist()]
        told = [verdict in ("human", "synthetic") for verdict in said]
        sampled = told.index(False) if False in told else len(told)
        if not sampled:
            return None
        answers += sampled
        for verdict, score in zip(said[:sampled], stratum["detector_score"].to_pylist(), strict=False):
            if verdict == "human":
                scores.append(score)
                weights.append(len(told) / sampled)
    if answers < MIN_ANSWERS:
        return None
    return weighted_threshold(np.array(scores), np.array(weights), number, alpha)


def weighted_threshold(
    scores: NDArray[np.float64], weights: NDArray[np.float64], below: int, alpha: float
) -> float | None:
    """The least of the scores that few enough people exceed; None where fewer than that are known to begin with.

    Args:
        scores: of people above the threshold in use.
        weights: how many people each of them stands for.
        below: people at or below that threshold.
        alpha: share that may exceed the threshold.
    """
    number = below + weights.sum()
    allowed = number - math.ceil((number + 1) * (1 - alpha) - 1e-9)
    if weights.sum() <= allowed:
        return None
    order = np.argsort(scores, kind="stable")
    exceeding = weights.sum() - np.cumsum(weights[order])
    return float(scores[order][np.argmax(exceeding <= max(allowed, 0.0) + 1e-9)])


def highest(*asked: Mapping[str, float]) -> dict[str, float]:
    """The largest of the thresholds that are asked for, of every group."""
    return {group: max(least[group] for least in asked if group in least) for group in sorted(set().union(*asked))}


def raised(
    suspect: NDArray[np.float32], group: pa.Array | pa.ChunkedArray, least: Mapping[str, float]
) -> NDArray[np.float32]:
    """Thresholds of suspicion, float32[n], at least those that answers ask for; NaN stays NaN.

    Args:
        suspect: float32[n].
        group: string[n], the group that each is from.
        least: `least_thresholds`.
    """
    if not least:
        return suspect
    index = (
        pc.index_in(group, value_set=pa.array(list(least), pa.string()))
        .fill_null(len(least))
        .to_numpy(zero_copy_only=False)
    )
    floors = np.array([*least.values(), -np.inf], dtype=np.float32)
    return np.maximum(suspect, floors[index])
