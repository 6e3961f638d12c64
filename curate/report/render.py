"""report.html: the numbers of report.json as one self-contained page.

No script, no font, no link and no picture from elsewhere; a content security policy forbids them. Everything that
comes from the corpus (ids, sources, languages, terms) is escaped by the template engine.
"""

import itertools
import shlex
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib import resources
from typing import Any

import jinja2
import yaml
from markupsafe import Markup

from curate.metrics.slices import ACCEPTED, SLICES
from curate.report import words
from curate.report.excerpts import COMPARED
from curate.report.groups import PAIRS_SHOWN
from curate.report.integrity import REMOVAL_ALARM, REMOVAL_MIN
from curate.report.tables import KINDS as DUPLICATES
from curate.report.tables import JsonDict

KINDS: dict[str, Callable[[Any], str]] = {"share": words.percent, "count": words.count, "number": words.decimal}


def render(report: JsonDict) -> str:
    """The page for what `curate.report.build.report_data` returned; the same report gives the same bytes."""
    from curate.report.plots import all_plots  # matplotlib takes long to import, and only this needs it

    # Both are ours: the stylesheet as shipped, and SVG whose text the plotting library has escaped.
    css = Markup(_read("report.css"))
    plots = {plot["name"]: plot | {"svg": Markup(plot["svg"])} for plot in all_plots(report)}
    limits = {
        "alarm": REMOVAL_ALARM,
        "alarm_documents": REMOVAL_MIN,
        "pairs_shown": PAIRS_SHOWN,
        "compared": COMPARED,
        "kinds_in_order": DUPLICATES,
        "slices": SLICES,
    }
    return _template().render(report=report, plots=plots, css=css, **limits)


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined)
    environment.filters |= {
        "count": words.count,
        "percent": words.percent,
        "decimal": words.decimal,
        "reason": words.reason_words,
        "reason_of_one": words.reason_of_one,
        "segments": segments,
        "floor": words.floor_words,
        "value": figure_value,
        "details": figure_details,
        "beginning": lambda names, start: [name for name in names if name.startswith(start)],
        "metric": lambda found, row: KINDS[row["kind"]](found["value"]),
        "band": band,
        "whole": lambda row: {"cluster": "all", "terms": []} | row,
        "concerns": concerns,
        "shell": shlex.quote,
        "yaml": lambda values: yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100),
    }
    return environment.from_string(_read("report.html.j2"))


def figure_value(figure: JsonDict) -> str:
    """The value of a panel's figure as its kind says."""
    return KINDS[figure["kind"]](figure["value"])


def figure_details(figure: JsonDict, artefacts: Mapping[str, str]) -> str:
    """What belongs to the value of a panel's figure: n, baseline band, interval, note, artefacts by name."""
    write = KINDS[figure["kind"]]
    names = [name for name, id in artefacts.items() if id in figure.get("artefacts", ())]
    told = [
        f"n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{words.count(figure['n'])}",
        _expected(figure["band"], write) if figure.get("band") else "",
        f"95 % interval {_range(figure['interval'], write)}" if figure.get("interval") else "",
        figure["note"],
        f"from {words.listing(names)}" if names else "",
    ]
    return "; ".join(filter(None, told))


def _expected(band: Sequence[float | None], write: Callable[[Any], str]) -> str:
    least, most = band
    if most is None:
        return f"expected at least {write(least)}"
    if least:
        return f"expected {_range((least, most), write)}"
    return f"expected at most {write(most)}" if most else "expected none"


def _range(edges: Sequence[float | None], write: Callable[[Any], str]) -> str:
    return " to ".join(map(write, edges))


def band(row: JsonDict) -> str:
    """The band of a metric's accepted documents."""
    edges = row["slices"].get(ACCEPTED, {}).get("band")
    return _range(edges, KINDS[row["kind"]]) if edges else "–"


def concerns(panels: Sequence[JsonDict]) -> list[JsonDict]:
    """The reasons of all panels, alerts first."""
    found = [reason | {"panel": panel["name"]} for panel in panels for reason in panel["reasons"]]
    return sorted(found, key=lambda reason: bool(reason["status"] != "alert"))


def segments(passage: JsonDict) -> list[tuple[bool, str]]:
    """A passage of `curate.report.excerpts` cut into what is marked and what is not; together its whole text."""
    edges = [0, *(edge for span in passage["differs"] for edge in span), len(passage["text"])]
    return [
        (bool(number % 2), passage["text"][start:end])
        for number, (start, end) in enumerate(itertools.pairwise(edges))
        if start < end
    ]


def _read(name: str) -> str:
    return resources.files("curate.report").joinpath(name).read_text(encoding="utf-8")
