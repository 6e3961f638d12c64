"""XMP packets: the properties that tell of origin and of rights (ISO 16684-1, IPTC Photo Metadata 2025.1, PLUS LDF).

Only properties of the picture itself count: what a packet keeps of its ingredients and history lies deeper.
"""

import re

from defusedxml.ElementTree import DefusedXMLParser

from curate.provenance.evidence import METADATA, Evidence
from curate.provenance.metadata.claims import rights_evidence, shown, source_evidence
from curate.provenance.rights import ALLOW, CONSTRAINED, DENY, UNKNOWN, tdm_reservation
from curate.provenance.rubric import GENERATED, PARTLY_GENERATED

MAX_PACKET = 1 << 20
"""Bytes of a packet that are read; what counts stands at its beginning."""

_MAX_DEPTH = 256
_MAX_VALUE = 1 << 16
_MAX_VALUES = 64

# Parsers repeat the URI of a namespace in every name that uses it, so a long one would be multiplied.
_LONG_NAMESPACE = re.compile(rb"xmlns[^=<>]{0,100}=\s*[\"'][^\"'<>]{500}")

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_IPTC = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
_PLUS = "{http://ns.useplus.org/ldf/xmp/1.0/}"
_XMP = "{http://ns.adobe.com/xap/1.0/}"
_RIGHTS = "{http://ns.adobe.com/xap/1.0/rights/}"

_WANTED = {
    _IPTC + "DigitalSourceType": "source_type",
    _IPTC + "DigitalSourcefileType": "source_type",
    _IPTC + "AISystemUsed": "ai_system",
    _IPTC + "AISystemVersionUsed": "ai_version",
    _IPTC + "AIPromptInformation": "ai_prompt",
    _IPTC + "AIPromptWriterName": "ai_prompt",
    _IPTC + "EmbdEncRightsExpr": "rights_expression",
    _IPTC + "LinkedEncRightsExpr": "rights_expression",
    _PLUS + "OtherConstraints": "rights_expression",
    _PLUS + "DataMining": "data_mining",
    _XMP + "CreatorTool": "creatortool",
    "{http://ns.adobe.com/photoshop/1.0/}Credit": "credit",
    "{http://purl.org/dc/elements/1.1/}description": "description",
    "{http://ns.adobe.com/exif/1.0/}UserComment": "usercomment",
    _RIGHTS + "WebStatement": "rights_statement",
    _RIGHTS + "UsageTerms": "rights_statement",
    **{
        f"{{http://www.w3.org/ns/tdmrep{end}}}{name}": f"tdm_{name}"
        for end in ("", "/", "#")
        for name in ("reservation", "policy")
    },
}

_MINING = {
    "ALLOWED": ALLOW,
    "PROHIBITED": DENY,
    "PROHIBITED-AIMLTRAINING": DENY,
    "PROHIBITED-GENAIMLTRAINING": DENY,
    "PROHIBITED-EXCEPTSEARCHENGINEINDEXING": DENY,
}

Properties = dict[str, list[str]]


class _Collector:
    """Collects wanted properties while the parser reads, so that no tree of a stranger's size is built."""

    def __init__(self) -> None:
        self.found: Properties = {}
        self._path: list[str] = []
        self._name: str | None = None
        self._depth = 0
        self._text: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        path = self._path
        if len(path) > _MAX_DEPTH:
            raise ValueError(f"elements nested deeper than {_MAX_DEPTH}")
        if tag == _RDF + "Description" and path[-1:] == [_RDF + "RDF"]:
            for name, value in attributes.items():
                self._add(_WANTED.get(name), value)
        elif path[-2:] == [_RDF + "RDF", _RDF + "Description"]:
            self._name, self._depth, self._text = _WANTED.get(tag), len(path), []
            self._add(self._name, attributes.get(_RDF + "resource", ""))
        path.append(tag)

    def data(self, text: str) -> None:
        if self._name and len(self._text) < _MAX_VALUE:
            self._text.append(text[:_MAX_VALUE])

    def end(self, _tag: str) -> None:
        self._path.pop()
        if self._name and len(self._path) == self._depth:
            self._add(self._name, "".join(self._text))
            self._name = None

    def _add(self, name: str | None, value: str) -> None:
        value = value.strip()[:_MAX_VALUE]
        if name and value and len(self.found.setdefault(name, [])) < _MAX_VALUES:
            self.found[name].append(value)


def read_packet(packet: bytes) -> tuple[Properties, str | None]:
    """The wanted properties of a packet, and why the rest could not be read.

    Args:
        packet: RDF/XML, with or without its envelope. Entities are refused, external ones too.

    Returns:
        Values by short name, in order; and None or a reason.
    """
    collector = _Collector()
    text = _utf8(packet[:MAX_PACKET])
    if _LONG_NAMESPACE.search(text):
        return {}, "XMP: a namespace is longer than 500 characters"
    try:
        parser = DefusedXMLParser(target=collector, encoding="utf-8", forbid_entities=True, forbid_external=True)
        parser.feed(text)
        if len(packet) <= MAX_PACKET:
            parser.close()
    except Exception as error:  # a stranger's packet must cost one record, whatever the parser makes of it
        return collector.found, f"XMP: {error}"
    return collector.found, None


def _utf8(packet: bytes) -> bytes:
    """A packet in UTF-8, whatever Unicode encoding it has; padding is taken away."""
    if b"\0<" in packet[:4] or b"<\0" in packet[:4]:
        order = "be" if b"\0<" in packet[:4] else "le"
        packet = packet.decode(f"utf-16-{order}", "replace").lstrip("\ufeff").encode()
    return packet.removeprefix(b"\xef\xbb\xbf").strip(b"\0 \t\r\n")


def xmp_evidence(properties: Properties) -> list[Evidence]:
    """Origin and rights that the properties of one packet tell."""
    sources = [source_evidence("iptc_source_type", value) for value in dict.fromkeys(properties.get("source_type", ()))]
    return [*sources, *_ai_evidence(properties, sources), *_rights(properties)]


def _ai_evidence(properties: Properties, sources: list[Evidence]) -> list[Evidence]:
    """IPTC's AI properties; a source type of the same packet says how much of the picture they mean."""
    system, version = (" ".join(properties.get(name, ())[:1]) for name in ("ai_system", "ai_version"))
    if not system and "ai_prompt" not in properties:
        return []
    partly = bool(sources) and all(source.claim != "synthetic" for source in sources)
    signal = PARTLY_GENERATED if partly else GENERATED
    detail = shown(f"{system} {version}") if system else "a prompt is given"
    return [Evidence(METADATA, "iptc_ai_system", signal.claim, signal.valid, detail)]


def _rights(properties: Properties) -> list[Evidence]:
    explained = "rights_expression" in properties
    mining = [
        rights_evidence("plus_data_mining", _mining_claim(value, explained), value)
        for value in dict.fromkeys(properties.get("data_mining", ()))
    ]
    policy = next(iter(properties.get("tdm_policy", ())), None)
    reserved = [
        rights_evidence("tdm_reservation", tdm_reservation(value, policy), f"{value} {policy or ''}")
        for value in dict.fromkeys(properties.get("tdm_reservation", ()))
    ]
    statements = [rights_evidence("xmp_rights", UNKNOWN, value) for value in properties.get("rights_statement", ())]
    return [*mining, *reserved, *statements[:1]]


def _mining_claim(value: str, explained: bool) -> str:
    """A value of `plus:DataMining` (PLUS License Data Format, vocabulary DMI), as a URI or by name.

    `DMI-PROHIBITED-SEE…` points to an expression of rights; where there is none, there are no terms to meet.
    """
    name = value.rstrip("/").rsplit("/", 1)[-1].upper().removeprefix("DMI-")
    if name.startswith("PROHIBITED-SEE"):
        return CONSTRAINED if explained else DENY
    return _MINING.get(name, UNKNOWN)
