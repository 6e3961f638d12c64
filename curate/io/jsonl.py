"""JSON lines as Arrow: types that hold every row, and one error for each line that is no JSON object.

JSON has fewer types than Arrow and lines need not agree, so types are inferred from all lines of all JSONL inputs:

* true and false are bool; integers int64 (uint64 where needed); other numbers, and integers among them, double;
* arrays are lists, objects structs with the fields of all of them;
* where the values of a column (or of a field or item) fit no such type, the column is string: strings stay as they
  are, other values become their JSON text. The same holds for nesting below `MAX_DEPTH`, objects with more than
  `MAX_FIELDS` different fields or with none, and integers that int64, uint64 or double would change.

So no row is lost to a type, and the result does not depend on the order of lines or files.
"""

import io
import json
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa

MAX_DEPTH = 16
MAX_FIELDS = 1_000
MAX_LINE = 1 << 28
"""Bytes of a line; a longer one is an error, of which no more is held in memory."""
_CHUNK = 1 << 20
_BOM = b"\xef\xbb\xbf"
_EXACT = 2**53  # integers up to here are exact as doubles


class Line(NamedTuple):
    """A line that is not blank: its number from 0, its length in bytes, and either its object or an error."""

    number: int
    size: int
    value: dict[str, Any] | None
    error: str | None


class Shape:
    """What the values seen at one place of the lines look like; shapes merge in any order to the same type."""

    __slots__ = ("fields", "high", "item", "kinds", "low")

    def __init__(self) -> None:
        self.kinds: set[str] = set()
        self.low = 0
        self.high = 0
        self.item: Shape | None = None
        self.fields: dict[str, Shape] = {}

    def observe(self, value: Any, depth: int = 0) -> None:
        """Takes a value into account."""
        if value is None:
            return
        if isinstance(value, str):
            self.kinds.add("string")
        elif isinstance(value, bool):
            self.kinds.add("bool")
        elif isinstance(value, int):
            self.kinds.add("int")
            self.low, self.high = min(self.low, value), max(self.high, value)
        elif isinstance(value, float):
            self.kinds.add("float")
        elif depth >= MAX_DEPTH:
            self.kinds.add("json")
        elif isinstance(value, list):
            self.kinds.add("list")
            self.item = self.item or Shape()
            for item in value:
                self.item.observe(item, depth + 1)
        else:
            self.kinds.add("object")
            self.observe_fields(value, depth)

    def observe_fields(self, value: dict[str, Any], depth: int = 0) -> None:
        """Takes the fields of an object into account."""
        for name, item in value.items():
            field = self.fields.get(name)
            if field is None:
                if depth and len(self.fields) >= MAX_FIELDS:
                    self.kinds.add("json")
                    return
                field = self.fields[name] = Shape()
            field.observe(item, depth + 1)

    def merge(self, other: "Shape") -> None:
        """Takes into account what another shape has seen."""
        self.kinds |= other.kinds
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        if other.item is not None:
            self.item = self.item or Shape()
            self.item.merge(other.item)
        for name, field in other.fields.items():
            self.fields.setdefault(name, Shape()).merge(field)

    def arrow_type(self) -> pa.DataType:
        """The type that holds all values seen; string where they have to be written as JSON text."""
        if not self.kinds:
            return pa.null()
        if self.kinds == {"bool"}:
            return pa.bool_()
        if self.kinds == {"int"}:
            if self.low >= -(2**63) and self.high < 2**63:
                return pa.int64()
            return pa.uint64() if self.low >= 0 and self.high < 2**64 else pa.string()
        if self.kinds == {"float"} or (self.kinds == {"int", "float"} and max(-self.low, self.high) <= _EXACT):
            return pa.float64()
        if self.kinds == {"list"} and self.item is not None:
            return pa.list_(self.item.arrow_type())
        if self.kinds == {"object"} and 0 < len(self.fields) <= MAX_FIELDS:
            return pa.struct([(name, self.fields[name].arrow_type()) for name in sorted(self.fields)])
        return pa.string()

    def arrow_schema(self) -> pa.Schema:
        """The columns of lines whose objects were given to `observe_fields`, sorted by name."""
        return pa.schema([(name, self.fields[name].arrow_type()) for name in sorted(self.fields)])


def read_lines(file: BinaryIO, path: str) -> Iterator[Line]:
    """Decodes the lines of a file, decompressed by the ending of its name; blank lines are skipped.

    Raises:
        OSError: the file cannot be read or decompressed.
    """
    for number, raw in enumerate(_raw_lines(_decompress(file, path))):
        if not number:
            raw = raw.removeprefix(_BOM)
        if not raw or raw.isspace():
            continue
        if len(raw) > MAX_LINE:
            yield Line(number, len(raw), None, f"line {number + 1}: longer than {MAX_LINE:,} bytes")
            continue
        try:
            yield Line(number, len(raw), _decode(raw), None)
        except (ValueError, RecursionError) as error:
            yield Line(number, len(raw), None, f"line {number + 1}: {_reason(error)}")


def to_table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    """Rows of decoded objects as columns; missing fields are null.

    Args:
        rows: objects whose values the schema was inferred from.
        schema: as given by `Shape.arrow_schema`.
    """
    if not schema.names:
        return pa.table({"": pa.nulls(len(rows))}).select([])  # keeps the number of rows
    columns = []
    for field in schema:
        values = [row.get(field.name) for row in rows]
        try:
            columns.append(pa.array(values, field.type))
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            columns.append(pa.array([_fit(value, field.type) for value in values], field.type))
    return pa.Table.from_arrays(columns, schema=schema)


def _decompress(file: BinaryIO, path: str) -> Any:
    for ending, codec in ((".gz", "gzip"), (".zst", "zstd")):
        if path.lower().endswith(ending):
            # Buffered, since what pyarrow's own read had set aside is never freed when it meets damaged data.
            return io.BufferedReader(pa.CompressedInputStream(pa.PythonFile(file, mode="r"), codec), _CHUNK)
    return file


def _raw_lines(stream: Any) -> Iterator[bytes]:
    """The lines, of those that are too long a little more than `MAX_LINE` bytes."""
    pending: list[bytes] = []
    size = 0
    while chunk := stream.read(_CHUNK):
        first, *rest = chunk.split(b"\n")
        if size <= MAX_LINE:
            pending.append(first)
            size += len(first)
        for line in rest:
            yield b"".join(pending)
            pending, size = [line], len(line)
    yield b"".join(pending)


def _decode(raw: bytes) -> dict[str, Any]:
    value = json.loads(raw.decode("utf-8"))
    if not isinstance(value, dict):
        raise ValueError(f"a JSON {type(value).__name__}, expected an object")
    if b"\\ud" in raw or b"\\uD" in raw:  # an escaped surrogate without its partner is no Unicode text
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"invalid UTF-8 (byte 0x{error.object[error.start]:02x} at {error.start}), expected UTF-8 text"
    if isinstance(error, UnicodeEncodeError):
        return "an escaped surrogate without its partner, expected Unicode text"
    if isinstance(error, json.JSONDecodeError):
        return f"invalid JSON ({error.msg} at character {error.pos}), expected an object"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return str(error)


def _fit(value: Any, data_type: pa.DataType) -> Any:
    """The value with everything that the type has as string written as JSON text."""
    if value is None:
        return None
    if pa.types.is_string(data_type):
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if pa.types.is_list(data_type):
        return [_fit(item, data_type.value_type) for item in value]
    if pa.types.is_struct(data_type):
        return {field.name: _fit(value.get(field.name), field.type) for field in data_type}
    return value
