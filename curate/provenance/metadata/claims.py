"""What embedded metadata claims, as evidence; all of it is unsigned, so whoever copies a file may change it."""

from curate.provenance.evidence import METADATA, Evidence
from curate.provenance.rights import rights_item
from curate.provenance.rubric import INCEPTION, UNKNOWN, source_name

_SHOWN = 80  # characters of a stranger's value that a detail repeats
_SCHEMA_SUFFIX = "DigitalSource"
_SCHEMA_NAMES = {"multiFrameComputationalCapture": "computationalCapture"}


def source_evidence(kind: str, value: str) -> Evidence:
    """An unsigned digitalSourceType, weighed like that of a valid C2PA manifest whose signer nobody knows.

    Args:
        kind: where it was found, for example `iptc_source_type`.
        value: a URI of IPTC, C2PA or schema.org, or the bare name.
    """
    name = canonical_source(value)
    signal = INCEPTION.get(name, UNKNOWN)
    return Evidence(METADATA, kind, signal.claim, signal.valid, shown(name))


def canonical_source(value: str) -> str:
    """The IPTC name of a source type; schema.org names them `TrainedAlgorithmicMediaDigitalSource` and so on."""
    name = source_name(value.strip())
    if ":" in name:
        name = name.rsplit(":", 1)[1]
    if name.endswith(_SCHEMA_SUFFIX):
        name = name.removesuffix(_SCHEMA_SUFFIX)
    name = name[:1].lower() + name[1:]
    return _SCHEMA_NAMES.get(name, name)


def rights_evidence(kind: str, verdict: str, said: str) -> Evidence:
    """A statement about use, which says nothing about origin."""
    return rights_item(kind, verdict, shown(said, 200))


def unreadable(reason: object) -> Evidence:
    """Metadata that are there and cannot be read."""
    return Evidence(METADATA, "metadata_unreadable", "unknown", 0.0, shown(str(reason) or type(reason).__name__, 200))


def shown(text: str, limit: int = _SHOWN) -> str:
    """One short printable line of a stranger's text."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * limit]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
