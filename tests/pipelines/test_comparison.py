"""`curate report DIR DIR2`: outputs are compared, told, drawn, and left as they are."""

import json
import os
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def later(curate, corpus, finished, tmp_path_factory):
    """A later generation: half of the documents, one source gone, one new and hostile, artefacts of the first."""
    place = tmp_path_factory.mktemp("later")
    sources = [HOSTILE if source == "site-0" else source for source in corpus["source"].to_pylist()]
    kept = [index for index, source in enumerate(sources) if source != "site-1" and index % 3]
    table = corpus.set_column(corpus.schema.get_field_index("source"), "source", pa.array(sources)).take(kept)
    pq.write_table(table, place / "later.parquet")
    arguments = ("--input", place / "later.parquet", "--artefacts", finished / "artefacts")
    outcome = curate("run", *arguments, "--output", place / "generation-2")
    assert outcome.code == 0, outcome.err
    return place / "generation-2"


@pytest.fixture(scope="module")
def bare(curate, corpus_file, only_read, tmp_path_factory):
    """A run with steps off."""
    path = tmp_path_factory.mktemp("bare") / "bare"
    outcome = curate("run", "--input", corpus_file, "--output", path, *only_read)
    assert outcome.code == 0, outcome.err
    return path


def numbers_of(page):
    return json.loads(page.with_suffix(".json").read_text())


def test_outputs_are_compared_and_left_as_they_are(curate, finished, later, snapshot, tmp_path):
    before = snapshot(finished), snapshot(later)
    outcome = curate("report", finished, later, "--to", tmp_path / "new" / "trend.html")
    assert outcome.code == 0, outcome.err
    assert (snapshot(finished), snapshot(later)) == before
    assert curate("verify", finished).code == curate("verify", later).code == 0
    page, found = (tmp_path / "new" / "trend.html").read_text(), numbers_of(tmp_path / "new" / "trend.html")
    assert outcome.out.splitlines()[0].split() == ["out", "generation-2"]
    assert outcome.out.endswith(f"page:    {tmp_path}/new/trend.html\nnumbers: {tmp_path}/new/trend.json\n")
    assert HOSTILE not in page and "&lt;script&gt;" in page
    assert [run["counts"]["read"] for run in found["runs"]] == [
        json.loads((path / "manifest.json").read_text())["counts"]["read"] for path in (finished, later)
    ]
    assert {row["source"]: row["fate"] for row in found["sources"]["rows"] if row["fate"]} == {
        HOSTILE: "new",
        "site-0": "gone",
        "site-1": "gone",
    }
    assert any(reason["section"] == "Sources" for reason in found["reasons"])
    assert found["clusters"]["comparable"] and "Clusters were not compared" not in outcome.out
    assert [row["values"][0] is None or row["values"][1] is None for row in found["inputs"]] == [True, True]
    again = curate("report", finished, later, "--to", tmp_path / "new" / "trend.html")
    assert again.out == outcome.out and (tmp_path / "new" / "trend.html").read_text() == page


def test_an_output_has_not_changed_from_itself(curate, finished, tmp_path):
    outcome = curate("report", finished, finished, "--to", tmp_path / "same.html")
    assert outcome.code == 0, outcome.err
    found = numbers_of(tmp_path / "same.html")
    assert found["reasons"] == found["settings"] == found["versions"] == [] and found["status"] == "ok"
    assert "large enough to matter: none" in outcome.out


def test_outputs_with_steps_off_are_compared(curate, finished, bare, tmp_path):
    for number, (first, last) in enumerate([(finished, bare), (bare, finished), (bare, bare)]):
        outcome = curate("report", first, last, "--to", tmp_path / f"{number}.html")
        assert outcome.code == 0, outcome.err
        assert "has no clusters" in outcome.out
    settings = {row["name"]: row["values"] for row in numbers_of(tmp_path / "0.html")["settings"]}
    assert settings["mixture.enabled"] == [True, False]


def test_three_generations_and_the_default_name(curate, finished, later, bare, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome = curate("report", finished, later, later)
    assert outcome.code == 0, outcome.err
    assert sorted(os.listdir(tmp_path)) == ["comparison.html", "comparison.json"]
    found = numbers_of(tmp_path / "comparison.html")
    assert all(len(row["values"]) == 3 for part in ("flow", "figures", "metrics") for row in found[part])
    assert [run["name"] for run in found["runs"]] == [
        str(finished),
        str(later),
        str(later),
    ]  # told apart by nothing less


def test_refusals(curate, finished, later, tmp_path, snapshot):
    broken, simulated, old = (tmp_path / name for name in ("broken", "simulated", "old"))
    for path in (broken, simulated, old):
        path.mkdir()
        shutil.copy(finished / "manifest.json", path)
    (simulated / "report.json").write_text(json.dumps({"arms": {}, "format": 1}))
    report = json.loads((finished / "report.json").read_text())
    (old / "report.json").write_text(json.dumps(report | {"format": 7}))
    (tmp_path / "mine.json").write_text("{}")
    (tmp_path / "mine.html").write_text("mine")
    (tmp_path / "other.html").write_text("mine")
    before = snapshot(tmp_path), snapshot(finished)
    for arguments, message in (
        ((finished, tmp_path / "nowhere"), "nowhere/report.json' cannot be read (No such file or directory)"),
        ((broken, finished), "broken/report.json' cannot be read"),
        ((finished, simulated), "report.json of 'simulated' is not that of a run of curate"),
        ((old, finished), "report.json of 'old' is of format 7, expected 1"),
        ((finished, later, "--to", finished / "report.html"), "lies in the output"),
        ((finished, later, "--to", later / "data" / "x.html"), "lies in the output"),
        ((finished, later, "--to", tmp_path / "mine.html"), "no comparison of curate"),
        ((finished, later, "--to", tmp_path / "other.html"), "no comparison of curate"),
        ((finished, later, "--to", tmp_path / "page.txt"), "expected one that ends in .html"),
        ((finished, later, "--to", tmp_path / "mine.json" / "x.html"), "cannot be written"),
        ((finished, "--to", tmp_path / "x.html"), "takes two or more outputs"),
        ((), "Missing argument 'DIR [DIR2]...'"),
    ):
        outcome = curate("report", *arguments)
        assert outcome.code == 2 and message in outcome.message, outcome.err
        assert len(outcome.err.strip().splitlines()) == 1
    assert (snapshot(tmp_path), snapshot(finished)) == before


def test_a_damaged_report_is_refused(curate, finished, tmp_path):
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    shutil.copy(finished / "manifest.json", damaged)
    report = json.loads((finished / "report.json").read_text())
    for name, value in (("flow", None), ("clusters", [{}]), ("metrics", {"rows": [{}]}), ("totals", [])):
        (damaged / "report.json").write_text(json.dumps(report | {name: value}))
        outcome = curate("report", finished, damaged, "--to", tmp_path / "x.html")
        assert outcome.code == 2 and "cannot be compared" in outcome.message, (name, outcome.err)
    assert not (tmp_path / "x.html").exists()
