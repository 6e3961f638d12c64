"""Verifies the manifests of texts: signature and assertions by c2pa-python, the place of the manifest here.

c2pa-python knows no text formats. It is given the bytes of the text with the store beside them, checks signature,
trust, assertions and the hash over what the hard binding leaves of the bytes, and finds fault with one thing only: that
it cannot tell where in the bytes the store is. That is checked here, against the place where it was found.
"""

import itertools
import unicodedata
from collections.abc import Sequence
from typing import Any

from curate.provenance.credentials import Credentials, credentials_of
from curate.provenance.native import UNKNOWN_TYPE, StoreReader
from curate.provenance.text.find import find_manifests, may_have_manifest
from curate.provenance.text.manifest import MULTIPLE, TextManifest

_MATCH, _MISMATCH = "assertion.dataHash.match", "assertion.dataHash.mismatch"
_MALFORMED = "assertion.dataHash.malformed"
_UNTRUSTED, _TRUSTED = "signingCredential.untrusted", "signingCredential.trusted"
_MOST_READ = 8
"""Stores of one text that are read; a text may have one."""
_LONGEST_RUN = 500
"""Combining characters in a row. Unicode's stream-safe format allows 30; sorting them takes quadratic time."""


def text_credentials(text: str, manifests: Sequence[TextManifest], context: StoreReader) -> Credentials:
    """The credentials of a text.

    Args:
        text: as it was found, with its manifests; bytes that are no UTF-8 as surrogate escapes.
        manifests: from `find_manifests`, at least one.
        context: from `curate.provenance.credentials.make_context`.

    Returns:
        What was found; anything that goes wrong is in `error`, never raised. A text with several manifests is Invalid,
        and what any of them refuses is refused. References are not followed.
    """
    carried = [manifest for manifest in manifests if manifest.store is not None or manifest.url is not None]
    if not carried:
        return Credentials(error=manifests[0].error)
    if len(carried) > 1:
        return _several(text, carried, context)
    if carried[0].store is None:
        return Credentials(remote_url=carried[0].url)
    return _verify(text, carried[0], context)


def file_credentials(data: bytes, context: StoreReader) -> Credentials | None:
    """The credentials inside a file of text; None for a file without manifests in it.

    Args:
        data: content of the file.
        context: from `curate.provenance.credentials.make_context`.
    """
    if not may_have_manifest(data):
        return None
    text = data.decode("utf-8", "surrogateescape")
    manifests = find_manifests(text)
    return text_credentials(text, manifests, context) if manifests else None


def _several(text: str, manifests: Sequence[TextManifest], context: StoreReader) -> Credentials:
    """What several manifests amount to: an Invalid store that says the strictest thing that any of them says."""
    stored = [manifest for manifest in manifests if manifest.store is not None]
    read = [_verify(text, manifest, context) for manifest in stored[:_MOST_READ]]
    uses = [credentials.training_mining for credentials in read]
    mining = next((use for use in ("notAllowed", "constrained", "allowed") if use in uses), None)
    explained = all(credentials.constraints_explained for credentials in read)
    return Credentials(
        has_credentials=True,
        validation_state="Invalid",
        digital_source_types=tuple(sorted({name for each in read for name in each.digital_source_types})),
        training_mining=mining,
        constraints_explained=explained,
        failures=(MULTIPLE[manifests[0].method],),
    )


def _verify(text: str, manifest: TextManifest, context: StoreReader) -> Credentials:
    normalized = manifest.method == "unstructured"
    if normalized and not _can_be_normalized(text):
        return Credentials(error=f"more than {_LONGEST_RUN} combining characters in a row")
    answer = context.read(UNKNOWN_TYPE, _bytes(text, normalized), manifest.store)
    places = [[_place(text, start, end, normalized)] for start, end in manifest.bindings]
    return credentials_of(answer, lambda store: _review(store, answer.exclusions in places))


def _bytes(text: str, normalized: bool) -> bytes:
    return (unicodedata.normalize("NFC", text) if normalized else text).encode("utf-8", "surrogateescape")


def _place(text: str, start: int, end: int, normalized: bool) -> list[int]:
    """Start and length in bytes. Nothing composes across U+FEFF and selectors, so their place can be counted apart."""
    return [len(_bytes(text[:start], normalized)), len(_bytes(text[start:end], normalized))]


def _can_be_normalized(text: str) -> bool:
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return True
    marks = (unicodedata.combining(character) > 0 for character in text)
    runs = (sum(1 for _ in run) for is_mark, run in itertools.groupby(marks) if is_mark)
    return max(runs, default=0) <= _LONGEST_RUN


def _review(store: dict[str, Any], in_place: bool) -> None:
    """Judges a store with what is known of its place in the text (C2PA 2.4, 15.12.1.1 and 15.12.1.3.1).

    Args:
        store: JSON of the manifest store, whose validation state and failures are changed.
        in_place: the hard binding leaves out the manifest as it was found, and nothing else.
    """
    results = store["validation_results"]
    active = results["activeManifest"]
    passed = {(item["code"], item.get("url")) for item in active["success"]}
    codes = {code for code, _ in passed}
    # The library says mismatch for the place that it does not find and for the hash: with a match, the place was all.
    only_place = {(_MISMATCH, url) for code, url in passed if code == _MATCH}
    failures = {(item["code"], item.get("url")): item for item in active["failure"]}
    failed = [item for key, item in failures.items() if key not in only_place]
    if _MATCH in codes and not in_place:
        failed.append({"code": _MALFORMED})
    active["failure"] = failed
    failed = failed + [item for delta in results.get("ingredientDeltas") or () for item in _failures(delta)]
    if _MATCH not in codes or {item["code"] for item in failed} - {_UNTRUSTED}:
        store["validation_state"] = "Invalid"
    else:
        store["validation_state"] = "Trusted" if _TRUSTED in codes and not failed else "Valid"


def _failures(delta: dict[str, Any]) -> list[dict[str, Any]]:
    return (delta.get("validationDeltas") or {}).get("failure") or []
