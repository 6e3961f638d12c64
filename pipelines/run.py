"""A run from beginning to end: plan, annotate, decide, apply, report; all or nothing in the output directory."""

import importlib
import json
import os
import threading
from dataclasses import dataclass, replace
from typing import Any, Optional, Sequence

from curate.clusters.groups import check_columns
from curate.config import Config, load_config, make_config
from curate.duplicates.bands import bands_of
from curate.errors import UsageError
from curate.io.earlier import earlier_outputs, refuse_output
from curate.io.filesystem import below
from curate.io.human import find_memory, human_reference
from curate.io.output import prepare_output
from curate.io.sources import find_inputs, plan
from curate.pipelines.annotations import (
    FORMAT,
    RECORD,
    absolute,
    check_annotated,
    load_annotations,
    same_inputs,
    with_bands,
)
from curate.pipelines.artefacts import (
    Artefacts,
    check_artefacts,
    check_embedder,
    check_exclude,
    check_resources,
    check_thresholds,
    check_unchanged,
    check_watermarks,
    detector_id,
    file_digests,
    load_artefacts,
    resource_digests,
    resources,
    with_detector,
)
from curate.pipelines.capacity import refuse_too_large
from curate.pipelines.deciding import decide_and_report, now
from curate.pipelines.failures import copy_errors, count_errors, tell_failures
from curate.pipelines.files import BeamFiles
from curate.pipelines.jobs import annotate_inputs, partitions_for
from curate.pipelines.lineage import check_lineage, lineage
from curate.pipelines.memory import check_recalled, copy_memory, recalled
from curate.pipelines.progress import annotated_documents, phase, say
from curate.pipelines.resume import STARTED, Finished, find_finished, kept_for_resume, made_with, write_record
from curate.pipelines.review import kept_review, refuse_loss
from curate.pipelines.runner import beam_options, is_local, quiet
from curate.provenance.datasets import with_said
from curate.provenance.trust_list import trust_list_id
from curate.report.collapse import collapse_words
from curate.report.environment import without_secrets
from curate.transforms.configured import configured_models

FILES = BeamFiles()


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
    config_path: Optional[str] = None,
    against: Sequence[str] = (),
    apply: bool = True,
    resume: bool = False,
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
        config_path: of the file that the settings came from, which the output may not replace.
        against: earlier outputs that the documents are compared with.
        apply: write data/ and held/ too; without them the output is what `curate run --plan` gives, from whose
            annotations `curate decide --apply` writes the same documents as a run.
        resume: go on from what an interrupted run of the same inputs and settings has annotated.

    Raises:
        UsageError: bad options, no input, no earlier output, an output that may not be written, or a local run that
            does not fit.
        UnreadableInputError: nothing readable, or more undecodable records than `run.max_error_rate`.
    """
    started = now()
    options = beam_options(beam, workers)
    if not debug:
        quiet()
    memory = find_memory(config, FILES)
    given = load_artefacts(artefacts) if artefacts else recalled(memory, config) if memory else Artefacts()
    config = with_said(with_detector(config, given), FILES.read_bytes)
    check_resources(config)
    check_lineage(config.run.openlineage)
    models = configured_models(config)
    scored_by = detector_id(config, models)
    embedded_by = models.embedder.id if models.embedder else None
    judged_by = resource_digests(config)
    if memory:
        check_recalled(memory, config, scored_by, judged_by, embedded_by)
    check_artefacts(given, config)
    check_thresholds(given, config, scored_by, judged_by)
    check_embedder(given, config, embedded_by)
    exclude, watermarks = check_exclude(config), check_watermarks(config)
    found = find_inputs(inputs, FILES)
    planned = plan(found, config, FILES)
    if planned.rows:
        check_columns(planned.schema, config)
    for path, error in planned.failed:
        say(f"{path} cannot be opened ({error}); counted in files_failed")
    earlier = earlier_outputs([absolute(directory) for directory in against], config, FILES)
    for each in earlier:
        if each.shortened:
            say(f"{each.directory} lacks its repeated lines; a copy is told by what is left of a document there")
    human = None if memory else human_reference(config, FILES)
    people = human.fingerprints if human else file_digests(memory.files) if memory else {}
    outputs, earlier_plans = [each.directory for each in earlier], [each.plan for each in earlier]
    refuse_output(output, outputs)
    if not apply:
        _refuse_documents(output)
    refuse_loss(output, [])
    earlier_rows = sum(each.rows for each in earlier_plans)
    if is_local(options):
        refuse_too_large(planned.rows + earlier_rows, planned.block_bytes, workers, config.run.memory_gb)
    partitions = partitions_for(planned.rows + earlier_rows, workers)
    needed = [*planned.fingerprints, *(path for path, _ in planned.failed), *resources(config), artefacts, config_path]
    needed += people
    record: dict[str, Any] = {
        "format": FORMAT,
        "arguments": {
            "command": "run",
            "inputs": list(inputs),
            "against": list(against),
            "artefacts": artefacts,
            "overwrite": overwrite,
            "plan": not apply,
            "workers": workers,
            "beam": without_secrets(beam),
        },
        "config": config.to_dict(),
        "inputs": {file.path: absolute(file.path) for file in found},
        "fingerprints": planned.fingerprints,
        "resources": judged_by,
        "trust": trust_list_id(config.provenance) if config.provenance.enabled else None,
        "exclude": exclude,
        "watermarks": watermarks,
        "files_failed": [list(failure) for failure in planned.failed],
        "rows": planned.rows,
        "detector": scored_by,
        "embedder": embedded_by,
        "verifier": models.verifier.id if models.verifier else None,
        "against": outputs,
        "earlier_rows": earlier_rows,
        "human_reference": people,
        **made_with(given, earlier_plans),
    }
    with (
        prepare_output(output, overwrite, FILES, [path for path in needed if path], resume) as staging,
        lineage(config, record, started) as told,
        kept_for_resume(staging),
    ):
        annotations = f"{staging.path}/annotations"
        finished = find_finished(staging, record, planned, is_local(options)) if resume else Finished()
        if finished.record is None:
            if staging.resumable:
                write_record(annotations, STARTED, record)
            if memory:
                copy_memory(memory, given, annotations)
            fitted = replace(given, embedding=given.embedding or finished.embedding)
            with phase("annotate", planned.rows, annotated_documents(f"{annotations}/features", planned)):
                annotate_inputs(
                    planned,
                    config,
                    fitted,
                    staging.path,
                    options,
                    partitions,
                    earlier_plans,
                    human,
                    models,
                    finished.blocks,
                )
            record["errors"] = count_errors(staging.path, planned, config)
            write_record(annotations, RECORD, record)
            tell_failures(f"{annotations}/features", models, config)
        else:
            record["errors"] = finished.record["errors"]
        _import_ahead("curate.report.plots")  # not before: the first block would wait for it
        counts, warnings = decide_and_report(
            annotations,
            record,
            planned if apply else None,
            config,
            given,
            staging,
            options,
            partitions,
            started,
        )
        staging.commit()
        told.complete(output, planned if apply else None)
    return RunResult(output, counts, _farewell(output, counts, warnings, applied=apply))


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
        UsageError: bad options; settings that the annotations cannot serve; with `apply`, inputs that have changed; a
            local run that does not fit.
    """
    started = now()
    options = beam_options(beam, workers)
    if not debug:
        quiet()
    annotations, record = load_annotations(annotations)
    record |= {
        "arguments": {
            "command": "decide",
            "inputs": record["arguments"]["inputs"],
            "against": record["against"],
            "annotations": absolute(annotations),
            "artefacts": artefacts,
            "apply": apply,
            "overwrite": overwrite,
            "workers": workers,
            "beam": without_secrets(beam),
        }
    }
    annotated = make_config(record["config"])
    config = load_config(config_path, settings, base=record["config"])
    check_annotated(config, annotated)
    config = with_said(with_bands(config, bands_of(annotated)), FILES.read_bytes, annotated)
    check_resources(config)
    check_lineage(config.run.openlineage)
    planned = same_inputs(record, annotated) if apply else None
    given = load_artefacts(artefacts) if artefacts else Artefacts()
    check_unchanged(record["resources"], config)
    check_thresholds(given, config, record["detector"], record["resources"])
    check_embedder(given, config, record["embedder"])
    refuse_output(output, record["against"])
    review = kept_review(annotations, config, calibrates=given.reference is None)
    record["review"] = review.told if review else None
    refuse_loss(output, review.answers if review else [])
    documents = record["rows"] + record["earlier_rows"]
    if is_local(options):
        refuse_too_large(documents, config.run.block_bytes, workers, config.run.memory_gb)
    partitions = partitions_for(documents, workers)
    needed = [annotations, *record["inputs"].values(), *resources(config), artefacts, config_path]
    needed += record.get("human_reference", {})
    with (
        prepare_output(output, overwrite, FILES, [path for path in needed if path]) as staging,
        lineage(config, record, started) as told,
    ):
        _import_ahead("curate.report.plots")
        copy_errors(annotations, staging.path)
        counts, warnings = decide_and_report(
            annotations, record, planned, config, given, staging, options, partitions, started, review
        )
        staging.commit()
        told.complete(output, planned)
    return RunResult(output, counts, _farewell(output, counts, warnings, applied=apply))


def _refuse_documents(output: str) -> None:
    """A plan does not take the place of what a run has built, not even with --overwrite."""
    if below(f"{output.rstrip('/')}/data", FILES):
        raise UsageError(
            f"output {output!r} holds the documents of a run, which a plan does not replace; name another directory"
        )


def _import_ahead(module: str) -> None:
    """Imports in the background what is needed at the end only, while the job waits for compiled loops and files.

    The process waits for it when it ends: Python cannot stop a thread within a library's own code but by aborting.
    """
    threading.Thread(target=importlib.import_module, args=(module,)).start()


def _farewell(output: str, counts: dict[str, int], warnings: list[str], applied: bool) -> str:
    read, kept, held, dropped = (f"{counts[name]:,}" for name in ("read", "kept", "held", "dropped"))
    lines = [f"read {read} documents: kept {kept}, held {held} for review, dropped {dropped}"]
    if counts["errors"] or counts["files_failed"]:
        lines.append(f"{counts['errors']:,} undecodable records, {counts['files_failed']:,} files not opened")
    if warnings:
        lines += [f"warning: {warnings[0]}", *(f"  {option}" for option in warnings[1:])]
    if applied:
        lines.append(f"data:   {os.path.join(output, 'data')}")
    else:
        report = json.loads(FILES.read_bytes(f"{output.rstrip('/')}/report.json"))
        lines += collapse_words(report["metrics"])
    lines.append(f"report: {os.path.join(output, 'report.html')}")
    return "\n".join(lines)
