"""The metrics of a run: in the report, the same however a corpus is cut, planned or decided again; without text."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.metrics.sample import SAMPLE
from curate.metrics.slices import SLICES


def metrics_of(path):
    return json.loads((path / "report.json").read_text())["metrics"]


@pytest.fixture(scope="module")
def metrics(finished):
    return metrics_of(finished)


def test_the_slices_are_measured(metrics, output_of, finished):
    rows = {row["name"]: row["slices"] for row in metrics["rows"]}
    ledger = output_of(finished).ledger.to_pylist()
    assert metrics["sample"] == sum(bool(row["tokens"]) for row in ledger)
    assert {"distinct_1", "entropy_2", "templates", "vendi", "tail_1", "cluster_divergence", "source_top"} <= set(rows)
    distinct = rows["distinct_1"]
    assert set(distinct) == set(SLICES)
    assert distinct["human"]["band"][0] < distinct["human"]["value"] < distinct["human"]["band"][1]
    trusted = [row for row in ledger if row["tier"] == "trusted_human" and row["stage"] not in ("dedupe", "read")]
    assert rows["source_top"]["human"]["n"] == len(trusted)
    kept = [row for row in ledger if row["decision"] == "kept" and row["copies"] and row["tokens"]]
    assert rows["source_top"]["accepted"]["n"] == len(kept)
    artefacts = json.loads((finished / "report.json").read_text())["artefacts"]
    assert artefacts["embedding"] in rows["vendi"]["human"]["artefacts"]
    assert artefacts["detector"] in distinct["accepted"]["artefacts"]


def test_the_page_shows_them(finished, metrics):
    page = (finished / "report.html").read_text()
    for row in metrics["rows"]:
        assert row["label"] in page


def test_plan_and_decide_measure_the_same(curate, corpus_file, finished, metrics, tmp_path):
    outcome = curate("run", "--input", corpus_file, "--output", tmp_path / "planned", "--plan")
    assert outcome.code == 0, outcome.err
    assert metrics_of(tmp_path / "planned") == metrics
    outcome = curate("decide", "--annotations", finished, "--output", tmp_path / "again")
    assert outcome.code == 0, outcome.err
    assert metrics_of(tmp_path / "again") == metrics


def test_files_and_their_order_do_not_matter(curate, corpus, finished, metrics, tmp_path):
    for part in range(3):
        pq.write_table(corpus.take(pa.array(range(part, 300, 3))), tmp_path / f"{2 - part}.parquet", row_group_size=40)
    outcome = curate("run", "--input", tmp_path / "*.parquet", "--output", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    assert _numbers(metrics_of(tmp_path / "out")) == _numbers(metrics)


def _numbers(metrics):
    return {
        (row["name"], part): (found["value"], found["n"], found["band"], found["status"])
        for row in metrics["rows"]
        for part, found in row["slices"].items()
    }


def test_the_sample_holds_codes_and_no_text(finished, corpus):
    tables = [pq.read_table(path) for path in (finished / "annotations" / "sample").glob("*.parquet")]
    assert tables and all(table.schema.names == SAMPLE.names for table in tables)
    content = b"".join(path.read_bytes() for path in (finished / "annotations" / "sample").glob("*.parquet"))
    assert not any(text.encode()[:30] in content for text in corpus["text"].to_pylist() if text and len(text) > 60)


def test_annotations_without_a_sample_give_a_report_without_its_metrics(curate, finished, tmp_path):
    for path in (finished / "annotations").rglob("*"):
        if path.is_file() and path.parent.name != "sample":
            target = tmp_path / "out" / path.relative_to(finished)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    outcome = curate("decide", "--annotations", tmp_path / "out", "--output", tmp_path / "again")
    assert outcome.code == 0, outcome.err
    found = metrics_of(tmp_path / "again")
    assert found["sample"] == 0 and {row["name"][:7] for row in found["rows"]} == {"cluster", "source_", "duplica"}
