"""Manifests in HTML: a script element with the store in Base64, or a link element with its address (C2PA 2.4, A.7)."""

import base64
import html as entities
import re

from curate.provenance.text.manifest import TextManifest, decode_base64, http_url, is_ruin

# No tag that is looked for has a < in it, which bounds what an unclosed one makes the search read again.
_TAG = re.compile(r"<(script|link)(?=[\s/>])([^<>]*)>|</script\s*>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([^\s"'>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""")


def encode(store: bytes) -> str:
    """The script element of a manifest store, to be put into the head of a document (A.7.1.1)."""
    return f'<script type="application/c2pa">{base64.b64encode(store).decode()}</script>'


def find(text: str) -> list[TextManifest]:
    """The elements in a document, in linear time, wherever they stand in it."""
    found: list[TextManifest] = []
    script: re.Match[str] | None = None  # a script ends with its end tag; what looks like a tag in it is none
    for match in _TAG.finditer(text):
        if script is not None:
            if match.group(1) is None:
                found += _script(text, script, match)
                script = None
        elif match.group(1) is not None and match.group(1).lower() == "script":
            script = match
        elif match.group(1) is not None:
            found += _link(match)
    return found


def _script(text: str, opening: re.Match[str], closing: re.Match[str]) -> list[TextManifest]:
    if _attributes(opening.group(2)).get("type", "").strip().lower() != "application/c2pa":
        return []
    start, end = opening.start(), closing.end()
    content = text[opening.end() : closing.start()].strip()
    store = decode_base64(content)
    if store is None:
        error = "manifest.inaccessible: its script element holds no Base64"
        return [TextManifest("html", start, end, error=error, payload=is_ruin(content))]
    return [TextManifest("html", start, end, store, bindings=((start, end),))]


def _link(match: re.Match[str]) -> list[TextManifest]:
    attributes = _attributes(match.group(2))
    if "c2pa-manifest" not in attributes.get("rel", "").lower().split():
        return []
    url = entities.unescape(attributes.get("href", "").strip())
    known = http_url(url) or (url[:400] if re.fullmatch(r"[\x21-\x7e]+", url) else None)
    error = None if known else "manifest.inaccessible: its link element has no usable href"
    return [TextManifest("html", *match.span(), url=known, error=error)]


def _attributes(tag: str) -> dict[str, str]:
    """Names in lower case and values; the first of equal names counts, as in HTML."""
    values: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(tag):
        values.setdefault(match.group(1).lower(), next(filter(None, match.groups()[1:]), ""))
    return values
