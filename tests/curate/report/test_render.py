import html.parser
import json
import re
import time
import xml.etree.ElementTree as ElementTree

import numpy as np
import pyarrow as pa
import pytest

from curate.config import Config
from curate.report.build import report_data
from curate.report.draw import WIDTH
from curate.report.excerpts import opening
from curate.report.groups import Groups
from curate.report.plots import PLOTS, all_plots
from curate.report.render import render
from curate.report.summary import Summary

HOSTILE = (
    "</svg></table><script>alert('x')</script>\"'><img src=x onerror=alert(1)>&{{ 7 * 7 }}$\\frac$\x07--> \ud7ff語"
)


class Page(html.parser.HTMLParser):
    VOID = frozenset({"meta", "link", "br", "img", "path", "use", "rect"})

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.ids, self.open = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


def sample(corpus, sources=None, clusters=12, name="en", excerpts=None, with_texts=True):
    summary = Summary.of(corpus[0], corpus[1] if sources is None else sources, corpus[2])
    shares = [(i + 1) ** -1.5 for i in range(clusters)]
    mixture = {
        "clusters": [
            {
                "cluster": i,
                "reference": s / sum(shares),
                "before": s / sum(shares),
                "after": s / sum(shares),
            }
            for i, s in enumerate(shares)
        ],
        "reference_documents": 500,
    }
    group = {"language": "en", "n": 600, "suspect": 0.8, "drop": 0.95, "fpr": 0.3, "fpr_n": 50, "frozen": False}
    quantiles = [0.0, 0.2, 0.4, 0.6, 0.9]
    groups = [group | {"group": name + part, "quantiles": quantiles} for part in ("", "/long", "/short")]
    left = {"value": 0.04, "low": 0.01, "high": 0.1, "n": 100}
    residual = left | {"over": False, "cap": 0.3, "sources": [left | {"source": name}, left | {"source": None}]}
    prevalence = [
        {
            "source": name,
            "month": f"2024-{m:02d}",
            "n": 90,
            "estimate": 0.3,
            "low": 0.2,
            "high": 0.45,
            "sampled_low": 0.25,
            "sampled_high": 0.35,
        }
        for m in range(1, 13)
    ]
    counts = {name: summary.total("flow", decision=name).documents for name in ("kept", "dropped", "held")}
    counts |= {"read": corpus[0].num_rows, "errors": 0, "files_failed": 0, "duplicate_ids": 0}
    return report_data(
        summary,
        Groups.of(corpus[0], corpus[1] if sources is None else sources),
        excerpts=excerpts,
        calibration={"groups": groups, "beta_res": residual},
        prevalence=prevalence,
        mixture=mixture,
        terms=[[name]] * clusters,
        centroids=np.cos(np.arange(clusters * 4, dtype=np.float32)).reshape(clusters, 4),
        passages={id: opening(f"{name} {id}") for id in corpus[0]["id"].to_pylist()} if with_texts else None,
        config=Config().to_dict(),
        counts=counts,
        artefacts={"detector": name},
    )


@pytest.fixture(scope="module")
def report(corpus):
    return sample(corpus)


@pytest.fixture(scope="module")
def page(report):
    return render(report)


def test_page_is_self_contained_and_well_formed(page):
    parsed = Page(page)
    assert parsed.open == []
    assert not {"script", "iframe", "object", "embed", "img", "form"} & set(parsed.tags)
    for tag, name, value in parsed.attributes:
        assert not name.startswith("on")
        if name in {"src", "href", "xlink:href"}:
            assert value.startswith(("#", "data:,")), (tag, name, value)
    policy = [value for _, name, value in parsed.attributes if name == "content" and "default-src" in value]
    assert policy and "default-src 'none'" in policy[0]
    assert "url(http" not in page and "@import" not in page
    assert len(page) < 3_000_000


def test_page_loads_and_runs_nothing(page):
    policy = page.split('http-equiv="Content-Security-Policy" content="')[1].split('"')[0]
    assert policy.startswith("default-src 'none'; ")
    assert "script" not in policy and "connect" not in policy
    assert "<script" not in page


def test_page_is_accessible(page):
    parsed = Page(page)
    assert ("html", "lang", "en") in parsed.attributes
    assert any(name == "name" and value == "viewport" for _, name, value in parsed.attributes)
    roles = [value for tag, name, value in parsed.attributes if tag == "svg" and name == "role"]
    labels = [value for tag, name, value in parsed.attributes if tag == "svg" and name == "aria-label"]
    assert roles == ["img"] * parsed.tags.count("svg") and all(labels) and len(labels) == len(roles)
    assert parsed.tags.count("th") == sum(1 for tag, name, _ in parsed.attributes if tag == "th" and name == "scope")
    assert parsed.tags.count("caption") == parsed.tags.count("table")
    assert parsed.tags.count("h1") == 1


def test_page_is_deterministic(report, page):
    assert render(report) == page


def test_numbers_are_told_with_what_is_expected_and_what_they_rest_on(page):
    details = re.findall(r'<dd class="details">(.*?)</dd>', page)
    assert len(details) == page.count("<dt>") - 1  # the id of the detector
    assert "n\xa0=\xa0100; expected at most 30.0%; 95 % interval 1.0% to 10.0%; from detector" in details
    assert "n\xa0=\xa02,000; expected none" in details
    assert any("expected 90.0% to 150.0%" in told for told in details)
    assert any("expected at least 200" in told for told in details)
    assert page.count("Rests on detector <code>en</code>") > 5


def test_every_plot_of_the_report_and_the_documents_of_rare_clusters_are_there(report, page):
    assert page.count('<svg role="img"') == len(PLOTS)
    rare = report["cluster_map"]["rarest"]
    assert rare and all(f"<strong>Cluster {row['cluster']}</strong>" in page for row in rare)
    for row in rare:
        for example in row["examples"]:
            assert f"<code>{example['id']}</code>" in page and f"en {example['id']}</blockquote>" in page


def test_documents_of_rare_clusters_are_named_where_no_text_was_read(corpus):
    report = sample(corpus, with_texts=False)
    text = render(report)
    assert f"<code>{report['cluster_map']['rarest'][0]['examples'][0]['id']}</code>" in text
    assert "blockquote" not in Page(text).tags


def test_reports_of_earlier_versions_are_drawn(corpus):
    report = json.loads(json.dumps(sample(corpus)))
    del report["cluster_map"], report["metrics"], report["calibration"]["beta_res"]["sources"]
    for panel in report["panels"]:
        for figure in panel["figures"]:
            del figure["band"], figure["interval"], figure["artefacts"]
    for group in report["calibration"]["groups"]:
        del group["quantiles"]
    assert "Map of" not in render(report)


def test_hostile_names_are_escaped(ledgers):
    rows = [ledgers.row(HOSTILE + str(i), language=HOSTILE, cluster=i % 3, detector_score=0.5) for i in range(20)]
    dropped = {
        "decision": "dropped",
        "stage": "dedupe",
        "reason": "near",
        "similarity": 0.81,
        "matched_id": HOSTILE + "0",
    }
    rows += [ledgers.row(f"{HOSTILE}d{i}", language=HOSTILE, **dropped) for i in range(30)]
    table = ledgers.ledger(rows)
    sources = pa.array([HOSTILE] * 50)
    text = render(sample((table, sources, None), name=HOSTILE))
    parsed = Page(text)
    assert parsed.open == []
    assert "script" not in parsed.tags and "img" not in parsed.tags
    assert not any(name.startswith("on") for _, name, _ in parsed.attributes)
    assert "{{ 7 * 7 }}" in text
    assert "&lt;script&gt;" in text


def pairs_page(ledgers, excerpts, examples=5):
    """The page of a survivor and of two copies, of which both names and texts are hostile."""
    match = {"decision": "dropped", "stage": "dedupe", "reason": "near", "similarity": 0.81, "containment": 0.9}
    rows = [ledgers.row("s"), *(ledgers.row(f"{HOSTILE}{i}", **match, matched_id="s") for i in range(2))]
    report = sample((ledgers.ledger(rows), pa.array(["src"] * 3), None), excerpts=excerpts)
    report["config"]["report"]["examples"] = examples
    return render(json.loads(json.dumps(report, sort_keys=True)))


def test_pairs_are_shown_side_by_side_with_their_differences_marked(ledgers):
    passage = {"text": f"one {HOSTILE} two", "differs": [[0, 3], [4, 4 + len(HOSTILE)]], "begins": False, "ends": True}
    excerpt = {"id": f"{HOSTILE}0", "matched_id": "s", "copy": passage, "survivor": None}
    text = pairs_page(ledgers, [excerpt])
    parsed = Page(text)
    assert parsed.open == [] and not {"script", "img"} & set(parsed.tags)
    assert not any(name.startswith("on") for _, name, _ in parsed.attributes)
    assert "<mark>one</mark> <mark>&lt;/svg&gt;" in text and "</mark> two</blockquote>" in text
    assert (
        parsed.tags.count("mark") == 4 and parsed.tags.count("blockquote") == 2
    )  # as a pair, and in the largest group
    assert ("blockquote", "dir", "auto") in parsed.attributes
    assert "similarity 0.81, containment 0.9" in text and "survivor <code>s</code> from src" in text


@pytest.mark.parametrize(
    ("excerpts", "examples", "words"), [(None, 5, "--apply"), ([], 0, "report.examples</code> is 0")]
)
def test_pairs_are_named_where_texts_are_not_shown(ledgers, excerpts, examples, words):
    text = pairs_page(ledgers, excerpts, examples)
    parsed = Page(text)
    assert words in text and "blockquote" not in parsed.tags
    assert "0.81" in text and "{{ 7 * 7 }}" in text


@pytest.mark.parametrize(("copies", "marked"), [(5, False), (6, True)])
def test_rates_over_half_are_marked(ledgers, copies, marked):
    dropped = {"decision": "dropped", "stage": "dedupe", "reason": "exact"}
    rows = [ledgers.row(f"d{i}", **(dropped if i < copies else {})) for i in range(10)]
    text = render(sample((ledgers.ledger(rows), pa.array(["spam"] * 10), None)))
    assert ('<strong class="warn">over half: 60.0%' in text) == marked


def test_explain_command_quotes_the_id_for_the_shell(ledgers):
    text = render(sample((ledgers.ledger([ledgers.row("it's; rm -rf")]), pa.array(["s"]), None)))
    assert "curate explain DIR &#39;it&#39;&#34;&#39;&#34;&#39;s; rm -rf&#39;" in text


def test_empty_report_renders(ledgers):
    report = report_data(
        Summary(),
        Groups(),
        calibration={},
        prevalence=[],
        mixture={},
        config=Config().to_dict(),
        counts={"read": 0},
        artefacts={},
    )
    assert "The input held no documents" in render(report)


def test_plots_are_small_valid_and_quick(corpus):
    many = pa.array([f"a rather long source name {i % 300}" for i in range(2000)])
    report = sample(corpus, many, clusters=2000)
    started = time.process_time()
    plots = all_plots(report)
    assert time.process_time() - started < 5  # seconds; 0.4 when nothing else runs
    assert [plot["name"] for plot in plots] == [plot.name for plot in PLOTS]
    for plot in plots:
        root = ElementTree.fromstring(plot["svg"])
        assert len(plot["svg"]) <= 60_000, plot["name"]
        assert root.attrib["viewBox"].split()[2] == f"{WIDTH * 72:g}"
        assert "width" not in root.attrib and root.attrib["aria-label"] == plot["alt"]
        assert "#0a0b" not in plot["svg"]


def test_ids_of_different_plots_do_not_collide(page):
    ids = Page(page).ids
    assert len(ids) == len(set(ids))


def test_months_are_never_shortened(corpus):
    plot = next(plot for plot in all_plots(sample(corpus, name="a-rather-long-source")) if plot["name"] == "prevalence")
    texts = [text.text for text in ElementTree.fromstring(plot["svg"]).iter("{http://www.w3.org/2000/svg}text")]
    for month in range(1, 13):
        assert f"a-rather-long… 2024-{month:02d}" in texts
