import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from curate.provenance.evidence import METADATA, RIGHTS
from curate.provenance.metadata.claims import canonical_source
from curate.provenance.metadata.xmp import MAX_PACKET, read_packet, xmp_evidence
from curate.provenance.rubric import INCEPTION, NEUTRAL_SOURCES

IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def told(packet):
    properties, error = read_packet(packet)
    assert error is None
    return [(e.family, e.kind, e.claim, e.llr) for e in xmp_evidence(properties)]


@pytest.mark.parametrize("value", [IPTC + "{}", "http://c2pa.org/digitalsourcetype/{}", "{}", " {} "])
@pytest.mark.parametrize("form", ["element", "attribute", "resource", "bag"])
@pytest.mark.parametrize("name", ["trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "digitalCapture"])
def test_source_types(xmp, value, form, name):
    value, tag = value.format(name), "Iptc4xmpExt:DigitalSourceType"
    packet = {
        "element": xmp(f"<{tag}>{value}</{tag}>"),
        "attribute": xmp("", f'{tag}="{value}"'),
        "resource": xmp(f'<{tag} rdf:resource="{value}"/>'),
        "bag": xmp(f"<{tag}><rdf:Bag><rdf:li>{value}</rdf:li></rdf:Bag></{tag}>"),
    }[form]
    signal = INCEPTION[name]
    assert told(packet) == [(METADATA, "iptc_source_type", signal.claim, signal.valid)]


@pytest.mark.parametrize("name", sorted(INCEPTION))
def test_every_source_type_weighs_like_an_unknown_signer(xmp, name):
    signal = INCEPTION[name]
    assert told(xmp("", f'Iptc4xmpExt:DigitalSourceType="{IPTC}{name}"')) == [
        (METADATA, "iptc_source_type", signal.claim, signal.valid)
    ]


@pytest.mark.parametrize("name", [*sorted(NEUTRAL_SOURCES), "unheardOf"])
def test_neutral_source_types(xmp, name):
    packet = xmp("", f'Iptc4xmpExt:DigitalSourceType="{name}"')
    assert told(packet) == [(METADATA, "iptc_source_type", "unknown", 0.0)]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("https://schema.org/TrainedAlgorithmicMediaDigitalSource", "trainedAlgorithmicMedia"),
        ("schema:CompositeSyntheticDigitalSource", "compositeSynthetic"),
        ("MultiFrameComputationalCaptureDigitalSource", "computationalCapture"),
        (IPTC + "digitalArt/", "digitalArt"),
        ("", ""),
    ],
)
def test_canonical_source(value, name):
    assert canonical_source(value) == name


def test_ai_properties(xmp):
    system = "<Iptc4xmpExt:AISystemUsed>Imager</Iptc4xmpExt:AISystemUsed>"
    system += "<Iptc4xmpExt:AISystemVersionUsed>2</Iptc4xmpExt:AISystemVersionUsed>"
    prompt = "<Iptc4xmpExt:AIPromptInformation>a secret wish</Iptc4xmpExt:AIPromptInformation>"
    evidence = xmp_evidence(read_packet(xmp(system + prompt))[0])
    assert [(e.kind, e.claim, e.llr, e.detail) for e in evidence] == [("iptc_ai_system", "synthetic", 5.0, "Imager 2")]
    assert told(xmp(prompt)) == [(METADATA, "iptc_ai_system", "synthetic", 5.0)]
    assert "secret" not in str(xmp_evidence(read_packet(xmp(prompt))[0]))
    composite = "<Iptc4xmpExt:DigitalSourceType>compositeSynthetic</Iptc4xmpExt:DigitalSourceType>"
    assert {claim for _, _, claim, _ in told(xmp(composite + system))} == {"mixed"}


PLUS = "http://ns.useplus.org/ldf/vocab/DMI-"


@pytest.mark.parametrize(
    ("elements", "kind", "claim"),
    [
        (f"<plus:DataMining>{PLUS}ALLOWED</plus:DataMining>", "plus_data_mining", "allow"),
        (f"<plus:DataMining>{PLUS}UNSPECIFIED</plus:DataMining>", "plus_data_mining", "unknown"),
        (f"<plus:DataMining>{PLUS}PROHIBITED</plus:DataMining>", "plus_data_mining", "deny"),
        (f'<plus:DataMining rdf:resource="{PLUS}PROHIBITED-AIMLTRAINING"/>', "plus_data_mining", "deny"),
        ("<plus:DataMining>DMI-PROHIBITED-GENAIMLTRAINING</plus:DataMining>", "plus_data_mining", "deny"),
        (f"<plus:DataMining>{PLUS}PROHIBITED-EXCEPTSEARCHENGINEINDEXING</plus:DataMining>", "plus_data_mining", "deny"),
        (f"<plus:DataMining>{PLUS}PROHIBITED-SEECONSTRAINT</plus:DataMining>", "plus_data_mining", "deny"),
        (
            f"<plus:DataMining>{PLUS}PROHIBITED-SEECONSTRAINT</plus:DataMining>"
            "<plus:OtherConstraints><rdf:Alt><rdf:li xml:lang='en'>ask us</rdf:li></rdf:Alt></plus:OtherConstraints>",
            "plus_data_mining",
            "constrained",
        ),
        ("<tdm:reservation>1</tdm:reservation>", "tdm_reservation", "deny"),
        ("<tdm:reservation>0</tdm:reservation>", "tdm_reservation", "allow"),
        (
            "<tdm:reservation>1</tdm:reservation><tdm:policy>https://example.org/p.json</tdm:policy>",
            "tdm_reservation",
            "constrained",
        ),
        ("<xmpRights:WebStatement>https://example.org</xmpRights:WebStatement>", "xmp_rights", "unknown"),
    ],
)
def test_rights(xmp, elements, kind, claim):
    assert told(xmp(elements)) == [(RIGHTS, kind, claim, 0.0)]


def test_ingredients_say_nothing_of_the_whole(xmp):
    deep = "<xmp:Pantry><rdf:Bag><rdf:li><rdf:Description Iptc4xmpExt:DigitalSourceType='trainedAlgorithmicMedia'>"
    deep += "<Iptc4xmpExt:DigitalSourceType>trainedAlgorithmicMedia</Iptc4xmpExt:DigitalSourceType>"
    assert told(xmp(deep + "</rdf:Description></rdf:li></rdf:Bag></xmp:Pantry>")) == []


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-be", "utf-16-le"])
def test_encodings(xmp, codec):
    packet = xmp("", 'Iptc4xmpExt:DigitalSourceType="trainedAlgorithmicMedia"').decode()
    assert told(packet.encode(codec)) == [(METADATA, "iptc_source_type", "synthetic", 5.0)]
    assert told(packet.encode() + b"\0" * 9 + b"\n") == [(METADATA, "iptc_source_type", "synthetic", 5.0)]


LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (f'<!DOCTYPE x [<!ENTITY a0 "ha">{LAUGHS}]><x>&a9;</x>'.encode(), "EntitiesForbidden"),
        (b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>', "EntitiesForbidden"),
        (b'<!DOCTYPE x [<!ENTITY % e SYSTEM "http://example.org/x.dtd"> %e;]><x/>', "EntitiesForbidden"),
        (b"<a>" * 100_000, "nested deeper"),
        (b'<x xmlns:a="' + b"u" * 100_000 + b'"/>', "namespace"),
        (b"<x>", "no element found"),
        (b"\0" * 100, "no element found"),
        (b"<x>\0</x>", "not well-formed"),
        (b"<?xml version='1.0' encoding='utf-7'?>+ADw-x", ""),
    ],
)
def test_hostile_packets(packet, reason):
    properties, error = read_packet(packet)
    assert properties == {} and reason in error


def test_what_stands_before_a_fault_counts(xmp):
    packet = xmp("<Iptc4xmpExt:DigitalSourceType>trainedAlgorithmicMedia</Iptc4xmpExt:DigitalSourceType>")
    properties, error = read_packet(packet[:-50])
    assert properties == {"source_type": ["trainedAlgorithmicMedia"]} and error


def test_only_the_beginning_of_a_huge_packet_is_read(xmp):
    packet = xmp("<xmp:CreatorTool>GIMP</xmp:CreatorTool><xmp:Thumb>" + "x" * MAX_PACKET + "</xmp:Thumb>")
    assert read_packet(packet) == ({"creatortool": ["GIMP"]}, None)


@given(st.binary() | st.text().map(lambda text: f"<x>{text}</x>".encode(errors="replace")))
@example(b"<?xpacket")
def test_nothing_raises(packet):
    properties, error = read_packet(packet)
    assert isinstance(xmp_evidence(properties), list) and (error is None or isinstance(error, str))
