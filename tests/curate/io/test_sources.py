import gzip
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.config import make_config
from curate.errors import UnreadableInputError, UsageError
from curate.io.filesystem import LocalFiles
from curate.io.inputs import find_inputs
from curate.io.sources import _cut, plan

FILES = LocalFiles()
TEXT = {"text": ["one", "two"]}


def planned(*patterns, **settings):
    return plan(find_inputs([str(p) for p in patterns], FILES), make_config(settings), FILES)


def test_unreadable_files_are_listed_and_the_rest_goes_on(write, tmp_path, read):
    write("a.parquet", TEXT)
    whole = write("b.parquet", {"text": ["x" * 1000]}).read_bytes()
    write("z.parquet", TEXT)
    (tmp_path / "b.parquet").write_bytes(whole[: len(whole) // 2])  # truncated
    (tmp_path / "c.parquet").write_bytes(b"")
    (tmp_path / "d.parquet").write_bytes(b"PAR1" + os.urandom(500) + b"PAR1")
    zipped = gzip.compress(b'{"text": "y"}\n' * 1000)
    (tmp_path / "e.jsonl.gz").write_bytes(zipped[:-10])
    reading = read([tmp_path])
    assert [os.path.basename(path) for path, _ in reading.plan.failed] == [
        "b.parquet",
        "c.parquet",
        "d.parquet",
        "e.jsonl.gz",
    ]
    assert all(error and "\n" not in error for _, error in reading.plan.failed)
    assert [row["text"] for row in reading.rows] == ["one", "two", "one", "two"]
    assert set(reading.plan.fingerprints) == {str(tmp_path / "a.parquet"), str(tmp_path / "z.parquet")}


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_files_that_claim_more_rows_than_they_can_hold_are_not_read(tmp_path, read, write, ending):
    """A few hundred bytes may stand for any number of rows of nulls; each costs memory and a row of the ledger."""
    table = pa.table({"text": pa.nulls(30_000_000)})
    if ending == "parquet":
        pq.write_table(table.cast(pa.schema([("text", pa.string())])), tmp_path / "claims.parquet")
    else:
        with pa.ipc.new_file(tmp_path / "claims.arrow", table.schema) as writer:
            writer.write_table(table)
    assert (tmp_path / f"claims.{ending}").stat().st_size < 100_000
    found = read([tmp_path / f"claims.{ending}", write("b.parquet", pa.table({"text": ["x"]}))])
    assert found.table.num_rows == 1
    [(path, error)] = found.plan.failed
    assert path.endswith(ending) and error.startswith("it claims 30,000,000 rows in ")


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_columns_whose_names_are_no_text_cost_their_file(tmp_path, read, write, ending):
    table = pa.table({"text": ["x"], "name": ["y"]})
    write(f"bad.{ending}", table)
    path = tmp_path / f"bad.{ending}"
    if ending == "arrow":
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table)
    path.write_bytes(path.read_bytes().replace(b"name", b"na\xff\xfe"))
    found = read([path, write("good.parquet", table)])
    assert found.table.num_rows == 1
    assert [name for name, _ in found.plan.failed] == [str(path)]


def test_nothing_readable_is_exit_3(tmp_path):
    (tmp_path / "c.parquet").write_bytes(b"")
    with pytest.raises(UnreadableInputError) as caught:
        planned(tmp_path)
    assert caught.value.exit_code == 3


def test_no_text_column_is_refused_with_the_columns_found(write):
    with pytest.raises(UsageError, match=r"no text column 'text'.*body, n.*documents\.columns\.text"):
        planned(write("a.parquet", {"body": ["x"], "n": [1]}))


@pytest.mark.parametrize("columns", [{"media": [b"x"]}, {"media_path": ["x"]}, {"text": pa.nulls(1)}])
def test_media_or_null_text_is_enough(write, columns):
    assert planned(write("a.parquet", columns)).rows == 1


def test_text_and_id_of_impossible_types_are_refused(write):
    with pytest.raises(UsageError, match="'text' is int64, expected string"):
        planned(write("a.parquet", {"text": [1]}))
    with pytest.raises(UsageError, match=r"documents\.columns\.id"):
        planned(write("b.parquet", {"text": ["x"], "id": [[1]]}))


def test_empty_inputs_are_fine(write, tmp_path, read):
    reading = read([write("a.parquet", pa.schema([("text", pa.string())]).empty_table())])
    assert (reading.plan.rows, reading.rows) == (0, [])
    (tmp_path / "e.jsonl").write_bytes(b"")
    reading = read([tmp_path / "e.jsonl"])
    assert (reading.plan.schema.names, reading.rows, reading.errors) == (["text"], [], [])


def test_fingerprints_tell_contents_apart(write):
    first = planned(write("a.parquet", TEXT)).fingerprints
    assert planned(write("a.parquet", TEXT)).fingerprints == first
    assert planned(write("a.parquet", {"text": ["one", "tow"]})).fingerprints != first


def test_text_bytes_and_rows_are_estimated(write, tmp_path):
    texts = [f"{i} " * 500 for i in range(200)]
    size = sum(map(len, texts))
    result = planned(write("a.parquet", {"text": texts, "n": range(200)}))
    assert 0.5 * size < result.text_bytes < 2 * size
    assert result.rows == 200


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ([], []),
        ([(0, 0)], []),
        ([(10, 10), (10, 10), (90, 10), (1, 1)], [((0, 1), 0, 20), ((2, 3), 0, 91)]),
        ([(10, 60), (10, 60)], [((0,), 0, 10), ((1,), 0, 10)]),
        ([(1600, 10)], [((0,), 0, 1600)]),
        ([(4000, 10)], [((0,), 0, 1334), ((0,), 1334, 1334), ((0,), 2668, 1332)]),
        ([(5, 100), (10, 1950), (5, 50)], [((0,), 0, 5), ((1,), 0, 4), ((1,), 4, 4), ((1,), 8, 2), ((2,), 0, 5)]),
        ([(5, 50), (10, 800), (5, 50)], [((0,), 0, 5), ((1,), 0, 10), ((2,), 0, 5)]),
        ([(1, 1000)], [((0,), 0, 1)]),  # one huge document
    ],
)
def test_row_groups_are_joined_and_cut(groups, expected):
    placed = [(place, *group) for place, group in enumerate(groups)]
    assert list(_cut(placed, block_rows=100, block_bytes=100)) == expected
