"""The columns of Parquet files as fields of Croissant 1.1, so that its reference implementation reads every value.

Members of structs are sub-fields with a JSONPath into their column. What Croissant cannot reach is left out: structs in
lists that are themselves in a struct or a list, and durations, which have no data type.
"""

import re

import pyarrow as pa
import pyarrow.types as pt

from curate.io.schemas import is_sequence
from curate.report.manifest import JsonDict

FILE_SET = "data-files"
RECORDS = "documents"

DESCRIPTIONS = {
    "curate_id": "Id of the document, unique in the data set.",
    "curate_weight": "Sampling weight that holds the clusters to their reference shares.",
    "curate_copies": "How often to repeat the document; may be 0 where the weight is below 1.",
    "curate_origin": "Verdict on the origin: human, mixed, synthetic, procedural or unknown.",
    "curate_p_synthetic": "Estimated probability that the text was written by a machine.",
    "curate_cluster": "Topic cluster of the document.",
    "curate_split": "train or validation; copies of a text share a split.",
    "curate_loss_weight": "Advisory loss weight of synthetic documents.",
}

_PLAIN_NAME = re.compile(r"(?!where$)[A-Za-z_][A-Za-z0-9_]*")  # `where` is an operator to some readers
_DATA_TYPES = (
    (pt.is_boolean, "sc:Boolean"),
    (pt.is_integer, "sc:Integer"),
    (pt.is_floating, "sc:Float"),
    (pt.is_decimal, "sc:Float"),
    (pt.is_timestamp, "sc:DateTime"),
    (pt.is_date, "sc:Date"),
    (pt.is_time, "sc:Time"),
)


def fields(schema: pa.Schema) -> list[JsonDict]:
    """A `cr:Field` for each column that Croissant can describe, in their order."""
    ids = _ids(schema.names)
    made = (_field(field, f"{RECORDS}/{ids[field.name]}", field.name, "$", False) for field in schema)
    return [field for field in made if field]


def field_id(schema: pa.Schema, name: str) -> str:
    """The id of a column's field."""
    return f"{RECORDS}/{_ids(schema.names)[name]}"


def data_type(kind: pa.DataType) -> str:
    """The Croissant type of an Arrow type; text where there is no closer one."""
    if pt.is_dictionary(kind):
        return data_type(kind.value_type)
    return next((name for test, name in _DATA_TYPES if test(kind)), "sc:Text")


def _field(field: pa.Field, id: str, column: str, path: str, listed: bool) -> JsonDict | None:
    """The field of a column, or of the member at a JSONPath of it; None where Croissant has no words for it.

    Args:
        field: name and type.
        id: of the Croissant field.
        column: of the file.
        path: JSONPath from the value of the column, `$` for the value itself.
        listed: whether the path leads through the items of a list.
    """
    made: JsonDict = {"@type": "cr:Field", "@id": id, "name": field.name}
    if field.name in DESCRIPTIONS:
        made["description"] = DESCRIPTIONS[field.name]
    kind, depth = field.type, 0
    while is_sequence(kind):
        kind, depth = kind.value_type, depth + 1
    members = list(kind.fields) if pt.is_struct(kind) else []
    if pt.is_map(kind):  # Arrow hands out the entries of a map as pairs
        members, depth = [kind.key_field, kind.item_field], depth + 1
    if pt.is_duration(kind) or (members and (depth > 1 or (depth and path != "$"))):
        return None
    if depth or (listed and members):
        made |= {"isArray": True, "arrayShape": ",".join(["-1"] * max(depth, 1))}
    made["source"] = {"fileSet": {"@id": FILE_SET}, "extract": {"column": column}}
    if path != "$":
        made["source"]["transform"] = {"jsonPath": path}
    if not members:
        return made | {"dataType": data_type(kind)}
    ids = _ids([member.name for member in members])
    steps = [f"[{i}]" if pt.is_map(kind) else _step(member.name) for i, member in enumerate(members)]
    nested = (
        _field(member, f"{id}/{ids[member.name]}", column, path + step, listed or depth > 0)
        for member, step in zip(members, steps, strict=True)
    )
    made["subField"] = [member for member in nested if member]
    return made if made["subField"] else None


def _step(name: str) -> str:
    """The JSONPath of a member of a struct (RFC 9535, child segments)."""
    if _PLAIN_NAME.fullmatch(name):
        return f".{name}"
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"


def _ids(names: list[str]) -> dict[str, str]:
    """Ids of siblings: their names, without what an IRI or Croissant forbids, told apart by a number."""
    plain = {name: re.sub(r"[^\w.-]", "_", name) or "_" for name in names}
    taken: dict[str, str] = {}
    for name in sorted(names, key=lambda name: name != plain[name]):  # who needs no change gets none
        id, number = plain[name], 1
        while id in taken:
            number += 1
            id = f"{plain[name]}-{number}"
        taken[id] = name
    return {name: id for id, name in taken.items()}
