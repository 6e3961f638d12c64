"""Quality from the command line: junk fails the gate, is dropped on request, and declared junk fills nothing."""

import json
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

PEOPLE, JUNK = 400, 12


def prose(draw, words):
    sentences = []
    for _ in range(draw.randint(12, 25)):
        sentence = " ".join(draw.choice(words) for _ in range(draw.randint(6, 18)))
        sentences.append(sentence.capitalize() + draw.choice(".....?"))
    return "\n".join(" ".join(sentences[start : start + 4]) for start in range(0, len(sentences), 4))


def spam(draw, words):
    few = draw.sample(words, 8)
    return " | ".join(draw.choice(few) for _ in range(300)) + " Ã©â€™" * 20


@pytest.fixture(scope="module")
def out(curate, tmp_path_factory):
    draw = random.Random(5)
    syllables = ["ta", "ren", "mo", "sil", "ka", "der", "lo", "vin", "pe", "sto", "ra", "nel", "bi", "qua", "en"]
    words = ["the", "of", "and", "to", "in"] * 60 + ["".join(draw.sample(syllables, 2)) for _ in range(600)]
    texts = [prose(draw, words) for _ in range(PEOPLE)] + [spam(draw, words) for _ in range(2 * JUNK)]
    ids = (
        [f"person-{i}" for i in range(PEOPLE)] + [f"junk-{i}" for i in range(JUNK)] + [f"fill-{i}" for i in range(JUNK)]
    )
    columns = {
        "id": ids,
        "text": texts,
        "language": ["en"] * len(ids),
        "source": [f"site{i % 7}" for i in range(len(ids))],
        "timestamp": ["2019-05-01"] * PEOPLE + [None] * 2 * JUNK,
        "origin": [None] * (PEOPLE + JUNK) + ["synthetic"] * JUNK,
    }
    directory = tmp_path_factory.mktemp("quality")
    pq.write_table(pa.table(columns), directory / "corpus.parquet")
    settings = ["--set", "provenance.trust_origin=true", "--set", "mixture.growth=3"]
    outcome = curate("run", "--input", directory / "corpus.parquet", "--output", directory / "out", *settings)
    assert outcome.code == 0, outcome.err
    return directory / "out"


def odd(row):
    return any(item["family"] == "quality" for item in row["evidence"] or [])


def test_junk_fails_the_gate_and_people_pass(out, output_of):
    result = output_of(out)
    result.assert_whole()
    rows = result.rows
    people = [row for id, row in rows.items() if id.startswith("person")]
    assert sum(map(odd, people)) <= 0.04 * PEOPLE
    assert all(odd(row) for id, row in rows.items() if not id.startswith("person"))
    assert all(row["decision"] == "kept" for row in people)


def test_declared_machine_text_that_fails_fills_nothing(out, output_of):
    rows = output_of(out).rows
    fills = [row for id, row in rows.items() if id.startswith("fill")]
    assert {(row["decision"], row["stage"], row["reason"]) for row in fills} <= {
        ("dropped", "mixture", "quality"),
        ("dropped", "dedupe", "near"),
        ("dropped", "dedupe", "contained"),
    }
    assert any(row["reason"] == "quality" for row in fills)


def test_rules_drop_on_request_and_the_report_tells(out, curate, output_of, tmp_path):
    outcome = curate(
        "decide", "--annotations", out / "annotations", "--output", tmp_path / "out", "--set", "quality.drop=[gate]"
    )
    assert outcome.code == 0, outcome.err
    rows = output_of(tmp_path / "out").rows
    junk = [row for id, row in rows.items() if id.startswith("junk")]
    assert {(row["decision"], row["stage"], row["reason"]) for row in junk} == {("dropped", "mixture", "quality")}
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    (figure,) = [f for panel in report["panels"] for f in panel["figures"] if f.get("name") == "quality"]
    dropped = sum(row["reason"] == "quality" for row in rows.values())
    assert figure["value"] == pytest.approx(dropped / len(rows), abs=1e-6)
    told = curate("explain", tmp_path / "out", "junk-0").out
    assert "quality" in told and "mojibake" in told


def test_off_is_off(out, curate, output_of, tmp_path):
    outcome = curate(
        "decide", "--annotations", out / "annotations", "--output", tmp_path / "out", "--set", "quality.enabled=false"
    )
    assert outcome.code == 0, outcome.err
    assert not any(odd(row) for row in output_of(tmp_path / "out").rows.values())


def test_a_wrong_model_is_told_before_anything_is_read(out, curate, tmp_path):
    outcome = curate(
        "run", "--input", out.parent / "corpus.parquet", "--output", tmp_path / "out", "--set", "quality.model=none.bin"
    )
    assert outcome.code == 2 and "none.bin" in outcome.err
    assert not (tmp_path / "out").exists()
