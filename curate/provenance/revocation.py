"""Certificates that their issuers took back, by the revocation lists (CRLs) that the operator gives."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography import x509

from curate.errors import UsageError
from curate.io.filesystem import read_named

_PEM_BLOCK = re.compile(rb"-----BEGIN X509 CRL-----.+?-----END X509 CRL-----", re.DOTALL)


@dataclass(frozen=True)
class Revocations:
    """Revoked certificates: serial number in decimal digits → DER names of the issuers that revoked that number."""

    issuers: dict[str, frozenset[bytes]] = field(default_factory=dict)

    def revokes(self, serial: str, signature: bytes) -> bool:
        """Whether a signer is revoked.

        Args:
            serial: number of the signer's certificate, in decimal digits.
            signature: COSE signature of the manifest, which holds the signer's certificate and so its issuer's name.
        """
        return any(issuer in signature for issuer in self.issuers.get(serial, ()))


def load_revocations(paths: Iterable[str]) -> Revocations:
    """Reads revocation lists: PEM, several to a file, or DER. They are the operator's word; nothing is fetched.

    Raises:
        UsageError: a file cannot be read or is no revocation list.
    """
    issuers: dict[str, set[bytes]] = {}
    for path in paths:
        for crl in _read(path):
            issuer = crl.issuer.public_bytes()
            for revoked in crl:
                issuers.setdefault(str(revoked.serial_number), set()).add(issuer)
    return Revocations({serial: frozenset(names) for serial, names in issuers.items()})


def _read(path: str) -> list[x509.CertificateRevocationList]:
    content = read_named(path, "provenance.revocation_lists", "a readable CRL")
    try:
        blocks = _PEM_BLOCK.findall(content)
        return [x509.load_pem_x509_crl(block) for block in blocks] or [x509.load_der_x509_crl(content)]
    except ValueError:
        raise UsageError(
            f"provenance.revocation_lists {path!r} is no certificate revocation list, expected PEM or DER"
        ) from None
