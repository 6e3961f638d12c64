"""Earlier outputs that new documents are compared with (`curate run --against DIR`): found, checked and planned.

The documents of an earlier output are the rows of its data/. An output that was itself made against others brings
those along, so that a chain of runs needs only its last link named.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from curate.config import Config, make_config
from curate.errors import UnreadableInputError, UsageError
from curate.io.filesystem import FileInfo, Files, below, is_remote
from curate.io.inputs import MANIFEST
from curate.io.sources import InputPlan, plan

ID_COLUMN = "curate_id"


@dataclass(frozen=True)
class EarlierOutput:
    """An earlier output and how to read its documents.

    Attributes:
        directory: of the output.
        plan: of its data files; its schema has the columns that annotation reads, and no others.
        shortened: whether repeated lines were removed from its documents, so that copies of what they were are told by
            what is left.
    """

    directory: str
    plan: InputPlan
    shortened: bool


def earlier_config(config: Config) -> Config:
    """The settings that documents of an earlier output are annotated with.

    They go by the ids that they were given then, and only what duplicates and own evidence need is computed.
    """
    values = config.to_dict()
    values["documents"]["columns"]["id"] = ID_COLUMN
    for section in (values["synthetic"], values["mixture"], values["dedupe"]["lines"]):
        section["enabled"] = False
    return make_config(values)


def earlier_outputs(directories: Sequence[str], config: Config, files: Files) -> list[EarlierOutput]:
    """Opens the given outputs and those that they were made against, each once.

    Args:
        directories: of outputs, absolute.
        config: settings of the new run.
        files: opens them.

    Raises:
        UsageError: one is no complete output with documents, lacks the text column, or cannot be read; or
            duplicates are not looked for.
    """
    if directories and not config.dedupe.enabled:
        raise UsageError(
            f"against {directories[0]!r} has nothing to do while dedupe.enabled is false; enable it, or leave out "
            f"--against"
        )
    settings, found = earlier_config(config), []
    waiting = [(directory.rstrip("/"), "") for directory in directories]
    known = set()
    while waiting:
        directory, made = waiting.pop(0)
        if directory in known:
            continue
        known.add(directory)
        manifest = _manifest(directory, made, files)
        planned, shortened = _plan(directory, manifest, settings, files), _shortened(manifest)
        found.append(EarlierOutput(directory, planned, shortened))
        waiting += [(other, f", which {directory!r} was made against,") for other in manifest.get("against", [])]
    return found


def refuse_output(output: str, directories: Sequence[str]) -> None:
    """Keeps earlier outputs as they are.

    Raises:
        UsageError: the output is one of the directories, lies in one or holds one.
    """
    for directory in directories:
        if _within(output, directory) or _within(directory, output):
            raise UsageError(
                f"output {output!r} is, holds or lies in {directory!r}, an earlier output that is not changed; "
                f"name another directory"
            )


def _within(path: str, directory: str) -> bool:
    real = [name.rstrip("/") if is_remote(name) else os.path.realpath(name) for name in (path, directory)]
    return f"{real[0]}/".startswith(f"{real[1]}/")


def _manifest(directory: str, made: str, files: Files) -> dict[str, Any]:
    path = f"{directory}/{MANIFEST}"
    if files.stat(path) is None:
        raise UsageError(
            f"against {directory!r}{made} has no {MANIFEST}, expected the output directory of a finished run; "
            f"{'put it back' if made else 'check --against'}"
        )
    try:
        with files.open(path) as stream:
            manifest = json.load(stream)
    except (OSError, ValueError):
        manifest = None
    if not isinstance(manifest, dict) or not {"counts", "digests"} <= manifest.keys():
        raise UsageError(f"against {directory!r}: {MANIFEST} is not one of curate; give the output of a finished run")
    return manifest


def _shortened(manifest: dict[str, Any]) -> bool:
    lines = manifest.get("config", {}).get("dedupe", {}).get("lines", {})
    return bool(lines.get("enabled", False))


def _plan(directory: str, manifest: dict[str, Any], config: Config, files: Files) -> InputPlan:
    """Each output is planned by itself: their columns that are not read need not go together."""
    try:
        planned = plan(_data_files(directory, manifest, files), config, files)
    except (UsageError, UnreadableInputError) as error:
        raise UsageError(f"against {directory!r}: {error}") from None
    if planned.failed:
        path, reason = planned.failed[0]
        raise UsageError(f"against {directory!r}: {path} cannot be read ({reason}); `curate verify` tells more")
    # The origin that curate found rests on these columns and on others' evidence: it is no evidence of its own.
    read = {name for _, name in config.documents.columns} - {"curate_origin"}
    read |= {name.removeprefix("-") for name in config.dedupe.prefer}
    return replace(planned, schema=pa.schema([field for field in planned.schema if field.name in read]))


def _data_files(directory: str, manifest: dict[str, Any], files: Files) -> list[FileInfo]:
    names = sorted(name for name in manifest["digests"] if name.startswith("data/") and name.endswith(".parquet"))
    if not names:
        raise UsageError("it was decided without writing documents; write them by `curate decide --apply`")
    there = {file.path: file for file in below(f"{directory}/data", files)}
    missing = [name for name in names if f"{directory}/{name}" not in there]
    if missing:
        raise UsageError(f"it lacks {missing[0]}, which its manifest lists; `curate verify` tells more")
    return [there[f"{directory}/{name}"] for name in names]
