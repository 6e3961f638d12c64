"""Human documents from outside the corpus calibrate the detector (`curate run --human-reference PATH`)."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.pipelines.jobs import HUMAN

CLUSTERED = ("--set", "dedupe.enabled=false", "--set", "synthetic.min_group=20", "--set", "synthetic.alpha_drop=0.05")
QUICK = (*CLUSTERED, "--set", "mixture.enabled=false")


@pytest.fixture
def people(prose):
    """Texts that nothing else holds, 120 in English, 30 in German; a copy, a short one, none, and a machine's."""
    source = prose(31)
    rows = [{"id": f"h{number}", "text": source.text(70), "language": "en"} for number in range(120)]
    rows += [{"id": f"d{number}", "text": source.text(70), "language": "de"} for number in range(30)]
    rows += [
        {"id": "copy", "text": rows[0]["text"], "language": "en"},
        {"id": "short", "text": "too short", "language": "en"},
        {"id": "none", "text": None, "language": "en"},
        {"id": "bot", "text": source.text(70), "language": "en", "origin": "synthetic"},
    ]
    return rows


@pytest.fixture
def corpus(prose, write):
    """A corpus without any trusted document."""
    source = prose(32)
    texts = [source.text(70) for _ in range(40)]
    languages = ["en"] * 20 + ["de"] * 10 + ["cs"] * 10
    return write("corpus.parquet", {"id": [f"c{number}" for number in range(40)], "text": texts, "language": languages})


@pytest.fixture
def run(curate, corpus, tmp_path, output_of):
    def run(name, *arguments, steps=QUICK):
        outcome = curate("run", "--input", corpus, "--output", tmp_path / name, *steps, *arguments)
        assert outcome.code == 0, outcome.err
        output = output_of(tmp_path / name)
        output.assert_whole()
        return output

    return run


@pytest.fixture
def lines(people, tmp_path):
    path = tmp_path / "people.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in people))
    return path


def test_thresholds_come_from_the_reference_and_nothing_else_does(run, people, lines, write):
    alone = run("alone")
    assert set(alone.ledger["group"].to_pylist()) == {"shipped/en", "de", "cs"}
    assert {row["decision"] for row in alone.rows.values()} <= {"kept", "held"}
    output = run("with", "--human-reference", lines)
    rows = output.rows
    assert set(rows) == set(alone.rows)
    by_language = {language: {rows[f"c{n}"]["group"] for n in span} for language, span in
                   (("en", range(20)), ("de", range(20, 30)), ("cs", range(30, 40)))}  # fmt: skip
    assert by_language == {"en": {"en/50-100"}, "de": {"de/50-100"}, "cs": {"cs"}}
    assert {rows[f"c{n}"]["group_n"] for n in range(20)} == {120}
    assert all(rows[f"c{n}"]["threshold"] is None and rows[f"c{n}"]["decision"] == "kept" for n in range(30, 40))
    named = output.manifest["human_reference"]
    assert named["counts"] == {"documents": 154, "used": 151, "unread": 1, "not_human": 1, "unscored": 1}
    assert list(named["files"]) == [str(lines)] and alone.manifest["human_reference"] is None
    assert output.manifest["config"]["synthetic"]["human_reference"] == str(lines)
    assert json.loads((output.path / "artefacts/reference.json").read_text())["tokens"] == {}  # no share comes from it
    parquet = write("people.parquet", pa.Table.from_pylist(people[::-1]), row_group_size=50)
    assert run("again", "--human-reference", parquet).ledger.equals(output.ledger)


def test_decided_again_and_reused(run, curate, lines, tmp_path, output_of):
    first = run("first", "--human-reference", lines, steps=CLUSTERED)
    assert any("/cluster-" in group for group in first.ledger["group"].to_pylist())
    assert list((first.path / "annotations" / HUMAN).glob("*.parquet"))
    again = tmp_path / "again"
    outcome = curate("decide", "--annotations", first.path / "annotations", "--output", again)
    assert outcome.code == 0, outcome.err
    assert output_of(again).ledger.equals(first.ledger)
    assert output_of(again).manifest["human_reference"] == first.manifest["human_reference"]
    reused = run("reused", "--artefacts", first.path, steps=CLUSTERED)
    assert reused.ledger["threshold"].equals(first.ledger["threshold"])
    assert reused.manifest["artefacts"]["thresholds"] == first.manifest["artefacts"]["thresholds"]


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (None, (), "human reference {path!r}: input {path!r} does not exist"),
        (b"not parquet", (), "human reference {path!r}: none of 1 input files can be read"),
        ({"body": ["x"]}, (), "human reference {path!r}: no text column 'text'"),
        ({"text": pa.array([], pa.string())}, (), "human reference {path!r} has no documents"),
        ({"text": ["x"]}, ("--set", "synthetic.enabled=false"), "has nothing to do while synthetic.enabled is false"),
    ],
)
def test_refused(curate, corpus, tmp_path, make, arguments, message):
    path = tmp_path / "people.parquet"
    if isinstance(make, bytes):
        path.write_bytes(make)
    elif make is not None:
        pq.write_table(pa.table(make), path)
    outcome = curate(
        "run", "--input", corpus, "--output", tmp_path / "out", "--human-reference", path, *QUICK, *arguments
    )
    assert outcome.code == 2 and message.format(path=str(path)) in outcome.message
    assert not (tmp_path / "out").exists()


def test_not_besides_artefacts(run, curate, corpus, lines, tmp_path):
    first = run("first", "--human-reference", lines)
    outcome = curate("run", "--input", corpus, "--output", tmp_path / "out", "--human-reference", lines,
                     "--artefacts", first.path, *QUICK)  # fmt: skip
    assert outcome.code == 2 and "both bring a calibration" in outcome.message


@pytest.mark.parametrize("drifted", [True, False])
def test_drift_is_told(curate, people, write, tmp_path, output_of, drifted):
    """The corpus's own trusted documents are of another kind than the reference, or not."""
    noise = " 1234567890" * 40 if drifted else ""
    own = [{**row, "text": row["text"] + noise, "source": "gazette"} for row in people if row["text"]]
    input, reference = (write(f"{name}.parquet", pa.Table.from_pylist(rows)) for name, rows in
                        (("gazette", own), ("people", people)))  # fmt: skip
    outcome = curate("run", "--input", input, "--output", tmp_path / "out", "--human-reference", reference, *QUICK,
                     "--set", "provenance.human_sources=[gazette]")  # fmt: skip
    assert outcome.code == 0, outcome.err
    output = output_of(tmp_path / "out")
    (row,) = [row for row in output.manifest["drift"] if row["language"] == "en"]
    assert row["drifted"] == drifted and row["n"] == row["stored_n"]
    told = "trusted human documents in en score otherwise" in (output.path / "report.json").read_text()
    assert told == drifted
