"""C2PA content credentials: read with c2pa-python, told as evidence."""

import functools
import io
import json
import os
import re
import zipfile
from dataclasses import dataclass, field
from typing import Any

import c2pa

from curate.config import Provenance
from curate.errors import UsageError
from curate.provenance.evidence import CREDENTIALS, Evidence
from curate.provenance.rights import UNKNOWN, rights_item, training_mining
from curate.provenance.rubric import actions_of, judge_store, source_name

_STORE_TYPE = "application/c2pa"
_REMOTE = re.compile(r"must fetch remote manifests? from url\s+(\S+)")

_MAGIC = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"\xff\x0a", "image/jxl"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "image/jxl"),
    (b"%PDF-", "application/pdf"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xf2", "audio/mpeg"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/avi"}
_BRANDS = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heif",
    b"qt  ": "video/quicktime",
    b"M4A ": "audio/mp4",
}
_OFFICE = {
    "word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ppt/": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}


@dataclass(frozen=True)
class Credentials:
    """The content credentials of one asset.

    Attributes:
        has_credentials: a manifest store was found and read.
        validation_state: Trusted, Valid (the signer is not on the trust list) or Invalid; None without credentials.
        signer: issuer of the certificate that signed the active manifest.
        claim_generator: the software that made it.
        digital_source_types: bare names of all in the store, sorted.
        actions: action names of the active manifest, in order.
        training_mining: the strictest use found in the store: notAllowed, constrained or allowed.
        constraints_explained: every `constrained` entry says what its constraints are.
        failures: validation status codes of an Invalid store.
        remote_url: where the credentials are kept, if not with the asset.
        error: why they could not be read, in one line.
        store: the manifest store as c2pa reports it.
    """

    has_credentials: bool = False
    validation_state: str | None = None
    signer: str | None = None
    claim_generator: str | None = None
    digital_source_types: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    training_mining: str | None = None
    constraints_explained: bool = True
    failures: tuple[str, ...] = ()
    remote_url: str | None = None
    error: str | None = None
    store: dict[str, Any] = field(default_factory=dict, repr=False)


def make_context(config: Provenance) -> c2pa.Context:
    """The reader's settings, built once per process: offline unless `network`, and the operator's trust anchors.

    Raises:
        UsageError: the file of trust anchors cannot be read or holds no certificate.
    """
    return _context(os.getpid(), config.network, config.trust_anchors)


@functools.lru_cache(maxsize=8)
def _context(_process: int, network: bool, anchors_path: str | None) -> c2pa.Context:
    settings: dict[str, Any] = {"verify": {"remote_manifest_fetch": network, "ocsp_fetch": network}}
    if anchors_path is not None:
        settings["trust"] = {"trust_anchors": _read_anchors(anchors_path)}
    return c2pa.Context.from_dict(settings)


def _read_anchors(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            pem = file.read()
    except OSError as error:
        raise UsageError(
            f"provenance.trust_anchors {path!r}: {error.strerror}; give the path of a readable PEM file"
        ) from None
    if "-----BEGIN CERTIFICATE-----" not in pem:
        raise UsageError(f"provenance.trust_anchors {path!r} holds no certificate, expected a PEM file of certificates")
    return pem


def sniff(data: bytes) -> str | None:
    """The media type of an asset by its first bytes, whatever its name says; None for an unknown one."""
    head = data[:512]
    if head[4:8] == b"jumb":
        return _STORE_TYPE
    for magic, mime in _MAGIC:
        if head.startswith(magic):
            return mime
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12])
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    if head[4:8] in (b"moov", b"mdat", b"wide"):
        return "video/quicktime"
    if head[:4] == b"PK\x03\x04":
        return _sniff_zip(data)
    return "image/svg+xml" if b"<svg" in data[:4096].lower() else None


def _sniff_zip(data: bytes) -> str:
    """EPUB and OpenDocument name their type in the first member; Office files are told by their folders."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if "mimetype" in names:
                with archive.open("mimetype") as member:
                    return member.read(128).decode("ascii").strip()
    except Exception:  # a broken archive raises errors of many kinds; the reader will say what is wrong
        return "application/zip"
    return next(
        (mime for folder, mime in _OFFICE.items() if any(n.startswith(folder) for n in names)), "application/zip"
    )


def read_credentials(data: bytes, *, sidecar: bytes | None = None, context: c2pa.Context) -> Credentials:
    """The credentials embedded in an asset, or else those in its sidecar.

    Args:
        data: the asset, or a manifest store (`.c2pa`) by itself, which is Invalid since nothing is bound to it.
        sidecar: content of the `.c2pa` file that belongs to the asset.
        context: from `make_context`.

    Returns:
        What was found; anything that goes wrong is in `error`, never raised.
    """
    embedded = _read(data, None, context)
    if embedded.has_credentials or sidecar is None:
        return embedded
    return _read(data, sidecar, context)


def _read(data: bytes, sidecar: bytes | None, context: c2pa.Context) -> Credentials:
    if not data:
        return Credentials(error="the file is empty")
    mime = sniff(data)
    if mime is None:
        if sidecar is None:
            return Credentials(error="not a format that can carry content credentials")
        mime = "application/octet-stream"
    try:
        reader = c2pa.Reader.try_create(mime, io.BytesIO(data), sidecar, context=context)
        if reader is None:
            return Credentials()
        with reader:
            return _from_store(json.loads(reader.json()), reader.get_remote_url())
    except Exception as error:  # a stranger's file must cost one record, whatever the library makes of it
        message = " ".join(str(error).split()) or type(error).__name__
        remote = _REMOTE.search(message)
        if remote:
            return Credentials(remote_url=remote.group(1))
        return Credentials(error=message[:500])


def _from_store(store: dict[str, Any], remote_url: str | None) -> Credentials:
    manifests = store["manifests"]
    active = manifests[store["active_manifest"]]
    sources: set[str] = set()
    uses: set[str] = set()
    explained = True
    for manifest in manifests.values():
        for assertion in manifest.get("assertions") or ():
            sources.update(source_name(uri) for uri in _values(assertion, "digitalSourceType") if uri)
            if str(assertion.get("label")).startswith(("c2pa.training-mining", "cawg.training-mining")):
                for entry in _entries(assertion.get("data")):
                    uses.add(str(entry.get("use")))
                    explained &= entry.get("use") != "constrained" or bool(
                        entry.get("constraints_info") or entry.get("constraint_info")
                    )
    generators = active.get("claim_generator_info") or [{}]
    signature = active.get("signature_info") or {}
    results = (store.get("validation_results") or {}).get("activeManifest") or {}
    state = store.get("validation_state")
    return Credentials(
        has_credentials=True,
        validation_state=state,
        signer=signature.get("issuer") or signature.get("common_name"),
        claim_generator=generators[0].get("name") or active.get("claim_generator"),
        digital_source_types=tuple(sorted(sources)),
        actions=tuple(str(action.get("action")) for action in actions_of(active)),
        training_mining=next((use for use in ("notAllowed", "constrained", "allowed") if use in uses), None),
        constraints_explained=explained,
        failures=tuple(str(f.get("code")) for f in results.get("failure") or ()) if state == "Invalid" else (),
        remote_url=remote_url,
        store=store,
    )


def _entries(data: object) -> list[dict[str, Any]]:
    """The entries of a training-mining assertion: a map of use to terms, or a list of terms."""
    entries = data.get("entries") if isinstance(data, dict) else None
    items = list(entries.values()) if isinstance(entries, dict) else entries
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _values(tree: object, key: str) -> list[object]:
    """All values of a key at any depth, without recursion, since a stranger chooses the depth."""
    found: list[object] = []
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            found += [value for name, value in node.items() if name == key]
            pending += node.values()
        elif isinstance(node, list):
            pending += node
    return found


def credential_evidence(credentials: Credentials) -> list[Evidence]:
    """The credentials as evidence: at most one item on origin, by `curate.provenance.rubric`, and one on rights."""
    rights = training_mining(
        credentials.training_mining,
        explained=credentials.constraints_explained,
        valid=credentials.validation_state in ("Trusted", "Valid"),
    )
    if rights == UNKNOWN:
        return _origin_evidence(credentials)
    basis = f"training-mining assertion: {credentials.training_mining}"
    return [*_origin_evidence(credentials), rights_item("training_mining", rights, basis)]


def _origin_evidence(credentials: Credentials) -> list[Evidence]:
    """An Invalid store weighs nothing, since re-encoding breaks hashes innocently, but it is told."""
    if credentials.error is not None:
        return [Evidence(CREDENTIALS, "c2pa_unreadable", "unknown", 0.0, credentials.error)]
    if not credentials.has_credentials:
        if credentials.remote_url is None:
            return []
        return [Evidence(CREDENTIALS, "c2pa_remote", "unknown", 0.0, f"not fetched: {credentials.remote_url}")]
    if credentials.validation_state not in ("Trusted", "Valid"):
        return [Evidence(CREDENTIALS, "c2pa_invalid", "unknown", 0.0, ", ".join(credentials.failures) or "invalid")]
    trusted = credentials.validation_state == "Trusted"
    finding = judge_store(credentials.store, trusted)
    detail = "; ".join(
        filter(
            None,
            [
                ", ".join(credentials.digital_source_types) or "no digitalSourceType",
                f"signed by {credentials.signer}" if credentials.signer else "",
                f"made with {credentials.claim_generator}" if credentials.claim_generator else "",
            ],
        )
    )
    return [Evidence(CREDENTIALS, "c2pa_trusted" if trusted else "c2pa_valid", finding.claim, finding.llr, detail)]
