"""The mixture table and the shortages of a run, which the manifest, report.json and report.html tell alike."""

import json

import pytest

TOTALS = {"reference_documents", "anchored", "real_share", "generator_tail", "long_run", "residual", "clusters"}


@pytest.fixture(scope="module")
def anchored(curate, corpus_file, tmp_path_factory):
    """A run whose reference is large enough, with little growth: some clusters stay below their floor."""
    path = tmp_path_factory.mktemp("anchored") / "out"
    settings = ("mixture.min_reference=20", "mixture.growth=1.0", "mixture.clusters=12", "mixture.max_head_loss=0")
    outcome = curate("run", "--input", corpus_file, "--output", path, *(f"--set={setting}" for setting in settings))
    assert outcome.code == 0, outcome.err
    return path


@pytest.fixture(scope="module")
def report(anchored):
    return json.loads((anchored / "report.json").read_text())


def test_table_agrees_with_the_ledger_and_the_data(anchored, output_of):
    output = output_of(anchored)
    output.assert_whole()
    table = output.manifest["mixture"]
    assert set(table) >= TOTALS and table["anchored"]
    ledger = [row for row in output.rows.values() if row["cluster"] is not None]
    built = sum(row["tokens"] * row["copies"] for row in ledger if row["decision"] == "kept")
    assert [row["cluster"] for row in table["clusters"]] == list(range(len(table["clusters"])))
    for row in table["clusters"]:
        own = [entry for entry in ledger if entry["cluster"] == row["cluster"]]
        people = [entry for entry in own if entry["origin"] not in ("synthetic", "procedural")]
        kept = [entry for entry in people if entry["decision"] == "kept"]
        assert (row["real_documents"], row["real_tokens"]) == (len(people), sum(entry["tokens"] for entry in people))
        assert row["accepted_documents"] == len(kept) <= row["real_documents"]
        assert row["accepted"] == pytest.approx(sum(entry["tokens"] for entry in kept))
        assert row["fragile"] == (0 < len(kept) < 18)
        assert row["after"] == pytest.approx(sum(e["tokens"] * e["copies"] for e in own) / built, abs=1e-6)
        assert row["floor_met"] == (not row["causes"]) == (not row["missing_tokens"])
        assert ("long_run" in row) == row["tail"]
        assert (
            row["terms"]
            and len(row["examples"]) > 0
            and all(output.rows[id]["cluster"] == row["cluster"] for id in row["examples"])
        )
    assert sum(row["reference"] for row in table["clusters"]) == pytest.approx(1)


def test_floors_are_missed_for_a_reason(report):
    short = [row for row in report["clusters"] if row["missing_tokens"]]
    assert short, "the fixture must have clusters below their floor"
    assert {cause for row in short for cause in row["causes"]} <= {"growth", "gate", "cap", "copies", "no_text"}
    assert all(row["gate_failed"] for row in short if "gate" in row["causes"])


def test_long_run_retention_follows_from_what_was_built(report):
    table = report["mixture"]
    synthetic = sum(row["synthetic_tokens"] for row in report["clusters"])
    total = sum(row["output_tokens"] for row in report["clusters"])
    share = (1 - synthetic / total) * (1 - (table["residual"] or 0))
    assert table["real_share"] == pytest.approx(share, abs=1e-5)
    assert table["long_run"] == pytest.approx(share / (1 - (1 - share) * 0.5), abs=1e-5)
    for row in report["clusters"]:
        if row["tail"]:
            real = (row["output_tokens"] - row["synthetic_tokens"]) / total * (1 - (table["residual"] or 0))
            assert row["long_run"] == pytest.approx(real / row["reference"] / (1 - (1 - share) * 0.5), abs=1e-4)
    assert "in the long run" in json.dumps(report["panels"])


def test_reference_shares_lie_in_their_intervals(anchored, report, curate, corpus_file, tmp_path, output_of):
    stored = json.loads((anchored / "artefacts" / "reference.json").read_text())
    for row in report["clusters"]:
        assert 0 < row["reference_low"] < row["reference"] < row["reference_high"] < 1
        assert row["reference_documents"] == stored["documents"].get(str(row["cluster"]), 0)
    small = [row for row in report["clusters"] if row["reference_documents"] < 18]
    large = [row for row in report["clusters"] if row["reference_documents"] >= 18]
    width = lambda row: (row["reference_high"] - row["reference_low"]) / row["reference"]  # noqa: E731
    assert small and large and min(map(width, small)) > max(map(width, large)) * 0.8
    again = tmp_path / "again"
    outcome = curate("decide", "--annotations", anchored / "annotations", "--output", again, "--set",
                     "mixture.min_reference=2000")  # fmt: skip
    assert outcome.code == 0, outcome.err
    table = output_of(again).manifest["mixture"]  # shares of accepted text are not a sample of anything
    assert not table["anchored"] and not any("reference_low" in row for row in table["clusters"])


def test_page_tells_the_reasons(anchored, report):
    page = (anchored / "report.html").read_text()
    words = {"growth": "limited by the growth allowed", "gate": "too little evidence for copies"}
    told = {cause for row in report["clusters"] for cause in row["causes"]} & set(words)
    assert told and all(words[cause] in page for cause in told)
    assert "(fragile)" in page or not any(row["fragile"] for row in report["clusters"])


def test_without_a_mixture_there_is_no_table(curate, write, texts, tmp_path, only_read, output_of):
    outcome = curate("run", "--input", write("a.parquet", {"text": texts}), "--output", tmp_path / "out", *only_read)
    assert outcome.code == 0, outcome.err
    assert output_of(tmp_path / "out").manifest["mixture"] == {}


def test_shortages_are_a_file_to_work_from(anchored, report, curate, output_of, snapshot, tmp_path):
    output = output_of(anchored)
    found = json.loads((anchored / "artefacts" / "shortages.json").read_text())
    short = {row["cluster"]: row["missing_tokens"] for row in report["clusters"] if row["missing_tokens"]}
    assert {row["cluster"]: row["missing_tokens"] for row in found["clusters"]} == short
    for row in found["clusters"]:
        kept = [e for e in output.rows.values() if e["cluster"] == row["cluster"] and e["decision"] == "kept"]
        real = {entry["id"]: entry for entry in kept if entry["origin"] != "synthetic"}
        assert set(row["examples"]) <= set(real) and len(row["examples"]) == min(5, len(real))
        median = sorted(entry["tokens"] for entry in real.values())[(len(real) - 1) // 2]
        assert 0.9 * median < row["style"]["tokens"]["median"] <= median
        assert row["style"]["sites"] == len(row["style"]["top_sites"]) <= 5
        assert sum(site["documents"] for site in row["style"]["top_sites"]) == row["accepted_documents"]
    assert "artefacts/shortages.json" in output.manifest["digests"]
    assert curate("verify", anchored).code == 0
    for path, content in snapshot(anchored).items():
        (tmp_path / "copy" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "copy" / path).write_bytes(content)
    (tmp_path / "copy" / "artefacts" / "shortages.json").write_text("{}")
    outcome = curate("verify", tmp_path / "copy")
    assert outcome.code == 1 and "shortages.json" in outcome.err
