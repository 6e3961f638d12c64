"""The media type of an asset by its content; the extension of its name decides only where content says nothing."""

import io
import os
import zipfile

STORE_TYPE = "application/c2pa"

_MAGIC = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),  # DNG, NEF and ARW too: c2pa reads all four alike
    (b"MM\x00*", "image/tiff"),
    (b"II+\x00", "image/tiff"),
    (b"MM\x00+", "image/tiff"),
    (b"\xff\x0a", "image/jxl"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "image/jxl"),
    (b"%PDF-", "application/pdf"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/avi"}
_BRANDS = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"heim": "image/heic",
    b"heis": "image/heic",
    b"hevc": "image/heic",
    b"mif1": "image/heif",
    b"msf1": "image/heif",
    b"qt  ": "video/quicktime",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"M4V ": "video/x-m4v",
}
_OOXML = "application/vnd.openxmlformats-officedocument."
# The folder or part that only this kind of package has.
_PACKAGES = (
    ("word/", _OOXML + "wordprocessingml.document"),
    ("xl/", _OOXML + "spreadsheetml.sheet"),
    ("ppt/", _OOXML + "presentationml.presentation"),
    ("FixedDocumentSequence.fdseq", "application/oxps"),
    ("FixedDocSeq.fdseq", "application/oxps"),
)
_MACROS = {
    _OOXML + "wordprocessingml.document": "application/vnd.ms-word.document.macroenabled.12",
    _OOXML + "spreadsheetml.sheet": "application/vnd.ms-excel.sheet.macroenabled.12",
    _OOXML + "presentationml.presentation": "application/vnd.ms-powerpoint.presentation.macroenabled.12",
}
# The names that c2pa takes for formats whose content may begin in ways that are not listed above.
_KNOWN_NAMES = (
    ".arw .avi .avif .c2pa .dng .docm .docx .epub .flac .gif .heic .heif .jpeg .jpg .jxl .m4a .m4v .mov .mp3 .mp4 .nef "
    ".odg .odp .ods .odt .otg .otp .ots .ott .oxps .pdf .png .pptm .pptx .svg .tif .tiff .wav .webp .xlsm .xlsx .zip"
)
_EXTENSIONS = frozenset(_KNOWN_NAMES.split())


def media_type(data: bytes, path: str | None = None) -> str | None:
    """What c2pa should read an asset as: what its content is, else what its name says, else None."""
    found = sniff(data)
    if found is None and path is not None:
        extension = os.path.splitext(path)[1].lower()
        return extension[1:] if extension in _EXTENSIONS else None
    return found


def sniff(data: bytes) -> str | None:
    """The media type of an asset by its content, whatever its name says; None for an unknown one."""
    head = data[:512]
    if head[4:8] == b"jumb":
        return STORE_TYPE
    for magic, mime in _MAGIC:
        if head.startswith(magic):
            return mime
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12])
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    if head[4:8] in (b"moov", b"mdat", b"wide"):
        return "video/quicktime"
    if head[:4] == b"PK\x03\x04":
        return _sniff_zip(data)
    if _is_mpeg_audio(head):
        return "audio/mpeg"
    return "image/svg+xml" if b"<svg" in data[:4096].lower() else None


def _is_mpeg_audio(head: bytes) -> bool:
    """Eleven set bits, then MPEG version 1, 2 or 2.5 and layer III (ISO 11172-3, 2.4.1.3)."""
    return len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2 and head[1] & 0x18 != 0x08


def _sniff_zip(data: bytes) -> str:
    """EPUB and OpenDocument name their type in a member; Office and XPS files are told by their parts."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if "mimetype" in names:
                with archive.open("mimetype") as member:
                    return member.read(128).decode("ascii").strip() or "application/x-zip"
    except Exception:  # a broken archive raises errors of many kinds; the reader will say what is wrong
        return "application/x-zip"
    for part, mime in _PACKAGES:
        if any(name.startswith(part) for name in names):
            return _MACROS.get(mime, mime) if any(name.endswith("/vbaProject.bin") for name in names) else mime
    return "application/x-zip"
