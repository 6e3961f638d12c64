"""Wiring for streams: documents are decided where they lie, one by one, and nothing is shuffled."""

from collections.abc import Iterator
from typing import Any, Dict, List, Optional

import apache_beam as beam
import pyarrow as pa
from apache_beam.pvalue import AsSingleton

from curate.annotate import annotate
from curate.config import Config
from curate.decisions.each import decide_each
from curate.decisions.reference import Reference
from curate.duplicates.evaluation import EvaluationIndex
from curate.exclude import evaluation_index
from curate.io.filesystem import OpenFile, read_with
from curate.transforms.counters import count_decisions, counter
from curate.transforms.elements import check_elements, is_declared, output_type
from curate.transforms.failures import Failure, failure
from curate.transforms.rows import BATCHES, DECISION, OUTCOMES, read_rows, route, route_row
from curate.transforms.tables import NamedCollections
from curate.watermarks.load import load_watermarks
from curate.watermarks.protocol import WatermarkDetector


class DecideEach(beam.PTransform):
    """Decides documents one by one, so that the input may be unbounded, in any windows.

    Args:
        config: settings; duplicates are texts of `dedupe.exclude` only.
        open_file: opens a file of the media_path column, of evaluation texts and of watermarks.
        reference: PCollection of at most one `Reference`, which thresholds come from; None without one.

    Returns:
        {"kept", "dropped", "held": elements as given, "failures": `Failure`, "ledger": tables}.
    """

    def __init__(self, config: Config, open_file: OpenFile, reference: Optional[beam.PCollection]) -> None:
        self._config = config.model_copy(update={"dedupe": config.dedupe.model_copy(update={"enabled": False})})
        self._open_file = open_file
        self._reference = reference

    def expand(self, documents: beam.PCollection) -> NamedCollections:
        """Applies the transform to a PCollection of rows or tables."""
        kind = documents.element_type
        nothing = Reference.of(None, self._config)
        reference = nothing if self._reference is None else AsSingleton(self._reference, default_value=nothing)
        if kind is pa.Table:
            types: Dict[str, Any] = dict.fromkeys(OUTCOMES, pa.Table)
            decide: beam.DoFn = _DecideTables(self._config, self._open_file)
        else:
            check_elements(kind, self._config)
            documents = documents | "Batch" >> beam.BatchElements(**BATCHES)
            types = {name: output_type(kind, name) for name in OUTCOMES}
            decide = _DecideRows(self._config, self._open_file, is_declared(kind))
        outputs = documents | "Decide" >> beam.ParDo(decide, reference).with_output_types(
            Any, **types, ledger=pa.Table, failures=Failure
        ).with_outputs(*OUTCOMES, "ledger", "failures")
        return {name: outputs[name] for name in (*OUTCOMES, "ledger", "failures")}


class _Decide(beam.DoFn):
    def __init__(self, config: Config, open_file: OpenFile) -> None:
        self._config = config
        self._open_file = open_file
        self._evaluation: Optional[EvaluationIndex] = None
        self._watermarks: Dict[str, WatermarkDetector] = {}
        self._documents = counter("documents")

    def setup(self) -> None:
        self._evaluation = evaluation_index(self._config, read_with(self._open_file))
        self._watermarks = load_watermarks(self._config.synthetic, read_with(self._open_file))

    def ledger(self, table: pa.Table, reference: Reference) -> pa.Table:
        """The rows of the ledger about those of a table."""
        self._documents.inc(table.num_rows)
        features = annotate(
            table, None, "", self._config, None, self._open_file, self._evaluation, None, self._watermarks
        )
        ledger = decide_each(features, reference, self._config)
        count_decisions(ledger)
        return ledger


class _DecideTables(_Decide):
    def process(self, table: pa.Table, reference: Reference) -> Iterator[Any]:
        if table.num_rows:
            ledger = self.ledger(table, reference)
            yield beam.pvalue.TaggedOutput("ledger", ledger)
            yield from route(table, ledger, self._config.documents.columns.text)


class _DecideRows(_Decide):
    def __init__(self, config: Config, open_file: OpenFile, declared: bool) -> None:
        super().__init__(config, open_file)
        self._declared = declared
        self._read, self._failed = counter("rows"), counter("failed_rows")

    def process(self, batch: List[Any], reference: Reference) -> Iterator[Any]:
        for rows, table, _ in read_rows(batch, self._config):
            if isinstance(table, Exception):
                self._failed.inc()
                yield beam.pvalue.TaggedOutput("failures", failure(rows[0], table))
                continue
            self._read.inc(len(rows))
            ledger = self.ledger(table, reference)
            yield beam.pvalue.TaggedOutput("ledger", ledger)
            for row, decision in zip(rows, ledger.select(DECISION).to_pylist(), strict=True):
                yield route_row(row, decision, self._config.documents.columns.text, self._declared)
