"""Which Arrow files of a directory are the data, where Hugging Face `datasets` saved or cached it.

`Dataset.map` puts what it computed beside the data it was given, as `cache-….arrow`: read too, each document would be
there twice. `save_to_disk` says in state.json which files are the data.
"""

import json
from collections.abc import Sequence
from itertools import groupby

from curate.errors import UsageError
from curate.io.filesystem import FileInfo, Files

_STATE = "state.json"
_INFO = "dataset_info.json"


def without_caches(listed: Sequence[FileInfo], files: Files) -> list[FileInfo]:
    """The files without Arrow files that a saved dataset does not list, nor those that are a cache beside one.

    Args:
        listed: sorted by path.
        files: opens what describes a dataset.

    Raises:
        UsageError: a dataset lacks a file that it lists.
    """
    kept = []
    for _, folder in groupby(sorted(listed, key=lambda file: (_folder(file), file.path)), key=_folder):
        here = {file.path.rpartition("/")[2]: file for file in folder}
        saved = _listed(here[_STATE], files) if _STATE in here else None
        for name in saved or ():
            if name not in here:
                raise UsageError(f"input {here[_STATE].path!r} lists {name!r}, which is not there; save it again")
        for name, file in here.items():
            cached = name not in saved if saved is not None else _INFO in here and name.startswith("cache-")
            if not (name.lower().endswith(".arrow") and cached):
                kept.append(file)
    return sorted(kept, key=lambda file: file.path)


def _folder(file: FileInfo) -> str:
    return file.path.rpartition("/")[0]


def _listed(state: FileInfo, files: Files) -> set[str] | None:
    """The names that a state.json of `datasets` lists; None where it is of something else."""
    try:
        with files.open(state.path) as stream:
            return {str(entry["filename"]) for entry in json.load(stream)["_data_files"]}
    except (OSError, ValueError, KeyError, TypeError):
        return None
