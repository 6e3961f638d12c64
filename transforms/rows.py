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
        batches = rows | "Batch" >> beam.BatchElements(min_batch_size=64, max_batch_size=2048)
        outputs = batches | "ToTable" >> beam.ParDo(_ToTable(self._config)).with_output_types(
            pa.Table, rows=KeyedRow, failures=Failure
        ).with_outputs("rows", "failures", main="blocks")
        return {"blocks": outputs.blocks, "rows": outputs.rows, "failures": outputs.failures}


class _ToTable(beam.DoFn):
    def __init__(self, config: Config) -> None:
        self._config = config
        self._read, self._failed = counter("rows"), counter("failed_rows")

    def process(self, batch: List[Any]) -> Iterator[Any]:
        if any(isinstance(row, pa.Table) for row in batch):
            raise TypeError(
                "an element is a pyarrow.Table, but the type of the PCollection does not tell; "
                "end the step before with .with_output_types(pyarrow.Table)"
            )
        try:
            table = _table([as_mapping(row) for row in batch], self._config.documents.columns.text)
            ids = document_ids(table, self._config)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            if len(batch) == 1:
                self._failed.inc()
                yield beam.pvalue.TaggedOutput("failures", failure(batch[0], error))
            else:  # rows that do not go together in a column may be fine apart
                middle = len(batch) // 2
                yield from self.process(batch[:middle])
                yield from self.process(batch[middle:])
            return
        self._read.inc(len(batch))
        yield table
        for pair in zip(_row_keys(ids.id_hash, ids.row_hash), batch, strict=True):
            yield beam.pvalue.TaggedOutput("rows", pair)


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
        names = sorted({"decision", "text_edits", *KEPT_COLUMNS.values(), *DROPPED_COLUMNS.values()})
        keys = _row_keys(*(ledger[name].to_numpy() for name in _HASHES))
        yield from zip(keys, ledger.select(names).to_pylist(), strict=True)


class _RouteRows(beam.DoFn):
    def __init__(self, text: str, declared: bool) -> None:
        self._text = text
        self._declared = declared

    def process(self, element: Tuple[bytes, Dict[str, Iterable[Any]]]) -> Iterator[Any]:
        # Rows with the same key are equal in every column, so any of them may take any of the ledger rows.
        decisions = sorted(element[1]["ledger"], key=lambda decision: decision["id"])
        for row, decision in zip(list(element[1]["rows"]), decisions, strict=True):
            outcome = decision["decision"]
            added = {name: decision[column] for name, column in ADDED[outcome].items()}
            if outcome != "dropped" and decision["text_edits"]:
                text = pa.array([as_mapping(row)[self._text]])
                added[self._text] = remove_spans(text, pa.array([decision["text_edits"]], TEXT_EDITS))[0].as_py()
            yield beam.pvalue.TaggedOutput(outcome, with_columns(row, added, self._declared))


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
        ledger = concat(element[1]["ledger"], FINISHED)
        ledger = ledger.sort_by([(name, "ascending") for name in (*_HASHES, "id")])
        # The n-th row in hash order has the n-th row of the ledger; rows with the same hashes are equal.
        place = np.empty(ledger.num_rows, dtype=np.int64)
        place[np.lexsort(hashes[::-1])] = np.arange(ledger.num_rows)
        start = 0
        for table in tables:
            decisions = ledger.take(pa.array(place[start : start + table.num_rows]))
            start += table.num_rows
            yield from _route(table.drop_columns(names), decisions, self._text)


def _route(table: pa.Table, decisions: pa.Table, text: str) -> Iterator[Any]:
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
