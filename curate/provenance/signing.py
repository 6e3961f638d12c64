"""Throw-away credentials: a root, a leaf and small signed assets for the demo and the tests.

Not for anything real: the keys are made on the spot, live in memory, are never revoked, and the signature carries no
time stamp. Nobody should be told to trust what is signed here.
"""

import hashlib
import io
import struct
import unicodedata
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import c2pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from curate.provenance.formats import sniff
from curate.provenance.native import UNKNOWN_TYPE
from curate.provenance.text import html, structured, unstructured
from curate.provenance.trust_list import trust_settings

_SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_C2PA_SOURCE_TYPES = "http://c2pa.org/digitalsourcetype/"


class ThrowAwaySigner:
    """Signs assets with a certificate that chains to a root of its own; for demonstrations only.

    Args:
        organization: whose name the certificates bear.
        lifetime: how long they last from now.
        usages: extended key usages of the leaf.
        ocsp: address that the leaf gives for questions on its revocation.

    Attributes:
        anchors_pem: the root certificate; with it among the trust anchors, what is signed here is Trusted.
        root: likewise, with its key in `root_key`.
        leaf: the certificate that signs.
    """

    def __init__(
        self,
        organization: str = "curate throw-away",
        lifetime: timedelta = timedelta(days=30),
        usages: Sequence[x509.ObjectIdentifier] = (ExtendedKeyUsageOID.EMAIL_PROTECTION,),
        ocsp: str | None = None,
    ) -> None:
        self.root_key = ec.generate_private_key(ec.SECP256R1())
        leaf_key = ec.generate_private_key(ec.SECP256R1())
        self.root = _certificate(organization, "root", self.root_key.public_key(), self.root_key, lifetime, (), None)
        self.leaf = _certificate(organization, "leaf", leaf_key.public_key(), self.root_key, lifetime, usages, ocsp)
        pem = serialization.Encoding.PEM
        self.anchors_pem = self.root.public_bytes(pem).decode()
        self._chain = self.leaf.public_bytes(pem) + self.root.public_bytes(pem)
        self._key = leaf_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        # Thumbnails would add tens of kilobytes to an asset of a hundred bytes.
        settings = {"builder": {"thumbnail": {"enabled": False}}, "trust": trust_settings(None, None)}
        self._context = c2pa.Context.from_dict(settings)

    def sign(
        self,
        data: bytes,
        mime: str,
        digital_source_type: str | None,
        training_mining: Mapping[str, str] | None = None,
        *,
        ingredients: Sequence[tuple[str, bytes]] = (),
        later_actions: Sequence[Mapping[str, Any]] = (),
        all_actions_included: bool = True,
    ) -> bytes:
        """The asset with credentials embedded.

        Args:
            data: the asset.
            mime: its media type.
            digital_source_type: bare name for `c2pa.created`; None opens the parentOf ingredient instead.
            training_mining: use (allowed, notAllowed, constrained) by `cawg.training-mining` key.
            ingredients: (relationship, asset) pairs; parentOf, componentOf or inputTo.
            later_actions: actions after the first.
            all_actions_included: declare that the list of actions is complete.

        Raises:
            c2pa.C2paError: the asset or the actions are not acceptable to the library.
        """
        signed = io.BytesIO()
        actions = _actions(digital_source_type, ingredients, later_actions, all_actions_included)
        builder = self._builder(mime, actions, training_mining, ingredients)
        builder.sign(self._signer(), mime, io.BytesIO(data), signed)
        return signed.getvalue()

    def sign_sidecar(
        self, data: bytes, mime: str, digital_source_type: str | None, ingredients: Sequence[tuple[str, bytes]] = ()
    ) -> bytes:
        """The manifest store of an asset that stays as it is; for formats whose bytes the library leaves alone.

        Its arguments are those of `sign`.
        """
        builder = self._builder(mime, _actions(digital_source_type, ingredients, (), True), None, ingredients)
        builder.set_no_embed()
        return builder.sign(self._signer(), mime, io.BytesIO(data), io.BytesIO())

    def sign_remote(self, data: bytes, mime: str, digital_source_type: str, url: str) -> bytes:
        """The asset with nothing but the address of its credentials."""
        builder = self._builder(mime, _actions(digital_source_type, (), (), True), None, ())
        builder.set_no_embed()
        builder.set_remote_url(url)
        signed = io.BytesIO()
        builder.sign(self._signer(), mime, io.BytesIO(data), signed)
        return signed.getvalue()

    def sign_text(
        self,
        text: str,
        digital_source_type: str | None,
        training_mining: Mapping[str, str] | None = None,
        *,
        method: str = "unstructured",
        ingredients: Sequence[tuple[str, bytes]] = (),
    ) -> str:
        """The text with its manifest inside (C2PA 2.4, A.7 to A.9).

        Args:
            text: where the method is html, a document with a head.
            digital_source_type: as in `sign`.
            training_mining: as in `sign`.
            method: unstructured (the text is normalised to NFC first), structured (an HTML comment as the first line)
                or html.
            ingredients: (relationship, asset) pairs of media, since the library reads no manifests of texts.

        Raises:
            c2pa.C2paError: the actions are not acceptable to the library.
        """
        actions = _actions(digital_source_type, ingredients, (), True)
        encode = {"unstructured": unstructured.encode, "structured": structured.encode, "html": html.encode}[method]
        if method == "unstructured":
            text = unicodedata.normalize("NFC", text)
        place = {"unstructured": len(text), "structured": 0, "html": text.lower().find("</head>")}[method]
        before, behind = text[:place], text[place:]
        digest = list(hashlib.sha256(text.encode()).digest())
        carrier = ""
        while True:  # the size of the store depends on the digits of its own place only: the second or third time fits
            exclusion = {"start": len(before.encode()), "length": len(carrier.encode())}
            binding = {"exclusions": [exclusion], "alg": "sha256", "hash": digest, "pad": []}
            builder = self._builder(UNKNOWN_TYPE, actions, training_mining, ingredients, binding)
            builder.set_no_embed()
            carrier = encode(builder.sign(self._signer(), UNKNOWN_TYPE, io.BytesIO(text.encode()), io.BytesIO()))
            if len(carrier.encode()) == exclusion["length"]:
                return before + carrier + behind

    def _signer(self) -> c2pa.Signer:
        return c2pa.Signer.from_info(c2pa.C2paSignerInfo(b"es256", self._chain, self._key, None))

    def _builder(
        self,
        mime: str,
        actions: Mapping[str, Any],
        training_mining: Mapping[str, str] | None,
        ingredients: Sequence[tuple[str, bytes]],
        binding: Mapping[str, Any] | None = None,
    ) -> c2pa.Builder:
        assertions: list[dict[str, Any]] = [{"label": "c2pa.actions", "data": actions, "created": True}]
        if binding:
            assertions.append({"label": "c2pa.hash.data", "data": binding, "created": True})
        if training_mining:
            entries = {key: {"use": use} for key, use in training_mining.items()}
            assertions.append({"label": "cawg.training-mining", "data": {"entries": entries}})
        manifest = {"claim_generator_info": [{"name": "curate demo", "version": "1"}], "assertions": assertions}
        builder = c2pa.Builder(manifest, context=self._context)
        for position, (relationship, asset) in enumerate(ingredients):
            ingredient = {"title": relationship, "relationship": relationship, "label": f"ingredient{position}"}
            builder.add_ingredient(ingredient, sniff(asset) or mime, io.BytesIO(asset))
        return builder


def make_png(red: int, green: int, blue: int, size: int = 16) -> bytes:
    """A square PNG of one colour, 8 bits per channel, without an image library."""
    row = b"\x00" + bytes((red, green, blue)) * size
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    chunks = _png_chunk(b"IHDR", header) + _png_chunk(b"IDAT", zlib.compress(row * size)) + _png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _png_chunk(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


def _actions(
    digital_source_type: str | None,
    ingredients: Sequence[tuple[str, bytes]],
    later: Sequence[Mapping[str, Any]],
    complete: bool,
) -> dict[str, Any]:
    """The data of a c2pa.actions assertion; parents are opened and components placed, as the specification asks."""
    labels: dict[str, list[str]] = {}
    for position, (relationship, _) in enumerate(ingredients):
        labels.setdefault(relationship, []).append(f"ingredient{position}")
    if digital_source_type is None:
        first: dict[str, Any] = {"action": "c2pa.opened", "parameters": {"ingredientIds": labels.get("parentOf", [])}}
    else:
        base = _C2PA_SOURCE_TYPES if digital_source_type in ("empty", "trainedAlgorithmicData") else _SOURCE_TYPES
        first = {"action": "c2pa.created", "digitalSourceType": base + digital_source_type}
    actions: list[Mapping[str, Any]] = [first]
    if "componentOf" in labels:
        actions.append({"action": "c2pa.placed", "parameters": {"ingredientIds": labels["componentOf"]}})
    return {"actions": [*actions, *later], "allActionsIncluded": complete}


def _certificate(
    organization: str,
    name: str,
    key: ec.EllipticCurvePublicKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    lifetime: timedelta,
    usages: Sequence[x509.ObjectIdentifier],
    ocsp: str | None,
) -> x509.Certificate:
    """A certificate with the extensions that C2PA's certificate profile asks for."""
    is_root = name == "root"
    now = datetime.now(timezone.utc)
    usage = x509.KeyUsage(
        digital_signature=not is_root,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_root,
        crl_sign=is_root,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(_distinguished_name(organization, name))
        .issuer_name(_distinguished_name(organization, "root"))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + lifetime)
        .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if not is_root:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    if ocsp is not None:
        place = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(ocsp))
        builder = builder.add_extension(x509.AuthorityInformationAccess([place]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _distinguished_name(organization: str, name: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )
