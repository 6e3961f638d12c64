"""How much of a source is machine-made: mixture of two score histograms, after Liang et al. (2024, arXiv 2403.07183).

Single scores err often, their distribution much less. The histogram of a source is taken as π·f1 + (1 - π)·f0 with
f0 the scores of trusted human documents and f1 those of known machine text, and π is found by EM. The estimate
leans when the generators at work differ from those behind f1; the lower bound needs f0 only. Both need human
documents that are comparable: those of the same source where it has enough, since genres differ more than classes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

BINS = 20
_SMOOTHING = 0.5  # Dirichlet pseudo-count per bin (Jeffreys), so that an empty bin does not decide
_HALVINGS = 30  # to 1e-9


@dataclass(frozen=True)
class Prevalence:
    """An estimated share of machine-made documents.

    Attributes:
        share: the estimate, 0 to 1.
        low, high: bootstrap interval of the estimate.
        least: lower bound at 95 % confidence that needs no machine text to compare with.
        documents: scored documents that it rests on.
    """

    share: float
    low: float
    high: float
    least: float
    documents: int


def bin_edges(human: NDArray[np.floating], machine: NDArray[np.floating], bins: int = BINS) -> Floats:
    """Inner edges of score bins that hold equal parts of an even mixture of both classes.

    Args:
        human: scores of trusted human documents, NaN left out.
        machine: scores of known machine documents.
        bins: number of bins.

    Returns:
        float64[at most bins - 1], strictly ascending.
    """
    levels = np.arange(1, bins) / bins
    human, machine = human[~np.isnan(human)], machine[~np.isnan(machine)]
    weights = np.concatenate(
        [np.full(len(human), 0.5 / max(len(human), 1)), np.full(len(machine), 0.5 / max(len(machine), 1))]
    )
    scores = np.concatenate([human, machine]).astype(np.float64)
    order = np.argsort(scores, kind="stable")
    below = np.cumsum(weights[order])
    places = np.searchsorted(below, levels * below[-1] - 1e-12)
    return np.unique(scores[order][places])


def histogram(scores: NDArray[np.floating], edges: Floats) -> Counts:
    """Scores per bin, int64[len(edges) + 1]; NaN is left out. Histograms over the same edges add up."""
    scores = np.asarray(scores, dtype=np.float64)
    bins = np.searchsorted(edges, scores[~np.isnan(scores)], side="right")
    return np.bincount(bins, minlength=len(edges) + 1).astype(np.int64)


def count_by(
    keys: Iterable[tuple[str, str]], scores: NDArray[np.floating], edges: Floats
) -> dict[tuple[str, str], Counts]:
    """A histogram for every (source, month), in the order of the keys.

    Args:
        keys: n pairs (source, month as YYYY-MM).
        scores: float[n], NaN where not scored.
        edges: from `bin_edges`.
    """
    rows: dict[tuple[str, str], list[int]] = {}
    for row, key in enumerate(keys):
        rows.setdefault(key, []).append(row)
    return {key: histogram(scores[rows[key]], edges) for key in sorted(rows)}


def merge_counts(
    left: Mapping[tuple[str, str], Counts], right: Mapping[tuple[str, str], Counts]
) -> dict[tuple[str, str], Counts]:
    """Adds the histograms of two parts of a corpus; associative and commutative."""
    keys = sorted(left.keys() | right.keys())
    return {key: np.sum([part[key] for part in (left, right) if key in part], axis=0) for key in keys}


def mixture_share(observed: Counts, human: Counts, machine: Counts) -> float:
    """The share π that makes the observed histogram most likely, by EM; NaN without observations.

    `q_b = π f1_b / (π f1_b + (1 - π) f0_b)`, then `π = Σ n_b q_b / Σ n_b`, until π stands still.
    """
    return float(_mixture_shares(observed[None], _smooth(human)[None], _smooth(machine)[None])[0])


def estimate(
    observed: Counts, human: Counts, machine: Counts, seed: int, replicates: int = 200, coverage: float = 0.95
) -> Prevalence:
    """Estimates a share with its interval: a parametric bootstrap of all three histograms.

    Args:
        observed: int64[bins], histogram of the documents in question.
        human: int64[bins], trusted human documents (f0).
        machine: int64[bins], known machine documents (f1).
        seed: of the bootstrap.
        replicates: bootstrap draws.
        coverage: of the interval.
    """
    total = int(observed.sum())
    if total == 0:
        return Prevalence(float("nan"), 0.0, 1.0, 0.0, 0)
    f0, f1 = _smooth(human), _smooth(machine)
    share = mixture_share(observed, human, machine)
    draw = np.random.default_rng(seed)
    drawn = draw.multinomial(total, share * f1 + (1 - share) * f0, size=replicates)
    humans = draw.multinomial(int(human.sum()), f0, size=replicates)
    machines = draw.multinomial(int(machine.sum()), f1, size=replicates)
    shares = _mixture_shares(drawn, _smooth(humans), _smooth(machines))
    low, high = np.quantile(shares, [(1 - coverage) / 2, (1 + coverage) / 2])
    return Prevalence(share, float(min(low, share)), float(max(high, share)), least_share(observed, human), total)


def least_share(observed: Counts, human: Counts, error: float = 0.05) -> float:
    """A lower bound of π from the mass missing at low scores: `π ≥ max_t 1 - F_obs(t) / F_human(t)`.

    Both distribution functions are moved by their Dvoretzky-Kiefer-Wolfowitz bounds (one-sided, Massart 1990), so
    the bound holds for all t at once with probability 1 - error, if the human documents are comparable.
    """
    if not observed.sum() or not human.sum():
        return 0.0
    observed_above = np.cumsum(observed) / observed.sum() + _dkw(observed.sum(), error / 2)
    human_below = np.cumsum(human) / human.sum() - _dkw(human.sum(), error / 2)
    usable = human_below > 0
    return float(np.max(1 - np.minimum(observed_above[usable], 1) / human_below[usable], initial=0.0))


def beta_res(share: float, true_positive_rate: float, false_positive_rate: float) -> float:
    """Share of machine text that a filter leaves, π(1 - TPR) / (π(1 - TPR) + (1 - π)(1 - FPR)); NaN if nothing is."""
    machine, human = share * (1 - true_positive_rate), (1 - share) * (1 - false_positive_rate)
    return machine / (machine + human) if machine + human > 0 else float("nan")


def _dkw(count: int, error: float) -> float:
    return float(np.sqrt(np.log(1 / error) / (2 * count)))


def _smooth(counts: Counts) -> Floats:
    smoothed = counts + _SMOOTHING
    return smoothed / smoothed.sum(axis=-1, keepdims=True)


def _mixture_shares(observed: Counts, human: Floats, machine: Floats) -> Floats:
    """The fixed point of EM on rows: observed int64[k, bins], human and machine float64[k, bins] → float64[k].

    The likelihood is concave in π, so the fixed point is where its slope Σ w_b (f1_b - f0_b) / (π f1_b + (1 - π) f0_b)
    changes sign, or an end. Halving finds it in a tenth of the steps that EM takes.
    """
    with np.errstate(invalid="ignore"):
        weights = observed / observed.sum(axis=1, keepdims=True)
    gap = machine - human
    low, high = np.zeros(len(observed)), np.ones(len(observed))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        rising = np.sum(weights * gap / (human + middle[:, None] * gap), axis=1) > 0
        low, high = np.where(rising, middle, low), np.where(rising, high, middle)
    return np.where(np.isnan(weights).any(axis=1), np.nan, (low + high) / 2)
