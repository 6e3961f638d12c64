"""Provenance of media files: the verdict on a single file, and the columns for a block of documents."""

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import pyarrow as pa

from curate.config import Config
from curate.io.filesystem import LocalFiles, OpenFile
from curate.provenance.archives import Assets
from curate.provenance.credentials import Credentials, credential_evidence, make_context, read_credentials
from curate.provenance.evidence import Evidence, from_lists, to_lists
from curate.provenance.formats import sniff
from curate.provenance.metadata.embedded import metadata_evidence
from curate.provenance.native import StoreReader
from curate.provenance.origin import fuse, own_class, prior
from curate.provenance.rights import rights_verdict
from curate.provenance.text.verify import file_credentials

_LOCAL = LocalFiles()

_TEXTS = (".txt", ".md", ".html", ".htm", ".xhtml")
"""Endings of files that may carry credentials by C2PA 2.4, A.7 to A.9; not to find any in one is no error."""

ReadFile = Callable[[str], bytes]


class _Asset(NamedTuple):
    """What a media file says of itself: by its credentials, and by other metadata in it."""

    credentials: Credentials
    metadata: list[Evidence]

    def evidence(self) -> list[Evidence]:
        return [*credential_evidence(self.credentials), *self.metadata]


def examine(path: str, config: Config, open_file: OpenFile = _LOCAL.open) -> dict[str, Any]:
    """The provenance verdict on one file, with a sidecar beside it (same stem or name, `.c2pa`) taken into account.

    Args:
        path: a file, or `ARCHIVE!/MEMBER`; a lone `.c2pa` is read as it is.
        config: its provenance section is read.
        open_file: opens a file on any filesystem.

    Returns:
        The record that `curate provenance` prints, of plain JSON types; what goes wrong is in `error`.

    Raises:
        UsageError: the configured trust anchors or revocation lists cannot be read.
    """
    context = make_context(config.provenance)
    with Assets(open_file, config.provenance.max_media_bytes) as assets:
        asset = _read_path(path, assets.read, context)
    features = pa.table({"findings": to_lists([asset.evidence()])})
    own = own_class(features, config)
    verdict = fuse(
        own.evidence,
        own=own.own_class,
        conflict=own.conflict,
        prior=prior(features, config),
        rules=config.provenance,
    )
    credentials = asset.credentials
    return {
        "file": path,
        "has_credentials": credentials.has_credentials,
        "validation_state": credentials.validation_state,
        "digital_source_types": list(credentials.digital_source_types),
        "training_mining": credentials.training_mining,
        "origin": verdict.origin[0].as_py(),
        "tier": verdict.tier[0].as_py(),
        "p_synthetic": round(float(verdict.p_synthetic[0]), 6),
        "rights": rights_verdict(features["findings"])[0].as_py(),
        "evidence": [vars(item) for row in from_lists(own.evidence) for item in row],
        "error": credentials.error,
    }


def block_provenance(
    media: pa.Array | pa.ChunkedArray | None,
    media_path: pa.Array | pa.ChunkedArray | None,
    *,
    config: Config,
    read_file: ReadFile,
) -> dict[str, pa.Array]:
    """Reads the content credentials and other embedded metadata of a block of documents.

    Args:
        media: binary[n], content of media files; wins over the path of the same row.
        media_path: string[n], paths of media files. At least one of the two is given.
        config: its provenance section is read.
        read_file: content of a path, on any filesystem; raises where there is none.

    Returns:
        `findings` (EVIDENCE_LIST), `signature_trusted` (bool, null without credentials) and `errors` (string, null
        where all went well), each of length n.

    Raises:
        UsageError: the configured trust anchors or revocation lists cannot be read.
    """
    column = media if media is not None else media_path
    if column is None:
        raise ValueError("block_provenance got neither media nor media_path; give at least one")
    contents = media if media is not None else pa.nulls(len(column), pa.binary())
    paths = media_path if media_path is not None else pa.nulls(len(column), pa.string())
    context = make_context(config.provenance)
    evidence: list[list[Evidence]] = []
    trusted: list[bool | None] = []
    errors: list[str | None] = []
    for content, path in zip(contents, paths, strict=True):
        asset = _read_row(content, path.as_py(), read_file, context)
        if asset is None:
            evidence.append([])
            trusted.append(None)
            errors.append(None)
            continue
        state = asset.credentials.validation_state
        evidence.append(asset.evidence())
        trusted.append(state == "Trusted" if asset.credentials.has_credentials else None)
        errors.append(asset.credentials.error)
    return {
        "findings": to_lists(evidence),
        "signature_trusted": pa.array(trusted, pa.bool_()),
        "errors": pa.array(errors, pa.string()),
    }


def _read_row(content: pa.Scalar, path: str | None, read_file: ReadFile, context: StoreReader) -> _Asset | None:
    """What the media of one row say; None for a row without media."""
    if content.is_valid:
        return _read_bytes(content.as_py(), context)
    return None if path is None else _read_path(path, read_file, context)


def _read_path(path: str, read_file: ReadFile, context: StoreReader) -> _Asset:
    try:
        data = read_file(path)
    except Exception as error:  # filesystems raise errors of many kinds; a missing file costs its own row only
        reason = getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
        return _Asset(Credentials(error=f"{path}: {reason}"[:500]), [])
    asset = _read_bytes(data, context, path)
    sidecar = None if asset.credentials.has_credentials else _sidecar(path, read_file)
    if sidecar is None:
        return asset
    return asset._replace(credentials=read_credentials(data, sidecar=sidecar, context=context, path=path))


def _read_bytes(data: bytes, context: StoreReader, path: str | None = None) -> _Asset:
    mime = sniff(data)
    inside = None
    if data and mime in (None, "image/svg+xml"):  # pages have drawings in them
        named_text = path is not None and path.lower().endswith(_TEXTS)
        inside = file_credentials(data, context) or (Credentials() if named_text else None)
    credentials = inside or read_credentials(data, context=context, path=path)
    return _Asset(credentials, metadata_evidence(data, mime))


def _sidecar(path: str, read_file: ReadFile) -> bytes | None:
    """Content of `photo.jpg.c2pa` or `photo.c2pa` beside `photo.jpg`, if there is one."""
    stem, extension = os.path.splitext(path)
    if extension == ".c2pa":
        return None
    for candidate in (f"{path}.c2pa", f"{stem}.c2pa"):
        try:
            return read_file(candidate)
        except Exception:  # absence shows as an error of the filesystem's own kind
            continue
    return None
