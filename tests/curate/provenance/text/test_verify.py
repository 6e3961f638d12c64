import unicodedata

import c2pa_text
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.config import Provenance
from curate.provenance.credentials import credential_evidence, make_context
from curate.provenance.evidence import to_lists
from curate.provenance.native import Answer
from curate.provenance.rights import rights_verdict
from curate.provenance.text import html, structured, unstructured
from curate.provenance.text.find import find_manifests
from curate.provenance.text.verify import file_credentials, text_credentials

TEXTS = {
    "unstructured": "Cafe\u0301 au lait, in a text of its own.\n",
    "structured": "# A title\n\nA paragraph, très court.\r\n",
    "html": "<!DOCTYPE html>\n<html><HEAD><title>é</title></HEAD><body><svg></svg>A paragraph.</body></html>\n",
}
METHODS = list(TEXTS)
ENCODE = {"unstructured": unstructured.encode, "structured": structured.encode, "html": html.encode}


@pytest.fixture(scope="module")
def signed(signer):
    return {
        method: signer.sign_text(text, "trainedAlgorithmicMedia", {"cawg.ai_training": "notAllowed"}, method=method)
        for method, text in TEXTS.items()
    }


def read(text, context):
    return text_credentials(text, find_manifests(text), context)


def told(credentials):
    item = credential_evidence(credentials)[0]
    return item.kind, item.claim, item.detail


def rights_of(credentials):
    return rights_verdict(to_lists([credential_evidence(credentials)]))[0].as_py()


@pytest.mark.parametrize("method", METHODS)
def test_a_signed_text(signed, contexts, method):
    trusted = read(signed[method], contexts.trusted)
    assert (trusted.validation_state, trusted.failures, trusted.error) == ("Trusted", (), None)
    assert (trusted.digital_source_types, rights_of(trusted)) == (("trainedAlgorithmicMedia",), "deny")
    assert told(trusted)[:2] == ("c2pa_trusted", "synthetic")
    untrusted = read(signed[method], contexts.untrusted)
    assert (untrusted.validation_state, told(untrusted)[:2]) == ("Valid", ("c2pa_valid", "synthetic"))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + "x",
        lambda text: "x\n" + text,
        lambda text: text.replace("au lait", "au  lait").replace("A paragraph", "a paragraph"),
    ],
)
def test_a_changed_text_is_invalid(signed, contexts, method, change):
    changed = change(signed[method])
    assert changed != signed[method]
    credentials = read(changed, contexts.trusted)
    assert (credentials.validation_state, credentials.failures) == ("Invalid", ("assertion.dataHash.mismatch",))
    assert told(credentials) == ("c2pa_invalid", "unknown", "assertion.dataHash.mismatch")
    assert rights_of(credentials) == "deny"  # a refusal is honoured whatever the state


def test_normal_forms_are_one_text(signed, contexts):
    for form in ("NFC", "NFD"):
        assert read(unicodedata.normalize(form, signed["unstructured"]), contexts.trusted).validation_state == "Trusted"


@pytest.mark.parametrize("method", METHODS)
def test_a_manifest_of_another_text(signed, contexts, method):
    store = find_manifests(signed[method])[0].store
    credentials = read(f"Another text.\n{ENCODE[method](store)}", contexts.trusted)
    assert credentials.validation_state == "Invalid"


@pytest.mark.parametrize("method", METHODS)
def test_a_tampered_store(signed, contexts, method):
    store = bytearray(find_manifests(signed[method])[0].store)
    store[store.index(b"trainedAlgorithmicMedia")] ^= 1
    (manifest,) = find_manifests(signed[method])
    text = signed[method][: manifest.start] + ENCODE[method](bytes(store)) + signed[method][manifest.end :]
    credentials = read(text, contexts.trusted)
    assert credentials.validation_state == "Invalid"
    assert "assertion.hashedURI.mismatch" in credentials.failures


def test_a_binding_that_leaves_out_more_than_the_manifest(signer, contexts, monkeypatch):
    """The signer excludes the last letters of the text too, so that they could be anything."""
    real = unstructured.encode
    monkeypatch.setattr(unstructured, "encode", lambda store: "end" + real(store))
    text = signer.sign_text("A text with an ", "digitalCapture")
    monkeypatch.undo()
    credentials = read(text, contexts.trusted)
    assert (credentials.validation_state, credentials.failures) == ("Invalid", ("assertion.dataHash.malformed",))


def test_several_manifests_are_invalid_and_refusals_count(signer, signed, contexts):
    permission = signer.sign_text(TEXTS["unstructured"], "digitalCapture", {"cawg.ai_training": "allowed"})
    (manifest,) = find_manifests(signed["unstructured"])
    both = permission + signed["unstructured"][manifest.start : manifest.end]
    credentials = read(both, contexts.trusted)
    assert (credentials.validation_state, credentials.failures) == ("Invalid", ("manifest.text.multipleWrappers",))
    assert (credentials.has_credentials, rights_of(credentials)) == (True, "deny")
    assert credentials.digital_source_types == ("digitalCapture", "trainedAlgorithmicMedia")
    for method, code in (
        ("structured", "manifest.structuredText.multipleReferences"),
        ("html", "manifest.html.multipleManifests"),
    ):
        (manifest,) = find_manifests(signed[method])
        carrier = signed[method][manifest.start : manifest.end]
        assert read(signed[method].replace(carrier, carrier * 2), contexts.trusted).failures == (code,)


def test_only_some_of_very_many_manifests_are_read(signed):
    class Reader:
        asked = 0

        def read(self, mime, data, sidecar):
            self.asked += 1
            return Answer(error="not looked at")

    (manifest,) = find_manifests(signed["unstructured"])
    reader = Reader()
    found = read(signed["unstructured"][manifest.start : manifest.end] * 50, reader)
    assert (found.validation_state, reader.asked) == ("Invalid", 8)


def test_in_a_process_of_its_own(signed, anchors):
    context = make_context(Provenance(trust_anchors=anchors, isolate=True))
    try:
        assert read(signed["html"], context).validation_state == "Trusted"
        assert read(signed["html"] + "x", context).validation_state == "Invalid"
    finally:
        context.close()


def test_references_are_told_and_not_followed(contexts):
    for text in (
        c2pa_text.embed_html_reference(TEXTS["html"].replace("HEAD", "head"), "https://example.org/m.c2pa"),
        c2pa_text.embed_structured("x = 1\n", "https://example.org/m.c2pa", "#").text,
    ):
        assert told(read(text, contexts.trusted)) == (
            "c2pa_remote",
            "unknown",
            "not fetched: https://example.org/m.c2pa",
        )


def test_ruins_are_unreadable(signed, contexts):
    kind, claim, detail = told(read(signed["unstructured"][:-500], contexts.trusted))
    assert (kind, claim) == ("c2pa_unreadable", "unknown")
    assert detail.startswith("manifest.text.corruptedWrapper: ")
    assert told(read(f"text{unstructured.encode(b'no store')}", contexts.trusted))[0] == "c2pa_unreadable"


def test_combining_characters_without_end(signed, contexts):
    hostile = "a" + "\u0301\u0316" * 100_000 + signed["unstructured"]
    assert told(read(hostile, contexts.trusted))[2] == "more than 500 combining characters in a row"


def test_files(signed, contexts):
    for method in METHODS:
        assert file_credentials(signed[method].encode(), contexts.trusted).validation_state == "Trusted"
    assert file_credentials(b"A text about C2PA.", contexts.trusted) is None
    assert file_credentials(b"\xff\xd8\xff c2pa", contexts.trusted) is None
    broken = signed["structured"].replace("très", "tr\udce8s").encode("utf-8", "surrogateescape")
    assert file_credentials(broken, contexts.trusted).validation_state == "Invalid"


@settings(deadline=None, max_examples=25)
@given(data=st.binary(max_size=200), where=st.integers(0, 3000), method=st.sampled_from(METHODS))
def test_anything_for_a_store(signed, contexts, data, where, method):
    (manifest,) = find_manifests(signed[method])
    store = manifest.store[:where] + data + manifest.store[where + len(data) :]
    text = signed[method][: manifest.start] + ENCODE[method](store) + signed[method][manifest.end :]
    credentials = read(text, contexts.trusted)
    # Padding and some lengths of boxes are not signed; what is said is.
    unchanged = credentials.digital_source_types == ("trainedAlgorithmicMedia",)
    assert credentials.error or credentials.validation_state == "Invalid" or unchanged


@pytest.mark.parametrize("method", METHODS)
def test_another_implementation_agrees(signer, signed, method):
    encypher = pytest.importorskip("encypher_c2pa")
    mime = {"unstructured": "text/plain", "structured": "text/markdown", "html": "text/html"}[method]

    def verify(text):
        return encypher.verify(
            text.encode(), mime, trust_pem=signer.anchors_pem, no_default_trust=True, telemetry=False, online=False
        )

    report = verify(signed[method])
    assert (report["integrity"], report["hard_binding"]) == ("valid", "match")
    assert report["trust"]["status"] == "valid_for_supplied_material"
    assert verify(signed[method] + "x")["integrity"] == "invalid"
