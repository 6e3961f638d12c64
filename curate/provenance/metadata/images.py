"""Metadata blocks of media files: text chunks, EXIF, XMP and IPTC-IIM, found without decoding a pixel.

The containers are walked here, in time and memory that are linear in their size, because readers of images copy every
tag of a file when they open it: a TIFF of 150 KB whose tags all point to the same bytes makes Pillow 12 take 500 MB.
"""

import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

MAX_TEXT = 1 << 22
"""Bytes of text chunks that are read of one file, unpacked."""

_MAX_STEPS = 100_000  # chunks or segments of one file; a PNG of 800 MB in chunks of 8 KB has as many
_AREA = 1 << 21  # bytes searched for XMP packets at either end of a file of any other format
_MAX_PACKETS = 16
_MAX_COMMENTS = 64  # of at most 64 KB each

_XMP_SEGMENT = b"http://ns.adobe.com/xap/1.0/\0"
_XMP_KEYWORD = "XML:com.adobe.xmp"
_XMP_BOX = bytes.fromhex("BE7ACFCB97A942E89C71999491E3AFAC")
_TIFF_HEADER = re.compile(rb"II\*\0\x08\0\0\0|MM\0\*\0\0\0\x08")
_PDF_NAMESPACES = (b"ns.adobe.com/pdf", b"application/pdf", b"aiim.org/pdf")


@dataclass
class Blocks:
    """The metadata of one file, undecoded.

    Attributes:
        texts: (keyword, text) of PNG text chunks and JPEG comments.
        exif: a TIFF structure; empty without one.
        xmp: XMP packets.
        photoshop: image resources of Photoshop, which hold IPTC-IIM; empty without any.
        error: why a block could not be read.
    """

    texts: list[tuple[str, str]] = field(default_factory=list)
    exif: bytes = b""
    xmp: list[bytes] = field(default_factory=list)
    photoshop: bytes = b""
    error: str | None = None


def find_blocks(data: bytes, mime: str) -> Blocks:
    """The metadata blocks of a file; what is truncated gives what is there.

    Args:
        data: the file.
        mime: its media type, by its content. Images of other formats (GIF, AVIF, HEIF, JPEG XL) are searched for
            plain XMP packets and EXIF. Other media are not, since what is found may be that of cover art.
    """
    blocks = Blocks()
    reader = _READERS.get(mime, _search if mime.startswith("image/") else None)
    if reader is not None:
        reader(data, blocks)
    return blocks


def _jpeg(data: bytes, blocks: Blocks) -> None:
    """Segments up to the first scan (ITU-T T.81, annex B)."""
    place = 2
    for _ in range(_MAX_STEPS):
        marker = data[place + 1 : place + 2]
        if data[place : place + 1] != b"\xff" or marker in (b"\xda", b"\xd9", b""):
            return
        if marker == b"\xff":  # a fill byte
            place += 1
            continue
        start, place = place + 4, place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        if marker == b"\xe1" and data.startswith(b"Exif\0\0", start):
            blocks.exif = blocks.exif or data[start + 6 : place]
        elif marker == b"\xe1" and data.startswith(_XMP_SEGMENT, start):
            blocks.xmp.append(data[start + len(_XMP_SEGMENT) : place])
        elif marker == b"\xed" and data.startswith(b"Photoshop 3.0\0", start):
            blocks.photoshop = blocks.photoshop or data[start + 14 : place]
        elif marker == b"\xfe" and len(blocks.texts) < _MAX_COMMENTS:
            blocks.texts.append(("comment", data[start:place].decode("utf-8", "replace")))


def _png(data: bytes, blocks: Blocks) -> None:
    """Chunks before and after the pixels (W3C PNG, third edition, 11.3)."""
    place, left = 8, MAX_TEXT
    for _ in range(_MAX_STEPS):
        length, kind = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        if len(kind) < 4 or kind == b"IEND":
            return
        start, place = place + 8, place + 12 + length
        if kind == b"eXIf":
            blocks.exif = blocks.exif or data[start : start + length]
        elif kind in (b"tEXt", b"zTXt", b"iTXt"):
            try:
                keyword, text = _png_text(kind, data[start : start + min(length, MAX_TEXT)], left)
            except (ValueError, zlib.error) as error:
                blocks.error = f"PNG text chunk: {error}"
                continue
            left -= len(text)
            if keyword == _XMP_KEYWORD:
                blocks.xmp.append(text)
            else:
                blocks.texts.append((keyword, text.decode("latin-1" if kind != b"iTXt" else "utf-8", "replace")))


def _png_text(kind: bytes, chunk: bytes, left: int) -> tuple[str, bytes]:
    """Keyword and unpacked text of a chunk.

    Raises:
        ValueError: the texts of the file are longer than `MAX_TEXT`.
        zlib.error: it cannot be unpacked.
    """
    keyword, _, rest = chunk.partition(b"\0")
    packed = kind == b"zTXt"
    if kind == b"zTXt":
        rest = rest[1:]
    elif kind == b"iTXt":
        packed, rest = rest[:1] == b"\1", rest[2:].split(b"\0", 2)[-1]
    text = zlib.decompressobj().decompress(rest, left + 1) if packed else rest
    if len(text) > left:
        raise ValueError(f"more than {MAX_TEXT >> 20} MB of text")
    return keyword.decode("latin-1"), text


def _webp(data: bytes, blocks: Blocks) -> None:
    """Chunks of RIFF (WebP container specification)."""
    place = 12
    for _ in range(_MAX_STEPS):
        kind, length = data[place : place + 4], int.from_bytes(data[place + 4 : place + 8], "little")
        if len(kind) < 4:
            return
        start, place = place + 8, place + 8 + length + length % 2
        if kind == b"EXIF":
            blocks.exif = blocks.exif or data[start : start + length].removeprefix(b"Exif\0\0")
        elif kind == b"XMP ":
            blocks.xmp.append(data[start : start + length])


def _tiff(data: bytes, blocks: Blocks) -> None:
    blocks.exif = data


def _pdf(data: bytes, blocks: Blocks) -> None:
    """The packet of the document; packets of pictures within it say nothing about the document."""
    packets = list(_packets(data))
    own = [packet for packet in packets if any(name in packet for name in _PDF_NAMESPACES)]
    blocks.xmp = own or (packets if len(packets) == 1 else [])


def _svg(data: bytes, blocks: Blocks) -> None:
    """The whole picture, since its RDF may use names that are bound outside of it."""
    if b"DigitalSource" in data or b"RDF" in data:
        blocks.xmp.append(data)


def _mp4(data: bytes, blocks: Blocks) -> None:
    """The uuid box of XMP in ISO base media files (XMP specification, part 3)."""
    place = data.find(_XMP_BOX)
    if place >= 8:
        blocks.xmp.append(data[place + 16 : place - 8 + int.from_bytes(data[place - 8 : place - 4], "big")])


def _search(data: bytes, blocks: Blocks) -> None:
    blocks.xmp = list(_packets(data))
    header = _TIFF_HEADER.search(data, 0, _AREA)
    if header:
        blocks.exif = data[header.start() : header.start() + _AREA]


def _packets(data: bytes) -> Iterator[bytes]:
    """XMP packets (ISO 16684-1, 7.3) at both ends, with their processing instructions or without."""
    for area in (data,) if len(data) <= 2 * _AREA else (data[:_AREA], data[-_AREA:]):
        begin, end = (b"<?xpacket begin", b"<?xpacket end") if b"<?xpacket begin" in area else _XMPMETA
        place = 0
        for _ in range(_MAX_PACKETS):
            start = area.find(begin, place)
            place = area.find(end, start)
            if start < 0 or place < 0:
                break
            if end == _XMPMETA[1]:
                place += len(end)
            yield area[start:place]


_XMPMETA = (b"<x:xmpmeta", b"</x:xmpmeta>")

_READERS: dict[str, Callable[[bytes, Blocks], None]] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/webp": _webp,
    "image/tiff": _tiff,
    "image/svg+xml": _svg,
    "application/pdf": _pdf,
    "video/mp4": _mp4,
    "video/quicktime": _mp4,
    "audio/mp4": _mp4,
}
