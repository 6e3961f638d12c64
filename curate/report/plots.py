"""The plots of the report, each with a sentence that says what it shows; `curate.report.draw` knows how."""

import math
from collections.abc import Callable
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from curate.report.draw import (
    ACCENT,
    FAINT,
    GONE,
    HELD,
    INK,
    KEPT,
    NEUTRAL,
    STYLE,
    WIDTH,
    beside,
    label,
    legend,
    plain_axes,
    row_axes,
    thousands,
    to_svg,
)
from curate.report.summary import SCORE_BINS
from curate.report.tables import JsonDict
from curate.report.words import STAGES, count, listing, percent, plural

POINTS = 120  # ranks drawn of a long list of clusters
ENOUGH = 0.9  # share of its reference below which a cluster is said to be short
SHORTFALLS = {"enough": KEPT, "not enough in the input": NEUTRAL, "limited": HELD, "removed": GONE}
SHORTFALL_WORDS = {
    "not enough in the input": "for which the input held too little text, even had all of it been kept",
    "limited": "held back by the limit on growth or by the token budget",
    "removed": "short through what curation removed, duplicates included",
}
SOURCES, PERIODS, CLUSTERS, LANGUAGES, SCORE_BARS = 15, 20, 20, 5, 40


def all_plots(report: JsonDict) -> list[JsonDict]:
    """Draws what the report has numbers for.

    Returns:
        {name, title, alt, svg}; svg is markup that holds no script, no external reference and no unescaped text.
    """
    drawn = []
    for name, title, make in PLOTS:
        with matplotlib.rc_context(STYLE | {"svg.hashsalt": name}):
            made = make(report)
            if made is not None:
                figure, alt = made
                drawn.append({"name": name, "title": title, "alt": alt, "svg": to_svg(figure, alt)})
    return drawn


def flow(report: JsonDict) -> tuple[Figure, str] | None:
    """Read → dropped by stage → held → kept, as a waterfall."""
    read = report["totals"]["documents"]
    if not read:
        return None
    steps: dict[tuple[str, str], int] = {}
    for row in report["flow"]:
        if row["decision"] != "kept":
            name = "held for review" if row["decision"] == "held" else f"− {STAGES.get(row['stage'], row['stage'])}"
            steps[name, row["decision"]] = steps.get((name, row["decision"]), 0) + row["documents"]
    bars, left = [("read", 0, read, NEUTRAL)], read
    for (name, decision), number in steps.items():
        left -= number
        bars.append((name, left, number, HELD if decision == "held" else GONE))
    bars.append(("kept", 0, left, KEPT))
    figure, axes = row_axes(len(bars), [name for name, *_ in bars])
    for y, (_, start, number, colour) in enumerate(bars):
        axes.barh(y, number, left=start, color=colour, height=0.7)
        beside(axes, start + number, y, count(number), read)
    axes.set_xlim(0, read * 1.25)
    axes.set_xlabel("documents")
    thousands(axes)
    told = [f"{count(number)} {name.removeprefix('− ')}" for (name, _), number in steps.items()]
    return figure, f"Removal flow: {count(read)} read; removed: {', '.join(told) or 'none'}; {count(left)} kept."


def sources(report: JsonDict) -> tuple[Figure, str] | None:
    """Shares kept, held and dropped of the largest sources."""
    rows = report["sources"][:SOURCES]
    if not rows:
        return None
    names = ["(no source)" if row["source"] is None else row["source"] for row in rows]
    figure, axes = row_axes(len(rows), names, with_legend=True)
    for y, row in enumerate(rows):
        start = 0.0
        for name, colour in (("kept", KEPT), ("held", HELD), ("dropped", GONE)):
            part = row[name] / row["documents"]
            axes.barh(y, part, left=start, color=colour, height=0.7, label=name if y == 0 else None)
            start += part
        beside(axes, 1.0, y, count(row["documents"]), 1.0)
    axes.set_xlim(0, 1.25)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100%"])
    legend(figure, axes, 3)
    least = min(rows, key=lambda row: row["kept"] / row["documents"])
    name = names[rows.index(least)]
    alt = f"Documents kept, held and dropped in {plural(len(rows), 'source')}; the least is kept of {name}"
    return figure, f"{alt}: {percent(least['kept'] / least['documents'])} of {count(least['documents'])}."


def mixture(report: JsonDict) -> tuple[Figure, str] | None:
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


def tail(report: JsonDict) -> tuple[Figure, str] | None:
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
        for name, colour in (("suspect", HELD), ("drop", GONE)):
            cuts = sorted(group[name] for group in row["thresholds"] if group.get(name) is not None)
            if cuts:
                axes.axvspan(cuts[0], cuts[-1], color=colour, alpha=0.3, linewidth=0, label=name)
            for group in row["thresholds"]:
                if group["group"] == row["language"] and group.get(name) is not None:
                    axes.axvline(group[name], color=colour, linewidth=1.2)
        axes.set_ylabel(label(row["language"] or "unknown"), rotation=0, ha="right", va="center")
        axes.set_yticks([])
        axes.set_xlim(low, max(high, low + width))
        axes.set_title(f"n = {count(row['documents'])}", fontsize=9, loc="right", pad=2)
        told.append(f"{row['language'] or 'unknown'} {count(row['documents'])}")
    every[-1].set_xlabel("detector score, higher is more machine-like")
    legend(figure, every[0], 4)
    return figure, (
        f"Histograms of the detector score by language: {', '.join(told)} documents. Lines are the "
        "thresholds of a language as a whole; its sources, lengths and topics have their own, and bands reach from the "
        "least to the greatest. Documents above suspect are held or marked, those above drop are dropped."
    )


def groups(report: JsonDict) -> tuple[Figure, str] | None:
    """Number of duplicate groups by size, in powers of two."""
    sizes = report["duplicates"]["sizes"]
    if not sizes:
        return None
    numbers: dict[int, int] = {}
    for size, number in sizes:
        numbers[int(math.log2(size - 0.5))] = numbers.get(int(math.log2(size - 0.5)), 0) + number
    top = max(numbers)
    names = [_power_label(power) for power in range(top + 1)]
    figure, axes = row_axes(top + 1, names)
    most = max(numbers.values())
    for power in range(top + 1):
        number = numbers.get(power, 0)
        axes.barh(power, number, color=NEUTRAL, height=0.7)
        beside(axes, number, power, count(number), most)
    axes.set_xlim(0, most * 1.25)
    axes.set_xlabel("groups, by documents in a group")
    thousands(axes)
    total = sum(numbers.values())
    return figure, f"Sizes of {plural(total, 'duplicate group')}; the largest has {plural(sizes[-1][0], 'document')}."


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
    for y, row in enumerate(rows):
        axes.plot([row["low"], row["high"]], [y, y], color=NEUTRAL, linewidth=1, solid_capstyle="butt")
        axes.plot([row["sampled_low"], row["sampled_high"]], [y, y], color=NEUTRAL, linewidth=4, solid_capstyle="butt")
        axes.plot([row["estimate"]], [y], marker="o", markersize=5, color=ACCENT, linestyle="none")
        beside(axes, 1.04, y, count(row["n"]), 1.0)
    axes.set_xlim(0, 1.25)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100%"])
    axes.set_xlabel("machine text")
    low, high = min(rows, key=lambda row: row["estimate"]), max(rows, key=lambda row: row["estimate"])
    return figure, (
        f"Estimated share of machine text in {plural(len(rows), 'pair')} of source and month: from "
        f"{percent(low['estimate'])} to {percent(high['estimate'])}. Thick lines are 95 % intervals of sampling, "
        "by which months compare; thin ones allow for machine text that scores unlike that of the detector's reference."
    )


PLOTS: tuple[tuple[str, str, Callable[[JsonDict], tuple[Figure, str] | None]], ...] = (
    ("flow", "What happened to the documents", flow),
    ("tail", "What the tail keeps", tail),
    ("mixture", "Mixture before and after", mixture),
    ("sources", "By source", sources),
    ("scores", "Detector scores and thresholds", scores),
    ("prevalence", "How much is machine text", prevalence),
    ("groups", "Sizes of duplicate groups", groups),
)


def _histogram(tiers: JsonDict, low: float, width: float) -> tuple[list[int], list[int]]:
    """Documents of trusted human tier, and of all others, in SCORE_BARS + 1 bars from `low`."""
    human, other = [0] * (SCORE_BARS + 1), [0] * (SCORE_BARS + 1)
    for tier, bins in tiers.items():
        bars = human if tier == "trusted_human" else other
        for edge, number in bins:
            bars[min(SCORE_BARS, int((edge - low) / width + 1e-6))] += number
    return human, other


def _thin(values: list[Any], combine: Callable[[list[Any]], Any]) -> list[Any]:
    """At most POINTS values, neighbours combined."""
    step = math.ceil(len(values) / POINTS)
    return [combine(values[start : start + step]) for start in range(0, len(values), step)]


def _mean_positive(shares: list[float]) -> float:
    """Mean share; NaN where nothing is there, which a logarithmic axis leaves out."""
    return sum(shares) / len(shares) if sum(shares) > 0 else math.nan


def _power_label(power: int) -> str:
    low, high = 2**power + 1, 2 ** (power + 1)
    return str(high) if low >= high else f"{low:,} – {high:,}"
