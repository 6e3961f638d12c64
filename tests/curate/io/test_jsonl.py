import gzip
import io
import json
import string
import tracemalloc

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.io import jsonl

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**65), 2**65) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(st.sampled_from(string.ascii_lowercase[:4]), children, max_size=3)
    ),
    max_leaves=8,
)
OBJECTS = st.lists(st.dictionaries(st.sampled_from(["text", "a", "b"]), VALUES, max_size=3), min_size=1, max_size=6)


def table_of(rows):
    shape = jsonl.Shape()
    for row in rows:
        shape.observe_fields(row)
    return jsonl.to_table(rows, shape.arrow_schema())


@pytest.mark.parametrize(
    ("values", "expected_type", "expected"),
    [
        ([1, None, 2], pa.int64(), [1, None, 2]),
        ([1, 2.5], pa.float64(), [1.0, 2.5]),
        ([2**63], pa.uint64(), [2**63]),
        ([-1, 2**63], pa.string(), ["-1", str(2**63)]),
        ([2**60, 0.5], pa.string(), [str(2**60), "0.5"]),
        ([True, 1], pa.string(), ["true", "1"]),
        (["x", 1, {"a": [1]}], pa.string(), ["x", "1", '{"a": [1]}']),
        ([[1], [2.5], []], pa.list_(pa.float64()), [[1.0], [2.5], []]),
        ([[1], ["x"]], pa.list_(pa.string()), [["1"], ["x"]]),
        ([{}, None], pa.string(), ["{}", None]),
        ([{"a": 1}, {"b": "x"}], None, [{"a": 1, "b": None}, {"a": None, "b": "x"}]),
        ([None], pa.null(), [None]),
    ],
)
def test_types_hold_every_value(values, expected_type, expected):
    column = table_of([{"x": value} for value in values]).column("x")
    assert expected_type in (None, column.type)
    assert column.to_pylist() == expected


def test_deep_and_wide_values_become_json_text():
    deep = 1
    for _ in range(100):
        deep = [deep]
    wide = {f"k{i}": i for i in range(jsonl.MAX_FIELDS + 1)}
    table = table_of([{"deep": deep, "wide": wide}])
    assert json.loads(table.column("wide")[0].as_py()) == wide
    assert "[[[" in json.dumps(table.column("deep").to_pylist())


@settings(max_examples=60, deadline=None)
@given(OBJECTS, st.randoms(use_true_random=False))
def test_no_row_is_lost_and_order_does_not_matter(rows, random):
    table = table_of(rows)
    assert table.num_rows == len(rows)
    shuffled = rows[:]
    random.shuffle(shuffled)
    assert table_of(shuffled).schema == table.schema
    halves = [jsonl.Shape(), jsonl.Shape()]
    for index, row in enumerate(rows):
        halves[index % 2].observe_fields(row)
    halves[0].merge(halves[1])
    assert halves[0].arrow_schema() == table.schema
    for row, got in zip(rows, table.to_pylist(), strict=True):
        for name, value in row.items():
            if isinstance(value, str) or value is None:
                assert got[name] == value


LINES = [
    (b'{"text": "fine"}', None),
    (b"", None),
    (b'{"text": "\xff"}', "line 3: invalid UTF-8"),
    (b'{"text": "cut', "line 4: invalid JSON"),
    (b'["not an object"]', "line 5: a JSON list, expected an object"),
    (b'{"text": "\\ud800"}', "line 6: an escaped surrogate"),
    (b'{"text": "\\ud83d\\ude00"}\r', None),
    (b'{"n": ' + b"9" * 5000 + b"}", "line 8: "),
    (b'{"n": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "line 9: nested too deeply"),
    (b'{"text": "last"}', None),
]


@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz", ".jsonl.zst"])
def test_a_bad_line_costs_that_line(tmp_path, read, ending):
    data = b"\xef\xbb\xbf" + b"\n".join(line for line, _ in LINES)
    if ending.endswith("gz"):
        data = gzip.compress(data[:100]) + gzip.compress(data[100:])  # several members
    elif ending.endswith("zst"):
        data = pa.compress(data, codec="zstd", asbytes=True)
    path = tmp_path / f"a{ending}"
    path.write_bytes(data)
    reading = read([path], run={"block_rows": 2})
    assert [row["text"] for row in reading.rows] == ["fine", "\U0001f600", "last"]
    expected = [(number, error) for number, (_, error) in enumerate(LINES) if error]
    assert [error["position"] for error in reading.errors] == [number for number, _ in expected]
    assert all(got["error"].startswith(want) for got, (_, want) in zip(reading.errors, expected, strict=True))
    assert {error["source_file"] for error in reading.errors} == {str(path)}
    assert reading.plan.rows == len(reading.rows) + len(reading.errors)


def test_lines_longer_than_the_read_buffer(tmp_path, read):
    texts = ["x" * 3_000_000, "y", "z" * 1_500_000]
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    assert [row["text"] for row in read([path]).rows] == texts


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_line_without_end_costs_that_line_and_little_memory(tmp_path, read, monkeypatch, ending):
    """A few kilobytes of gzip may stand for a line that no memory holds."""
    monkeypatch.setattr(jsonl, "MAX_LINE", 1 << 21)
    lines = [b'{"text": "a"}', b'{"text": "' + b"x" * (1 << 24) + b'"}', b'{"text": "b"}', b"y" * (1 << 22)]
    path = tmp_path / f"a.jsonl{ending}"
    (gzip.open if ending else open)(path, "wb").write(b"\n".join(lines))
    sizes = [line.size for line in jsonl.read_lines(path.open("rb"), str(path))]
    assert max(sizes) <= (1 << 21) + 2 * (1 << 20)
    found = read([path])
    assert [row["text"] for row in found.rows] == ["a", "b"]
    assert [error["error"] for error in found.errors] == [f"line {n}: longer than 2,097,152 bytes" for n in (2, 4)]


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_damaged_files_leave_no_memory_behind(ending):
    def fails(number):
        for _ in range(number):
            with pytest.raises(OSError):
                list(jsonl.read_lines(io.BytesIO(b"not compressed"), "a.jsonl" + ending))

    fails(2)
    tracemalloc.start()
    fails(20)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 2**20


@pytest.mark.slow
def test_a_line_of_100_megabytes(tmp_path, read):
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "' + b"one two " * 12_500_000 + b'"}\n{"text": "b"}\n')
    assert [len(row["text"]) for row in read([tmp_path / "a.jsonl"]).rows] == [100_000_000, 1]


def test_objects_without_fields_beside_other_files_are_rows(tmp_path, read, write):
    (tmp_path / "a.jsonl").write_text("{}\n{}\n")
    assert read([tmp_path / "a.jsonl", write("b.parquet", {"text": ["x"]})]).rows == [
        {"text": None},
        {"text": None},
        {"text": "x"},
    ]


def test_jsonl_types_are_those_of_all_files(tmp_path, read):
    (tmp_path / "a.jsonl").write_text('{"text": "a", "n": 1}\n')
    (tmp_path / "b.jsonl").write_text('{"text": "b", "n": 0.5, "m": "x"}\n')
    assert read([tmp_path]).rows == [{"m": None, "n": 1.0, "text": "a"}, {"m": "x", "n": 0.5, "text": "b"}]
