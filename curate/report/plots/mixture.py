"""The mixture before and after: by cluster, by source, by time, and what the tail keeps of its share."""

import math
from collections.abc import Callable
from typing import Any

from matplotlib.figure import Figure

from curate.report.draw import (
    ACCENT,
    FAINT,
    GONE,
    HELD,
    INK,
    KEPT,
    NEUTRAL,
    beside,
    legend,
    plain_axes,
    row_axes,
)
from curate.report.tables import JsonDict, share
from curate.report.words import count, listing, percent, plural

POINTS = 120  # ranks drawn of a long list of clusters
SOURCES, CLUSTERS = 15, 20
MONTHS = 36
"""Months that are drawn one by one; more are summed by year."""
TICKS, UNDATED = 5, "undated"
ENOUGH = 0.9  # share of its reference below which a cluster is said to be short
SHORTFALLS = {"enough": KEPT, "not enough in the input": NEUTRAL, "limited": HELD, "removed": GONE}
SHORTFALL_WORDS = {
    "not enough in the input": "for which the input held too little text, even had all of it been kept",
    "limited": "held back by the limit on growth or by the token budget",
    "removed": "short through what curation removed, duplicates included",
}


def tail_retained(report: JsonDict) -> tuple[Figure, str] | None:
    """What the tail clusters keep of their reference share, the least first, and why that is less than all of it."""
    base = "before" if any(row["reference"] is None for row in report["clusters"]) else "reference"
    tokens = report["totals"]["output_tokens"]
    kept = [
        (row["after"] / row[base], row["cluster"], _shortfall(row, row[base], tokens))
        for row in report["clusters"]
        if row["tail"] and row[base]
    ]
    if not kept:
        return None
    rows = sorted(kept)[:CLUSTERS]
    figure, axes = row_axes(len(rows), [f"cluster {cluster}" for _, cluster, _ in rows], with_legend=True)
    limit = max(2.0, min(5.0, max(part for part, *_ in rows)))
    seen: set[str] = set()
    for y, (part, _, cause) in enumerate(rows):
        axes.barh(y, min(part, limit), color=SHORTFALLS[cause], height=0.7, label=None if cause in seen else cause)
        beside(axes, limit, y, percent(part, 0), limit)
        seen.add(cause)
    axes.axvline(1.0, color=INK, linewidth=0.8, linestyle=":")
    axes.set_xlim(0, limit * 1.25)
    axes.set_xticks([tick / 2 for tick in range(int(2 * limit) + 1)] if limit <= 2 else range(int(limit) + 1))
    axes.set_xlabel(f"share after ÷ {'reference share' if base == 'reference' else 'share before'}")
    legend(figure, axes, 4)
    low = [cause for part, _, cause in kept if part < ENOUGH]
    numbers = [f"{count(low.count(cause))} {words}" for cause, words in SHORTFALL_WORDS.items() if cause in low]
    return figure, (
        f"Share retained by the {plural(len(rows), 'tail cluster')} that retain least, of {count(len(kept))}: from "
        f"{percent(rows[0][0], 0)} to {percent(rows[-1][0], 0)}; {plural(len(low), 'cluster')} below "
        f"{percent(ENOUGH, 0)}{': ' + listing(numbers) if numbers else ''}."
    )


def _shortfall(row: JsonDict, share: float, output: int) -> str:
    """Why a cluster has less than ENOUGH of its share of the output tokens; a key of SHORTFALLS."""
    if row["after"] >= ENOUGH * share:
        return "enough"
    if row["tokens"] < ENOUGH * share * output:
        return "not enough in the input"
    return "limited" if row.get("cause") == "limit" else "removed"


def cluster_shares(report: JsonDict) -> tuple[Figure, str] | None:
    """Cluster shares ranked by reference: reference, before, after; the tail is shaded."""
    rows = [row for row in report["clusters"] if row["before"] or row["after"] or row["reference"]]
    if not rows:
        return None
    ranked = rows[::-1]
    figure, axes = plain_axes(2.8)
    ranks = _thin(list(range(1, len(ranked) + 1)), max)
    for name, colour in (("reference", NEUTRAL), ("before", GONE), ("after", KEPT)):
        shares = [row[name] or 0.0 for row in ranked]
        if any(shares):
            style: dict[str, Any] = {"marker": "o", "markersize": 3} if len(ranked) <= 40 else {}
            axes.plot(ranks, _thin(shares, _mean_positive), color=colour, linewidth=1.4, label=name, **style)
    tail = [rank for rank, row in enumerate(ranked, 1) if row["tail"]]
    if tail:
        axes.axvspan(tail[0] - 0.5, tail[-1] + 0.5, color=FAINT, zorder=0, label="tail")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
    axes.yaxis.set_minor_formatter("")
    axes.set_ylabel("share of tokens")
    axes.set_xlabel("cluster, largest first")
    legend(figure, axes, 4)
    before, after = (sum(row[name] for row in rows if row["tail"]) for name in ("before", "after"))
    return figure, (
        f"Shares of {plural(len(rows), 'cluster')} before and after curation. The {count(len(tail))} tail clusters "
        f"hold {percent(before)} before and {percent(after)} after."
    )


def source_shares(report: JsonDict) -> tuple[Figure, str] | None:
    """Shares of the tokens before and after, of the sources that have most of either."""
    totals = report["totals"]
    rows = [
        (before, after, "(no source)" if row["source"] is None else row["source"])
        for row in report["sources"]
        if (before := share(row["tokens"], totals["tokens"])) is not None
        and (after := share(row["output_tokens"], totals["output_tokens"])) is not None
    ]
    if not rows:
        return None
    rows = sorted(rows, key=lambda row: (-max(row[:2]), row[2]))[:SOURCES]
    figure, axes = row_axes(len(rows), [name for *_, name in rows], with_legend=True)
    most = max(max(row[:2]) for row in rows)
    for part, colour, offset, name in ((0, NEUTRAL, -0.19, "before"), (1, ACCENT, 0.19, "after")):
        axes.barh([y + offset for y in range(len(rows))], [row[part] for row in rows], 0.36, color=colour, label=name)
    for y, (before, after, _) in enumerate(rows):
        beside(axes, max(before, after), y, f"{percent(before)} → {percent(after)}", most)
    axes.set_xlim(0, most * 1.75)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.set_xlabel("share of tokens")
    legend(figure, axes, 2)
    before, after, name = max(rows, key=lambda row: (abs(row[1] - row[0]), row[2]))
    return figure, (
        f"Shares of tokens of {plural(len(rows), 'source')} before and after curation. {name} moves most: "
        f"from {percent(before)} to {percent(after)}."
    )


def month_shares(report: JsonDict) -> tuple[Figure, str] | None:
    """Shares of the tokens before and after by month of capture, or by year where there are many months."""
    totals = report["totals"]
    dated = [row for row in report["months"] if row["month"] is not None]
    if not dated or not totals["output_tokens"]:
        return None
    length, unit = (7, "month") if len(dated) <= MONTHS else (4, "year")
    parts: dict[str, tuple[float, float]] = {}
    for row in report["months"]:
        name = UNDATED if row["month"] is None else row["month"][:length]
        before, after = parts.get(name, (0.0, 0.0))
        parts[name] = before + row["tokens"] / totals["tokens"], after + row["output_tokens"] / totals["output_tokens"]
    largest = sorted(parts, key=lambda name: (-max(parts[name]), name))[: MONTHS + 1]
    names = sorted(largest, key=lambda name: (name != UNDATED, name))
    figure, axes = plain_axes(2.4)
    for part, colour, offset, label in ((0, NEUTRAL, -0.2, "before"), (1, ACCENT, 0.2, "after")):
        places = [x + offset for x in range(len(names))]
        axes.bar(places, [parts[name][part] for name in names], 0.4, color=colour, label=label)
    step = math.ceil(len(names) / TICKS)
    undated = names[0] == UNDATED
    ticks = [*range(len(names) - 1, step - 1 if undated else -1, -step), *([0] if undated else [])]
    axes.set_xticks(ticks, [names[tick] for tick in ticks])
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
    axes.locator_params(axis="y", nbins=4)
    axes.set_ylabel("share of tokens")
    axes.set_xlabel(f"{unit} of capture")
    legend(figure, axes, 2)
    told = f"Shares of tokens before and after curation in {plural(len(names) - undated, unit)} of capture"
    before, after = parts.get(UNDATED, (0.0, 0.0))
    return figure, f"{told}; undated are {percent(before)} before and {percent(after)} after."


def _thin(values: list[Any], combine: Callable[[list[Any]], Any]) -> list[Any]:
    """At most POINTS values, neighbours combined."""
    step = math.ceil(len(values) / POINTS)
    return [combine(values[start : start + step]) for start in range(0, len(values), step)]


def _mean_positive(shares: list[float]) -> float:
    """Mean share; NaN where nothing is there, which a logarithmic axis leaves out."""
    return sum(shares) / len(shares) if sum(shares) > 0 else math.nan
