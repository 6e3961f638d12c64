"""One schema for files that differ: columns are joined by name, types widened only where no value can change."""

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.types as pt

from curate.errors import UsageError

_SIGNED = {8: pa.int8(), 16: pa.int16(), 32: pa.int32(), 64: pa.int64()}
_WITHOUT_ARRAYS = (21, 22)  # intervals of months and of days, in Arrow's list of types; older releases do not name them
_TIME_UNITS = ("s", "ms", "us", "ns")
# Metadata that describes one file's layout, not the user's data: pandas' index description and Arrow's own copy.
FILE_METADATA = (b"pandas", b"ARROW:schema")


class IncompatibleTypes(Exception):
    """Two types that no common type holds without changing a value."""


def is_string(data_type: pa.DataType) -> bool:
    """Whether values are UTF-8 text, in any of Arrow's encodings."""
    return pt.is_string(data_type) or pt.is_large_string(data_type) or pt.is_string_view(data_type)


def is_bytes(data_type: pa.DataType) -> bool:
    """Whether values are byte strings, in any of Arrow's encodings."""
    return (
        pt.is_binary(data_type)
        or pt.is_large_binary(data_type)
        or pt.is_binary_view(data_type)
        or pt.is_fixed_size_binary(data_type)
    )


def is_sequence(data_type: pa.DataType) -> bool:
    """Whether values are lists, in any of Arrow's encodings; maps are not."""
    return (
        pt.is_list(data_type)
        or pt.is_large_list(data_type)
        or pt.is_fixed_size_list(data_type)
        or pt.is_list_view(data_type)
        or pt.is_large_list_view(data_type)
    )


def plain_type(data_type: pa.DataType) -> pa.DataType:
    """The type of the values: without dictionary encoding and extension."""
    while True:
        if pt.is_dictionary(data_type):
            data_type = data_type.value_type
        elif isinstance(data_type, pa.BaseExtensionType):
            data_type = data_type.storage_type
        else:
            return data_type


def nested_fields(fields: Iterable[pa.Field]) -> Iterator[pa.Field]:
    """Fields, each followed by those within it."""
    for field in fields:
        yield field
        kind = plain_type(field.type)
        yield from nested_fields(kind.field(index) for index in range(kind.num_fields))


def check_fields(fields: Iterable[pa.Field]) -> None:
    """Refuses what Arrow's format has and pyarrow fails on only later, where it is first used.

    Raises:
        ArrowNotImplementedError: a field, or one within it, is an interval of months, or of days and time, which
            pyarrow has no arrays of.
        UnicodeDecodeError: a name is not UTF-8.
    """
    for field in nested_fields(fields):
        name, kind = field.name, plain_type(field.type)
        if kind.id in _WITHOUT_ARRAYS:
            raise pa.ArrowNotImplementedError(
                f"column {name!r} is {kind}, which pyarrow cannot hold, expected another type; "
                "convert or drop the column"
            )


def unify_schemas(schemas: Sequence[tuple[str, pa.Schema]]) -> pa.Schema:
    """The schema that holds the rows of every file; a column that a file lacks is null there.

    Args:
        schemas: (file, schema), in the order that gives the columns theirs.

    Raises:
        UsageError: a column has types in two files that cannot be joined without changing values, or a file
            has two columns of one name.
    """
    fields: dict[str, pa.Field] = {}
    origin: dict[str, str] = {}
    metadata: dict[bytes, bytes] = {}
    for path, schema in schemas:
        _refuse_repeated(path, schema)
        for key, value in (schema.metadata or {}).items():
            metadata.setdefault(key, value)
        for field in schema:
            known = fields.setdefault(field.name, field)
            first = origin.setdefault(field.name, path)
            try:
                fields[field.name] = _unify_field(known, field)
            except IncompatibleTypes:
                raise UsageError(
                    f"column {field.name!r} is {field.type} in {path} but {known.type} in {first}, expected one type; "
                    f"convert one of them, or curate the files in separate runs"
                ) from None
    everywhere = set(fields).intersection(*(schema.names for _, schema in schemas))
    # Two files may each use a narrow dictionary index and together hold more values than it can count.
    widen = len(schemas) > 1
    joined = [
        _widen_index(field if field.name in everywhere else _absent_somewhere(field), widen)
        for field in fields.values()
    ]
    return pa.schema(joined, {k: v for k, v in metadata.items() if k not in FILE_METADATA} or None)


def unify(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    """The type that holds every value of both types unchanged.

    Integers widen to integers, floats to floats, small integers to double, time units to the finer one, decimals to
    more digits, strings and lists to their large forms; structs are joined by field name; a dictionary that meets
    anything else becomes its value type.

    Raises:
        IncompatibleTypes: there is none.
    """
    if left == right or pt.is_null(right):
        return left
    if pt.is_null(left):
        return right
    if pt.is_dictionary(left) or pt.is_dictionary(right):
        return unify(_values(left), _values(right))
    if pt.is_integer(left) and pt.is_integer(right):
        return _unify_integers(left, right)
    if pt.is_floating(left) and pt.is_floating(right):
        return max(left, right, key=lambda t: t.bit_width)
    if _is_number(left) and _is_number(right):
        return _unify_with_float(left, right)
    if is_string(left) and is_string(right):
        return pa.large_string()
    if is_bytes(left) and is_bytes(right):
        return pa.large_binary()
    if pt.is_decimal(left) and pt.is_decimal(right):
        return _unify_decimals(left, right)
    if pt.is_temporal(left) and pt.is_temporal(right):
        return _unify_temporal(left, right)
    return _unify_nested(left, right)


def _refuse_repeated(path: str, schema: pa.Schema) -> None:
    repeated = sorted({name for name in schema.names if schema.names.count(name) > 1})
    if repeated:
        raise UsageError(f"{path} has more than one column {repeated[0]!r}, expected one; rename or drop the others")


def _unify_field(left: pa.Field, right: pa.Field) -> pa.Field:
    return left.with_type(unify(left.type, right.type)).with_nullable(left.nullable or right.nullable)


def _widen_index(field: pa.Field, widen: bool) -> pa.Field:
    if not widen or not pt.is_dictionary(field.type) or field.type.index_type.bit_width >= 32:
        return field
    return field.with_type(pa.dictionary(pa.int32(), field.type.value_type, field.type.ordered))


def _values(data_type: pa.DataType) -> pa.DataType:
    return data_type.value_type if pt.is_dictionary(data_type) else data_type


def _is_number(data_type: pa.DataType) -> bool:
    return pt.is_integer(data_type) or pt.is_floating(data_type)


def _unify_integers(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    if pt.is_signed_integer(left) == pt.is_signed_integer(right):
        return max(left, right, key=lambda t: t.bit_width)
    signed, unsigned = (left, right) if pt.is_signed_integer(left) else (right, left)
    bits = max(signed.bit_width, 2 * unsigned.bit_width)
    if bits not in _SIGNED:
        raise IncompatibleTypes
    return _SIGNED[bits]


def _unify_with_float(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    integer = left if pt.is_integer(left) else right
    if integer.bit_width > 32:  # a double holds integers exactly only up to 2**53
        raise IncompatibleTypes
    return pa.float64()


def _unify_decimals(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    scale = max(left.scale, right.scale)
    precision = scale + max(left.precision - left.scale, right.precision - right.scale)
    if precision > 76:
        raise IncompatibleTypes
    return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)


def _unify_temporal(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    if pt.is_date(left) and pt.is_date(right):
        return pa.date64()
    if pt.is_timestamp(left) and pt.is_timestamp(right):
        if (left.tz is None) != (right.tz is None):
            raise IncompatibleTypes  # a local time names no instant
        return pa.timestamp(_finer(left, right), left.tz if left.tz == right.tz else "UTC")
    if pt.is_duration(left) and pt.is_duration(right):
        return pa.duration(_finer(left, right))
    if pt.is_time(left) and pt.is_time(right):
        unit = _finer(left, right)
        return pa.time32(unit) if unit in ("s", "ms") else pa.time64(unit)
    raise IncompatibleTypes


def _finer(left: pa.DataType, right: pa.DataType) -> str:
    return max(left.unit, right.unit, key=_TIME_UNITS.index)


def _unify_nested(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    if pt.is_struct(left) and pt.is_struct(right):
        return _unify_structs(left, right)
    if pt.is_map(left) and pt.is_map(right):
        return pa.map_(
            unify(left.key_type, right.key_type), _unify_field(left.item_field, right.item_field), left.keys_sorted
        )
    if not (is_sequence(left) and is_sequence(right)):
        raise IncompatibleTypes
    item = _unify_field(left.value_field, right.value_field)
    if pt.is_fixed_size_list(left) and pt.is_fixed_size_list(right) and left.list_size == right.list_size:
        return pa.list_(item, left.list_size)
    if pt.is_list(left) and pt.is_list(right):
        return pa.list_(item)
    return pa.large_list(item)


def _unify_structs(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    fields = {field.name: field for field in left}
    for field in right:
        fields[field.name] = _unify_field(fields[field.name], field) if field.name in fields else field
    shared = {field.name for field in left} & {field.name for field in right}
    return pa.struct([field if field.name in shared else _absent_somewhere(field) for field in fields.values()])


def _absent_somewhere(field: pa.Field) -> pa.Field:
    """A field that will be null for some rows. Arrow cannot read null fixed-size lists back from Parquet: lists can."""
    return field.with_type(_variable_lists(field.type)).with_nullable(True)


def _variable_lists(data_type: pa.DataType) -> pa.DataType:
    if pt.is_fixed_size_list(data_type):
        return pa.list_(data_type.value_field)
    if pt.is_struct(data_type):
        return pa.struct([field.with_type(_variable_lists(field.type)) for field in data_type])
    return data_type
