"""What a text says about its credentials, whichever way it says it."""

import base64
import binascii
import re
from dataclasses import dataclass

from curate.text.spans import Span

MULTIPLE = {
    "unstructured": "manifest.text.multipleWrappers",
    "structured": "manifest.structuredText.multipleReferences",
    "html": "manifest.html.multipleManifests",
}
"""The failure code of a text that has more than one manifest, by method (C2PA 2.4, A.8.7.1, A.9.3, A.7.1)."""

_URL = re.compile(r"https?://[\x21-\x7e]+", re.IGNORECASE)
_RUN = re.compile(r"[A-Za-z0-9+/]{60}")


@dataclass(frozen=True)
class TextManifest:
    """One manifest in a text, or what is left of one.

    Attributes:
        method: one of `MULTIPLE`.
        start: its first code point, counted with all that only frames it, such as the comment that it stands in.
        end: one after its last code point.
        store: the manifest store (JUMBF), if the text carries it.
        url: where the store is, if the text only refers to it.
        error: C2PA's failure code and what is wrong, where there is neither.
        bindings: the code points that a hard binding may leave out, each a valid reading of the specification.
        payload: it is taken out of the text. What merely looks like a manifest to people stays.
    """

    method: str
    start: int
    end: int
    store: bytes | None = None
    url: str | None = None
    error: str | None = None
    bindings: tuple[Span, ...] = ()
    payload: bool = True


def decode_base64(text: str) -> bytes | None:
    """The bytes of standard, padded Base64 (RFC 4648, section 4); None for anything else, or nothing."""
    try:
        return base64.b64decode(text, validate=True) or None
    except (binascii.Error, ValueError):
        return None


def is_ruin(text: str) -> bool:
    """Whether what is no Base64 was some, rather than words about it: it has a run of it that is longer than words."""
    return _RUN.search(text) is not None


def http_url(reference: str) -> str | None:
    """The reference if it is a URL of the web, at most 400 characters of it."""
    return reference[:400] if _URL.fullmatch(reference) else None
