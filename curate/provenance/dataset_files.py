"""Files that describe a whole data set, parsed to what they say: Croissant JSON-LD, and dataset cards of Hugging Face.

Only fields that `curate.provenance.datasets` reads are looked at, in bounded number, length and depth.

Sources: Croissant 1.1 and RAI 1.0 (https://docs.mlcommons.org/croissant), the dataset card template of huggingface_hub,
and the Data & Trust Alliance's Data Provenance Standards 1.0.
"""

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from curate.errors import UsageError
from curate.plain_yaml import load_yaml

Said = Mapping[str, list[str]]
"""Field in lower case, without prefix and separators → what it says."""

_MOST_BYTES = 16 * 2**20
_MOST_FRONT_MATTER = 2**16  # of the keys that are read
_MOST_STRINGS, _MOST_CHARACTERS, _MOST_DEPTH = 1000, 2000, 6

_CARD = ("tags", "language_creators", "annotations_creators", "source_datasets", "license", "license_name")
_KEYS = re.compile(rf"(?:{'|'.join(_CARD)})[ \t]*:")
_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(.*?)^---[ \t]*\r?$", re.DOTALL | re.MULTILINE)

DESCRIBING = ("datacollection", "datacollectiontype", "datamanipulationprotocol", "wasgeneratedby", "wasattributedto")


def parse_metadata(content: bytes, name: str) -> Said:
    """Parses Croissant JSON-LD, other JSON with such fields, or the YAML front matter of a dataset card.

    Args:
        content: of the file.
        name: of the file, for messages.

    Raises:
        UsageError: it is neither, is not valid, or is larger or deeper than any such file.
    """
    if len(content) > _MOST_BYTES:
        raise UsageError(f"metadata {name!r} has {len(content):,} bytes, expected at most {_MOST_BYTES:,}")
    try:
        text = content.decode("utf-8-sig")
        if text.lstrip()[:1] in ("{", "["):
            return _fields(_dataset(json.loads(text)))
        front = _FRONT_MATTER.match(text)
        if front:
            return _fields(_card(front[1]))
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else " ".join(str(error).split())
        raise UsageError(f"metadata {name!r} cannot be read ({reason[:200]}); mend it, or leave it out") from None
    raise UsageError(
        f"metadata {name!r} is neither JSON nor has it YAML front matter, expected Croissant JSON-LD or a dataset card"
    )


def _card(front_matter: str) -> dict[str, Any]:
    """The keys of a card that are read; the others, which may list thousands of files, are not parsed."""
    kept, keep = [], False
    for line in front_matter.splitlines(keepends=True):
        if line[0] not in " \t#-\r\n":
            keep = bool(_KEYS.match(line))
        if keep:
            kept.append(line)
    text = "".join(kept)
    if len(text) > _MOST_FRONT_MATTER:
        raise ValueError(f"front matter has {len(text):,} characters, expected at most {_MOST_FRONT_MATTER:,}")
    values = load_yaml(text)
    return values if isinstance(values, dict) else {}


def _dataset(document: Any) -> dict[str, Any]:
    """The object that describes the data set: the document, or the first of its graph that says it is one."""
    graph = document.get("@graph", document) if isinstance(document, dict) else document
    if not isinstance(graph, list):
        return document if isinstance(document, dict) else {}
    objects = [entry for entry in graph if isinstance(entry, dict)]
    described = (entry for entry in objects if "Dataset" in str(entry.get("@type"))[:100])
    return next(described, objects[0] if objects else {})


_GROUPS = ("source", "provenance", "use")  # of the Data Provenance Standards
_READ = {key.replace("_", "") for key in _CARD} | {
    *DESCRIBING,
    "keywords",
    "method",
    "datacollectiontimeframe",
    "rangeofdatesfordatageneration",
    "wasderivedfrom",
    "usageinfo",
}


def _fields(values: Mapping[Any, Any]) -> dict[str, list[str]]:
    said: dict[str, list[str]] = {}
    groups = [values, *(part for name, part in values.items() if name in _GROUPS and isinstance(part, dict))]
    for group in groups:
        for key, value in group.items():
            field = re.sub(r"[\s_]", "", re.split(r"[:/#]", str(key)[-200:])[-1]).lower()
            if field in _READ:
                texts = said.setdefault(field, [])
                texts += _strings(value)[: _MOST_STRINGS - len(texts)]
    if "keywords" in said:
        said["keywords"] = [word.strip() for text in said["keywords"] for word in text.split(",")]
    return said


def _strings(value: Any) -> list[str]:
    """The strings within a value, in order, at most so many and so deep; types and ids of JSON-LD left out."""
    found: list[str] = []
    waiting = [(value, 0)]
    while waiting and len(found) < _MOST_STRINGS:
        item, depth = waiting.pop()
        if isinstance(item, dict):
            item = [part for key, part in item.items() if key not in ("@type", "@context")]
        if isinstance(item, list) and depth < _MOST_DEPTH:
            waiting += [(part, depth + 1) for part in reversed(item[:_MOST_STRINGS])]
        elif isinstance(item, str | int | date) and not isinstance(item, bool):
            found.append(str(item)[:_MOST_CHARACTERS])
    return found
