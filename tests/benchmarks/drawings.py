"""Drawings of what benchmarks measured, as SVG for the README. The same figures give the same file."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "curate",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}
OURS, THEIRS = "#1f6f8b", ("#8d99ae", "#b8c0cc", "#d9dee5")


def growth(
    path: Path, sizes: Sequence[float], measured: Mapping[str, Sequence[float]], formula: Sequence[float]
) -> None:
    """Time and memory against the size of the text, both axes in logarithms.

    Args:
        path: of the SVG.
        sizes: megabytes of text.
        measured: "seconds" and "peak" (megabytes) at each size.
        formula: megabytes of memory that are foretold.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7, 2.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        left.plot(sizes, measured["seconds"], "o-", color=OURS, label="measured")
        through = measured["seconds"][-1] / sizes[-1]
        left.plot(sizes, [size * through for size in sizes], ":", color=THEIRS[0], label="in proportion to the text")
        left.set(title="Seconds", xlabel="MB of text")
        right.plot(sizes, measured["peak"], "o-", color=OURS, label="measured")
        right.plot(sizes, formula, ":", color=THEIRS[0], label="formula")
        right.set(title="Peak of memory, MB", xlabel="MB of text", ylim=(100, 10_000))
        for axes in (left, right):
            axes.set(xscale="log", yscale="log")
            axes.set_xticks(sizes, [f"{size:,.0f}" for size in sizes])
            axes.minorticks_off()
            axes.legend()
        left.set_yticks(measured["seconds"], [f"{value:,.0f}" for value in measured["seconds"]])
        right.set_yticks([100, 1_000, 10_000], ["100", "1,000", "10,000"])
        _save(figure, path)


def bars(path: Path, title: str, rows: Mapping[str, Mapping[str, float]]) -> None:
    """Horizontal bars, each a sum of steps.

    Args:
        path: of the SVG.
        title: what the numbers are.
        rows: of each bar the steps; those of the first bar are ours.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7, 0.7 + 0.45 * len(rows)), layout="constrained")
        axes = figure.subplots()
        for place, steps in enumerate(rows.values()):
            start = 0.0
            for number, (step, value) in enumerate(steps.items()):
                colour = OURS if place == 0 else THEIRS[number % len(THEIRS)]
                axes.barh(place, value, left=start, color=colour)
                axes.text(start + value / 2, place, step, ha="center", va="center", fontsize=8)
                start += value
            axes.text(start, place, f" {start:,.0f}", va="center")
        axes.set_yticks(range(len(rows)), list(rows))
        axes.invert_yaxis()
        axes.set_title(title)
        _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, format="svg", metadata={"Date": None})
