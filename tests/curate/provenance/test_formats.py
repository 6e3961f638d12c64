import io
import zipfile

import pytest

from curate.provenance.formats import sniff
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
        (archive({"a.txt": ""}), "application/zip"),
        (b"\x00\x00\x0c*jumb\x00\x00", "application/c2pa"),
        (b"plain text", None),
        (b"", None),
    ],
)
def test_sniff(data, expected):
    assert sniff(data) == expected
