import io
import json
import random

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curate.errors import UnreadableInputError, UsageError
from curate.io import ipc
from curate.io.blocks import read_split
from curate.io.filesystem import LocalFiles
from curate.io.inputs import find_inputs

FORMATS = {"file": pa.ipc.new_file, "stream": pa.ipc.new_stream}


def encoded(table, kind, rows=None, **options):
    sink = io.BytesIO()
    with FORMATS[kind](sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=rows)
    return sink.getvalue()


@pytest.fixture
def save(tmp_path):
    def save(name, table, kind="stream", rows=None, **options):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(table, kind, rows, **options))
        return path

    return save


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 60), st.integers(1, 50), st.integers(1, 20), st.booleans())
def test_cuts_change_neither_rows_nor_their_order(read, save, kind, compression, rows, batch, block, dictionaries):
    tags = pa.array([f"tag {i % 3}" for i in range(rows)])
    tags = tags.dictionary_encode() if dictionaries else tags
    table = pa.table({"text": [f"document {i} " * (i % 7) for i in range(rows)], "n": range(rows), "tags": tags})
    reading = read([save("a.arrow", table, kind, batch, compression=compression)], run={"block_rows": block})
    assert reading.table.equals(table)
    assert all(b.table.num_rows <= block for _, b in reading.blocks)
    starts = [s.row_start + b.location_start for s, b in reading.blocks]
    assert starts == sorted(starts) and reading.plan.rows == rows == sum(s.rows for s in reading.plan.splits)


@pytest.mark.parametrize("kind", FORMATS)
def test_each_split_reads_its_own_batches(read, save, kind):
    table = pa.table({"text": [f"{i} " + "x" * 2000 for i in range(400)]})
    path = save("a.arrow", table, kind, rows=50)
    plan = read([path], run={"block_bytes": 2**18, "block_rows": 100}).plan
    assert len(plan.splits) == 4
    read_back = pa.concat_tables(b.table for b in read_split(plan.splits[2], plan, LocalFiles()))
    assert read_back.equals(table.slice(200, 100))


def test_a_large_batch_is_cut(read, save):
    table = pa.table({"text": ["x" * 100] * 5000})
    reading = read([save("a.arrow", table)], run={"block_rows": 100})
    assert [s.rows for s in reading.plan.splits] == [1250] * 4
    assert reading.table.equals(table)


@pytest.mark.parametrize("kind", FORMATS)
def test_every_type_passes_through_untouched(column, read, save, kind):
    table = pa.table({"text": ["a", "b", "c"], "x": column})
    reading = read([save("a.feather", table, kind, rows=2)])
    assert reading.table.schema == table.schema
    assert reading.table.to_pylist() == table.to_pylist()


def test_formats_are_read_together(read, save, write, tmp_path):
    (tmp_path / "c.jsonl").write_text('{"text": "c"}\n')
    reading = read([save("a.arrows", pa.table({"text": ["a"]})), write("b.parquet", {"text": ["b"]}), tmp_path / "c.*"])
    assert [row["text"] for row in reading.rows] == ["a", "b", "c"]


@pytest.mark.parametrize("kind", FORMATS)
def test_strings_that_are_no_utf8_cost_their_rows(read, save, kind):
    bad = {0, 7, 8}
    texts = pa.array([b"a\xff" if i in bad else b"ok" for i in range(20)])
    reading = read([save("a.arrow", pa.table({"text": texts.view(pa.string()), "n": range(20)}), kind, rows=6)])
    assert reading.table["n"].to_pylist() == [i for i in range(20) if i not in bad]
    assert [e["position"] for e in reading.errors] == sorted(bad)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_truncated_file_fails_as_a_whole(read, save, write, kind):
    path = save("a.arrow", pa.table({"text": ["x" * 500] * 100}), kind, rows=10)
    path.write_bytes(path.read_bytes()[:-3000])
    reading = read([path, write("b.parquet", {"text": ["b"]})])
    assert [failed for failed, _ in reading.plan.failed] == [str(path)]
    assert [row["text"] for row in reading.rows] == ["b"]


@pytest.mark.parametrize("content", [b"", b"FEA1" + bytes(60), b"ARROW1\0\0" * 5, b"no Arrow at all, but text"])
def test_what_is_no_ipc_is_refused(read, tmp_path, content):
    (tmp_path / "a.arrow").write_bytes(content)
    with pytest.raises(UnreadableInputError, match="none of 1 input files can be read"):
        read([tmp_path / "a.arrow"])


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("compression", [None, "lz4"])
def test_damage_is_an_error_never_a_crash(read, tmp_path, write, kind, compression):
    table = pa.table({"text": [f"document {i}" for i in range(40)], "tags": [["a", "b"][: i % 3] for i in range(40)]})
    sound, chance = encoded(table, kind, 8, compression=compression), random.Random(4)
    other = write("b.parquet", {"text": ["b"]})
    for _ in range(150):
        content = bytearray(sound)
        for _ in range(chance.choice((1, 4, 20))):
            content[chance.randrange(len(content))] = chance.choice((0, 1, 127, 128, 255))
        (tmp_path / "a.arrow").write_bytes(content)
        try:
            reading = read([tmp_path / "a.arrow", other])
        except UsageError:  # a type or a name was hit
            continue
        reading.table.validate(full=True)
        assert reading.table.num_rows + len(reading.errors) == reading.plan.rows


def with_interval(content, kind, unit, named):
    """A file whose column of one kind of interval is of another, which pyarrow cannot write."""
    open_ipc = {"file": pa.ipc.open_file, "stream": pa.ipc.open_stream}[kind]
    for place in (place for place, byte in enumerate(content) if byte == 2):
        changed = content[:place] + bytes([unit]) + content[place + 1 :]
        try:
            if named in str(open_ipc(changed).schema):
                return changed
        except pa.ArrowException:
            pass
    raise AssertionError(named)


@pytest.mark.parametrize("unit, named", [(0, "month_interval"), (1, "day_time_interval")])
@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("nested", [False, True])
def test_types_that_pyarrow_has_no_arrays_of_are_refused(read, tmp_path, write, unit, named, kind, nested):
    interval = pa.month_day_nano_interval()
    table = pa.table({"text": ["a"], "lasts": pa.nulls(1, pa.struct([("t", interval)]) if nested else interval)})
    (tmp_path / "a.arrow").write_bytes(with_interval(encoded(table, kind), kind, unit, named))
    reading = read([tmp_path / "a.arrow", write("b.parquet", {"text": ["b"]})])
    assert named in dict(reading.plan.failed)[str(tmp_path / "a.arrow")]


def test_read_table_reads_all(save):
    table = pa.table({"text": ["a", "b", "c"]})
    for kind in FORMATS:
        assert ipc.read_table(io.BytesIO(encoded(table, kind, 2))).equals(table)


def names(directory):
    return [file.path[len(str(directory)) + 1 :] for file in find_inputs([str(directory)], LocalFiles())]


def test_a_saved_dataset_means_the_files_that_it_lists(save, tmp_path):
    table = pa.table({"text": ["a"]})
    for name in ("train/data-0.arrow", "train/cache-1.arrow", "train/stale.arrow", "test/data-0.arrow", "x/a.arrow"):
        save(name, table)
    save("x/cache-1.arrow", table)  # no dataset: a name like another
    for part in ("train", "test"):
        (tmp_path / part / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data-0.arrow"}]}))
    assert names(tmp_path) == ["test/data-0.arrow", "train/data-0.arrow", "x/a.arrow", "x/cache-1.arrow"]
    (tmp_path / "x" / "dataset_info.json").write_text("{}")
    (tmp_path / "x" / "state.json").write_text("[]")  # of something else
    assert names(tmp_path / "x") == ["a.arrow"]
    (tmp_path / "train" / "data-0.arrow").unlink()
    with pytest.raises(UsageError, match=r"lists 'data-0.arrow', which is not there"):
        names(tmp_path)
