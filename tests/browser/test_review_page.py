"""The page of the review in a real browser: five documents by keyboard, the server killed, and on to the ledger."""

import json
import re
import shutil
import signal
from datetime import datetime, timezone

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("axe_playwright_python")

from pages import SCHEMES, barriers, contrasts, curate, done, is_wide

pytestmark = pytest.mark.browser

MARKUP = "<script>window.stolen = 1</script><img src=x onerror='window.stolen = 1'>"
WORDS = [
    "amber",
    "basin",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "haven",
    "islet",
    "juniper",
    "knoll",
    "lagoon",
    "meadow",
]


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    """A run that holds eight documents: captured early, but declared to be machine text."""
    rows = []
    for number in range(24):
        text = " ".join(WORDS[(number * step + step) % 13] + str(number * step) for step in range(1, 70))
        conflict = number < 8
        rows.append(
            {
                "id": f"doc-{number}",
                "text": MARKUP + text if number == 3 else text,
                "language": "en",
                "timestamp": datetime(2015, 1, 1, tzinfo=timezone.utc),
                "origin": "synthetic" if conflict else None,
            }
        )
    rows.append(rows[2] | {"id": "copy", "text": rows[2]["text"].replace("2 ", "otherwise ", 1)})
    folder = tmp_path_factory.mktemp("review")
    pq.write_table(pa.Table.from_pylist(rows), folder / "corpus.parquet")
    done("run", "--input", folder / "corpus.parquet", "--output", folder / "out", "--set", "mixture.enabled=false")
    return folder / "out"


def rows_of(output):
    parts = [pq.read_table(path) for path in (output / "ledger").glob("*.parquet")]
    return {row["id"]: row for row in pa.concat_tables(parts).to_pylist()}


class Served:
    """`curate review serve` in a process of its own."""

    def __init__(self, output):
        self.process = curate("review", "serve", output, "--reviewer", "ana")
        lines = [self.process.stdout.readline(), self.process.stdout.readline()]
        self.address = re.search(r"http://127\.0\.0\.1:\d+/\S+/", lines[1]).group()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=30)
        self.process.stdout.close()
        self.process.stderr.close()


@pytest.fixture
def serve(output):
    running = []

    def start(directory=output):
        running.append(Served(directory))
        return running[-1]

    yield start
    for served in running:
        if served.process.poll() is None:
            served.kill()


def saved(output):
    """What the disk has of the answers, in order."""
    lines = (output / "artefacts/review.jsonl").read_text().splitlines()
    return [(answer["id"], answer["verdict"]) for answer in map(json.loads, lines)]


def press(page, key, message):
    shown = page.inner_text("#title")
    page.keyboard.press(key)
    page.wait_for_function("text => document.getElementById('message').textContent.includes(text)", arg=message)
    return shown.split(": ", 1)[1]


def test_review_by_keyboard_survives_a_kill_and_reaches_the_ledger(page, serve, output, tmp_path):
    """A reviewer answers on a copy of the output, whose answers are then imported."""
    theirs = shutil.copytree(output, tmp_path / "theirs")
    served = serve(theirs)
    page.goto(served.address)
    page.wait_for_selector("#document:not([hidden])")
    assert page.inner_text("#progress") == "0 of 8 answered, reviewer ana"
    said = {}
    for key, number, verdict in (("h", 1, "human"), ("s", 2, "synthetic"), ("k", 3, "keep")):
        said[press(page, key, f"document {number} is {verdict}")] = verdict
        assert saved(theirs) == list(said.items())  # on the disk as soon as the page says so
    served.kill()  # without a chance to write anything

    page.keyboard.press("d")
    page.wait_for_selector("#failure:has-text('NOT saved')")
    page.errors.clear()  # the browser tells of the server that is gone
    assert saved(theirs) == list(said.items())

    served = serve(theirs)
    page.goto(served.address)
    page.wait_for_selector("#document:not([hidden])")
    assert page.inner_text("#progress") == "3 of 8 answered, reviewer ana"
    assert page.inner_text("#title").startswith("Document 4 of 8")
    said[press(page, "d", "document 4 is drop")] = "drop"
    mistaken = press(page, "s", "document 5 is synthetic")
    assert press(page, "u", "Withdrawn: document 5") != mistaken
    assert saved(theirs)[-2:] == [(mistaken, "synthetic"), (mistaken, None)]
    page.keyboard.press("n")
    page.wait_for_selector("#title:has-text('Document 6 of 8')")
    page.keyboard.press("p")
    page.wait_for_selector("#title:has-text('Document 5 of 8')")
    page.fill("#note", "shsh: keys write here")  # and answer nothing
    page.keyboard.press("Escape")
    said[press(page, "h", "document 5 is human")] = "human"
    assert page.inner_text("#progress") == "5 of 8 answered, reviewer ana"
    served.kill()
    assert len(said) == 5

    answers = theirs / "artefacts/review.jsonl"
    assert "5 answers added" in done("review", "import", answers, "--into", output)
    assert "0 answers added" in done("review", "import", answers, "--into", output)
    done("verify", output)
    done("decide", "--annotations", output, "--output", output.parent / "decided", "--apply")
    before, ledger = rows_of(output), rows_of(output.parent / "decided")
    expected = {
        "human": ("kept", None, None, "human"),
        "synthetic": ("dropped", "synthetic", "declared", "synthetic"),
        "keep": ("kept", None, None, "unknown"),
        "drop": ("dropped", "synthetic", "review", "unknown"),
    }
    for id, verdict in said.items():
        row = ledger[id]
        assert (row["decision"], row["stage"], row["reason"], row["origin"]) == expected[verdict]
        assert any(item["family"] == "review" and "by ana" in item["detail"] for item in row["evidence"])
    unanswered = {id for id, row in before.items() if row["reason"] == "conflict"} - said.keys()
    assert len(unanswered) == 3 and all(ledger[id]["decision"] == "held" for id in unanswered)
    manifest = json.loads((output.parent / "decided/manifest.json").read_text())
    assert manifest["review"]["verdicts"] == {"human": 2, "synthetic": 1, "keep": 1, "drop": 1}


def test_texts_are_texts_and_the_page_fits_a_phone(page, serve):
    served = serve()
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(served.address)
    page.wait_for_selector("#document:not([hidden])")
    seen, compared = 0, []
    for _ in range(8):
        before = page.inner_text("#title")
        seen += MARKUP in page.inner_text("#text")
        assert not is_wide(page), f"{before} is wider than a phone"
        if page.is_visible("#comparison"):
            compared.append(page.inner_text("#difference del") + " " + page.inner_text("#difference ins"))
            assert "held copies that follow this answer: 1" in page.inner_text("#about")
        page.keyboard.press("n")
        page.wait_for_function("title => document.getElementById('title').textContent !== title", arg=before)
    assert seen == 1 and len(compared) == 1 and "otherwise" in compared[0]
    assert page.evaluate("window.stolen === undefined")
    names = page.eval_on_selector_all("button", "all => all.map(one => one.textContent.trim())")
    assert len(names) == 7 and all(names)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_nobody_is_kept_out(page, serve, scheme):
    """axe-core's rules, with a comparison on the page, an answer, and the message that an answer is not saved."""
    served = serve()
    page.emulate_media(color_scheme=scheme)
    page.goto(served.address)
    page.wait_for_selector("#document:not([hidden])")
    for _ in range(8):
        before = page.inner_text("#title")
        if page.is_visible("#comparison"):
            break
        page.keyboard.press("n")
        page.wait_for_function("title => document.getElementById('title').textContent !== title", arg=before)
    assert page.is_visible("#difference ins") and barriers(page) == []
    press(page, "k", "is keep")
    assert barriers(page) == []
    served.kill()
    page.keyboard.press("d")
    page.wait_for_selector("#failure:has-text('NOT saved')")
    assert barriers(page) == []
    page.errors.clear()
    # axe-core passes over text whose ground it cannot tell.
    grounds = [("--ink", "--ground"), ("--ink", "--card"), ("--soft", "--ground"), ("--good", "--ground"),
               ("--bad", "--ground"), ("--ink", "--ins"), ("--ink", "--del")]  # fmt: skip
    assert min(contrasts(page, grounds)) >= 4.5  # WCAG 2.2, 1.4.3
