"""The output directory as the README has it, from every kind of input, and again from annotations."""

import gzip
import json
from io import BytesIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.io.filesystem import LocalFiles
from curate.provenance.signing import ThrowAwaySigner, make_png
from curate.schema import LEDGER

ADDED = {
    "curate_id": pa.string(),
    "curate_weight": pa.float64(),
    "curate_copies": pa.int32(),
    "curate_origin": pa.string(),
    "curate_p_synthetic": pa.float32(),
    "curate_cluster": pa.int32(),
}
LEDGER_COLUMNS = [
    "id", "source_file", "decision", "stage", "reason", "matched_id", "similarity", "containment", "origin",
    "tier", "p_synthetic", "detector_score", "threshold", "group", "group_n", "evidence", "rights",
    "language", "tokens", "cluster", "weight", "copies", "text_edits",
]  # fmt: skip


@pytest.fixture
def run(curate, tmp_path, output_of, only_read):
    def run(*arguments, to="out"):
        outcome = curate("run", *only_read, *arguments, "--output", tmp_path / to)
        assert outcome.code == 0, outcome.err
        output = output_of(tmp_path / to)
        output.assert_whole()
        return output

    return run


# Layout.


def test_layout(finished, output_of):
    names = {path.name for path in finished.iterdir()}
    assert names == {
        "data", "held", "ledger", "errors", "annotations", "artefacts",
        "report.html", "report.json", "croissant.json", "manifest.json",
    }  # fmt: skip
    assert sorted(path.name for path in finished.parent.iterdir()) == ["out"]


def test_counts_ledger_and_files_agree(finished, output_of, corpus):
    output = output_of(finished)
    output.assert_whole()
    assert output.counts["read"] == corpus.num_rows
    assert output.counts["duplicate_ids"] == 2
    assert not output.counts["errors"] and not output.counts["files_failed"]
    assert {"dedupe/exact", "dedupe/near", "read/no_text"} <= set(output.manifest["reasons"])


def test_manifest(finished, output_of, corpus_file):
    manifest = output_of(finished).manifest
    assert set(manifest) >= {"counts", "reasons", "versions", "config", "fingerprints", "artefacts", "digests"}
    assert list(manifest["fingerprints"]) == [str(corpus_file)]
    assert {"detector", "thresholds", "centroids", "reference"} <= set(manifest["artefacts"])
    listed = set(manifest["digests"])
    found = {path.relative_to(finished).as_posix() for path in finished.rglob("*") if path.is_file()}
    assert found - listed == {"manifest.json"}
    assert manifest["config"]["dedupe"]["threshold"] == 0.8


def test_ledger_schema_and_order(finished, output_of):
    assert LEDGER.names == LEDGER_COLUMNS
    for part in output_of(finished).parts("ledger"):
        table = pq.read_table(part)
        # Parquet renames the values of lists; names and types of all else are the contract.
        assert table.schema.names == LEDGER_COLUMNS
        assert table.cast(LEDGER).num_rows == table.num_rows
        for field in LEDGER:
            if not pa.types.is_nested(field.type):
                assert table.schema.field(field.name).type == field.type
        ids = table["id"].to_pylist()
        assert ids == sorted(ids)


def test_ledger_values(finished, output_of):
    rows = output_of(finished).rows.values()
    assert {row["decision"] for row in rows} <= {"kept", "dropped", "held"}
    assert {row["origin"] for row in rows} <= {"human", "mixed", "synthetic", "procedural", "unknown"}
    for row in rows:
        assert (row["decision"] == "kept") == (row["weight"] > 0)
        assert row["copies"] >= (1 if row["weight"] >= 1 else 0)
        if row["decision"] != "kept":
            assert row["stage"] in ("read", "rights", "synthetic", "dedupe", "mixture") and row["reason"]
            assert row["copies"] == 0
        if row["reason"] in ("near", "contained"):
            assert row["similarity"] >= 0.8 or row["containment"] >= 0.9
        if row["stage"] == "dedupe":
            assert row["matched_id"]


def test_data_columns_pass_through_untouched(finished, output_of, corpus):
    data = output_of(finished).table("data")
    assert data.schema.names == [*corpus.schema.names, *ADDED]
    for field in corpus.schema:
        assert data.schema.field(field.name).type.equals(pq.read_schema(_in_parquet(corpus)).field(field.name).type)
    for name, kind in ADDED.items():
        assert data.schema.field(name).type == kind
    given = {_as_key(row) for row in corpus.to_pylist()}
    assert {_as_key(row) for row in data.select(corpus.schema.names).to_pylist()} <= given
    rows = output_of(finished).rows
    for row in data.to_pylist():
        entry = rows[row["curate_id"]]
        assert (row["curate_weight"], row["curate_copies"]) == (entry["weight"], entry["copies"])
        assert (row["curate_origin"], row["curate_cluster"]) == (entry["origin"], entry["cluster"])


def _in_parquet(table):
    file = BytesIO()
    pq.write_table(table, file)
    file.seek(0)
    return file


def _as_key(row):
    return json.dumps(row, sort_keys=True, default=str)


def test_columns_on_request(run, write, texts):
    output = run(
        "--input", write("a.parquet", {"text": texts}), "--set", "run.split=true", "--set", "run.loss_weight=true"
    )  # fmt: skip
    data = output.table("data")
    assert data.schema.names[-2:] == ["curate_split", "curate_loss_weight"]
    assert set(data["curate_split"].to_pylist()) <= {"train", "validation"}


# Inputs of every kind.


@pytest.fixture
def shards(tmp_path, texts):
    """Twelve documents in three formats and a nested directory."""
    rows = [{"id": f"d{index}", "text": text} for index, text in enumerate(texts)]
    lines = [json.dumps(row).encode() + b"\n" for row in rows]
    (tmp_path / "in" / "deep").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows[:3]), tmp_path / "in" / "a.parquet")
    (tmp_path / "in" / "b.jsonl").write_bytes(b"".join(lines[3:6]))
    (tmp_path / "in" / "c.jsonl.gz").write_bytes(gzip.compress(b"".join(lines[6:9])))
    with pa.output_stream(str(tmp_path / "in" / "deep" / "d.jsonl.zst"), compression="zstd") as stream:
        stream.write(b"".join(lines[9:]))
    (tmp_path / "in" / "_SUCCESS").touch()
    return tmp_path / "in"


def test_directory_of_mixed_formats(run, shards, texts):
    output = run("--input", shards)
    assert sorted(row["text"] for row in output.table("data").to_pylist()) == sorted(texts)
    assert {row["source_file"] for row in output.rows.values()} == {
        str(shards / name) for name in ("a.parquet", "b.jsonl", "c.jsonl.gz", "deep/d.jsonl.zst")
    }


def test_globs_and_files_together(run, shards):
    output = run("--input", shards / "*.jsonl*", "--input", shards / "a.parquet", "--input", shards / "b.jsonl")
    assert set(output.rows) == {f"d{index}" for index in range(9)}


def test_renamed_columns(run, write, texts):
    input = write("a.parquet", {"key": [7, 8], "body": texts[:2]})
    output = run("--input", input, "--set", "documents.columns.id=key", "--set", "documents.columns.text=body")
    assert set(output.rows) == {"7", "8"}


def test_language_is_identified_where_the_column_is_missing(run, write):
    english = "The committee will meet again on Thursday to discuss the new harbour and what it is going to cost. "
    german = "Der Ausschuss trifft sich am Donnerstag noch einmal, um über den neuen Hafen und die Kosten zu sprechen. "
    columns = {"id": ["en", "de"], "text": [english * 2, german * 2]}
    output = run("--input", write("a.parquet", columns), "--set", "synthetic.enabled=true")
    assert {id: row["language"] for id, row in output.rows.items()} == {"en": "en", "de": "de"}
    given = run("--input", write("b.parquet", {**columns, "language": ["xx", None]}), to="given")
    assert {id: row["language"] for id, row in given.rows.items()} == {"en": "xx", "de": None}
    assert "language" not in output.table("data").column_names


def test_media_rows(curate, write, tmp_path, output_of, texts):
    signer = ThrowAwaySigner()
    (tmp_path / "anchors.pem").write_text(signer.anchors_pem)
    plain = make_png(1, 40, 90)
    machine = signer.sign(make_png(2, 40, 90), "image/png", "trainedAlgorithmicMedia")
    photo = signer.sign(make_png(3, 40, 90), "image/png", "digitalCapture")
    (tmp_path / "on-disk.png").write_bytes(photo)
    table = pa.table(
        {
            "id": ["plain", "copy", "machine", "photo", "gone", "text"],
            "media": pa.array([plain, plain, machine, None, None, None], pa.binary()),
            "media_path": [None, None, None, str(tmp_path / "on-disk.png"), str(tmp_path / "gone.png"), None],
            "text": [None, None, None, None, None, texts[0]],
        }
    )
    anchors = f"provenance.trust_anchors={tmp_path / 'anchors.pem'}"
    outcome = curate("run", "--input", write("a.parquet", table), "--output", tmp_path / "out", "--set", anchors)
    assert outcome.code == 0, outcome.err
    output = output_of(tmp_path / "out")
    output.assert_whole()
    rows = output.rows
    pair = {rows["plain"]["decision"], rows["copy"]["decision"]}
    assert pair == {"kept", "dropped"}
    assert rows["machine"]["origin"] == "synthetic"
    assert rows["photo"]["origin"] == "human" and rows["photo"]["decision"] == "kept"
    assert rows["photo"]["cluster"] is None and rows["photo"]["weight"] == 1.0
    assert rows["gone"]["decision"] in ("kept", "dropped", "held")
    assert {row["curate_id"]: row["media"] for row in output.table("data").to_pylist()}["text"] is None


# Verify, explain, report.


def test_verify(curate, finished):
    outcome = curate("verify", finished)
    assert (outcome.code, outcome.err) == (0, "")


@pytest.mark.parametrize("folder", ["data", "ledger", "annotations/features"])
def test_verify_finds_a_flipped_byte(curate, finished, tmp_path, folder):
    import shutil

    copy = shutil.copytree(finished, tmp_path / "copy")
    [part, *_] = sorted((copy / folder).glob("*.parquet"))
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(bytes(content))
    outcome = curate("verify", copy)
    assert outcome.code == 1
    assert f"digests: '{folder}/{part.name}' has changed since the run" in outcome.err
    assert "Traceback" not in outcome.err


def test_explain(curate, finished, output_of):
    rows = output_of(finished).rows
    near = next(id for id, row in rows.items() if row["reason"] == "near")
    outcome = curate("explain", finished, near)
    assert outcome.code == 0
    assert near in outcome.out and rows[near]["matched_id"] in outcome.out


def test_report_is_drawn_anew(curate, finished, tmp_path):
    (tmp_path / "report.json").write_bytes((finished / "report.json").read_bytes())
    outcome = curate("report", tmp_path)
    assert outcome.code == 0
    assert (tmp_path / "report.html").read_bytes() == (finished / "report.html").read_bytes()


# Deciding again.

OTHER = ("--set", "dedupe.threshold=0.97", "--set", "dedupe.containment=1.0", "--set", "mixture.alpha=0.7")


@pytest.fixture(scope="module")
def decided(curate, corpus, tmp_path_factory):
    """A run, the same corpus decided again under other thresholds, with and without its input."""
    place = tmp_path_factory.mktemp("decided")
    input = place / "corpus.parquet"
    pq.write_table(corpus, input)
    content = input.read_bytes()

    def done(*arguments):
        outcome = curate(*arguments)
        assert outcome.code == 0, outcome.err

    done("run", "--input", input, "--output", place / "first")
    done("run", "--input", input, "--output", place / "fresh", *OTHER)
    done("decide", "--annotations", place / "first" / "annotations", "--output", place / "applied", "--apply", *OTHER)
    input.unlink()
    done("decide", "--annotations", place / "first", "--output", place / "again", *OTHER)
    input.write_bytes(content)
    return place


def test_decide_equals_a_fresh_run(decided, output_of):
    fresh = output_of(decided / "fresh")
    first = output_of(decided / "first")
    assert first.counts["kept"] < fresh.counts["kept"]
    for name in ("again", "applied"):
        assert output_of(decided / name).ledger.equals(fresh.ledger)
        assert output_of(decided / name).manifest["reasons"] == fresh.manifest["reasons"]
        assert output_of(decided / name).counts == fresh.counts


def test_settings_of_a_decision_give_its_ledger_again(curate, write, prose, tmp_path, output_of, only_read):
    """Another threshold would choose other bands, and so propose other pairs: those of the annotations are recorded."""
    text = prose(31)
    whole = [text.text(120) for _ in range(40)]
    parts = [" ".join(words.split()[:88]) for words in whole]  # contained, at a similarity of about .7
    input = write("a.parquet", {"id": [f"{index:03d}" for index in range(80)], "text": whole + parts})
    assert curate("run", "--input", input, "--output", tmp_path / "first", *only_read).code == 0
    decide = ("--annotations", tmp_path / "first", "--set", "dedupe.threshold=0.95")
    assert curate("decide", *decide, "--output", tmp_path / "again").code == 0
    decided = output_of(tmp_path / "again")
    assert decided.counts["dropped"]
    dedupe = decided.manifest["config"]["dedupe"]
    fresh = [f"--set=dedupe.{name}={dedupe[name]}" for name in ("threshold", "bands", "rows")]
    assert curate("run", "--input", input, "--output", tmp_path / "fresh", *only_read, *fresh).code == 0
    assert output_of(tmp_path / "fresh").ledger.equals(decided.ledger)


def test_decide_without_apply_writes_no_text(decided, curate):
    names = {path.name for path in (decided / "again").iterdir()}
    assert {"ledger", "report.html", "report.json", "manifest.json"} <= names
    assert not names & {"data", "held"}
    assert curate("verify", decided / "again").code == 0


def test_decide_with_apply_writes_the_same_data(decided, snapshot, curate):
    for folder in ("data", "held", "errors"):
        assert snapshot(decided / "applied" / folder) == snapshot(decided / "fresh" / folder)
    assert curate("verify", decided / "applied").code == 0


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("dedupe.threshold=0.7", "dedupe.threshold is 0.7, below the 0.8 that pairs were verified at"),
        ("dedupe.containment=0.5", "dedupe.containment is 0.5, below the 0.9"),
        ("dedupe.shingle=3", "dedupe.shingle is 3, but the annotations were made with 5"),
        ("documents.columns.text=body", "documents.columns.text is 'body', but the annotations were made with 'text'"),
    ],
)
def test_decide_refuses_what_was_not_annotated(decided, curate, tmp_path, setting, expected):
    outcome = curate("decide", "--annotations", decided / "first", "--output", tmp_path / "out", "--set", setting)
    assert outcome.code == 2
    assert expected in outcome.message
    assert "curate run" in outcome.message
    assert not any(tmp_path.iterdir())


def test_decide_refuses_a_step_that_was_off(curate, run, write, texts, tmp_path):
    run("--input", write("a.parquet", {"text": texts}))
    arguments = ("--annotations", tmp_path / "out", "--output", tmp_path / "again")
    outcome = curate("decide", *arguments, "--set", "synthetic.enabled=true")
    assert outcome.code == 2
    assert "synthetic.enabled is true, but the annotations were made without that step" in outcome.message


def test_decide_starts_from_the_settings_of_the_run(decided, curate, tmp_path, output_of):
    (tmp_path / "curate.yaml").write_text("synthetic: {alpha_suspect: 0.1}\n")
    outcome = curate(
        "decide", "--annotations", decided / "fresh", "--output", tmp_path / "out",
        "--config", tmp_path / "curate.yaml", "--set", "mixture.max_copies=2",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    config = output_of(tmp_path / "out").manifest["config"]
    assert config["dedupe"]["threshold"] == 0.97
    assert config["synthetic"]["alpha_suspect"] == 0.1
    assert config["mixture"]["max_copies"] == 2


def test_artefacts_of_another_run(decided, curate, tmp_path, output_of, corpus_file):
    """The same corpus, decided with the artefacts of its own run, is decided the same."""
    arguments = ("--input", corpus_file, "--artefacts", decided / "first", "--output", tmp_path / "out")
    outcome = curate("run", *arguments)
    assert outcome.code == 0, outcome.err
    first, again = output_of(decided / "first"), output_of(tmp_path / "out")
    assert again.ledger.drop_columns(["source_file"]).equals(first.ledger.drop_columns(["source_file"]))
    assert again.manifest["artefacts"] == first.manifest["artefacts"]


@pytest.mark.parametrize("change", ["changed", "gone"])
def test_apply_refuses_changed_inputs(curate, run, write, texts, tmp_path, change):
    input = write("a.parquet", {"text": texts})
    run("--input", input)
    if change == "gone":
        input.unlink()
    else:
        write("a.parquet", {"text": texts[1:] + texts[:1]})
    outcome = curate("decide", "--annotations", tmp_path / "out", "--output", tmp_path / "again", "--apply")
    assert outcome.code == 2
    assert str(input) in outcome.message
    assert not (tmp_path / "again").exists()


def test_decide_keeps_errors_and_failed_files(curate, run, write, texts, tmp_path, output_of):
    write("in/a.parquet", {"id": ["a"], "text": texts[:1]})
    (tmp_path / "in" / "b.jsonl").write_bytes(b'{"id": "b", "text": "\xff"}\n')
    (tmp_path / "in" / "c.parquet").write_bytes(b"")
    run("--input", tmp_path / "in")
    for apply in ((), ("--apply",)):
        to = tmp_path / f"again{len(apply)}"
        outcome = curate("decide", "--annotations", tmp_path / "out", "--output", to, *apply)
        assert outcome.code == 0, outcome.err
        output = output_of(to)
        assert (output.counts["errors"], output.counts["files_failed"], output.counts["read"]) == (1, 1, 2)
        assert output.table("errors").equals(output_of(tmp_path / "out").table("errors"))


# Our own output is a good input.


@pytest.fixture(scope="module")
def second(finished, curate, tmp_path_factory):
    out = tmp_path_factory.mktemp("second") / "out"
    outcome = curate("run", "--input", f"{finished}/", "--output", out)
    assert outcome.code == 0, outcome.err
    return out


def test_own_output_as_input(finished, second, output_of):
    first, again = output_of(finished), output_of(second)
    again.assert_whole()
    assert again.counts["read"] == first.counts["kept"]
    assert again.table("data").schema.equals(first.table("data").schema)
    kept = set(first.table("data")["text"].to_pylist())
    assert set(again.table("data")["text"].to_pylist()) <= kept
    # Nothing is a duplicate any more, and nothing is lost but what the new run decides anew.
    assert {row["stage"] for row in again.rows.values()} <= {None, "synthetic", "mixture"}


def test_earlier_columns_are_evidence_and_then_replaced(curate, write, texts, tmp_path, output_of):
    table = pa.table(
        {
            "id": ["a", "b"],
            "text": texts[:2],
            "curate_id": ["old", "old"],
            "curate_origin": ["synthetic", None],
            "curate_weight": [99.0, 99.0],
            "curate_cluster": pa.array([5, 5], pa.int32()),
            "curate_split": ["validation", "validation"],
            "curate_of_mine": [1, 2],
        }
    )
    outcome = curate("run", "--input", write("a.parquet", table), "--output", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    output = output_of(tmp_path / "out")
    output.assert_whole()
    row = output.rows["a"]
    assert row["origin"] == "synthetic"
    assert any(item["family"] == "lineage" and item["claim"] == "synthetic" for item in row["evidence"])
    for row in output.table("data").to_pylist():
        assert row["curate_id"] in "ab"
        assert row["curate_weight"] < 99
        assert row["curate_of_mine"] in (1, 2)
        assert "curate_split" not in row


def test_files_of_the_output_are_readable_alone(finished):
    """Any Parquet reader gets the columns, without curate."""
    for path in LocalFiles().match(f"{finished}/data/*.parquet"):
        assert "text" in pq.read_schema(path.path).names
