"""The comparison as one self-contained page, by the same means as report.html: no script, nothing from elsewhere."""

from importlib import resources

import jinja2
from markupsafe import Markup

from curate.comparison import words
from curate.report.tables import JsonDict
from curate.report.words import count, percent

MOST_ROWS = 40
"""Rows of clusters, sources and settings on the page; the JSON has all."""


def draw_page(comparison: JsonDict) -> str:
    """The page for what `curate.comparison.compare.compare` returned; the same comparison gives the same bytes."""
    from curate.comparison.plots import all_plots  # matplotlib takes long to import, and only this needs it

    css = Markup(resources.files("curate.report").joinpath("report.css").read_text(encoding="utf-8"))
    page = resources.files("curate.comparison").joinpath("page.html.j2").read_text(encoding="utf-8")
    plots = [plot | {"svg": Markup(plot["svg"])} for plot in all_plots(comparison)]
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined)
    environment.filters |= {
        "count": count,
        "percent": percent,
        "bands": lambda value: "–" if value is None else f"{value:.1f}",
        "value": lambda value, row: words.value_words(row["kind"], value),
        "distance": lambda value, row: words.distance_words(row, value),
        "difference": words.difference_words,
        "setting": words.setting_words,
    }
    return environment.from_string(page).render(
        comparison=comparison, css=css, plots=plots, notes=words.notes(comparison), most=MOST_ROWS
    )
