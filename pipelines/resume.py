"""What an interrupted run has annotated, found again by one that resumes it.

A block is finished when its features are written, which come last of what is written for it. So that nothing is taken
for finished that is not, every file is read through: Parquet has its end at the end, and a checksum of every page.
"""

import contextlib
import hashlib
import json
import os
import shutil
import zipfile
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

import pyarrow as pa
import pyarrow.parquet as pq

from curate.errors import CurateError, UsageError
from curate.io.blocks import SPLIT_BITS
from curate.io.filesystem import is_remote
from curate.io.json_text import json_text
from curate.io.output import Staging
from curate.io.sources import InputPlan
from curate.pipelines.annotations import RECORD
from curate.pipelines.artefacts import Artefacts
from curate.pipelines.files import BeamFiles
from curate.pipelines.jobs import SAMPLED
from curate.pipelines.progress import say
from curate.pipelines.writing import table_name
from curate.report.environment import installed_versions

STARTED = "started.json"
"""Name of the record in annotations that are not finished."""
FEATURES = "features"
BESIDE_FEATURES = (SAMPLED, "lines")
"""What is written of a block before its features, in files that are named after the location of their first row."""
ANEW = "run without --resume to annotate anew"

_OF_THE_RUN = ("arguments", "errors")


@dataclass(frozen=True)
class Finished:
    """What need not be annotated again.

    Attributes:
        record: of annotations that are whole; None where some are missing.
        blocks: rows of the blocks that are annotated, by location.
        embedding: the bytes of the artefact, if it was written.
    """

    record: Optional[dict[str, Any]] = None
    blocks: Mapping[int, int] = field(default_factory=dict)
    embedding: Optional[bytes] = None


def made_with(given: Artefacts, earlier: Sequence[InputPlan]) -> dict[str, Any]:
    """What annotations depend on besides what their record says anyway: versions, artefacts, earlier outputs."""
    parts = {"embedding": given.embedding, "centroids": given.centroids}
    return {
        "versions": installed_versions(),
        "given": {name: hashlib.sha256(part).hexdigest() for name, part in parts.items() if part is not None},
        "earlier": [plan.fingerprints for plan in earlier],
    }


def find_finished(staging: Staging, record: Mapping[str, Any], plan: InputPlan, local: bool) -> Finished:
    """Looks for what an interrupted run has annotated, and removes all else that it staged.

    Args:
        staging: of this run, with what that run left; kept where this one is refused.
        record: of this run.
        plan: the inputs.
        local: whether a local run annotates; elsewhere features may be written before what comes with them.

    Raises:
        UsageError: the interrupted run read other inputs, or had other settings.
    """
    root = Path(staging.path)
    annotations = root / "annotations"
    whole = _read_json(annotations / RECORD)
    started = whole or _read_json(annotations / STARTED)
    if started is None:
        _remove_all_but(root)
        say("nothing to resume; starting anew")
        return Finished()
    try:
        _refuse_changed(_basis(record), _basis(started))
    except UsageError:
        staging.keep()
        raise
    if whole and all(_is_sound(path) for path in annotations.rglob("*") if path.is_file()):
        _remove_all_but(root, annotations.name, "errors")
        say("resuming: all documents are annotated")
        return Finished(record=whole)
    write_record(annotations.as_posix(), STARTED, started)
    _remove_all_but(root, annotations.name)
    _remove_all_but(annotations, STARTED, *((FEATURES, *BESIDE_FEATURES, "embedding.npz") if local else ()))
    blocks = _finished_blocks(annotations, len(plan.splits))
    say(f"resuming: {sum(blocks.values()):,} of {plan.rows:,} documents are annotated")
    embedding = annotations / "embedding.npz"
    return Finished(blocks=blocks, embedding=embedding.read_bytes() if _is_sound(embedding) else None)


def write_record(directory: str, name: str, record: Mapping[str, Any]) -> None:
    """Writes the record of annotations, whole or not at all, and removes that of their beginning."""
    if is_remote(directory):
        BeamFiles().write_json(f"{directory}/{name}", record)
        return
    path = Path(directory, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(json_text(record))
    os.replace(part, path)
    if name == RECORD:
        path.with_name(STARTED).unlink(missing_ok=True)


@contextlib.contextmanager
def kept_for_resume(staging: Staging) -> Iterator[None]:
    """Keeps what is annotated when the block is left by an error that does not lie in the documents or the command."""
    try:
        yield
    except CurateError:
        raise
    except BaseException:
        if staging.resumable and any(Path(staging.path, "annotations", FEATURES).glob("*.parquet")):
            staging.keep()
            say(f"what was annotated is kept in {staging.path}; the same command with --resume goes on from there")
        raise


def _basis(record: Mapping[str, Any]) -> dict[str, Any]:
    """What annotations were made from, as JSON types."""
    return json.loads(json.dumps({name: value for name, value in record.items() if name not in _OF_THE_RUN}))


def _refuse_changed(wanted: dict[str, Any], made: dict[str, Any]) -> None:
    for name in sorted(wanted["inputs"].keys() ^ made["inputs"].keys()):
        there = "not among those of the interrupted run" if name in wanted["inputs"] else "missing"
        raise UsageError(f"input {name!r} is {there}; give the same inputs, or {ANEW}")
    for name, fingerprint in made["fingerprints"].items():
        if wanted["fingerprints"].get(name) != fingerprint:
            raise UsageError(f"input {name!r} has changed since the run was interrupted; put it back, or {ANEW}")
    for name, (value, old) in _differences(wanted, made):
        setting = name.removeprefix("config.")
        raise UsageError(f"{setting} is {value!r}, but the interrupted run had {old!r}; set it as then, or {ANEW}")


def _differences(wanted: Any, made: Any, name: str = "") -> Iterator[tuple[str, tuple[Any, Any]]]:
    """The values that differ, by dotted name."""
    if isinstance(wanted, dict) and isinstance(made, dict):
        for key in sorted(wanted.keys() | made.keys()):
            yield from _differences(wanted.get(key), made.get(key), f"{name}.{key}" if name else key)
    elif wanted != made:
        yield name, (wanted, made)


def _finished_blocks(annotations: Path, splits: int) -> dict[int, int]:
    """Location → rows of each finished block of the inputs; files of all other blocks are removed."""
    blocks: dict[int, int] = {}
    for path in (annotations / FEATURES).glob("*"):
        location = _location(path)
        if location >> SPLIT_BITS < splits and _is_sound(path):
            blocks[location] = pq.read_metadata(path).num_rows
        else:
            path.unlink()  # of an earlier output: those are few columns, annotated again
    starts = sorted(blocks)
    for name in BESIDE_FEATURES:
        for path in (annotations / name).glob("*"):
            if _is_sound(path):
                continue
            path.unlink()
            at = bisect_right(starts, _location(path)) - 1
            start = starts[at] if at >= 0 else -1
            if start in blocks and _location(path) < start + blocks[start]:
                (annotations / FEATURES / table_name([start])).unlink()
                del blocks[start]
    return blocks


def _location(path: Path) -> int:
    return int(path.stem.rpartition("-")[2], 16)


def _is_sound(path: Path) -> bool:
    """Whether a file of annotations can be read to its end."""
    try:
        if path.suffix == ".parquet":
            for _ in pq.ParquetFile(path, page_checksum_verification=True).iter_batches():
                pass
        elif path.suffix == ".npz":
            with zipfile.ZipFile(path) as archive:
                return archive.testzip() is None
        elif path.suffix == ".json":
            return _read_json(path) is not None
    except (OSError, pa.ArrowException, zipfile.BadZipFile, ValueError):
        return False
    return True


def _read_json(path: Path) -> Optional[dict[str, Any]]:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def _remove_all_but(directory: Path, *names: str) -> None:
    for path in directory.iterdir():
        if path.name in names:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
