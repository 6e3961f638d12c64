"""A comparison in plain English: single changes, and all of it for a terminal."""

import textwrap
from collections.abc import Callable, Sequence
from typing import Any

from curate.metrics.catalogue import BY_NAME
from curate.metrics.slices import ACCEPTED, HUMAN, INPUT, SUSPECTED
from curate.report.panel import some
from curate.report.tables import JsonDict
from curate.report.words import count, decimal, listing, percent, plural

WIDTH = 110
REASONS = 15
"""Changes that the terminal shows; the page has all."""
SLICE_WORDS = {
    ACCEPTED: "accepted documents",
    INPUT: "the input",
    HUMAN: "trusted human documents",
    SUSPECTED: "suspected machine text",
}
_STATUS = {"ok": "OK", "warn": "Warning", "alert": "Alert", None: "–"}
_WRITE: dict[str, Callable[[Any], str]] = {"share": percent, "count": count, "number": decimal}


def value_words(kind: str, value: float | None) -> str:
    """A value as its kind says."""
    return _WRITE[kind](value)


def change_words(row: JsonDict) -> str:
    """What has risen or fallen from where to where, and how many times what chance explains that is."""
    first, last = (value_words(row["kind"], row["values"][place]) for place in (0, -1))
    if row["kind"] == "count":  # judged as a share of what was counted
        return f"{row['label']}: {first} of {count(row['n'][0])}, now {last} of {count(row['n'][-1])}{_beyond(row)}"
    # Of distances from human documents, which are told beside it, the difference may have the other sign.
    verb = "rose" if row["values"][-1] > row["values"][0] else "fell"
    return f"{row['label']}: {verb} from {first} to {last}{_beyond(row)}"


def metric_words(row: JsonDict) -> str:
    """The same of a metric of a slice, with the distances from human documents that were compared."""
    text = change_words(row | {"label": f"{row['label']}, in {SLICE_WORDS[row['slice']]}"})
    if row["distances"] is None:
        return text
    low, high = (distance_words(row, row["distances"][place]) for place in (0, -1))
    return f"{text}; distance from human documents {low}, now {high}"


def distance_words(row: JsonDict, distance: float | None) -> str:
    """A distance from human documents with its sign: a share of the human value, or in units of the metric."""
    if distance is None:
        return "–"
    return f"{100 * distance:+.1f}%" if BY_NAME[row["name"]].relative else f"{distance:+.3f}"


def difference_words(row: JsonDict) -> str:
    """The difference with its sign, as it was judged: relative, in percentage points, or in units of the value."""
    difference, relative = row["difference"], row["relative"]
    if difference is None:
        return "–"
    of_human = row.get("distances") is not None
    if of_human and not BY_NAME[row["name"]].relative:
        return f"{difference:+.3f}"
    if of_human or row["kind"] == "share":
        return f"{100 * difference:+.1f} points"
    if row["kind"] == "count":
        return f"{difference:+,.0f}"
    return f"{difference:+.3f}" if relative is None else f"{100 * relative:+.1f}%"


def lost_words(fate: str, rows: Sequence[JsonDict]) -> str:
    """Which clusters only one of two runs has, and whether their documents were read at all."""
    names = some([f"{row['cluster']} ({', '.join(row['terms'][:3]) or 'no terms'})" for row in rows], 5)
    if fate == "born":
        return f"{plural(len(rows), 'cluster')} that the first run kept nothing of: {names}"
    absent = sum(1 for row in rows if not row["read"])
    return f"{plural(len(rows), 'cluster')} lost, {count(absent)} of them not in the input any more: {names}"


def notes(comparison: JsonDict) -> list[str]:
    """What to bear in mind: differing artefacts, clusters that were not compared, and numbers that a run lacks."""
    found = [rest_words(comparison)]
    if not comparison["clusters"]["comparable"]:
        found.append(f"Clusters were not compared: {comparison['clusters']['why']}.")
    rows = [*comparison["figures"], *comparison["metrics"], *comparison["prevalence"]]
    lacking = sum(1 for row in rows if (row["values"][0] is None) != (row["values"][-1] is None))
    if lacking:
        found.append(f"Of the numbers, {count(lacking)} are known of one of the two runs only, and were not judged.")
    return [note for note in found if note]


def rest_words(comparison: JsonDict) -> str:
    """What the runs did not share of their artefacts, and what that means; empty where they shared all."""
    names = [row["name"] for row in comparison["artefacts"] if not row["same"]]
    if not names:
        return ""
    return (
        f"The runs differ in {listing(names)}: changes of what rests on them (marked *) may come from these, and not "
        "from the corpus."
    )


def makings_words(comparison: JsonDict) -> list[str]:
    """What the runs were made of, as far as it differs."""
    lines = []
    inputs = comparison["inputs"]
    shared = sum(1 for row in inputs if row["same"])
    if inputs and shared < len(inputs):
        lines.append(f"Inputs: {plural(len(inputs), 'content')} read, {count(shared)} of them by all runs.")
    for name in ("settings", "versions"):
        rows = comparison[name]
        if rows:
            told = some([f"{row['name']} ({' → '.join(map(setting_words, row['values']))})" for row in rows], 6)
            lines.append(f"{name.capitalize()} that differ: {told}.")
    return lines


def setting_words(value: Any) -> str:
    """A setting or version in at most 40 characters."""
    return textwrap.shorten("none" if value is None else str(value), 40, placeholder="…")


def to_text(comparison: JsonDict) -> str:
    """The comparison for a terminal: counts, panels, the changes that matter, and what they rest on."""
    runs, reasons = comparison["runs"], comparison["reasons"]
    width = max(12, *(min(len(run["name"]), 24) + 2 for run in runs))
    lines = [f"{'':<14}" + "".join(f"{_end(run['name'], 24):>{width}}" for run in runs)]
    for name in ("read", "kept", "held", "dropped"):
        lines.append(f"{name:<14}" + "".join(f"{count(run['counts'][name]):>{width}}" for run in runs))
    lines.append(f"{'tokens built':<14}" + "".join(f"{count(run['output_tokens']):>{width}}" for run in runs))
    for panel in comparison["panels"]:
        lines.append(f"{panel['name']:<14}" + "".join(f"{_STATUS[status]:>{width}}" for status in panel["statuses"]))
    lines.append("")
    if reasons:
        alerts = sum(1 for reason in reasons if reason["status"] == "alert")
        told = f"{plural(alerts, 'alert')}, {plural(len(reasons) - alerts, 'warning')}"
        lines.append(f"Changes beyond chance that are large enough to matter: {told}")
        for reason in reasons[:REASONS]:
            mark = " *" if reason["differing"] else ""
            text = f"{_STATUS[reason['status']]:<8}{reason['section']}: {reason['text']}{mark}"
            lines += textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent=" " * 10)
        if len(reasons) > REASONS:
            lines.append(f"  and {count(len(reasons) - REASONS)} more, on the page")
    else:
        lines.append("Changes beyond chance that are large enough to matter: none")
    for note in [*notes(comparison), *makings_words(comparison)]:
        lines += ["", *textwrap.wrap(note, WIDTH)]
    return "\n".join(map(_printable, lines))


def _printable(line: str) -> str:
    """Names come from the corpus; a terminal obeys control characters."""
    return "".join(character if character.isprintable() else "\ufffd" for character in line)


def _beyond(row: JsonDict) -> str:
    bands = row["bands"]
    return "" if bands is None else f" ({abs(bands):.1f} × chance)"


def _end(name: str, most: int) -> str:
    return name if len(name) <= most else "…" + name[1 - most :]
