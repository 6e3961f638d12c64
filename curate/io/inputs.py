"""Finding the input files that paths, globs and directories name."""

import glob
import json
import os
from collections.abc import Sequence

from curate.errors import UsageError
from curate.io.filesystem import FileInfo, Files, below, is_remote
from curate.io.saved import without_caches

JSONL_ENDINGS = (".jsonl", ".jsonl.gz", ".jsonl.zst")
IPC_ENDINGS = (".arrow", ".arrows", ".feather")
ENDINGS = (".parquet", *JSONL_ENDINGS, *IPC_ENDINGS)
MANIFEST = "manifest.json"


def find_inputs(patterns: Sequence[str], files: Files) -> list[FileInfo]:
    """The input files that paths, globs and directories name, each once, sorted by path.

    In globs and directories (read to any depth) only `ENDINGS` count, and names that start with a dot or underscore
    are skipped. An output directory of curate means the data files that its manifest lists, a
    dataset that Hugging Face `datasets` saved those that its state.json lists.

    Raises:
        UsageError: a pattern names nothing, or a file of another format.
    """
    if not patterns:
        raise UsageError("no input given, expected a file, a glob or a directory; add --input")
    found: dict[str, FileInfo] = {}
    for pattern in patterns:
        for file in _find(pattern, files):
            found.setdefault(file.path if is_remote(file.path) else os.path.normpath(file.path), file)
    return sorted(found.values(), key=lambda file: file.path)


def is_jsonl(path: str) -> bool:
    """Whether a file holds JSON lines, by its name."""
    return path.lower().endswith(JSONL_ENDINGS)


def is_ipc(path: str) -> bool:
    """Whether a file is an Arrow IPC file or stream, by its name."""
    return path.lower().endswith(IPC_ENDINGS)


def _find(pattern: str, files: Files) -> list[FileInfo]:
    if not pattern.strip():
        raise UsageError(f"input {pattern!r} is empty, expected a file, a glob or a directory; check --input")
    file = files.stat(pattern)
    if file is not None:
        if not pattern.lower().endswith(ENDINGS):
            raise UsageError(f"input {pattern!r} is of no known format, expected {_endings()}; convert or rename it")
        return [file]
    listed = below(pattern, files)
    if listed:
        return _curate_output(pattern, listed, files) or _usable(pattern, listed, pattern, files)
    if not glob.has_magic(pattern):
        found = "is an empty directory" if os.path.isdir(pattern) else "does not exist"
        raise UsageError(f"input {pattern!r} {found}, expected a file, a glob or a directory; check the path")
    # A matched directory counts with all that is under it, as it would had the shell expanded the glob.
    matched = files.match(pattern) + files.match(pattern.rstrip("/") + "/**")
    if not matched:
        raise UsageError(f"input {pattern!r} matches no file; check the path, and quote the glob")
    return _usable(pattern, matched, _fixed_prefix(pattern), files)


def _usable(pattern: str, listed: Sequence[FileInfo], root: str, files: Files) -> list[FileInfo]:
    usable = [
        file
        for file in without_caches(listed, files)
        if file.path.lower().endswith(ENDINGS)
        and not any(part.startswith(("_", ".")) for part in file.path[len(root) :].strip("/").split("/"))
    ]
    if not usable:
        raise UsageError(f"input {pattern!r} holds no {_endings()} file; name the files, or convert them")
    return usable


def _endings() -> str:
    return ", ".join(ENDINGS[:-1]) + " or " + ENDINGS[-1]


def _fixed_prefix(pattern: str) -> str:
    parts = pattern.split("/")
    magic = next(index for index, part in enumerate(parts) if glob.has_magic(part))
    return "/".join(parts[:magic])


def _curate_output(directory: str, listed: Sequence[FileInfo], files: Files) -> list[FileInfo]:
    """The data files that the manifest of a curate output lists; nothing for any other directory."""
    root = directory.rstrip("/") + "/"
    by_name = {file.path[len(root) :]: file for file in listed}
    ours = any(name.startswith("annotations/features/") for name in by_name)
    if MANIFEST not in by_name:
        if ours:
            raise UsageError(
                f"input {directory!r} has no {MANIFEST}, the output of a run that has not ended; run it to its end, or "
                f"name the files in it"
            )
        return []
    try:
        with files.open(by_name[MANIFEST].path) as stream:
            manifest = json.load(stream)
    except (OSError, ValueError) as error:
        if ours:
            raise UsageError(
                f"input {directory!r} has a {MANIFEST} that cannot be read ({error}); `curate verify` tells more"
            ) from None
        return []
    digests = manifest.get("digests") if isinstance(manifest, dict) else None
    if not isinstance(digests, dict) or "counts" not in manifest:
        return []
    names = sorted(name for name in digests if name.startswith("data/") and name.endswith(".parquet"))
    missing = [name for name in names if name not in by_name]
    if missing:
        raise UsageError(
            f"input {directory!r} lacks {missing[0]}, which its manifest lists; `curate verify` tells more"
        )
    if not names:
        raise UsageError(f"input {directory!r} is a curate output without data files; name another input")
    return [by_name[name] for name in names]
