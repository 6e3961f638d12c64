"""comparison.json: runs against the first of them, every number before any of it is drawn or told."""

import re
from collections.abc import Sequence

from curate.comparison import numbers, runs, shares
from curate.comparison.runs import Run
from curate.comparison.words import change_words, lost_words, metric_words
from curate.metrics.slices import ACCEPTED, HUMAN, INPUT, SUSPECTED
from curate.report.panel import ALERT, OK, WARN, worst
from curate.report.tables import JsonDict
from curate.report.words import plural

KIND, FORMAT = "comparison", 1
_SECTIONS = ("Mix", "Tail", "Diversity", "Integrity", "Clusters", "Sources", "Machine text", "Flow")
_SLICES = (None, ACCEPTED, INPUT, HUMAN, SUSPECTED)
"""Both in the order in which their changes are told."""


def compare(compared: Sequence[Run]) -> JsonDict:
    """Compares runs.

    Args:
        compared: two or more, the earliest first. The last is judged against the first, so that a slow drift adds up;
            those between are told beside them.

    Returns:
        JSON types: `runs`, `status`, `panels` (status in each run, and which reasons for concern are new or gone),
        `reasons` (what has changed, alerts first), `flow`, `figures`, `metrics`, `prevalence`
        (`curate.comparison.numbers`), `clusters`, `sources` (`curate.comparison.shares`), `artefacts`, `settings`,
        `versions`, `inputs` (`curate.comparison.runs`).
    """
    found: JsonDict = {
        "kind": KIND,
        "format": FORMAT,
        "runs": [_told(run) for run in compared],
        "panels": _panels(compared),
        "flow": numbers.flow(compared),
        "figures": numbers.figures(compared),
        "metrics": numbers.metrics(compared),
        "prevalence": numbers.prevalence(compared),
        "clusters": shares.clusters(compared),
        "sources": shares.sources(compared),
        "artefacts": runs.artefacts(compared),
        "settings": runs.settings(compared),
        "versions": runs.versions(compared),
        "inputs": runs.inputs(compared),
    }
    found["reasons"] = _reasons(found)
    found["status"] = worst([reason["status"] for reason in found["reasons"]])
    return found


def _told(run: Run) -> JsonDict:
    totals, counts = run.report["totals"], run.report["counts"]
    return {
        "name": run.name,
        "finished": run.manifest.get("finished"),
        "status": run.report["status"],
        "counts": {name: counts.get(name, 0) for name in ("read", "kept", "held", "dropped", "errors")},
        "output_tokens": totals["output_tokens"],
    }


def _panels(compared: Sequence[Run]) -> list[JsonDict]:
    """Status of each panel in each run; reasons are the same if they differ in numbers and in what they name only."""
    found = [{panel["name"]: panel for panel in run.report["panels"]} for run in compared]
    rows = []
    for name in found[-1]:
        first, last = (
            {_shape(reason): reason for reason in each.get(name, {}).get("reasons", [])}
            for each in (found[0], found[-1])
        )
        rows.append(
            {
                "name": name,
                "statuses": [each[name]["status"] if name in each else None for each in found],
                "new": [reason for shape, reason in last.items() if shape not in first],
                "gone": [reason for shape, reason in first.items() if shape not in last],
            }
        )
    return rows


def _shape(reason: JsonDict) -> str:
    what = reason.get("what", reason["text"])  # reports written before this was told apart have the text alone
    return re.sub(r"\d[\d,.]*", "0", f"{reason['status']} {what}")


def _reasons(found: JsonDict) -> list[JsonDict]:
    """What has changed: {status, section, slice, text, bands, differing}; alerts first, suspected machine text last."""
    reasons = [_worse(panel) for panel in found["panels"] if _is_worse(panel)]
    rows = [*found["figures"], *found["flow"], *(row for row in found["prevalence"] if row["month"] is None)]
    reasons += [_reason(row, row["section"], change_words(row)) for row in rows if row["status"] in (WARN, ALERT)]
    reasons += [
        _reason(row, row["section"], metric_words(row)) for row in found["metrics"] if row["status"] in (WARN, ALERT)
    ]
    for section, part in (("Clusters", found["clusters"]), ("Sources", found["sources"])):
        changed = [row for row in part["numbers"] if row["status"] in (WARN, ALERT)]
        reasons += [_reason(row, section, change_words(row)) for row in changed]
    for status, fate in ((ALERT, "lost"), (WARN, "born")):
        sure = [row for row in found["clusters"][fate] if not row["by_chance"]]
        if sure:
            reasons.append(_reason({"status": status}, "Clusters", lost_words(fate, sure)))
    return sorted(
        reasons,
        key=lambda reason: (
            reason["status"] != ALERT,
            reason["slice"] == SUSPECTED,
            _SECTIONS.index(reason["section"]),
            _SLICES.index(reason["slice"]),
        ),
    )


def _reason(row: JsonDict, section: str, text: str) -> JsonDict:
    known = {"slice": row.get("slice"), "bands": row.get("bands"), "differing": row.get("differing", [])}
    return {"status": row["status"], "section": section, "text": text, **known}


def _is_worse(panel: JsonDict) -> bool:
    before, after = panel["statuses"][0], panel["statuses"][-1]
    return before is not None and worst([before, after]) != before


def _worse(panel: JsonDict) -> JsonDict:
    before, after = panel["statuses"][0], panel["statuses"][-1]
    new = sum(1 for reason in panel["new"] if reason["status"] == after)
    text = f"the panel is at {_STATUS[after]}, was {_STATUS[before]}, for {plural(new, 'new reason')}"
    return _reason({"status": after}, panel["name"], text)


_STATUS = {OK: "OK", WARN: "a warning", ALERT: "an alert"}
