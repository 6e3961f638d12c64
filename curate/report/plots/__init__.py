"""The plots of the report, each with a sentence that says what it shows; `curate.report.draw` knows how."""

from collections.abc import Callable
from typing import NamedTuple

import matplotlib
from matplotlib.figure import Figure

from curate.report.draw import STYLE, to_svg
from curate.report.panel import DETECTION, MIXTURE
from curate.report.plots import clusters, detector, documents, mixture
from curate.report.tables import JsonDict


class Plot(NamedTuple):
    """One plot.

    Attributes:
        name: short, by which the page places it.
        title: above it.
        make: draws it and says what it shows; None where the report has no numbers for it.
        rests_on: names of the artefacts that its numbers would change with.
    """

    name: str
    title: str
    make: Callable[[JsonDict], tuple[Figure, str] | None]
    rests_on: tuple[str, ...]


PLOTS = (
    Plot("flow", "What happened to the documents", documents.flow, DETECTION),
    Plot("tail", "What the tail keeps", mixture.tail_retained, MIXTURE),
    Plot("mixture", "Clusters before and after", mixture.cluster_shares, MIXTURE),
    Plot("source_shares", "Sources before and after", mixture.source_shares, MIXTURE),
    Plot("month_shares", "Times of capture before and after", mixture.month_shares, MIXTURE),
    Plot("sources", "Kept, held and dropped by source", documents.fates, DETECTION),
    Plot("scores", "Detector scores by language", detector.scores, DETECTION),
    Plot("thresholds", "Human scores and thresholds by group", detector.thresholds, DETECTION),
    Plot("prevalence", "How much is machine text", detector.prevalence, DETECTION),
    Plot("residual", "How much machine text is left (β_res)", detector.residual, DETECTION),
    Plot("groups", "Sizes of duplicate groups", documents.group_sizes, ()),
    Plot("map", "Map of the clusters", clusters.cluster_map, MIXTURE),
)


def all_plots(report: JsonDict) -> list[JsonDict]:
    """Draws what the report has numbers for.

    Returns:
        {name, title, alt, rests_on, svg}; svg is markup that holds no script, no external reference and no unescaped
        text.
    """
    drawn = []
    for plot in PLOTS:
        with matplotlib.rc_context(STYLE | {"svg.hashsalt": plot.name}):
            made = plot.make(report)
            if made is not None:
                figure, alt = made
                told = {"name": plot.name, "title": plot.title, "alt": alt, "rests_on": plot.rests_on}
                drawn.append(told | {"svg": to_svg(figure, alt)})
    return drawn
