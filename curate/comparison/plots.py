"""The plots of a comparison, each with a sentence that says what it shows; `curate.report.draw` knows how."""

import math
from collections.abc import Callable, Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from curate.comparison.words import value_words
from curate.metrics.slices import ACCEPTED, INPUT
from curate.report.draw import (
    ACCENT,
    FAINT,
    KEPT,
    NEUTRAL,
    STYLE,
    WIDTH,
    label,
    legend,
    plain_axes,
    row_axes,
    to_svg,
)
from curate.report.tables import JsonDict
from curate.report.words import STAGES, count, decimal, listing, percent, plural

SOURCES, TREND_RUNS, MOST_BANDS = 15, 3, 4.0
TRENDS = ("distinct_2", "entropy_2", "tail_1", "vendi", "surprise", "templates")
"""Metrics whose trend is drawn, from three runs on."""
_DECISIONS = ("kept", "held", "dropped")
_LEAST_SHARE = 1e-4


def all_plots(comparison: JsonDict) -> list[JsonDict]:
    """Draws what the comparison has numbers for: {name, title, alt, svg}, as `curate.report.plots.all_plots`."""
    drawn = []
    for name, title, make in PLOTS:
        with matplotlib.rc_context(STYLE | {"svg.hashsalt": name}):
            made = make(comparison)
            if made is not None:
                figure, alt = made
                drawn.append({"name": name, "title": title, "alt": alt, "svg": to_svg(figure, alt)})
    return drawn


def metrics(comparison: JsonDict) -> tuple[Figure, str] | None:
    """The change of every metric of the accepted documents and of the input, in units of what chance explains."""
    known = {(row["name"], row["slice"]): row for row in comparison["metrics"] if row["bands"] is not None}
    names = list(dict.fromkeys(name for name, part in known if part == ACCEPTED))
    if not names:
        return None
    figure, axes = row_axes(len(names), [name.replace("_", " ") for name in names], with_legend=True, most=22)
    axes.axvspan(-1, 1, color=FAINT, zorder=0, label="chance")
    for part, colour, size in ((INPUT, NEUTRAL, 4), (ACCEPTED, ACCENT, 6)):
        points = [(y, known[name, part]["bands"]) for y, name in enumerate(names) if (name, part) in known]
        x = [max(-MOST_BANDS, min(MOST_BANDS, bands)) for _, bands in points]
        axes.plot(x, [y for y, _ in points], "o", color=colour, markersize=size, label=part, clip_on=False)
    axes.set_xlim(-1.1 * MOST_BANDS, 1.1 * MOST_BANDS)
    axes.set_xticks([-4, -2, -1, 0, 1, 2, 4], ["≤−4", "−2", "−1", "0", "1", "2", "≥4"])
    axes.set_xlabel("change ÷ what chance explains")
    legend(figure, axes, 3)
    rows = [known[name, ACCEPTED] for name in names]
    outside = [row for row in rows if abs(row["bands"]) > 1]
    largest = max(rows, key=lambda row: abs(row["bands"]))
    return figure, (
        f"Changes of {plural(len(rows), 'metric')} of the accepted documents: {count(len(outside))} by more than "
        f"chance explains; the largest, of {largest['label']}, is {decimal(abs(largest['bands']), 1)} times that. "
        "Beyond four times they are drawn at the edge."
    )


def trend(comparison: JsonDict) -> tuple[Figure, str] | None:
    """Some metrics of the accepted documents from run to run, over the bands of human documents."""
    runs = [run["name"] for run in comparison["runs"]]
    found = {row["name"]: row for row in comparison["metrics"] if row["slice"] == ACCEPTED}
    rows = [found[name] for name in TRENDS if name in found and None not in found[name]["values"]]
    if len(runs) < TREND_RUNS or not rows:
        return None
    height = 0.6 + 0.95 * len(rows)
    figure = Figure(figsize=(WIDTH, height))
    every = figure.subplots(len(rows), 1, sharex=True, squeeze=False)[:, 0]
    figure.subplots_adjust(left=0.16, right=0.96, bottom=0.35 / height, top=1 - 0.3 / height, hspace=0.5)
    places = range(len(runs))
    for axes, row in zip(every, rows, strict=True):
        bands = [band or [math.nan, math.nan] for band in row["bands_of_human"]]
        axes.fill_between(places, [low for low, _ in bands], [high for _, high in bands], color=FAINT, linewidth=0)
        axes.plot(places, row["values"], "o-", color=ACCENT, linewidth=1.4, markersize=4)
        axes.set_title(label(row["label"], 52), fontsize=9, loc="left", pad=3)
        axes.locator_params(axis="y", nbins=3)
    every[-1].set_xticks(places, [label(name, max(3, 40 // len(runs))) for name in runs])
    told = [f"{row['label']} {' → '.join(value_words(row['kind'], value) for value in row['values'])}" for row in rows]
    return figure, f"Accepted documents from run to run, the band of human ones shaded: {'; '.join(told)}."


def flow(comparison: JsonDict) -> tuple[Figure, str] | None:
    """Shares kept, held and dropped at each stage, of every run."""
    runs = comparison["runs"]
    if not all(run["counts"]["read"] for run in runs):
        return None
    parts: dict[tuple[str, str], list[float]] = {}
    for row in comparison["flow"]:
        decision, _, rest = row["name"].partition("/")
        stage = STAGES.get(rest.partition("/")[0], "") if decision == "dropped" else ""
        known = parts.setdefault((decision, stage), [0.0] * len(runs))
        parts[decision, stage] = [old + value for old, value in zip(known, row["values"], strict=True)]
    rows = sorted(parts.items(), key=lambda part: (_DECISIONS.index(part[0][0]), part[0][1]))
    names = [f"{decision}: {stage}" if stage else decision for (decision, stage), _ in rows]
    figure, axes = row_axes(len(rows), names, with_legend=True, most=24)
    first, last = [values[0] for _, values in rows], [values[-1] for _, values in rows]
    _pairs(figure, axes, comparison["runs"], first, last)
    axes.set_xlabel("share of the documents read")
    told = [f"{name} {percent(a)} → {percent(b)}" for name, a, b in zip(names, first, last, strict=True)]
    return figure, f"Shares of the documents read, first and last run: {listing(told)}."


def sources(comparison: JsonDict) -> tuple[Figure, str] | None:
    """Shares of what was built by source, first and last run, of the sources that are known of both."""
    known = [row for row in comparison["sources"]["rows"] if None not in (row["after"][0], row["after"][-1])]
    rows = sorted(known, key=lambda row: -max(row["after"][0], row["after"][-1]))[:SOURCES]
    if not rows or not any(row["after"][-1] or row["after"][0] for row in rows):
        return None
    names = ["(no source)" if row["source"] is None else row["source"] for row in rows]
    figure, axes = row_axes(len(rows), names, with_legend=True)
    _pairs(figure, axes, comparison["runs"], [row["after"][0] for row in rows], [row["after"][-1] for row in rows])
    axes.set_xlabel("share of the tokens built")
    moved = max(rows, key=lambda row: abs(row["difference"] or 0.0))
    name = names[rows.index(moved)]
    return figure, (
        f"Shares of {plural(len(rows), 'source')} in what was built. The largest change is of {name}: from "
        f"{percent(moved['after'][0])} to {percent(moved['after'][-1])}."
    )


def prevalence(comparison: JsonDict) -> tuple[Figure, str] | None:
    """Estimated machine text by source in both runs, with the intervals of sampling."""
    rows = [row for row in comparison["prevalence"] if row["month"] is None]
    rows = sorted(rows, key=lambda row: -max(row["n"]))[:SOURCES]
    if not rows:
        return None
    names = ["(no source)" if row["source"] is None else row["source"] for row in rows]
    figure, axes = row_axes(len(rows), names, with_legend=True)
    for place, colour, shift in ((0, NEUTRAL, -0.17), (-1, ACCENT, 0.17)):
        known = [(y + shift, row) for y, row in enumerate(rows) if row["values"][place] is not None]
        for y, row in known:
            axes.plot(row["intervals"][place], [y, y], color=colour, linewidth=2.5, solid_capstyle="butt")
        name = label(comparison["runs"][place]["name"], 20)
        axes.plot([row["values"][place] for _, row in known], [y for y, _ in known], "o", color=colour, label=name)
    axes.set_xlim(-0.02, 1.1)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100%"])
    axes.set_xlabel("machine text in what came in")
    legend(figure, axes, 2)
    told = [
        f"{name} {percent(row['values'][0])} → {percent(row['values'][-1])}"
        for name, row in zip(names, rows, strict=True)
    ]
    return figure, f"Estimated machine text by source, first and last run, with 95 % intervals: {listing(told)}."


def clusters(comparison: JsonDict) -> tuple[Figure, str] | None:
    """The share of every cluster in what was built, last run against first."""
    rows = [row for row in comparison["clusters"]["rows"] if row["after"][0] or row["after"][-1]]
    if not rows:
        return None
    figure, axes = plain_axes(3.6)
    top = max(max(row["after"][0], row["after"][-1]) for row in rows) * 1.3
    axes.plot([_LEAST_SHARE, top], [_LEAST_SHARE, top], color=NEUTRAL, linewidth=0.8, linestyle=":")
    for tail, colour, name in ((False, NEUTRAL, "other clusters"), (True, KEPT, "tail clusters")):
        own = [row for row in rows if row["tail"] is tail]
        x, y = (_drawn([row["after"][place] for row in own]) for place in (0, -1))
        axes.plot(x, y, "o", color=colour, markersize=4, label=name, clip_on=False)
    for set_scale, set_limits in ((axes.set_xscale, axes.set_xlim), (axes.set_yscale, axes.set_ylim)):
        set_scale("log")
        set_limits(_LEAST_SHARE, top)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
        axis.set_minor_formatter("")
    first, last = (label(comparison["runs"][place]["name"], 24) for place in (0, -1))
    axes.set_xlabel(f"share of the tokens built, {first}")
    axes.set_ylabel(last)
    legend(figure, axes, 2)
    tail_rows = [row for row in rows if row["tail"]]
    before, after = (sum(row["after"][place] for row in tail_rows) for place in (0, -1))
    return figure, (
        f"Shares of {plural(len(rows), 'cluster')} in what was built, last run against first; above the line they "
        f"grew. The {plural(len(tail_rows), 'tail cluster')} hold {percent(before)} and {percent(after)}. Shares below "
        f"{percent(_LEAST_SHARE, 2)} are drawn there."
    )


def _pairs(figure: Figure, axes: Axes, runs: Sequence[JsonDict], first: list[float], last: list[float]) -> None:
    """Shares of the first and the last run on rows, joined."""
    axes.hlines(range(len(first)), first, last, color=NEUTRAL, linewidth=1)
    for values, colour, place in ((first, NEUTRAL, 0), (last, ACCENT, -1)):
        axes.plot(values, range(len(values)), "o", color=colour, markersize=6, label=label(runs[place]["name"], 20))
    most = max(first + last)
    axes.set_xlim(-0.02 * most, 1.1 * most)
    axes.xaxis.set_major_formatter(lambda value, _: percent(value, 0 if most > 0.1 else 1))
    axes.locator_params(axis="x", nbins=5)
    legend(figure, axes, 2)


def _drawn(shares: Sequence[float]) -> list[float]:
    return [max(share, _LEAST_SHARE) for share in shares]


PLOTS: tuple[tuple[str, str, Callable[[JsonDict], tuple[Figure, str] | None]], ...] = (
    ("trend", "From run to run", trend),
    ("metrics", "Metrics against chance", metrics),
    ("clusters", "Clusters", clusters),
    ("prevalence", "How much is machine text", prevalence),
    ("flow", "What happened to the documents", flow),
    ("sources", "By source", sources),
)
