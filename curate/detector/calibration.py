"""Thresholds that trusted human documents set: split-conformal, per group, with back-off.

A group is language × cluster, language × length bin, or language, from special to general; back-off never leaves a
language. For a group with n calibration scores the threshold at level α is the ⌈(n + 1)(1 - α)⌉-th smallest, which
no more than a share α of exchangeable human documents exceeds (Vovk et al., 2005; Angelopoulos & Bates, 2021,
arXiv 2107.07511). Below `min_group` scores the larger of the group's own and its parent's threshold is taken.

A part of the trusted documents is left out of calibration. Where the false-positive rate measured on it exceeds 2α,
the scores of the group are not exchangeable, and it is frozen: no threshold.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.special
from numpy.typing import NDArray

from curate.hashing import UInt64Array, stage_seed, uniform

LENGTH_EDGES = (50, 100, 200, 500, 1_000)
"""Tokens at which the length bins part."""

LENGTH_BINS = ("0-50", "50-100", "100-200", "200-500", "500-1000", "1000+")
HELD_OUT = 0.2
"""Share of the trusted documents that checks the thresholds instead of setting them."""

_FREEZE_CHANCE = 0.01
_MOST_SCORES = 20_000  # per language and per language × length bin
_MOST_CLUSTER_SCORES = 2_000  # there may be thousands of clusters

Scores = dict[str, tuple[UInt64Array, NDArray[np.float32]]]


def length_bins(tokens: NDArray[np.integer]) -> pa.Array:
    """The length bin of each document.

    Args:
        tokens: int[n].

    Returns:
        string[n], values of `LENGTH_BINS`.
    """
    return pa.array(LENGTH_BINS).take(pa.array(np.searchsorted(LENGTH_EDGES, tokens, side="right")))


@dataclass(frozen=True)
class CalibrationSample:
    """Scores of trusted human documents per group: those with the smallest document hashes.

    Such a sample is uniform, and merging is associative, commutative and idempotent.

    Attributes:
        groups: hashes (ascending) and scores of each group.
    """

    groups: Scores

    @staticmethod
    def collect(
        language: pa.Array, length_bin: pa.Array, cluster: pa.Array, scores: NDArray[np.float32], keys: UInt64Array
    ) -> "CalibrationSample":
        """Samples a block of trusted human documents.

        Args:
            language: string[n], null counts as und.
            length_bin: string[n], from `length_bins`.
            cluster: int or string[n], null where there is none.
            scores: float32[n]; NaN (not scored) is left out.
            keys: uint64[n], hashes of the document ids.
        """
        scored = ~np.isnan(scores)
        levels = []
        for names in _group_names(language, length_bin, cluster):
            coded = pc.dictionary_encode(names.filter(pa.array(scored)))
            levels.append(_split(coded, keys[scored], scores[scored]))
        return CalibrationSample({name: _smallest(name, *part) for level in levels for name, part in level.items()})

    def merge(self, other: "CalibrationSample") -> "CalibrationSample":
        """The sample of both parts of a corpus."""
        merged = dict(self.groups)
        for name, (hashes, scores) in other.groups.items():
            if name in merged:
                hashes = np.concatenate([merged[name][0], hashes])
                scores = np.concatenate([merged[name][1], scores])
            merged[name] = _smallest(name, hashes, scores)
        return CalibrationSample(merged)

    def calibrate(self, seed: int) -> "Calibration":
        """Parts every group by hash into the scores that set thresholds and those that check them."""
        check = stage_seed(seed, "calibration-check")
        groups, checks = {}, {}
        for name in sorted(self.groups):
            hashes, scores = self.groups[name]
            held_out = uniform(hashes, check) < HELD_OUT
            groups[name] = np.sort(scores[~held_out])
            checks[name] = np.sort(scores[held_out])
        return Calibration(groups, checks)


@dataclass(frozen=True)
class Calibration:
    """Calibration scores, ascending float32, per group; plain data.

    Attributes:
        scores: those that set thresholds.
        checks: those that were left out to check them.
    """

    scores: Mapping[str, NDArray[np.float32]]
    checks: Mapping[str, NDArray[np.float32]]

    @cached_property
    def id(self) -> str:
        """Digest of the scores: the same calibration has the same id."""
        content = json.dumps(self._groups(), sort_keys=True, separators=(",", ":"))
        return "calibration-" + hashlib.sha256(content.encode()).hexdigest()[:12]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; `from_dict` gives back an equal calibration."""
        return {"id": self.id, "groups": self._groups()}

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> "Calibration":
        """Reads what `to_dict` gave."""
        groups = values["groups"]
        return Calibration(
            {name: np.asarray(group["scores"], dtype=np.float32) for name, group in groups.items()},
            {name: np.asarray(group["checks"], dtype=np.float32) for name, group in groups.items()},
        )

    def documents(self, group: str) -> int:
        """Scores that set the thresholds of a group."""
        return len(self.scores.get(group, ()))

    def frozen(self, group: str, alpha: float) -> bool:
        """Whether humans outside the calibration of the group exceed its threshold more often than 2α.

        By more than chance: as many exceed it, or more, in less than one of a hundred samples of that size with the
        rate α. Checked once the left-out documents suffice to see such a rate, that is from ⌈1/α⌉ of them.
        """
        check = self.checks.get(group, np.empty(0, np.float32))
        if len(check) < math.ceil(1 / alpha):
            return False
        above = int(np.sum(check > conformal_threshold(self.scores.get(group, check[:0]), alpha)))
        by_chance = float(scipy.special.bdtrc(above - 1, len(check), alpha))
        return above > 2 * alpha * len(check) and by_chance < _FREEZE_CHANCE

    def _groups(self) -> dict[str, Any]:
        return {
            name: {"scores": _decimals(self.scores[name]), "checks": _decimals(self.checks[name])}
            for name in sorted(self.scores)
        }


class Thresholds(NamedTuple):
    """Thresholds of n documents; a score above one acts.

    Attributes:
        suspect: float32[n], NaN where there is none.
        drop: float32[n], NaN where there is none.
        group: string[n], the group that the suspect threshold is from, else the language.
        group_n: int32[n], calibration documents of that group.
        language_n: int32[n], calibration documents of the language.
    """

    suspect: NDArray[np.float32]
    drop: NDArray[np.float32]
    group: pa.Array
    group_n: NDArray[np.int32]
    language_n: NDArray[np.int32]


def thresholds(
    calibration: Calibration,
    language: pa.Array,
    length_bin: pa.Array,
    cluster: pa.Array,
    alpha_suspect: float,
    alpha_drop: float,
    min_group: int,
) -> Thresholds:
    """Looks up the thresholds of documents.

    Args:
        calibration: from trusted human documents.
        language: string[n], null counts as und.
        length_bin: string[n], from `length_bins`.
        cluster: int or string[n], null where there is none.
        alpha_suspect: share of human documents that may be suspected.
        alpha_drop: share of human documents that may be dropped.
        min_group: calibration documents below which a group defers to its parent where that is stricter.
    """
    names = _group_names(language, length_bin, cluster)
    levels = [_level(calibration, level, (alpha_suspect, alpha_drop)) for level in names]
    suspect, origin = _back_off([(level.counts, level.suspect) for level in levels], min_group)
    drop, _ = _back_off([(level.counts, level.drop) for level in levels], min_group)
    return Thresholds(
        suspect,
        # Dropping is the graver act: never below the suspect threshold, never without one (NaN wins).
        np.maximum(drop, suspect),
        pc.choose(pa.array(origin), *names),
        np.choose(origin, [level.counts for level in levels]).astype(np.int32),
        levels[-1].counts,
    )


def conformal_threshold(scores: NDArray[np.float32], alpha: float) -> float:
    """The ⌈(n + 1)(1 - α)⌉-th smallest of ascending scores; NaN if n < ⌈1/α⌉ - 1, where no such rank exists."""
    rank = math.ceil((len(scores) + 1) * (1 - alpha) - 1e-9)
    return float(scores[rank - 1]) if 1 <= rank <= len(scores) else math.nan


def p_values(scores: NDArray[np.floating], human: NDArray[np.floating]) -> NDArray[np.float64]:
    """Conformal p-values (1 + #{human ≥ s}) / (n + 1); NaN stays NaN.

    Args:
        scores: float[m].
        human: float[n], ascending scores of trusted human documents.
    """
    at_least = len(human) - np.searchsorted(human, scores, side="left")
    return np.where(np.isnan(scores), np.nan, (1 + at_least) / (len(human) + 1))


def probability(scores: NDArray[np.floating], platt: tuple[float, float]) -> NDArray[np.float64]:
    """P(machine) at equal classes, 1 / (1 + exp(-(a·s + b))) (Platt, 1999); NaN stays NaN."""
    a, b = platt
    return 0.5 * (1 + np.tanh(0.5 * (a * np.asarray(scores, dtype=np.float64) + b)))


def with_prior(probabilities: NDArray[np.floating], prior: float | NDArray[np.floating]) -> NDArray[np.float64]:
    """Moves probabilities from equal classes to a prior share of machine text: the odds are multiplied."""
    machine = np.asarray(probabilities, dtype=np.float64) * prior
    return machine / (machine + (1 - np.asarray(probabilities, dtype=np.float64)) * (1 - np.asarray(prior)))


class _Level(NamedTuple):
    """What the groups of one level say of n documents: counts int32[n]; thresholds float32[n], NaN for none."""

    counts: NDArray[np.int32]
    suspect: NDArray[np.float32]
    drop: NDArray[np.float32]


def _level(calibration: Calibration, names: pa.Array, alphas: tuple[float, float]) -> _Level:
    """Looks every group up once; documents outside the level (null) have no calibration documents."""
    coded = pc.dictionary_encode(names)
    groups = coded.dictionary.to_pylist()
    codes = coded.indices.fill_null(len(groups)).to_numpy()  # the last entry of each list serves nulls
    counts = [*map(calibration.documents, groups), 0]
    suspect, drop = ([*(_own_threshold(calibration, name, alpha) for name in groups), math.nan] for alpha in alphas)
    return _Level(
        np.array(counts, dtype=np.int32)[codes],
        np.array(suspect, dtype=np.float32)[codes],
        np.array(drop, dtype=np.float32)[codes],
    )


def _own_threshold(calibration: Calibration, group: str, alpha: float) -> float:
    """The threshold of a group by itself: infinite where it is frozen, NaN where it has too few scores."""
    threshold = conformal_threshold(calibration.scores.get(group, np.empty(0, np.float32)), alpha)
    return math.inf if not math.isnan(threshold) and calibration.frozen(group, alpha) else threshold


def _back_off(
    levels: Sequence[tuple[NDArray[np.int32], NDArray[np.float32]]], min_group: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The largest threshold from the most special level up to the first group of sufficient size.

    Args:
        levels: (counts, thresholds) of each level, from special to general.
        min_group: calibration documents that make the back-off stop.

    Returns:
        (float32[n], NaN where there is none or a frozen group rules; the level it is from, else the last one).
    """
    best = np.full_like(levels[0][1], np.nan)
    origin = np.full(len(best), len(levels) - 1)
    undecided = np.ones(len(best), dtype=bool)
    for level, (counts, own) in enumerate(levels):
        larger = undecided & (own > np.where(np.isnan(best), -np.inf, best))
        best[larger], origin[larger] = own[larger], level
        undecided &= np.isnan(own) | (counts < min_group)
    return np.where(np.isinf(best), np.float32(np.nan), best), origin


def _group_names(language: pa.Array, length_bin: pa.Array, cluster: pa.Array) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Names of the groups of each document, special to general; the first is null without a cluster.

    A slash in the name of a language would look like the start of a part of it, so it becomes a dash.
    """
    language = pc.replace_substring(pc.fill_null(language.cast(pa.string()), "und"), "/", "-")
    by_cluster = pc.binary_join_element_wise(language, pc.cast(cluster, pa.string()), "/cluster-")
    return by_cluster, pc.binary_join_element_wise(language, length_bin, "/"), language


def _split(names: pa.DictionaryArray, hashes: UInt64Array, scores: NDArray[np.float32]) -> Scores:
    codes = pc.fill_null(names.indices, -1).to_numpy(zero_copy_only=False)
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(len(names.dictionary) + 1))
    parts = [order[start:end] for start, end in pairwise(bounds)]
    return {name: (hashes[part], scores[part]) for name, part in zip(names.dictionary.to_pylist(), parts, strict=True)}


def _smallest(name: str, hashes: UInt64Array, scores: NDArray[np.float32]) -> tuple[UInt64Array, NDArray[np.float32]]:
    """The scores with the smallest hashes, each hash once."""
    order = np.lexsort((scores, hashes))
    hashes, scores = hashes[order], scores[order]
    first = np.ones(len(hashes), dtype=bool)
    first[1:] = hashes[1:] != hashes[:-1]
    most = _MOST_CLUSTER_SCORES if "/cluster-" in name else _MOST_SCORES
    return hashes[first][:most], scores[first][:most]


def _decimals(scores: NDArray[np.float32]) -> list[float]:
    """Scores as the shortest decimals that read back to the same float32."""
    return [float(str(score)) for score in scores]
