"""Finished outputs against each other (`curate report DIR DIR2`): reads their reports, writes a page and numbers."""

import json
from typing import Any, Sequence

from curate.comparison.compare import KIND, compare
from curate.comparison.page import draw_page
from curate.comparison.runs import read_run
from curate.comparison.words import to_text
from curate.errors import UsageError
from curate.io.inputs import MANIFEST
from curate.io.sources import one_line
from curate.pipelines.annotations import absolute
from curate.pipelines.files import BeamFiles, read_finished

FILES = BeamFiles()


def compare_outputs(directories: Sequence[str], target: str) -> str:
    """Compares finished outputs and writes the comparison; an older comparison there is replaced.

    Args:
        directories: of two or more outputs, the earliest first. They are only read.
        target: page to write, ending in .html; the numbers go beside it as .json.

    Returns:
        The comparison for a terminal, and what was written.

    Raises:
        UsageError: fewer than two outputs, one that is not finished or cannot be compared, or a target that lies in
            one of them, is something else, or cannot be written.
    """
    if len(directories) < 2:
        raise UsageError("--to names the page of a comparison, which takes two or more outputs; name another one")
    page, numbers = _targets(target, directories)
    runs = [
        read_run(name, read_finished(directory, "report.json"), read_finished(directory, MANIFEST))
        for name, directory in zip(_names(directories), directories, strict=True)
    ]
    try:
        comparison = compare(runs)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"{', '.join(map(repr, directories))} cannot be compared ({one_line(error)}), expected reports of this "
            f"version of curate; write them anew with `curate decide`"
        ) from None
    try:
        FILES.write_json(numbers, comparison)
        FILES.write_bytes(page, draw_page(comparison).encode())
    except OSError as error:
        reason = error.strerror or one_line(error)
        raise UsageError(f"{page!r} cannot be written ({reason}); name another file with --to") from None
    return f"{to_text(comparison)}\n\npage:    {page}\nnumbers: {numbers}"


def _names(directories: Sequence[str]) -> list[str]:
    """The last parts of the paths, or the paths as given where these do not tell them apart."""
    short = [absolute(directory).rstrip("/").rpartition("/")[2] for directory in directories]
    return short if len(set(short)) == len(short) else [directory.rstrip("/") for directory in directories]


def _targets(target: str, directories: Sequence[str]) -> tuple[str, str]:
    """The page and its numbers, neither of them in an output that is compared, nor anything but a comparison so far."""
    if not target.endswith(".html"):
        raise UsageError(f"--to {target!r} is no name of a page, expected one that ends in .html")
    numbers = target.removesuffix(".html") + ".json"
    for directory in directories:
        if absolute(target).startswith(absolute(directory).rstrip("/") + "/"):
            raise UsageError(
                f"--to {target!r} lies in the output {directory!r}, which is not changed; name another file"
            )
    older = FILES.read_if_there(numbers)
    if (older is None and FILES.stat(target)) or (older is not None and not _is_comparison(older)):
        raise UsageError(f"{target!r} or {numbers!r} is there and no comparison of curate; name another file with --to")
    return target, numbers


def _is_comparison(content: bytes) -> bool:
    try:
        found: Any = json.loads(content)
    except ValueError:
        return False
    return isinstance(found, dict) and found.get("kind") == KIND
