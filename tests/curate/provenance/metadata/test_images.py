import io
import struct
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, features

from curate.provenance.metadata.embedded import metadata_evidence
from curate.provenance.metadata.exif import read_exif, read_iim
from curate.provenance.metadata.images import MAX_TEXT, Blocks, find_blocks

MIMES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "TIFF": "image/tiff", "AVIF": "image/avif"}
needs_avif = pytest.mark.skipif(not features.check("avif"), reason="Pillow is built without AVIF")
SOURCE = 'Iptc4xmpExt:DigitalSourceType="trainedAlgorithmicMedia"'


def chunk(kind, body, length=None):
    length = len(body) if length is None else length
    return struct.pack(">I", length) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*chunks, size=(1, 1)):
    head = struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + b"".join(chunks)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", pytest.param("AVIF", marks=needs_avif)])
def test_what_pillow_writes_is_found(image, exif, xmp, kind):
    packet = xmp("", SOURCE)
    options = {"exif": exif({0x0131: "painter", 0x829A: 0.5}), "xmp": packet}
    if kind == "TIFF":
        options = {"tiffinfo": {0x0131: "painter", 700: packet}}
    if kind == "PNG":
        options = {"exif": options["exif"], "texts": {"XML:com.adobe.xmp": packet.decode()}}
    data = image(kind, **options)
    blocks = find_blocks(data, MIMES[kind])
    tags = read_exif(blocks.exif)
    packets = [*blocks.xmp, tags.xmp] if tags.xmp else blocks.xmp
    assert tags.texts == {"software": "painter"} and blocks.error is None
    assert tags.exposure == (kind != "TIFF")
    assert len(packets) == 1 and SOURCE.encode() in packets[0]


def test_texts_after_the_pixels(image):
    data = image()
    end = data.index(b"IEND") - 4
    data = data[:end] + chunk(b"tEXt", b"parameters\0late") + data[end:]
    assert find_blocks(data, "image/png").texts == [("parameters", "late")]


def test_jpeg_comments_and_fill_bytes():
    data = b"\xff\xd8\xff\xff\xff\xfe\x00\x06hola\xff\xda\xff\xfe\x00\x06late"
    assert find_blocks(data, "image/jpeg").texts == [("comment", "hola")]


@pytest.mark.parametrize(
    ("data", "texts", "error"),
    [
        (png(chunk(b"zTXt", b"k\0\0" + zlib.compress(b"x" * 50_000_000))), [], "MAX_TEXT_CHUNK"),
        (png(chunk(b"iTXt", b"k\0\1\0\0\0" + zlib.compress(b"x" * 50_000_000))), [], "MAX_TEXT_CHUNK"),
        (png(*[chunk(b"zTXt", b"k\0\0" + zlib.compress(b"x" * 1_000_000))] * 9), [("k", "x" * 1_000_000)] * 3, "4 MB"),
        (png(chunk(b"zTXt", b"k\0\0not packed"), chunk(b"tEXt", b"l\0v")), [("k", ""), ("l", "v")], None),
        (png(chunk(b"zTXt", b"k\0\1packed"), chunk(b"tEXt", b"l\0v")), [("l", "v")], "compression method"),
        (png(chunk(b"tEXt", b"k\0cut", length=1000)), [], "truncated"),
        (png(chunk(b"tEXt", b"no zero")), [("no zero", "")], None),
        (png(chunk(b"tEXt", b"")), [], None),
        (png(chunk(b"tEXt", b"k\0v"), size=(60_000, 60_000)), [("k", "v")], None),
        (png(b"\xff\xff\xff\xfftEXtk\0v"), [], "truncated"),
        (png(chunk(b"IDAT", b"")) * 3, [], None),
        (png(*[chunk(b"tEXt", b"k\0v")] * 2), [("k", "v")] * 2, None),
        (png(*[chunk(b"zTXt", b"k\0\0broken")] * 100), [("k", "")] * 64, "64 chunks"),
        (png(chunk(b"tEXt", b"k\0v"), b"\0\0\0\1\xff\xff\xff\xff"), [("k", "v")], None),
    ],
)
def test_hostile_png(data, texts, error):
    blocks = find_blocks(data, "image/png")
    assert (error in blocks.error) if error else blocks.error is None
    assert blocks.texts == texts
    assert sum(len(text) for _, text in blocks.texts) <= MAX_TEXT


def tiff(count, size, tag=0x0131):
    """A TIFF whose tags all claim the same bytes."""
    place = 8 + 2 + 12 * count + 4
    tags = b"".join(struct.pack("<HHII", tag if n == 0 else 20_000 + n, 2, size, place) for n in range(count))
    return b"II*\0" + struct.pack("<IH", 8, count) + tags + b"\0" * 4 + b"A" * size


def segments(kind, body, size=65_533):
    parts = [body[place : place + size] for place in range(0, len(body), size)]
    return b"".join(b"\xff" + kind + (len(part) + 2).to_bytes(2, "big") + part for part in parts)


def jpeg_with_exif(block, size=60_000):
    parts = [block[place : place + size] for place in range(0, len(block), size)]
    return b"\xff\xd8" + b"".join(segments(b"\xe1", b"Exif\0\0" + part) for part in parts) + b"\xff\xda"


@pytest.mark.parametrize(
    ("mime", "contain"),
    [
        ("image/tiff", bytes),
        ("image/jpeg", jpeg_with_exif),
        ("image/png", lambda block: png(chunk(b"eXIf", block))),
        ("image/webp", lambda block: b"RIFF" + bytes(4) + b"WEBPEXIF" + struct.pack("<I", len(block)) + block),
        ("image/avif", lambda block: bytes(4) + b"ftypavif" + block),
    ],
)
@pytest.mark.parametrize(
    "block", [tiff(5000, 100_000), tiff(3000, 100), b"MM\0*\0\0\0\x08\xff\xff" + b"\0\1" * 500_000]
)
def test_tags_that_share_their_bytes_cost_little(mime, contain, block):
    """Pillow alone takes 500 MB for the first of them."""
    data = contain(block)
    tracemalloc.start()
    evidence = metadata_evidence(data, mime)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * len(data) + 1_000_000
    assert [(item.kind, item.detail) for item in evidence] == [
        ("metadata_unreadable", "metadata claim more than such a file should hold")
    ]


def test_what_was_read_before_too_much_was_asked_for_counts():
    exif = read_exif(tiff(5000, 100_000))
    assert exif.texts == {"software": "A" * 100_000} and exif.error


@pytest.mark.parametrize(
    "data",
    [
        jpeg_with_exif(bytes(100_000), size=1),
        b"\xff\xd8\xff\xe0\0\2" + b"x" * 100_000,
        b"\xff\xd8" + segments(b"\xfe", bytes(100_000), size=1),
    ],
)
def test_headers_of_jpeg_end(data):
    assert find_blocks(data, "image/jpeg").error


def test_big_tiff():
    entry = struct.pack("<HHQ8s", 0x0131, 2, 8, b"painter\0")
    below = struct.pack("<HHQ8s", 0x8769, 4, 1, (64).to_bytes(8, "little"))
    directory = struct.pack("<Q", 2) + entry + below + bytes(8)
    data = b"II+\0\x08\0\0\0" + struct.pack("<Q", 16) + directory.ljust(48, b"\0")
    assert read_exif(data).texts == {"software": "painter"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"II*\0",
        b"MM\0*\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\xff\xff",
        b"II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0",  # the EXIF directory is the first one again
        tiff(1, 10)[:-5],
        b"II+\0\x08\0\0\0",
    ],
)
def test_broken_exif(data):
    assert set(read_exif(data).texts) <= {"software"}


def test_packets_of_pdf(xmp):
    own = xmp("<pdf:Producer>x</pdf:Producer>")
    picture = xmp("", SOURCE).replace(b'xmlns:pdf="http://ns.adobe.com/pdf/1.3/"', b"")
    padding = b"%" + b"x" * 100
    assert find_blocks(b"%PDF-1.7" + picture + padding + own, "application/pdf").xmp == [
        own[: own.index(b"<?xpacket end")]
    ]
    assert len(find_blocks(b"%PDF-1.7" + picture, "application/pdf").xmp) == 1
    assert find_blocks(b"%PDF-1.7" + picture * 2, "application/pdf").xmp == []


def test_packets_at_both_ends(xmp):
    packet = xmp("", SOURCE)
    for data in (packet + bytes(5_000_000), bytes(5_000_000) + packet):
        assert len(find_blocks(data, "image/heic").xmp) == 1
    bare = packet[packet.index(b"<x:") : packet.index(b"<?xpacket end")]
    assert find_blocks(b"GIF89a" + bare, "image/gif").xmp == [bare]
    assert find_blocks(b"<x:xmpmeta" * 1000, "image/gif").xmp == []


def test_videos_have_a_box_of_their_own(xmp):
    packet = xmp("", SOURCE)
    box = (24 + len(packet)).to_bytes(4, "big") + b"uuid" + bytes.fromhex("BE7ACFCB97A942E89C71999491E3AFAC") + packet
    assert find_blocks(bytes(99) + box + bytes(99), "video/mp4").xmp == [packet]
    assert find_blocks(box[8:], "video/mp4").xmp == []


@pytest.mark.parametrize("mime", ["audio/mpeg", "video/mp4", "application/zip", "audio/flac"])
def test_cover_art_says_nothing_of_the_rest(image, exif, xmp, mime):
    cover = image("JPEG", exif=exif({0x0131: "Midjourney"}), xmp=xmp("", SOURCE))
    assert find_blocks(b"ID3" + cover, mime) == Blocks()


@settings(max_examples=300)
@given(st.sampled_from([*MIMES.values(), "application/pdf", "image/svg+xml", "video/mp4"]), st.binary(max_size=400))
def test_no_bytes_raise(mime, data):
    heads = {
        "image/jpeg": b"\xff\xd8\xff\xe1",
        "image/png": png(),
        "image/webp": b"RIFF\0\0\0\0WEBPEXIF",
        "image/tiff": b"II*\0\x08\0\0\0",
    }
    blocks = find_blocks(heads.get(mime, b"") + data, mime)
    read_exif(blocks.exif)
    read_exif(data)
    read_iim(data)


@settings(max_examples=100)
@given(st.data())
def test_no_change_of_a_file_raises(image, exif, xmp, data):
    kind = data.draw(st.sampled_from(["JPEG", "PNG", "WEBP"]))
    file = bytearray(image(kind, exif=exif({0x0131: "painter", 0x9286: b"UNICODE\0a\0b"}), xmp=xmp("", SOURCE)))
    for _ in range(data.draw(st.integers(1, 8))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(file)))
    read_exif(find_blocks(bytes(file[:cut]), MIMES[kind]).exif)


def test_pillow_can_open_what_the_tests_write(image):
    assert Image.open(io.BytesIO(image(texts={"a": "b"}))).text == {"a": "b"}
