"""What every digitalSourceType must come to: an oracle written by hand from the C2PA signal rubric (2026-08-06) and
the weights in the design, never from the code; and minimal assets of several formats to sign.

A verdict is (claim of the evidence, own class, origin).
"""

import io
import struct
import zipfile
import zlib
from base64 import b64decode
from typing import NamedTuple

from curate.provenance.signing import make_png

SYNTHETIC = ("synthetic", "synthetic", "synthetic")
MIXED = ("mixed", "unknown", "mixed")
REAL = ("human", "real", "human")
SAID_HUMAN = ("human", "unknown", "human")  # not by a trusted camera
PROCEDURAL = ("procedural", "unknown", "procedural")
UNTOLD = ("unknown", "unknown", "unknown")


class Row(NamedTuple):
    """The verdicts of an asset of one type, and of a photograph that it was placed in.

    A chain of parents gives what the asset alone gives. What was tampered with is UNTOLD.
    """

    trusted: tuple
    untrusted: tuple
    placed_trusted: tuple
    placed_untrusted: tuple


EXPECTED = {
    # fully generated; a generated part of a photograph makes it mixed
    "trainedAlgorithmicMedia": Row(SYNTHETIC, SYNTHETIC, MIXED, MIXED),
    "trainedAlgorithmicData": Row(SYNTHETIC, SYNTHETIC, MIXED, MIXED),
    # partly generated
    "compositeWithTrainedAlgorithmicMedia": Row(MIXED, MIXED, MIXED, MIXED),
    "compositeSynthetic": Row(MIXED, MIXED, MIXED, MIXED),
    # may be generated
    "composite": Row(UNTOLD, UNTOLD, UNTOLD, UNTOLD),
    "screenCapture": Row(UNTOLD, UNTOLD, UNTOLD, UNTOLD),
    "virtualRecording": Row(UNTOLD, UNTOLD, UNTOLD, UNTOLD),
    "digitalArt": Row(UNTOLD, UNTOLD, UNTOLD, UNTOLD),
    "softwareImage": Row(UNTOLD, UNTOLD, UNTOLD, UNTOLD),
    # captured, stitched
    "digitalCapture": Row(REAL, SAID_HUMAN, REAL, SAID_HUMAN),
    "computationalCapture": Row(REAL, SAID_HUMAN, REAL, SAID_HUMAN),
    "compositeCapture": Row(REAL, SAID_HUMAN, REAL, SAID_HUMAN),
    "negativeFilm": Row(REAL, SAID_HUMAN, REAL, SAID_HUMAN),
    "positiveFilm": Row(REAL, SAID_HUMAN, REAL, SAID_HUMAN),
    # made by people, so says the tool
    "print": Row(SAID_HUMAN, SAID_HUMAN, SAID_HUMAN, SAID_HUMAN),
    "digitalCreation": Row(SAID_HUMAN, SAID_HUMAN, SAID_HUMAN, SAID_HUMAN),
    # about a treatment, or a blank canvas: nothing by themselves, and they leave the photograph alone
    "humanEdits": Row(UNTOLD, UNTOLD, REAL, SAID_HUMAN),
    "minorHumanEdits": Row(UNTOLD, UNTOLD, REAL, SAID_HUMAN),
    "algorithmicallyEnhanced": Row(UNTOLD, UNTOLD, REAL, SAID_HUMAN),
    "empty": Row(UNTOLD, UNTOLD, REAL, SAID_HUMAN),
    # made by a program that was not trained
    "algorithmicMedia": Row(PROCEDURAL, PROCEDURAL, PROCEDURAL, PROCEDURAL),
    "dataDrivenMedia": Row(PROCEDURAL, PROCEDURAL, PROCEDURAL, PROCEDURAL),
}

STRUCTURES = ("plain", "parent", "component")
STATES = ("trusted", "untrusted", "tampered")


def expected(source_type, structure, state):
    """(claim, own class, origin)."""
    if state == "tampered":
        return UNTOLD
    row = EXPECTED[source_type]
    if structure == "component":
        return row.placed_trusted if state == "trusted" else row.placed_untrusted
    return row.trusted if state == "trusted" else row.untrusted


# One grey block: every coefficient is coded by a single zero bit.
JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    + b"\xff\xdb\x00\x43\x00"
    + b"\x01" * 64
    + b"\xff\xc0\x00\x0b\x08\x00\x08\x00\x08\x01\x01\x11\x00"
    + b"\xff\xc4\x00\x14\x00\x01"
    + b"\x00" * 15
    + b"\x00\xff\xc4\x00\x14\x10\x01"
    + b"\x00" * 15
    + b"\x00\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x3f\xff\xd9"
)
WEBP = b64decode("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
MP3 = (b"\xff\xfb\x90\x00" + bytes(413)) * 3


def make_mp4():
    """A file type, four bytes of media and an empty movie."""

    def box(kind, payload):
        return struct.pack(">I", 8 + len(payload)) + kind + payload

    header = box(
        b"mvhd", struct.pack(">IIIII", 0, 0, 0, 1000, 0) + b"\x00\x01\x00\x00\x01\x00" + bytes(70) + b"\0\0\0\2"
    )
    return box(b"ftyp", b"isom\x00\x00\x02\x00isommp42") + box(b"mdat", b"DATA") + box(b"moov", header)


def make_pdf():
    """One empty page with a line of text in its content stream."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>",
        b"<< /Length 6 >>\nstream\n%words\nendstream",
    ]
    content, offsets = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    tail = b"trailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(content)
    return content + b"xref\n0 5\n0000000000 65535 f \n" + table + tail


def make_docx():
    """A text document with one word, its parts stored rather than packed."""
    types = (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" '
        'ContentType="application/xml"/><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/></Types>'
    )
    relations = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="a" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
        'Target="word/document.xml"/></Relationships>'
    )
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        for name, part in (("[Content_Types].xml", types), ("_rels/.rels", relations), ("word/document.xml", "words")):
            file.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), part)
    return target.getvalue()


_DOCX_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
# format: media type, asset, and bytes of its content: the one that follows them is changed to tamper with it.
FORMATS = {
    "JPEG": ("image/jpeg", JPEG, b"\x00\x3f\x00"),
    "PNG": ("image/png", make_png(1, 2, 3), b"IDAT"),
    "WebP": ("image/webp", WEBP, b"\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10"),
    "MP3": ("audio/mpeg", MP3, b"\xff\xfb\x90\x00" + bytes(9)),
    "MP4": ("video/mp4", make_mp4(), b"DAT"),
    "PDF": ("application/pdf", make_pdf(), b"%word"),
    "DOCX": (_DOCX_TYPE, make_docx(), b"word/document.xmlword"),
}


def tampered(asset, format):
    """The asset with one bit of its content changed."""
    _, _, before = FORMATS[format]
    position = asset.rindex(before) + len(before)
    changed = asset[:position] + bytes([asset[position] ^ 1]) + asset[position + 1 :]
    if format == "DOCX":  # a member's checksum is no protection: whoever changes it makes it fit
        changed = changed.replace(_checksum(b"words"), _checksum(b"wordr"))
    return changed


def _checksum(data):
    return struct.pack("<I", zlib.crc32(data))
