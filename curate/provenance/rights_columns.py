"""Rights that the columns beside a document declare."""

import pyarrow as pa
import pyarrow.compute as pc

from curate.columns import plain_column, string_column
from curate.config import Config
from curate.io.schemas import is_string
from curate.provenance.evidence import RIGHTS, combine, one_per_row
from curate.provenance.rights import (
    UNKNOWN,
    content_usage,
    each_distinct,
    rights_word,
    robots,
    tdm_reservation,
)


def column_rights(table: pa.Table, media: pa.Array, config: Config) -> pa.ListArray:
    """One item of evidence per column that says something of a document's rights.

    - `rights_column`: a word such as `deny`; one that nobody knows is told as unknown, so that the report counts it.
    - `content_usage`: the AIPREF header as it was received.
    - `robots`: an X-Robots-Tag header or robots meta tag, or whether use by AI is refused as a boolean.
    - `tdm_reservation`: TDMRep's 0 or 1, with the policy's URL beside it.

    Args:
        table: n rows, the user's columns; lists of strings, such as headers that came several times, count as a whole.
        media: bool[n], rows of media alone, which `noimageai` refuses too.
        config: names of the columns.

    Returns:
        EVIDENCE_LIST array of length n.
    """
    columns = config.documents.columns
    said = {role: _text(table, getattr(columns, role)) for role in ("rights", "content_usage", "robots")}
    refused = each_distinct(said["robots"], robots)
    image_refused = each_distinct(said["robots"], lambda value: robots(value, media=True))
    reservation, policy = _text(table, columns.tdm_reservation), string_column(table, columns.tdm_policy)
    reserved = each_distinct(reservation, tdm_reservation)
    with_policy = each_distinct(reservation, lambda value: tdm_reservation(value, "policy"))
    has_policy = pc.greater(pc.utf8_length(policy), 0).fill_null(False)
    policed = pc.if_else(has_policy, pc.binary_join_element_wise(reservation, policy, "; policy "), reservation)
    return combine(
        _items("rights_column", each_distinct(said["rights"], rights_word), said["rights"], unknown=True),
        _items("content_usage", each_distinct(said["content_usage"], content_usage), said["content_usage"]),
        _items("robots", pc.if_else(media, image_refused, refused), said["robots"]),
        _items("tdm_reservation", pc.if_else(has_policy, with_policy, reserved), policed),
    )


def _items(kind: str, verdicts: pa.Array, said: pa.Array, unknown: bool = False) -> pa.ListArray:
    """Evidence of the rows whose verdict is not unknown, or, with `unknown`, that say anything at all."""
    filled = pc.greater(pc.utf8_length(pc.utf8_trim_whitespace(said)), 0)
    told = (filled if unknown else pc.not_equal(verdicts, UNKNOWN)).fill_null(False).to_numpy(zero_copy_only=False)
    return one_per_row(told, RIGHTS, kind, verdicts, 0.0, pc.utf8_slice_codeunits(said, 0, 500))


def _text(table: pa.Table, name: str) -> pa.Array:
    """A column of strings, booleans, numbers or lists of strings as text; null where it is missing or else."""
    values = plain_column(table, name)
    kind = values.type
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    if is_list and is_string(kind.value_type):
        return pc.binary_join(values.cast(pa.list_(pa.string())), ", ")
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind)  # whole numbers with nulls often come as floats
    if is_string(kind) or pa.types.is_boolean(kind) or is_number:
        return values.cast(pa.string())
    return pa.nulls(len(values), pa.string())
