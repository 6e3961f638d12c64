"""The comparison of two runs in a real browser."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("axe_playwright_python")

from pages import SCHEMES, barriers, done, is_wide

pytestmark = pytest.mark.browser

MARKUP = "<script>window.stolen = 1</script><img src='https://elsewhere.example/x'>"


@pytest.fixture(scope="module")
def comparison(tmp_path_factory):
    """Two runs of few documents, of hostile names, one of them under other settings."""
    root = tmp_path_factory.mktemp("comparison")
    names = [f"{MARKUP} {'long' * 60}{number % 3}" for number in range(60)]
    texts = [" ".join(f"word{number * place % 97}" for place in range(1, 60)) for number in range(60)]
    pq.write_table(pa.table({"id": names, "source": names, "text": texts}), root / "in.parquet")
    runs = [root / f"a {MARKUP.replace('/', '')}", root / "b"]
    for run, threshold in zip(runs, (0.8, 0.5), strict=True):
        done("run", "--input", root / "in.parquet", "--output", run, "--set", f"dedupe.threshold={threshold}")
    done("report", *runs, "--to", root / "page.html")
    assert json.loads((root / "page.json").read_text())["settings"]
    return root / "page.html"


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [1300, 390])
def test_it_fits_asks_for_nothing_and_keeps_nobody_out(page, comparison, width, scheme):
    """The page's own fixture looks for errors."""
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.goto(comparison.as_uri())
    page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
    assert [url for url in requests if not url.startswith("data:")] == [comparison.as_uri()]
    assert page.evaluate("window.stolen") is None and page.locator("script, img").count() == 0
    assert not is_wide(page)
    assert barriers(page) == []
