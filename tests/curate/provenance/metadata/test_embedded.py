import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.provenance.formats import sniff
from curate.provenance.metadata.embedded import metadata_evidence

SOURCE = 'Iptc4xmpExt:DigitalSourceType="trainedAlgorithmicMedia"'


@pytest.mark.parametrize(("kind", "mime"), [("JPEG", "image/jpeg"), ("WEBP", "image/webp"), ("TIFF", "image/tiff")])
def test_everything_in_one_file(image, exif, xmp, kind, mime):
    packet = xmp("<plus:DataMining>DMI-PROHIBITED</plus:DataMining>", SOURCE)
    block = exif({0x010F: "Canon", 0x0110: "R5", 0x829A: 0.01, 0x0131: "Midjourney"})
    options = {"xmp": packet, "exif": block} if kind != "TIFF" else {"tiffinfo": {700: packet, 0x0131: "Midjourney"}}
    evidence = metadata_evidence(image(kind, **options), mime)
    kinds = ["iptc_source_type", "plus_data_mining", "generator", "camera"]
    assert [e.kind for e in evidence] == (kinds if kind != "TIFF" else kinds[:3])


def test_other_formats(xmp):
    packet = xmp("<pdf:Producer>x</pdf:Producer>", SOURCE)
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><metadata>' + packet[packet.index(b"<rdf") : packet.index(b"</x:")]
    files = [b"%PDF-1.7\n" + packet, svg + b"</metadata></svg>", b"GIF89a" + packet, b"\0\0\0\x18ftypheic" + packet]
    files += [b"<!doctype html><html><meta itemprop=digitalSourceType content=trainedAlgorithmicMedia>"]
    files += [files[-1] + b"<svg></svg>"]
    for data in files:
        assert [(e.claim, e.llr) for e in metadata_evidence(data, sniff(data))] == [("synthetic", 5.0)]


def test_hostile_xmp_is_told(image, xmp):
    bomb = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><x>&b;</x>'
    (evidence,) = metadata_evidence(image("JPEG", xmp=bomb), "image/jpeg")
    assert (evidence.kind, evidence.claim, evidence.llr) == ("metadata_unreadable", "unknown", 0.0)


def test_nothing_to_tell(image):
    for kind, mime in (("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp"), ("GIF", "image/gif")):
        assert metadata_evidence(image(kind), mime) == []
    assert metadata_evidence(b"", None) == metadata_evidence(b"plain text", None) == []


@given(
    st.binary(), st.sampled_from(["image/jpeg", "image/png", "image/svg+xml", "application/zip", "audio/mpeg", None])
)
def test_no_bytes_raise(data, mime):
    metadata_evidence(data, mime)
    metadata_evidence(b"<!doctype html>" + data, None)
