"""Pages that a person began and a machine went on with, from the command line to the report."""

import json
import random
import re

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from apache_beam.testing.util import assert_that, equal_to

from curate.transforms import Curate

PLAIN = (
    *("the", "rain", "came", "late", "and", "my", "brother", "said", "nothing", "so", "we", "went", "home", "through"),
    *("mud", "by", "old", "stone", "mill", "where", "dog", "barked", "at", "moon", "while", "aunt", "kept", "her"),
    *("bread", "warm", "near", "fire", "then", "someone", "shouted", "river", "rose", "fast", "over", "bridge"),
)
PHRASES = (
    "It is important to note that {} plays a crucial role in {}.",
    "Overall, {} and {} are essential for fostering a comprehensive understanding.",
    "Furthermore, {} can significantly enhance {} in various contexts.",
    "Additionally, by leveraging {}, individuals can navigate the complexities of {}.",
)
NOUNS = ("technology", "education", "communication", "innovation", "collaboration", "leadership", "growth")

SETTINGS = {  # suspects are kept, so that what follows is the mixture's doing
    "synthetic": {"min_group": 40, "suspect_action": "keep", "condemned_action": "keep"},
    "mixture": {"clusters": 2, "mixed_cap": 0.05, "min_reference": 1000},
}
TRUSTED, OPEN, MIXED, MACHINE = 60, 10, 8, 3


def human(draw, words, formal=0.0):
    """Plain sentences, among them so large a share of formal ones."""
    sentences = []
    while words > 0:
        if draw.random() < formal:
            sentences.append(machine(draw, 1))
        length = draw.randint(3, 25)
        sentences.append(" ".join(draw.choices(PLAIN, k=length)).capitalize() + draw.choice(".!?."))
        words -= length
    return " ".join(sentences)


def machine(draw, words):
    sentences = []
    while words > 0:
        sentences.append(draw.choice(PHRASES).format(draw.choice(NOUNS), draw.choice(NOUNS)))
        words -= 10
    return " ".join(sentences)


@pytest.fixture(scope="module")
def columns():
    draw = random.Random(4)
    rows = [(f"trusted-{n:02d}", human(draw, 900, 0.2 * n / TRUSTED), "2015-01-01T00:00:00Z") for n in range(TRUSTED)]
    rows += [(f"open-{n:02d}", human(draw, 900), None) for n in range(OPEN)]
    rows += [(f"mixed-{n:02d}", human(draw, 500) + " " + machine(draw, 500), None) for n in range(MIXED - 2)]
    rows += [(f"mixed-{n:02d}", machine(draw, 500) + " " + human(draw, 500), None) for n in (6, 7)]
    rows += [(f"machine-{n:02d}", machine(draw, 900), None) for n in range(MACHINE)]
    rows += [("mixed-real", human(draw, 500) + " " + machine(draw, 500), "2015-01-01T00:00:00Z")]
    ids, texts, times = (list(column) for column in zip(*rows, strict=True))
    return {"id": ids, "text": texts, "timestamp": times, "language": ["en"] * len(ids)}


@pytest.fixture(scope="module")
def settings_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("settings") / "curate.yaml"
    path.write_text(json.dumps(SETTINGS))
    return path


@pytest.fixture(scope="module")
def out(columns, settings_file, curate, tmp_path_factory):
    corpus = tmp_path_factory.mktemp("corpus") / "corpus.parquet"
    pq.write_table(pa.table(columns), corpus)
    path = tmp_path_factory.mktemp("mixed") / "out"
    outcome = curate("run", "--input", corpus, "--output", path, "--config", settings_file)
    assert outcome.code == 0, outcome.err
    return path


def is_mixed(id):
    return id.startswith("mixed-") and id != "mixed-real"


def test_mixed_pages_are_labelled_and_share_their_cap(out, output_of):
    result = output_of(out)
    result.assert_whole()
    rows = result.rows
    assert {id for id, row in rows.items() if row["origin"] == "mixed"} == {id for id in rows if is_mixed(id)}
    assert rows["mixed-real"]["origin"] == "human"
    kept = [row for row in rows.values() if row["decision"] == "kept"]
    mixed = sum(row["weight"] * row["tokens"] for row in kept if row["origin"] == "mixed")
    share = mixed / sum(row["weight"] * row["tokens"] for row in kept)
    assert len(kept) == len(rows)
    assert 0.04 < share <= 0.05 + 1e-6
    assert {row["weight"] for id, row in rows.items() if not is_mixed(id)} == {1.0}


def test_evidence_names_share_and_spans(out, output_of):
    rows = output_of(out).rows
    for id, row in rows.items():
        items = [item for item in row["evidence"] or () if item["kind"] == "windows"]
        if is_mixed(id):
            (item,) = items
            assert (item["family"], item["claim"], item["llr"]) == ("detector", "mixed", 0)
            assert re.match("[34] of [56] windows suspect, [23] clearly human; suspect are about the", item["detail"])
            half = "0-" if id in ("mixed-06", "mixed-07") else f"-{row['tokens']}"
            assert half in item["detail"].rpartition("tokens ")[2]
        assert not (items and row["tier"] == "trusted_human")


def test_report_and_explain_tell_of_them(out, curate):
    figures = {
        figure["name"]: figure
        for panel in json.loads((out / "report.json").read_text())["panels"]
        for figure in panel["figures"]
    }
    documents = TRUSTED + OPEN + MIXED + MACHINE + 1
    assert figures["mixed_in"]["value"] == pytest.approx(MIXED / documents, abs=1e-6)
    assert figures["mixed_out"]["value"] <= 0.05 + 1e-4 and figures["mixed_out"]["band"] == [0, 0.05]
    story = curate("explain", out, "mixed-00").out
    assert "Origin: mixed" in story and "It speaks for mixed." in story
    assert "mixture.mixed_cap" in story


def test_a_decision_can_have_another_cap(out, curate, output_of, tmp_path):
    again = ("decide", "--annotations", out / "annotations", "--output")
    assert curate(*again, tmp_path / "same").code == 0
    assert output_of(tmp_path / "same").ledger.equals(output_of(out).ledger)
    assert curate(*again, tmp_path / "none", "--set", "mixture.mixed_cap=0").code == 0
    rows = output_of(tmp_path / "none").rows
    dropped = {id for id, row in rows.items() if (row["stage"], row["reason"]) == ("mixture", "mixed")}
    assert dropped == {id for id in rows if is_mixed(id)}
    assert "a larger mixture.mixed_cap" in curate("explain", tmp_path / "none", "mixed-00").out


def test_the_reference_of_a_run_tells_mixed_pages_of_another(out, columns, curate, output_of, write, settings_file):
    few = [number for number, id in enumerate(columns["id"]) if id in ("mixed-00", "open-00", "machine-00")]
    path = write("few.parquet", {name: [values[number] for number in few] for name, values in columns.items()})
    target = path.parent / "few"
    outcome = curate("run", "--input", path, "--output", target, "--artefacts", out, "--config", settings_file)
    assert outcome.code == 0, outcome.err
    origins = {id: row["origin"] for id, row in output_of(target).rows.items()}
    assert origins == {"mixed-00": "mixed", "open-00": "unknown", "machine-00": "unknown"}


def test_embedded_transforms_label_the_same(columns):
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        kept = (pipeline | beam.Create(rows) | Curate(SETTINGS))["kept"]
        found = kept | beam.Filter(lambda row: row["curate_origin"] == "mixed") | beam.Map(lambda row: row["id"])
        assert_that(found, equal_to([id for id in columns["id"] if is_mixed(id)]))
