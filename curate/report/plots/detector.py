"""What the detector says: its scores and thresholds by language and by group, machine text read, machine text left."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from curate.report.draw import (
    ACCENT,
    GONE,
    HELD,
    INK,
    KEPT,
    NEUTRAL,
    WIDTH,
    beside,
    label,
    legend,
    row_axes,
)
from curate.report.summary import SCORE_BINS
from curate.report.tables import JsonDict
from curate.report.words import count, percent, plural

SOURCES, PERIODS, LANGUAGES, SCORE_BARS = 15, 20, 5, 40
GROUPS, FROZEN = 16, 6
GROUP_ROW = 0.4  # inches of a group: a line of words, and its marks below


def scores(report: JsonDict) -> tuple[Figure, str] | None:
    """Score histograms of the largest languages, trusted human text apart, with the range of their thresholds."""
    rows = [row for row in report["scores"] if row["documents"]][:LANGUAGES]
    if not rows:
        return None
    edges = [edge for row in rows for bins in row["tiers"].values() for edge, _ in bins]
    low, high = min(edges), max(edges) + 1 / SCORE_BINS
    width = max(1, math.ceil((high - low) * SCORE_BINS / SCORE_BARS)) / SCORE_BINS
    figure = Figure(figsize=(WIDTH, 0.75 + 0.95 * len(rows)))
    every = figure.subplots(len(rows), 1, sharex=True, squeeze=False)[:, 0]
    figure.subplots_adjust(
        left=0.17, right=0.95, bottom=0.5 / figure.get_figheight(), top=1 - 0.45 / figure.get_figheight()
    )
    told = []
    for axes, row in zip(every, rows, strict=True):
        human, other = _histogram(row["tiers"], low, width)
        marks = [low + width * i for i in range(len(human) + 1)]
        top = [a + b for a, b in zip(human, other, strict=True)]
        axes.stairs(other, marks, fill=True, color=NEUTRAL, label="others")
        axes.stairs(top, marks, baseline=other, fill=True, color=KEPT, label="trusted human")
        for name, colour, line in (("suspect", HELD, "-"), ("drop", GONE, "--")):
            cuts = sorted(group[name] for group in row["thresholds"] if group.get(name) is not None)
            if cuts:
                axes.axvspan(cuts[0], cuts[-1], color=colour, alpha=0.3, linewidth=0, label=name)
            for group in row["thresholds"]:
                if group["group"] == row["language"] and group.get(name) is not None:
                    axes.axvline(group[name], color=colour, linewidth=1.2, linestyle=line)
        axes.set_ylabel(label(row["language"] or "unknown"), rotation=0, ha="right", va="center")
        axes.set_yticks([])
        axes.set_xlim(low, max(high, low + width))
        axes.set_title(f"n = {count(row['documents'])}", fontsize=9, loc="right", pad=2)
        told.append(f"{row['language'] or 'unknown'} {count(row['documents'])}")
    for axes in every[:-1]:
        axes.tick_params(axis="x", length=0)
    every[-1].set_xlabel("detector score, higher is more machine-like")
    legend(figure, every[0], 4)
    return figure, (
        f"Histograms of the detector score by language: {', '.join(told)} documents. Lines are the "
        "thresholds of a language as a whole; its sources, lengths and topics have their own, and bands reach from the "
        "least to the greatest. Documents above suspect are held or marked, those above drop are dropped."
    )


def _histogram(tiers: JsonDict, low: float, width: float) -> tuple[list[int], list[int]]:
    """Documents of trusted human tier, and of all others, in SCORE_BARS + 1 bars from `low`."""
    human, other = [0] * (SCORE_BARS + 1), [0] * (SCORE_BARS + 1)
    for tier, bins in tiers.items():
        bars = human if tier == "trusted_human" else other
        for edge, number in bins:
            bars[min(SCORE_BARS, int((edge - low) / width + 1e-6))] += number
    return human, other


def thresholds(report: JsonDict) -> tuple[Figure, str] | None:
    """Scores of human documents and the thresholds of calibration groups: frozen ones, then the largest."""
    known = [row for row in report["calibration"].get("groups", []) if row.get("quantiles")]
    frozen = [row for row in known if row["frozen"]][:FROZEN]
    others = sorted((row for row in known if not row["frozen"]), key=lambda row: (-row["n"], row["group"]))
    rows = frozen + others[: GROUPS - len(frozen)]
    if not rows:
        return None
    height = 0.85 + GROUP_ROW * len(rows)
    figure = Figure(figsize=(WIDTH, height))
    axes = figure.add_axes((0.03, 0.5 / height, 0.94, GROUP_ROW * len(rows) / height))
    beyond = axes.get_yaxis_transform()
    places = range(len(rows))
    low, first, middle, third, high = zip(*(row["quantiles"] for row in rows), strict=True)
    axes.hlines(places, low, high, color=NEUTRAL, linewidth=1)
    axes.hlines(places, first, third, color=NEUTRAL, linewidth=4, label="human documents")
    axes.plot(middle, places, "|", markersize=9, color=INK)
    for y, row in enumerate(rows):
        rate = f"{percent(row['fpr'])} of {count(row['fpr_n'])}" if row["fpr_n"] else "unchecked"
        name = label(row["group"], 28) + (" (frozen)" if row["frozen"] else "")
        axes.text(0, y - 0.2, name, transform=beyond, fontsize=9, va="bottom")
        axes.text(1, y - 0.2, f"n {count(row['n'])} · {rate}", transform=beyond, fontsize=9, va="bottom", ha="right")
    for name, marker, colour in (("suspect", "o", HELD), ("drop", "X", GONE)):
        found = [(row[name], y) for y, row in enumerate(rows) if row[name] is not None]
        if found:
            axes.plot(*zip(*found, strict=True), marker, markersize=6, color=colour, label=name)
    axes.set_ylim(len(rows) - 0.7, -0.8)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("detector score, higher is more machine-like")
    legend(figure, axes, 3)
    return figure, (
        f"Scores of trusted human documents and thresholds of {plural(len(rows), 'calibration group')} of "
        f"{count(len(known))}, {count(len(frozen))} of them frozen. n: documents that the thresholds rest on; the "
        "percentage: how many human documents outside the calibration are above suspect. Thick lines hold the middle "
        "half of the human scores, thin ones 90 %."
    )


def prevalence(report: JsonDict) -> tuple[Figure, str] | None:
    """Estimated share of machine text with its interval, for the largest sources and months."""
    rows = sorted(report["prevalence"], key=lambda row: -row["n"])[:PERIODS]
    if not rows:
        return None
    rows.sort(key=lambda row: (str(row.get("source") or ""), str(row.get("month") or "")))
    # The month is never shortened: it tells the rows of a source apart.
    names = [
        " ".join(label(part, most) for part, most in ((row.get("source"), 14), (row.get("month"), 7)) if part) or "all"
        for row in rows
    ]
    figure, axes = row_axes(len(rows), names, most=22)
    places = range(len(rows))
    estimates = [row["estimate"] for row in rows]
    for low, high, width in (("low", "high", 1), ("sampled_low", "sampled_high", 4)):
        axes.hlines(places, [row[low] for row in rows], [row[high] for row in rows], color=NEUTRAL, linewidth=width)
    _shares(axes, rows, "estimate")
    return figure, (
        f"Estimated share of machine text in {plural(len(rows), 'pair')} of source and month: from "
        f"{percent(min(estimates))} to {percent(max(estimates))}. Thick lines are 95 % intervals of sampling, "
        "by which months compare; thin ones allow for machine text that scores unlike the detector's reference; "
        "numbers beside: scored documents."
    )


def residual(report: JsonDict) -> tuple[Figure, str] | None:
    """Estimated machine text left among the kept documents, of all and of the largest sources, against the cap."""
    found = report["calibration"].get("beta_res")
    if not found:
        return None
    sources = found.get("sources", [])[:SOURCES]
    rows = [found, *sources]
    names = ["all", *("(no source)" if row["source"] is None else row["source"] for row in sources)]
    figure, axes = row_axes(len(rows), names, with_legend=True)
    places = range(len(rows))
    axes.hlines(places, [row["low"] for row in rows], [row["high"] for row in rows], color=NEUTRAL, linewidth=2)
    _shares(axes, rows, "value")
    axes.axvline(found["cap"], color=INK, linewidth=1.2, linestyle=":", label="mixture.synthetic_cap")
    legend(figure, axes, 1)
    return figure, (
        f"Estimated share of machine text left among {count(found['n'])} scored documents that were kept (β_res): "
        f"{percent(found['value'])}, 95 % interval {percent(found['low'])} to {percent(found['high'])}, at most "
        f"{percent(found['cap'], 0)} wanted; and of {plural(len(sources), 'source')}. Numbers beside: such documents."
    )


def _shares(axes: Axes, rows: Sequence[JsonDict], name: str) -> None:
    """Dots at the shares of that name, each with its n beside it."""
    axes.plot([row[name] for row in rows], range(len(rows)), "o", markersize=5, color=ACCENT)
    for y, row in enumerate(rows):
        beside(axes, 1.04, y, count(row["n"]), 1.0)
    axes.set_xlim(0, 1.25)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100%"])
    axes.set_xlabel("machine text")
