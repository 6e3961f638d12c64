import re
import xml.etree.ElementTree as ElementTree

import pytest

from curate.comparison.compare import compare
from curate.comparison.page import draw_page
from curate.comparison.plots import all_plots
from curate.comparison.words import to_text

HOSTILE = (
    "</svg></table><script>alert('x')</script>\"'><img src=x onerror=alert(1)>&{{ 7 * 7 }}$\\frac$\x07--> \ud7ff語"
)


def hostile(run, name):
    """A run that every string of the corpus or of its operator is hostile in."""
    made = run(name, config={"dedupe": {"threshold": name, HOSTILE: HOSTILE}})
    for source in made.report["sources"]:
        source["source"] = f"{source['source']} {HOSTILE}"
    for row in made.report["clusters"]:
        row["terms"] = [HOSTILE]
    made.report["clusters"][0].update(kept=0 if HOSTILE in name else 900, after=0.0)
    made.report["prevalence"][0]["source"] = HOSTILE
    made.report["panels"][0]["reasons"][0]["text"] = f"{name} {HOSTILE}"
    made.manifest["fingerprints"] = {f"{HOSTILE}.parquet": {"rows": 1, "row_sum": name}}
    made.manifest["versions"] = {HOSTILE: name}
    return made


@pytest.fixture(scope="module")
def page(run):
    return draw_page(compare([hostile(run, "first"), run("middle"), hostile(run, f"last {HOSTILE}")]))


def test_hostile_strings_stay_text(page):
    assert "<script" not in page and "<img" not in page and "{{ 7 * 7 }}" in page
    assert page.count("&lt;script&gt;alert(") > 15
    assert "<bdi>&lt;/svg&gt;" in page


def test_a_terminal_gets_no_control_characters(run):
    comparison = compare([hostile(run, "first\x1b[2J"), hostile(run, f"last\x1b[2J {HOSTILE}")])
    assert all(line.isprintable() for line in to_text(comparison).split("\n"))


def test_the_page_is_self_contained(page):
    assert "default-src 'none'" in page and "http-equiv" in page
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)""", page)
    assert page.count("<table>") == page.count("</table>") == page.count('class="scroll" role="region"')


def test_every_plot_has_a_text_alternative_and_is_xml(run):
    plots = all_plots(compare([run("a"), run("b"), run("c")]))
    assert [plot["name"] for plot in plots] == ["trend", "metrics", "clusters", "prevalence", "flow", "sources"]
    for plot in plots:
        root = ElementTree.fromstring(plot["svg"])
        assert root.get("role") == "img" and root.get("aria-label") == plot["alt"] and plot["alt"].endswith(".")


def test_a_trend_takes_three_runs_and_plots_take_numbers(run):
    assert "trend" not in [plot["name"] for plot in all_plots(compare([run("a"), run("b")]))]
    empty = run("b", documents=0, clusters=[], sources=[], flow=[], metrics={"rows": []}, prevalence=[])
    assert all_plots(compare([empty, empty])) == []
    draw_page(compare([empty, empty]))


def test_the_same_comparison_is_the_same_page(run):
    comparison = compare([run("a"), run("b", documents=5000)])
    assert draw_page(comparison) == draw_page(comparison)


def test_page_and_terminal_tell_the_same_changes(run, metric_row):
    worse = metric_row("distinct_2", {"accepted": (0.1, 0.26), "human": (0.26, 0.26)})
    comparison = compare([run("a"), run("b", metrics={"rows": [worse]})])
    text = "distinct 2-grams, share of all, in accepted documents: fell from 25.0% to 10.0%"
    assert text in draw_page(comparison) and text in " ".join(to_text(comparison).split())
