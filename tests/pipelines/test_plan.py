"""`curate run --plan --output DIR`: what a run would decide and build, with the report, and no document."""

import json

import pytest

from curate.report.words import percent

SETTINGS = ("--set", "mixture.min_reference=20", "--set", "mixture.clusters=12", "--set", "mixture.growth=1.0")


@pytest.fixture(scope="module")
def runs(curate, corpus_file, tmp_path_factory):
    """The same run, planned and done."""
    place = tmp_path_factory.mktemp("plan")
    for name, more in (("planned", ("--plan",)), ("done", ())):
        outcome = curate("run", "--input", corpus_file, "--output", place / name, *SETTINGS, *more)
        assert outcome.code == 0, outcome.err
        (place / f"{name}.txt").write_text(outcome.out)
    return place


def test_decides_and_reports_what_the_run_does(runs, output_of, curate):
    planned, done = output_of(runs / "planned"), output_of(runs / "done")
    assert planned.ledger.equals(done.ledger)
    for name in ("counts", "reasons", "mixture", "mix", "fingerprints", "artefacts", "config"):
        assert planned.manifest[name] == done.manifest[name], name
    shortages = [json.loads((path / "artefacts" / "shortages.json").read_text()) for path in (planned.path, done.path)]
    assert shortages[0] == shortages[1] and shortages[0]["clusters"]
    assert percent(planned.manifest["mixture"]["long_run"]) in (planned.path / "report.html").read_text()
    assert planned.manifest["arguments"]["plan"] and not done.manifest["arguments"]["plan"]
    assert curate("verify", planned.path).code == 0


def test_writes_no_document(runs, corpus):
    written = {path.name for path in (runs / "planned").iterdir()}
    assert not written & {"data", "held", "croissant.json"} and written >= {"ledger", "report.html", "annotations"}
    told = (runs / "planned.txt").read_text()
    assert told.startswith("1 files, 300 records") and "report: " in told and "data: " not in told
    assert "is this corpus collapsing?\n  as it is read: " in told and "\n  as it is built: " in told
    assert "collapsing" not in (runs / "done.txt").read_text()
    texts = [text.encode()[:40] for text in corpus["text"].to_pylist() if text and len(text) > 60]
    for path in (runs / "planned").rglob("*.json"):
        assert not any(text in path.read_bytes() for text in texts), path


def test_decide_builds_what_was_planned(runs, curate, output_of):
    outcome = curate("decide", "--annotations", runs / "planned", "--output", runs / "built", "--apply")
    assert outcome.code == 0, outcome.err
    built, done = output_of(runs / "built"), output_of(runs / "done")
    built.assert_whole()
    assert [path.read_bytes() for path in built.parts("data")] == [path.read_bytes() for path in done.parts("data")]


@pytest.mark.parametrize("more", [(), ("--overwrite",)])
def test_does_not_replace_documents(runs, curate, corpus_file, snapshot, more):
    before = snapshot(runs / "done")
    outcome = curate("run", "--input", corpus_file, "--output", runs / "done", "--plan", *more)
    assert outcome.code == 2
    assert "holds the documents of a run, which a plan does not replace; name another directory" in outcome.message
    assert snapshot(runs / "done") == before
