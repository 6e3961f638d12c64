"""The report of a run with every section filled, in a real browser."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.config import make_config
from curate.demo.corpus import build_demo

pytest.importorskip("axe_playwright_python")
pytest.importorskip("tokenizers")

from pages import SCHEMES, barriers, contrasts, done, is_wide

from curate.watermarks.load import load_watermarks

pytestmark = pytest.mark.browser

SECTIONS = (
    "warnings", "panels", "plots", "metrics", "reasons", "sources", "clusters", "duplicates", "quality", "provenance",
    "review", "marks", "settings",
)  # fmt: skip
MARKUP = "<script>window.stolen = 1</script><img src='https://elsewhere.example/x'>"
WIDTHS = (1300, 390)


def watermark(directory):
    """Settings of a test for green lists, and texts that it finds."""
    words = [f"w{number}" for number in range(5_000)]
    model = {"type": "WordLevel", "vocab": {word: i for i, word in enumerate(words)}, "unk_token": "w0"}
    tokenizer = {"version": "1.0", "added_tokens": [], "pre_tokenizer": {"type": "WhitespaceSplit"}, "model": model}
    (directory / "tokenizer.json").write_text(json.dumps(tokenizer))
    (directory / "key").write_text("987654321987654321\n")
    settings = {"kind": "green-list", "name": "house", "context": 1,
                "tokenizer": str(directory / "tokenizer.json"), "keys": str(directory / "key")}  # fmt: skip
    synthetic = make_config({"synthetic": {"watermarks": [settings]}}).synthetic
    (detector,) = load_watermarks(synthetic, lambda path: Path(path).read_bytes()).values()
    rng, texts = np.random.default_rng(3), []
    for _ in range(8):
        tokens = rng.integers(0, 5_000, (150, 4))
        for place in range(1, 150):
            green = detector.green(np.repeat(tokens[place - 1, :1, None], 4, axis=0), tokens[place])
            tokens[place, 0] = tokens[place, green.argmax()]
        texts.append(" ".join(f"w{token}" for token in tokens[:, 0]))
    return settings, texts


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The demo's corpus with watermarks, hidden characters, hostile names and answers of two reviewers."""
    root = tmp_path_factory.mktemp("report")
    demo = build_demo(root / "demo", documents=800)
    settings, strange = watermark(root)
    words = [f"{word}{number}" for word in ("amber", "basin", "cedar", "delta") for number in range(20)]
    strange += [" ".join(words[number:] + words[:number]) + f" {MARKUP} {number}" for number in range(0, 40, 5)]
    strange += [" ".join(reversed(words)) + "\U000e0041\U000e0042\u200b hidden"]
    names = [f"{MARKUP}{number}" if number % 2 else f"{number}-" + "long" * 60 for number in range(len(strange))]
    columns = {"id": names, "source": ["مصدر " + MARKUP] * len(names), "text": strange, "language": ["en"] * len(names)}
    pq.write_table(pa.table(columns), demo.input / "strange.parquet")
    config = {
        "synthetic": {"watermarks": [settings]},
        "provenance": {"trust_anchors": str(demo.anchors)},
        "quality": {"drop": ["gate"]},
    }
    (root / "curate.yaml").write_text(json.dumps(config))
    done("run", "--input", demo.input, "--output", root / "out", "--config", root / "curate.yaml")
    for reviewer, verdicts in (("ana", ("human", "synthetic", "keep")), ("ben", ("human", "drop", "keep"))):
        done("review", "export", root / "out", "--to", root / f"{reviewer}.parquet", "--all")
        queue = pq.read_table(root / f"{reviewer}.parquet")
        answers = pa.array([verdicts[row % 3] for row in range(queue.num_rows)])
        queue = queue.set_column(queue.column_names.index("answer"), "answer", answers)
        pq.write_table(queue, root / f"{reviewer}.parquet")
        done("review", "import", root / f"{reviewer}.parquet", "--into", root / "out", "--reviewer", reviewer)
    done("decide", "--annotations", root / "out", "--output", root / "decided", "--apply")
    return root / "decided/report.html"


@pytest.fixture
def shown(page, report):
    """The report in a page."""
    page.requests = []
    page.on("request", lambda request: page.requests.append(request.url))
    page.goto(report.as_uri())
    return page


def open_all(page):
    """Unfolds what is folded."""
    page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")


def test_every_section_is_there(shown):
    names = shown.eval_on_selector_all("section", "all => all.map(one => one.getAttribute('aria-labelledby'))")
    assert names == list(SECTIONS)
    assert shown.locator("figure svg").count() >= 6


def test_it_asks_for_nothing_and_runs_nothing(shown, report):
    """The page's own fixture looks for errors, to which breaches of the policy belong."""
    assert [url for url in shown.requests if not url.startswith("data:")] == [report.as_uri()]
    assert MARKUP in shown.inner_text("#sources ~ .scroll")
    assert shown.evaluate("window.stolen") is None
    assert shown.locator("script, img, iframe, object, link[rel=stylesheet]").count() == 0


def test_its_policy_would_stop_what_gets_in(shown):
    stopped = []
    shown.on("requestfailed", lambda request: stopped.append((request.url, request.failure)))
    shown.evaluate(
        """() => {
          for (const [name, values] of [["script", {textContent: "window.stolen = 1"}],
                                        ["img", {src: "https://elsewhere.example/x"}]]) {
            document.body.append(Object.assign(document.createElement(name), values));
          }
        }"""
    )
    shown.wait_for_timeout(200)
    assert shown.evaluate("window.stolen") is None
    assert stopped == [("https://elsewhere.example/x", "csp")]
    assert sum("Content Security Policy" in error for error in shown.errors) == 2
    shown.errors.clear()


@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_the_width(shown, width):
    shown.set_viewport_size({"width": width, "height": 800})
    open_all(shown)
    assert not is_wide(shown)
    cut = shown.eval_on_selector_all(
        "body *:not(svg *)",
        """all => all.filter(one => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== "inline")
            .filter(one => getComputedStyle(one).overflowX !== "auto").map(one => one.outerHTML.slice(0, 200))""",
    )
    assert cut == []
    words, labels = shown.evaluate(
        """() => {
          const size = (one) => parseFloat(getComputedStyle(one).fontSize);
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), words = [];
          while (walker.nextNode()) {
            const parent = walker.currentNode.parentElement;
            if (walker.currentNode.data.trim() && !parent.closest("svg")) words.push(size(parent));
          }
          const drawn = (one) => size(one) * Math.hypot(one.getScreenCTM().a, one.getScreenCTM().b);
          return [words, [...document.querySelectorAll("svg text")].map(drawn)];
        }"""
    )
    assert min(words) >= 12 and min(labels) >= 9


@pytest.mark.parametrize("scheme", SCHEMES)
def test_nobody_is_kept_out(shown, scheme):
    shown.emulate_media(color_scheme=scheme)
    open_all(shown)
    assert barriers(shown) == []
    # axe-core passes over plots: their words (WCAG 2.2, 1.4.3), and bars and lines (1.4.11).
    assert min(contrasts(shown, [("--ink", "--panel"), ("--soft", "--panel")])) >= 4.5
    drawn = ("kept", "held", "gone", "neutral", "accent")
    assert min(contrasts(shown, [(f"--{colour}", "--panel") for colour in drawn])) >= 3


def test_figures_are_told_in_words(shown):
    plots = shown.locator("figure:has(svg)")
    for plot in plots.all():
        told = plot.locator("svg").get_attribute("aria-label")
        assert plot.locator("svg").get_attribute("role") == "img"
        assert len(told) > 40 and any(character.isdigit() for character in told)
        assert plot.locator("figcaption").text_content() == told


def test_headings_are_in_order(shown):
    levels = shown.eval_on_selector_all("h1, h2, h3, h4, h5, h6", "all => all.map(one => +one.tagName[1])")
    assert levels.count(1) == 1 and levels[0] == 1 and 2 in levels
    assert all(level <= before + 1 for before, level in pairwise(levels))


def test_what_scrolls_is_reached_and_moved_by_keyboard(shown):
    shown.set_viewport_size({"width": 390, "height": 800})
    open_all(shown)
    wide = shown.eval_on_selector_all(
        "body *:not(svg *)",
        """all => {
          const found = all.filter(one => getComputedStyle(one).overflowX === "auto"
                                          && one.scrollWidth > one.clientWidth);
          found.forEach((one, number) => one.dataset.number = number);
          return found.length;
        }""",
    )
    assert wide >= 10
    reached = {}
    for _ in range(2 * wide + 20):
        shown.keyboard.press("Tab")
        number = shown.evaluate("document.activeElement.dataset.number")
        if number is not None:
            shown.keyboard.press("ArrowRight")
            reached[number] = shown.evaluate("document.activeElement.getAttribute('aria-label')")
    assert len(reached) == wide and all(reached.values())
    shown.wait_for_function(
        "count => [...document.querySelectorAll('[data-number]')].every(one => one.scrollLeft > 0)", arg=wide
    )
