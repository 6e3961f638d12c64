"""Every digitalSourceType, signed in every way, comes to the verdict of the rubric (`matrix.py`)."""

import pyarrow as pa
import pytest
from matrix import EXPECTED, FORMATS, STATES, STRUCTURES, expected, tampered

from curate.config import make_config
from curate.provenance.evidence import from_lists
from curate.provenance.files import block_provenance
from curate.provenance.origin import fuse, own_class, prior

KINDS = {"trusted": "c2pa_trusted", "untrusted": "c2pa_valid", "tampered": "c2pa_invalid"}
TEXT = "<html><head><title>A title</title></head>\n<body>The text itself.</body></html>\n"
OWN_CLASSES = ("real", "unknown", "synthetic")


@pytest.fixture(scope="module")
def configs(anchors):
    trusting = make_config({"provenance": {"trust_anchors": anchors}})
    return {"trusted": trusting, "untrusted": make_config({}), "tampered": trusting}


def structures(source_type, sign, ingredient):
    """The same type alone, as the parent of what was opened, and as a part of a photograph."""
    plain = sign(source_type, ())
    part = ingredient(plain)
    return {
        "plain": plain,
        "parent": sign(None, [("parentOf", part)]),
        "component": sign("digitalCapture", [("componentOf", part)]),
    }


def verdicts(config, files):
    """(kind, claim, own class, origin) of files that a block names, by name; those that are sidecars do not count."""
    names = [name for name in files if not name.endswith(".c2pa")]
    found = block_provenance(None, pa.array(names), config=config, read_file=files.__getitem__)
    assert found["errors"].null_count == len(names)
    features = pa.table({"findings": found["findings"]})
    own = own_class(features, config)
    fused = fuse(
        own.evidence,
        own=own.own_class,
        conflict=own.conflict,
        prior=prior(features, config),
        rules=config.provenance,
    )
    rows = zip(names, from_lists(found["findings"]), own.own_class, fused.origin.to_pylist(), strict=True)
    return {name: (items[0].kind, items[0].claim, OWN_CLASSES[own], origin) for name, items, own, origin in rows}


def check(source_type, configs, files):
    for state in STATES:
        found = verdicts(configs[state], files[state])
        for structure in STRUCTURES:
            wanted = (KINDS[state], *expected(source_type, structure, state))
            assert found[structure] == wanted, (structure, state)


@pytest.mark.parametrize("source_type", EXPECTED)
@pytest.mark.parametrize("format", FORMATS)
def test_embedded(signer, configs, format, source_type):
    mime, bare, _ = FORMATS[format]

    def sign(source, ingredients):
        return signer.sign(bare, mime, source, ingredients=ingredients)

    whole = structures(source_type, sign, lambda plain: plain)
    broken = {name: tampered(asset, format) for name, asset in whole.items()}
    check(source_type, configs, {"trusted": whole, "untrusted": whole, "tampered": broken})


@pytest.mark.parametrize("source_type", EXPECTED)
def test_sidecar(signer, configs, source_type):
    mime, bare, _ = FORMATS["PNG"]
    part = signer.sign(bare, mime, source_type)

    def sign(source, ingredients):
        return signer.sign_sidecar(bare, mime, source, ingredients)

    sidecars = structures(source_type, sign, lambda _: part)
    beside = {f"{name}.c2pa": sidecar for name, sidecar in sidecars.items()}
    whole = {**dict.fromkeys(STRUCTURES, bare), **beside}
    broken = {**dict.fromkeys(STRUCTURES, tampered(bare, "PNG")), **beside}
    check(source_type, configs, {"trusted": whole, "untrusted": whole, "tampered": broken})


@pytest.mark.parametrize("source_type", EXPECTED)
@pytest.mark.parametrize("method", ["unstructured", "structured", "html"])
def test_text(signer, configs, method, source_type):
    """What is opened and placed is an image: the library reads no manifests of texts."""
    mime, bare, _ = FORMATS["PNG"]
    part = signer.sign(bare, mime, source_type)

    def sign(source, ingredients):
        return signer.sign_text(TEXT, source, method=method, ingredients=ingredients).encode()

    whole = structures(source_type, sign, lambda _: part)
    broken = {name: text.replace(b"itself", b"another") for name, text in whole.items()}
    check(source_type, configs, {"trusted": whole, "untrusted": whole, "tampered": broken})


def test_the_vocabularies_are_covered():
    """IPTC digital source types (2026, retired ones included) and those of C2PA."""
    assert len(EXPECTED) == 22
