"""Shares of clusters and sources, run against run: new and gone ones, the tail, and how far the mixtures moved."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import scipy

from curate.comparison.changes import PLAIN, POINTS, counted, judged
from curate.comparison.runs import Run, differing
from curate.metrics.catalogue import BY_NAME, Metric
from curate.metrics.shares import js_divergence
from curate.report.tables import JsonDict

BUILT = ("detector", "thresholds", "reference")
"""Artefacts that the shares of what was built rest on."""
DIVERGENCE = BY_NAME["cluster_divergence"]
_ONE_SIDED = 0.99865  # of three standard errors
_SURELY_THERE = -math.log(1 - _ONE_SIDED)
"""Documents expected from which on none at all is no chance: e to the minus that."""

Rows = Mapping[Any, JsonDict]


def clusters(runs: Sequence[Run]) -> JsonDict:
    """Cluster shares, where the runs have the same clusters.

    Returns:
        `comparable`; if not, `why`; else `rows`: {cluster, terms, tail (in the first run), documents, kept, reference,
        before, after (each of every run), and the change of after}, the largest change first; `lost` and `born`:
        clusters that only the first, or the last, run has kept documents of; `numbers`: the tail's share, and how far
        the mixtures that came in and that were built have moved.
    """
    why = _incomparable(runs)
    if why:
        return {"comparable": False, "why": why, "rows": [], "lost": [], "born": [], "numbers": []}
    found: list[Rows] = [{row["cluster"]: row for row in run.report["clusters"]} for run in runs]
    rows = []
    for cluster in sorted({cluster for each in found for cluster in each}):
        each = [clusters.get(cluster, {}) for clusters in found]
        after = [row.get("after") or 0.0 for row in each]
        rows.append(
            {
                "cluster": cluster,
                "terms": next((row["terms"] for row in reversed(each) if row.get("terms")), []),
                "tail": bool(each[0].get("tail")),
                "documents": [row.get("documents", 0) for row in each],
                "kept": [row.get("kept", 0) for row in each],
                "reference": [row.get("reference") for row in each],
                "before": [row.get("before") or 0.0 for row in each],
                "after": after,
                **_share_change(after, runs),
            }
        )
    tail = [row for row in rows if row["tail"]]
    label = "share of the tokens built in the tail clusters of the first run"
    tail_shares = [sum(row["after"][place] for row in tail) for place in range(len(runs))]
    moved = [_moved("clusters", rows, name, runs) for name in ("before", "after")]
    numbers = [_number("tail_share", label, tail_shares, runs), *moved]
    return {
        "comparable": True,
        "why": "",
        "rows": sorted(rows, key=lambda row: (-abs(row["difference"]), row["cluster"])),
        "lost": [_lost(row, runs) for row in rows if row["kept"][0] and not row["kept"][-1]],
        "born": [_lost(row, runs) for row in rows if row["kept"][-1] and not row["kept"][0]],
        "numbers": [number for number in numbers if number["difference"] is not None],
    }


def sources(runs: Sequence[Run]) -> JsonDict:
    """Source shares of what came in and of what was built.

    Reports list their largest sources only. What one that is cut short does not list is not known, so mixtures are then
    compared by the sources that all runs list, and by all of the others together.

    Returns:
        `complete`: whether the reports list all of their sources; `rows`: {source, fate (new, gone or None), documents,
        kept, before, after (each of every run, None where its report may have left the source out), and the change of
        after}, the largest change first; `numbers`: how far the mixtures have moved and, of complete reports, the
        shares of new and gone sources.
    """
    found: list[Rows] = [{row["source"]: row for row in run.report["sources"]} for run in runs]
    whole = [run.report.get("sources_total", len(rows)) <= len(rows) for run, rows in zip(runs, found, strict=True)]
    rows = []
    for source in {source: None for each in reversed(found) for source in each}:
        each = [of_run.get(source, {}) for of_run in found]
        known = [bool(row) or all_listed for row, all_listed in zip(each, whole, strict=True)]
        shares = {
            name: [
                _part(row.get(column, 0), run.report["totals"][column]) if listed else None
                for row, run, listed in zip(each, runs, known, strict=True)
            ]
            for name, column in (("before", "tokens"), ("after", "output_tokens"))
        }
        fate = "new" if source not in found[0] else "gone" if source not in found[-1] else None
        rows.append(
            {
                "source": source,
                "fate": fate if all(known) else None,
                "documents": _where(known, [row.get("documents", 0) for row in each]),
                "kept": _where(known, [row.get("kept", 0) for row in each]),
                **{name: [value if value is None else round(value, 6) for value in of] for name, of in shares.items()},
                **_share_change(shares["after"], runs),
            }
        )
    compared = [row for row in rows if None not in row["after"]]
    if not all(whole):
        compared = [*compared, _others(compared, len(runs))]
    numbers = [_moved("sources", compared, name, runs) for name in ("before", "after")]
    for fate in ("new", "gone") if all(whole) else ():
        values = [sum(row["after"][place] for row in rows if row["fate"] == fate) for place in range(len(runs))]
        label = f"share of the tokens built that is of {fate} sources"
        numbers.append(_number(f"{fate}_sources", label, values, runs, POINTS))
    return {
        "complete": all(whole),
        "rows": sorted(
            rows, key=lambda row: (-abs((row["after"][-1] or 0.0) - (row["after"][0] or 0.0)), str(row["source"]))
        ),
        "numbers": [number for number in numbers if number["difference"] is not None],
    }


def _others(rows: Sequence[JsonDict], runs: int) -> JsonDict:
    """The shares of everything that is not in rows."""
    return {
        name: [max(0.0, 1.0 - sum(row[name][place] for row in rows)) for place in range(runs)]
        for name in ("before", "after")
    }


def _part(tokens: float, total: float) -> float:
    return tokens / total if total else 0.0


def _where(known: Sequence[bool], values: Sequence[int]) -> list[int | None]:
    return [value if listed else None for value, listed in zip(values, known, strict=True)]


def _incomparable(runs: Sequence[Run]) -> str:
    ids = [run.artefacts.get("centroids") for run in runs]
    for run, id in zip(runs, ids, strict=True):
        if id is None or not run.report["clusters"]:
            return f"{run.name} has no clusters (mixture.enabled gives them)"
    if len(set(ids)) == 1:
        return ""
    return (
        "the runs have fitted clusters of their own (their centroids differ); run the later one with "
        f"--human-reference {runs[0].name}, or with --artefacts {runs[0].name}/artefacts, and both have the same"
    )


def _kept(runs: Sequence[Run]) -> list[int]:
    return [run.report["totals"]["kept_documents"] for run in runs]


def _share_change(values: Sequence[float | None], runs: Sequence[Run], metric: Metric = PLAIN) -> JsonDict:
    kept = _kept(runs)
    noise = counted("share", values[0], values[-1], [kept[0], kept[-1]])
    return {"kind": "share", "differing": differing(runs, BUILT), **judged(metric, values[0], values[-1], noise)}


def _number(name: str, label: str, values: list[float], runs: Sequence[Run], metric: Metric = PLAIN) -> JsonDict:
    rounded = [round(value, 6) for value in values]
    return {"name": name, "label": label, "values": rounded, "n": _kept(runs), **_share_change(values, runs, metric)}


def _moved(what: str, rows: Sequence[JsonDict], name: str, runs: Sequence[Run]) -> JsonDict:
    """Jensen–Shannon divergence of each run's shares from the first one's, against what sampling makes of equal ones.

    Of equal shares, 8·ln 2·JS / (1/n + 1/m) is about χ² of as many degrees as there are shares but one (the first term
    of its Taylor series, as of the G test).
    """
    came_in = name == "before"
    documents = [run.documents for run in runs] if came_in else _kept(runs)
    shares = [[row[name][place] for row in rows] for place in range(len(runs))]
    values = [js_divergence(shares[0], own) for own in shares]
    n, noise = (documents[0], documents[-1]), None
    if min(n) > 0:
        degrees = max(1, sum(1 for row in rows if row[name][0] or row[name][-1]) - 1)
        noise = float(scipy.special.chdtri(degrees, 1 - _ONE_SIDED)) / (8 * math.log(2)) * (1 / n[0] + 1 / n[1])
    side = "what came in" if came_in else "what was built"
    return {
        "name": f"{what}_{name}",
        "label": f"Jensen–Shannon divergence of the shares of {what} in {side} from the first run's (bits)",
        "kind": "number",
        "values": [value if value is None else round(value, 6) for value in values],
        "n": documents,
        "differing": [] if came_in else differing(runs, BUILT),
        **judged(DIVERGENCE, values[0], values[-1], noise),
    }


def _lost(row: JsonDict, runs: Sequence[Run]) -> JsonDict:
    """A cluster that one of two runs has no kept document of, and whether that many can be missing by chance."""
    side, other = (0, -1) if row["kept"][0] else (-1, 0)
    read = [run.documents for run in runs]
    expected = row["kept"][side] * read[other] / read[side] if read[side] else 0.0
    return {
        "cluster": row["cluster"],
        "terms": row["terms"],
        "kept": row["kept"][side],
        "read": row["documents"][other],
        "by_chance": expected <= _SURELY_THERE,
    }
