"""A run with a judge of the operator's, who says which declared machine text may fill shortages."""

import json
import random
import sys
from datetime import datetime, timezone
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

MODULE = """
from apache_beam.ml.inference.base import ModelHandler, PredictionResult

from curate.transforms import TextVerifier

ASKED = []


class Judge(ModelHandler):
    def load_model(self):
        return lambda text: {"splendid": "9", "middling": "6", "dreadful": "2"}.get(text.split()[0], "I cannot say")

    def run_inference(self, batch, model, inference_args=None):
        ASKED.extend(batch)
        return [PredictionResult(text, model(text)) for text in batch]


def judge():
    return TextVerifier(Judge(), "judge", "1", accept=lambda answer: int(answer) / 10)
"""
PEOPLE = {"harbour": 240, "orchard": 30, "engine": 30}
WORDS = ("splendid", "middling", "dreadful", "poison")
SETTINGS = (
    "mixture.group_column=topic", "mixture.alpha=0.3", "mixture.growth=4", "mixture.min_reference=20",
    "mixture.max_copies=1", "synthetic.enabled=false", "dedupe.enabled=false",
)  # fmt: skip
JUDGE = "mixture.verifier=my_judge:judge"


@pytest.fixture(scope="module")
def inputs(prose, tmp_path_factory):
    """People's texts, few of them on two topics; declared machine text on these, and some that cannot fill."""
    draw, source, rows = random.Random(5), prose(5), []

    def add(id, text, year, topic, **columns):
        time = datetime(year, 5, 1, tzinfo=timezone.utc)
        rows.append({"id": id, "text": text, "topic": topic, "timestamp": time, **columns})

    for topic, count in PEOPLE.items():
        for index in range(count):
            add(f"{topic}-{index}", source.text(draw.randint(60, 100), topic), 2019, topic)
    for index in range(40):
        for topic in ("orchard", "engine"):
            text = f"{WORDS[index % 4]} {source.text(80, topic)}"
            add(f"{topic}-m{index}", text, 2024, topic, origin="synthetic", source="model")
    add("denied", f"splendid {source.text(80, 'engine')}", 2024, "engine", origin="synthetic", rights="deny")
    add("disputed", f"splendid {source.text(80, 'engine')}", 2019, "engine", origin="synthetic")
    add("nowhere", f"splendid {source.text(80)}", 2024, None, origin="synthetic")
    add("silent", f"splendid {source.text(80, 'engine')}", 2024, "engine", source="quiet-model")
    junk = " ".join(["splendid"] * 90)
    add("junk", junk, 2024, "engine", origin="synthetic")
    path = tmp_path_factory.mktemp("verifier") / "in.parquet"
    columns = ("id", "text", "topic", "timestamp", "origin", "source", "rights")
    pq.write_table(pa.Table.from_pylist([{name: row.get(name) for name in columns} for row in rows]), path)
    return path


@pytest.fixture
def my_judge(operator_module):
    return operator_module("my_judge", MODULE)


@pytest.fixture(scope="module")
def judged(curate, operator_modules, inputs, tmp_path_factory, output_of):
    """A run with the judge, what it told, and what the judge was asked, who is gone since."""
    place = tmp_path_factory.mktemp("judged")
    with operator_modules(place / "modules") as write:
        write("my_judge", MODULE)
        sets = (f"--set={setting}" for setting in (*SETTINGS, JUDGE))
        outcome = curate("run", "--input", inputs, "--output", place / "out", *sets)
        assert outcome.code == 0, outcome.err
        return SimpleNamespace(output=output_of(place / "out"), err=outcome.err, asked=sys.modules["my_judge"].ASKED)


@pytest.fixture
def run(curate, my_judge, inputs, tmp_path, output_of):
    def run(name, *settings, code=0):
        sets = (f"--set={setting}" for setting in (*SETTINGS, *settings))
        outcome = curate("run", "--input", inputs, "--output", tmp_path / name, *sets)
        assert outcome.code == code, outcome.err
        return (output_of(tmp_path / name) if code == 0 else None), outcome

    return run


@pytest.fixture
def decide(curate, judged, tmp_path, output_of):
    def decide(name, *settings):
        sets = (f"--set={setting}" for setting in settings)
        outcome = curate("decide", "--annotations", judged.output.path, "--output", tmp_path / name, *sets)
        assert outcome.code == 0, outcome.err
        return output_of(tmp_path / name)

    return decide


def machine(output, *words):
    return [row for id, row in output.rows.items() if "-m" in id and WORDS[int(id.partition("-m")[2]) % 4] in words]


def verification(output):
    report = json.loads((output.path / "report.json").read_text())["mixture"]["verification"]
    assert report == output.manifest["mixture"]["verification"]
    return report


def test_only_what_the_judge_accepts_fills(run, judged, inputs, curate):
    plain, _ = run("plain")
    output = judged.output
    assert "verifier judge-1 failed on 20 of 81 texts: they fill nothing" in judged.err
    texts = {row["id"]: row["text"] for row in pq.read_table(inputs).to_pylist()}
    declared = [text for id, text in texts.items() if "-m" in id or id == "junk"]
    assert sorted(judged.asked) == sorted(declared)

    good, bad = machine(output, "splendid", "middling"), machine(output, "dreadful", "poison")
    assert {(row["decision"], row["reason"]) for row in good} == {("kept", None)}
    assert {(row["decision"], row["stage"], row["reason"]) for row in bad} == {("dropped", "mixture", "unverified")}
    rows = output.rows
    assert (rows["junk"]["decision"], rows["junk"]["reason"]) == ("dropped", "quality")
    assert (rows["nowhere"]["decision"], rows["nowhere"]["reason"]) == ("dropped", "no_shortage")
    assert output.manifest["artefacts"]["verifier"] == "judge-1"
    assert verification(output) == {
        "verifier": "judge-1", "asked": 81, "accepted": 41, "refused": 20, "failed": 20, "not_asked": 0,
    }  # fmt: skip
    assert output.manifest["reasons"]["mixture/unverified"] == 40

    # The supply of synthetic text is what was accepted; real text does not change.
    for cluster, before in zip(
        output.manifest["mixture"]["clusters"], plain.manifest["mixture"]["clusters"], strict=True
    ):
        accepted = [row["tokens"] for row in good if row["cluster"] == cluster["cluster"]]
        assert cluster["available_synthetic"] == sum(accepted)
        assert cluster["real"] == before["real"]
    assert {(row["decision"], row["reason"]) for row in machine(plain, *WORDS)} == {("kept", None)}
    assert "verifier" not in plain.manifest["artefacts"]
    assert "judge-1: accepted 41, refused 20, failed 20" in (output.path / "report.html").read_text()

    for id, told in (
        ("engine-m0", "asked whether it may fill shortages: accepted, 0.90"),
        ("engine-m2", "a lower mixture.verifier_threshold (it is 0.5); or another answer of the verifier"),
        ("engine-m3", "asked whether it may fill shortages: it failed"),
    ):
        text = curate("explain", output.path, id).out
        assert told in text
        assert "The verifier is judge-1." in text


def test_decisions_need_no_judge(judged, decide, curate, tmp_path):
    output = judged.output
    assert "my_judge" not in sys.modules
    again = decide("again")
    assert again.ledger.equals(output.ledger)
    assert again.manifest["artefacts"] == output.manifest["artefacts"]
    assert verification(again) == verification(output)

    strict = decide("strict", "mixture.verifier_threshold=0.7")
    assert {row["reason"] for row in machine(strict, "middling")} == {"unverified"}
    assert {row["reason"] for row in machine(strict, "splendid")} == {None}
    assert verification(strict)["accepted"] == 21

    # What is declared machine text by this decision only was not asked about.
    other = decide("other", "provenance.synthetic_sources=[quiet-model]")
    assert (other.rows["silent"]["decision"], other.rows["silent"]["reason"]) == ("dropped", "unverified")
    assert verification(other)["not_asked"] == 1
    told = curate("explain", other.path, "silent").out
    assert "The verifier, judge-1, was not asked about it." in told
    assert "a run with these settings from the start" in told

    refused = curate(
        "decide", "--annotations", output.path, "--output", tmp_path / "x", "--set", "mixture.verifier=x:y"
    )
    assert refused.code == 2
    assert "mixture.verifier is 'x:y', but the annotations were made with 'my_judge:judge'" in refused.message


def test_blocks_do_not_matter_and_no_text_is_encoded(run, judged, encoded):
    small, _ = run("small", JUDGE, "run.block_rows=37")
    assert small.ledger.equals(judged.output.ledger)
    assert {"group", "decision"} <= encoded
    assert not {"text", "curate:text"} & encoded


@pytest.mark.slow
def test_worker_processes(curate_process, judged, my_judge, inputs, tmp_path, output_of):
    output = judged.output
    sets = (f"--set={setting}" for setting in (*SETTINGS, JUDGE, "run.block_rows=70"))
    outcome = curate_process("run", "--input", inputs, "--output", tmp_path / "two", "--workers", 2, *sets)
    assert outcome.code == 0, outcome.err
    two = output_of(tmp_path / "two")
    assert two.ledger.equals(output.ledger)
    assert verification(two) == verification(output)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("mixture.verifier=no_such:thing", "No module named 'no_such'"),
        ("mixture.verifier=my_judge:Judge", "which gave a Judge, expected module:function, a function that returns a"),
        ("mixture.verifier_threshold=1.5", "mixture.verifier_threshold is 1.5"),
    ],
)
def test_refused_settings(run, tmp_path, setting, told):
    _, outcome = run("out", setting, code=2)
    assert told in outcome.message
    assert not (tmp_path / "out").exists()
