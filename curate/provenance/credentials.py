"""C2PA content credentials: what a manifest store says, told as facts and as evidence."""

import functools
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from curate.config import Provenance
from curate.provenance.evidence import CREDENTIALS, Evidence
from curate.provenance.formats import media_type
from curate.provenance.isolation import IsolatedReader
from curate.provenance.native import Answer, NativeReader, StoreReader
from curate.provenance.revocation import load_revocations
from curate.provenance.rights import UNKNOWN, rights_item, training_mining
from curate.provenance.rubric import NOTHING, Finding, actions_of, judge_store, source_name
from curate.provenance.trust_list import TSA_LIST, trust_settings

_MAX_DETAIL = 500


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
        revoked: labels of the manifests in it whose signers are revoked.
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
    revoked: tuple[str, ...] = ()


def make_context(config: Provenance) -> StoreReader:
    """The reader of manifest stores, made once per process: offline unless `network`, with the trusted signers.

    Raises:
        UsageError: a file of trust anchors or revocation lists cannot be read or holds something else.
    """
    return _context(
        os.getpid(),
        config.network,
        config.isolate,
        config.trust_list,
        config.trust_anchors,
        config.revocation_lists,
    )


@functools.lru_cache(maxsize=8)
def _context(
    _process: int,
    network: bool,
    isolate: bool,
    trust_list: Literal["c2pa"] | None,
    trust_anchors: str | None,
    revocation_lists: tuple[str, ...],
) -> StoreReader:
    verify = {"remote_manifest_fetch": network, "ocsp_fetch": network}
    settings = {"verify": verify, "trust": trust_settings(trust_list, trust_anchors)}
    revocations = load_revocations(revocation_lists)
    return IsolatedReader(settings, revocations) if isolate else NativeReader(settings, revocations)


def read_credentials(
    data: bytes, *, sidecar: bytes | None = None, context: StoreReader, path: str | None = None
) -> Credentials:
    """The credentials embedded in an asset, or else those in its sidecar.

    Args:
        data: the asset, or a manifest store (`.c2pa`) by itself, which is Invalid since nothing is bound to it.
        sidecar: content of the `.c2pa` file that belongs to the asset.
        context: from `make_context`.
        path: name of the asset, whose extension tells the format where the content does not.

    Returns:
        What was found; anything that goes wrong is in `error`, never raised.
    """
    embedded = _read(data, None, context, path)
    if embedded.has_credentials or sidecar is None:
        return embedded
    return _read(data, sidecar, context, path)


def _read(data: bytes, sidecar: bytes | None, context: StoreReader, path: str | None) -> Credentials:
    if not data:
        return Credentials(error="the file is empty")
    mime = media_type(data, path)
    if mime is None:
        if sidecar is None:
            return Credentials(error="not a format that can carry content credentials")
        mime = "application/octet-stream"
    return credentials_of(context.read(mime, data, sidecar))


def credentials_of(answer: Answer, review: Callable[[dict[str, Any]], None] | None = None) -> Credentials:
    """The credentials that the library found.

    Args:
        answer: what the library made of an asset.
        review: changes validation state and results of the manifest store where the caller knows more than the library.
    """
    if answer.store is None:
        return Credentials(remote_url=answer.remote_url, error=answer.error)
    try:
        store = json.loads(answer.store)
        if review is not None:
            review(store)
        return _from_answer(answer, store)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        return Credentials(error=f"a manifest store of unknown form: {' '.join(str(error).split())}"[:500])


def _from_answer(answer: Answer, store: dict[str, Any]) -> Credentials:
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
    results = store.get("validation_results") or {}
    failures = [str(failure.get("code")) for failure in (results.get("activeManifest") or {}).get("failure") or ()]
    state = store.get("validation_state")
    if store["active_manifest"] in answer.revoked:
        state, failures = "Invalid", [*failures, "signingCredential.revoked"]
    elif state == "Trusted" and results.get("trustListUri") == TSA_LIST:
        state = "Valid"  # c2pa 0.91 takes an authority for time stamps as one for claims
    return Credentials(
        has_credentials=True,
        validation_state=state,
        signer=signature.get("issuer") or signature.get("common_name"),
        claim_generator=generators[0].get("name") or active.get("claim_generator"),
        digital_source_types=tuple(sorted(sources)),
        actions=tuple(str(action.get("action")) for action in actions_of(active)),
        training_mining=next((use for use in ("notAllowed", "constrained", "allowed") if use in uses), None),
        constraints_explained=explained,
        failures=tuple(failures) if state == "Invalid" else (),
        remote_url=answer.remote_url,
        store=store,
        revoked=answer.revoked,
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
        return [_item("c2pa_unreadable", credentials.error)]
    if not credentials.has_credentials:
        return [_item("c2pa_remote", f"not fetched: {credentials.remote_url}")] if credentials.remote_url else []
    if credentials.validation_state not in ("Trusted", "Valid"):
        return [_item("c2pa_invalid", ", ".join(credentials.failures) or "invalid")]
    trusted = credentials.validation_state == "Trusted"
    finding = judge_store(credentials.store, trusted, frozenset(credentials.revoked))
    parts = [
        ", ".join(credentials.digital_source_types) or "no digitalSourceType",
        f"signed by {credentials.signer}" if credentials.signer else "",
        f"made with {credentials.claim_generator}" if credentials.claim_generator else "",
        f"actions {', '.join(dict.fromkeys(credentials.actions))}" if credentials.actions else "",
    ]
    return [_item("c2pa_trusted" if trusted else "c2pa_valid", "; ".join(filter(None, parts)), finding)]


def _item(kind: str, detail: str, finding: Finding = NOTHING) -> Evidence:
    """Evidence whose detail, part of which strangers wrote, is one printable line of bounded length."""
    shown = "".join(character if character.isprintable() else " " for character in detail[:_MAX_DETAIL])
    return Evidence(CREDENTIALS, kind, finding.claim, finding.llr, " ".join(shown.split()))
