"""A run as OpenLineage events: what it read and wrote, with fingerprints, statistics and the mix of origins.

Specification: https://openlineage.io/spec/2-0-2/OpenLineage.json. Needs the extra `openlineage`. Events are appended to
a file by the client's file transport, which is used by itself: the client would also heed environment variables and
configuration files, which may name a server.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlsplit

import attr
import pyarrow as pa
import pyarrow.types as pt
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    DatasetFacet,
    RunFacet,
    dataset_version_dataset,
    datasource_dataset,
    error_message_run,
    input_statistics_input_dataset,
    job_type_job,
    lifecycle_state_change_dataset,
    output_statistics_output_dataset,
    processing_engine_run,
    schema_dataset,
)
from openlineage.client.transport.file import FileConfig, FileTransport
from openlineage.client.uuid import generate_static_uuid

from curate._version import __version__
from curate.config import OpenLineage
from curate.io.filesystem import is_remote

PRODUCER = f"urn:curate:{__version__}"
FOLDERS = ("data", "held", "ledger")

JsonDict = dict[str, Any]


@attr.define
class CurateRunFacet(RunFacet):
    """The run facet `curate_run`.

    Attributes:
        command: run or decide.
        seed: of every hash that samples.
        counts: of documents, as in the manifest.
        fingerprints: input file → {size, digest, rows, row_sum}.
        artefacts: name → id of what was fitted or used.
        mix: origin → {documents, tokens, output_tokens} of the kept documents.
    """

    command: str
    seed: int
    counts: dict[str, int] = attr.field(factory=dict)
    fingerprints: JsonDict = attr.field(factory=dict)
    artefacts: dict[str, str] = attr.field(factory=dict)
    mix: JsonDict = attr.field(factory=dict)

    @staticmethod
    def _get_schema() -> str:
        return "urn:curate:openlineage:CurateRunFacet:1-0-0"


class Events:
    """The events of one run, in the order START, then COMPLETE, FAIL or ABORT.

    Args:
        settings: file, namespace and name of the job.
        command: run or decide.
        seed: of the run.
        fingerprints: absolute path of each input → {size, digest}.
        started: ISO 8601 time; with the command and the inputs it makes the id of the run.
    """

    def __init__(
        self, settings: OpenLineage, command: str, seed: int, fingerprints: Mapping[str, JsonDict], started: str
    ) -> None:
        assert settings.path is not None
        self._transport = FileTransport(FileConfig(settings.path, append=True))
        self._job = Job(
            settings.namespace,
            settings.job,
            facets={"jobType": job_type_job.JobTypeJobFacet("BATCH", "CURATE", "JOB", producer=PRODUCER)},
        )
        self._facet = {"command": command, "seed": seed}
        self._inputs = fingerprints
        content = json.dumps([command, seed, dict(fingerprints)], sort_keys=True)
        self._id = str(generate_static_uuid(datetime.fromisoformat(started), content.encode()))

    def start(self) -> None:
        """The run begins; its inputs are known by what was seen of them when they were opened."""
        inputs = [_input(path, fingerprint) for path, fingerprint in self._inputs.items()]
        self._emit(RunState.START, self._facet, inputs)

    def complete(self, manifest: JsonDict, schemas: Mapping[str, pa.Schema], output: str) -> None:
        """The run is complete.

        Args:
            manifest: of the output.
            schemas: "input", and each folder of the output that was written → its columns.
            output: absolute path of the output directory.
        """
        paths, known = manifest["inputs"], manifest["fingerprints"]
        inputs = [_input(paths[name], known[name], schemas.get("input")) for name in known]
        outputs = [_output(output, folder, schemas[folder], manifest) for folder in FOLDERS if folder in schemas]
        told = {name: manifest[name] for name in ("counts", "fingerprints", "artefacts", "mix")}
        self._emit(RunState.COMPLETE, {**self._facet, **told}, inputs, outputs)

    def fail(self, error: BaseException, aborted: bool) -> None:
        """The run has failed, or was told to stop."""
        message = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        facet = error_message_run.ErrorMessageRunFacet(message, "PYTHON", producer=PRODUCER)
        inputs = [_input(path, fingerprint) for path, fingerprint in self._inputs.items()]
        self._emit(RunState.ABORT if aborted else RunState.FAIL, self._facet, inputs, error=facet)

    def _emit(
        self,
        state: RunState,
        told: JsonDict,
        inputs: list[InputDataset],
        outputs: Iterable[OutputDataset] = (),
        error: RunFacet | None = None,
    ) -> None:
        facets: dict[str, RunFacet] = {
            "processing_engine": processing_engine_run.ProcessingEngineRunFacet(
                __version__, "curate", producer=PRODUCER
            ),
            "curate_run": CurateRunFacet(**told, producer=PRODUCER),
        }
        if error is not None:
            facets["errorMessage"] = error
        event = RunEvent(
            eventTime=datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
            eventType=state,
            run=Run(self._id, facets=facets),
            job=self._job,
            inputs=inputs,
            outputs=list(outputs),
            producer=PRODUCER,
        )
        self._transport.emit(event)


def dataset_name(path: str) -> tuple[str, str]:
    """Namespace and name of a file or directory, by the naming convention: gs://bucket/a → gs://bucket and a."""
    if not is_remote(path):
        return "file", path
    parts = urlsplit(path)
    return f"{parts.scheme}://{parts.netloc}", parts.path.strip("/") or "/"


def _input(path: str, fingerprint: JsonDict, schema: pa.Schema | None = None) -> InputDataset:
    statistics = input_statistics_input_dataset.InputStatisticsInputDatasetFacet(
        fingerprint.get("rows"), fingerprint["size"], 1, producer=PRODUCER
    )
    version = "-".join(str(fingerprint[name]) for name in ("digest", "row_sum") if name in fingerprint)
    namespace, name = dataset_name(path)
    return InputDataset(
        namespace, name, inputFacets={"inputStatistics": statistics}, facets=_facets(path, version, schema)
    )


def _output(directory: str, folder: str, schema: pa.Schema, manifest: JsonDict) -> OutputDataset:
    """A folder of the output; its version is a digest of the digests of its files."""
    files = {name: info for name, info in manifest["digests"].items() if name.startswith(f"{folder}/")}
    rows = sum(info.get("rows", 0) for info in files.values())
    statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
        rows, sum(info["bytes"] for info in files.values()), len(files), producer=PRODUCER
    )
    path = f"{directory.rstrip('/')}/{folder}"
    namespace, name = dataset_name(path)
    change = lifecycle_state_change_dataset
    listed = "".join(f"{file} {files[file]['sha256']}\n" for file in sorted(files))
    facets = _facets(path, hashlib.sha256(listed.encode()).hexdigest()[:32], schema)
    replaced = manifest["arguments"]["overwrite"]
    facets["lifecycleStateChange"] = change.LifecycleStateChangeDatasetFacet(
        change.LifecycleStateChange.OVERWRITE if replaced else change.LifecycleStateChange.CREATE, producer=PRODUCER
    )
    return OutputDataset(namespace, name, outputFacets={"outputStatistics": statistics}, facets=facets)


def _facets(path: str, version: str, schema: pa.Schema | None) -> dict[str, DatasetFacet]:
    uri = path if is_remote(path) else f"file://{path}"
    facets: dict[str, DatasetFacet] = {
        "dataSource": datasource_dataset.DatasourceDatasetFacet(dataset_name(path)[0], uri, producer=PRODUCER),
        "version": dataset_version_dataset.DatasetVersionDatasetFacet(version, producer=PRODUCER),
    }
    if schema is not None:
        fields = [_field(field) for field in schema]
        facets["schema"] = schema_dataset.SchemaDatasetFacet(fields, producer=PRODUCER)
    return facets


def _field(field: pa.Field) -> schema_dataset.SchemaDatasetFacetFields:
    members = list(field.type.fields) if pt.is_struct(field.type) else []
    kind = "struct" if members else str(field.type)
    return schema_dataset.SchemaDatasetFacetFields(field.name, kind, fields=[_field(member) for member in members])
