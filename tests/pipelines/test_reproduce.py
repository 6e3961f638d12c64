"""The manifest alone makes a run again, and tells when an input is no longer what it was."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml


@pytest.fixture
def lines(corpus, tmp_path):
    """JSON lines longer than what is looked at of both ends of a file, so that there is a middle."""
    path = tmp_path / "corpus.jsonl"
    rows = corpus.select(["id", "text", "source"]).to_pylist()
    path.write_text("".join(json.dumps(row) + "\n" for row in rows * 2))
    assert path.stat().st_size > 3 * 2**16
    return path


def change_the_middle(path):
    content = bytearray(path.read_bytes())
    middle = content.index(b'"text": "', len(content) // 2) + 12
    content[middle] = ord("x") if content[middle] != ord("x") else ord("y")
    path.write_bytes(bytes(content))


def again(manifest, output, tmp_path):
    """What somebody types who has nothing but a manifest."""
    (tmp_path / "again.yaml").write_text(yaml.safe_dump(manifest["config"]))
    inputs = [part for given in manifest["arguments"]["inputs"] for part in ("--input", given)]
    return ["run", *inputs, "--config", tmp_path / "again.yaml", "--output", output]


def test_a_run_is_made_again_from_its_manifest(finished, output_of, curate, tmp_path):
    first = output_of(finished)
    outcome = curate(*again(first.manifest, tmp_path / "out", tmp_path))
    assert outcome.code == 0, outcome.err
    second = output_of(tmp_path / "out")
    same = ("counts", "reasons", "config", "versions", "environment", "fingerprints", "artefacts", "mix", "arguments")
    assert {name: second.manifest[name] for name in same} == {name: first.manifest[name] for name in same}
    for folder in ("ledger", "data", "held"):
        digests = [
            {k: v for k, v in m["digests"].items() if k.startswith(folder)} for m in (first.manifest, second.manifest)
        ]
        assert digests[0] == digests[1] and digests[0]


def test_fingerprints_do_not_depend_on_the_order_of_rows_and_see_every_value(
    curate, output_of, tmp_path, corpus, only_read
):
    def row_sum(table):
        pq.write_table(table, tmp_path / "in.parquet")
        outcome = curate(
            "run", "--input", tmp_path / "in.parquet", "--output", tmp_path / "o", "--overwrite", *only_read
        )
        assert outcome.code == 0, outcome.err
        (found,) = output_of(tmp_path / "o").manifest["fingerprints"].values()
        assert found["rows"] == table.num_rows
        return found["row_sum"]

    first = row_sum(corpus)
    assert row_sum(corpus.take(pa.array(range(corpus.num_rows - 1, -1, -1)))) == first
    prices = corpus["price"].to_pylist()
    prices[150] += 1
    changed = corpus.set_column(corpus.schema.get_field_index("price"), "price", pa.array(prices, corpus["price"].type))
    assert row_sum(changed) != first


def test_a_changed_middle_is_told(curate, output_of, lines, tmp_path, only_read):
    assert curate("run", "--input", lines, "--output", tmp_path / "out", *only_read).code == 0
    sound = curate("verify", tmp_path / "out")
    assert sound.code == 0 and not sound.err
    before = output_of(tmp_path / "out").manifest["fingerprints"][str(lines)]
    change_the_middle(lines)

    outcome = curate("verify", tmp_path / "out")
    assert outcome.code == 1
    assert "inputs" in outcome.err and str(lines) in outcome.err and "row_sum" in outcome.err

    applied = curate("decide", "--annotations", tmp_path / "out", "--output", tmp_path / "later", "--apply")
    assert applied.code != 0 and "has changed since it was annotated" in applied.err
    assert not (tmp_path / "later").exists()

    assert curate("run", "--input", lines, "--output", tmp_path / "anew", *only_read).code == 0
    after = output_of(tmp_path / "anew").manifest["fingerprints"][str(lines)]
    assert (after["size"], after["digest"], after["rows"]) == (before["size"], before["digest"], before["rows"])
    assert after["row_sum"] != before["row_sum"]


def test_absent_and_unreadable_inputs_are_told(curate, lines, tmp_path, only_read):
    assert curate("run", "--input", lines, "--output", tmp_path / "out", *only_read).code == 0
    lines.rename(tmp_path / "moved.jsonl")
    gone = curate("verify", tmp_path / "out")
    assert gone.code == 0 and "inputs not checked" in gone.err and str(lines) in gone.err
    lines.write_text("not json\n")
    assert curate("verify", tmp_path / "out").code == 1


def test_arguments_say_what_was_asked(curate, output_of, lines, tmp_path, only_read):
    done = curate("run", "--input", str(tmp_path / "*.jsonl"), "--output", tmp_path / "out", *only_read)
    assert done.code == 0, done.err
    arguments = output_of(tmp_path / "out").manifest["arguments"]
    assert arguments["command"] == "run" and arguments["inputs"] == [str(tmp_path / "*.jsonl")]
    assert curate("decide", "--annotations", tmp_path / "out", "--output", tmp_path / "decided").code == 0
    decided = output_of(tmp_path / "decided").manifest
    assert decided["arguments"]["command"] == "decide" and decided["arguments"]["inputs"] == arguments["inputs"]
    assert decided["fingerprints"] == output_of(tmp_path / "out").manifest["fingerprints"]
