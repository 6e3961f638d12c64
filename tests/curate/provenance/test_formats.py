import io
import struct
import zipfile

import c2pa
import pytest
from matrix import make_mp4
from PIL import Image

from curate.provenance import formats
from curate.provenance.credentials import read_credentials
from curate.provenance.formats import media_type, sniff
from curate.provenance.signing import make_png


def archive(members):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return target.getvalue()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (make_png(0, 0, 0), "image/png"),
        (b"GIF89a...", "image/gif"),
        (b"II*\x00....", "image/tiff"),
        (b"MM\x00*....", "image/tiff"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "audio/wav"),
        (b"ID3\x04", "audio/mpeg"),
        (b"\xff\xfb\x90\x00", "audio/mpeg"),
        (b"\xff\xe3\x90\x00", "audio/mpeg"),
        (b"\xff\xf1\x50\x80", None),  # AAC
        (b"\xff\xfe\x41\x00", None),  # UTF-16
        (b"\x00\x00\x00\x18ftypavif", "image/avif"),
        (b"\x00\x00\x00\x18ftypheic", "image/heic"),
        (b"\x00\x00\x00\x18ftypisom", "video/mp4"),
        (b"\x00\x00\x00\x18ftypqt  ", "video/quicktime"),
        (b"\x00\x00\x00\x18ftypM4A ", "audio/mp4"),
        (b"%PDF-1.7", "application/pdf"),
        (b'<?xml version="1.0"?>\n<svg xmlns="x"/>', "image/svg+xml"),
        (archive({"mimetype": "application/epub+zip"}), "application/epub+zip"),
        (
            archive({"mimetype": "application/vnd.oasis.opendocument.text"}),
            "application/vnd.oasis.opendocument.text",
        ),
        (
            archive({"word/document.xml": ""}),
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (archive({"a.txt": ""}), "application/x-zip"),
        (b"\x00\x00\x0c*jumb\x00\x00", "application/c2pa"),
        (b"plain text", None),
        (b"", None),
    ],
)
def test_sniff(data, expected):
    assert sniff(data) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.dng", "dng"),
        ("a/b.NEF", "nef"),
        ("x.zip!/c.Mp3", "mp3"),
        ("a.txt", None),
        ("a.html", None),
        ("pdf", None),
        (None, None),
    ],
)
def test_the_name_decides_only_where_the_content_says_nothing(path, expected):
    assert media_type(b"unheard of", path) == expected
    assert media_type(make_png(0, 0, 0), path) == "image/png"


def riff(kind, *chunks):
    body = kind + b"".join(name + struct.pack("<I", len(content)) + content for name, content in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def movie(brand):
    return make_mp4()[:8] + brand + make_mp4()[12:]


def picture(format):
    target = io.BytesIO()
    Image.new("RGB", (8, 8), (1, 2, 3)).save(target, format)
    return target.getvalue()


def package(**parts):
    return archive({"[Content_Types].xml": "<Types/>", **parts})


def opened(kind):
    return archive({"mimetype": kind, "content.xml": "words"})


ODF_KINDS = ("text", "spreadsheet", "presentation", "graphics")
ODF = "application/vnd.oasis.opendocument."
STREAM_INFO = struct.pack(">HH", 4096, 4096) + bytes(6) + b"\x0a\xc4\x40\xf0" + bytes(20)
JXL = b"\x00\x00\x00\x0cJXL \r\n\x87\n\x00\x00\x00\x14ftypjxl \0\0\0\0jxl \x00\x00\x00\x0ajxlc\xff\x0a"
ASSETS = {
    "gif": picture("GIF"),
    "tiff": picture("TIFF"),
    "dng": picture("TIFF"),
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><g/></svg>',
    "wav": riff(b"WAVE", (b"fmt ", bytes(16)), (b"data", b"abcd")),
    "avi": riff(b"AVI ", (b"LIST", b"hdrl"), (b"LIST", b"movi")),
    "flac": b"fLaC\x80\x00\x00\x22" + STREAM_INFO,
    "m4a": movie(b"M4A "),
    "mov": movie(b"qt  "),
    "m4v": movie(b"M4V "),
    "heic": movie(b"heic"),
    "heif": movie(b"mif1"),
    "avif": movie(b"avif"),
    "jxl": JXL,
    "epub": opened("application/epub+zip"),
    **{name: opened(ODF + kind) for name, kind in zip(("odt", "ods", "odp", "odg"), ODF_KINDS, strict=True)},
    **{
        name: opened(f"{ODF}{kind}-template")
        for name, kind in zip(("ott", "ots", "otp", "otg"), ODF_KINDS, strict=True)
    },
    "xlsx": package(**{"xl/workbook.xml": ""}),
    "pptx": package(**{"ppt/presentation.xml": ""}),
    "docm": package(**{"word/document.xml": "", "word/vbaProject.bin": ""}),
    "xlsm": package(**{"xl/workbook.xml": "", "xl/vbaProject.bin": ""}),
    "pptm": package(**{"ppt/presentation.xml": "", "ppt/vbaProject.bin": ""}),
    "oxps": package(**{"FixedDocumentSequence.fdseq": ""}),
    "zip": archive({"a.txt": "words"}),
}


@pytest.mark.parametrize("format", ASSETS)
def test_every_format_is_read(signer, contexts, format):
    """Those of the library that `test_signed_matrix.py` does not sign; ARW and NEF are TIFF, and cannot be signed."""
    asset = signer.sign(ASSETS[format], format, "digitalCapture")
    for path in (None, f"a.{format}", "a.jpg"):
        found = read_credentials(asset, context=contexts.trusted, path=path)
        assert (found.validation_state, found.error) == ("Trusted", None)


def test_no_format_of_the_library_is_left_out():
    names = {name for name in c2pa.Reader.get_supported_mime_types() if "/" not in name}
    assert names - {*ASSETS, "jpg", "jpeg", "png", "webp", "mp3", "mp4", "pdf", "docx", "tif", "c2pa"} == {"arw", "nef"}
    assert {f".{name}" for name in names} == formats._EXTENSIONS
