"""The public transforms for Beam YAML and other languages: settings are plain values, and all that comes out is rows.

Each has the arguments and the documentation of the transform of its name, without models (settings such as
`synthetic.handler` name them), and with `error_handling` as Beam's own YAML transforms have it.
"""

import inspect
import json
from collections.abc import Callable, Iterator
from typing import Any, Dict, Mapping, Optional

import apache_beam as beam
import pyarrow as pa
from apache_beam.transforms.error_handling import CollectingErrorHandler
from apache_beam.typehints import typehints
from apache_beam.typehints.row_type import RowTypeConstraint

from curate import transforms
from curate.schema import LEDGER
from curate.transforms.failures import Failure, HandlesErrors
from curate.transforms.tables import NamedCollections

_MODELS = ("detector", "embedder", "verifier")
_ERROR_HANDLING = (
    "error_handling: names the output of rows that cannot be read, such as {output: errors}; without it they fail the "
    "pipeline."
)
_SCALARS = {pa.string(): str, pa.int32(): int, pa.int64(): int, pa.float32(): float, pa.float64(): float}


class RowsOnly(beam.PTransform):
    """Applies a transform to rows, and makes rows of all that it gives.

    Args:
        transform: one of the public ones.
        errors: name of the output of rows that failed; None: they fail the pipeline.

    Returns:
        The outputs of the transform, with `ledger` as rows of `curate.schema.LEDGER`; for `MeasureCorpus` `status`
        (one row) and `metrics` (one row for each metric and slice).
    """

    def __init__(self, transform: HandlesErrors, errors: Optional[str] = None) -> None:
        self._transform = transform
        self._errors = errors

    def expand(self, rows: beam.PCollection) -> NamedCollections:
        """Applies the transform to a PCollection of rows."""
        with CollectingErrorHandler() as handler:
            outputs = rows | self._transform.with_error_handler(handler)
        failures = handler.output()
        if isinstance(outputs, beam.PCollection):
            outputs = {
                "status": outputs | "Status" >> beam.Map(_status).with_output_types(STATUS),
                "metrics": outputs | "Metrics" >> beam.FlatMap(_metrics).with_output_types(METRIC),
            }
        else:
            outputs["ledger"] = outputs["ledger"] | "Ledger" >> beam.FlatMap(_ledger).with_output_types(LEDGER_ROW)
        if self._errors is None:
            _ = failures | "Fail" >> beam.Map(_fail)
            return outputs
        told = _row_of(element=rows.element_type, msg=str, stack=str)
        named = failures | "Failures" >> beam.Map(_failure).with_output_types(told)
        return {**outputs, self._errors: named}


def _rows_only(transform: Callable[..., HandlesErrors]) -> Callable[..., RowsOnly]:
    """A function with the arguments and documentation of a transform, from which Beam takes the schema of config."""

    def make(error_handling: Optional[Mapping[str, str]] = None, **config: Any) -> RowsOnly:
        return RowsOnly(transform(**config), error_handling["output"] if error_handling else None)

    given = [each for name, each in inspect.signature(transform).parameters.items() if name not in _MODELS]
    own = inspect.signature(make).parameters["error_handling"]
    vars(make)["__signature__"] = inspect.Signature([*given, own])
    make.__doc__ = f"{inspect.getdoc(transform)}".replace("Args:\n", f"Args:\n    {_ERROR_HANDLING}\n", 1)
    return make


Curate = _rows_only(transforms.Curate)
DropDuplicates = _rows_only(transforms.DropDuplicates)
FilterSynthetic = _rows_only(transforms.FilterSynthetic)
AttachProvenance = _rows_only(transforms.AttachProvenance)
ReweightClusters = _rows_only(transforms.ReweightClusters)
MeasureCorpus = _rows_only(transforms.MeasureCorpus)


def _python_type(kind: pa.DataType) -> Any:
    """The type of a column in Beam's schemas."""
    if pa.types.is_list(kind):
        return typehints.List[_row_type(kind.value_type)]
    return Optional[_SCALARS[kind]]


def _row_type(fields: Any) -> RowTypeConstraint:
    return _row_of(**{field.name: _python_type(field.type) for field in fields})


def _row_of(**fields: Any) -> RowTypeConstraint:
    return RowTypeConstraint.from_fields(list(fields.items()))


def _as_row(value: Any) -> Any:
    if isinstance(value, dict):
        return beam.Row(**{name: _as_row(each) for name, each in value.items()})
    return [_as_row(each) for each in value] if isinstance(value, list) else value


def _ledger(ledger: pa.Table) -> Iterator[beam.Row]:
    for row in ledger.select(LEDGER.names).to_pylist():
        lists = {name: row[name] or [] for name in _LISTS}
        yield _as_row({**row, **lists})


def _status(measured: Dict[str, Any]) -> beam.Row:
    return beam.Row(status=measured["status"], sample=measured["sample"], report=json.dumps(measured, sort_keys=True))


def _metrics(measured: Dict[str, Any]) -> Iterator[beam.Row]:
    for row in measured["rows"]:
        for part, found in row["slices"].items():
            value = None if found["value"] is None else float(found["value"])
            yield beam.Row(name=row["name"], label=row["label"], slice=part, value=value, status=found["status"])


def _failure(failed: Failure) -> beam.Row:
    row, (kind, message, lines) = failed
    return beam.Row(element=row, msg=f"{kind.__name__}: {message}", stack="".join(lines))


def _fail(failed: Failure) -> None:
    _, (kind, message, _) = failed
    raise ValueError(
        f"a row cannot be read ({kind.__name__}: {message}); give the transform error_handling, such as {{output: bad}}"
    )


LEDGER_ROW = _row_type(LEDGER)
STATUS = _row_of(status=str, sample=int, report=str)
METRIC = _row_of(name=str, label=str, slice=str, value=Optional[float], status=str)
_LISTS = [field.name for field in LEDGER if pa.types.is_list(field.type)]
