"""The few EXIF tags and IPTC-IIM datasets that tell of a camera or a generator (CIPA DC-008, TIFF 6.0, IIM 4.2)."""

import contextlib
from dataclasses import dataclass, field

from PIL.IptcImagePlugin import IptcImageFile
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from curate.provenance.metadata.guarded import GuardedFile, PartlyRead

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
_IIM_NAMES = {(2, 110): "credit", (2, 65): "program"}


@dataclass
class Exif:
    """What was read.

    Attributes:
        texts: name to text, empty ones left out.
        exposure: it tells how long, how wide or how sensitively a picture was taken.
        xmp: the packet that TIFF files hold as a tag.
        iim: IPTC-IIM that TIFF files hold as a tag.
        error: why it could not be read.
    """

    texts: dict[str, str] = field(default_factory=dict)
    exposure: bool = False
    xmp: bytes = b""
    iim: bytes = b""
    error: str | None = None


def read_exif(tiff: bytes) -> Exif:
    """Reads the first directory and its EXIF directory; what stands behind a fault is left out.

    Args:
        tiff: a TIFF structure; empty for none.
    """
    file, tags = GuardedFile(tiff), dict[int, bytes]()
    with contextlib.suppress(Exception):  # broken structures raise errors of many kinds
        head = tiff[: 16 if b"+" in tiff[2:4] else 8]
        tags = _tags(file, head)
        tags |= _tags(file, head, int.from_bytes(tags[_EXIF_DIRECTORY], "little" if head[:1] == b"I" else "big"))
    texts = {name: _text(tag, tags[tag]).strip("\0 \t\r\n") for tag, name in _TEXTS.items() if tag in tags}
    texts = {name: text for name, text in texts.items() if text}
    exposure = not _EXPOSURE.isdisjoint(tags)
    return Exif(texts, exposure, tags.get(_XMP, b""), tags.get(_IIM, b""), file.error)


def _tags(file: GuardedFile, head: bytes, place: int | None = None) -> dict[int, bytes]:
    """The tags of a directory as bytes, as Pillow takes IIM, since some writers say that it is integers."""
    directory = ImageFileDirectory_v2(head)
    with contextlib.suppress(Exception):
        file.seek(directory.next if place is None else place)
        directory.load(file)
    return directory._tagdata


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


class _Iim(PartlyRead, IptcImageFile):
    pass


def read_iim(iim: bytes) -> dict[str, str]:
    """Credit and originating program of IPTC-IIM; the last of each.

    Args:
        iim: datasets; empty for none.
    """
    info = _Iim(GuardedFile(iim)).info
    found = {name: info[dataset] for dataset, name in _IIM_NAMES.items() if info.get(dataset)}
    last = {name: value[-1] if isinstance(value, list) else value for name, value in found.items()}
    return {name: value.decode("utf-8", "replace") for name, value in last.items() if value}
