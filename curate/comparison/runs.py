"""A finished run as it is compared: its report and manifest, and what two runs were made of."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from curate.errors import UsageError
from curate.report.build import FORMAT
from curate.report.manifest import FORMAT as MANIFEST_FORMAT
from curate.report.tables import JsonDict

_NEEDED = ("counts", "totals", "panels", "status", "config")


class Run(NamedTuple):
    """A finished run.

    Attributes:
        name: by which it is told from the others.
        report: report.json.
        manifest: manifest.json.
    """

    name: str
    report: JsonDict
    manifest: JsonDict

    @property
    def artefacts(self) -> dict[str, str]:
        """Name → id of what was fitted or loaded."""
        return dict(self.report.get("artefacts", {}))

    @property
    def documents(self) -> int:
        """Documents read."""
        return int(self.report["totals"]["documents"])


def read_run(name: str, report: bytes, manifest: bytes) -> Run:
    """A run from its two files.

    Raises:
        UsageError: one of them is not of curate, or of another version of its format.
    """
    return Run(name, _parsed(name, "report.json", report), _parsed(name, "manifest.json", manifest))


def _parsed(name: str, file: str, content: bytes) -> JsonDict:
    needed = _NEEDED if file == "report.json" else ("counts", "config")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file} of {name!r} is not JSON ({error}); give the output directory of a run") from None
    if not isinstance(found, dict) or any(key not in found for key in (*needed, "format")):
        raise UsageError(f"{file} of {name!r} is not that of a run of curate; give the output directory of a run")
    expected = FORMAT if file == "report.json" else MANIFEST_FORMAT
    # A manifest of format 1 lacks a digest that no comparison asks for.
    if found["format"] not in {expected, 1}:
        raise UsageError(
            f"{file} of {name!r} is of format {found['format']!r}, expected {expected}; compare with the version of "
            f"curate that wrote it, or write it anew with `curate decide`"
        )
    return found


def named(run: Run, ids: Iterable[str]) -> list[str]:
    """The names of a run's artefacts that have one of these ids."""
    wanted = set(ids)
    return [name for name, id in run.artefacts.items() if id in wanted]


def differing(runs: Sequence[Run], names: Iterable[str]) -> list[str]:
    """Those of the named artefacts that the first and the last run do not share."""
    first, last = runs[0].artefacts, runs[-1].artefacts
    return sorted(name for name in set(names) if first.get(name) != last.get(name))


def artefacts(runs: Sequence[Run]) -> list[JsonDict]:
    """{name, values (id or None, of each run), same} of all artefacts."""
    return _aligned([run.artefacts for run in runs], only_differing=False)


def settings(runs: Sequence[Run]) -> list[JsonDict]:
    """{name, values, same} of the settings that differ."""
    return _aligned([_flat(run.report["config"]) for run in runs])


def versions(runs: Sequence[Run]) -> list[JsonDict]:
    """{name, values, same} of the software that differs."""
    return _aligned([run.manifest.get("versions", {}) for run in runs])


def inputs(runs: Sequence[Run]) -> list[JsonDict]:
    """Each content that a run has read, under its names, with its rows.

    Returns:
        {values (name or None, of each run), rows, same}; a file of one name whose content has changed is two of them.
    """
    by_content: list[dict[str, tuple[str, int]]] = []
    for run in runs:
        found = run.manifest.get("fingerprints", {}).items()
        by_content.append({json.dumps(mark, sort_keys=True): (name, mark.get("rows", 0)) for name, mark in found})
    rows = []
    for content in {content: None for found in by_content for content in found}:
        held = [found.get(content) for found in by_content]
        rows.append(
            {
                "values": [one and one[0] for one in held],
                "rows": max(one[1] for one in held if one),
                "same": None not in held,
            }
        )
    return sorted(rows, key=lambda row: (row["same"], min(filter(None, row["values"]))))


def _aligned(values: Sequence[Mapping[str, Any]], only_differing: bool = True) -> list[JsonDict]:
    rows = []
    for name in sorted({name for each in values for name in each}):
        found = [each.get(name) for each in values]
        same = all(value == found[0] for value in found)
        if not (same and only_differing):
            rows.append({"name": name, "values": found, "same": same})
    return rows


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """section.key → value; what is empty or no mapping is a value."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        inner = isinstance(value, Mapping) and value
        found |= _flat(value, f"{prefix}{key}.") if inner else {f"{prefix}{key}": value}
    return found
