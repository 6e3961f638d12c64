"""Provenance of media files: the verdict on a single file, and the columns for a block of documents."""

import os
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from curate.config import Config
from curate.io.filesystem import LocalFiles, OpenFile
from curate.provenance.archives import Assets
from curate.provenance.credentials import Credentials, credential_evidence, make_context, read_credentials
from curate.provenance.evidence import Evidence, from_lists, to_lists
from curate.provenance.native import StoreReader
from curate.provenance.origin import fuse, own_class, prior
from curate.provenance.rights import rights_verdict

_LOCAL = LocalFiles()


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
        credentials = _read_path(path, assets.read, context)
    features = pa.table({"findings": to_lists([credential_evidence(credentials)])})
    own = own_class(features, config)
    verdict = fuse(
        own.evidence,
        own=own.own_class,
        conflict=own.conflict,
        prior=prior(features, config),
        rules=config.provenance,
    )
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
    open_file: Callable[[str], bytes],
) -> dict[str, pa.Array]:
    """Reads the content credentials of a block of documents.

    Args:
        media: binary[n], content of media files; wins over the path of the same row.
        media_path: string[n], paths of media files. At least one of the two is given.
        config: its provenance section is read.
        open_file: content of a path, on any filesystem; raises where there is none.

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
        credentials = _read_row(content, path.as_py(), open_file, context)
        if credentials is None:
            evidence.append([])
            trusted.append(None)
            errors.append(None)
            continue
        evidence.append(credential_evidence(credentials))
        trusted.append(credentials.validation_state == "Trusted" if credentials.has_credentials else None)
        errors.append(credentials.error)
    return {
        "findings": to_lists(evidence),
        "signature_trusted": pa.array(trusted, pa.bool_()),
        "errors": pa.array(errors, pa.string()),
    }


def _read_row(
    content: pa.Scalar, path: str | None, open_file: Callable[[str], bytes], context: StoreReader
) -> Credentials | None:
    """Credentials of one row; None for a row without media."""
    if content.is_valid:
        return read_credentials(content.as_py(), context=context)
    return None if path is None else _read_path(path, open_file, context)


def _read_path(path: str, open_file: Callable[[str], bytes], context: StoreReader) -> Credentials:
    try:
        data = open_file(path)
    except Exception as error:  # filesystems raise errors of many kinds; a missing file costs its own row only
        reason = getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
        return Credentials(error=f"{path}: {reason}"[:500])
    credentials = read_credentials(data, context=context, path=path)
    if credentials.has_credentials:
        return credentials
    sidecar = _sidecar(path, open_file)
    return credentials if sidecar is None else read_credentials(data, sidecar=sidecar, context=context, path=path)


def _sidecar(path: str, open_file: Callable[[str], bytes]) -> bytes | None:
    """Content of `photo.jpg.c2pa` or `photo.c2pa` beside `photo.jpg`, if there is one."""
    stem, extension = os.path.splitext(path)
    if extension == ".c2pa":
        return None
    for candidate in (f"{path}.c2pa", f"{stem}.c2pa"):
        try:
            return open_file(candidate)
        except Exception:  # absence shows as an error of the filesystem's own kind
            continue
    return None
