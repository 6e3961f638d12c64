"""The real-anchored waterfill: how many tokens of each cluster the built corpus holds.

Targets lean towards the tail but stay within floors of the reference; accepted real text meets them, boosted
where the evidence allows; declared synthetic text may fill what is then still short, and nothing else.

What holds of every result (tests/curate/mixture/test_allocation.py):

* G1: without a budget below the accepted real tokens A, r ≥ A in every cluster, and r does not depend on the
  synthetic supply.
* G2, G3: r + s ≥ L·(built tokens), L the floor of the cluster (π in the tail, else (1 − max_head_loss)·π),
  wherever that supply (G5) allows. Where the growth limit, or a budget between A and the growth that the targets
  ask for, leaves no room besides the accepted real text, G1 wins. Every floor missed is listed with its tokens.
* G4: the synthetic share is at most the cap overall, and its own cap in each cluster; zero where A is zero or frozen.
* G5: r ≤ A + (E − 1)·C, C the tokens of A that may be copied, in boosted clusters; else r ≤ A.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from curate.mixture.reference import ClusterReference

Floats = NDArray[np.float64]

_TOLERANCE = 1e-9  # relative: floors missed by rounding only are met
_DECIMALS = 9  # of the weights that reach the ledger


@dataclass(frozen=True)
class AllocationOptions:
    """Settings; the defaults are those of `curate.config.Mixture`, which says what each means."""

    alpha: float = 0.85
    max_head_loss: float = 0.20
    synthetic_cap: float = 0.30
    token_budget: int = 0
    max_copies: int = 4
    growth: float = 1.5
    min_reference: int = 200


@dataclass(frozen=True, eq=False)
class Allocation:
    """Tokens per cluster. All arrays are float64[k] unless noted; k clusters in order of their number.

    Attributes:
        reference: π, the share that each cluster should have; that of the accepted real tokens when `anchored`
            is false.
        anchored: whether the reference had enough documents.
        reference_documents: how many it had.
        target: t, share aimed at, summing to 1.
        floor: L, least share.
        tail: bool[k].
        boosted: bool[k], clusters that the evidence gate lets through.
        accepted: A, tokens of accepted real documents.
        available: S, tokens of admissible synthetic documents.
        cap: β_c, most that the synthetic share of each cluster may be.
        real: r, real tokens to build, copies included.
        synthetic: s, synthetic tokens to build.
        real_weight: r/A, the weight of each accepted real document; 0 where A is 0.
        synthetic_weight: s/S, at most 1; 0 where S is 0.
        missing: tokens below the floor; 0 where it is met.
        cause: str[k], why the floor is missed: "supply", "limit" (growth or budget) or "".
        warnings: what the report should say.
    """

    reference: Floats
    anchored: bool
    reference_documents: int
    target: Floats
    floor: Floats
    tail: NDArray[np.bool_]
    boosted: NDArray[np.bool_]
    accepted: Floats
    available: Floats
    cap: Floats
    real: Floats
    synthetic: Floats
    real_weight: Floats
    synthetic_weight: Floats
    missing: Floats
    cause: NDArray[np.str_]
    warnings: tuple[str, ...]

    @property
    def total(self) -> float:
        """Tokens of the built corpus."""
        return float(self.real.sum() + self.synthetic.sum())

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types for the manifest and the report, one row per cluster."""
        before = self.accepted / max(self.accepted.sum(), 1.0)
        after = (self.real + self.synthetic) / max(self.total, 1.0)
        rows = {
            "cluster": np.arange(len(self.real)),
            "reference": self.reference.round(_DECIMALS),
            "target": self.target.round(_DECIMALS),
            "floor": self.floor.round(_DECIMALS),
            "tail": self.tail,
            "boosted": self.boosted,
            "accepted": self.accepted.round(3),
            "available_synthetic": self.available.round(3),
            "cap": self.cap,
            "real": self.real.round(3),
            "synthetic": self.synthetic.round(3),
            "real_weight": self.real_weight,
            "synthetic_weight": self.synthetic_weight,
            "before": before.round(_DECIMALS),
            "after": after.round(_DECIMALS),
            "missing": self.missing.round(3),
            "cause": self.cause,
        }
        values = zip(*(array.tolist() for array in rows.values()), strict=True)
        return {
            "reference_documents": self.reference_documents,
            "anchored": self.anchored,
            "real_tokens": round(float(self.real.sum()), 3),
            "synthetic_tokens": round(float(self.synthetic.sum()), 3),
            "warnings": list(self.warnings),
            "clusters": [dict(zip(rows, row, strict=True)) for row in values],
        }


def allocate(
    reference: ClusterReference,
    accepted: ArrayLike,
    synthetic: ArrayLike,
    gate: ArrayLike,
    frozen: ArrayLike,
    options: AllocationOptions | None = None,
    caps: ArrayLike | None = None,
    copyable: ArrayLike | None = None,
) -> Allocation:
    """Allocates tokens to clusters.

    Args:
        reference: shares of trusted human text; with fewer documents than `min_reference` the accepted real
            tokens take its place, and nothing is boosted or filled.
        accepted: A, tokens of accepted real documents, [k], ≥ 0.
        synthetic: S, tokens of declared, verified synthetic documents whose rights allow use, [k], ≥ 0.
        gate: bool[k], clusters with enough evidence to be boosted.
        frozen: bool[k], clusters where the detector is not to be trusted: they are not filled.
        options: settings.
        caps: β_c, synthetic share that each cluster may have, [k], in [0, 1); None: that of the options.
        copyable: C, tokens of A that copies may be made of, [k]; None: all.
    """
    options = options or AllocationOptions()
    supply, fill = np.asarray(accepted, dtype=np.float64), np.asarray(synthetic, dtype=np.float64)
    boosted = np.asarray(gate, dtype=bool)
    cap = np.full(len(supply), options.synthetic_cap) if caps is None else np.asarray(caps, dtype=np.float64)
    warnings: list[str] = []
    share, tail = reference.share, reference.tail
    anchored = reference.documents >= max(options.min_reference, 1)
    if not anchored:
        share = supply / max(supply.sum(), 1.0)
        boosted, fill = np.zeros_like(boosted), np.zeros_like(fill)
        warnings.append(
            f"the reference rests on {reference.documents} trusted human documents, fewer than "
            f"{options.min_reference}: shares are those of accepted real text, nothing is boosted or filled"
        )
    target, floor = targets(share, tail, options.alpha, options.max_head_loss)
    spare = supply if copyable is None else np.minimum(np.asarray(copyable, dtype=np.float64), supply)
    most = supply + np.where(boosted, options.max_copies - 1.0, 0.0) * spare
    real, goal = _real_tokens(target, supply, most, options, warnings)
    closed = np.asarray(frozen, dtype=bool)
    room = real.sum() * options.synthetic_cap / (1.0 - options.synthetic_cap)
    if options.token_budget:
        room = min(room, max(options.token_budget - real.sum(), 0.0))
    wanted = np.where(closed, 0.0, np.minimum(fill, np.maximum(goal * target - real, 0.0)))
    made = _fill(np.minimum(wanted, cap / (1.0 - cap) * np.minimum(real, supply)), real, floor, room)
    missing, cause = _missed_floors(floor, real, made, most)
    if missing.any():
        warnings.append(
            f"{np.count_nonzero(missing)} clusters stay below their floor, {missing.sum():.0f} tokens short"
        )
    return Allocation(
        reference=share,
        anchored=anchored,
        reference_documents=reference.documents,
        target=target,
        floor=floor,
        tail=tail,
        boosted=boosted,
        accepted=supply,
        available=fill,
        cap=cap,
        real=real,
        synthetic=made,
        real_weight=_ratio(real, supply),
        synthetic_weight=_ratio(made, fill),
        missing=missing,
        cause=cause,
        warnings=tuple(warnings),
    )


def targets(share: Floats, tail: NDArray[np.bool_], alpha: float, max_head_loss: float) -> tuple[Floats, Floats]:
    """Shares aimed at: max(L, η·π^α), with η such that they sum to 1.

    Returns:
        (target, floor L), float64[k] each; both zero where no cluster has a share.
    """
    floor = np.where(tail, share, (1.0 - max_head_loss) * share)
    if share.sum() <= 0:
        return np.zeros_like(share), floor
    tempered = share**alpha
    scale = _level(tempered, floor, np.full_like(share, np.inf), 1.0)
    target = np.maximum(floor, scale * tempered)
    return target / target.sum() if floor.sum() < 1.0 else floor, floor


def _real_tokens(
    target: Floats, supply: Floats, most: Floats, options: AllocationOptions, warnings: list[str]
) -> tuple[Floats, float]:
    """Real tokens per cluster, and the size T of the corpus that shortages are measured against."""
    budget = float(options.token_budget)
    if budget:
        total = min(budget, most.sum())
        if budget > most.sum():
            warnings.append(f"the budget of {budget:.0f} tokens is above the real supply of {most.sum():.0f}")
        least = supply if budget >= supply.sum() else np.zeros_like(supply)
        return _poured(target, least, most, total), budget
    total = _fixed_point(target, supply, most)
    limit = options.growth * supply.sum()
    if total > limit:
        warnings.append(f"targets ask for {total:.0f} real tokens, limited to {limit:.0f} by the growth allowed")
        total = limit
    return _poured(target, supply, most, total), total


def _fixed_point(target: Floats, supply: Floats, most: Floats) -> float:
    """The smallest T with Σ max(A, min(E·A, T·t)) = T.

    The sum is continuous, piecewise linear and above T to the left of its first crossing: that lies before
    the first breakpoint where the sum is no longer above T, or, beyond all of them, where every cluster is full.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        breaks = np.concatenate([supply / target, most / target])
    start = supply.sum()
    breaks = np.unique(breaks[np.isfinite(breaks) & (breaks > start)])
    low, low_sum = start, np.clip(start * target, supply, most).sum()
    for high in breaks:
        if low_sum <= low * (1 + 1e-15):
            return float(low)
        high_sum = np.clip(high * target, supply, most).sum()
        if high_sum <= high:
            above, below = low_sum - low, high - high_sum
            return float(low + (high - low) * above / (above + below))
        low, low_sum = high, high_sum
    return float(low_sum)


def _poured(target: Floats, least: Floats, most: Floats, total: float) -> Floats:
    """max(least, min(most, λ·t)) with λ such that it sums to `total`, least.sum() ≤ total ≤ most.sum()."""
    with np.errstate(invalid="ignore"):
        poured = np.clip(_level(target, least, most, total) * target, least, most)
    poured = np.where(target > 0, poured, least)
    rest = total - poured.sum()
    if rest > _TOLERANCE * total:  # clusters without a target take what the others cannot
        spare = most - poured
        poured = poured + spare * min(rest / spare.sum(), 1.0) if spare.sum() > 0 else poured
    return poured


def _level(slope: Floats, least: Floats, most: Floats, total: float) -> float:
    """The smallest λ with Σ max(least, min(most, λ·slope)) ≥ total; infinite when no λ reaches it."""
    positive = slope > 0
    with np.errstate(over="ignore"):
        starts, ends = least[positive] / slope[positive], most[positive] / slope[positive]
    breaks = np.concatenate([starts, ends])
    breaks = np.unique(np.concatenate([[0.0], breaks[np.isfinite(breaks)]]))

    def poured(level: float) -> float:
        return float(np.clip(level * slope, least, most).sum())

    low, high = 0, len(breaks)
    while low < high:
        middle = (low + high) // 2
        if poured(breaks[middle]) >= total:
            high = middle
        else:
            low = middle + 1
    if low == 0:
        return 0.0
    start = breaks[low - 1]
    before = poured(start)
    if low == len(breaks):  # beyond all breaks only what has no end rises
        rising = slope[positive][np.isfinite(starts) & np.isinf(ends)].sum()
        return float(start + (total - before) / rising) if rising > 0 else float("inf")
    # Which of them rise between two breaks is not asked: at a break, rounding would answer.
    return float(start + (breaks[low] - start) * (total - before) / (poured(breaks[low]) - before))


def _fill(wanted: Floats, real: Floats, floor: Floats, room: float) -> Floats:
    """Scales the fill down until it fits the room and pushes no cluster that meets its floor below it."""
    amount = wanted.sum()
    if amount <= 0 or room <= _TOLERANCE * real.sum():
        return np.zeros_like(wanted)
    scale = min(1.0, room / amount)
    total = real.sum()
    # Met without fill: r ≥ L·R. With the fill scaled by x: r + x·s ≥ L·(R + x·Σs), linear in x.
    slack = real - floor * total
    strain = floor * amount - wanted
    bound = (slack >= -_TOLERANCE * total) & (strain > 0)
    if bound.any():
        scale = min(scale, float((np.maximum(slack[bound], 0.0) / strain[bound]).min()))
    return wanted * scale


def _missed_floors(floor: Floats, real: Floats, made: Floats, most: Floats) -> tuple[Floats, NDArray[np.str_]]:
    total = real.sum() + made.sum()
    missing = floor * total - (real + made)
    missing = np.where(missing > _TOLERANCE * max(total, 1.0), missing, 0.0)
    short = most < floor * total
    return missing, np.where(missing == 0, "", np.where(short, "supply", "limit"))


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0).round(_DECIMALS)
