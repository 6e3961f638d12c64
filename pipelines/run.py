"""A run from beginning to end: plan, annotate, decide, apply, report; all or nothing in the output directory."""

import json
import os
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Optional, Sequence

import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.options.pipeline_options import PipelineOptions

from curate.annotate import bands_of
from curate.clusters.embedding import Embedding
from curate.config import Config, load_config, make_config
from curate.decisions.reference import Reference
from curate.detector.model import load_detector
from curate.duplicates.bands import Bands, collision_probability
from curate.errors import UnreadableInputError, UsageError
from curate.io.filesystem import below
from curate.io.output import Staging, prepare_output
from curate.io.sources import InputPlan, find_inputs, plan
from curate.io.writer import part_name, write_part
from curate.pipelines.files import BeamFiles
from curate.pipelines.jobs import Artefacts, annotate_inputs, decide_annotated, partitions_for
from curate.pipelines.progress import annotated_documents, applied_documents, phase, say
from curate.pipelines.runner import beam_options, quiet
from curate.pipelines.writing import output_schema
from curate.provenance.credentials import make_context
from curate.report.finish import write_reports
from curate.report.render import render
from curate.schema import ERRORS, LEDGER

FILES = BeamFiles()
ANNOTATIONS = "annotations/annotations.json"


@dataclass(frozen=True)
class RunResult:
    """What a run wrote.

    Attributes:
        output: the output directory.
        counts: as in the manifest.
        text: what to tell the user.
    """

    output: str
    counts: dict[str, int]
    text: str


def curate_inputs(
    inputs: Sequence[str],
    output: str,
    config: Config,
    workers: int = 1,
    beam: Sequence[str] = (),
    artefacts: Optional[str] = None,
    overwrite: bool = False,
    debug: bool = False,
) -> RunResult:
    """Curates files into an output directory (`curate run`).

    Args:
        inputs: files, globs or directories.
        output: new or empty directory.
        config: settings.
        workers: processes of a local run.
        beam: options for Beam.
        artefacts: directory of an earlier run's artefacts, to decide with them.
        overwrite: replace what is in the output, once the new output is complete.
        debug: let the runner log.

    Raises:
        UsageError: bad options, no input, or an output that may not be written.
        UnreadableInputError: nothing readable, or more undecodable records than `run.max_error_rate`.
    """
    started = _now()
    options = beam_options(beam, workers)
    if not debug:
        quiet()
    check_resources(config)
    found = find_inputs(inputs, FILES)
    given = load_artefacts(artefacts) if artefacts else Artefacts()
    check_artefacts(given, config)
    planned = plan(found, config, FILES)
    for path, error in planned.failed:
        say(f"{path} cannot be opened ({error}); counted in files_failed")
    partitions = partitions_for(planned.rows, workers)
    with prepare_output(output, overwrite, FILES, [file.path for file in found]) as staging:
        with phase("annotate", planned.rows, annotated_documents(f"{staging.path}/annotations/features", planned)):
            annotate_inputs(planned, config, given, staging.path, options, partitions)
        errors = _count_errors(staging.path, planned, config)
        record = {
            "config": config.to_dict(),
            "inputs": [file.path for file in found],
            "fingerprints": planned.fingerprints,
            "files_failed": [list(failure) for failure in planned.failed],
            "rows": planned.rows,
            "errors": errors,
        }
        _write_json(f"{staging.path}/{ANNOTATIONS}", record)
        counts = _decide_and_report(
            f"{staging.path}/annotations", record, planned, config, given, staging, options, partitions, started
        )
        staging.commit()
    return RunResult(output, counts, _farewell(output, counts, applied=True))


def decide_again(
    annotations: str,
    output: str,
    config_path: Optional[str] = None,
    settings: Sequence[str] = (),
    workers: int = 1,
    beam: Sequence[str] = (),
    artefacts: Optional[str] = None,
    overwrite: bool = False,
    apply: bool = False,
    debug: bool = False,
) -> RunResult:
    """Decides again from the annotations of an earlier run (`curate decide`).

    Raises:
        UsageError: bad options; settings that the annotations cannot serve; with `apply`, inputs that have changed.
    """
    started = _now()
    options = beam_options(beam, workers)
    if not debug:
        quiet()
    annotations, record = _load_annotations(annotations)
    annotated = make_config(record["config"])
    config = load_config(config_path, settings, base=record["config"])
    check_annotated(config, annotated)
    config = with_bands(config, bands_of(annotated))
    check_resources(config)
    planned = _same_inputs(record, annotated) if apply else None
    given = load_artefacts(artefacts) if artefacts else Artefacts()
    partitions = partitions_for(record["rows"], workers)
    with prepare_output(output, overwrite, FILES, [annotations]) as staging:
        _copy_errors(annotations, staging.path)
        counts = _decide_and_report(annotations, record, planned, config, given, staging, options, partitions, started)
        staging.commit()
    return RunResult(output, counts, _farewell(output, counts, applied=apply))


ANNOTATED = (
    "documents",
    "run.seed",
    "run.block_rows",
    "run.block_bytes",
    "dedupe.shingle",
    "dedupe.permutations",
    "dedupe.bands",
    "dedupe.rows",
    "mixture.dimensions",
    "mixture.sample",
    "mixture.clusters",
    "synthetic.model",
    "synthetic.min_tokens",
    "provenance.network",
    "provenance.trust_anchors",
)
"""Settings that annotations were made with; a decision cannot change them."""


def check_annotated(config: Config, annotated: Config) -> None:
    """Checks that annotations can serve a decision.

    Raises:
        UsageError: names the setting, its value, and what the annotations have.
    """
    anew = "run `curate run` with it to annotate anew"
    for name in ANNOTATED:
        wanted, made = _setting(config, name), _setting(annotated, name)
        if wanted != made:
            raise UsageError(f"{name} is {wanted!r}, but the annotations were made with {made!r}; {anew}")
    for section in ("dedupe", "provenance", "synthetic", "mixture"):
        if getattr(config, section).enabled and not getattr(annotated, section).enabled:
            raise UsageError(f"{section}.enabled is true, but the annotations were made without that step; {anew}")
    for name in ("dedupe.threshold", "dedupe.containment"):
        wanted, made = _setting(config, name), _setting(annotated, name)
        if wanted < made:
            raise UsageError(
                f"{name} is {wanted}, below the {made} that pairs were verified at: less similar ones were never "
                f"compared; raise it, or {anew}"
            )


def with_bands(config: Config, bands: Bands) -> Config:
    """Spells out bands and rows where the threshold would choose others.

    The pairs of annotations were proposed by the bands of then. So recorded, the settings of a decision give the same
    ledger in a run from the start.
    """
    if bands_of(config) == bands:
        return config
    values = config.to_dict()
    values["dedupe"] |= {"bands": bands.bands, "rows": bands.rows}
    return make_config(values)


def check_resources(config: Config) -> None:
    """Opens what the settings name, so that a wrong path is told before any document is read.

    Raises:
        UsageError: the detector or the trust anchors cannot be read.
    """
    if config.synthetic.enabled:
        load_detector(config.synthetic.model)
    if config.provenance.enabled:
        make_context(config.provenance)


def load_artefacts(directory: str) -> Artefacts:
    """Reads the artefacts/ of an earlier output.

    Raises:
        UsageError: a file is missing or cannot be read.
    """
    directory = directory.rstrip("/")
    if FILES.stat(f"{directory}/artefacts/reference.json"):
        directory = f"{directory}/artefacts"
    try:
        return Artefacts(
            embedding=_read_if_there(f"{directory}/embedding.npz"),
            centroids=_read_if_there(f"{directory}/centroids.npz"),
            reference=Reference.from_dict(json.loads(FILES.read_bytes(f"{directory}/reference.json"))),
        )
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(
            f"artefacts {directory!r} cannot be read ({_one_line(error)}), expected the artefacts/ of a finished run"
        ) from None


def check_artefacts(given: Artefacts, config: Config) -> None:
    """Checks that a run can use artefacts.

    Raises:
        UsageError: the embedding has another length than the settings say.
    """
    if given.embedding is None or not config.mixture.enabled:
        return
    found = Embedding.from_bytes(given.embedding).dimensions
    if found != config.mixture.dimensions:
        raise UsageError(
            f"mixture.dimensions is {config.mixture.dimensions}, but the embedding of the artefacts has {found}; "
            f"set it to {found}, or run without --artefacts"
        )


def describe_plan(inputs: Sequence[str], config: Config, beam: Sequence[str] = ()) -> str:
    """What a run would read, and how it would look for duplicates (`curate run --plan`).

    Raises:
        UsageError: as for the run itself.
        UnreadableInputError: likewise.
    """
    beam_options(beam, workers=1)
    check_resources(config)
    planned = plan(find_inputs(inputs, FILES), config, FILES)
    bands = bands_of(config)
    lines = [
        f"{len(planned.fingerprints)} files, {planned.rows:,} records, about {planned.text_bytes / 1e6:,.1f} MB of "
        f"text, {len(planned.splits)} splits; {len(planned.failed)} files cannot be opened",
        f"near duplicates: {bands.bands} bands of {bands.rows} rows, threshold {config.dedupe.threshold}",
        "similarity  chance of being compared",
    ]
    lines += [
        f"{similarity / 20:10.2f}  {collision_probability(similarity / 20, bands.bands, bands.rows):.4f}"
        for similarity in range(8, 21)
    ]
    return "\n".join(lines)


def redraw_report(directory: str) -> str:
    """Draws report.html from report.json (`curate report`).

    Raises:
        UsageError: there is no report.json.
    """
    path = f"{directory.rstrip('/')}/report.json"
    try:
        page = render(json.loads(FILES.read_bytes(path))).encode()
    except OSError as error:
        reason = error.strerror or _one_line(error)
        raise UsageError(f"{path!r} cannot be read ({reason}); give the output directory of a finished run") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path!r} is not a report of curate ({_one_line(error)}); give the output directory of a finished run"
        ) from None
    target = f"{directory.rstrip('/')}/report.html"
    _write_bytes(target, page)
    return f"report: {target}"


def _decide_and_report(
    annotations: str,
    record: dict[str, Any],
    planned: Optional[InputPlan],
    config: Config,
    given: Artefacts,
    staging: Staging,
    options: PipelineOptions,
    partitions: int,
    started: str,
) -> dict[str, int]:
    """The second half of a run: decide, apply to the planned inputs if any, and write what follows from the outcome."""
    fitted = Artefacts(centroids=_read_if_there(f"{annotations}/centroids.npz"), reference=given.reference)
    measure = applied_documents(f"{staging.path}/data", planned) if planned else None
    with phase("decide and apply" if planned else "decide", record["rows"], measure):
        decide_annotated(annotations, config, fitted, staging.path, options, partitions, planned)
    for name in ("embedding.npz", "centroids.npz"):
        content = _read_if_there(f"{annotations}/{name}")
        if content is not None:
            _write_bytes(f"{staging.path}/artefacts/{name}", content)
    _fill_empty(staging.path, "ledger", LEDGER)
    if planned:
        _fill_empty(staging.path, "errors", ERRORS)
        for folder in ("data", "held"):
            _fill_empty(staging.path, folder, output_schema(planned.schema, config))
    return write_reports(staging.path, record, config, FILES, started, _now())


def _load_annotations(directory: str) -> tuple[str, dict[str, Any]]:
    directory = directory.rstrip("/")
    for candidate in (directory, f"{directory}/annotations"):
        if FILES.stat(f"{candidate}/annotations.json"):
            return candidate, json.loads(FILES.read_bytes(f"{candidate}/annotations.json"))
    raise UsageError(f"annotations {directory!r} has no annotations.json, expected the annotations/ of a finished run")


def _same_inputs(record: dict[str, Any], config: Config) -> InputPlan:
    planned = plan(find_inputs(record["inputs"], FILES), config, FILES)
    changed = [
        path for path, fingerprint in record["fingerprints"].items() if planned.fingerprints.get(path) != fingerprint
    ]
    if changed:
        raise UsageError(f"input {changed[0]!r} has changed since it was annotated; run `curate run` to annotate anew")
    return planned


def _count_errors(directory: str, planned: InputPlan, config: Config) -> int:
    errors = 0
    for part in below(f"{directory}/errors", FILES):
        with FILES.open(part.path) as file:
            errors += pq.read_metadata(file).num_rows
    share = errors / max(planned.rows, 1)
    if share > config.run.max_error_rate:
        raise UnreadableInputError(
            f"{errors:,} of {planned.rows:,} records ({share:.0%}) cannot be decoded, expected at most "
            f"run.max_error_rate ({config.run.max_error_rate:.0%}); mend the input, or raise the rate"
        )
    return errors


def _copy_errors(annotations: str, directory: str) -> None:
    """Copies the undecodable records that the annotating run wrote: a decision counts them as well."""
    for part in below(f"{annotations.rpartition('/')[0] or '.'}/errors", FILES):
        name = part.path.rpartition("/")[2]
        _write_bytes(f"{directory}/errors/{name}", FILES.read_bytes(part.path))


def _fill_empty(directory: str, folder: str, schema: pa.Schema) -> None:
    """Gives a folder without parts one without rows, so that every reader finds the columns."""
    if not below(f"{directory}/{folder}", FILES):
        write_part(f"{directory}/{folder}/{part_name(0, 1)}", schema.empty_table(), FILES)


def _farewell(output: str, counts: dict[str, int], applied: bool) -> str:
    read, kept, held, dropped = (f"{counts[name]:,}" for name in ("read", "kept", "held", "dropped"))
    lines = [f"read {read} documents: kept {kept}, held {held} for review, dropped {dropped}"]
    if counts["errors"] or counts["files_failed"]:
        lines.append(f"{counts['errors']:,} undecodable records, {counts['files_failed']:,} files not opened")
    if applied:
        lines.append(f"data:   {os.path.join(output, 'data')}")
    lines.append(f"report: {os.path.join(output, 'report.html')}")
    return "\n".join(lines)


def _setting(config: Config, name: str) -> Any:
    value: Any = config
    for part in name.split("."):
        value = getattr(value, part)
    return value


def _read_if_there(path: str) -> Optional[bytes]:
    return FILES.read_bytes(path) if FILES.stat(path) else None


def _write_bytes(path: str, content: bytes) -> None:
    with FILES.create(path) as file:
        file.write(content)


def _write_json(path: str, content: Any) -> None:
    _write_bytes(path, json.dumps(content, indent=1, sort_keys=True).encode())


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
