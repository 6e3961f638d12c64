"""Wiring of writing: tables become Parquet parts with stable names, decisions become data/ and held/."""

import contextlib
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, Dict, List, Optional, Sequence, Tuple

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from apache_beam.pvalue import AsSingleton

from curate.annotate import features_schema
from curate.columns import text_column
from curate.config import Config
from curate.decisions.mixing import FINISHED
from curate.hashing import hash_strings
from curate.io.blocks import read_split, split_start
from curate.io.rowhash import row_hashes
from curate.io.schemas import is_string
from curate.io.sources import InputPlan
from curate.io.writer import PartWriter, part_name, write_part
from curate.pipelines.files import BeamFiles
from curate.pipelines.reading import split_numbers
from curate.provenance.text.find import strip_manifests
from curate.report.excerpts import beginnings
from curate.text.spans import edit_column
from curate.transforms.overlap import OverlappedDoFn
from curate.transforms.tables import KeyedTable, concat, split_by_number

OUTPUT_COLUMNS = {
    "curate_id": ("id", pa.string()),
    "curate_weight": ("weight", pa.float64()),
    "curate_copies": ("copies", pa.int32()),
    "curate_origin": ("origin", pa.string()),
    "curate_p_synthetic": ("p_synthetic", pa.float32()),
    "curate_cluster": ("cluster", pa.int32()),
}
FOLDERS = {"kept": "data", "held": "held"}
DROPPED = {"dropped": "artefacts/dropped"}
SPLIT_COLUMN = {"curate_split": ("split", pa.string())}
LOSS_COLUMN = {"curate_loss_weight": ("loss_weight", pa.float64())}

_DECISION_FIELDS = ["location", "row_hash", "decision", "loss_weight", "split", "text_edits"]
_DECISION_FIELDS += [field for field, _ in OUTPUT_COLUMNS.values()]
DECISIONS = pa.schema([FINISHED.field(name) for name in _DECISION_FIELDS])


def output_columns(config: Config) -> dict[str, Tuple[str, pa.DataType]]:
    """The columns that curate adds to the documents: name → (column of `FINISHED`, type)."""
    return {
        **OUTPUT_COLUMNS,
        **(SPLIT_COLUMN if config.run.split else {}),
        **(LOSS_COLUMN if config.run.loss_weight else {}),
    }


def output_schema(schema: pa.Schema, config: Config) -> pa.Schema:
    """The input columns plus those of curate, which replace columns of an earlier run."""
    earlier = {*OUTPUT_COLUMNS, *SPLIT_COLUMN, *LOSS_COLUMN}
    kept = [field for field in schema if field.name not in earlier]
    added = [pa.field(name, kind) for name, (_, kind) in output_columns(config).items()]
    return pa.schema([*kept, *added], schema.metadata)


class WriteTables(beam.PTransform):
    """Writes every table that has rows as one Parquet file, named after its first row.

    A retried bundle writes the same files again.

    Args:
        directory: to write to.
        key: columns of numbers that tell this row from those of all other tables.
        schema: columns to write.
        dictionaries: as of `curate.io.writer.PartWriter`.

    Returns:
        The tables, unchanged.
    """

    def __init__(
        self, directory: str, key: Sequence[str], schema: pa.Schema, dictionaries: Optional[Sequence[str]] = None
    ) -> None:
        self._write = _WriteTable(directory, key, schema, dictionaries)

    def expand(self, tables: beam.PCollection) -> beam.PCollection:
        """Applies the transform to a PCollection of tables."""
        return tables | "Write" >> beam.ParDo(self._write)


class WriteFeatures(WriteTables):
    """Writes annotations. Hashes and embeddings hardly repeat: looking for what does would take half of the time."""

    def __init__(self, directory: str, config: Config) -> None:
        schema = features_schema(config)
        strings = [field.name for field in schema if is_string(field.type)]
        super().__init__(directory, ["location"], schema, strings)


def table_name(numbers: Sequence[int]) -> str:
    """The name of the file that `WriteTables` gives a table whose first row has these numbers."""
    return f"part-{'-'.join(f'{number:016x}' for number in numbers)}.parquet"


class _WriteTable(beam.DoFn):
    def __init__(
        self, directory: str, key: Sequence[str], schema: pa.Schema, dictionaries: Optional[Sequence[str]]
    ) -> None:
        self._directory = directory
        self._key = key
        self._schema = schema
        self._dictionaries = dictionaries

    def process(self, table: pa.Table) -> Iterator[pa.Table]:
        if table.num_rows:
            name = table_name([table[name][0].as_py() for name in self._key])
            rows = table.select(self._schema.names)
            write_part(f"{self._directory}/{name}", rows, BeamFiles(), self._dictionaries)
        yield table


class WriteErrors(beam.PTransform):
    """Writes tables of `curate.schema.ERRORS`, one file for each.

    Returns:
        The number of errors in each table.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory

    def expand(self, errors: beam.PCollection) -> beam.PCollection:
        """Applies the transform to a PCollection of tables."""
        return errors | "Write" >> beam.ParDo(_WriteErrors(self._directory))


class _WriteErrors(beam.DoFn):
    def __init__(self, directory: str) -> None:
        self._directory = directory

    def process(self, errors: pa.Table) -> Iterator[int]:
        place = hash_strings(errors["source_file"].slice(0, 1))[0]
        path = f"{self._directory}/part-{place:016x}-{errors['position'][0].as_py():012d}.parquet"
        write_part(path, errors, BeamFiles())
        yield errors.num_rows


class Apply(beam.PTransform):
    """Reads the inputs again and writes the documents that are kept and those that are held.

    Args:
        plan: the inputs, as they were annotated.
        directory: of the output; parts go to its `data` and `held`.
        config: settings.
        shown: PCollection of one list, the ids of the few documents whose beginnings are wanted; or of none.

    Returns:
        Those beginnings by id, one dict for each split.
    """

    def __init__(self, plan: InputPlan, directory: str, config: Config, shown: beam.PCollection) -> None:
        self._plan = plan
        self._directory = directory
        self._config = config
        self._shown = shown

    def expand(self, ledger: beam.PCollection) -> beam.PCollection:
        """Applies the transform to tables of `curate.decisions.mixing.FINISHED`."""
        return (
            ledger
            | "BySplit" >> beam.ParDo(_DecisionsBySplit())
            | "GroupSplits" >> beam.GroupByKey()
            | "Write"
            >> beam.ParDo(_Apply(self._plan, self._directory, self._config), AsSingleton(self._shown, default_value=[]))
        )


class _DecisionsBySplit(beam.DoFn):
    def process(self, ledger: pa.Table) -> Iterator[KeyedTable]:
        yield from split_by_number(ledger.select(DECISIONS.names), split_numbers(ledger))


class _Apply(OverlappedDoFn):
    def __init__(self, plan: InputPlan, directory: str, config: Config) -> None:
        self._plan = plan
        self._directory = directory
        self._config = config

    def process(
        self,
        element: Tuple[int, Iterable[pa.Table]],
        shown: Sequence[str],
        timestamp: Any = beam.DoFn.TimestampParam,
        window: Any = beam.DoFn.WindowParam,
    ) -> Iterator[Dict[str, str]]:
        number, tables = element
        decisions = concat(tables, DECISIONS).sort_by("location")
        yield from self.overlap(partial(self._written, number, decisions, shown), timestamp, window)

    def _written(self, number: int, decisions: pa.Table, shown: Sequence[str]) -> List[Dict[str, str]]:
        return [apply_split(number, decisions, self._plan, self._config, self._directory, shown)]


def apply_split(
    number: int, decisions: pa.Table, plan: InputPlan, config: Config, directory: str, shown: Sequence[str]
) -> dict[str, str]:
    """Writes the kept and the held documents of a split, and with `run.write_dropped` the others; no part without any.

    Args:
        number: of the split.
        decisions: `DECISIONS` of the split, sorted by location.
        plan: the inputs.
        config: settings.
        directory: of the output.
        shown: ids of documents, kept or not, whose texts' beginnings are wanted.

    Returns:
        Those beginnings by id.

    Raises:
        RuntimeError: the input no longer has the documents that were annotated.
    """
    schema = output_schema(plan.schema, config)
    name = part_name(number, len(plan.splits))
    folders = FOLDERS | (DROPPED if config.run.write_dropped else {})
    found, texts = 0, dict[str, str]()
    locations = decisions["location"].to_numpy()
    with contextlib.ExitStack() as stack:
        writers: dict[str, PartWriter] = {}
        for block in read_split(plan.splits[number], plan, BeamFiles()):
            start = split_start(number, block.location_start)
            first, last = np.searchsorted(locations, [start, start + block.table.num_rows])
            of_block = decisions.slice(first, last - first)
            found += int((of_block["row_hash"].to_numpy() == _hashes(of_block, block.table, start)).sum())
            for decision, folder in folders.items():
                chosen = of_block.filter(pc.equal(of_block["decision"], decision))
                if not chosen.num_rows:
                    continue
                if decision not in writers:
                    writer = PartWriter(f"{directory}/{folder}/{name}", schema, BeamFiles())
                    writers[decision] = stack.enter_context(writer)
                rows = block.table.take(pc.subtract(chosen["location"], pa.scalar(start, pa.uint64())))
                writers[decision].write(_with_decisions(rows, chosen, schema, config))
            chosen = of_block.filter(pc.is_in(of_block["id"], value_set=pa.array(shown, pa.string())))
            if chosen.num_rows:
                rows = pc.subtract(chosen["location"], pa.scalar(start, pa.uint64()))
                of_chosen = text_column(block.table, config).take(rows.combine_chunks())
                texts |= beginnings(chosen["id"], strip_manifests(of_chosen).texts)
        if found != decisions.num_rows:
            raise RuntimeError(
                f"{plan.splits[number].path} has changed since it was annotated: {found} of "
                f"{decisions.num_rows} documents found again; run curate anew"
            )
    return texts


def _hashes(decisions: pa.Table, rows: pa.Table, start: int) -> np.ndarray:
    """The hashes of the rows that decisions are about, as they are now."""
    return row_hashes(rows)[(decisions["location"].to_numpy() - np.uint64(start)).astype(np.int64)]


def _with_decisions(rows: pa.Table, decisions: pa.Table, schema: pa.Schema, config: Config) -> pa.Table:
    added = output_columns(config)
    rows = edit_column(rows, config.documents.columns.text, decisions["text_edits"])
    columns = [decisions[added[name][0]].cast(added[name][1]) if name in added else rows[name] for name in schema.names]
    return pa.table(columns, schema=schema)
