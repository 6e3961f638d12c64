"""The numbers that runs have in common: removal flow, figures of the panels, metrics of the slices, prevalence.

Every row has `values` and `n` of each run, and of the last run against the first what
`curate.comparison.changes.judged` says, with `differing`: the artefacts that the number rests on
and that are not the same.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from curate.comparison.changes import NOT_JUDGED, PLAIN, POINTS, counted, estimated, judged, measured
from curate.comparison.runs import Run, differing, named
from curate.metrics.catalogue import BY_NAME, Metric
from curate.metrics.slices import HUMAN, SLICES
from curate.report.tables import JsonDict
from curate.report.words import reason_words

FIGURES = {"divergence": BY_NAME["cluster_divergence"], "prevalence": POINTS, "beta_res": POINTS}
"""Figures of panels that 5 % of their value say little of. Estimates of machine text err by points, not by shares of
themselves: two random halves of one corpus may well differ by more than their intervals of sampling allow for."""
RESTS = {"synthetic": ("detector", "thresholds"), "mixture": ("reference", "centroids")}
"""Artefacts that the decisions of a stage rest on."""
_PER_DOCUMENT = ("compression", "surprise")
_FLOOR = 0.01  # of `curate.metrics.catalogue.change`

Key = tuple[Any, ...]


def flow(runs: Sequence[Run]) -> list[JsonDict]:
    """What became of the documents, by decision, stage and reason, as shares of those read."""
    found: list[Mapping[Key, JsonDict]] = [
        {(row["decision"], row["stage"], row["reason"]): row for row in run.report["flow"]} for run in runs
    ]
    n = [run.documents for run in runs]
    rows = []
    for key in _keys(found):
        documents = [each[key]["documents"] if key in each else 0 for each in found]
        values = [number / total if total else None for number, total in zip(documents, n, strict=True)]
        decision, stage, reason = key
        decided_at = stage or (reason and "synthetic")  # documents kept for a reason were suspected, or not judged
        rows.append(
            {
                "section": "Flow",
                "name": "/".join(str(part) for part in key if part),
                "label": f"{decision}: {reason_words(reason)}" if reason else decision,
                "kind": "share",
                "values": _rounded(values),
                "n": n,
                "documents": documents,
                "differing": differing(runs, RESTS.get(decided_at, ())),
                **_counted(PLAIN, "share", values, _independent(runs, n) if stage == "dedupe" else n),
            }
        )
    return rows


def figures(runs: Sequence[Run]) -> list[JsonDict]:
    """The figures of the panels. Counts are judged as shares of what they are counted from."""
    found: list[Mapping[Key, JsonDict]] = [
        {(panel["name"], figure["name"]): figure for panel in run.report["panels"] for figure in panel["figures"]}
        for run in runs
    ]
    rows = []
    for key in _keys(found):
        each = [figures.get(key) for figures in found]
        known = [figure for figure in each if figure]
        kind = known[-1]["kind"]
        values = _each(each, "value")
        n = [min(figure["n"], run.documents) if figure else 0 for figure, run in zip(each, runs, strict=True)]
        n = _independent(runs, n) if key[1] == "duplicates" else n
        rows.append(
            {
                "section": key[0],
                "name": key[1],
                "label": known[-1]["label"],
                "kind": kind,
                "values": values,
                "n": [figure["n"] if figure else 0 for figure in each],
                "differing": differing(runs, _rests(runs, _each(each, "artefacts"))),
                **_figure_change(FIGURES.get(key[1], PLAIN), kind, each[0], each[-1], n),
            }
        )
    return rows


def metrics(runs: Sequence[Run]) -> list[JsonDict]:
    """The metrics of every slice.

    Those that are measured on parts depend on the size of the parts, which depends on how much human text a run has:
    they are compared as distances from the human documents of their own run. `distances` are shares of the human value
    or, where the catalogue says so, in its units, and so is `difference`. The human documents themselves are compared
    where as many were measured. What is counted over all documents is compared as it is, but for what is counted by
    clusters that differ.
    """
    found: list[Mapping[Key, JsonDict]] = [
        {(row["name"], part): found for row in run.report["metrics"]["rows"] for part, found in row["slices"].items()}
        for run in runs
    ]
    rows = []
    for name, part in ((name, part) for name in BY_NAME for part in SLICES):
        each = [slices.get((name, part)) for slices in found]
        known = [one for one in each if one]
        if not known:
            continue
        metric, human = BY_NAME[name], [slices.get((name, HUMAN)) for slices in found]
        on_parts = any(one["band"] is not None for one in known)
        change = _metric_change(metric, part, (each[0], each[-1]), (human[0], human[-1]), on_parts)
        if metric.fitted == "centroids" and differing(runs, ["centroids"]):
            change = change | NOT_JUDGED
        rows.append(
            {
                "section": metric.panel,
                "name": name,
                "slice": part,
                "label": metric.label,
                "kind": metric.kind,
                "values": _each(each, "value"),
                "n": [one["n"] if one else 0 for one in each],
                "bands_of_human": _each(each, "band"),
                "distances": _each(each, "change") if on_parts and part != HUMAN else None,
                "differing": differing(runs, _rests(runs, _each(each, "artefacts"))),
                **change,
            }
        )
    return rows


def prevalence(runs: Sequence[Run]) -> list[JsonDict]:
    """Estimated machine text by source (month None), and by source and month, with the intervals of sampling."""
    found: list[Mapping[Key, JsonDict]] = [
        {(row["source"], row["month"]): row for row in run.report["prevalence"]} for run in runs
    ]
    rows = []
    for key in sorted(_keys(found), key=lambda key: (str(key[0] or ""), str(key[1] or ""))):
        each = [estimates.get(key) for estimates in found]
        values = _each(each, "estimate")
        ranges = [None if one is None else _rounded([one["sampled_low"], one["sampled_high"]]) for one in each]
        noise = None if None in (each[0], each[-1]) else estimated(values[0], ranges[0], values[-1], ranges[-1])
        rows.append(
            {
                "section": "Machine text",
                "name": "prevalence",
                "source": key[0],
                "month": key[1],
                "label": f"estimated machine text in source {'(none)' if key[0] is None else key[0]}"
                + (f", {key[1]}" if key[1] else ""),
                "kind": "share",
                "values": _rounded(values),
                "intervals": ranges,
                "n": [one["n"] if one else 0 for one in each],
                "differing": differing(runs, RESTS["synthetic"]),
                **judged(POINTS, values[0], values[-1], noise),
            }
        )
    return rows


def _figure_change(
    metric: Metric, kind: str, first: JsonDict | None, last: JsonDict | None, n: Sequence[float]
) -> JsonDict:
    if first is None or last is None or first["value"] is None or last["value"] is None:
        return judged(metric, None, None, None)
    before, after = first["value"], last["value"]
    if kind != "count":
        noise = estimated(before, first.get("interval"), after, last.get("interval"))
        return judged(metric, before, after, counted(kind, before, after, [n[0], n[-1]]) if noise is None else noise)
    rates = [value / of if of else None for value, of in ((before, n[0]), (after, n[-1]))]
    change = _counted(metric, "share", rates, n)
    return change | {"difference": round(after - before, 6), "relative": None}


def _metric_change(
    metric: Metric,
    part: str,
    each: tuple[JsonDict | None, JsonDict | None],
    human: tuple[JsonDict | None, JsonDict | None],
    on_parts: bool,
) -> JsonDict:
    first, last = each
    if first is None or last is None:
        return judged(metric, None, None, None)
    values, n = (first["value"], last["value"]), [first["n"], last["n"]]
    if not on_parts:  # a divergence, which is 0 of equal shares, errs as a share of its size does
        return _counted(metric, "number" if metric.relative else "share", values, n)
    if human[0] is None or human[1] is None or None in (human[0]["value"], human[1]["value"], *values):
        return judged(metric, *values, None)
    people = (human[0]["value"], human[1]["value"])
    own = part == HUMAN  # which has no distance from itself
    scales = [max(abs(value), _FLOOR) if metric.relative and not own else 1.0 for value in people]
    widths = [
        measured(value, one["band"], scale) for value, one, scale in zip(people, (first, last), scales, strict=True)
    ]
    noise = None if widths[0] is None or widths[1] is None else math.hypot(widths[0], widths[1])
    if own:
        sized = metric.name not in _PER_DOCUMENT and n[0] != n[1]
        return judged(metric, *values, None if sized else noise)
    return judged(metric._replace(relative=False), first["change"], last["change"], noise)


def _counted(metric: Metric, kind: str, values: Sequence[float | None], n: Sequence[float]) -> JsonDict:
    before, after = values[0], values[-1]
    return judged(metric, before, after, counted(kind, before, after, [n[0], n[-1]]))


def _rests(runs: Sequence[Run], ids: Sequence[Sequence[str] | None]) -> list[str]:
    return [name for run, of_run in zip(runs, ids, strict=True) for name in named(run, of_run or ())]


def _independent(runs: Sequence[Run], n: Sequence[int]) -> list[float]:
    """As many documents, that come one by one, tell as much of duplicates as n that come in groups (design effect)."""
    found = []
    for run, documents in zip(runs, n, strict=True):
        sizes = run.report.get("duplicates", {}).get("sizes", [])
        grouped = sum(size * groups for size, groups in sizes)
        found.append(documents * grouped / sum(size**2 * groups for size, groups in sizes) if grouped else documents)
    return found


def _each(found: Sequence[JsonDict | None], name: str) -> list[Any]:
    return [None if one is None else one.get(name) for one in found]


def _keys(found: Sequence[Mapping[Key, Any]]) -> list[Key]:
    """All keys, in the order of the last run, then those that only earlier ones have."""
    return list({key: None for each in reversed(found) for key in each})


def _rounded(values: Sequence[float | None]) -> list[float | None]:
    return [None if value is None else round(value, 6) for value in values]
