"""Values of any plain type as bytes that sort as the values do, and rows of them as one key."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt
from numpy.typing import NDArray

_SIGN = np.uint64(1 << 63)
_SMALL_SIGN = np.uint32(1 << 31)
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY = 86_400


def is_sortable(kind: pa.DataType) -> bool:
    """Whether `sortable_bytes` takes values of a type: numbers, times, booleans, strings and bytes."""
    return not (pt.is_nested(kind) or pt.is_interval(kind))


def sort_keys(columns: Iterable[tuple[pa.Array, bool]]) -> pa.BinaryArray:
    """One key for each row; rows sort by the first column, then by the second and so on, null last.

    Args:
        columns: n values each, as `sortable_bytes` takes them, and whether the largest comes first.
    """
    return pc.binary_join_element_wise(
        *(_column_key(sortable_bytes(values), turned) for values, turned in columns), b""
    )


def sortable_bytes(values: pa.Array) -> pa.BinaryArray:
    """Bytes whose lexicographic order is the order of the values; null and NaN are null.

    Numbers of all types sort among each other, and so do times of all units: a column may be of integers in one file
    and of floats in another. They become the bits of a double (Herf, "Radix Tricks", 2001) and four bytes of what it
    leaves out of a large integer, or of the nanoseconds of a time in seconds. Strings stay their UTF-8 bytes.

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
    if pt.is_floating(kind) or pt.is_decimal(kind):
        doubles = values.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False) + 0.0  # -0.0 is 0.0
        return _numbers(doubles, np.zeros(len(doubles), np.int32), pa.array(~np.isnan(doubles)))
    if pt.is_temporal(kind):
        return _numbers(*_seconds(values), values.is_valid())
    integers = values.cast(pa.uint64() if pt.is_uint64(kind) else pa.int64()).fill_null(0).to_numpy()
    doubles = integers.astype(np.float64)
    nearest = np.mod(doubles, 2.0**32).astype(np.uint64).astype(np.uint32)
    return _numbers(doubles, (integers.astype(np.uint32) - nearest).view(np.int32), values.is_valid())


def _numbers(doubles: NDArray[np.float64], rest: NDArray[np.int32], valid: pa.Array) -> pa.BinaryArray:
    bits = doubles.view(np.uint64)
    parts = (
        np.where(bits & _SIGN, ~bits, bits | _SIGN).astype(">u8"),
        (rest.view(np.uint32) ^ _SMALL_SIGN).astype(">u4"),
    )
    packed = np.concatenate([part.view(np.uint8).reshape(-1, part.itemsize) for part in parts], axis=1)
    keys = pa.FixedSizeBinaryArray.from_buffers(pa.binary(12), len(doubles), [None, pa.py_buffer(packed.tobytes())])
    return pc.if_else(valid, keys.cast(pa.binary()), None)


def _seconds(values: pa.Array) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Whole seconds, and the nanoseconds besides, of times, durations and dates; anything where null."""
    kind = values.type
    if pt.is_date32(kind) or pt.is_time32(kind):
        values = values.cast(pa.int32())
    ticks = values.cast(pa.int64()).fill_null(0).to_numpy()
    if pt.is_date32(kind):
        return ticks * float(_DAY), np.zeros(len(ticks), np.int32)
    per_second = _PER_SECOND["ms" if pt.is_date64(kind) else kind.unit]
    seconds, rest = np.divmod(ticks, per_second)
    return seconds.astype(np.float64), (rest * (10**9 // per_second)).astype(np.int32)


def _column_key(keys: pa.BinaryArray, turned: bool) -> pa.BinaryArray:
    """Keys of which none begins another, null last, so that they can be joined and turned.

    Zero bytes are doubled up as 0, 255 and the end is 0, 0.
    """
    ended = pc.binary_join_element_wise(pc.replace_substring(keys, b"\0", b"\0\xff"), b"\0\0", b"")
    if turned:
        validity, offsets, data = ended.buffers()
        complement = pa.py_buffer((~np.frombuffer(data, np.uint8)).tobytes()) if data is not None else None
        ended = pa.BinaryArray.from_buffers(
            ended.type, len(ended), [validity, offsets, complement], offset=ended.offset
        )
    return pc.coalesce(pc.binary_join_element_wise(b"\0", ended, b""), b"\1")
