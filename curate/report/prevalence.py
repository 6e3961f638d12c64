"""Machine text by source and month, what the filter left of it, and both in words."""

from collections.abc import Sequence
from typing import Any

from curate.config import Config
from curate.decisions.reference import Reference
from curate.detector.other import detector_of
from curate.detector.prevalence import Prevalence, densities, estimate
from curate.detector.residual import SourceLeft, residual
from curate.hashing import stage_seed
from curate.report.scores import HUMAN, KEPT_HUMAN, KEPT_OPEN, MACHINE, OPEN, ScoreCounts, alphas
from curate.report.words import count, percent, plural

JsonDict = dict[str, Any]

MOST_PERIODS = 40
"""Sources × months whose prevalence is estimated besides that of whole sources: those with the most documents."""
LEAST_HUMANS = 30
"""Trusted human documents of a source without which its prevalence is not estimated."""
NOTHING_LEFT_OUT: JsonDict = {"sources": [], "sources_total": 0, "documents": 0}
"""`not_estimated` where nothing is."""


def estimates(scores: ScoreCounts, reference: Reference, config: Config) -> JsonDict:
    """Prevalence by source, and by source and month, and the machine text left.

    Human scores differ from source to source more than human from machine: a source is only estimated against
    trusted human documents of its own, and left out without enough of them. Documents of known origin are counted, not
    estimated.

    Args:
        scores: histograms of all documents.
        reference: what they were decided with.
        config: settings.

    Returns:
        `prevalence`: {source, month, n, estimate, low, high, sampled_low, sampled_high, least, human_n, calibration}
        for each source (month None) and for its months; `total`: {n, sources, estimate, low, high, least, calibration}
        of all estimated sources, or None; `not_estimated`: {sources (the largest), sources_total, documents};
        `beta_res`: see `curate.detector.residual.residual`, None for a detector that stored no scores of machine text.
    """
    machine = detector_of(config).machine_scores() if config.synthetic.enabled else None
    if machine is None or not scores.cells:
        return {"prevalence": [], "total": None, "not_estimated": NOTHING_LEFT_OUT, "beta_res": None}
    edges, largest = reference.score_edges(config), set(scores.months()[:MOST_PERIODS])
    rows: list[JsonDict] = []
    left: list[SourceLeft] = []
    missing: dict[str | None, int] = {}
    for source, part in scores.by_source().items():
        human = part.total(HUMAN)
        if human.sum() < LEAST_HUMANS:
            missing[source or None] = sum(int(part.total(kind).sum()) for kind in (OPEN, HUMAN, MACHINE))
            continue
        for month in (None, *sorted(month for of, month in largest if of == source)):
            seed = stage_seed(config.run.seed, f"prevalence {source} {month or ''}")
            found = estimate(part.total(OPEN, month), human, machine, edges, seed)
            known = (int(part.total(kind, month).sum()) for kind in (HUMAN, MACHINE))
            rows.append(_row(source, month, found.with_known(*known), int(human.sum()), reference.calibration.id))
            if month is None and any(machine.documents):
                parts, kept_human = densities(human, machine, edges), int(part.total(KEPT_HUMAN).sum())
                kept, levels = part.total(KEPT_OPEN), part.levels[source]
                left.append(SourceLeft(source or None, found, parts, kept, kept_human, levels))
    return {
        "prevalence": rows,
        "total": _total(rows, reference.calibration.id),
        "not_estimated": {
            "sources": sorted(missing, key=lambda source: (-missing[source], source or ""))[:MOST_PERIODS],
            "sources_total": len(missing),
            "documents": sum(missing.values()),
        },
        "beta_res": residual(left, alphas(config), config.mixture.synthetic_cap),
    }


def residual_words(residual: JsonDict) -> str:
    """How much machine text is left, against the cap."""
    return (
        f"an estimated {percent(residual['value'])} ({percent(residual['low'])} to {percent(residual['high'])}) of "
        f"{plural(residual['n'], 'scored document')} kept is undeclared machine text, over "
        f"mixture.synthetic_cap ({percent(residual['cap'], 0)})"
    )


def option_words(option: JsonDict) -> str:
    """What an option does, and what it costs."""
    cost = f"{count(option['human'])} human documents and {count(option['machine'])} of machines"
    reached = f"leaves {percent(option['beta_res'])}"
    match option["option"]:
        case "alpha":
            return f"synthetic.alpha_suspect={option['alpha']:g} holds another {cost}: {reached}"
        case "thin":
            kept = f"keeping {percent(option['keep'], 0)} of the suspects at α = {option['alpha']:g}"
            return f"{kept} takes out {cost}: {reached}"
        case "drop":
            return f"leaving out {_named(option['sources'])} loses {cost}: {reached}"
        case _:
            read = f"reviewing the {plural(option['documents'], 'most suspicious kept document')}"
            return f"{read} finds {count(option['machine'])} of machines: {reached}"


def warnings(residual: JsonDict | None) -> list[str]:
    """What a run has to say of the machine text that it left: a warning and the options, or nothing."""
    if residual is None or not residual["over"]:
        return []
    return [residual_words(residual), *map(option_words, residual["options"])]


def _row(source: str, month: str | None, found: Prevalence, people: int, calibration: str) -> JsonDict:
    return {
        "source": source or None,
        "month": month,
        "n": found.documents,
        "estimate": found.share,
        "low": found.low,
        "high": found.high,
        "sampled_low": found.sampled_low,
        "sampled_high": found.sampled_high,
        "least": found.least,
        "human_n": people,
        "calibration": calibration,
    }


def _total(rows: Sequence[JsonDict], calibration: str) -> JsonDict | None:
    """The shares of the sources weighted by their documents; the ends as if all sources erred the same way."""
    sources = [row for row in rows if row["month"] is None]
    n = sum(row["n"] for row in sources)
    if not n:
        return None
    mean = {name: sum(row[name] * row["n"] for row in sources) / n for name in ("estimate", "low", "high", "least")}
    return {"n": n, "sources": len(sources), **mean, "calibration": calibration}


def _named(sources: Sequence[str | None], most: int = 5) -> str:
    names = ", ".join(source or "documents without a source" for source in sources[:most])
    return names + (f" and {len(sources) - most} more sources" if len(sources) > most else "")
