"""Images with metadata, written by Pillow."""

import io

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

XMP_HEAD = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
)
NAMESPACES = (
    'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" '
    'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:exif="http://ns.adobe.com/exif/1.0/" '
    'xmlns:tdm="http://www.w3.org/ns/tdmrep#" xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/" '
    'xmlns:pdf="http://ns.adobe.com/pdf/1.3/"'
)
XMP_TAIL = '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'


@pytest.fixture(scope="session")
def xmp():
    """A packet with elements in, and attributes on, its description."""

    def make(elements="", attributes=""):
        body = f'<rdf:Description rdf:about="" {NAMESPACES} {attributes}>{elements}</rdf:Description>'
        return (XMP_HEAD + body + XMP_TAIL).encode()

    return make


@pytest.fixture(scope="session")
def image():
    """An image file with texts (PNG) or with `exif` and `xmp` as Pillow takes them."""

    def make(kind="PNG", *, texts=(), mode="RGB", size=(16, 8), packed=False, **options):
        if texts:
            options["pnginfo"] = PngImagePlugin.PngInfo()
            for key, text in dict(texts).items():
                add = options["pnginfo"].add_text if text.isascii() else options["pnginfo"].add_itxt
                add(key, text, zip=packed)
        file = io.BytesIO()
        Image.new(mode, size, "teal").save(file, kind, **options)
        return file.getvalue()

    return make


@pytest.fixture(scope="session")
def exif():
    """An EXIF block of tags of the first directory, and of the EXIF directory from 0x829A to 0xA500."""

    def make(tags):
        block = Image.Exif()
        for tag, value in tags.items():
            if 0x829A <= tag < 0xA500:
                block.get_ifd(0x8769)[tag] = value
            else:
                block[tag] = value
        return block.tobytes()

    return make


@pytest.fixture(scope="session")
def hide():
    """A PNG with bytes in the lowest bits of its alpha channel, down the columns."""

    def make(hidden, size=(64, 64)):
        pixels = np.full((size[1], size[0], 4), 254, dtype=np.uint8)
        bits = np.zeros(size[0] * size[1], dtype=np.uint8)
        told = np.unpackbits(np.frombuffer(hidden, dtype=np.uint8))
        bits[: len(told)] = told
        pixels[:, :, 3] |= bits.reshape(size).T
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        return file.getvalue()

    return make
