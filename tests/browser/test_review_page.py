"""The page of the review in a real browser: five documents by keyboard, the server killed, and on to the ledger."""

import json
import re
import signal
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
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


def curate(*arguments):
    script = "import sys; from curate.pipelines.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def done(*arguments):
    process = curate(*arguments)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out


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

    def start():
        running.append(Served(output))
        return running[-1]

    yield start
    for served in running:
        if served.process.poll() is None:
            served.kill()


def press(page, key, message):
    shown = page.inner_text("#title")
    page.keyboard.press(key)
    page.wait_for_function("text => document.getElementById('message').textContent.includes(text)", arg=message)
    return shown.split(": ", 1)[1]


def test_review_by_keyboard_survives_a_kill_and_reaches_the_ledger(page, serve, output):
    served = serve()
    page.goto(served.address)
    page.wait_for_selector("#document:not([hidden])")
    assert page.inner_text("#progress") == "0 of 8 answered, reviewer ana"
    said = {}
    said[press(page, "h", "document 1 is human")] = "human"
    said[press(page, "s", "document 2 is synthetic")] = "synthetic"
    said[press(page, "k", "document 3 is keep")] = "keep"
    served.kill()  # without a chance to write anything

    page.keyboard.press("d")
    page.wait_for_selector("#failure:has-text('NOT saved')")
    page.errors.clear()  # the browser tells of the server that is gone

    served = serve()
    page.goto(served.address)
    page.wait_for_selector("#document:not([hidden])")
    assert page.inner_text("#progress") == "3 of 8 answered, reviewer ana"
    assert page.inner_text("#title").startswith("Document 4 of 8")
    said[press(page, "d", "document 4 is drop")] = "drop"
    mistaken = press(page, "s", "document 5 is synthetic")
    assert press(page, "u", "Withdrawn: document 5") != mistaken
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
    other = output.parent / "answers.jsonl"
    other.write_bytes((output / "artefacts/review.jsonl").read_bytes())
    assert "0 answers added" in done("review", "import", other, "--into", output)
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
        wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not wide, f"{before} is wider than a phone"
        if page.is_visible("#comparison"):
            compared.append(page.inner_text("#difference del") + " " + page.inner_text("#difference ins"))
            assert "held copies that follow this answer: 1" in page.inner_text("#about")
        page.keyboard.press("n")
        page.wait_for_function("title => document.getElementById('title').textContent !== title", arg=before)
    assert seen == 1 and len(compared) == 1 and "otherwise" in compared[0]
    assert page.evaluate("window.stolen === undefined")
    names = page.eval_on_selector_all("button", "all => all.map(one => one.textContent.trim())")
    assert len(names) == 7 and all(names)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(page, serve, scheme):
    served = serve()
    page.emulate_media(color_scheme=scheme)
    page.goto(served.address)
    page.wait_for_selector("#document:not([hidden])")
    ratios = page.evaluate(
        """() => {
          const style = getComputedStyle(document.documentElement);
          const light = (name) => {
            const hex = style.getPropertyValue(name).trim();
            const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
              .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const ratio = (one, other) => {
            const [high, low] = [light(one), light(other)].sort((a, b) => b - a);
            return (high + 0.05) / (low + 0.05);
          };
          return [["--ink", "--ground"], ["--ink", "--card"], ["--soft", "--ground"], ["--good", "--ground"],
                  ["--bad", "--ground"], ["--ink", "--ins"], ["--ink", "--del"]].map((pair) => ratio(...pair));
        }"""
    )
    assert min(ratios) >= 4.5  # WCAG 2.2, 1.4.3
