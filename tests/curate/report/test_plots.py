"""What the plots say in their text alternatives, and that they draw whatever numbers there are."""

import xml.etree.ElementTree as ElementTree

import matplotlib
import pytest

from curate.report.draw import STYLE, to_svg
from curate.report.plots import all_plots
from curate.report.plots.clusters import cluster_map
from curate.report.plots.detector import residual, thresholds
from curate.report.plots.mixture import MONTHS, month_shares, source_shares, tail_retained


@pytest.fixture(autouse=True)
def style():
    with matplotlib.rc_context(STYLE):
        yield


def texts(made):
    figure, alt = made
    return [
        text.text.strip()
        for text in ElementTree.fromstring(to_svg(figure, alt)).iter("{http://www.w3.org/2000/svg}text")
    ]


@pytest.mark.parametrize(
    ("tokens", "after", "cause", "words"),
    [
        (10, 0.01, "supply", "the input held too little text"),
        (500, 0.01, "supply", "what curation removed, duplicates included"),
        (500, 0.01, "limit", "the limit on growth or by the token budget"),
        (500, 0.1, "", "0 clusters below 90%."),
    ],
)
def test_tail_plot_says_why_a_cluster_is_short(tokens, after, cause, words):
    rows = [
        {"cluster": 0, "tail": True, "reference": 0.1, "before": 0.1, "after": after, "tokens": tokens, "cause": cause},
        {"cluster": 1, "tail": False, "reference": 0.9, "before": 0.9, "after": 1 - after, "tokens": 9_000},
    ]
    _, alt = tail_retained({"clusters": rows, "totals": {"output_tokens": 1_000}})
    assert words in alt


def test_source_shares_are_of_all_tokens():
    rows = [("web", 600, 100), (None, 300, 280), ("books", 100, 20)]
    report = {
        "sources": [{"source": name, "tokens": before, "output_tokens": after} for name, before, after in rows],
        "totals": {"tokens": 1_000, "output_tokens": 400},
    }
    made = source_shares(report)
    assert made[1].endswith("(no source) moves most: from 30.0% to 70.0%.")
    assert {"60.0% → 25.0%", "30.0% → 70.0%", "10.0% → 5.0%"} <= set(texts(made))
    assert source_shares(report | {"totals": {"tokens": 1_000, "output_tokens": 0}}) is None
    assert source_shares(report | {"sources": []}) is None


def months(number, undated=0):
    names = [f"{2000 + index // 12}-{index % 12 + 1:02d}" for index in range(number)]
    rows = [{"month": name, "tokens": 10, "output_tokens": 5} for name in names]
    rows += [{"month": None, "tokens": undated, "output_tokens": 0}] if undated else []
    totals = {"tokens": 10 * number + undated, "output_tokens": 5 * number}
    return {"months": rows, "totals": totals}


@pytest.mark.parametrize(
    ("number", "unit", "last"),
    [(1, "1 month", "2000-01"), (MONTHS, f"{MONTHS} months", "2002-12"), (MONTHS + 1, "4 years", "2003")],
)
def test_times_are_months_or_where_these_are_many_years(number, unit, last):
    made = month_shares(months(number))
    assert f"in {unit} of capture; undated are 0.0% before and 0.0% after" in made[1]
    assert last in texts(made)


def test_what_is_undated_is_told():
    made = month_shares(months(3, undated=10))
    assert made[1].endswith("undated are 25.0% before and 0.0% after.") and "undated" in texts(made)
    assert month_shares(months(0, undated=10)) is None
    assert month_shares(months(0)) is None


def group(name, n, frozen=False, **values):
    row = {"group": name, "n": n, "suspect": 0.5, "drop": 0.9, "fpr": 0.04, "fpr_n": 50, "frozen": frozen}
    return row | {"quantiles": [0.0, 0.1, 0.2, 0.3, 0.4]} | values


def test_thresholds_of_frozen_groups_come_first_then_those_of_the_largest():
    rows = [group(f"en/{n}", n) for n in range(100, 130)]
    rows += [group("yo/short", 9, frozen=True, fpr=0.3, suspect=None, drop=None), group("de", 50, fpr=None, fpr_n=0)]
    made = thresholds({"calibration": {"groups": rows}})
    shown = texts(made)
    assert "16 calibration groups of 32, 1 of them frozen" in made[1]
    assert {"yo/short (frozen)", "n 9 · 30.0% of 50", "en/129", "n 129 · 4.0% of 50", "suspect", "drop"} <= set(shown)
    assert "en/100" not in shown
    assert "n 50 · unchecked" in texts(thresholds({"calibration": {"groups": rows[-1:]}}))
    for groups in ([], [group("en", 9, quantiles=[])]):
        assert thresholds({"calibration": {"groups": groups}}) is None


def test_machine_text_left_is_told_with_its_interval():
    whole = {"value": 0.15, "low": 0.11, "high": 0.3, "n": 90, "cap": 0.25}
    source = {"source": None, "value": 0.5, "low": 0.2, "high": 0.7, "n": 40}
    made = residual({"calibration": {"beta_res": whole | {"sources": [source]}}})
    assert "15.0%, 95 % interval 11.0% to 30.0%, at most 25% wanted; and of 1 source." in made[1]
    assert {"all", "90", "(no source)", "40", "mixture.synthetic_cap"} <= set(texts(made))
    assert residual({"calibration": {"beta_res": None}}) is None
    assert residual({"calibration": {}}) is None


def mapped(shares):
    """Clusters with these (reference, after) shares, the first two of which are the rarest."""
    return {
        "clusters": [
            {"cluster": index, "before": 0.1, "reference": reference, "after": after}
            for index, (reference, after) in enumerate(shares)
        ],
        "cluster_map": {
            "points": [{"cluster": index, "x": index / 2, "y": float(index % 3)} for index in range(len(shares))],
            "shown": 0.27,
            "rarest": [{"cluster": index, "examples": []} for index in range(min(2, len(shares)))],
        },
    }


def test_map_says_what_became_of_the_shares():
    made = cluster_map(mapped([(0.1, 0.08), (0.1, 0.1), (0.1, 0.2), (0.0, 0.1), (0.1, 0.0)]))
    assert "Map of 5 clusters of 5" in made[1] and "27% of the spread" in made[1]
    assert "against the reference share: 2 less, 1 about the same, 1 more, 1 no reference" in made[1]
    assert {"0", "1", "less", "about the same", "more", "no reference"} == set(texts(made))


def test_map_of_one_cluster_and_of_none():
    assert "Map of 1 cluster of 1" in cluster_map(mapped([(None, 1.0)]))[1]
    assert cluster_map(mapped([])) is None
    assert cluster_map({"clusters": []}) is None


def test_without_a_mixture_the_map_compares_with_the_input():
    assert "against the share before curation: 0 less, 1 about the same" in cluster_map(mapped([(None, 0.1)]))[1]


def test_nothing_is_drawn_of_nothing():
    totals = {"documents": 0, "tokens": 0, "output_tokens": 0}
    empty = {name: [] for name in ("flow", "sources", "clusters", "months", "scores", "prevalence")}
    report = empty | {"totals": totals, "duplicates": {"sizes": []}, "calibration": {}, "cluster_map": {"points": []}}
    assert all_plots(report) == []
