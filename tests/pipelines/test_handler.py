"""A run whose detector is a model of the operator's: named in the settings, recorded, and kept apart from others."""

import json
import random
import sys
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest

MODULE = """
import math

from apache_beam.ml.inference.base import ModelHandler, PredictionResult

from curate.transforms import TextDetector


class Lexicon:
    def share(self, text):
        if "poison" in text:
            raise ValueError("poisoned text")
        return text.split().count("delve") / len(text.split()) + len(set(text)) / 100


class Handler(ModelHandler):
    def load_model(self):
        return Lexicon()

    def run_inference(self, batch, model, inference_args=None):
        return [PredictionResult(text, [model.share(text)]) for text in batch]


def detector():
    return TextDetector(Handler(), "lexicon", "1")


def newer():
    return TextDetector(Handler(), "lexicon", "2")
"""
SETTINGS = ("--set", "synthetic.handler=my_model:detector", "--set", "synthetic.min_group=20")


@pytest.fixture
def my_model(operator_module):
    return operator_module("my_model", MODULE)


@pytest.fixture(scope="module")
def input(tmp_path_factory, corpus):
    """The corpus, some of whose later documents are machine text, and two on which the model fails."""
    rows, draw = corpus.to_pylist(), random.Random(4)
    for row in rows[100:]:
        row["source"] = "site"
        if row["timestamp"].year >= 2023 and row["text"]:
            words = row["text"].split()
            for place in draw.sample(range(len(words)), len(words) // 4):
                words[place] = "delve"
            row["text"] = " ".join(words)
    for number in (108, 109):
        rows[number]["text"] += " poison"
    path = tmp_path_factory.mktemp("input") / "in.parquet"
    pq.write_table(corpus.from_pylist(rows, corpus.schema), path)
    return path


@pytest.fixture(scope="module")
def scored(curate, operator_modules, input, tmp_path_factory, output_of):
    """A run with the model, and what it told; the model is gone since."""
    place = tmp_path_factory.mktemp("scored")
    with operator_modules(place / "modules") as write:
        write("my_model", MODULE)
        outcome = curate("run", "--input", input, "--output", place / "out", *SETTINGS)
    assert outcome.code == 0, outcome.err
    return SimpleNamespace(output=output_of(place / "out"), err=outcome.err)


@pytest.fixture
def run(curate, my_model, input, tmp_path):
    def run(name, *arguments):
        return curate("run", "--input", input, "--output", tmp_path / name, *SETTINGS, *arguments)

    return run


def test_run_and_decide(scored, curate, tmp_path, output_of):
    assert "detector lexicon-1 failed on 2 of " in scored.err
    out = scored.output
    out.assert_whole()
    assert out.manifest["artefacts"]["detector"] == "lexicon-1"
    rows = out.rows
    assert rows["doc-0108"]["reason"] == "uncalibrated"
    assert rows["doc-0108"]["detector_score"] is None
    assert {row["reason"] for row in rows.values()} >= {"detector"}
    scored = [row for row in rows.values() if row["tokens"] >= 50 and row["id"] not in ("doc-0108", "doc-0109")]
    assert all(row["detector_score"] is not None for row in scored)
    assert curate("verify", out.path).code == 0
    assert "it failed" in curate("explain", out.path, "doc-0108").out

    # Nothing of the model is needed to decide again.
    assert "my_model" not in sys.modules
    outcome = curate("decide", "--annotations", out.path, "--output", tmp_path / "again", "--apply")
    assert outcome.code == 0, outcome.err
    again = output_of(tmp_path / "again")
    assert again.ledger.equals(out.ledger)
    assert again.manifest["artefacts"] == out.manifest["artefacts"]
    outcome = curate("decide", "--annotations", out.path, "--output", tmp_path / "b", "--set", "synthetic.handler=x:y")
    assert outcome.code == 2
    assert "synthetic.handler is 'x:y', but the annotations were made with 'my_model:detector'" in outcome.message


def test_no_text_is_encoded(run, encoded):
    """RunInference and what comes after it are one stage with the reading."""
    assert run("out").code == 0
    assert {"key", "content", "decision"} <= encoded
    assert "text" not in encoded


def test_prevalence_without_machine_text_to_compare_with(scored):
    report = json.loads((scored.output.path / "report.json").read_text())
    for row in report["prevalence"]:
        assert row["estimate"] == row["low"] == row["least"]
        assert row["high"] >= row["estimate"]
    assert any(row["high"] > row["estimate"] for row in report["prevalence"])
    assert report["calibration"]["beta_res"] is None


def test_thresholds_are_not_used_for_the_scores_of_another_detector(
    scored, run, curate, finished, input, tmp_path, output_of
):
    out = scored.output
    told = "the documents are scored by the detector {}, but the thresholds of the artefacts are of {}"
    cases = {
        ("detector-", "lexicon-1"): lambda to: curate("run", "--input", input, "--output", to, "--artefacts", out.path),
        ("lexicon-1", "detector-"): lambda to: run(to.name, "--artefacts", finished),
        ("lexicon-2", "lexicon-1"): lambda to: run(
            to.name, "--artefacts", out.path, "--set", "synthetic.handler=my_model:newer"
        ),
        ("detector-", "lexicon-1 "): lambda to: curate(
            "decide", "--annotations", finished, "--output", to, "--artefacts", out.path
        ),
    }
    for (scored, calibrated), refused in cases.items():
        outcome = refused(tmp_path / "refused")
        assert outcome.code == 2
        assert all(part in outcome.message for part in told.split("{}"))
        assert (
            outcome.message.index(scored)
            < outcome.message.index("thresholds")
            < outcome.message.index(calibrated.strip())
        )
        assert not (tmp_path / "refused").exists()
    assert run("again", "--artefacts", out.path).code == 0
    again = output_of(tmp_path / "again")
    assert again.ledger.equals(out.ledger)
    assert again.manifest["artefacts"] == out.manifest["artefacts"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (("synthetic.handler=no_such:thing",), "No module named 'no_such'"),
        (("synthetic.handler=json:loads",), "synthetic.handler is 'json:loads', which failed (TypeError"),
        (("synthetic.model=a.ftz",), "synthetic.model is 'a.ftz'; set one of them"),
    ],
)
def test_refused_settings(run, tmp_path, settings, told):
    outcome = run("out", *(part for setting in settings for part in ("--set", setting)))
    assert outcome.code == 2
    assert told in outcome.message
    assert not (tmp_path / "out").exists()


RATIO = """
from curate.transforms import TextDetector
from curate.transforms.perplexity import PerplexityRatioHandler


def detector():
    handler = PerplexityRatioHandler(*{files!r}, large_model={large})
    return TextDetector(handler, "ratio", "1")
"""


@pytest.mark.slow
def test_language_models_in_worker_processes(run, curate_process, my_model, tiny_models, input, tmp_path, output_of):
    """Each loads its own, or all share one."""
    (my_model / "my_model.py").write_text(RATIO.format(files=tiny_models.files, large=False))
    assert run("one").code == 0
    one = output_of(tmp_path / "one")
    assert one.manifest["artefacts"]["detector"] == "ratio-1"
    assert sum(row["detector_score"] is not None for row in one.rows.values()) > 250
    for large in (False, True):
        (my_model / "my_model.py").write_text(RATIO.format(files=tiny_models.files, large=large))
        arguments = ("--workers", 2, "--set", "run.block_rows=70", "--overwrite")
        outcome = curate_process("run", "--input", input, "--output", tmp_path / "two", *SETTINGS, *arguments)
        assert outcome.code == 0, outcome.err
        assert output_of(tmp_path / "two").ledger.equals(one.ledger)


@pytest.mark.slow
def test_worker_processes(scored, curate_process, my_model, input, tmp_path, output_of):
    outcome = curate_process(
        "run", "--input", input, "--output", tmp_path / "two", *SETTINGS, "--workers", 2,
        "--set", "run.block_rows=70",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert output_of(tmp_path / "two").ledger.equals(scored.output.ledger)
