"""Manifests as ASCII armour in a comment or in front matter (C2PA 2.4, A.9).

Between the delimiters stands a data: URI with the manifest store, or the URL of one. What stands there else, in a text
about C2PA for instance, is text.
"""

import base64
import re

from curate.provenance.text.manifest import TextManifest, decode_base64, http_url, is_ruin
from curate.text.spans import Span

BEGIN, END = "-----BEGIN C2PA MANIFEST-----", "-----END C2PA MANIFEST-----"
_DELIMITER = re.compile(f"{BEGIN}|{END}")
_DATA_URI = "data:application/c2pa;base64,"
_MALFORMED = "manifest.structuredText.malformedReference"
_NEAR = 100
"""Characters on either side of a block within which its line has to begin and end to be a comment."""
# What comments consist of: punctuation, or the words that begin one in WebVTT, in batch files, in m4 and in Fortran.
_FRAME = re.compile(r"(?:NOTE|REM|dnl|C|[^\w\r\n]|_)*", re.IGNORECASE)


def encode(store: bytes, prefix: str = "<!--", suffix: str = "-->") -> str:
    """The line of a manifest store, a comment of the host format, with its line feed (A.9.3.1)."""
    reference = _DATA_URI + base64.b64encode(store).decode()
    return " ".join(filter(None, (prefix, BEGIN, reference, END, suffix))) + "\n"


def find(text: str) -> list[TextManifest]:
    """The blocks in a text, in linear time; a delimiter that has no counterpart is text."""
    found: list[TextManifest] = []
    opened: int | None = None
    for match in _DELIMITER.finditer(text):
        if match.group() == BEGIN:
            opened = match.start()
        elif opened is not None:
            found.append(_read(text, opened, match.end(), text[opened + len(BEGIN) : match.start()].strip()))
            opened = None
    return found


def _read(text: str, start: int, end: int, reference: str) -> TextManifest:
    if not reference:
        return TextManifest("structured", start, end, error="manifest.structuredText.emptyReference", payload=False)
    first, last, bindings = _lines(text, start, end)
    if reference[: len(_DATA_URI)].lower() == _DATA_URI:
        store = decode_base64(reference[len(_DATA_URI) :])
        if store:
            return TextManifest("structured", first, last, store, bindings=bindings)
        error = f"{_MALFORMED}: its data: URI holds no Base64"
        return TextManifest("structured", first, last, error=error, payload=is_ruin(reference))
    url = http_url(reference)
    if url is None:
        error = f"{_MALFORMED}: neither a data: URI nor a URL of the web"
        return TextManifest("structured", start, end, error=error, payload=False)
    return TextManifest("structured", first, last, url=url)


def _lines(text: str, start: int, end: int) -> tuple[int, int, tuple[Span, ...]]:
    """The lines that a block fills, or the block alone where other text stands on them; and what a binding leaves out.

    At the beginning of a file and in front matter the line break behind belongs to the block, at the end of a file the
    one before it (A.9.4).
    """
    first = text.rfind("\n", max(0, start - _NEAR), start) + 1
    stop = text.find("\n", end, end + _NEAR)
    stop = len(text) if stop < 0 else stop
    if start - first > _NEAR or stop - end > _NEAR:
        return start, end, ()
    content = stop - 1 if text.endswith("\r", end, stop) else stop
    if not (_FRAME.fullmatch(text, first, start) and _FRAME.fullmatch(text, end, content)):
        return start, end, ()
    if stop < len(text):
        return first, stop + 1, ((first, stop + 1), (first, stop), (first, content))
    before = first - (2 if text.endswith("\r\n", 0, first) else 1) if first else 0
    return before, stop, ((before, stop), (max(first - 1, 0), stop), (first, stop))
