"""The second half of a run: decide what was annotated, apply it, and write what follows from the outcome."""

import json
from datetime import datetime, timezone
from typing import Any, Optional

import pyarrow as pa
from apache_beam.options.pipeline_options import PipelineOptions

from curate.config import Config
from curate.decisions.memory import FOLDER, REMEMBERED
from curate.io.filesystem import below
from curate.io.output import Staging
from curate.io.sources import InputPlan
from curate.io.writer import part_name, write_part
from curate.pipelines.artefacts import Artefacts, write_detector, write_embedder
from curate.pipelines.files import BeamFiles
from curate.pipelines.jobs import OVERVIEW, decide_annotated
from curate.pipelines.memory import annotated_memory, write_memory
from curate.pipelines.progress import applied_documents, phase
from curate.pipelines.writing import output_schema
from curate.report.finish import write_reports
from curate.review.answers import FILE as ANSWERS
from curate.review.outcome import Review
from curate.schema import ERRORS, LEDGER

FILES = BeamFiles()


def decide_and_report(
    annotations: str,
    record: dict[str, Any],
    planned: Optional[InputPlan],
    config: Config,
    given: Artefacts,
    staging: Staging,
    options: PipelineOptions,
    partitions: int,
    started: str,
    review: Optional[Review] = None,
) -> tuple[dict[str, int], list[str]]:
    """The second half of a run: decide, apply to the planned inputs if any, and write what follows from the outcome."""
    fitted = Artefacts(centroids=FILES.read_if_there(f"{annotations}/centroids.npz"), reference=given.reference)
    measure = applied_documents(f"{staging.path}/data", planned) if planned else None
    with phase("decide and apply" if planned else "decide", record["rows"], measure):
        decide_annotated(annotations, config, fitted, staging.path, options, partitions, planned, review)
    for name in ("embedding.npz", "centroids.npz"):
        content = FILES.read_if_there(f"{annotations}/{name}")
        if content is not None:
            FILES.write_bytes(f"{staging.path}/artefacts/{name}", content)
    write_detector(config, f"{staging.path}/artefacts", record["detector"])
    write_embedder(f"{staging.path}/artefacts", record["embedder"] if config.mixture.enabled else None)
    memory = annotated_memory(annotations) if given.reference is None else None
    found = json.loads(FILES.read_bytes(f"{staging.path}/{OVERVIEW}"))
    totals, reviewed = found["remembered"], found["reference"]["reviewed"]
    write_memory(f"{staging.path}/artefacts", record, config, totals, reviewed, memory)
    _fill_empty(staging.path, f"artefacts/{FOLDER}", REMEMBERED)
    if review is not None:
        FILES.write_bytes(f"{staging.path}/{ANSWERS}", review.content)
    _fill_empty(staging.path, "ledger", LEDGER)
    if planned:
        _fill_empty(staging.path, "errors", ERRORS)
        for folder in ("data", "held"):
            _fill_empty(staging.path, folder, output_schema(planned.schema, config))
    return write_reports(staging.path, record, config, FILES, started, now())


def _fill_empty(directory: str, folder: str, schema: pa.Schema) -> None:
    """Gives a folder without parts one without rows, so that every reader finds the columns."""
    if not below(f"{directory}/{folder}", FILES):
        write_part(f"{directory}/{folder}/{part_name(0, 1)}", schema.empty_table(), FILES)


def now() -> str:
    """The time in UTC, ISO 8601."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
