"""Metadata blocks of media files: text chunks, EXIF, XMP and IPTC-IIM, found without decoding a pixel.

Pillow reads JPEG and PNG, and the EXIF of all. Opening others with it costs what a stranger says: address space for
two canvases of a WebP (33 GB for 200 bytes), a canvas for a GIF, unguarded EXIF of AVIF. Truncated WebP it refuses.
"""

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngStream

from curate.provenance.metadata.guarded import GuardedFile, PartlyRead

MAX_TEXT = 1 << 22
"""Bytes of text chunks that are read of one file, unpacked."""

_MAX_CHUNKS = 50_000  # of one file; a PNG of 400 MB in chunks of 8 KB has as many
_TEXT_COST = 1 << 16  # bytes that a text counts besides its own, since unpacking one that is broken takes time too
_AREA = 1 << 21  # bytes searched for XMP packets at either end of a file of any other format
_MAX_PACKETS = 16

_IIM_RESOURCE = 0x0404
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
        iim: IPTC-IIM; empty without any.
        error: why a block could not be read.
    """

    texts: list[tuple[str, str]] = field(default_factory=list)
    exif: bytes = b""
    xmp: list[bytes] = field(default_factory=list)
    iim: bytes = b""
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


class _Jpeg(PartlyRead, JpegImageFile):
    def getexif(self) -> Image.Exif:
        """None, since Pillow looks for a resolution in it while it opens a file."""
        return Image.Exif()


def _jpeg(data: bytes, blocks: Blocks) -> None:
    """Segments up to the first scan (ITU-T T.81, annex B)."""
    file = GuardedFile(data)
    image = _Jpeg(file)
    blocks.exif = image.info.get("exif", b"").removeprefix(b"Exif\0\0")
    blocks.iim = image.info.get("photoshop", {}).get(_IIM_RESOURCE, b"")
    for segment, body in getattr(image, "applist", ()):  # none of a file without a start
        if segment == "COM":
            blocks.texts.append(("comment", body.decode("utf-8", "replace")))
        elif body.startswith(_XMP_SEGMENT):
            blocks.xmp.append(body.removeprefix(_XMP_SEGMENT))
    blocks.error = file.error


def _png(data: bytes, blocks: Blocks) -> None:
    """Chunks before and after the pixels (W3C PNG, third edition, 11.3)."""
    file, place, kind = GuardedFile(data, _MAX_CHUNKS), 8, b""
    stream = PngStream(file)
    with contextlib.suppress(EOFError, SyntaxError, ValueError):  # the end of what can be read
        while kind != b"IEND" and stream.text_memory <= MAX_TEXT:
            file.seek(place)
            kind, start, length = stream.read()
            place = start + length + 4
            if kind == b"eXIf":
                blocks.exif = blocks.exif or stream.call(kind, start, length)
            elif kind in (b"tEXt", b"zTXt", b"iTXt"):
                blocks.error = _png_text(stream, (kind, start, length), blocks) or blocks.error
    blocks.error = blocks.error or file.error


def _png_text(stream: PngStream, chunk: tuple[bytes, int, int], blocks: Blocks) -> str | None:
    """Adds the text of a chunk, or returns why it cannot be read."""
    stream.im_text.clear()
    try:
        stream.check_text_memory(_TEXT_COST)
        stream.call(*chunk)
    except (EOFError, SyntaxError, ValueError) as error:
        return f"PNG text chunk: {error}"
    if stream.text_memory > MAX_TEXT:
        return f"more than {MAX_TEXT >> 20} MB or {MAX_TEXT // _TEXT_COST} chunks of text"
    for keyword, text in stream.im_text.items():
        if keyword == _XMP_KEYWORD:
            blocks.xmp.append(text.encode())
        else:
            blocks.texts.append((keyword, text))
    return None


def _webp(data: bytes, blocks: Blocks) -> None:
    """Chunks of RIFF (WebP container specification)."""
    place = 12
    for _ in range(_MAX_CHUNKS):
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
