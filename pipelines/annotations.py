"""The record of an annotation: what it was made from and with, and whether it can serve another decision."""

import json
import os
from typing import Any

from curate.config import Columns, Config, make_config
from curate.duplicates.bands import Bands, bands_of
from curate.errors import UsageError
from curate.io.filesystem import is_remote
from curate.io.sources import InputPlan, plan
from curate.pipelines.files import BeamFiles

FILES = BeamFiles()
RECORD = "annotations.json"
"""Name of the record in an annotations directory."""

FORMAT = 5
"""Of annotations; it changes with the columns of `curate.schema.features`."""

ANNOTATED = (
    *(f"documents.columns.{role}" for role in Columns.model_fields),
    "documents.max_chars",
    "run.seed",
    "run.block_rows",
    "run.block_bytes",
    "dedupe.shingle",
    "dedupe.permutations",
    "dedupe.bands",
    "dedupe.rows",
    "dedupe.prefer",
    "dedupe.exclude",
    "dedupe.exclude_containment",
    "dedupe.exclude_tokens",
    "dedupe.lines.unit",
    "mixture.group_column",
    "mixture.embedding_column",
    "mixture.embedding_handler",
    "mixture.embedding_model",
    "mixture.dimensions",
    "mixture.verifier",
    "mixture.sample",
    "mixture.clusters",
    "synthetic.model",
    "synthetic.human_reference",
    "synthetic.handler",
    "synthetic.min_tokens",
    "synthetic.watermarks",
    "provenance.network",
    "provenance.trust_list",
    "provenance.trust_anchors",
    "provenance.revocation_lists",
    "provenance.max_media_bytes",
    "quality.model",
    "quality.label",
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
    if config.judges_quality() and not annotated.judges_quality():
        raise UsageError(f"quality is asked for, but the annotations were made without its signals; {anew}")
    if config.removes_lines() and not annotated.dedupe.lines.enabled:
        raise UsageError(f"dedupe.lines.enabled is true, but the annotations were made without that step; {anew}")
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


def load_annotations(directory: str) -> tuple[str, dict[str, Any]]:
    """The annotations directory in or at a path, and its record.

    Raises:
        UsageError: there is none, or an earlier version of curate made it.
    """
    directory = directory.rstrip("/")
    for candidate in (directory, f"{directory}/annotations"):
        if FILES.stat(f"{candidate}/{RECORD}"):
            try:
                record = json.loads(FILES.read_bytes(f"{candidate}/{RECORD}"))
                found = record.get("format", "of an earlier version")
            except (ValueError, AttributeError, RecursionError):
                record, found = {}, "of no version"
            if found != FORMAT or {"arguments", "config", "inputs", "rows"} - record.keys():
                raise UsageError(
                    f"annotations {candidate!r} have the format {found}, "
                    f"expected {FORMAT}; run `curate run` with this version of curate to annotate anew"
                )
            return candidate, record
    raise UsageError(f"annotations {directory!r} has no {RECORD}, expected the annotations/ of a finished run")


def absolute(path: str) -> str:
    """A path that means the same in every working directory."""
    return path if is_remote(path) else os.path.abspath(path)


def same_inputs(record: dict[str, Any], config: Config) -> InputPlan:
    """The plan of the inputs that were annotated, in the order in which they were.

    Raises:
        UsageError: an input is gone or not what it was.
    """
    found = {given: FILES.stat(path) for given, path in record["inputs"].items()}
    gone = [record["inputs"][given] for given, file in found.items() if file is None]
    if gone:
        raise UsageError(f"input {gone[0]!r} is gone since it was annotated; put it back, or run `curate run` anew")
    planned = plan([file for file in found.values() if file is not None], config, FILES)
    for given, fingerprint in record["fingerprints"].items():
        if planned.fingerprints.get(record["inputs"][given]) != fingerprint:
            raise UsageError(f"input {given!r} has changed since it was annotated; run `curate run` to annotate anew")
    return planned


def _setting(config: Config, name: str) -> Any:
    value: Any = config
    for part in name.split("."):
        value = getattr(value, part)
    return value
