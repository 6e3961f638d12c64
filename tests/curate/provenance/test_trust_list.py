import hashlib
import json
from datetime import date
from importlib.resources import files

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from curate.config import Provenance
from curate.errors import UsageError
from curate.provenance.credentials import make_context, read_credentials
from curate.provenance.signing import ThrowAwaySigner
from curate.provenance.trust_list import TSA_LIST, trust_list_id, trust_settings

FOLDER = files("curate.provenance") / "trust"
CLAIM_SIGNING = ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
DOCUMENT_SIGNING = ObjectIdentifier("1.3.6.1.5.5.7.3.36")


def state(asset, config):
    return read_credentials(asset, context=make_context(config)).validation_state


def written(path, text):
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("entry", json.loads((FOLDER / "lists.json").read_text()), ids=lambda entry: entry["kind"])
def test_the_shipped_lists_are_whole(entry):
    content = (FOLDER / entry["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    certificates = x509.load_pem_x509_certificates(content)
    assert (
        len(certificates)
        == entry["certificates"]
        == len({c.fingerprint(c.signature_hash_algorithm) for c in certificates})
    )
    for certificate in certificates:
        assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        assert certificate.not_valid_before_utc.date() <= date.fromisoformat(entry["date"])
        if certificate.issuer == certificate.subject:
            certificate.verify_directly_issued_by(certificate)
    assert len(entry["commit"]) == 40 and entry["source"].startswith("https://github.com/c2pa-org/conformance-public/")
    assert "O-UDA-1.0" in (FOLDER / "LICENSE").read_text()


def test_who_is_trusted_is_told(anchors, signer):
    both = trust_list_id(Provenance(trust_anchors=anchors))
    assert [entry["name"] for entry in both["lists"]] == ["C2PA Trust List", "C2PA TSA Trust List"]
    assert all(set(entry) == {"name", "date", "sha256", "certificates", "source", "commit"} for entry in both["lists"])
    digest = hashlib.sha256(signer.anchors_pem.encode()).hexdigest()
    assert both["operator"] == {"sha256": digest, "certificates": 1}
    assert trust_list_id(Provenance(trust_list=None)) == {"lists": [], "operator": None}
    assert str(anchors) not in json.dumps(both)


def test_the_operators_anchors_are_trusted_besides_the_list(anchors):
    def kinds(trust_list, path):
        return [entry["trust_kind"] for entry in trust_settings(trust_list, path)["anchors"]]

    assert kinds(None, None) == []
    assert kinds("c2pa", None) == ["manifest", "tsa"]
    assert kinds("c2pa", anchors) == ["manifest", "manifest", "tsa"]
    assert kinds(None, anchors) == ["manifest"]


def test_anchors_make_a_signature_trusted(signer, anchors, png):
    asset = signer.sign(png, "image/png", "digitalCapture")
    assert state(asset, Provenance(trust_anchors=anchors)) == "Trusted"
    assert state(asset, Provenance(trust_anchors=anchors, trust_list=None)) == "Trusted"
    assert state(asset, Provenance()) == "Valid"
    assert state(asset, Provenance(trust_list=None)) == "Valid"


@pytest.mark.parametrize(
    "usages",
    [
        (ExtendedKeyUsageOID.EMAIL_PROTECTION,),
        (CLAIM_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION),
        (CLAIM_SIGNING, DOCUMENT_SIGNING),
        (CLAIM_SIGNING,),
    ],
)
def test_the_key_usages_of_the_certificate_profile_are_accepted(png, tmp_path, usages):
    signer = ThrowAwaySigner(usages=usages)
    asset = signer.sign(png, "image/png", "digitalCapture")
    assert state(asset, Provenance(trust_anchors=written(tmp_path / "a.pem", signer.anchors_pem))) == "Trusted"


def test_who_may_stamp_the_time_may_not_sign_claims(signer, png, monkeypatch):
    asset = signer.sign(png, "image/png", "digitalCapture")
    entry = {"trust_anchors": signer.anchors_pem, "trust_uri": TSA_LIST, "trust_kind": "tsa"}
    from curate.provenance import credentials

    monkeypatch.setattr(credentials, "trust_settings", lambda *_: {"anchors": [entry]})
    credentials._context.cache_clear()
    try:
        assert state(asset, Provenance()) == "Valid"
    finally:
        credentials._context.cache_clear()


def test_bad_anchors(tmp_path):
    with pytest.raises(UsageError, match="readable PEM"):
        make_context(Provenance(trust_anchors=str(tmp_path / "none.pem")))
    broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    for content in ("{}", broken):
        with pytest.raises(UsageError, match="holds no certificate"):
            make_context(Provenance(trust_anchors=written(tmp_path / "bad.pem", content)))
