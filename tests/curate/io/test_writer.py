import os
import resource
from itertools import pairwise

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curate.io.filesystem import LocalFiles
from curate.io.writer import PartWriter, part_name, write_part
from curate.threads import use_threads

FILES = LocalFiles()


def test_names():
    assert part_name(0, 7) == "part-00000-of-00007.parquet"
    assert part_name(12) == "part-00012.parquet"


def test_every_type_round_trips(column, tmp_path):
    table = pa.table({"x": column, "text": ["a", "b", "c"]})
    path = tmp_path / "deep" / "a.parquet"
    write_part(str(path), table, FILES)
    again = pq.read_table(path)
    assert again.schema == table.schema
    assert again.to_pylist() == table.to_pylist()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.text(max_size=30), st.none() | st.sampled_from("abc")), max_size=60),
    st.lists(st.integers(0, 60), max_size=5),
)
def test_bytes_depend_on_the_rows_only(tmp_path, rows, cuts):
    table = pa.table(
        {
            "text": pa.array([text for text, _ in rows], pa.string()),
            "tag": pa.array([tag for _, tag in rows], pa.string()).dictionary_encode(),
        }
    )
    bounds = sorted({0, len(rows), *(min(cut, len(rows)) for cut in cuts)})
    pieces = [table.slice(start, stop - start) for start, stop in pairwise(bounds)]
    outputs = []
    for number, tables in enumerate(([table], pieces, [piece.take(list(range(len(piece)))) for piece in pieces])):
        path = tmp_path / str(number)
        with PartWriter(str(path), table.schema, FILES, row_group_rows=10, row_group_bytes=100) as writer:
            for piece in tables:
                writer.write(piece)
        assert writer.rows == len(rows)
        outputs.append(path.read_bytes())
    assert outputs[0] == outputs[1] == outputs[2]
    assert pq.read_table(path).to_pylist() == table.to_pylist()


def test_row_groups_are_cut_by_rows_and_bytes(tmp_path):
    texts = ["x" * 60, "x" * 60, "x" * 30, "x" * 500, *["y"] * 12]
    with PartWriter(str(tmp_path / "a"), pa.schema([("text", pa.string())]), FILES, 10, 100) as writer:
        writer.write(pa.table({"text": texts}))
    metadata = pq.read_metadata(tmp_path / "a")
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [1, 2, 1, 10, 2]


def test_codec_statistics_checksums_and_metadata(tmp_path):
    schema = pa.schema([("text", pa.string())], {b"user": b"kept", b"pandas": b"{}"})
    write_part(str(tmp_path / "a"), pa.table({"text": ["a"]}, schema=schema), FILES)
    chunk = pq.read_metadata(tmp_path / "a").row_group(0).column(0)
    assert chunk.compression == "ZSTD" and chunk.statistics.min == "a"
    assert pq.read_schema(tmp_path / "a").metadata == {b"user": b"kept"}


def test_an_error_leaves_no_file(tmp_path):
    with pytest.raises(KeyError), PartWriter(str(tmp_path / "a"), pa.schema([("x", pa.int8())]), FILES):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("rows", [5, 25])  # of which the last group is written on closing
def test_a_full_disk_leaves_no_file(tmp_path, count, rows):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    table = pa.table({"x": [os.urandom(1 << 16) for _ in range(rows)]})
    use_threads(count)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 17, limits[1]))
    try:
        with (
            pytest.raises(OSError, match="File too large"),
            PartWriter(str(tmp_path / "a"), table.schema, FILES, row_group_rows=10) as writer,
        ):
            writer.write(table)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        use_threads(1)
    assert list(tmp_path.iterdir()) == []


def test_null_fixed_size_lists_are_written_as_lists_that_cast_back(tmp_path):
    table = pa.table({"x": pa.array([[1, 2], None], pa.list_(pa.int8(), 2)), "y": ["a", "b"]})
    write_part(str(tmp_path / "a"), table, FILES)
    assert pq.read_table(tmp_path / "a").cast(table.schema) == table
    with (
        pytest.raises(ValueError, match=r"'x' .* has nulls"),
        PartWriter(str(tmp_path / "b"), table.schema, FILES) as writer,
    ):
        writer.write(table)


@pytest.mark.parametrize("lists", [[None], [], [None, [1, 2], None, [3, 4], [None, 6]], [[1, 2], [3, 4]]])
@pytest.mark.parametrize("cut", [slice(0), slice(None), slice(1, None)])
def test_lists_around_null_ones_stay_what_they_are(tmp_path, lists, cut):
    kind = pa.list_(pa.float16(), 2)
    values = [pa.array(lists, pa.list_(pa.float32(), 2)).cast(kind)[cut], pa.nulls(1, kind)]
    table = pa.table({"x": pa.chunked_array(values)})
    write_part(str(tmp_path / "a"), table, FILES)
    assert pq.read_table(tmp_path / "a")["x"].to_pylist() == [*lists[cut], None]
