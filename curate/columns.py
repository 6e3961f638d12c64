"""The columns of a block as the steps read them: plain arrays, null where a column is missing."""

import pyarrow as pa
import pyarrow.compute as pc

from curate.config import Config
from curate.errors import UsageError
from curate.io.schemas import is_string, plain_type


def plain_column(table: pa.Table, name: str) -> pa.Array:
    """A column as one array without dictionary and extension, all null where the table has none."""
    if name not in table.column_names:
        return pa.nulls(table.num_rows)
    values = table[name]
    return one_array(values.cast(plain_type(values.type)))


def one_array(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The same values in one chunk; those that are so already are not copied, which `combine_chunks` does."""
    if not isinstance(values, pa.ChunkedArray):
        return values
    return values.chunk(0) if values.num_chunks == 1 and values.chunk(0).offset == 0 else values.combine_chunks()


def string_column(table: pa.Table, name: str) -> pa.Array:
    """A column of strings; null where the table has none or it holds something else."""
    values = plain_column(table, name)
    return values.cast(pa.string()) if is_string(values.type) else pa.nulls(table.num_rows, pa.string())


def source_column(table: pa.Table, config: Config) -> pa.Array:
    """The names of the sources, string[n]; sources that are numbered are named by their numbers."""
    name = config.documents.columns.source
    values = plain_column(table, name)
    return values.cast(pa.string()) if pa.types.is_integer(values.type) else string_column(table, name)


def text_column(table: pa.Table, config: Config) -> pa.Array:
    """The text column as string or large_string[n]; all null where the table has none."""
    texts = plain_column(table, config.documents.columns.text)
    if pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type):
        return texts
    try:
        return texts.cast(pa.large_string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise UsageError(
            f"text column {config.documents.columns.text!r} is {texts.type}, expected string; "
            f"convert it, or set documents.columns.text to another column"
        ) from None


def site(table: pa.Table, config: Config) -> pa.Array:
    """The host of the url column, else the source: where the evidence of a cluster comes from."""
    url = string_column(table, config.documents.columns.url)
    host = pc.struct_field(pc.extract_regex(url, r"^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/@]*@)?(?P<host>[^/:?#]+)"), "host")
    return one_array(pc.coalesce(pc.utf8_lower(host), source_column(table, config)))


def origin_claim(table: pa.Table, config: Config) -> pa.Array:
    """What the row declares of its own origin; what an earlier run of curate found counts as such a claim."""
    return one_array(
        pc.coalesce(string_column(table, config.documents.columns.origin), string_column(table, "curate_origin"))
    )
