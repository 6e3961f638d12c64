"""Embedded metadata of one media file as evidence."""

from curate.provenance.evidence import METADATA, Evidence
from curate.provenance.metadata.claims import unreadable
from curate.provenance.metadata.exif import read_exif, read_iim
from curate.provenance.metadata.generators import camera_evidence, generator_evidence
from curate.provenance.metadata.html import MAX_PAGE, html_evidence, is_html
from curate.provenance.metadata.images import find_blocks
from curate.provenance.metadata.stealth import hidden_fields
from curate.provenance.metadata.xmp import Properties, read_packet, xmp_evidence

_MAX_PACKETS = 16
_MAX_EVIDENCE = 64
_XMP_TEXTS = ("creatortool", "credit", "description", "usercomment")


def metadata_evidence(data: bytes, mime: str | None) -> list[Evidence]:
    """What a file says of itself: source types, generators, cameras, rights. Nothing in it can raise.

    Args:
        data: the file.
        mime: its media type by its content (`curate.provenance.formats.sniff`); None where that is unknown, which
            web pages are too.

    Returns:
        Evidence of the families metadata and rights, in the order in which it was found.
    """
    if mime in (None, "text/html", "image/svg+xml") and is_html(data):  # pages hold SVG too
        return html_evidence(data[: 4 * MAX_PAGE].decode("utf-8", "replace"))
    if mime is None:
        return []
    blocks = find_blocks(data, mime)
    exif = read_exif(blocks.exif)
    evidence = [unreadable(error) for error in (blocks.error, exif.error) if error]
    texts = [(keyword.lower(), text) for keyword, text in blocks.texts]
    texts += exif.texts.items()
    texts += read_iim(exif.iim or blocks.iim).items()
    for packet in list(filter(None, [*blocks.xmp, exif.xmp]))[:_MAX_PACKETS]:
        properties, error = read_packet(packet)
        texts += _texts_of(properties)
        evidence += xmp_evidence(properties)
        if error:
            evidence.append(unreadable(error))
    partly = any(item.claim == "mixed" for item in evidence)
    evidence += generator_evidence(_joined(texts), partly=partly)
    evidence += camera_evidence(exif.texts, exif.exposure)
    if mime == "image/png":
        evidence += _hidden(data)
    return list(dict.fromkeys(evidence))[:_MAX_EVIDENCE]


def _hidden(png: bytes) -> list[Evidence]:
    fields = hidden_fields(png)
    if fields is None:
        return []
    hidden = "hidden in the alpha channel"
    return generator_evidence(fields) or [Evidence(METADATA, "generator", "synthetic", 6.0, f"parameters {hidden}")]


def _texts_of(properties: Properties) -> list[tuple[str, str]]:
    return [(name, value) for name in _XMP_TEXTS for value in properties.get(name, ())]


def _joined(texts: list[tuple[str, str]]) -> dict[str, str]:
    """Texts by name; those of one name become one, a line each."""
    joined: dict[str, list[str]] = {}
    for name, text in texts:
        joined.setdefault(name, []).append(text)
    return {name: "\n".join(lines) for name, lines in joined.items()}
