"""The map of the clusters: where they lie, how large they are, and whether they kept their share."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from curate.report.draw import ACCENT, GONE, INK, KEPT, NEUTRAL, WIDTH, legend
from curate.report.tables import JsonDict
from curate.report.tail import TAIL_EXCESS, TAIL_WARN
from curate.report.words import count, percent, plural

DRAWN = 400
"""Clusters on the map, those with the largest shares."""
SMALLEST, SIZES = 2.6, 7  # points, diameter of the smallest mark; steps of doubled area
LOOKS = {"less": ("v", GONE), "about the same": ("o", KEPT), "more": ("^", ACCENT), "no reference": ("s", NEUTRAL)}
"""What became of a cluster's share → mark and colour."""


def cluster_map(report: JsonDict) -> tuple[Figure, str] | None:
    """Centroids in two dimensions; area by share after curation, mark and colour by what became of the share."""
    found = report.get("cluster_map", {})
    if not found.get("points"):
        return None
    rows = {row["cluster"]: row for row in report["clusters"]}
    rarest = {row["cluster"] for row in found["rarest"]}
    points = sorted(
        found["points"], key=lambda point: (point["cluster"] not in rarest, -rows[point["cluster"]]["after"])
    )[:DRAWN]
    base = "before" if any(row["reference"] is None for row in rows.values()) else "reference"
    marks: dict[tuple[str, int], list[JsonDict]] = {}
    for point in points:
        row = rows[point["cluster"]]
        marks.setdefault((_change(row["after"], row[base]), _size(row["after"], len(rows))), []).append(point)
    figure = Figure(figsize=(WIDTH, WIDTH))
    axes = figure.add_axes((0.1, 0.03, 0.8, 0.87))
    for (change, size), group in sorted(marks.items(), key=lambda item: -item[0][1]):
        marker, colour = LOOKS[change]
        x, y = [point["x"] for point in group], [point["y"] for point in group]
        axes.plot(x, y, marker, markersize=SMALLEST * 2 ** (size / 2), color=colour, alpha=0.75, markeredgewidth=0)
    for change, (marker, colour) in LOOKS.items():
        if any(name == change for name, _ in marks):
            axes.plot([], [], marker, markersize=6, color=colour, label=change)
    axes.margins(0.06)
    axes.set_axis_off()
    _number(axes, [point for point in points if point["cluster"] in rarest])
    legend(figure, axes, len(LOOKS))
    numbers = {change: sum(len(group) for (name, _), group in marks.items() if name == change) for change in LOOKS}
    told = ", ".join(f"{count(number)} {change}" for change, number in numbers.items())
    what = "share before curation" if base == "before" else "reference share"
    return figure, (
        f"Map of {plural(len(points), 'cluster')} of {count(len(rows))}: those of similar words are near each other, "
        f"as far as two directions show, which hold {percent(found['shown'], 0)} of the spread. Area is the share of "
        f"tokens after curation; against the {what}: {told} ({percent(TAIL_WARN, 0)} to {percent(TAIL_EXCESS, 0)} of "
        f"it is about the same). Numbers name the {plural(len(rarest), 'rarest cluster')}, told below."
    )


def _change(after: float, base: float) -> str:
    """What became of a share; a key of LOOKS."""
    if not base:
        return "no reference"
    return "less" if after < TAIL_WARN * base else "more" if after > TAIL_EXCESS * base else "about the same"


def _size(share: float, clusters: int) -> int:
    """Steps of doubled area, so that few marks are told apart: from a sixteenth of a mean share to four of them."""
    return min(max(round(math.log2(max(share * clusters, 1e-9))) + 4, 0), SIZES - 1)


def _number(axes: Axes, points: Sequence[JsonDict]) -> None:
    """Writes the numbers of clusters at the sides, in the order of their heights, with lines to their marks."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    ordered = sorted(points, key=lambda point: (point["x"], point["cluster"]))
    half = len(ordered) // 2
    for side, x, align in ((ordered[:half], left, "right"), (ordered[half:], right, "left")):
        for place, point in enumerate(sorted(side, key=lambda point: (point["y"], point["cluster"]))):
            y = bottom + (top - bottom) * (place + 0.5) / len(side)
            axes.plot([point["x"], x], [point["y"], y], color=INK, linewidth=0.5, clip_on=False)
            axes.text(x, y, f" {point['cluster']} ", ha=align, va="center", fontsize=9)
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
