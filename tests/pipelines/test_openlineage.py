"""Run events for OpenLineage, as the specification has them, from runs through the command line."""

import json
import os
import socket
import sys
import uuid
from datetime import datetime

import pytest

pytest.importorskip("openlineage.client")

SPEC = "https://openlineage.io/spec/"


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    def refuse(*_):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    # What would make the client talk to a server.
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "http")


@pytest.fixture
def events(curate, tmp_path, only_read):
    def events(command, *arguments, code=0):
        to = tmp_path / "events.jsonl"
        with_events = ("--set", f"run.openlineage.path={to}", "--set", "run.openlineage.job=nightly")
        outcome = curate(command, *arguments, *with_events)
        assert outcome.code == code, outcome.err
        return [json.loads(line) for line in to.read_text().splitlines()] if to.exists() else []

    return events


def assert_valid(event):
    """The required properties of the specification 2-0-2: RunEvent, and BaseFacet of each facet."""
    assert datetime.fromisoformat(event["eventTime"]).tzinfo is not None
    assert event["eventType"] in ("START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER")
    assert event["producer"].startswith("urn:curate:") and event["schemaURL"].startswith(SPEC)
    uuid.UUID(event["run"]["runId"])
    assert event["job"]["namespace"] and event["job"]["name"]
    parts = [event["run"], event["job"], *event.get("inputs", []), *event.get("outputs", [])]
    for dataset in parts[2:]:
        assert dataset["namespace"] == "file" and os.path.isabs(dataset["name"])
    facets = [
        (name, facet)
        for part in parts
        for kind in ("facets", "inputFacets", "outputFacets")
        for name, facet in part.get(kind, {}).items()
    ]
    assert facets
    for name, facet in facets:
        assert facet["_producer"].startswith("urn:curate:"), name
        own = "urn:curate:openlineage:CurateRunFacet:1-0-0"
        assert facet["_schemaURL"] == own if name == "curate_run" else facet["_schemaURL"].startswith(SPEC), name


def test_a_complete_run(events, curate, corpus_file, tmp_path, output_of, only_read):
    found = events("run", "--input", corpus_file, "--output", tmp_path / "out", *only_read)
    for event in found:
        assert_valid(event)
    start, complete = found
    assert (start["eventType"], complete["eventType"]) == ("START", "COMPLETE")
    assert start["run"]["runId"] == complete["run"]["runId"]
    assert start["job"]["name"] == "nightly" and start["job"]["facets"]["jobType"]["processingType"] == "BATCH"
    assert [dataset["name"] for dataset in start["inputs"]] == [str(corpus_file)]

    manifest = output_of(tmp_path / "out").manifest
    told = complete["run"]["facets"]["curate_run"]
    for name in ("counts", "fingerprints", "artefacts", "mix"):
        assert told[name] == manifest[name], name
    (read,) = complete["inputs"]
    assert read["inputFacets"]["inputStatistics"]["rowCount"] == manifest["counts"]["read"]
    assert read["inputFacets"]["inputStatistics"]["size"] == corpus_file.stat().st_size
    assert read["facets"]["version"]["datasetVersion"].endswith(manifest["fingerprints"][str(corpus_file)]["row_sum"])
    assert read["facets"]["dataSource"]["uri"] == f"file://{corpus_file}"
    columns = {field["name"]: field for field in read["facets"]["schema"]["fields"]}
    assert [member["name"] for member in columns["meta"]["fields"]] == ["page", "kind"]
    written = {os.path.basename(dataset["name"]): dataset for dataset in complete["outputs"]}
    assert set(written) == {"data", "held", "ledger"}
    for folder, decision in (("data", "kept"), ("held", "held")):
        rows = written[folder]["outputFacets"]["outputStatistics"]["rowCount"]
        assert rows == manifest["counts"][decision]
    assert written["data"]["facets"]["lifecycleStateChange"]["lifecycleStateChange"] == "CREATE"
    assert "curate_weight" in {field["name"] for field in written["data"]["facets"]["schema"]["fields"]}

    again = events("run", "--input", corpus_file, "--output", tmp_path / "out", "--overwrite", *only_read)
    assert [event["eventType"] for event in again] == ["START", "COMPLETE"] * 2  # appended
    change = again[-1]["outputs"][0]["facets"]["lifecycleStateChange"]
    assert change["lifecycleStateChange"] == "OVERWRITE"
    assert again[-1]["outputs"][0]["facets"]["version"] == complete["outputs"][0]["facets"]["version"]

    decided = events("decide", "--annotations", tmp_path / "out", "--output", tmp_path / "decided")[-2:]
    for event in decided:
        assert_valid(event)
    assert [os.path.basename(dataset["name"]) for dataset in decided[1]["outputs"]] == ["ledger"]
    assert decided[1]["run"]["facets"]["curate_run"]["command"] == "decide"


def test_a_failed_run(events, tmp_path, only_read):
    (tmp_path / "bad.jsonl").write_text('{"text": "one"}\n' + "not json\n" * 5)
    start, fail = events("run", "--input", tmp_path / "bad.jsonl", "--output", tmp_path / "out", *only_read, code=3)
    assert_valid(fail)
    assert (start["eventType"], fail["eventType"]) == ("START", "FAIL")
    message = fail["run"]["facets"]["errorMessage"]
    assert "5 of 6 records" in message["message"] and message["programmingLanguage"] == "PYTHON"


def test_an_interrupted_run(events, corpus_file, tmp_path, only_read, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("curate.pipelines.run.annotate_inputs", interrupt)
    found = events("run", "--input", corpus_file, "--output", tmp_path / "out", *only_read, code=130)
    assert [event["eventType"] for event in found] == ["START", "ABORT"]


def test_a_refused_run_has_no_events(events, corpus_file, tmp_path, only_read):
    assert events("run", "--input", tmp_path / "none.parquet", "--output", tmp_path / "out", *only_read, code=2) == []


def test_what_goes_wrong_with_the_telling_does_not_change_the_run(
    curate, corpus_file, tmp_path, only_read, monkeypatch
):
    def refuse(*_):
        raise RuntimeError("the disk is full")

    monkeypatch.setattr("openlineage.client.transport.file.FileTransport.emit", refuse)
    arguments = ("--set", f"run.openlineage.path={tmp_path / 'events'}", *only_read)
    outcome = curate("run", "--input", corpus_file, "--output", tmp_path / "out", *arguments)
    assert outcome.code == 0 and "the event COMPLETE was not written (the disk is full)" in outcome.err


@pytest.mark.parametrize("path", ["absent/events", ".", "gs://bucket/events"])
def test_a_file_that_cannot_be_written_is_told_before_the_run(curate, corpus_file, tmp_path, path):
    name = path if "://" in path else tmp_path / path
    setting = ("--set", f"run.openlineage.path={name}")
    outcome = curate("run", "--input", corpus_file, "--output", tmp_path / "out", *setting)
    assert outcome.code == 2 and str(name) in outcome.message
    assert not (tmp_path / "out").exists()


def test_a_file_within_the_output_is_refused(curate, corpus_file, tmp_path):
    (tmp_path / "out").mkdir()
    setting = ("--set", f"run.openlineage.path={tmp_path / 'out' / 'events'}")
    assert curate("run", "--input", corpus_file, "--output", tmp_path / "out", *setting).code == 2
    assert not list((tmp_path / "out").iterdir())


def test_a_file_of_something_else_is_not_appended_to(curate, corpus_file, tmp_path):
    corpus, other = tmp_path / "corpus.parquet", tmp_path / "other.jsonl"
    corpus.write_bytes(corpus_file.read_bytes())
    other.write_text('{"text": "one"}\n')
    for path in (corpus, other):
        before = path.read_bytes()
        setting = ("--set", f"run.openlineage.path={path}")
        outcome = curate("run", "--input", corpus, "--output", tmp_path / "out", *setting)
        assert outcome.code == 2 and str(path) in outcome.message
        assert path.read_bytes() == before


def test_without_the_extra_it_is_named(curate, corpus_file, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openlineage.client", None)
    setting = ("--set", f"run.openlineage.path={tmp_path / 'events'}")
    outcome = curate("run", "--input", corpus_file, "--output", tmp_path / "out", *setting)
    assert outcome.code == 2 and "curate[openlineage]" in outcome.message
