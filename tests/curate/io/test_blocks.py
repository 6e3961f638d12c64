import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curate.errors import UsageError
from curate.io.blocks import conform


def locations(reading):
    """(split, row in the split) of every row and the place of every error, in reading order."""
    rows = [(s.number, b.location_start + i) for s, b in reading.blocks for i in range(b.table.num_rows)]
    return rows, [error["position"] for error in reading.errors]


def test_every_type_passes_through_untouched(column, read, write):
    table = pa.table({"text": ["a", "b", "c"], "x": column})
    reading = read([write("a.parquet", table, row_group_size=2)])
    reading.table.validate(full=True)
    assert reading.table.schema == table.schema
    assert reading.table.to_pylist() == table.to_pylist()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 60), st.integers(1, 50), st.integers(1, 20))
def test_cuts_change_neither_rows_nor_their_order(read, write, rows, group, block):
    table = pa.table({"text": [f"document {i} " * (i % 7) for i in range(rows)], "n": range(rows)})
    path = write("a.parquet", table, row_group_size=group)
    reading = read([path], run={"block_rows": block})
    assert reading.table.equals(table)
    assert all(b.table.num_rows <= block for _, b in reading.blocks)
    assert [s.number for s in reading.plan.splits] == list(range(len(reading.plan.splits)))
    starts = {s.number: s.row_start for s in reading.plan.splits}
    assert [starts[number] + row for number, row in locations(reading)[0]] == list(range(rows))


def test_blocks_stay_under_their_bytes(read, write):
    texts = [("x" if i % 10 else "long " * 2000) * 20 for i in range(500)]
    reading = read([write("a.parquet", {"text": texts})], run={"block_bytes": 2**18})
    assert reading.table.column("text").to_pylist() == texts
    sizes = [(b.table.num_rows, b.table.nbytes) for _, b in reading.blocks]
    assert all(size <= 2**18 or rows == 1 for rows, size in sizes)


def test_small_row_groups_are_joined(read, write):
    reading = read([write("a.parquet", {"text": ["x"] * 1000}, row_group_size=10)])
    assert [b.table.num_rows for _, b in reading.blocks] == [1000]
    assert reading.blocks[0][1].table.column("text").num_chunks == 1


def test_a_document_of_5_mb(read, write, tmp_path):
    texts = ["short", "long text " * 500_000, "short"]
    (tmp_path / "b.jsonl").write_text("".join(json.dumps({"text": t}) + "\n" for t in texts))
    reading = read([write("a.parquet", {"text": texts}), tmp_path / "b.jsonl"], run={"block_bytes": 2**20})
    assert reading.table.column("text").to_pylist() == texts * 2


def test_differing_schemas_are_widened_and_null_filled(read, write):
    a = write("a.parquet", {"text": ["a"], "n": pa.array([1], pa.int32()), "s": [{"x": 1}]})
    b = write(
        "b.parquet",
        {
            "s": [{"y": "q"}],
            "n": pa.array([2**40]),
            "text": pa.array(["b"], pa.large_string()),
            "tag": pa.array(["t"]).dictionary_encode(),
        },
    )
    reading = read([a, b])
    assert reading.plan.schema.field("text").type == pa.large_string()
    assert reading.rows == [
        {"text": "a", "n": 1, "s": {"x": 1, "y": None}, "tag": None},
        {"text": "b", "n": 2**40, "s": {"x": None, "y": "q"}, "tag": "t"},
    ]
    with pytest.raises(UsageError, match=r"column 'n' is string in .*c.parquet but int64 in .*a.parquet"):
        read([a, b, write("c.parquet", {"text": ["c"], "n": ["x"]})])


def test_a_value_that_does_not_fit_the_common_type_costs_its_row(read, write):
    a = write("a.parquet", {"text": ["a", "b", "c"], "t": pa.array([0, 10**15, 1], pa.timestamp("ms"))})
    b = write("b.parquet", {"text": ["d"], "t": pa.array([2], pa.timestamp("ns"))})
    reading = read([a, b])
    assert reading.table.column("text").to_pylist() == ["a", "c", "d"]
    assert [(e["source_file"], e["position"]) for e in reading.errors] == [(str(a), 1)]
    assert locations(reading)[0] == [(0, 0), (0, 2), (1, 0)]


def invalid_utf8(values, bad):
    offsets = np.arange(values + 1, dtype=np.int32) * 2
    data = b"".join(b"a\xff" if i in bad else b"ok" for i in range(values))
    return pa.Array.from_buffers(pa.string(), values, [None, pa.py_buffer(offsets), pa.py_buffer(data)])


def test_strings_that_are_no_utf8_cost_their_rows(read, write):
    bad = {0, 7, 8}
    reading = read([write("a.parquet", {"text": invalid_utf8(20, bad), "n": range(20)})])
    assert reading.table.column("n").to_pylist() == [i for i in range(20) if i not in bad]
    assert [e["position"] for e in reading.errors] == sorted(bad)
    assert "UTF8" in reading.errors[0]["error"]
    reading.table.validate(full=True)


def test_a_dictionary_that_is_no_utf8_costs_the_rest_of_its_row_group(read, write):
    column = pa.DictionaryArray.from_arrays(pa.array(range(20)), invalid_utf8(20, {3}))
    reading = read([write("a.parquet", {"text": column}), write("b.parquet", {"text": ["x"]})])
    assert [row["text"] for row in reading.rows] == ["ok", "ok", "ok", "x"]
    assert [e["position"] for e in reading.errors] == list(range(3, 20))


def damage(path, row_group, column=0):
    """Overwrites the middle of a column's pages."""
    chunk = pq.ParquetFile(path).metadata.row_group(row_group).column(column)
    middle = chunk.data_page_offset + chunk.total_compressed_size // 2
    data = bytearray(path.read_bytes())
    data[middle : middle + 50] = b"\xaa" * 50
    path.write_bytes(data)


@pytest.mark.parametrize("block_rows", [30, 100, 5000])
def test_a_damaged_page_costs_its_rows_whatever_the_blocks(read, write, block_rows):
    rng = np.random.default_rng(0)
    texts = [rng.bytes(200).hex() for _ in range(900)]
    before = write("a.parquet", {"text": ["before"]})
    path = write(
        "b.parquet",
        {"text": texts},
        row_group_size=300,
        data_page_size=4096,
        write_batch_size=8,
        use_dictionary=False,
        compression="zstd",
        write_page_checksum=True,
    )
    damage(path, 1)
    after = write("c.parquet", {"text": ["after"]})
    reading = read([before, path, after], run={"block_rows": block_rows})
    kept = reading.table.column("text").to_pylist()
    lost = [e["position"] for e in reading.errors]
    assert kept[0] == "before" and kept[-1] == "after"
    assert len(kept) + len(lost) == reading.plan.rows == 902
    assert lost == list(range(lost[0], 600)) and 400 < lost[0] < 500  # the rows before the damage are saved
    assert kept[1:-1] == texts[: lost[0]] + texts[600:]
    rows, _ = locations(reading)
    assert len(set(rows)) == len(rows)


def test_undecodable_rows_are_few_bytes_in_many_blocks(read, write):
    path = write("a.parquet", {"text": ["x" * 50 + str(i) for i in range(1000)]}, row_group_size=500)
    damage(path, 0)
    reading = read([path], run={"block_rows": 100})
    assert len(reading.errors) + reading.table.num_rows == 1000
    assert all(b.errors.num_rows <= 100 for _, b in reading.blocks)


def test_reading_twice_gives_the_same_blocks(read, write):
    path = write("a.parquet", {"text": [str(i) * (i % 50) for i in range(500)]}, row_group_size=70)
    first, second = (read([path], run={"block_rows": 33}).blocks for _ in range(2))
    assert [(b.location_start, b.table) for _, b in first] == [(b.location_start, b.table) for _, b in second]


def test_conform_orders_and_fills_columns():
    table = pa.table({"b": pa.array([1], pa.int8()), "a": ["x"]})
    schema = pa.schema([("a", pa.large_string()), ("b", pa.int64()), ("c", pa.list_(pa.int8()))])
    assert conform(table, schema).to_pylist() == [{"a": "x", "b": 1, "c": None}]
    assert conform(table, schema).schema == schema
