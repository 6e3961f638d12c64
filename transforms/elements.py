"""Users' elements: what is a row, what its type says before a pipeline runs, and the columns that are added to it."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Dict, Optional

import apache_beam as beam
import pyarrow as pa
from apache_beam.typehints import typehints
from apache_beam.typehints.row_type import RowTypeConstraint

from curate.config import Config
from curate.decisions.mixing import FINISHED
from curate.errors import UsageError

KEPT_COLUMNS = {
    "curate_id": "id",
    "curate_weight": "weight",
    "curate_copies": "copies",
    "curate_origin": "origin",
    "curate_p_synthetic": "p_synthetic",
    "curate_cluster": "cluster",
}
DROPPED_COLUMNS = {
    "curate_id": "id",
    "curate_stage": "stage",
    "curate_reason": "reason",
    "curate_matched_id": "matched_id",
}
ADDED = {"kept": KEPT_COLUMNS, "held": {**KEPT_COLUMNS, **DROPPED_COLUMNS}, "dropped": DROPPED_COLUMNS}
"""Output → the columns added to its elements → the column of the ledger each comes from."""

_PYTHON_TYPES = {
    pa.string(): Optional[str],
    pa.int32(): Optional[int],
    pa.float32(): Optional[float],
    pa.float64(): Optional[float],
}
_ANY = (Any, object)
_OPEN = (typehints.AnyTypeConstraint, typehints.TypeVariable, RowTypeConstraint)


def as_mapping(row: Any) -> Mapping[str, Any]:
    """The fields of a dict, beam.Row, NamedTuple or dataclass.

    Raises:
        TypeError: the element is none of these.
    """
    if isinstance(row, Mapping):
        return row
    if hasattr(row, "_asdict"):  # NamedTuple and beam.Row
        return row._asdict()
    if dataclasses.is_dataclass(row) and not isinstance(row, type):
        return {field.name: getattr(row, field.name) for field in dataclasses.fields(row)}
    raise TypeError(_unexpected(type(row).__name__))


def as_settings(config: Any) -> Any:
    """Settings as dicts at every depth. Pipelines in other languages send rows, in which null is what they left out."""
    if hasattr(config, "_asdict"):
        config = {name: value for name, value in config._asdict().items() if value is not None}
    if isinstance(config, Mapping):
        return {name: as_settings(value) for name, value in config.items()}
    return config


def _unexpected(kind: Any) -> str:
    return f"an element is a {kind}, expected a dict, beam.Row, NamedTuple, dataclass or pyarrow.Table; map it first"


def with_columns(row: Any, added: Mapping[str, Any], declared: bool) -> Any:
    """A row of the same kind with more columns.

    Args:
        row: what `as_mapping` takes.
        added: the columns and their values.
        declared: whether the row is of a class of the user's, a NamedTuple or dataclass. Such rows get the columns
            that the class declares. Of other rows Beam's coder makes NamedTuples, which become beam.Rows again.
    """
    if isinstance(row, Mapping):
        return {**row, **added}
    if not declared and (isinstance(row, beam.Row) or type(row).__name__.startswith("BeamSchema_")):
        return beam.Row(**{**as_mapping(row), **added})
    known = {name: value for name, value in added.items() if hasattr(row, name)}
    if not known:
        return row
    return row._replace(**known) if hasattr(row, "_replace") else dataclasses.replace(row, **known)


def is_declared(element_type: Any) -> bool:
    """Whether elements are of a NamedTuple or dataclass of the user's."""
    declared = getattr(element_type, "user_type", element_type)
    kinds = hasattr(declared, "_fields") or dataclasses.is_dataclass(declared)
    return isinstance(declared, type) and kinds and not declared.__name__.startswith("BeamSchema_")


def schema_of(element_type: Any) -> Optional[RowTypeConstraint]:
    """The fields of rows; None where their type does not tell them, as of dicts and untyped named tuples."""
    if isinstance(element_type, type) and "__annotations__" in vars(element_type):
        return RowTypeConstraint.from_user_type(element_type)
    return element_type if isinstance(element_type, RowTypeConstraint) else None


def check_elements(element_type: Any, config: Config) -> None:
    """Refuses elements that cannot be documents, as far as their type tells.

    Args:
        element_type: of a PCollection.
        config: settings.

    Raises:
        TypeError: they are no rows, or their text is no string.
        UsageError: they have no text.
    """
    schema = schema_of(element_type)
    if schema is None:
        if not _may_be_rows(element_type):
            raise TypeError(_unexpected(_name(element_type)))
        return
    columns, fields = config.documents.columns, dict(schema._fields)
    if not {columns.text, columns.media, columns.media_path} & fields.keys():
        raise UsageError(
            f"the elements have the fields {', '.join(fields)}, expected {columns.text!r}; say which one holds the "
            "text by documents.columns.text"
        )
    kind = fields.get(columns.text, str)
    if not any(typehints.is_consistent_with(text, kind) for text in (str, bytes)):
        raise TypeError(f"the field {columns.text!r} is {_name(kind)}, expected str; map it first")


def _may_be_rows(element_type: Any) -> bool:
    if element_type in _ANY or isinstance(element_type, _OPEN):
        return True
    if isinstance(element_type, typehints.UnionConstraint):
        return any(_may_be_rows(each) for each in element_type.union_types)
    if isinstance(element_type, typehints.DictConstraint):
        return typehints.is_consistent_with(str, element_type.key_type)
    return is_declared(element_type) or (
        isinstance(element_type, type) and issubclass(element_type, (Mapping, beam.Row))
    )


def _name(element_type: Any) -> str:
    return element_type.__name__ if isinstance(element_type, type) else str(element_type)


def output_type(element_type: Any, outcome: str) -> Any:
    """The type of the rows of an output: that of the input, with the fields of `ADDED` where it is a schema."""
    if is_declared(element_type):
        return element_type
    if isinstance(element_type, typehints.DictConstraint):
        return Dict[str, Any]
    schema = schema_of(element_type)
    if schema is None:
        return Any
    fields: Dict[str, Any] = dict(schema._fields)
    fields.update({name: _PYTHON_TYPES[FINISHED.field(column).type] for name, column in ADDED[outcome].items()})
    return RowTypeConstraint.from_fields(list(fields.items()))
