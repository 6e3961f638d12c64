"""Clusters that are given by a column, or by embeddings in a column."""

import json

import numpy as np
import pyarrow as pa
import pytest

TOPICS = ("harbour", "orchard", "engine")


@pytest.fixture
def inputs(write, prose):
    source = prose(3)
    topics = [TOPICS[0 if index % 10 else 1 + index // 10 % 2] for index in range(60)]
    vectors = [np.eye(8)[TOPICS.index(topic)].tolist() for topic in topics]
    columns = {
        "id": [f"id-{index}" for index in range(60)],
        "text": [source.text(80, topic) for topic in topics],
        "topic": [*topics[:-1], None],
        "vector": pa.array([*vectors[:-1], None], pa.list_(pa.float32())),
    }
    return write("in.parquet", columns)


@pytest.fixture
def run(curate, inputs, tmp_path, output_of, only_read):
    def run(name, *settings, arguments=(), code=0):
        sets = [part for setting in ("mixture.enabled=true", *settings) for part in ("--set", setting)]
        outcome = curate("run", "--input", inputs, "--output", tmp_path / name, *only_read, *sets, *arguments)
        assert outcome.code == code, outcome.err
        return output_of(tmp_path / name) if code == 0 else outcome.err

    return run


def clusters(output):
    return {row["id"]: row["cluster"] for row in output.ledger.to_pylist()}


def report(output):
    return json.loads((output.path / "report.json").read_text())["clusters"]


def test_values_of_a_column_are_the_clusters(run, curate, tmp_path, output_of):
    output = run("one", "mixture.group_column=topic")
    found = clusters(output)
    assert [found[f"id-{index}"] for index in (0, 1, 10, 59)] == [2, 1, 0, None]  # by name: engine, harbour, orchard
    assert {row["cluster"]: (row["terms"], row["documents"]) for row in report(output)} == {
        0: (["engine"], 3),
        1: (["harbour"], 53),
        2: (["orchard"], 3),
    }
    assert not (output.path / "artefacts/embedding.npz").exists()
    again = run("two", "mixture.group_column=topic", arguments=("--artefacts", output.path))
    assert clusters(again) == found
    outcome = curate("decide", "--annotations", output.path, "--output", tmp_path / "three")
    assert outcome.code == 0, outcome.err
    assert clusters(output_of(tmp_path / "three")) == found


def test_embeddings_of_a_column_are_clustered(run):
    settings = ("mixture.embedding_column=vector", "mixture.dimensions=8", "mixture.clusters=3")
    output = run("one", *settings)
    found = clusters(output)
    assert found["id-59"] is None
    assert len({found[f"id-{index}"] for index in (0, 1, 10)}) == 3
    assert found["id-1"] == found["id-2"]
    assert all(row["terms"] == [] for row in report(output))
    assert clusters(run("two", *settings, arguments=("--artefacts", output.path))) == found
    told = run("three", arguments=("--artefacts", output.path), code=2)
    assert "mixture.embedding_column" in told


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("mixture.group_column=topics", "expected one of id, text, topic, vector"),
        ("mixture.embedding_column=vector", "length 8, expected that of mixture.dimensions, 64"),
    ],
)
def test_wrong_columns_are_told(run, setting, message):
    told = run("out", setting, code=2)
    assert message in told
    assert "Traceback" not in told
