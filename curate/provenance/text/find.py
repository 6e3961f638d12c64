"""Finds the manifests in texts, singly and by the column, and takes them out."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.provenance.text import html, structured, unstructured
from curate.provenance.text.manifest import TextManifest
from curate.schema import TEXT_EDITS
from curate.text.spans import remove_spans

EDIT = "c2pa"
"""The kind of edit in the ledger."""

_GUARDS = ("(?i)c2pa", unstructured.MAGIC_SELECTORS)
"""What a text with a manifest matches."""


def find_manifests(text: str) -> list[TextManifest]:
    """Everything in a text that carries credentials, refers to them, or is the ruin of such, in the order of the text.

    Takes time linear in the text, whatever it is, and raises nothing.
    """
    found = [*unstructured.find(text), *structured.find(text), *html.find(text)]
    return sorted(found, key=lambda manifest: (manifest.start, manifest.end))


def may_have_manifest(data: bytes) -> bool:
    """Whether it is worth while to decode a file and search it."""
    return b"c2pa" in data.lower() or unstructured.MAGIC_SELECTORS.encode() in data


@dataclass(frozen=True)
class Stripped:
    """Texts without their manifests.

    Attributes:
        texts: n strings of the type given; those without a manifest are as they were.
        edits: `curate.schema.TEXT_EDITS`[n], what was taken out, in code points of the texts as they were.
        found: the manifests by row.
    """

    texts: pa.Array
    edits: pa.ListArray
    found: dict[int, list[TextManifest]]


def strip_manifests(texts: pa.Array) -> Stripped:
    """Takes the manifests out of a column.

    Args:
        texts: string or large_string[n].
    """
    rows = np.flatnonzero(_suspects(texts))
    found = {int(row): find_manifests(texts[int(row)].as_py()) for row in rows}
    found = {row: manifests for row, manifests in found.items() if manifests}
    if not found:
        return Stripped(texts, pa.nulls(len(texts), TEXT_EDITS), {})
    edits = pa.array([_edits(found[row]) if row in found else None for row in range(len(texts))], TEXT_EDITS)
    return Stripped(remove_spans(texts, edits), edits, found)


def _suspects(texts: pa.Array) -> np.ndarray:
    """Rows that may have a manifest, bool[n]; the searches run at the speed of memory where they find nothing."""
    guards = (pc.match_substring_regex(texts, pattern) for pattern in _GUARDS)
    return pc.or_(*guards).fill_null(False).to_numpy(zero_copy_only=False)


def _edits(manifests: list[TextManifest]) -> list[dict[str, object]] | None:
    return [{"kind": EDIT, "start": m.start, "end": m.end} for m in manifests if m.payload] or None
