"""Whether a corpus is collapsing, in words: its metrics against those of its trusted human documents."""

from collections.abc import Mapping, Sequence
from typing import Any

from curate.metrics.catalogue import ALERT, OK
from curate.metrics.slices import ACCEPTED, INPUT
from curate.report.words import count, decimal, percent, plural

TOLD = 5
"""Signs that are told of a slice, the worst first."""

OF_A_RUN = {INPUT: "as it is read", ACCEPTED: "as it is built"}
OF_DOCUMENTS = {ACCEPTED: "these documents"}
"""Slices that are judged → what they are called."""


def collapse_words(section: Mapping[str, Any], slices: Mapping[str, str] = OF_A_RUN) -> list[str]:
    """The answer for every slice, a line each, and one for each of the worst signs; none where nothing was measured.

    Args:
        section: `metrics` of report.json.
        slices: `OF_A_RUN` or `OF_DOCUMENTS`.
    """
    lines = [line for name, called in slices.items() for line in _told(section["rows"], name, called)]
    return ["is this corpus collapsing?", *lines] if lines else []


def _told(rows: Sequence[Mapping[str, Any]], name: str, called: str) -> list[str]:
    found = [(row, row["slices"][name]) for row in rows if name in row["slices"]]
    compared = [(row, number) for row, number in found if number["band"] is not None]
    if not compared:
        return [f"  {called}: cannot be told, too few trusted human documents to compare with"] if found else []
    signs = sorted(
        ((row, number) for row, number in compared if number["status"] != OK),
        key=lambda sign: (sign[1]["status"] != ALERT, -abs(sign[1]["z"])),
    )
    if not signs:
        return [f"  {called}: no sign of it in {plural(len(compared), 'metric')}"]
    more = f", the worst {TOLD} of them" if len(signs) > TOLD else ""
    head = f"  {called}: signs of it in {count(len(signs))} of {plural(len(compared), 'metric')}{more}"
    return [head, *(f"    {number['status']}: {_sign(row, number)}" for row, number in signs[:TOLD])]


def _sign(row: Mapping[str, Any], number: Mapping[str, Any]) -> str:
    write = percent if row["kind"] == "share" else decimal
    low, high = map(write, number["band"])
    return f"{row['label']}: {write(number['value'])}, in human documents {low} to {high}"
