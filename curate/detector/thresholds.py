"""Thresholds of documents: those of their groups, with back-off from the special to the general.

A group of at least `min_group` calibration scores sets its own thresholds. A source or a language with fewer takes the
larger of its own and the next more general one's; a source with too few for a threshold takes its largest score for its
own. A cluster or a length bin with fewer says nothing: of the many small ones, the larger threshold is mostly larger by
chance, and the rates of whole languages fall well below the α that was asked for. But where its people exceed the
threshold of its parent more often than 2α, by more than chance, its own larger one holds; with too few scores for one,
it is frozen: it has none.

Where a corpus has too few documents of a language, the human scores that the detector came with (`Detector.fallback`)
stand in for the missing parent: enough to suspect a document, not to drop it.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.detector.calibration import Calibration, conformal_threshold
from curate.detector.groups import GroupNames

SHIPPED = "shipped/"
"""Begins the names of the groups that are the detector's own."""

Scores = Mapping[str, NDArray[np.float32]]


class Thresholds(NamedTuple):
    """Thresholds of n documents; a score above one acts.

    Attributes:
        suspect: float32[n], NaN where there is none.
        drop: float32[n], NaN where there is none.
        group: string[n], the group that the suspect threshold is from, else the language.
        group_n: int32[n], calibration documents of that group.
        language_n: int32[n], calibration documents of the language, the detector's own where they are more.
    """

    suspect: NDArray[np.float32]
    drop: NDArray[np.float32]
    group: pa.Array
    group_n: NDArray[np.int32]
    language_n: NDArray[np.int32]


def thresholds(
    calibration: Calibration,
    names: GroupNames,
    alpha_suspect: float,
    alpha_drop: float,
    min_group: int,
    fallback: Scores,
) -> Thresholds:
    """Looks up the thresholds of documents.

    Args:
        calibration: from trusted human documents.
        names: the groups of each document.
        alpha_suspect: share of human documents that may be suspected.
        alpha_drop: share of human documents that may be dropped.
        min_group: calibration documents below which a group defers to its parent.
        fallback: language → ascending human scores that the detector came with.
    """
    alphas = (alpha_suspect, alpha_drop)
    language = _level(calibration, names.language, alphas, _own_threshold)
    own = [
        _level(calibration, names.cluster, alphas, partial(_own_or_parents, min_group, alpha_suspect)),
        _level(calibration, names.length, alphas, partial(_own_or_parents, min_group, alpha_suspect)),
        _level(calibration, names.source, alphas, _own_or_largest),
        language,
    ]
    levels = [*own, _shipped(fallback, names.language, alpha_suspect)]
    # No group is large enough to speak alone with too few scores for a threshold.
    least_suspect, least_drop = (max(min_group, math.ceil(1 / alpha) - 1) for alpha in alphas)
    suspect, origin = _back_off([(level.counts, level.suspect) for level in levels], least_suspect)
    drop, _ = _back_off([(level.counts, level.drop) for level in own], least_drop)
    # Where a language has no threshold, its sources have too few scores as well: their largest is none.
    none = np.isnan(language.suspect) & np.isnan(levels[-1].suspect)
    suspect[none], origin[none] = np.nan, len(own) - 1
    drop[np.isnan(language.drop) | (language.counts < min_group)] = np.nan
    return Thresholds(
        suspect,
        # Dropping is the graver act: never below the suspect threshold, never without one (NaN wins).
        np.maximum(drop, suspect),
        pc.choose(pa.array(origin), *names, pc.binary_join_element_wise(SHIPPED, names.language, "")),
        np.choose(origin, [level.counts for level in levels]).astype(np.int32),
        np.maximum(language.counts, levels[-1].counts),
    )


class _Level(NamedTuple):
    """What the groups of one level say of n documents: counts int32[n]; thresholds float32[n], NaN for none."""

    counts: NDArray[np.int32]
    suspect: NDArray[np.float32]
    drop: NDArray[np.float32]


def _level(
    calibration: Calibration,
    names: pa.Array,
    alphas: tuple[float, float],
    threshold: Callable[[Calibration, float, str], float],
) -> _Level:
    own: list[Callable[[str], float]] = [partial(threshold, calibration, alpha) for alpha in alphas]
    values = [calibration.documents, *own]
    counts, suspect, drop = _looked_up(names, calibration.scores, values, (0, math.nan, math.nan))
    return _Level(counts.astype(np.int32), suspect, drop)


def _shipped(fallback: Scores, language: pa.Array, alpha: float) -> _Level:
    """The detector's own human scores as the most general level; they drop nothing."""
    values = (lambda name: len(fallback[name]), lambda name: conformal_threshold(fallback[name], alpha))
    counts, suspect = _looked_up(language, fallback, values, (0, math.nan))
    return _Level(counts.astype(np.int32), suspect, np.full_like(suspect, np.nan))


def _looked_up(
    names: pa.Array, known: Iterable[str], values: Sequence[Callable[[str], float]], others: Sequence[float]
) -> NDArray[np.float32]:
    """Some values for every name that is known, asked for once per name that occurs, float32[values, n]."""
    groups = list(known)
    codes = pc.index_in(names, value_set=pa.array(groups, names.type)).fill_null(len(groups)).to_numpy()
    table = np.repeat(np.array(others, dtype=np.float32)[:, None], len(groups) + 1, axis=1)
    for code in np.flatnonzero(np.bincount(codes, minlength=len(groups) + 1)[:-1]).tolist():
        table[:, code] = [value(groups[code]) for value in values]
    return table[:, codes]


def _own_threshold(calibration: Calibration, alpha: float, group: str) -> float:
    """The threshold of a group by itself: infinite where it is frozen, NaN where it has too few scores."""
    return math.inf if calibration.frozen(group, alpha) else conformal_threshold(calibration.human(group), alpha)


def _own_or_parents(min_group: int, alpha_suspect: float, calibration: Calibration, alpha: float, group: str) -> float:
    """The same of a group of sufficient size, and of a smaller one on which its parent errs; others say nothing."""
    if calibration.documents(group) >= min_group:
        return _own_threshold(calibration, alpha, group)
    if not calibration.frozen_under_parent(group, alpha_suspect):
        return math.nan
    own = _own_threshold(calibration, alpha, group)
    return math.inf if math.isnan(own) else own


def _own_or_largest(calibration: Calibration, alpha: float, group: str) -> float:
    """The same, and the largest score where there are too few, NaN where there is none."""
    threshold, scores = _own_threshold(calibration, alpha, group), calibration.human(group)
    return float(scores[-1]) if math.isnan(threshold) and len(scores) else threshold


def _back_off(
    levels: Sequence[tuple[NDArray[np.int32], NDArray[np.float32]]], min_group: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The largest threshold from the most special level up to the first group of sufficient size.

    Args:
        levels: (counts, thresholds) of each level, from special to general.
        min_group: calibration documents that make the back-off stop.

    Returns:
        (float32[n], NaN where there is none or a frozen group rules; the number of the level it is from, int64[n]).
    """
    best = np.full_like(levels[0][1], np.nan)
    origin = np.zeros(len(best), dtype=np.int64)
    undecided = np.ones(len(best), dtype=bool)
    for level, (counts, own) in enumerate(levels):
        larger = undecided & (own > np.where(np.isnan(best), -np.inf, best))
        best[larger], origin[larger] = own[larger], level
        undecided &= np.isnan(own) | (counts < min_group)
    return np.where(np.isinf(best), np.float32(np.nan), best), origin
