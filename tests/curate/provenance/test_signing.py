import struct
import zlib

from curate.provenance.credentials import read_credentials
from curate.provenance.signing import ThrowAwaySigner, make_png


def test_png_is_well_formed():
    data = make_png(255, 0, 7, size=3)
    position, kinds, pixels = 8, [], b""
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        kind, payload = data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        (checksum,) = struct.unpack_from(">I", data, position + 8 + length)
        assert checksum == zlib.crc32(kind + payload)
        kinds.append(kind)
        pixels += payload if kind == b"IDAT" else b""
        position += 12 + length
    assert kinds == [b"IHDR", b"IDAT", b"IEND"]
    assert zlib.decompress(pixels) == (b"\x00" + b"\xff\x00\x07" * 3) * 3


def test_each_signer_is_its_own_root(contexts, signer, png):
    other = ThrowAwaySigner()
    assert other.anchors_pem != signer.anchors_pem
    assert read_credentials(
        other.sign(png, "image/png", "digitalCapture"), context=contexts.trusted
    ).validation_state == ("Valid")
    assert len(signer.sign(png, "image/png", "digitalCapture")) < 10_000
