"""The page of the collapse benchmark in a real browser."""

import pytest

pytest.importorskip("axe_playwright_python")

from pages import SCHEMES, barriers, is_wide

from curate.simulate.page import draw_page
from curate.simulate.results import summarise
from curate.simulate.tiers import TIERS

pytestmark = pytest.mark.browser

METRICS = (
    "perplexity", "perplexity_tail", "vocabulary_coverage", "trigram_coverage", "tail_share", "distinct_3",
    "unigram_entropy", "human_loss", "synthetic_admitted", "gibberish_admitted", "prevalence_error",
)  # fmt: skip


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    """The documented tier with made-up numbers, some of which are missed and some reached."""
    tier, chains = TIERS["doc"], {}
    for place, (key, (_, generations)) in enumerate(tier.chains().items(), start=1):
        chains[key] = [{name: place / (10.0 + step) for name in METRICS} for step in range(generations)]
    path = tmp_path_factory.mktemp("benchmark") / "report.html"
    path.write_text(draw_page(summarise(chains, tier)), encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", SCHEMES)
def test_nobody_is_kept_out(page, benchmark, scheme):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(benchmark.as_uri())
    assert page.locator("figure svg").count() == 4
    assert {"reached", "missed"} == set(page.locator("table").first.locator("td:last-child").all_inner_texts())
    assert barriers(page) == [] and not is_wide(page)
    page.set_viewport_size({"width": 1300, "height": 800})
    assert barriers(page) == [] and not is_wide(page)
