"""Whose signatures are trusted: the pinned C2PA trust lists, the operator's anchors, and how c2pa is told."""

import hashlib
import json
from functools import lru_cache
from importlib.resources import files
from typing import Any

from cryptography import x509

from curate.config import Provenance
from curate.errors import UsageError
from curate.io.filesystem import read_named

TSA_LIST = "c2pa-tsa-trust-list"
"""What c2pa is told the list of time-stamping authorities is called; it reports the list that a signer is on."""

# c2pa 0.91 takes emailProtection by itself; the C2PA certificate profile asks for claimSigning with it or with
# documentSigning, and a leaf with the latter would be Invalid.
_CLAIM_SIGNING = "1.3.6.1.4.1.62558.2.1"
_DOCUMENT_SIGNING = "1.3.6.1.5.5.7.3.36"


def trust_settings(trust_list: str | None, trust_anchors: str | None) -> dict[str, Any]:
    """The `trust` section of c2pa's settings.

    Args:
        trust_list: `c2pa` for the pinned lists.
        trust_anchors: path of the operator's own anchors, which are trusted besides.

    Raises:
        UsageError: the operator's file of trust anchors cannot be read or holds no certificate.
    """
    anchors = [
        {"trust_anchors": _resource(entry["file"]), "trust_uri": entry["file"][:-4], "trust_kind": entry["kind"]}
        for entry in _shipped(trust_list)
    ]
    if trust_anchors is not None:
        operator = {"trust_anchors": _read_anchors(trust_anchors), "trust_uri": "operator"}
        # First, so that a certificate that is on several lists is reported as the operator's.
        anchors.insert(0, {**operator, "trust_kind": "manifest"})
    return {"anchors": anchors, "trust_config": f"{_CLAIM_SIGNING}\n{_DOCUMENT_SIGNING}\n"}


def trust_list_id(config: Provenance) -> dict[str, Any]:
    """Whose signatures a run trusts, for its manifest.

    Returns:
        `lists`: name, date, sha256, number of certificates, source and commit of each pinned list; `operator`: sha256
        and number of certificates of the operator's anchors, None without any.

    Raises:
        UsageError: the operator's file of trust anchors cannot be read or holds no certificate.
    """
    told = ("name", "date", "sha256", "certificates", "source", "commit")
    operator = None
    if config.trust_anchors is not None:
        pem = _read_anchors(config.trust_anchors)
        operator = {"sha256": hashlib.sha256(pem.encode()).hexdigest(), "certificates": pem.count("-----BEGIN CERT")}
    return {"lists": [{key: entry[key] for key in told} for entry in _shipped(config.trust_list)], "operator": operator}


def _shipped(trust_list: str | None) -> list[dict[str, Any]]:
    return _lists() if trust_list == "c2pa" else []


@lru_cache(maxsize=1)
def _lists() -> list[dict[str, Any]]:
    return json.loads(_resource("lists.json"))


def _resource(name: str) -> str:
    return (files("curate.provenance") / "trust" / name).read_text(encoding="utf-8")


def _read_anchors(path: str) -> str:
    pem = read_named(path, "provenance.trust_anchors", "a readable PEM file")
    try:
        x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise UsageError(
            f"provenance.trust_anchors {path!r} holds no certificate, or a broken one; expected a PEM file of "
            f"certificates"
        ) from None
    return pem.decode("ascii", errors="replace")
