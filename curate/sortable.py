"""Values of any plain type as bytes that sort as the values do."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

_SIGN = np.uint64(1 << 63)


def is_sortable(kind: pa.DataType) -> bool:
    """Whether `sortable_bytes` takes values of a type: numbers, times, booleans, strings and bytes."""
    return not (pt.is_nested(kind) or pt.is_interval(kind))


def sortable_bytes(values: pa.Array) -> pa.BinaryArray:
    """Bytes whose lexicographic order is the order of the values; null and NaN are null.

    Integers, dates and times become eight big-endian bytes with the sign bit turned; floats and decimals (as doubles)
    likewise, negative ones with all bits turned (Herf, "Radix Tricks", 2001). Strings stay their UTF-8 bytes.

    Args:
        values: n values of a type that `is_sortable`, without dictionary or extension (`curate.columns.plain_column`).

    Raises:
        TypeError: another type.
    """
    kind = values.type
    if not is_sortable(kind):
        raise TypeError(f"a column of type {kind} has no order, expected numbers, times, booleans, strings or bytes")
    if pt.is_null(kind):
        return pa.nulls(len(values), pa.binary())
    if pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind):
        return values.cast(pa.string()).cast(pa.binary())
    if pt.is_binary(kind) or pt.is_large_binary(kind) or pt.is_fixed_size_binary(kind) or pt.is_binary_view(kind):
        return values.cast(pa.binary())
    valid = values.is_valid()
    if pt.is_floating(kind) or pt.is_decimal(kind):
        doubles = values.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False) + 0.0  # -0.0 is 0.0
        valid = pa.array(~np.isnan(doubles))
        bits = doubles.view(np.uint64)
        keys = np.where(bits & _SIGN, ~bits, bits | _SIGN)
    elif pt.is_uint64(kind):
        keys = values.fill_null(0).to_numpy()
    else:
        keys = _integers(values).fill_null(0).to_numpy(zero_copy_only=False).view(np.uint64) ^ _SIGN
    eight = pa.FixedSizeBinaryArray.from_buffers(pa.binary(8), len(keys), [None, pa.py_buffer(keys.astype(">u8"))])
    return pc.if_else(valid, eight.cast(pa.binary()), None)


def _integers(values: pa.Array) -> pa.Int64Array:
    """Integers, booleans, dates, times and durations as int64."""
    kind = values.type
    if pt.is_date32(kind) or pt.is_time32(kind):
        values = values.cast(pa.int32())
    return values.cast(pa.int64())
