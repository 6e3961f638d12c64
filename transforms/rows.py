"""The thin adapter between users' elements and tables: rows of any kind in, the same kind out.

Rows cross one CoGroupByKey, keyed by the hashes of id and row; everything before it works on features.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any, Dict, List, Mapping, Tuple

import apache_beam as beam
import numpy as np
import pyarrow as pa

from curate.config import Config
from curate.decisions.mixing import FINISHED
from curate.io.ids import document_ids
from curate.transforms.tables import KeyedTable, concat, split_by

OUTCOMES = ("kept", "dropped", "held")

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

_HASHES = ("id_hash", "row_hash")


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
    raise TypeError(
        f"an element is a {type(row).__name__}, expected a dict, beam.Row, NamedTuple, dataclass or pyarrow.Table; "
        "map it to one of these first"
    )


def with_columns(row: Any, added: Mapping[str, Any]) -> Any:
    """A row of the same kind with more columns; NamedTuples and dataclasses get those that they declare."""
    if isinstance(row, Mapping):
        return {**row, **added}
    if isinstance(row, beam.Row):
        return beam.Row(**{**row.as_dict(), **added})
    declared = {name: value for name, value in added.items() if hasattr(row, name)}
    if not declared:
        return row
    return row._replace(**declared) if hasattr(row, "_replace") else dataclasses.replace(row, **declared)


class RowsToTables(beam.PTransform):
    """Batches rows into tables.

    Returns:
        {"blocks": tables, "rows": (id and row hash, row), "errors": (row, message) of rows that Arrow cannot hold}.
    """

    def __init__(self, config: Config) -> None:
        self._config = config

    def expand(self, rows: beam.PCollection) -> Dict[str, beam.PCollection]:
        """Applies the transform to a PCollection of rows."""
        batches = rows | "Batch" >> beam.BatchElements(min_batch_size=64, max_batch_size=2048)
        outputs = batches | "ToTable" >> beam.ParDo(_ToTable(self._config)).with_output_types(
            pa.Table, rows=Tuple[bytes, rows.element_type], errors=Tuple[Any, str]
        ).with_outputs("rows", "errors", main="blocks")
        return {"blocks": outputs.blocks, "rows": outputs.rows, "errors": outputs.errors}


class _ToTable(beam.DoFn):
    def __init__(self, config: Config) -> None:
        self._config = config

    def process(self, batch: List[Any]) -> Iterator[Any]:
        try:
            yield from self._convert(batch)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            for row in batch:
                try:
                    yield from self._convert([row])
                except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
                    yield beam.pvalue.TaggedOutput("errors", (row, " ".join(str(error).split())))

    def _convert(self, batch: List[Any]) -> List[Any]:
        table = pa.Table.from_pylist([dict(as_mapping(row)) for row in batch])
        ids = document_ids(table, self._config)
        keys = _row_keys(ids.id_hash, ids.row_hash)
        return [table, *(beam.pvalue.TaggedOutput("rows", pair) for pair in zip(keys, batch, strict=True))]


class JoinRows(beam.PTransform):
    """Sends every row to the output that its ledger row says.

    Returns:
        {"kept": …, "dropped": …, "held": …}, PCollections of rows with the columns of `ADDED`.
    """

    def expand(self, inputs: Dict[str, Any]) -> Dict[str, beam.PCollection]:
        """Applies the transform to {"rows": …, "ledger": …}."""
        outputs = (
            {"rows": inputs["rows"], "ledger": inputs["ledger"] | "LedgerRows" >> beam.ParDo(_LedgerRows())}
            | "Join" >> beam.CoGroupByKey()
            | "Route" >> beam.ParDo(_RouteRows()).with_outputs(*OUTCOMES)
        )
        return {name: outputs[name] for name in OUTCOMES}


class _LedgerRows(beam.DoFn):
    def process(self, ledger: pa.Table) -> Iterator[Tuple[bytes, Dict[str, Any]]]:
        names = sorted({"decision", *KEPT_COLUMNS.values(), *DROPPED_COLUMNS.values()})
        keys = _row_keys(*(ledger[name].to_numpy() for name in _HASHES))
        yield from zip(keys, ledger.select(names).to_pylist(), strict=True)


class _RouteRows(beam.DoFn):
    def process(self, element: Tuple[bytes, Dict[str, Iterable[Any]]]) -> Iterator[Any]:
        # Rows with the same key are equal in every column, so any of them may take any of the ledger rows.
        decisions = sorted(element[1]["ledger"], key=lambda decision: decision["id"])
        for row, decision in zip(list(element[1]["rows"]), decisions, strict=True):
            outcome = decision["decision"]
            added = {name: decision[column] for name, column in ADDED[outcome].items()}
            yield beam.pvalue.TaggedOutput(outcome, with_columns(row, added))


class JoinTables(beam.PTransform):
    """The same for elements that are tables: rows are cut by partition, joined with the ledger, and stay tables.

    Args:
        config: settings.
        partitions: partitions of the ids.
    """

    def __init__(self, config: Config, partitions: int) -> None:
        self._config = config
        self._partitions = partitions

    def expand(self, inputs: Dict[str, Any]) -> Dict[str, beam.PCollection]:
        """Applies the transform to {"tables": …, "ledger": …}."""
        outputs = (
            {
                "tables": inputs["tables"] | "ById" >> beam.ParDo(_TablesById(self._config, self._partitions)),
                "ledger": inputs["ledger"] | "LedgerById" >> beam.ParDo(_LedgerById(self._partitions)),
            }
            | "Join" >> beam.CoGroupByKey()
            | "Route"
            >> beam.ParDo(_RouteTables())
            .with_output_types(pa.Table, **{name: pa.Table for name in OUTCOMES})
            .with_outputs(*OUTCOMES)
        )
        return {name: outputs[name] for name in OUTCOMES}


class _TablesById(beam.DoFn):
    def __init__(self, config: Config, partitions: int) -> None:
        self._config = config
        self._partitions = partitions

    def process(self, table: pa.Table) -> Iterator[KeyedTable]:
        ids = document_ids(table, self._config)
        for name, values in zip(_HASHES, (ids.id_hash, ids.row_hash), strict=True):
            table = table.append_column(f"curate_{name}", pa.array(values))
        yield from split_by(table, ids.id_hash, self._partitions)


class _LedgerById(beam.DoFn):
    def __init__(self, partitions: int) -> None:
        self._partitions = partitions

    def process(self, ledger: pa.Table) -> Iterator[KeyedTable]:
        yield from split_by(ledger, ledger["id_hash"].to_numpy(), self._partitions)


class _RouteTables(beam.DoFn):
    def process(self, element: Tuple[int, Dict[str, Iterable[pa.Table]]]) -> Iterator[Any]:
        tables = pa.concat_tables(element[1]["tables"], promote_options="permissive")
        hashes = [f"curate_{name}" for name in _HASHES]
        tables = tables.sort_by([(name, "ascending") for name in hashes]).drop_columns(hashes)
        ledger = concat(element[1]["ledger"], FINISHED)
        ledger = ledger.sort_by([(name, "ascending") for name in (*_HASHES, "id")])
        decisions = ledger["decision"].to_numpy(zero_copy_only=False)
        for outcome in OUTCOMES:
            chosen = pa.array(np.flatnonzero(decisions == outcome))
            if not len(chosen):
                continue
            table, rows = tables.take(chosen), ledger.take(chosen)
            for name, column in ADDED[outcome].items():
                table = _set_column(table, name, rows[column])
            yield beam.pvalue.TaggedOutput(outcome, table)


def _set_column(table: pa.Table, name: str, values: pa.ChunkedArray) -> pa.Table:
    place = table.schema.get_field_index(name)
    return table.append_column(name, values) if place < 0 else table.set_column(place, name, values)


def _row_keys(id_hash: np.ndarray, row_hash: np.ndarray) -> List[bytes]:
    """16 bytes per row: big-endian id hash, then row hash."""
    packed = np.stack([id_hash, row_hash], axis=1).astype(">u8")
    return [packed[row].tobytes() for row in range(len(packed))]
