"""Prevalence and the machine text left, from files to report, manifest and terminal."""

import json
import random
from datetime import datetime, timezone

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

PEOPLE, MACHINES = 0.40, 0.49
"""Share of words from the second half of the vocabulary. So close that a filter leaves much."""


class Writer:
    """Documents of made-up words; the two classes use the same words, one of them some more often."""

    def __init__(self, seed):
        self._random = random.Random(seed)
        syllables = [a + b for a in "bdfgklmnprst" for b in "aeiou"]
        words = [a + b for a in syllables for b in syllables[:20]]
        random.Random(0).shuffle(words)
        self._words = words[:150], words[150:300]

    def text(self, share):
        words = [self._random.choice(self._words[self._random.random() < share]) for _ in range(120)]
        return " ".join(" ".join(words[start : start + 12]) + "." for start in range(0, 120, 12))

    def texts(self, share, n):
        return [self.text(share) for _ in range(n)]


@pytest.fixture(scope="module")
def detector(curate, tmp_path_factory):
    """A detector trained on such documents through the command line."""
    place, writer = tmp_path_factory.mktemp("detector"), Writer(1)
    for label, share in (("human", PEOPLE), ("machine", MACHINES)):
        pq.write_table(pa.table({"text": writer.texts(share, 600)}), place / f"{label}.parquet")
    outcome = curate(
        "detector", "train", "--human", place / "human.parquet", "--machine", place / "machine.parquet",
        "--output", place / "model",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    return place / "model"


def corpus(humans, machines, seed):
    """A source: 300 documents captured in 2019, and some of 2024, of which so many are machine-made."""
    writer = Writer(seed)
    early, late = (datetime(year, 3, 1, tzinfo=timezone.utc) for year in (2019, 2024))
    texts = writer.texts(PEOPLE, 300 + humans) + writer.texts(MACHINES, machines)
    return {
        "id": [f"{seed}-{place}" for place in range(len(texts))],
        "text": texts,
        "timestamp": [early] * 300 + [late] * (humans + machines),
        "language": ["en"] * len(texts),
    }


@pytest.fixture(scope="module")
def run_on(curate, detector, tmp_path_factory):
    """Runs on one corpus for each source."""
    place = tmp_path_factory.mktemp("prevalence")

    def run(name, sources, *options):
        (place / name).mkdir()
        for source, columns in sources.items():
            rows = len(columns["id"])
            pq.write_table(pa.table({**columns, "source": [source] * rows}), place / name / f"{source}.parquet")
        outcome = curate(
            "run", "--input", place / name, "--output", place / f"{name}-out", "--set", f"synthetic.model={detector}",
            "--set", "dedupe.enabled=false", *options,
        )  # fmt: skip
        assert outcome.code == 0, outcome.err
        return outcome, place / f"{name}-out"

    return run


@pytest.fixture(scope="module")
def above_the_cap(run_on):
    return run_on(
        "above", {"forum": corpus(250, 350, 3), "news": corpus(500, 100, 4)}, "--set", "mixture.synthetic_cap=0.1"
    )


def read(output, name):
    return json.loads((output / name).read_text())


def test_training_stores_what_prevalence_needs(detector):
    numbers = json.loads((detector / "detector.json").read_text())
    assert set(numbers["scores_by_length"]) == {"human", "machine"}
    assert numbers["documents_by_length"]["machine"] == {"100-200": numbers["documents"]["machine"]}
    assert numbers["scores_by_length"]["machine"]["100-200"] == sorted(
        numbers["scores_by_length"]["machine"]["100-200"]
    )
    assert numbers["spread"] > 0


def test_report_and_manifest_hold_shares_by_source_and_month(above_the_cap):
    _, output = above_the_cap
    report, manifest = read(output, "report.json"), read(output, "manifest.json")
    assert manifest["prevalence"]["prevalence"] == report["prevalence"]
    assert manifest["prevalence"]["total"] == report["prevalence_total"]
    assert manifest["prevalence"]["beta_res"] == report["calibration"]["beta_res"]
    rows = {(row["source"], row["month"]): row for row in report["prevalence"]}
    assert set(rows) == {(source, month) for source in ("forum", "news") for month in (None, "2019-03", "2024-03")}
    truth = {"forum": 350 / 900, "news": 100 / 900}
    for source, share in truth.items():
        row = rows[source, None]
        assert row["estimate"] == pytest.approx(share, abs=0.1)
        assert row["least"] <= share and row["low"] <= share <= row["high"]
        assert (row["n"], row["human_n"]) == (900, 300)
        assert row["calibration"] == manifest["artefacts"]["thresholds"]
        assert rows[source, "2019-03"]["high"] == 0
        assert rows[source, "2024-03"]["estimate"] == pytest.approx(1.5 * row["estimate"], abs=1e-6)
    assert report["prevalence_total"]["n"] == 1_800
    assert "at least" in (output / "report.html").read_text()


def test_a_run_above_the_cap_warns_with_options(above_the_cap, output_of):
    outcome, output = above_the_cap
    manifest, left = read(output, "manifest.json"), read(output, "report.json")["calibration"]["beta_res"]
    kept = [row for row in output_of(output).rows.values() if row["decision"] == "kept"]
    assert left["n"] == len(kept)
    truth = sum(int(row["id"].split("-")[1]) >= {"3": 550, "4": 800}[row["id"][0]] for row in kept) / len(kept)
    assert left["value"] > 0.1 and left["value"] == pytest.approx(truth, abs=0.08)
    assert left["low"] <= truth <= left["high"]
    told = [line.strip() for line in outcome.out.splitlines()]
    assert [f"warning: {manifest['warnings'][0]}", *manifest["warnings"][1:]] == told[1 : 1 + len(manifest["warnings"])]
    assert [option["option"] for option in left["options"]] == ["alpha", "alpha", "thin", "drop", "review"]
    assert manifest["warnings"][0] in (output / "report.html").read_text()


def test_what_a_stricter_level_was_said_to_cost_is_what_it_costs(above_the_cap, curate, output_of, tmp_path):
    _, output = above_the_cap
    said = read(output, "report.json")["calibration"]["beta_res"]["options"][0]
    outcome = curate(
        "decide", "--annotations", output, "--output", tmp_path / "out", "--set", "synthetic.alpha_suspect=0.1"
    )
    assert outcome.code == 0, outcome.err
    before, after = (output_of(path).rows.values() for path in (output, tmp_path / "out"))
    gone = {row["id"] for row in before if row["decision"] == "kept"} - {
        row["id"] for row in after if row["decision"] == "kept"
    }
    human = sum(int(id.split("-")[1]) < {"3": 550, "4": 800}[id[0]] for id in gone)
    assert said["alpha"] == 0.1
    assert said["documents"] == len(gone) > 20
    assert said["human"] == pytest.approx(human, abs=25)


def test_a_run_below_the_cap_says_nothing_and_names_what_it_cannot_estimate(run_on):
    few = {name: values[300:] for name, values in corpus(30, 30, 7).items()}
    outcome, output = run_on("below", {"news": corpus(600, 0, 5), "blog": few})
    manifest, report = read(output, "manifest.json"), read(output, "report.json")
    assert manifest["prevalence"]["beta_res"]["value"] < 0.1
    assert manifest["warnings"] == [] and "warning" not in outcome.out
    assert manifest["prevalence"]["not_estimated"] == {"sources": ["blog"], "sources_total": 1, "documents": 60}
    assert {row["source"] for row in report["prevalence"]} == {"news"}
    mix = next(panel for panel in report["panels"] if panel["name"] == "Mix")
    assert any("60 scored documents, of 1 source" in reason["text"] for reason in mix["reasons"])
