"""Parameters hidden in the lowest bits of the alpha channel of a PNG (stealth PNG info, which NovelAI writes too).

The bits run down the columns: a signature of 15 bytes, a length in bits of 4 bytes (big-endian), the text, which is
packed by gzip where the signature says so.
"""

import io
import json
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MAX_PIXELS = 1 << 22
"""Larger pictures are not looked at: decoding is the one costly thing here."""

_PLAIN, _PACKED = b"stealth_pnginfo", b"stealth_pngcomp"
_HEAD = 8 * len(_PLAIN)  # bits
_RGBA = b"\x08\x06\x00\x00\x00"  # 8 bits, RGB and alpha, deflate, adaptive filters, not interlaced
_MAX_TEXT = 1 << 20


def hidden_fields(png: bytes) -> dict[str, str] | None:
    """The hidden texts of a picture by lower-case name; None without any, empty where they cannot be read.

    Only as many rows are decoded as the signature needs, unless it is there.

    Args:
        png: a PNG file; other than RGBA has no place for them.
    """
    width, height = int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")
    if png[24:29] != _RGBA or not _HEAD + 32 <= width * height <= MAX_PIXELS:
        return None
    head = _bits(png, width, min(height, _HEAD))
    if head is None or np.packbits(head[:_HEAD]).tobytes() not in (_PLAIN, _PACKED):
        return None
    bits = _bits(png, width, height)
    return {} if bits is None else _fields(np.packbits(bits).tobytes())


def _bits(png: bytes, width: int, rows: int) -> NDArray[np.uint8] | None:
    """The lowest bits of the alpha of the first rows, down the columns; None for a file that cannot be decoded."""
    pixels = png.find(b"IDAT") - 4
    if pixels < 0:
        return None
    needed = rows * (4 * width + 1)
    header = b"IHDR" + width.to_bytes(4, "big") + rows.to_bytes(4, "big") + _RGBA
    part = png[:8] + (13).to_bytes(4, "big") + header + zlib.crc32(header).to_bytes(4, "big")
    part += png[pixels : pixels + needed + needed // 100 + (1 << 17)]
    try:
        with Image.open(io.BytesIO(part), formats=("PNG",)) as image:
            alpha = np.asarray(image.getchannel("A"))
    except Exception:  # broken files raise errors of many kinds
        return None
    return np.bitwise_and(alpha, 1).T.ravel()


def _fields(hidden: bytes) -> dict[str, str]:
    start = len(_PLAIN) + 4
    text = hidden[start : start + int.from_bytes(hidden[start - 4 : start], "big") // 8]
    if hidden.startswith(_PACKED):
        try:
            text = zlib.decompressobj(wbits=31).decompress(text, _MAX_TEXT)
        except zlib.error:
            return {}
    decoded = text[:_MAX_TEXT].decode("utf-8", "replace")
    try:
        values = json.loads(decoded)
    except (ValueError, RecursionError):
        return {"parameters": decoded}
    texts = values.items() if isinstance(values, dict) else ()
    return {key.lower(): text for key, text in texts if isinstance(text, str)}
