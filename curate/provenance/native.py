"""The C2PA library behind one call: bytes in, the JSON of a manifest store or the reason for having none out."""

import io
import json
import re
from dataclasses import dataclass
from typing import Any, Protocol

import c2pa
import numpy as np

from curate.provenance.revocation import Revocations

MAX_BOXES = 4096
"""JUMBF boxes of one asset. c2pa 0.91 takes time in their square, 7 seconds for these and hours for the 100,000 that
it allows; people's assets have dozens."""

_JUMD = int.from_bytes(b"jumd", "little")  # the description that each box begins with (ISO 19566-5)
_LEAST_BOX = 32  # bytes: two headers, a type of sixteen

UNKNOWN_TYPE = "application/octet-stream"
"""The media type of an asset that the library has no format for; it then reads the sidecar alone."""

_REMOTE = re.compile(r"must fetch remote manifests? from url\s+(\S+)")


@dataclass(frozen=True)
class Answer:
    """What the library made of an asset.

    Attributes:
        store: JSON of the manifest store; None without one.
        remote_url: where the credentials are kept, if not with the asset.
        revoked: labels of the manifests whose signers are revoked.
        error: why the asset could not be read.
        exclusions: bytes that the hard binding of the active manifest leaves out, [start, length]; None where it has
            none, or the library knows the format and sees to them itself.
    """

    store: str | None = None
    remote_url: str | None = None
    revoked: tuple[str, ...] = ()
    error: str | None = None
    exclusions: list[list[int]] | None = None


class StoreReader(Protocol):
    """Reads manifest stores; never raises for what an asset holds."""

    def read(self, mime: str, data: bytes, sidecar: bytes | None) -> Answer:
        """The manifest store of an asset, or of the sidecar if one is given."""


class NativeReader:
    """Reads in this process: fastest, and a crash of the library is a crash of the process."""

    def __init__(self, settings: dict[str, Any], revocations: Revocations) -> None:
        self._context = c2pa.Context.from_dict(settings)
        self._revocations = revocations

    def read(self, mime: str, data: bytes, sidecar: bytes | None) -> Answer:
        """See `StoreReader.read`."""
        if max(_boxes(data), _boxes(sidecar or b"")) > MAX_BOXES:
            return Answer(error=f"its manifest store has more than {MAX_BOXES} boxes")
        try:
            reader = c2pa.Reader.try_create(mime, io.BytesIO(data), sidecar, context=self._context)
            if reader is None:
                return Answer()
            with reader:
                store = reader.json()
                exclusions = _exclusions(reader) if mime == UNKNOWN_TYPE else None
                return Answer(store, reader.get_remote_url(), self._revoked(reader, store), None, exclusions)
        except Exception as error:  # a stranger's file must cost one record, whatever the library makes of it
            message = " ".join(str(error).split()) or type(error).__name__
            remote = _REMOTE.search(message)
            return Answer(remote_url=remote.group(1)) if remote else Answer(error=message[:500])

    def _revoked(self, reader: c2pa.Reader, store: str) -> tuple[str, ...]:
        if not self._revocations.issuers:
            return ()
        revoked = []
        for label, manifest in json.loads(store)["manifests"].items():
            serial = str((manifest.get("signature_info") or {}).get("cert_serial_number"))
            if serial in self._revocations.issuers:
                signature = io.BytesIO()
                reader.resource_to_stream(f"self#jumbf=/c2pa/{label}/c2pa.signature", signature)
                if self._revocations.revokes(serial, signature.getvalue()):
                    revoked.append(label)
        return tuple(revoked)


def _boxes(data: bytes) -> int:
    """How many JUMBF boxes there are at most; 0 where there are certainly fewer than `MAX_BOXES`."""
    if len(data) < MAX_BOXES * _LEAST_BOX:
        return 0
    # Four times four bytes at once is four times as fast as `bytes.count`.
    words = (np.frombuffer(data, "<u4", (len(data) - offset) // 4, offset) for offset in range(4))
    return sum(int(np.count_nonzero(word == _JUMD)) for word in words)


def _exclusions(reader: c2pa.Reader) -> list[list[int]] | None:
    report = json.loads(reader.detailed_json())
    try:
        binding = report["manifests"][report["active_manifest"]]["assertion_store"]["c2pa.hash.data"]
        return [[item["start"], item["length"]] for item in binding["exclusions"]]
    except (KeyError, TypeError):  # a stranger's manifest may be bound in another way, or not at all
        return None
