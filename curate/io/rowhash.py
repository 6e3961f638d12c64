"""A 64-bit hash of each row that depends on the values alone, not on how Arrow happens to hold them.

It is the same for any order of columns, chunking, slicing, dictionary encoding, string or large_string, width of
integers and floats (1 and 1.0 alike), unit of times, and kind of list; null is the same as a missing column, at any
depth of structs. Hashes of columns and struct fields are added up, which makes their order irrelevant; items of lists
are scrambled with their position first. Everything is vectorised.
"""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt
from numpy.typing import NDArray

from curate.hashing import UInt64Array, hash_strings, mix, stage_seed
from curate.io.schemas import is_bytes, is_sequence, is_string

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_NULL = np.uint64(stage_seed(0, "null"))  # a null item keeps its place in a list
_STRUCT = np.uint64(stage_seed(0, "struct"))  # tells a struct of nulls from a null struct
_STRING_SEED = stage_seed(0, "string")
_BYTES_SEED = stage_seed(0, "bytes")


def row_hashes(table: pa.Table) -> UInt64Array:
    """Hashes every row.

    Args:
        table: any columns; their names count, their order does not.

    Returns:
        uint64, one per row.
    """
    total = np.zeros(table.num_rows, dtype=np.uint64)
    for name, column in zip(table.column_names, table.columns, strict=True):
        start = 0
        for chunk in column.chunks:
            total[start : start + len(chunk)] += _named(chunk, name)
            start += len(chunk)
    return mix(total)


def _named(array: pa.Array, name: str) -> UInt64Array:
    """Hashes of a column's values that depend on its name; 0 where null."""
    values = mix(_values(array), stage_seed(0, "column:" + name))
    values[~_valid(array)] = 0
    return values


def _valid(array: pa.Array) -> NDArray[np.bool_]:
    if array.null_count == 0 and not pt.is_dictionary(array.type) and not pt.is_null(array.type):
        return np.ones(len(array), dtype=bool)
    return np.asarray(array.is_valid().to_numpy(zero_copy_only=False), dtype=bool) & _dictionary_valid(array)


def _dictionary_valid(array: pa.Array) -> NDArray[np.bool_] | bool:
    """Whether the value that an index points to is not null, which the array's own validity does not tell."""
    if not pt.is_dictionary(array.type) or not array.dictionary.null_count:
        return True
    return np.append(_valid(array.dictionary), False)[_indices(array)]


def _indices(array: pa.DictionaryArray) -> NDArray[np.int64]:
    """Indices into the dictionary; null as -1."""
    return np.asarray(pc.fill_null(array.indices.cast(pa.int64()), -1))


def _values(array: pa.Array) -> UInt64Array:
    """Hashes of the values by their kind; anything where null."""
    kind = array.type
    for applies, hashes in _KINDS:
        if applies(kind):
            return hashes(array)
    # Decimals, and types that no file format of ours holds: by their canonical Python text.
    texts = [str(value.normalize()) if hasattr(value, "normalize") else repr(value) for value in array.to_pylist()]
    return _salted(hash_strings(pa.array(texts, pa.string())), "other")


def _salted(values: NDArray, kind: str) -> UInt64Array:
    return mix(np.asarray(values, dtype=np.uint64), stage_seed(0, kind))


def _nothing(array: pa.Array) -> UInt64Array:
    return np.zeros(len(array), dtype=np.uint64)


def _extension(array: pa.ExtensionArray) -> UInt64Array:
    return _values(array.storage)


def _dictionary(array: pa.DictionaryArray) -> UInt64Array:
    return np.append(_values(array.dictionary), np.uint64(0))[_indices(array)]


def _strings(array: pa.Array) -> UInt64Array:
    return hash_strings(array, _STRING_SEED)


def _bytes(array: pa.Array) -> UInt64Array:
    return hash_strings(array, _BYTES_SEED)


def _booleans(array: pa.Array) -> UInt64Array:
    return _salted(np.asarray(array.cast(pa.uint8()).fill_null(0)), "bool")


def _integers(array: pa.Array) -> UInt64Array:
    if pt.is_unsigned_integer(array.type):
        return _salted(np.asarray(array.cast(pa.uint64()).fill_null(0)), "integer")
    return _signed(np.asarray(array.cast(pa.int64()).fill_null(0)))


def _signed(values: NDArray[np.int64]) -> UInt64Array:
    return np.where(values < 0, _salted(values.view(np.uint64), "negative"), _salted(values.view(np.uint64), "integer"))


def _floats(array: pa.Array) -> UInt64Array:
    values = np.array(array.to_numpy(zero_copy_only=False), dtype=np.float64)  # null as NaN
    values[np.isnan(values)] = np.nan  # one NaN
    hashes = _salted(values.view(np.uint64), "float")
    whole = (np.trunc(values) == values) & (np.abs(values) < 2.0**63)
    hashes[whole] = _signed(values[whole].astype(np.int64))
    return hashes


def _instants(array: pa.Array) -> UInt64Array:
    kind = array.type
    ticks = np.asarray(array.cast(pa.int64()).fill_null(0))
    per_second = _PER_SECOND[kind.unit]
    seconds, rest = np.divmod(ticks, per_second)
    nanos = (rest * (10**9 // per_second)).view(np.uint64)
    name = "duration" if pt.is_duration(kind) else "local time" if kind.tz is None else "instant"
    return _salted(mix(seconds.view(np.uint64)) + nanos, name)


def _dates(array: pa.Array) -> UInt64Array:
    days = array.cast(pa.date32()).cast(pa.int32()).cast(pa.int64()).fill_null(0)
    return _salted(np.asarray(days).view(np.uint64), "date")


def _times(array: pa.Array) -> UInt64Array:
    nanos = array.cast(pa.time64("ns")).cast(pa.int64()).fill_null(0)
    return _salted(np.asarray(nanos).view(np.uint64), "time")


def _structs(array: pa.StructArray) -> UInt64Array:
    total = np.full(len(array), _STRUCT, dtype=np.uint64)
    for field, child in zip(array.type, array.flatten(), strict=True):
        total += _named(child, field.name)
    return mix(total)


def _maps(array: pa.MapArray) -> UInt64Array:
    pair = pa.struct([("key", array.type.key_type), ("value", array.type.item_type)])
    return _lists(array.cast(pa.list_(pair)))


def _lists(array: pa.Array) -> UInt64Array:
    lengths = np.asarray(pc.fill_null(pc.list_value_length(array), 0)).astype(np.int64)
    items = array.flatten()  # without what null lists may hide
    stops = np.cumsum(lengths)
    starts = stops - lengths
    position = np.arange(len(items), dtype=np.int64) - np.repeat(starts, lengths)
    placed = mix(np.where(_valid(items), _values(items), _NULL) + mix(position.view(np.uint64), 1))
    sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(placed, dtype=np.uint64)])
    return _salted(sums[stops] - sums[starts] + mix(lengths.view(np.uint64), 2), "list")


_KINDS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.Array], UInt64Array]], ...] = (
    (pt.is_null, _nothing),
    (lambda kind: isinstance(kind, pa.BaseExtensionType), _extension),
    (pt.is_dictionary, _dictionary),
    (is_string, _strings),
    (is_bytes, _bytes),
    (pt.is_boolean, _booleans),
    (pt.is_integer, _integers),
    (pt.is_floating, _floats),
    (lambda kind: pt.is_timestamp(kind) or pt.is_duration(kind), _instants),
    (pt.is_date, _dates),
    (pt.is_time, _times),
    (pt.is_struct, _structs),
    (pt.is_map, _maps),
    (is_sequence, _lists),
)
