"""What authorities say about certificates of `curate.provenance.signing.ThrowAwaySigner`: lists and answers."""

from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime.now(timezone.utc).replace(microsecond=0)


def revocation_list(signer, *serials, encoding=serialization.Encoding.PEM):
    """A CRL by the signer's root."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(signer.root.subject)
    builder = builder.last_update(NOW - timedelta(days=1)).next_update(NOW + timedelta(days=1))
    for serial in serials:
        revoked = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(NOW - timedelta(hours=1))
        builder = builder.add_revoked_certificate(revoked.build())
    return builder.sign(signer.root_key, hashes.SHA256()).public_bytes(encoding)


def ocsp_response(signer, status):
    """An OCSP response (DER) about the signer's leaf, by a responder that its root delegated to."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ocsp")]))
        .issuer_name(signer.root.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), critical=False)
        .add_extension(x509.OCSPNoCheck(), critical=False)
        .add_extension(x509.KeyUsage(True, *[False] * 8), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.root_key.public_key()), critical=False)
        .sign(signer.root_key, hashes.SHA256())
    )
    revoked = status == ocsp.OCSPCertStatus.REVOKED
    builder = ocsp.OCSPResponseBuilder().add_response(
        signer.leaf,
        signer.root,
        hashes.SHA1(),
        status,
        this_update=NOW - timedelta(hours=1),
        next_update=NOW + timedelta(days=1),
        revocation_time=NOW - timedelta(hours=2) if revoked else None,
        revocation_reason=x509.ReasonFlags.key_compromise if revoked else None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, certificate).certificates([certificate])
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def staple(asset, response):
    """The asset with an OCSP response in the unprotected header of its COSE signature.

    The header is not signed, and c2pa leaves room in it: the zero bytes of `pad` make place for
    `rVals: {ocspVals: [response]}` (C2PA 2.2, certificate revocation), so that nothing else moves.
    """
    start = asset.rindex(b"\xa1\x63pad\x59")
    room = int.from_bytes(asset[start + 6 : start + 8], "big")
    stapled = b"\x65rVals\xa1\x68ocspVals\x81\x59" + len(response).to_bytes(2, "big") + response
    pad = room - len(stapled)
    header = b"\xa2" + stapled + b"\x63pad\x59" + pad.to_bytes(2, "big") + bytes(pad)
    return asset[:start] + header + asset[start + len(header) :]
