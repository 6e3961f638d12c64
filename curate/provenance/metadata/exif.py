"""The few EXIF tags that tell of a camera or a generator (CIPA DC-008, TIFF 6.0).

Only the tags that are wanted are read, whatever others claim to hold.
"""

from dataclasses import dataclass, field
from typing import Literal

_MAX_ENTRIES = 1000  # of one directory; cameras write fewer than 100
_MAX_VALUE = 1 << 22

_TEXTS = {
    0x010D: "document",
    0x010E: "description",
    0x010F: "make",
    0x0110: "model",
    0x0131: "software",
    0x013B: "artist",
    0x9286: "usercomment",
    0x9C9B: "title",
    0x9C9C: "comment",
    0x9C9D: "author",
}
_EXPOSURE = frozenset({0x829A, 0x829D, 0x8827, 0x9201, 0x9202, 0x920A})
_XMP, _IIM, _EXIF_DIRECTORY = 0x02BC, 0x83BB, 0x8769
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 13: 4}


@dataclass
class Exif:
    """What was read.

    Attributes:
        texts: name to text, empty ones left out.
        exposure: it tells how long, how wide or how sensitively a picture was taken.
        xmp: the packet that TIFF files hold as a tag.
        iim: IPTC-IIM that TIFF files hold as a tag.
    """

    texts: dict[str, str] = field(default_factory=dict)
    exposure: bool = False
    xmp: bytes = b""
    iim: bytes = b""


def read_exif(tiff: bytes) -> Exif:
    """Reads the first directory and its EXIF directory; what is broken is left out.

    Args:
        tiff: a TIFF structure; empty for none.
    """
    exif = Exif()
    order: Literal["little", "big"] = "little" if tiff[:2] == b"II" else "big"
    if tiff[:4] not in (b"II*\0", b"MM\0*"):
        return exif
    place = _read_directory(tiff, int.from_bytes(tiff[4:8], order), order, exif)
    if place:
        _read_directory(tiff, place, order, exif)
    return exif


def _read_directory(tiff: bytes, place: int, order: Literal["little", "big"], exif: Exif) -> int:
    """Reads one directory, and returns where the EXIF directory is, 0 without one."""
    count = int.from_bytes(tiff[place : place + 2], order)
    below = 0
    for entry in range(place + 2, place + 2 + 12 * min(count, _MAX_ENTRIES), 12):
        tag = int.from_bytes(tiff[entry : entry + 2], order)
        if tag in _EXPOSURE:
            exif.exposure = True
        if tag not in _TEXTS and tag not in (_XMP, _IIM, _EXIF_DIRECTORY):
            continue
        kind = int.from_bytes(tiff[entry + 2 : entry + 4], order)
        size = _SIZES.get(kind, 1) * int.from_bytes(tiff[entry + 4 : entry + 8], order)
        start = entry + 8 if size <= 4 else int.from_bytes(tiff[entry + 8 : entry + 12], order)
        value = tiff[start : start + min(size, _MAX_VALUE)]
        if tag == _EXIF_DIRECTORY:
            below = int.from_bytes(value, order)
        elif tag == _XMP:
            exif.xmp = value
        elif tag == _IIM:
            exif.iim = value
        else:
            text = _text(tag, value).strip("\0 \t\r\n")
            if text:
                exif.texts.setdefault(_TEXTS[tag], text)
    return below


def _text(tag: int, value: bytes) -> str:
    """A text in the encoding of its tag: XP tags are UTF-16, comments name theirs in eight bytes."""
    if tag >= 0x9C9B:
        return value.decode("utf-16-le", "replace")
    if tag == 0x9286:
        code, value = value[:8], value[8:]
        if code == b"UNICODE\0":
            # Writers differ in byte order, whatever that of the file is; the zeros of plain letters tell it.
            big = value[0:200:2].count(0) >= value[1:200:2].count(0)
            return value.decode("utf-16-be" if big else "utf-16-le", "replace")
    return value.decode("utf-8", "replace")


def read_iim(iim: bytes) -> dict[str, str]:
    """Credit and originating program of IPTC-IIM 4.2 datasets, 2:110 and 2:65."""
    names, texts, place = {b"\x02\x6e": "credit", b"\x02\x41": "program"}, {}, 0
    while iim[place : place + 1] == b"\x1c":
        length = int.from_bytes(iim[place + 3 : place + 5], "big")
        name = names.get(iim[place + 1 : place + 3])
        if name:
            texts[name] = iim[place + 5 : place + 5 + length].decode("utf-8", "replace")
        place += 5 + length
    return texts


def iim_of_photoshop(resources: bytes) -> bytes:
    """IPTC-IIM among the image resources of Photoshop, resource 0x0404."""
    place = 0
    while resources.startswith(b"8BIM", place):
        name = place + 6
        size = name + (resources[name] + 2 & ~1 if name < len(resources) else 2)
        start, length = size + 4, int.from_bytes(resources[size : size + 4], "big")
        if resources[place + 4 : place + 6] == b"\x04\x04":
            return resources[start : start + length]
        place = start + length + length % 2
    return b""
