"""Watermarks from the command line: named in the settings, found, held, told; keys nowhere."""

import json
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("tokenizers")

from apache_beam.testing.util import assert_that, equal_to

from curate.config import make_config
from curate.transforms import FilterSynthetic
from curate.watermarks.load import load_watermarks

KEY = 987654321987654321
COUNT, WATERMARKED = 120, 15


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Documents of random words, the first of which prefer green ones, and the files of the test."""
    directory = tmp_path_factory.mktemp("watermarks")
    words = [f"w{number}" for number in range(5_000)]
    model = {"type": "WordLevel", "vocab": {word: i for i, word in enumerate(words)}, "unk_token": "w0"}
    tokenizer = {"version": "1.0", "added_tokens": [], "pre_tokenizer": {"type": "WhitespaceSplit"}, "model": model}
    (directory / "tokenizer.json").write_text(json.dumps(tokenizer))
    (directory / "key").write_text(f"{KEY}\n")
    watermark = {
        "kind": "green-list", "name": "house", "context": 1,
        "tokenizer": str(directory / "tokenizer.json"), "keys": str(directory / "key"),
    }  # fmt: skip
    (directory / "curate.yaml").write_text(json.dumps({"synthetic": {"watermarks": [watermark]}}))
    config = make_config({"synthetic": {"watermarks": [watermark]}})
    (detector,) = load_watermarks(config.synthetic, lambda path: Path(path).read_bytes()).values()
    rng = np.random.default_rng(3)
    texts = []
    for number in range(COUNT):
        tokens = rng.integers(0, 5_000, (150, 4))
        if number < WATERMARKED:
            for place in range(1, 150):
                green = detector.green(np.repeat(tokens[place - 1, :1, None], 4, axis=0), tokens[place])
                tokens[place, 0] = tokens[place, green.argmax()]
        texts.append(" ".join(f"w{token}" for token in tokens[:, 0]))
    ids = [f"doc-{number:03d}" for number in range(COUNT)]
    columns = {"id": ids, "text": texts, "language": ["en"] * COUNT, "source": ["s"] * COUNT}
    return directory, columns


@pytest.fixture(scope="module")
def out(world, curate, tmp_path_factory):
    directory, columns = world
    corpus = tmp_path_factory.mktemp("corpus") / "corpus.parquet"
    pq.write_table(pa.table(columns), corpus)
    path = tmp_path_factory.mktemp("watermarked") / "out"
    outcome = curate("run", "--input", corpus, "--output", path, "--config", directory / "curate.yaml")
    assert outcome.code == 0, outcome.err
    return path


def test_watermarked_documents_are_held(out, output_of):
    result = output_of(out)
    result.assert_whole()
    rows = result.rows
    held = {id for id, row in rows.items() if row["decision"] == "held" and row["reason"] == "suspect"}
    assert held == {f"doc-{number:03d}" for number in range(WATERMARKED)}
    for id, row in rows.items():
        families = [item["family"] for item in row["evidence"] or []]
        assert ("watermark" in families) == (id in held)


def test_report_and_manifest_say_what_was_tested(out):
    report, manifest = (json.loads((out / name).read_text()) for name in ("report.json", "manifest.json"))
    (row,) = report["watermarks"]
    assert (row["name"], row["kind"], row["tested"], row["watermarked"], row["held"]) == (
        "house", "green-list", COUNT, WATERMARKED, WATERMARKED,
    )  # fmt: skip
    assert row["corpus"]["tested"] == COUNT and row["corpus"]["found"] == WATERMARKED
    assert manifest["artefacts"]["watermark house"] == f"house/green-list/1/{row['digest']}"
    assert "found watermarked at a false discovery rate of 1.0%" in (out / "report.html").read_text()


def test_explain_tells_of_the_watermark(out, curate):
    story = curate("explain", out, "doc-000").out
    assert "It speaks for synthetic (strong, +6.00 nats" in story
    assert "no longer testing for the watermark house" in story


def test_the_key_is_written_nowhere(out):
    for path in out.rglob("*"):
        if path.is_file():
            assert str(KEY).encode() not in path.read_bytes(), path


def test_a_decision_needs_neither_key_nor_tokenizer(out, world, curate, output_of, tmp_path):
    directory, _ = world
    away = directory / "key"
    kept = away.rename(directory / "elsewhere")
    try:
        outcome = curate("decide", "--annotations", out / "annotations", "--output", tmp_path / "again")
        assert outcome.code == 0, outcome.err
        assert json.loads((tmp_path / "again/report.json").read_text())["watermarks"]
        strict = curate(
            "decide", "--annotations", out / "annotations", "--output", tmp_path / "off",
            "--set", "synthetic.enabled=false",
        )  # fmt: skip
        assert strict.code == 0, strict.err
        assert "watermark" not in str(json.loads((tmp_path / "off/report.json").read_text())["watermarks"])
    finally:
        kept.rename(away)


def test_the_ledger_is_the_same_for_every_way_to_cut_the_corpus(out, world, curate, output_of, tmp_path):
    directory, columns = world
    shuffled = pa.table(columns).take(np.random.default_rng(1).permutation(COUNT))
    for part in range(3):
        pq.write_table(shuffled.slice(40 * part, 40), tmp_path / f"part-{part}.parquet", row_group_size=11)
    outcome = curate(
        "run", "--input", tmp_path / "*.parquet", "--output", tmp_path / "cut", "--config", directory / "curate.yaml"
    )
    assert outcome.code == 0, outcome.err
    ledgers = [output_of(path).ledger.drop_columns("source_file") for path in (out, tmp_path / "cut")]
    assert ledgers[0].equals(ledgers[1])


def test_embedded_transforms_test_too(out, world, output_of):
    directory, columns = world
    settings = json.loads((directory / "curate.yaml").read_text())
    held = [id for id, decision in output_of(out).decisions().items() if decision == "held"]
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        found = pipeline | beam.Create(rows) | FilterSynthetic(config=settings)
        assert_that(found["held"] | beam.Map(lambda row: row["id"]), equal_to(held))


def test_other_watermarks_need_other_annotations(out, curate, tmp_path):
    outcome = curate(
        "decide", "--annotations", out / "annotations", "--output", tmp_path / "x", "--set", "synthetic.watermarks=[]"
    )
    assert outcome.code == 2 and "synthetic.watermarks" in outcome.message


def test_a_wrong_file_is_told_before_anything_is_read(corpus_file, world, curate, tmp_path):
    directory, _ = world
    watermark = {"kind": "green-list", "name": "house", "tokenizer": "gone.json", "keys": str(directory / "key")}
    outcome = curate(
        "run", "--input", corpus_file, "--output", tmp_path / "x", "--set",
        f"synthetic.watermarks=[{json.dumps(watermark)}]",
    )  # fmt: skip
    assert outcome.code == 2 and not (tmp_path / "x").exists()
    assert "tokenizer 'gone.json' cannot be read" in outcome.message
