import json

import pytest

from curate.comparison import runs
from curate.comparison.runs import differing, read_run
from curate.errors import UsageError


def files(run):
    return json.dumps(run.report).encode(), json.dumps(run.manifest).encode()


def test_a_run_is_read(run):
    assert read_run("a", *files(run())) == run()


@pytest.mark.parametrize(
    ("report", "message"),
    [
        (b"{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "is not that of a run"),
        (b'{"arms": {}, "format": 1}', "is not that of a run"),
        (b'{"counts":0,"totals":0,"panels":0,"status":0,"config":0,"format":2}', "is of format 2, expected 1"),
    ],
)
def test_other_files_are_refused(run, report, message):
    with pytest.raises(UsageError, match=f"report.json of 'x' {message}"):
        read_run("x", report, files(run())[1])
    with pytest.raises(UsageError, match=r"manifest\.json of 'x' is not"):
        read_run("x", files(run())[0], b"{}")


def test_artefacts_that_differ(run):
    a, b = run("a"), run("b", artefacts={"centroids": "centroids-1", "detector": "detector-2", "embedder": "own"})
    assert differing([a, b], ["detector", "centroids", "thresholds", "unheard-of"]) == ["detector", "thresholds"]
    assert {row["name"]: (row["values"], row["same"]) for row in runs.artefacts([a, b])} == {
        "centroids": (["centroids-1", "centroids-1"], True),
        "detector": (["detector-1", "detector-2"], False),
        "embedder": ([None, "own"], False),
        "thresholds": (["thresholds-1", None], False),
    }


def test_settings_that_differ(run):
    b = run(
        "b", config={"dedupe": {"threshold": 0.9, "sources": {"law": {"drop": "none"}}}, "mixture": {"enabled": True}}
    )
    assert [(row["name"], row["values"]) for row in runs.settings([run("a"), b])] == [
        ("dedupe.sources", [{}, None]),
        ("dedupe.sources.law.drop", [None, "none"]),
        ("dedupe.threshold", [0.8, 0.9]),
    ]
    assert runs.settings([run("a"), run("b")]) == runs.versions([run("a"), run("b")]) == []


def test_inputs_are_told_apart_by_content(run):
    a, b = run("a"), run("b")
    a.manifest["fingerprints"] = {"x": {"rows": 1, "row_sum": "1"}, "y": {"rows": 2, "row_sum": "2"}}
    b.manifest["fingerprints"] = {"moved": {"rows": 1, "row_sum": "1"}, "y": {"rows": 2, "row_sum": "3"}}
    assert runs.inputs([a, b]) == [
        {"values": ["y", None], "rows": 2, "same": False},
        {"values": [None, "y"], "rows": 2, "same": False},
        {"values": ["x", "moved"], "rows": 1, "same": True},
    ]
