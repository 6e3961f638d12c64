"""A rule of quality that takes most of one small language is told, in report and manifest."""

import json
import random

import pytest

PEOPLE, SMALL = 320, 24
SYLLABLES = ["ta", "ren", "mo", "sil", "ka", "der", "lo", "vin", "pe", "sto", "ra", "nel", "bi", "qua", "en"]


def prose(draw, words, number=""):
    """Sentences; with a number in most of them, as where a language writes years and verses out in digits."""
    sentences = []
    for _ in range(18):
        sentence = [draw.choice(words) for _ in range(draw.randint(6, 14))]
        sentences.append(" ".join([*sentence, *(str(draw.randint(10**6, 10**7)) for _ in number)]).capitalize() + ".")
    return " ".join(sentences)


@pytest.fixture(scope="module")
def directory(curate, tmp_path_factory):
    import pyarrow as pa
    import pyarrow.parquet as pq

    draw = random.Random(9)
    words = ["".join(draw.sample(SYLLABLES, 2)) for _ in range(600)]
    texts = [prose(draw, words) for _ in range(PEOPLE)]
    texts += [prose(draw, words, "12" if number < 18 else "") for number in range(SMALL)]
    columns = {
        "id": [*(f"en-{n}" for n in range(PEOPLE)), *(f"mi-{n}" for n in range(SMALL))],
        "text": texts,
        "language": ["en"] * PEOPLE + ["mi"] * SMALL,
        "timestamp": ["2019-05-01"] * PEOPLE + [None] * SMALL,
    }
    directory = tmp_path_factory.mktemp("rates")
    pq.write_table(pa.table(columns), directory / "corpus.parquet")
    outcome = curate("run", "--input", directory / "corpus.parquet", "--output", directory / "out",
                     "--set", "synthetic.enabled=false", "--set", "quality.drop=[digits, mojibake]")  # fmt: skip
    assert outcome.code == 0, outcome.err
    return directory


def reported(output):
    return json.loads((output.path / "report.json").read_text())


def test_rates_and_alarm(curate, directory, output_of):
    output = output_of(directory / "out")
    output.assert_whole()
    lost = {id for id, row in output.rows.items() if row["reason"] == "quality"}
    small = {id for id in lost if id.startswith("mi-")}
    assert len(small) == 18
    report = reported(output)
    table = report["quality"]
    assert output.manifest["quality"] == table
    assert [row["rule"] for row in table["rules"]] == ["digits", "mojibake", "gate"]
    (row, *_) = table["languages"]
    expected = {"language": "mi", "rule": "digits", "documents": SMALL, "removed": 18, "others_share": 0.0, "people": 0}
    assert expected.items() <= row.items() and row["alarm"]
    assert [row["language"] for row in table["languages"] if row["alarm"]] == ["mi"] == list({id[:2] for id in lost})
    warnings = [reason["text"] for panel in report["panels"] for reason in panel["reasons"]]
    assert any("language mi lost 75.0% of its 24 documents to the rule digits" in text for text in warnings), warnings
    html = (directory / "out" / "report.html").read_text()
    assert "By language and rule" in html and '<strong class="warn">75.0%</strong>' in html
    evidence = [item["kind"] for item in output.rows["mi-0"]["evidence"] if item["family"] == "quality"]
    assert "digits" in evidence and "mojibake" not in evidence
    assert "It breaks a rule of quality that drops (quality.drop): digits" in curate("explain", output.path, "mi-0").out
    cluster = [row for row in table["clusters"] if row["rule"] == "digits"]
    assert sum(row["removed"] for row in cluster) == sum(output.rows[id]["cluster"] is not None for id in lost)


def test_nothing_is_alarming_while_nothing_drops(curate, directory, output_of):
    outcome = curate("decide", "--annotations", directory / "out", "--output", directory / "off",
                     "--set", "quality.drop=[]")  # fmt: skip
    assert outcome.code == 0, outcome.err
    table = reported(output_of(directory / "off"))["quality"]
    assert table["alarms"] == 0 and {row["rule"] for row in table["languages"]} == {"gate"}
    assert all(row["removed"] == 0 < row["broken"] for row in table["languages"])
