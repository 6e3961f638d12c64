"""How much of a source is machine-made: mixture of score histograms, after Liang et al. (2024, arXiv 2403.07183).

Single scores err often, their distribution much less. Among documents of one length, scores are distributed as
π·f1 + (1 - π)·f0 with f0 the scores of trusted human documents of the source and f1 those of known machine text, and
one π for all lengths is found by EM. Length is held fixed because the scores of both classes depend on it.

f0 is measured where it is used. f1 is carried over from the detector's reference documents, and that is the weak point:
a generator or a genre that the reference lacks scores otherwise. Two things are done about it. A source whose people
score higher than those of the reference gets an f1 that is moved up as far: machine text is not taken to lie nearer to
human text there than where the detector was measured, so that an odd genre does not read as a share of machine text.
And the interval includes how far machine text of different domains lies above human text of the same domain. The lower
bound needs f0 only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

BINS = 12
"""Few: noise in f0 that the mixture can fit reads as machine text (40 bins: +.04 at π = .1; 12: no bias)."""
_EMPTY = 0.25  # pseudo-count of a bin, so that an empty one does not decide
_POOLED = 200.0  # documents that the distribution over all lengths weighs against that of one length
_HALVINGS = 25  # to 3e-8
_LEAST_OF_LENGTH = 10  # human documents that tell how people score at a length
_LEAST_OF_DOMAIN = 15  # documents of each class that make a domain count for the spread
_LEAST_DOMAINS = 5


@dataclass(frozen=True)
class Prevalence:
    """An estimated share of machine-made documents.

    Attributes:
        share: the estimate, 0 to 1, not below `least`.
        low, high: 95 % interval: sampling of all three distributions, and transfer of f1 to another domain.
        sampled_low, sampled_high: the part of it that is sampling: 95 % if machine text here scores as the reference's.
        least: lower bound at 95 % confidence that needs no machine text to compare with.
        documents: scored documents that it rests on.
    """

    share: float
    low: float
    high: float
    sampled_low: float
    sampled_high: float
    least: float
    documents: int

    def with_known(self, human: int, machine: int) -> "Prevalence":
        """The prevalence once documents of known origin are added to the estimated ones."""
        documents = self.documents + human + machine
        if not documents:
            return self

        def whole(share: float) -> float:
            return (machine + (share * self.documents if self.documents else 0.0)) / documents

        shares = {name: whole(share) for name, share in vars(self).items() if name != "documents"}
        return Prevalence(**shares, documents=documents)


@dataclass(frozen=True)
class MachineScores:
    """Scores of known machine text, by length bin.

    Attributes:
        quantiles: evenly spaced quantiles of each length bin, float[q].
        documents: machine documents behind them, int[lengths].
        human: scores (or their quantiles) of the human documents beside them, of all lengths.
        spread: standard deviation between domains of how far machine text lies above human text (`transfer_spread`).
    """

    quantiles: Sequence[NDArray[np.floating]]
    documents: Sequence[int]
    human: NDArray[np.floating]
    spread: float

    def counts(self, edges: Floats, shifts: Floats) -> Floats:
        """Documents expected per cell if all scores were higher by each of k shifts, float64[k, lengths, bins]."""
        bins, rows = len(edges) + 1, np.arange(len(shifts))[:, None]
        counts = np.zeros((len(shifts), len(self.quantiles), bins))
        for length, (quantiles, documents) in enumerate(zip(self.quantiles, self.documents, strict=True)):
            if len(quantiles):
                moved = np.asarray(quantiles, dtype=np.float64) + shifts[:, None]
                cells = rows * bins + np.searchsorted(edges, moved, side="right")
                found = np.bincount(cells.ravel(), minlength=len(shifts) * bins).reshape(len(shifts), bins)
                counts[:, length] = found * (documents / len(quantiles))
        return counts


@dataclass(frozen=True)
class Densities:
    """Shares of the score bins among human and machine documents of each length, float64[lengths, bins]."""

    human: Floats
    machine: Floats

    def posterior(self, share: float) -> Floats:
        """Probability of machine text by cell where a share of the documents is machine-made."""
        machine = share * self.machine
        return machine / (machine + (1 - share) * self.human)


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
    if not len(human) + len(machine):
        return np.empty(0)
    human, machine = human[~np.isnan(human)], machine[~np.isnan(machine)]
    if not len(human) + len(machine):
        return np.empty(0)
    weights = np.concatenate(
        [np.full(len(human), 0.5 / max(len(human), 1)), np.full(len(machine), 0.5 / max(len(machine), 1))]
    )
    scores = np.concatenate([human, machine]).astype(np.float64)
    order = np.argsort(scores, kind="stable")
    below = np.cumsum(weights[order])
    places = np.searchsorted(below, levels * below[-1] - 1e-12)
    return np.unique(scores[order][places])


def cells_of(scores: NDArray[np.floating], lengths: NDArray[np.integer], edges: Floats) -> NDArray[np.int64]:
    """The cell of each document in a histogram [lengths, bins] laid out in a row, int64[n].

    Args:
        scores: float[n], none NaN.
        lengths: int[n], number of the length bin.
        edges: from `bin_edges`.
    """
    bins = np.searchsorted(edges, np.asarray(scores, dtype=np.float64), side="right")
    return np.asarray(lengths, dtype=np.int64) * (len(edges) + 1) + bins


def histogram(scores: NDArray[np.floating], lengths: NDArray[np.integer], edges: Floats, length_bins: int) -> Counts:
    """Documents per length and score bin, int64[length_bins, len(edges) + 1]; NaN is left out. Histograms add up."""
    scores, lengths = np.asarray(scores), np.asarray(lengths)
    scored = ~np.isnan(scores)
    cells = cells_of(scores[scored], lengths[scored], edges)
    return np.bincount(cells, minlength=length_bins * (len(edges) + 1)).reshape(length_bins, -1).astype(np.int64)


def mixture_share(observed: Counts, densities: Densities) -> float:
    """The share π that makes the observed histogram most likely, by EM; NaN without observations.

    `q_b = π f1_b / (π f1_b + (1 - π) f0_b)`, then `π = Σ n_b q_b / Σ n_b`, until π stands still.
    """
    return float(_mixture_shares(observed[None], densities.human[None], densities.machine[None])[0])


def densities(human: Counts, machine: MachineScores, edges: Floats) -> Densities:
    """f0 and f1 of a source.

    Args:
        human: int64[lengths, bins], trusted human documents of the source.
        machine: the reference of machine text.
        edges: of the bins.
    """
    counts = machine.counts(edges, np.array([_lift(human, machine, edges)]))[0]
    return Densities(_by_length(human), _by_length(counts))


def estimate(
    observed: Counts,
    human: Counts,
    machine: MachineScores,
    edges: Floats,
    seed: int,
    replicates: int = 200,
    coverage: float = 0.95,
) -> Prevalence:
    """Estimates a share with its interval.

    The intervals are parametric bootstraps. Each replicate draws the observed, the human and the machine documents
    anew. For the wide interval it also moves f1 by a normal deviate of the spread between domains, and by any part of
    the way that it was moved up.

    Args:
        observed: int64[lengths, bins], the documents in question, those of known origin left out.
        human: int64[lengths, bins], trusted human documents (f0).
        machine: known machine documents (f1). Without any there is a lower bound only: it is the estimate and its
            lower end, and the upper one is 1.
        edges: of the bins.
        seed: of the bootstrap.
        replicates: bootstrap draws.
        coverage: of the intervals.
    """
    total = int(observed.sum())
    if not total:
        return Prevalence(float("nan"), 0.0, 1.0, 0.0, 1.0, 0.0, 0)
    least = least_share(observed, human)
    if not any(machine.documents):
        return Prevalence(least, least, 1.0, least, 1.0, least, total)
    lift, found = _lift(human, machine, edges), densities(human, machine, edges)
    share = max(mixture_share(observed, found), least)  # where f1 lies too far off, the bound knows better
    draw = np.random.default_rng(seed)
    moved = lift * draw.uniform(size=replicates) + machine.spread * draw.normal(size=replicates)
    ends = []
    for moves in (moved, np.full(replicates, lift)):
        f1 = _by_length(machine.counts(edges, moves))
        drawn = draw.multinomial(
            observed.sum(axis=1), np.broadcast_to(share * found.machine + (1 - share) * found.human, f1.shape)
        )
        humans = draw.multinomial(human.sum(axis=1), np.broadcast_to(found.human, f1.shape))
        machines = draw.multinomial(np.asarray(machine.documents, dtype=np.int64), f1)
        shares = _mixture_shares(drawn, _by_length(humans), _by_length(machines))
        low, high = np.quantile(shares, [(1 - coverage) / 2, (1 + coverage) / 2])
        ends.append((float(min(low, share)), float(max(high, share))))
    (low, high), (sampled_low, sampled_high) = ends
    return Prevalence(
        share,
        min(low, sampled_low),
        max(high, sampled_high),
        sampled_low,
        sampled_high,
        least,
        total,
    )


def least_share(observed: Counts, human: Counts, error: float = 0.05) -> float:
    """A lower bound of π from the mass missing at low scores: `π ≥ max_t 1 - F_obs(t) / F_human(t)`.

    F_human weights the lengths as the observed documents have them; lengths with hardly any human document count as
    if all people scored above t there, which lowers the bound. Both distribution functions are moved by their
    Dvoretzky-Kiefer-Wolfowitz bounds (one-sided, Massart 1990; for F_human with the effective size of the weighted
    sample, 1 / Σ w² / n), so the bound holds for all t at once with a probability of about 1 - error, if the human
    documents are comparable.

    Args:
        observed: int64[lengths, bins], the documents in question.
        human: int64[lengths, bins], trusted human documents.
        error: chance that the bound is above π.
    """
    people = human.sum(axis=1)
    known = people >= _LEAST_OF_LENGTH
    weights = observed.sum(axis=1)[known] / max(observed.sum(), 1)
    if not weights.any():
        return 0.0
    effective = 1 / np.sum(weights**2 / people[known])
    human_below = weights @ (np.cumsum(human[known], axis=1) / people[known, None]) - _dkw(effective, error / 2)
    observed_above = np.cumsum(observed.sum(axis=0)) / observed.sum() + _dkw(observed.sum(), error / 2)
    usable = human_below > 0
    return float(np.max(1 - np.minimum(observed_above[usable], 1) / human_below[usable], initial=0.0))


def transfer_spread(
    scores: NDArray[np.floating], machine: NDArray[np.bool_], domains: NDArray[np.generic] | Sequence[object]
) -> float:
    """How much domains differ in how far machine text lies above human text.

    The standard deviation of the differences between medians, the sampling variance of medians (π σ² / 2n) taken off.

    Args:
        scores: float[n] of documents that the detector was not trained on.
        machine: bool[n].
        domains: n labels.

    Returns:
        The spread; where fewer than five domains have enough of both classes, half the standard deviation of
        all machine scores, about what domains were measured to make up of it.
    """
    codes = np.unique(np.asarray([str(domain) for domain in domains]), return_inverse=True)[1]
    gaps, noise = [], []
    for code in range(codes.max(initial=-1) + 1):
        groups = [scores[(codes == code) & (machine == label)] for label in (False, True)]
        if min(map(len, groups)) >= _LEAST_OF_DOMAIN:
            gaps.append(float(np.median(groups[1]) - np.median(groups[0])))
            noise.append(np.pi / 2 * sum(float(np.var(group)) / len(group) for group in groups))
    if len(gaps) >= _LEAST_DOMAINS:
        return float(np.sqrt(max(np.var(gaps, ddof=1) - np.mean(noise), 0.0)))
    return float(np.std(scores[machine])) / 2 if machine.any() else 0.0


def beta_res(share: float, true_positive_rate: float, false_positive_rate: float) -> float:
    """Share of machine text that a filter leaves, π(1 - TPR) / (π(1 - TPR) + (1 - π)(1 - FPR)); NaN if nothing is."""
    machine, human = share * (1 - true_positive_rate), (1 - share) * (1 - false_positive_rate)
    return machine / (machine + human) if machine + human > 0 else float("nan")


def _lift(human: Counts, machine: MachineScores, edges: Floats) -> float:
    """How far the people of a source score above those of the reference, medians compared; 0 where they do not.

    The median of the source counts with its lower confidence limit, the quantile ½ - 1/√n: chance moves nothing.
    """
    count = int(human.sum())
    if not count or not len(machine.human) or len(edges) < 2:
        return 0.0
    own = _quantile(human.sum(axis=0), edges, max(0.5 - count**-0.5, 0.0))
    beside = np.bincount(np.searchsorted(edges, machine.human, side="right"), minlength=len(edges) + 1)
    return max(0.0, own - _quantile(beside, edges, 0.5))


def _quantile(counts: Counts, edges: Floats, level: float) -> float:
    below = np.cumsum(counts)[:-1] / counts.sum()
    return float(np.interp(level, below, edges))


def _dkw(count: float, error: float) -> float:
    return float(np.sqrt(np.log(1 / error) / (2 * count)))


def _by_length(counts: NDArray[np.number]) -> Floats:
    """Shares of the bins at each length, [..., lengths, bins]; what a length lacks comes from all lengths together."""
    pooled = counts.sum(axis=-2, keepdims=True) + _EMPTY
    pooled = pooled / pooled.sum(axis=-1, keepdims=True)
    smoothed = counts + _POOLED * pooled
    return smoothed / smoothed.sum(axis=-1, keepdims=True)


def _mixture_shares(observed: Counts, human: Floats, machine: Floats) -> Floats:
    """The fixed point of EM: arrays [k, lengths, bins] → float64[k].

    The likelihood is concave in π, so the fixed point is where its slope Σ w_b (f1_b - f0_b) / (π f1_b + (1 - π) f0_b)
    changes sign, or an end. Halving finds it in a tenth of the steps that EM takes.
    """
    rows = len(observed)
    weights, human = observed.reshape(rows, -1).astype(np.float64), human.reshape(rows, -1)
    gap = machine.reshape(rows, -1) - human
    weighted = weights * gap
    low, high = np.zeros(len(observed)), np.ones(len(observed))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        rising = np.sum(weighted / (human + middle[:, None] * gap), axis=1) > 0
        low, high = np.where(rising, middle, low), np.where(rising, high, middle)
    return np.where(weights.any(axis=1), (low + high) / 2, np.nan)
