import datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.config import make_config
from curate.io.blocks import read_split
from curate.io.filesystem import LocalFiles
from curate.io.inputs import find_inputs
from curate.io.sources import plan


class Reading:
    """What the reader makes of some inputs."""

    def __init__(self, patterns, **settings):
        config = make_config(settings)
        files = LocalFiles()
        self.plan = plan(find_inputs([str(p) for p in patterns], files), config, files)
        self.blocks = [(s, b) for s in self.plan.splits for b in read_split(s, self.plan, files)]

    @property
    def table(self):
        return pa.concat_tables([self.plan.schema.empty_table(), *(b.table for _, b in self.blocks)])

    @property
    def rows(self):
        return self.table.to_pylist()

    @property
    def errors(self):
        return [row for _, b in self.blocks for row in b.errors.to_pylist()]


@pytest.fixture
def read():
    return Reading


@pytest.fixture
def write(tmp_path):
    def write(name, columns, **options):
        table = columns if isinstance(columns, pa.Table) else pa.table(columns)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path, **options)
        return path

    return write


def _cast(values, kind):
    return pa.array(values).cast(kind)


_DAY = datetime.date(2020, 2, 29)
_TIME = datetime.datetime(2020, 2, 29, 12, 30, 15, 123456)

# One column of three rows of every type that Parquet gives back as it was written; the second row is null, except
# for fixed-size lists, whose nulls Arrow cannot read from Parquet.
EVERY_TYPE = {
    "null": pa.nulls(3),
    "bool": pa.array([True, None, False]),
    **{str(kind): pa.array([1, None, 100], kind) for kind in (pa.int8(), pa.int16(), pa.int32(), pa.int64())},
    **{str(kind): pa.array([1, None, 100], kind) for kind in (pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())},
    "float16": pa.array([np.float16(1.5), None, np.float16(-0.25)]),
    **{str(kind): pa.array([1.5, None, -0.25], kind) for kind in (pa.float32(), pa.float64())},
    "string": pa.array(["a", None, "é"]),
    "large_string": pa.array(["a", None, "é"], pa.large_string()),
    "string_view": _cast(["a", None, "é"], pa.string_view()),
    "binary": pa.array([b"\xff", None, b""]),
    "large_binary": pa.array([b"\xff", None, b""], pa.large_binary()),
    "binary_view": _cast([b"\xff", None, b""], pa.binary_view()),
    "fixed_size_binary": pa.array([b"ab", None, b"cd"], pa.binary(2)),
    "date32": pa.array([_DAY, None, _DAY]),
    "timestamp_ms": pa.array([_TIME, None, _TIME]).cast(pa.timestamp("ms"), safe=False),
    "timestamp_us_utc": pa.array([_TIME, None, _TIME], pa.timestamp("us", "UTC")),
    "timestamp_ns_zone": pa.array([_TIME, None, _TIME], pa.timestamp("ns", "Europe/Zurich")),
    "time32": pa.array([1, None, 2], pa.time32("ms")),
    "time64": pa.array([1, None, 2], pa.time64("ns")),
    "duration": pa.array([1, None, 2], pa.duration("us")),
    "decimal128": pa.array([Decimal("1.50"), None, Decimal("-3.25")], pa.decimal128(10, 2)),
    "decimal256": pa.array([Decimal("1.50"), None, Decimal("-3.25")], pa.decimal256(50, 2)),
    "dictionary": pa.array(["a", None, "a"]).cast(pa.dictionary(pa.int8(), pa.string())),
    "list": pa.array([[1, None], None, []], pa.list_(pa.int32())),
    "large_list": pa.array([["a"], None, []], pa.large_list(pa.string())),
    "fixed_size_list": pa.array([[1.0, 2.0], [0.0, None], [3.0, 4.0]], pa.list_(pa.float32(), 2)),
    "list_view": pa.array([[1], None, []], pa.list_view(pa.int64())),
    "struct": pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}]),
    "nested": pa.array([[{"a": [{"b": 1}]}], None, [{"a": None}]]),
    "map": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int64())),
    "uuid": pa.array([b"a" * 16, None, b"b" * 16], pa.uuid()),
    "json": pa.array(['{"a":1}', None, "{}"], pa.json_()),
}


@pytest.fixture(params=EVERY_TYPE)
def column(request):
    array = EVERY_TYPE[request.param]
    sink = pa.BufferOutputStream()
    try:
        pq.write_table(pa.table({"x": array}), sink)
    except pa.ArrowNotImplementedError:
        pytest.skip("this pyarrow cannot write the type to Parquet")
    if pq.read_schema(pa.BufferReader(sink.getvalue())).field("x").type != array.type:
        pytest.skip("this pyarrow does not restore the type from Parquet")
    return array
