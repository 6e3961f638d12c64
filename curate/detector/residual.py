"""Machine text that the filter has left (β_res), and what it would cost to leave less.

β_res is the share of estimated machine documents among those that were kept, after everything that the run decided:
the probability of machine text in each cell of the score histogram, times the documents of the cell that were kept.

People lost to a stricter threshold follow from calibration: of human documents that are kept at level α, a share
(α' - α) / (1 - α) lies above the threshold of α'. Whatever else lies there is machine text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.detector.prevalence import Counts, Densities, Prevalence

JsonDict = dict[str, Any]

THINNED = 0.5
"""Share of the suspects that sampling them down would keep."""


@dataclass(frozen=True)
class SourceLeft:
    """A source as the filter left it.

    Attributes:
        name: of the source; None for documents that name none.
        prevalence: of its open documents, those of known origin left out.
        densities: f0 and f1 of the source.
        kept: int64[lengths, bins], open documents that were kept.
        kept_human: documents known to be human that were kept.
        levels: int64[2, 1 + k], open documents that the detector may hold and how many of them lie above its
            thresholds at each of k levels; in the second row those that were kept.
    """

    name: str | None
    prevalence: Prevalence
    densities: Densities
    kept: Counts
    kept_human: int
    levels: NDArray[np.int64]

    @property
    def documents(self) -> int:
        """Kept documents."""
        return int(self.kept.sum()) + self.kept_human

    def machine(self, share: float | None = None) -> float:
        """Machine documents expected among the kept ones if the open ones have such a share; None: the estimate."""
        share = self.prevalence.share if share is None else share
        return float(np.sum(self.kept * self.densities.posterior(share))) if self.kept.any() else 0.0


def residual(sources: Sequence[SourceLeft], alphas: Sequence[float], cap: float) -> JsonDict | None:
    """β_res of all sources together, with options if it exceeds the cap.

    Args:
        sources: those whose prevalence is estimated.
        alphas: levels of `SourceLeft.levels`, the one in force first.
        cap: most machine text that is to be left.

    Returns:
        {value, low, high, n, machine (documents), cap, over, sources, curve, options}, low and high at the ends of the
        interval of every source's prevalence; sources are {source, n, value, low, high} of those with kept documents,
        the largest first. None where nothing was kept.
    """
    documents = sum(source.documents for source in sources)
    if not documents:
        return None
    machine = sum(source.machine() for source in sources)
    low, high = (sum(s.machine(getattr(s.prevalence, end)) for s in sources) / documents for end in ("low", "high"))
    value = machine / documents
    return {
        "value": value,
        "low": min(low, value),
        "high": max(high, value),
        "n": documents,
        "machine": round(machine),
        "cap": cap,
        "over": value > cap,
        "sources": _by_source(sources),
        "curve": curve(sources, alphas),
        "options": options(sources, alphas, cap) if value > cap else [],
    }


def _by_source(sources: Sequence[SourceLeft]) -> list[JsonDict]:
    """β_res of each source that has kept documents, the largest first."""
    rows = []
    for source in sorted(sources, key=lambda source: (-source.documents, source.name or "")):
        if source.documents:
            found = (None, source.prevalence.low, source.prevalence.high)
            value, low, high = (source.machine(share) / source.documents for share in found)
            ends = {"low": min(low, value), "high": max(high, value)}
            rows.append({"source": source.name, "n": source.documents, "value": value, **ends})
    return rows


def curve(sources: Sequence[SourceLeft], alphas: Sequence[float]) -> list[JsonDict]:
    """At each level, the false-positive rate that calibration holds to and the machine text that would be found.

    Returns:
        {alpha, fpr, tpr} for each level; tpr is None where no machine text is estimated. Over the documents that the
        detector may hold, whatever else was decided about them.
    """
    rows = []
    for place, alpha in enumerate(alphas, start=1):
        found = total = 0.0
        for source in sources:
            judged, above = int(source.levels[0, 0]), int(source.levels[0, place])
            machine = source.prevalence.share * judged if judged else 0.0
            found += float(np.clip(above - alpha * (judged - machine), 0, machine))
            total += machine
        rows.append({"alpha": alpha, "fpr": alpha, "tpr": found / total if total else None})
    return rows


def options(sources: Sequence[SourceLeft], alphas: Sequence[float], cap: float) -> list[JsonDict]:
    """What can be done about machine text that was left: {option, documents, human, machine, beta_res} each.

    `documents` are those that would leave the output (with review: that would be read), of which `human` are people's.
    """
    found = [_stricter(sources, alphas, place) for place in range(2, len(alphas) + 1)]
    found.append(_thinned(sources, alphas))
    found += [option for option in (_without(sources, cap), _reviewed(sources, cap)) if option]
    return found


def _stricter(sources: Sequence[SourceLeft], alphas: Sequence[float], place: int) -> JsonDict:
    human, machine = _beyond(sources, alphas, place)
    return _option("alpha", sources, human, machine) | {"alpha": alphas[place - 1]}


def _thinned(sources: Sequence[SourceLeft], alphas: Sequence[float]) -> JsonDict:
    human, machine = ((1 - THINNED) * part for part in _beyond(sources, alphas, len(alphas)))
    return _option("thin", sources, human, machine) | {"alpha": alphas[-1], "keep": THINNED}


def _beyond(sources: Sequence[SourceLeft], alphas: Sequence[float], place: int) -> tuple[float, float]:
    """Human and machine documents kept now that a stricter level would hold."""
    human = machine = 0.0
    for source in sources:
        judged, beyond = int(source.levels[1, 0]), max(int(source.levels[1, place] - source.levels[1, 1]), 0)
        if not judged:
            continue
        left = source.machine() * judged / source.kept.sum()
        people = min((judged - left) * (alphas[place - 1] - alphas[0]) / (1 - alphas[0]), beyond)
        found = min(beyond - people, left)
        human, machine = human + beyond - found, machine + found
    return human, machine


def _without(sources: Sequence[SourceLeft], cap: float) -> JsonDict | None:
    """Leaves out whole sources, those with most machine text first, until the cap is met; one source has to stay."""
    ranked = sorted(
        (source for source in sources if source.documents),
        key=lambda source: (-source.machine() / source.documents, source.name or ""),
    )
    machine, documents = (sum(values) for values in zip(*((s.machine(), s.documents) for s in ranked), strict=True))
    dropped: list[SourceLeft] = []
    while len(dropped) < len(ranked) - 1 and machine > cap * documents:
        source = ranked[len(dropped)]
        dropped.append(source)
        machine, documents = machine - source.machine(), documents - source.documents
    if not dropped:
        return None
    gone = sum(source.machine() for source in dropped)
    human = sum(source.documents for source in dropped) - gone
    return _option("drop", sources, human, gone) | {"sources": [source.name for source in dropped]}


def _reviewed(sources: Sequence[SourceLeft], cap: float) -> JsonDict | None:
    """Kept documents to read, the most suspicious first, until enough machine text is found; people's stay."""
    chances = np.concatenate([source.densities.posterior(source.prevalence.share).ravel() for source in sources])
    counts = np.concatenate([source.kept.ravel() for source in sources])
    machine, documents = (sum(values) for values in zip(*((s.machine(), s.documents) for s in sources), strict=True))
    needed = (machine - cap * documents) / (1 - cap)
    order = np.argsort(-chances, kind="stable")
    order = order[counts[order] > 0]
    found, read = np.cumsum((chances * counts)[order]), np.cumsum(counts[order])
    last = min(int(np.searchsorted(found, needed)), len(order) - 1)
    surplus = max(found[last] - needed, 0.0) / max(chances[order[last]], 1e-12)
    documents = int(np.ceil(read[last] - surplus - 1e-6))
    return _option("review", sources, 0.0, min(needed, float(found[-1]))) | {"documents": documents}


def _option(name: str, sources: Sequence[SourceLeft], human: float, machine: float) -> JsonDict:
    """An option, and what is left of machine text once it is taken."""
    left = sum(source.machine() for source in sources) - machine
    documents = sum(source.documents for source in sources) - machine - human
    return {
        "option": name,
        "documents": round(human + machine),
        "human": round(human),
        "machine": round(machine),
        "beta_res": max(left, 0.0) / documents if documents > 0 else 0.0,
    }
