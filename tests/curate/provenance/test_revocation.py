import time
from datetime import timedelta

import pytest
from authorities import ocsp_response, revocation_list, staple
from cryptography.hazmat.primitives import serialization
from cryptography.x509.ocsp import OCSPCertStatus

from curate.config import Provenance
from curate.errors import UsageError
from curate.provenance.credentials import credential_evidence, make_context, read_credentials
from curate.provenance.revocation import Revocations, load_revocations
from curate.provenance.signing import ThrowAwaySigner


def reading(asset, anchors, *lists, isolate=False):
    config = Provenance(trust_anchors=anchors, revocation_lists=lists, isolate=isolate)
    found = read_credentials(asset, context=make_context(config))
    (item,) = credential_evidence(found)
    return found.validation_state, item.kind, item.claim, item.llr, item.detail


@pytest.fixture
def revoked(signer, tmp_path):
    def write(*serials, by=signer, encoding=serialization.Encoding.PEM):
        path = tmp_path / "revoked.crl"
        path.write_bytes(revocation_list(by, *serials, encoding=encoding))
        return str(path)

    return write


@pytest.mark.parametrize("encoding", [serialization.Encoding.PEM, serialization.Encoding.DER])
def test_a_revoked_signer_signs_nothing_valid(signer, anchors, png, revoked, encoding):
    asset = signer.sign(png, "image/png", "digitalCapture")
    crl = revoked(1, signer.leaf.serial_number, encoding=encoding)
    invalid = ("Invalid", "c2pa_invalid", "unknown", 0.0, "signingCredential.revoked")
    assert reading(asset, anchors, crl) == invalid
    assert reading(asset, anchors, crl, isolate=True) == invalid
    assert reading(asset, anchors)[0] == "Trusted"


def test_a_number_is_revoked_by_its_own_issuer_only(signer, anchors, png, revoked):
    asset = signer.sign(png, "image/png", "digitalCapture")
    assert reading(asset, anchors, revoked(1, 2))[0] == "Trusted"
    other = ThrowAwaySigner("somebody else")
    assert reading(asset, anchors, revoked(signer.leaf.serial_number, by=other))[0] == "Trusted"


def test_an_ingredient_by_a_revoked_signer_contributes_nothing(signer, anchors, png, tmp_path, revoked):
    stranger = ThrowAwaySigner("somebody else")
    both = tmp_path / "both.pem"
    both.write_text(signer.anchors_pem + stranger.anchors_pem)
    generated = stranger.sign(png, "image/png", "trainedAlgorithmicMedia")
    asset = signer.sign(png, "image/png", "digitalCapture", ingredients=[("componentOf", generated)])
    assert reading(asset, str(both))[1:3] == ("c2pa_trusted", "mixed")
    crl = revoked(stranger.leaf.serial_number, by=stranger)
    assert reading(asset, str(both), crl)[1:4] == ("c2pa_trusted", "human", -5.0)


def test_several_lists_to_a_file_and_several_files(signer, tmp_path):
    other = ThrowAwaySigner("somebody else")
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(revocation_list(signer, 5) + revocation_list(other, 5, 6))
    two.write_bytes(revocation_list(signer, 7))
    found = load_revocations([str(one), str(two)])
    ours, theirs = signer.root.subject.public_bytes(), other.root.subject.public_bytes()
    assert found == Revocations({"5": {ours, theirs}, "6": {theirs}, "7": {ours}})


def test_bad_lists(tmp_path, signer):
    with pytest.raises(UsageError, match="readable CRL"):
        load_revocations([str(tmp_path / "none")])
    path = tmp_path / "anchors.pem"
    for content in (signer.anchors_pem.encode(), b"", b"-----BEGIN X509 CRL-----\nAA\n-----END X509 CRL-----"):
        path.write_bytes(content)
        with pytest.raises(UsageError, match="PEM or DER"):
            load_revocations([str(path)])


@pytest.mark.parametrize(
    ("status", "state", "claim"),
    [(OCSPCertStatus.GOOD, "Trusted", "human"), (OCSPCertStatus.REVOKED, "Invalid", "unknown")],
)
def test_an_answer_that_is_stapled_to_the_signature_counts(signer, anchors, png, status, state, claim):
    asset = signer.sign(png, "image/png", "digitalCapture")
    stapled = staple(asset, ocsp_response(signer, status))
    assert len(stapled) == len(asset)
    found = reading(stapled, anchors)
    assert (found[0], found[2]) == (state, claim)
    assert ("signingCredential.ocsp.revoked" in found[4]) == (state == "Invalid")


def test_a_signature_without_a_time_stamp_ends_with_its_certificate(png, tmp_path):
    signer = ThrowAwaySigner(lifetime=timedelta(seconds=2))
    path = tmp_path / "anchors.pem"
    path.write_text(signer.anchors_pem)
    asset = signer.sign(png, "image/png", "digitalCapture")
    deadline = time.monotonic() + 60
    while (found := reading(asset, str(path)))[0] != "Invalid" and time.monotonic() < deadline:
        time.sleep(0.2)
    assert found[:4] == ("Invalid", "c2pa_invalid", "unknown", 0.0)
    assert "signingCredential.expired" in found[4]
