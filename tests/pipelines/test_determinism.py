"""Same documents, same ledger: whatever the order, the sharding, the row groups, the blocks and the workers."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.duplicates import candidates
from curate.duplicates.verify import similarities
from curate.pipelines import jobs
from curate.transforms import duplicates


def shuffled(table):
    order = sorted(range(table.num_rows), key=lambda row: (row * 7919) % 307)
    return table.take(pa.array(order))


def in_seven_files(table, directory):
    table, directory = shuffled(table), directory / "in"
    directory.mkdir()
    for shard in range(7):
        rows = table.take(pa.array(range(shard, table.num_rows, 7)))
        pq.write_table(rows, directory / f"{(shard * 5) % 7}.parquet", row_group_size=20 + shard)
    return directory


def in_row_groups_of(size):
    def write(table, directory):
        path = directory / "corpus.parquet"
        pq.write_table(table, path, row_group_size=size)
        return path

    return write


@pytest.fixture(scope="module")
def expected(finished, output_of):
    return output_of(finished).ledger.drop_columns(["source_file"])


@pytest.mark.parametrize(
    ("write", "options"),
    [
        (in_seven_files, ()),
        (in_row_groups_of(100), ()),
        (in_row_groups_of(100_000), ("--set", "run.block_rows=41")),
        pytest.param(in_seven_files, ("--workers", "2"), marks=pytest.mark.slow),
    ],
    ids=["seven files", "row groups of 100", "row groups of 100,000 in small blocks", "two workers"],
)
def test_same_ledger(curate_process, curate, corpus, expected, tmp_path, output_of, write, options):
    # Worker processes need a process of their own to be started from.
    run = curate_process if "--workers" in options else curate
    outcome = run("run", "--input", write(corpus, tmp_path), "--output", tmp_path / "out", *options)
    assert outcome.code == 0, outcome.err
    assert "sdk_worker" not in outcome.err  # the talk of Beam's worker processes
    output = output_of(tmp_path / "out")
    output.assert_whole()
    ledger = output.ledger.drop_columns(["source_file"])
    for name in expected.column_names:
        assert ledger[name].equals(expected[name]), name


@pytest.mark.slow
@pytest.mark.parametrize("many", [0, candidates.MANY])
def test_candidates_are_verified_in_parts_that_do_not_grow_with_the_text(
    monkeypatch, curate, corpus_file, expected, tmp_path, output_of, many
):
    def largest(output, text):
        sizes = []

        def verify(values, *others):
            sizes.append(len(values))
            return similarities(values, *others)

        monkeypatch.setattr(jobs, "TEXT_PER_PART", text)
        monkeypatch.setattr(candidates, "MANY", many)
        monkeypatch.setattr(duplicates, "similarities", verify)
        outcome = curate("run", "--input", corpus_file, "--output", output)
        assert outcome.code == 0, outcome.err
        assert output_of(output).ledger.drop_columns(["source_file"]).equals(expected)
        return max(sizes)

    assert largest(tmp_path / "parts", 2_000) < largest(tmp_path / "whole", 2**30) / 4


def test_same_run_twice_writes_the_same_files(curate, corpus_file, finished, tmp_path, snapshot):
    outcome = curate("run", "--input", corpus_file, "--output", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    first, second = snapshot(finished), snapshot(tmp_path / "out")
    differing = {str(name) for name in first.keys() | second.keys() if first.get(name) != second.get(name)}
    assert differing <= {"manifest.json", "croissant.json"}  # which say when the run was
