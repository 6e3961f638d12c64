"""What is fuzzed: one target for each parser of ours that reads a stranger's bytes.

A target takes any bytes and raises only if a property is broken: an exception that the parser does not document, or
evidence that is not well formed. That no input takes more than a second is checked by whoever calls it.
"""

import io
import json
import math
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

import pyarrow as pa
from reader_targets import READERS

Run = Callable[[bytes], object]


@dataclass(frozen=True)
class Target:
    """A parser with the bytes to begin with; `build` imports the parser, so that its coverage can be traced."""

    build: Callable[[], Run]
    seeds: tuple[bytes, ...]


def check(items) -> None:
    """Evidence as the ledger has it: known family and claim, a finite weight, one short printable line."""
    from curate.provenance.evidence import CLAIMS, FAMILIES, RIGHTS
    from curate.provenance.rights import VERDICTS

    for item in items:
        assert item.family in FAMILIES, item
        assert item.claim in (VERDICTS if item.family == RIGHTS else CLAIMS), item
        assert math.isfinite(item.llr) and (item.llr == 0 or item.family != RIGHTS), item
        assert item.kind.isidentifier(), item
        assert len(item.detail) <= 500 and item.detail.isprintable(), item


def tree(data: bytes, words: tuple[str, ...]):
    """A JSON value that bytes stand for, so that mutations of bytes are mutations of its structure.

    Args:
        data: any bytes; what is left when the value is complete is ignored.
        words: keys and values to choose from.
    """
    stream = iter(data)

    def value(depth):
        kind = next(stream, 0)
        size = next(stream, 0) % 8
        if depth < 100 and kind % 8 == 5:
            return [value(depth + 1) for _ in range(size)]
        if depth < 100 and kind % 8 >= 6:
            return {word(): value(depth + 1) for _ in range(size)}
        if kind % 8 == 4:
            return (None, True, False, -1, 2**70, 0.5, "", "\u202e\n")[size]
        return word() if kind % 8 else bytes(next(stream, 0) for _ in range(size)).decode("latin-1")

    def word():
        return words[next(stream, 0) % len(words)]

    return value(0)


def either(data: bytes, words: tuple[str, ...]):
    """The JSON that bytes are, or else the tree that they stand for."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return tree(data, words)


def noise(count: int) -> tuple[bytes, ...]:
    return tuple(b"".join(blake2b(bytes([n, i])).digest() for i in range(4)) for n in range(count))


# Formats.


def _sniff() -> Run:
    from curate.provenance.formats import media_type, sniff

    def run(data):
        for found in (sniff(data), media_type(data, "x.jpg"), media_type(data, data[:40].decode("latin-1"))):
            assert found is None or isinstance(found, str)

    return run


HEADS = (
    b"\xff\xd8\xff\xe0\0\x10JFIF", b"\x89PNG\r\n\x1a\n", b"RIFF\x24\0\0\0WEBPVP8 ", b"RIFF\x24\0\0\0WAVEfmt ",
    b"\0\0\0\x18ftypmp42\0\0\0\0", b"\0\0\0\x18ftypavif", b"ID3\x04\0", b"\xff\xfb\x90\x44", b"%PDF-1.7\n", b"GIF89a",
    b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b"fLaC", b"OggS", b"<svg xmlns=", b"PK\x03\x04", b"\0\0\0\x10jumb",
)  # fmt: skip


# Credentials.

TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
STORE_WORDS = (
    "manifests", "active_manifest", "a", "b", "assertions", "label", "data", "c2pa.actions.v2", "c2pa.actions",
    "actions", "action", "c2pa.created", "c2pa.edited", "c2pa.opened", "digitalSourceType", "ingredients",
    "parentOf", "componentOf", "inputTo", "parameters", "ingredient", "validation_state", "Trusted", "Valid", "Invalid",
    TRAINED, "validation_results", "activeManifest", "relationship",
    "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture", "failure", "code", "ingredientDeltas",
    "c2pa.training-mining", "cawg.training-mining", "entries", "cawg.ai_generative_training", "use", "notAllowed",
    "constrained", "allowed", "constraints_info", "signature_info", "issuer", "common_name", "claim_generator_info",
    "name", "claim_generator", "trustListUri", "title", "validationDeltas", "ingredientAssertionURI",
)  # fmt: skip


def _store() -> Run:
    from curate.provenance.credentials import credential_evidence, read_credentials
    from curate.provenance.native import Answer

    class Reader:
        def read(self, mime, data, sidecar):
            return answers.pop()

    answers = []

    def run(data):
        store = either(data[1:], STORE_WORDS)
        if data[:1] > b"\x40":  # most stores have what every store has
            store = {"manifests": {"a": store, "b": store}, "active_manifest": "a", "validation_state": "Trusted"}
        for text in (data.decode("utf-8", "replace"), json.dumps(store)):
            answers.append(Answer(text, revoked=("b",) if data[-1:] == b"r" else ()))
            check(credential_evidence(read_credentials(HEADS[0], context=Reader())))

    return run


def _store_seed(**manifest) -> bytes:
    return json.dumps({"manifests": {"a": manifest}, "active_manifest": "a", "validation_state": "Valid"}).encode()


_CREATED = {"action": "c2pa.created", "digitalSourceType": TRAINED}
STORES = (
    _store_seed(assertions=[{"label": "c2pa.actions.v2", "data": {"actions": [_CREATED]}}]),
    _store_seed(ingredients=[{"relationship": "parentOf", "active_manifest": "a"}], claim_generator="x"),
    _store_seed(assertions=[{"label": "cawg.training-mining", "data": {"entries": {"x": {"use": "notAllowed"}}}}]),
    *noise(4),
)


def _archives() -> Run:
    from curate.provenance.archives import Assets

    def run(data):
        for name in ("x.zip!/a.txt", "x.tar!/a.txt", "x.tgz!/d/b.bin"):
            with Assets(lambda path: io.BytesIO(data), 1 << 20) as assets:
                try:
                    assert len(assets.read(name)) <= 1 << 20
                except (AssertionError, MemoryError, RecursionError):
                    raise
                except Exception:  # whatever is documented: a record's error
                    continue

    return run


def _archive(kind: str) -> bytes:
    packed = io.BytesIO()
    files = {"a.txt": b"hello " * 40, "d/b.bin": bytes(range(64))}
    if kind == "zip":
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
            for name, content in files.items():
                made.writestr(zipfile.ZipInfo(name), content)
    else:
        with tarfile.open(fileobj=packed, mode=kind) as made:
            for name, content in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                made.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


# Rights and times.


def _rights() -> Run:
    from curate.config import Config
    from curate.provenance.evidence import from_lists
    from curate.provenance.rights import VERDICTS, content_usage, rights_word, robots, tdm_reservation
    from curate.provenance.rights_columns import column_rights

    config = Config()

    def run(data):
        text = data.decode("utf-8", "replace")
        first, _, rest = text.partition("|")
        found = (content_usage(text), rights_word(text), robots(text), robots(text, media=True))
        assert {*found, tdm_reservation(first, rest), tdm_reservation(text)} <= set(VERDICTS)
        columns = {name: [text] for name in ("rights", "content_usage", "robots")}
        table = pa.table(columns | {"tdm_reservation": [first], "tdm_policy": [rest]})
        for row in from_lists(column_rights(table, pa.array([True]), config)):
            check(row)

    return run


PREFERENCES = (
    b"train-ai=n, search=y", b"Content-Usage: train-ai=y;x=1", b"bots=n", b"noai, noimageai", b"googlebot: noindex",
    b"1|https://example.org/policy", b"tdm-reservation: 0", b"deny", b"notAllowed", b"train-genai=?0,train-ai=?1",
)  # fmt: skip


def _times() -> Run:
    from curate.timestamps import to_timestamp

    def run(data):
        text = data.decode("utf-8", "replace")
        (found,) = to_timestamp(pa.array([text]))
        assert found.value is None or -62_135_596_800_000_000 <= found.value < 253_402_300_800_000_000

    return run


TIMES = (
    b"2022-11-30", b"2022-11-30T12:30:01Z", b"20221130123001", b"2022-11-30 12:30+05:30", b"0001-01-01T00:00-23:59",
    b"9999-12-31T23:59:59.999999999Z", b"2022-02-30", b" 2022-11-30T12:30:01,5 UTC ",
)  # fmt: skip


# Data sets.

DATASET_WORDS = (
    "@graph", "@type", "sc:Dataset", "keywords", "synthetic", "license", "rai:dataCollection", "prov:wasGeneratedBy",
    "rai:dataCollectionType", "Manual Human Curator", "rai:dataCollectionTimeframe", "2020-02-30", "2021", "1999-01",
    "prov:label", "GPT-4", "not synthetic", "provenance", "Method", "usageInfo", "DUO_0000042", "train-ai=n", "mixed",
    "source_datasets", "language_creators", "machine-generated", "@value", "tags", "prov:wasDerivedFrom",
)  # fmt: skip


def _dataset() -> Run:
    from curate.errors import UsageError
    from curate.provenance.dataset_files import parse_metadata
    from curate.provenance.datasets import collected_until, dataset_evidence

    def run(data):
        for content in (data, b"---\n" + data + b"\n---\n", json.dumps(tree(data, DATASET_WORDS)).encode()):
            try:
                said = parse_metadata(content, "x")
            except UsageError as error:
                assert "\n" not in str(error)
                continue
            check(dataset_evidence(said))
            collected_until(said)

    return run


CARDS = (
    b"---\ntags:\n- synthetic\nlicense: mit\nlanguage_creators:\n- found\n- machine-generated\n---\n# x\n",
    b"---\nsource_datasets: [original, a]\nlicense_name: &x y\nannotations_creators: *x\n---\n",
    b'{"@type": "sc:Dataset", "keywords": "a, synthetic", "rai:dataCollectionTimeframe": ["2020-01", "2021"]}',
    b'{"@graph": [{"@type": "Dataset", "prov:wasGeneratedBy": {"prov:label": "GPT-4"}}]}',
    *noise(4),
)


# Text manifests.


def _text_finder(name: str) -> Callable[[], Run]:
    def build() -> Run:
        from importlib import import_module

        find = import_module(f"curate.provenance.text.{name}").find

        def run(data):
            text = data.decode("utf-8", "replace")
            for found in find(text):
                assert 0 <= found.start < found.end <= len(text)
                assert found.store is None or isinstance(found.store, bytes)
                assert found.store is not None or found.url or found.error

        return run

    return build


def _strip() -> Run:
    from curate.provenance.text.find import strip_manifests

    def run(data):
        text = data.decode("utf-8", "replace")
        stripped = strip_manifests(pa.array([text, None, "plain"]))
        spans = [range(edit["start"], edit["end"]) for edit in stripped.edits[0].as_py() or ()]
        taken = set().union(*spans)
        left = "".join(character for place, character in enumerate(text) if place not in taken)
        assert stripped.texts[0].as_py() == left, spans
        assert stripped.texts[2].as_py() == "plain"

    return run


def selectors(payload: bytes) -> str:
    """Bytes as variation selectors (C2PA 2.4, A.8)."""
    return "\ufeff" + "".join(chr(0xFE00 + byte if byte < 16 else 0xE0100 + byte - 16) for byte in payload)


_WRAPPED = b"C2PATXT\0\x01" + (8).to_bytes(4, "big") + b"\0\0\0\x08jumb"
UNSTRUCTURED = (
    ("Text. " + selectors(_WRAPPED)).encode(), selectors(_WRAPPED[:12]).encode(), selectors(b"C2PATXT\0\x02").encode(),
    (selectors(_WRAPPED) * 2 + " tail").encode(),
)  # fmt: skip
STRUCTURED = (
    b"<!-- -----BEGIN C2PA MANIFEST----- data:application/c2pa;base64,AAAACGp1bWI= -----END C2PA MANIFEST----- -->\nx",
    b"# -----BEGIN C2PA MANIFEST----- https://example.org/m.c2pa -----END C2PA MANIFEST-----\n",
    b"-----BEGIN C2PA MANIFEST-----\n-----END C2PA MANIFEST-----",
)
HTML = (
    b'<html><head><script type="application/c2pa">AAAACGp1bWI=</script></head><body>x</body></html>',
    b'<link rel="c2pa-manifest" href="https://example.org/m.c2pa">',
    b'<!doctype html><script type="application/ld+json">{"@type": "Article", "digitalSourceType": "x", "author": '
    b'{"@type": "SoftwareApplication", "name": "GPT"}}</script><meta name="robots" content="noai">',
    b'<html><meta name="tdm-reservation" content="1"><meta name="tdm-policy" content="https://e.org"><!-- <p> -->',
    b'<div itemscope itemtype="https://schema.org/Article"><meta itemprop="digitalSourceType" content="x"></div>',
)


# Embedded metadata.


def _xmp() -> Run:
    from curate.provenance.metadata.xmp import read_packet, xmp_evidence

    def run(data):
        properties, _ = read_packet(data)
        check(xmp_evidence(properties))

    return run


XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:i="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" i:DigitalSourceType='
    b'"http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia" '
    b'xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" plus:DataMining="DMI-PROHIBITED"/></rdf:RDF></x:xmpmeta>',
    b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>',
    "<x>\ufeff</x>".encode("utf-16"),
)

FIELDS = (
    "parameters", "prompt", "workflow", "software", "comment", "usercomment", "description", "sd-metadata", "dream",
    "invokeai_metadata", "sui_image_params", "fooocus_scheme", "title", "source", "Steps: 20, Seed: 1",
    "NovelAI", "Stable Diffusion", "class_type", "KSampler", "inputs", "make", "model", "signed_hash", "Midjourney",
    '{"3": {"class_type": "KSampler", "inputs": {"seed": 1}}}', '{"sui_image_params": {"prompt": "x"}}', "[[[[",
)  # fmt: skip


def _generators() -> Run:
    from curate.provenance.metadata.generators import camera_evidence, generator_evidence

    def run(data):
        values = tree(data, FIELDS)
        fields = {str(key): str(value) for key, value in values.items()} if isinstance(values, dict) else {}
        name, _, text = data.decode("utf-8", "replace").partition("=")
        for known in (fields, {name: text}, {FIELDS[len(data) % 13]: text}):
            check(generator_evidence(known))
            check(generator_evidence(known, partly=True))
            check(camera_evidence(known, exposure=len(data) % 2 == 0))

    return run


def _media() -> Run:
    from curate.provenance.formats import sniff
    from curate.provenance.metadata.embedded import metadata_evidence

    def run(data):
        for mime in (sniff(data), "image/png", "image/jpeg", "image/webp", "image/tiff"):
            check(metadata_evidence(data, mime))

    return run


def _chunk(name: bytes, content: bytes) -> bytes:
    body = name + content
    return len(content).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")


_HEADER = (2).to_bytes(4, "big") * 2 + b"\x08\x06\0\0\0"
PNG = b"\x89PNG\r\n\x1a\n" + b"".join(
    _chunk(name, content)
    for name, content in (
        (b"IHDR", _HEADER),
        (b"tEXt", b"parameters\0a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 2x2"),
        (b"zTXt", b"prompt\0\0" + zlib.compress(b'{"3": {"class_type": "KSampler"}}')),
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP[0]),
        (b"IDAT", zlib.compress(b"\0" + bytes(8) + b"\0" + bytes(8))),
        (b"IEND", b""),
    )
)
_TIFF = b"II*\0\x08\0\0\0\x01\0\x31\x01\x02\0\x0a\0\0\0\x1a\0\0\0\0\0\0\0Midjourney"
JPEG = b"\xff\xd8\xff\xe1" + (len(_TIFF) + 8).to_bytes(2, "big") + b"Exif\0\0" + _TIFF + b"\xff\xd9"


def _exif() -> Run:
    from curate.provenance.metadata.exif import read_exif, read_iim

    def run(data):
        texts = [*read_exif(data).texts.items(), *read_iim(data).items()]
        assert all(isinstance(part, str) for pair in texts for part in pair)

    return run


def _html() -> Run:
    from curate.provenance.evidence import from_lists
    from curate.provenance.metadata.html import html_evidence, text_metadata

    def run(data):
        page = data.decode("utf-8", "replace")
        check(html_evidence(page))
        for row in from_lists(text_metadata(pa.array([page]))):
            check(row)

    return run


TARGETS = {
    "sniff": Target(_sniff, (*HEADS, _archive("zip"))),
    "store": Target(_store, STORES),
    "archives": Target(_archives, (_archive("zip"), _archive("w"), _archive("w:gz"))),
    "rights": Target(_rights, PREFERENCES),
    "times": Target(_times, TIMES),
    "dataset": Target(_dataset, CARDS),
    "text_unstructured": Target(_text_finder("unstructured"), UNSTRUCTURED),
    "text_structured": Target(_text_finder("structured"), STRUCTURED),
    "text_html": Target(_text_finder("html"), HTML),
    "text_strip": Target(_strip, (*UNSTRUCTURED, *STRUCTURED, *HTML)),
    "xmp": Target(_xmp, XMP),
    "exif": Target(_exif, (_TIFF, b"8BIM\x04\x04\0\0\0\0\0\x0a\x1c\x02\x78\0\x05hello")),
    "generators": Target(_generators, (b"parameters=a\nSteps: 20, Sampler: Euler a", *noise(4))),
    "media": Target(_media, (PNG, JPEG, *HEADS[:3])),
    "html": Target(_html, HTML),
    **{name: Target(*target) for name, target in READERS.items()},
}
