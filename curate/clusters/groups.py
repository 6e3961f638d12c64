"""Clusters that are given: a column names the group of each document, or brings its embedding."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt
from numpy.typing import NDArray

from curate.clusters.artefact import from_bytes, to_bytes
from curate.clusters.kmeans import Centroids
from curate.clusters.vectors import unit_vectors
from curate.columns import one_array, plain_column
from curate.config import Config
from curate.errors import UsageError
from curate.hashing import hash_strings
from curate.io.schemas import is_string, plain_type

MOST_GROUPS = 10_000

VALUES = pa.schema([("key", pa.uint64()), ("group", pa.string())])
"""Distinct values of a grouping column with their hashes."""


@dataclass(frozen=True, eq=False)
class Groups:
    """The values of a grouping column, an artefact; cluster i is that of the i-th.

    Attributes:
        names: string[k], distinct, in the order of their bytes; those of earlier runs before new ones.
    """

    names: pa.Array

    @staticmethod
    def of(values: pa.Array, column: str, known: "Groups | None" = None) -> "Groups":
        """Numbers the values of a column.

        Args:
            values: string[k], distinct.
            column: its name.
            known: groups among the values that keep their numbers.

        Raises:
            UsageError: there are more than `MOST_GROUPS`.
        """
        if len(values) > MOST_GROUPS:
            raise UsageError(
                f"mixture.group_column {column!r} has more than {MOST_GROUPS:,} values; name a column with fewer, or "
                f"leave it out to have clusters fitted"
            )
        if known is not None:
            values = values.filter(pc.invert(pc.is_in(values, value_set=known.names)))
        ordered = values.take(pc.array_sort_indices(values))
        return Groups(ordered if known is None else pa.concat_arrays([known.names, ordered]))

    def assign(self, values: pa.Array | pa.ChunkedArray) -> pa.Array:
        """The number of each value, int32[n]; null for null and for values that the run of the artefact did not see."""
        return one_array(pc.index_in(values, self.names, skip_nulls=True))

    def to_bytes(self) -> bytes:
        """An .npz archive without pickles."""
        names = [name.encode() for name in self.names.to_pylist()]
        lengths = np.array([len(name) for name in names], dtype=np.int64)
        return to_bytes({"names": np.frombuffer(b"".join(names), np.uint8), "lengths": lengths})

    @classmethod
    def from_bytes(cls, content: bytes) -> "Groups":
        """Reads what `to_bytes` gave.

        Raises:
            UsageError: it is not such an archive.
        """
        arrays = from_bytes(content, ["names", "lengths"])
        ends = np.cumsum(arrays["lengths"])
        text = arrays["names"].tobytes()
        pairs = zip(ends - arrays["lengths"], ends, strict=True)
        return cls(pa.array([text[start:end].decode(errors="replace") for start, end in pairs], pa.string()))


def hashed_values(values: pa.Array) -> pa.Table:
    """Distinct values as `VALUES`."""
    return pa.table([pa.array(hash_strings(values)), values], schema=VALUES)


def read_clusters(content: bytes, config: Config) -> Centroids | Groups | None:
    """The clusters that an artefact holds under these settings, None of an empty one.

    Raises:
        UsageError: it holds something else.
    """
    if not content:
        return None
    return Centroids.from_bytes(content) if config.mixture.group_column is None else Groups.from_bytes(content)


def group_values(table: pa.Table, language: pa.Array, texts: pa.Array, config: Config) -> pa.Array:
    """The group of each document, string[n], null of what takes no part; of languages, those of the report.

    Args:
        table: n documents.
        language: string[n], given or identified.
        texts: their texts, null where they take no part.
        config: settings.

    Raises:
        UsageError: the column holds neither strings nor numbers.
    """
    name = config.mixture.group_column
    if name is None or not config.mixture.enabled:
        return pa.nulls(table.num_rows, pa.string())
    values = language if name == config.documents.columns.language else plain_column(table, name)
    _check_group(name, values.type)
    return pc.if_else(texts.is_valid(), values.cast(pa.string()), pa.scalar(None, pa.string()))


def given_vectors(table: pa.Table, texts: pa.Array, config: Config) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
    """The vectors of `mixture.embedding_column`, of unit length.

    Args:
        table: n documents.
        texts: their texts, null where they take no part.
        config: settings.

    Returns:
        (float16[n, dimensions]; bool[n], whether it is one: null, zero and what is not finite are none).

    Raises:
        UsageError: the column holds something else, or vectors of another length.
    """
    name, dimensions = str(config.mixture.embedding_column), config.mixture.dimensions
    lists = plain_column(table, name)
    if pt.is_null(lists.type):
        lists = lists.cast(pa.list_(pa.float64()))
    _check_vectors(name, lists.type)
    lengths = pc.list_value_length(lists)
    other = lengths.filter(pc.fill_null(pc.not_equal(lengths, dimensions), False))
    if len(other):
        raise UsageError(
            f"mixture.embedding_column {name!r} has vectors of length {other[0]}, expected that of "
            f"mixture.dimensions, {dimensions}; set it to their length, which must be one"
        )
    return unit_vectors(lists, texts, dimensions)


def check_columns(schema: pa.Schema, config: Config) -> None:
    """Checks that the columns that settings of the mixture name are there, before any document is read.

    Args:
        schema: of the inputs.
        config: settings.

    Raises:
        UsageError: a column is missing or of another type.
    """
    checks = (("group_column", _check_group), ("embedding_column", _check_vectors))
    for setting, check in checks if config.mixture.enabled else ():
        name = getattr(config.mixture, setting)
        if name is None or (setting == "group_column" and name == config.documents.columns.language):
            continue
        if name not in schema.names:
            raise UsageError(
                f"mixture.{setting} names the column {name!r}, expected one of {', '.join(schema.names)}; mend the name"
            )
        check(name, plain_type(schema.field(name).type))


def _check_group(name: str, kind: pa.DataType) -> None:
    if not (is_string(kind) or pt.is_integer(kind) or pt.is_boolean(kind) or pt.is_null(kind)):
        raise UsageError(
            f"mixture.group_column names the column {name!r} of type {kind}, expected strings or whole numbers; "
            f"name another, or convert it"
        )


def _check_vectors(name: str, kind: pa.DataType) -> None:
    lists = pt.is_list(kind) or pt.is_large_list(kind) or pt.is_fixed_size_list(kind)
    if not pt.is_null(kind) and not (lists and (pt.is_floating(kind.value_type) or pt.is_integer(kind.value_type))):
        raise UsageError(
            f"mixture.embedding_column names the column {name!r} of type {kind}, expected lists of numbers; "
            f"name another, or convert it"
        )
