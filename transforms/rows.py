"""The thin adapter between users' elements and tables: rows of any kind in, the same kind out.

Rows cross one CoGroupByKey, keyed by the hashes of id and row; everything before it works on features.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Dict, List, Mapping, Tuple

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.config import Config
from curate.decisions.each import in_order
from curate.decisions.mixing import FINISHED
from curate.io.ids import document_ids
from curate.schema import TEXT_EDITS
from curate.text.spans import edit_column, remove_spans
from curate.transforms.counters import counter
from curate.transforms.elements import (
    ADDED,
    DROPPED_COLUMNS,
    KEPT_COLUMNS,
    as_mapping,
    check_elements,
    is_declared,
    output_type,
    with_columns,
)
from curate.transforms.failures import Failure, failure
from curate.transforms.tables import KeyedTable, NamedCollections, concat, split_by

KeyedRow = Tuple[bytes, Any]
"""Type of both sides of the join of rows. If they had different types, Beam would lose that of the key as well."""

OUTCOMES = ("kept", "dropped", "held")

BATCHES = {"min_batch_size": 64, "max_batch_size": 2048}
"""Rows that are read together; results do not depend on it."""

DECISION = sorted({"decision", "text_edits", *KEPT_COLUMNS.values(), *DROPPED_COLUMNS.values()})
"""Columns of the ledger that a row is routed by."""

_HASHES = ("id_hash", "row_hash")


class RowsToTables(beam.PTransform):
    """Batches rows into tables.

    Returns:
        {"blocks": tables, "rows": (id and row hash, row), "failures": `Failure` of rows that Arrow cannot hold}.

    Raises:
        TypeError: the elements cannot be rows, or are tables that the PCollection's type does not tell.
    """

    def __init__(self, config: Config) -> None:
        self._config = config

    def expand(self, rows: beam.PCollection) -> NamedCollections:
        """Applies the transform to a PCollection of rows."""
        check_elements(rows.element_type, self._config)
        batches = rows | "Batch" >> beam.BatchElements(**BATCHES)
        outputs = batches | "ToTable" >> beam.ParDo(_ToTable(self._config)).with_output_types(
            pa.Table, rows=KeyedRow, failures=Failure
        ).with_outputs("rows", "failures", main="blocks")
        return {"blocks": outputs.blocks, "rows": outputs.rows, "failures": outputs.failures}


class _ToTable(beam.DoFn):
    def __init__(self, config: Config) -> None:
        self._config = config
        self._read, self._failed = counter("rows"), counter("failed_rows")

    def process(self, batch: List[Any]) -> Iterator[Any]:
        for rows, table, ids in read_rows(batch, self._config):
            if isinstance(table, Exception):
                self._failed.inc()
                yield beam.pvalue.TaggedOutput("failures", failure(rows[0], table))
                continue
            self._read.inc(len(rows))
            yield table
            for pair in zip(_row_keys(ids.id_hash, ids.row_hash), rows, strict=True):
                yield beam.pvalue.TaggedOutput("rows", pair)


def read_rows(batch: List[Any], config: Config) -> Iterator[Tuple[List[Any], Any, Any]]:
    """Cuts a batch into rows that go together in a table.

    Yields:
        (rows, their table, their ids), or (one row, the error of reading it, None).

    Raises:
        TypeError: an element is a table.
    """
    if any(isinstance(row, pa.Table) for row in batch):
        raise TypeError(
            "an element is a pyarrow.Table, but the type of the PCollection does not tell; "
            "end the step before with .with_output_types(pyarrow.Table)"
        )
    try:
        table = _table([as_mapping(row) for row in batch], config.documents.columns.text)
        ids = document_ids(table, config)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        if len(batch) == 1:
            yield batch, error, None
        else:  # rows that do not go together in a column may be fine apart
            middle = len(batch) // 2
            yield from read_rows(batch[:middle], config)
            yield from read_rows(batch[middle:], config)
    else:
        yield batch, table, ids


def _table(rows: List[Mapping[str, Any]], text: str) -> pa.Table:
    """A table with the columns of all rows and `text`, null where a row has none; Arrow takes those of the first."""
    names = sorted({text, *(name for row in rows for name in row)})
    return pa.table({name: pa.array([row.get(name) for row in rows]) for name in names})


class JoinRows(beam.PTransform):
    """Sends every row to the output that its ledger row says.

    Args:
        config: settings.
        element_type: of the rows.

    Returns:
        {"kept": …, "dropped": …, "held": …}, PCollections of rows with the columns of `ADDED`.
    """

    def __init__(self, config: Config, element_type: Any) -> None:
        self._text = config.documents.columns.text
        self._element_type = element_type

    def expand(self, inputs: NamedCollections) -> NamedCollections:
        """Applies the transform to {"rows": …, "ledger": …}."""
        types = {name: output_type(self._element_type, name) for name in OUTCOMES}
        outputs = (
            {"rows": inputs["rows"], "ledger": inputs["ledger"] | "LedgerRows" >> beam.ParDo(_LedgerRows())}
            | "Join" >> beam.CoGroupByKey()
            | "Route"
            >> beam.ParDo(_RouteRows(self._text, is_declared(self._element_type)))
            .with_output_types(Any, **types)
            .with_outputs(*OUTCOMES)
        )
        return {name: outputs[name] for name in OUTCOMES}


class _LedgerRows(beam.DoFn):
    def process(self, ledger: pa.Table) -> Iterator[KeyedRow]:
        keys = _row_keys(*(ledger[name].to_numpy() for name in _HASHES))
        yield from zip(keys, ledger.select(DECISION).to_pylist(), strict=True)


class _RouteRows(beam.DoFn):
    def __init__(self, text: str, declared: bool) -> None:
        self._text = text
        self._declared = declared

    def process(self, element: Tuple[bytes, Dict[str, Iterable[Any]]]) -> Iterator[Any]:
        # Rows with the same key are equal in every column, so any of them may take any of the ledger rows.
        decisions = sorted(element[1]["ledger"], key=lambda decision: decision["id"])
        for row, decision in zip(list(element[1]["rows"]), decisions, strict=True):
            yield route_row(row, decision, self._text, self._declared)


def route_row(row: Any, decision: Mapping[str, Any], text: str, declared: bool) -> Any:
    """A row for the output that its row of the ledger says, with the columns of that."""
    outcome = decision["decision"]
    added = {name: decision[column] for name, column in ADDED[outcome].items()}
    if outcome != "dropped" and decision["text_edits"]:
        texts = pa.array([as_mapping(row)[text]])
        added[text] = remove_spans(texts, pa.array([decision["text_edits"]], TEXT_EDITS))[0].as_py()
    return beam.pvalue.TaggedOutput(outcome, with_columns(row, added, declared))


class JoinTables(beam.PTransform):
    """The same for elements that are tables: rows are cut by partition, joined with the ledger, and stay tables.

    Args:
        config: settings.
        partitions: partitions of the ids.
    """

    def __init__(self, config: Config, partitions: int) -> None:
        self._config = config
        self._partitions = partitions

    def expand(self, inputs: NamedCollections) -> NamedCollections:
        """Applies the transform to {"tables": …, "ledger": …}."""
        outputs = (
            {
                "tables": inputs["tables"] | "ById" >> beam.ParDo(_TablesById(self._config, self._partitions)),
                "ledger": inputs["ledger"] | "LedgerById" >> beam.ParDo(_LedgerById(self._partitions)),
            }
            | "Join" >> beam.CoGroupByKey()
            | "Route"
            >> beam.ParDo(_RouteTables(self._config.documents.columns.text))
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
    def __init__(self, text: str) -> None:
        self._text = text

    def process(self, element: Tuple[int, Dict[str, Iterable[pa.Table]]]) -> Iterator[Any]:
        names = [f"curate_{name}" for name in _HASHES]
        tables = list(element[1]["tables"])
        hashes = [np.concatenate([table[name].to_numpy() for table in tables]) for name in names]
        ledger = in_order(concat(element[1]["ledger"], FINISHED), *hashes)
        start = 0
        for table in tables:
            yield from route(table.drop_columns(names), ledger.slice(start, table.num_rows), self._text)
            start += table.num_rows


def route(table: pa.Table, decisions: pa.Table, text: str) -> Iterator[Any]:
    """Parts the rows of a table by the rows of the ledger about them, and adds the columns of their output."""
    for outcome in OUTCOMES:
        chosen = pc.equal(decisions["decision"], outcome)
        rows = decisions.filter(chosen)
        if rows.num_rows:
            routed = table.filter(chosen)
            if outcome != "dropped":
                routed = edit_column(routed, text, rows["text_edits"])
            for name, column in ADDED[outcome].items():
                routed = _set_column(routed, name, rows[column])
            yield beam.pvalue.TaggedOutput(outcome, routed)


def _set_column(table: pa.Table, name: str, values: pa.ChunkedArray) -> pa.Table:
    place = table.schema.get_field_index(name)
    return table.append_column(name, values) if place < 0 else table.set_column(place, name, values)


def _row_keys(id_hash: np.ndarray, row_hash: np.ndarray) -> List[bytes]:
    """16 bytes per row: big-endian id hash, then row hash."""
    packed = np.stack([id_hash, row_hash], axis=1).astype(">u8")
    return [packed[row].tobytes() for row in range(len(packed))]
