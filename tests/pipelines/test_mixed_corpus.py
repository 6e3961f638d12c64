"""The whole mixed corpus (29,069 documents), where it is at hand: counts, and one ledger for every way to cut it."""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

DATA = Path(os.environ.get("CURATE_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
CORPUS = DATA / "mixed_corpus.parquet"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.exists(), reason="the shared evaluation corpus is not here"),
]


@pytest.fixture(scope="module")
def once(curate_process, output_of, tmp_path_factory):
    directory = tmp_path_factory.mktemp("mixed") / "out"
    outcome = curate_process("run", "--input", CORPUS, "--output", directory)
    assert outcome.code == 0, outcome.err
    return output_of(directory)


def test_counts_ledger_and_files_agree(once):
    once.assert_whole()
    assert once.counts["read"] == pq.read_metadata(CORPUS).num_rows == 29_069
    assert once.counts["errors"] == once.counts["files_failed"] == once.counts["duplicate_ids"] == 0


def test_people_are_not_dropped_for_machines(once):
    truth = pq.read_table(DATA / "mixed_corpus_truth.parquet", columns=["id", "label"])
    rows = once.ledger.select(["id", "decision", "stage", "matched_id"]).join(truth, "id")
    label = dict(zip(truth["id"].to_pylist(), truth["label"].to_pylist(), strict=True))
    dropped = [row for row in rows.to_pylist() if row["stage"] == "dedupe"]
    assert all(label[row["id"]] == label[row["matched_id"]] for row in dropped)
    human = [row for row in rows.to_pylist() if row["label"] == "human"]
    condemned = sum(row["decision"] == "dropped" and row["stage"] == "synthetic" for row in human)
    assert condemned <= 0.01 * len(human)  # synthetic.alpha_drop


def _shuffled_into_seven(table, directory):
    table = table.take(pa.array(np.random.default_rng(7).permutation(table.num_rows)))
    for shard in range(7):
        pq.write_table(table.take(pa.array(range(shard, table.num_rows, 7))), directory / f"{shard}.parquet")


@pytest.mark.parametrize(
    ("write", "options"),
    [
        (_shuffled_into_seven, ()),
        (lambda table, directory: pq.write_table(table, directory / "a.parquet", row_group_size=100), ()),
        (lambda table, directory: pq.write_table(table, directory / "a.parquet", row_group_size=100_000), ()),
        (_shuffled_into_seven, ("--workers", "2")),
    ],
    ids=["seven shuffled files", "row groups of 100", "row groups of 100,000", "two workers"],
)
def test_same_ledger(curate_process, output_of, once, tmp_path, write, options):
    (tmp_path / "in").mkdir()
    write(pq.read_table(CORPUS), tmp_path / "in")
    outcome = curate_process("run", "--input", tmp_path / "in", "--output", tmp_path / "out", *options)
    assert outcome.code == 0, outcome.err
    again = output_of(tmp_path / "out")
    assert again.ledger.drop_columns(["source_file"]).equals(once.ledger.drop_columns(["source_file"]))
