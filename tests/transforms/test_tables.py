import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest

from curate.transforms.tables import TableCoder, concat, split_by, split_by_number

BIG = pa.table({"key": pa.array(np.arange(100_000, dtype=np.uint64)), "text": ["some text"] * 100_000})


@pytest.mark.parametrize(
    "table",
    [
        BIG,
        BIG.slice(70_000, 10),
        BIG.slice(0, 0),
        pa.table({}),
        pa.concat_tables([BIG.slice(3, 2), BIG.slice(90, 1)]),
        pa.table({"a": pa.array(["x", None, "x"]).dictionary_encode(), "b": [[1.5], [], None]}),
        pa.table({"a": [{"b": 1}, None]}).replace_schema_metadata({"curate.start": "7"}),
    ],
)
def test_coder_gives_the_table_back(table):
    coder = TableCoder()
    decoded = coder.decode(coder.encode(table))
    assert decoded.equals(table)
    assert decoded.schema.equals(table.schema, check_metadata=True)


def test_coder_encodes_the_rows_of_a_slice_and_nothing_else():
    assert len(TableCoder().encode(BIG.slice(70_000, 10))) < 2_000


def test_a_large_table_is_compressed():
    assert len(TableCoder().encode(BIG)) < BIG.nbytes / 2


def test_sizes_are_estimated_without_encoding(monkeypatch):
    coder, table = TableCoder(), BIG.slice(70_000, 10)
    size = len(coder.encode(table))
    monkeypatch.setattr(TableCoder, "encode", None)
    assert 100 < coder.get_impl().estimate_size(table) < size


def test_coder_is_the_one_that_beam_takes():
    coder = beam.coders.registry.get_coder(pa.Table)
    assert isinstance(coder, TableCoder)
    assert coder == TableCoder()
    assert not coder.is_deterministic()


@pytest.mark.parametrize("partitions", [1, 2, 7])
def test_split_by_sends_every_row_to_the_partition_of_its_key(partitions):
    table = BIG.slice(0, 1_000)
    parts = dict(split_by(table, table["key"].to_numpy(), partitions))
    assert set(parts) <= set(range(partitions))
    assert concat(parts.values(), table.schema).sort_by("key").equals(table.combine_chunks())
    for number, part in parts.items():
        alone = list(split_by(part.slice(0, 1), part["key"].to_numpy()[:1], partitions))
        assert [place for place, _ in alone] == [number]


def test_split_by_number_keeps_the_order_within_a_number():
    table = pa.table({"row": [0, 1, 2, 3, 4]})
    parts = {number: part["row"].to_pylist() for number, part in split_by_number(table, np.array([2, 0, 2, 0, 2]))}
    assert parts == {0: [1, 3], 2: [0, 2, 4]}
    assert list(split_by_number(table.slice(0, 0), np.empty(0, np.int64))) == []


def test_concat_of_nothing_has_the_schema():
    assert concat([], BIG.schema).equals(BIG.schema.empty_table())
    assert concat(iter([BIG.slice(0, 0), BIG.slice(5, 2)]), BIG.schema)["key"].num_chunks == 1
