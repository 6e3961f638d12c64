"""report.html of the benchmark: plots and table on one self-contained page."""

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from curate.report.draw import ACCENT, GONE, HELD, INK, KEPT, NEUTRAL, STYLE, WIDTH, to_svg
from curate.simulate.results import JsonDict

_LOOKS: dict[str, tuple[str, str]] = {
    "human_only": (INK, "-"),
    "no_curation": (GONE, "-"),
    "dedup_only": (GONE, "--"),
    "dedup_filter": (KEPT, "--"),
    "full": (KEPT, "-"),
    "oracle": (NEUTRAL, "-"),
    "replace": (GONE, ":"),
    "importance": (HELD, "-"),
}


def draw_page(report: JsonDict) -> str:
    """The page for what report.json holds; the same report gives the same bytes."""
    import matplotlib

    with matplotlib.rc_context({**STYLE, "svg.hashsalt": "curate"}):
        plots = [
            _by_generation(report["arms"], "perplexity_ratio", "perplexity, of human only", log=True),
            _by_generation(report["arms"], "tail_share", "share of tail topics among what is written"),
            _by_generation(report["arms"], "vocabulary_coverage", "share of held-out words in training"),
        ]
        if report["detector_curve"]:
            plots.append(_curve(report))
    css = Markup(resources.files("curate.report").joinpath("report.css").read_text(encoding="utf-8"))
    page = resources.files("curate.simulate").joinpath("page.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined)
    environment.filters["number"] = _number
    return environment.from_string(page).render(report=report, css=css, plots=[Markup(plot) for plot in plots])


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3f}"


def _by_generation(arms: Mapping[str, Any], metric: str, title: str, log: bool = False) -> str:
    figure, axes = _axes(title, "generation")
    values: list[float] = []
    for name, arm in arms.items():
        colour, line = _LOOKS[name]
        values = [row[metric] for row in arm["generations"]]
        axes.plot(range(1, len(values) + 1), values, line, color=colour, label=arm["label"], linewidth=1.4)
    axes.set_xticks(range(1, len(values) + 1))
    if log:
        axes.set_yscale("log")
        axes.set_yticks([1, 2, 5, 10], ["1", "2", "5", "10"])
        axes.minorticks_off()
    return _finished(figure, axes, f"{title} by generation: " + _told(arms, metric))


def _curve(report: JsonDict) -> str:
    title = "perplexity, of human only"
    points = report["detector_curve"]
    figure, axes = _axes(title, "strength d' of a simulated detector")
    axes.plot(
        [point["strength"] for point in points],
        [point["perplexity_ratio"] for point in points],
        "o-",
        color=ACCENT,
        label="deduplicated and filtered",
    )
    told = ", ".join(f"{point['strength']:g}: {point['perplexity_ratio']:.2f}" for point in points)
    return _finished(figure, axes, f"{title} by detector strength: {told}")


def _axes(title: str, x: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, 3.8))
    axes = figure.add_axes((0.13, 0.39, 0.85, 0.53))
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_xlabel(x)
    return figure, axes


def _finished(figure: Figure, axes: Axes, alt: str) -> str:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=2, handlelength=1.6, columnspacing=1.0, borderpad=0.1)
    return to_svg(figure, alt)


def _told(arms: Mapping[str, Any], metric: str) -> str:
    last: Sequence[str] = [f"{arm['label']} {arm[metric]:.3f}" for arm in arms.values()]
    return ", ".join(last) + " at the end"
