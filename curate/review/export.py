"""The queue as a file: a table to be answered in a spreadsheet or by code, or tasks for Label Studio."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from curate.config import Config
from curate.report.texts import written_rows
from curate.review.describe import COLUMNS, EXCERPT, Row, described
from curate.review.label_studio import to_task
from curate.review.queue import Queue

FORMATS = ("csv", "parquet", "label-studio")

SCHEMA = pa.schema(
    [
        (name, {"cluster": pa.int32(), "copies": pa.int32()}.get(name, pa.float32() if number else pa.string()))
        for name, number in ((name, name in ("p_synthetic", "detector_score", "threshold")) for name in COLUMNS)
    ]
)

_ACTIVE = ("=", "+", "-", "@", "\t", "\r", "'")
"""Beginnings of a cell that spreadsheets take for a formula, and the mark that keeps them from it."""


def exported(directory: str | Path, queue: Queue, config: Config) -> Iterator[Row]:
    """The documents of a queue in its order, `COLUMNS` of each.

    Args:
        directory: of the output.
        queue: of the output.
        config: settings of the output.
    """
    columns = config.documents.columns
    names = {"text": columns.text, "url": columns.url, "source": columns.source}
    rows = [row for batch in queue.ledger.to_batches(1_000) for row in batch.to_pylist()]
    written = written_rows(directory, (row["id"] for row in rows), list(names.values()))
    shown = [described(row, _document(written.get(row["id"], {}), names), queue) for row in rows]
    matches = written_rows(directory, (row["matched_id"] for row in shown if row["matched_id"]), [columns.text])
    for row in shown:
        text = _document(matches.get(row["matched_id"], {}), names)["text"]
        row["matched_text"] = text and text[:EXCERPT]
        yield {name: row[name] for name in COLUMNS}


def _document(written: dict[str, Any], names: dict[str, str]) -> dict[str, str | None]:
    values = {name: written.get(column) for name, column in names.items()}
    return {name: None if value is None else str(value) for name, value in values.items()}


def as_csv(rows: Iterator[Row]) -> bytes:
    """A CSV file (RFC 4180, UTF-8 with a byte order mark, by which spreadsheets know it).

    A cell that a spreadsheet would take for a formula begins with an apostrophe; reading answers takes it off again.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([guarded(row[name]) for name in COLUMNS])
    return b"\xef\xbb\xbf" + buffer.getvalue().encode()


def guarded(value: Any) -> str:
    """A value as a cell that no spreadsheet calculates; numbers are as they are."""
    if not isinstance(value, str):
        return "" if value is None else str(value)
    return "'" + value if value.startswith(_ACTIVE) else value


def unguarded(cell: str) -> str:
    """The inverse of `guarded` for texts."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_ACTIVE) else cell


def as_parquet(rows: Iterator[Row]) -> bytes:
    """A Parquet file of `SCHEMA`."""
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows), schema=SCHEMA), buffer, compression="zstd")
    return buffer.getvalue()


def as_tasks(rows: Iterator[Row]) -> bytes:
    """Tasks for Label Studio, as its import takes them."""
    return json.dumps([to_task(row) for row in rows], ensure_ascii=False, indent=1).encode()
