"""Weights of the documents of a run: who gets the copies, and how much synthetic text each cluster may have."""

import html
import random
from datetime import datetime, timezone
from statistics import median

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

PEOPLE = {"harbour": 240, "orchard": 30, "engine": 30}
SPAM = ("orchard-0", "orchard-1", "orchard-2")
MACHINE = 40  # declared, of each topic


@pytest.fixture(scope="module")
def inputs(prose, tmp_path_factory):
    draw, source, rows = random.Random(5), prose(5), []
    for topic, count in PEOPLE.items():
        for index in range(count):
            text = source.text(draw.randint(60, 100), topic)
            if f"{topic}-{index}" in SPAM:
                words = text.split()[:6]
                text = ", ".join(draw.choice(words) for _ in range(90))
            rows.append({"id": f"{topic}-{index}", "text": text, "topic": topic, "origin": None, "timestamp": 2019})
        for index in range(MACHINE):
            text = source.text(80, topic)
            rows.append(
                {"id": f"{topic}-m{index}", "text": text, "topic": topic, "origin": "synthetic", "timestamp": 2024}
            )
    for row in rows:
        row["timestamp"] = datetime(row["timestamp"], 5, 1, tzinfo=timezone.utc)
    path = tmp_path_factory.mktemp("weights") / "in.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


@pytest.fixture(scope="module")
def run(curate, inputs, tmp_path_factory, output_of):
    def run(*settings):
        path = tmp_path_factory.mktemp("weights") / "out"
        fixed = (
            "mixture.group_column=topic", "mixture.alpha=0.3", "mixture.growth=4", "mixture.min_reference=20",
            "mixture.min_cluster_sources=1", "synthetic.enabled=false", "dedupe.enabled=false", "quality.alpha=0.04",
        )  # fmt: skip
        outcome = curate("run", "--input", inputs, "--output", path, *(f"--set={s}" for s in (*fixed, *settings)))
        assert outcome.code == 0, outcome.err
        return output_of(path)

    return run


@pytest.fixture(scope="module")
def out(run):
    return run()


@pytest.fixture(scope="module")
def filled(run):
    caps = ("orchard=0.05", "engine=0.6", "pear=0.1")
    return run("mixture.max_copies=1", *(f"mixture.cluster_caps.{cap}" for cap in caps))


def test_odd_documents_of_a_boosted_cluster_are_kept_and_not_copied(out):
    weights = {id: row["weight"] for id, row in out.rows.items() if id.startswith("orchard-") and "m" not in id}
    spam = [weights.pop(id) for id in SPAM]
    assert spam == [1, 1, 1]
    assert 1.5 < median(weights.values()) <= 4
    (row,) = [row for row in out.manifest["mixture"]["clusters"] if row["cluster"] == 2]
    assert row["boosted"]
    tokens = sum(out.rows[id]["tokens"] * out.rows[id]["weight"] for id in [*weights, *SPAM])
    assert tokens == pytest.approx(row["real"], rel=1e-6)


def test_every_cluster_keeps_its_own_cap_and_all_of_them_that_of_the_whole(filled):
    rows = {row["cluster"]: row for row in filled.manifest["mixture"]["clusters"]}
    assert [rows[cluster]["cap"] for cluster in range(3)] == [0.6, 0.3, 0.05]
    for row in rows.values():
        assert row["synthetic"] <= row["cap"] * (row["real"] + row["synthetic"]) * (1 + 1e-9)
    assert rows[2]["synthetic"] == pytest.approx(0.05 / 0.95 * rows[2]["accepted"], rel=1e-6)
    assert rows[0]["synthetic"] > 0.3 / 0.7 * rows[0]["accepted"]
    assert sum(row["synthetic"] for row in rows.values()) <= 0.3 * sum(row["output_tokens"] for row in rows.values())


def test_a_cap_of_no_cluster_is_told(filled):
    page = html.unescape((filled.path / "report.html").read_text())
    assert "mixture.cluster_caps names 'pear', which is no cluster" in page


def test_names_are_for_groups(curate, inputs, tmp_path):
    outcome = curate("run", "--input", inputs, "--output", tmp_path / "x", "--set", "mixture.cluster_caps.orchard=0.1")
    assert outcome.code == 2 and "expected numbers of clusters" in outcome.err
