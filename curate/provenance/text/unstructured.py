r"""Manifests as invisible characters: C2PATextManifestWrapper (C2PA 2.4, A.8).

A byte is a variation selector: 0 to 15 are U+FE00 to U+FE0F, 16 to 255 are U+E0100 to U+E01EF. The wrapper is U+FEFF
and the selectors of the magic `C2PATXT\0`, the version 1, the length of the manifest store (32 bits, big-endian) and
the store; further selectors are padding. Other selectors, such as those of emoji and of ideographic variants, are text.
"""

import re
import struct

import numpy as np

from curate.provenance.text.manifest import TextManifest

_MARK = "\ufeff"
_HEADER = struct.Struct(">8sBI")
_MAGIC, _VERSION = b"C2PATXT\0", 1
_SELECTORS = np.concatenate([np.arange(0xFE00, 0xFE10), np.arange(0xE0100, 0xE01F0)]).astype("<u4")
_CORRUPTED = "manifest.text.corruptedWrapper"


def _selectors(data: bytes) -> str:
    return _SELECTORS[np.frombuffer(data, np.uint8)].tobytes().decode("utf-32-le")


MAGIC_SELECTORS = _selectors(_MAGIC)
"""What every wrapper has behind its mark."""

# Editors that take the mark for a byte order mark drop it: what is left is no manifest, but no text either.
_WRAPPER = re.compile(f"{_MARK}?{MAGIC_SELECTORS}[\ufe00-\ufe0f\U000e0100-\U000e01ef]*")


def encode(store: bytes) -> str:
    """The wrapper of a manifest store.

    Its length in UTF-8 depends on the number of bytes only, not on their values, so that a signature can cover the
    place that it will take: padding makes up for selectors of 3 bytes among those of 4. Selectors of both lengths fill
    any gap but 1, 2 and 5 bytes, hence 6 bytes more than with long ones alone. `c2pa-text` pads to the same wrapper.
    """
    wrapper = _MARK + _selectors(_HEADER.pack(_MAGIC, _VERSION, len(store)) + store)
    gap = 4 * (_HEADER.size + len(store)) + 9 - len(wrapper.encode())
    short = -gap % 4  # so many paddings of three bytes, and the rest in fours
    return wrapper + _selectors(bytes(short) + b"\xff" * ((gap - 3 * short) // 4))


def find(text: str) -> list[TextManifest]:
    """The wrappers in a text, whole or damaged, in linear time."""
    return [_read(match) for match in _WRAPPER.finditer(text)]


def _read(match: re.Match[str]) -> TextManifest:
    start, end = match.span()
    selectors = np.frombuffer(match.group().removeprefix(_MARK).encode("utf-32-le"), "<u4")
    data = np.where(selectors < 0xE0100, selectors - 0xFE00, selectors - 0xE0100 + 16).astype(np.uint8).tobytes()
    wrong = None
    if len(data) < _HEADER.size:
        wrong = "it ends in its header"
    else:
        _, version, length = _HEADER.unpack_from(data)
        if version != _VERSION:
            wrong = f"version {version}"
        elif not 0 < length <= len(data) - _HEADER.size:
            wrong = f"{len(data) - _HEADER.size} bytes of {length}"
        elif match.group()[0] != _MARK:
            wrong = "no U+FEFF before it"
    if wrong is not None:
        return TextManifest("unstructured", start, end, error=f"{_CORRUPTED}: {wrong}")
    store = data[_HEADER.size : _HEADER.size + length]
    return TextManifest("unstructured", start, end, store, bindings=((start, end),))
