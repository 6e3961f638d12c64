"""What strangers may hand over: each costs one counted item or error, and nothing crashes, hangs or is fetched."""

import io
import struct
import zipfile
import zlib

import c2pa
import pyarrow as pa
import pytest
from matrix import FORMATS, tampered

from curate.config import make_config
from curate.provenance.archives import Assets
from curate.provenance.evidence import CREDENTIALS, from_lists
from curate.provenance.files import block_provenance, examine
from curate.provenance.native import MAX_BOXES
from curate.provenance.rubric import judge_store
from curate.provenance.signing import ThrowAwaySigner, make_png


@pytest.fixture(scope="module")
def config(anchors):
    return make_config({"provenance": {"trust_anchors": anchors, "max_media_bytes": 1 << 20}})


def item(config, files, name):
    """The one item of evidence of a file, and the error of its row."""
    with Assets(lambda path: io.BytesIO(files[path]), config.provenance.max_media_bytes) as assets:
        columns = block_provenance(None, pa.array([name, name]), config=config, read_file=assets.read)
    first, second = from_lists(columns["findings"])
    assert first == second
    (found,) = first
    assert found.family == CREDENTIALS and found.llr == 0.0
    assert found.detail.isprintable() and len(found.detail) <= 500
    return found, columns["errors"][0].as_py()


def vast_png(signer):
    """A signed PNG that says it has 2^31 - 1 rows and columns."""
    header = struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 2, 0, 0, 0)
    bare = make_png(1, 2, 3)
    place = bare.index(b"IHDR") + 4
    checksum = struct.pack(">I", zlib.crc32(b"IHDR" + header))
    return signer.sign(bare[:place] + header + checksum + bare[place + 17 :], "image/png", "digitalCapture")


def bomb(compression=zipfile.ZIP_DEFLATED):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as file:
        file.writestr("word/document.xml", bytes(64 << 20))
    return target.getvalue()


def crowded(signer, count):
    """An asset with so many ingredients, none of which has a manifest."""
    action = {"action": "c2pa.created", "digitalSourceType": "digitalCapture"}
    manifest = {
        "claim_generator_info": [{"name": "crowd"}],
        "assertions": [{"label": "c2pa.actions", "data": {"actions": [action], "allActionsIncluded": True}}],
        "ingredients": [
            {"title": str(i), "format": "image/png", "relationship": "componentOf", "instance_id": f"xmp:iid:{i}"}
            for i in range(count)
        ],
    }
    settings = {"verify": {"verify_after_sign": False}, "builder": {"thumbnail": {"enabled": False}}}
    signed = io.BytesIO()
    builder = c2pa.Builder(manifest, context=c2pa.Context.from_dict(settings))
    builder.sign(signer._signer(), "image/png", io.BytesIO(make_png(1, 2, 3)), signed)
    return signed.getvalue()


EMPTY_BOX = b"\x00\x00\x00\x20jumb\x00\x00\x00\x18jumd" + bytes(16)
ERRORS = {
    "zero bytes": (lambda signer: b"", "empty"),
    "garbage by the name of a picture": (lambda signer: b"garbage" * 99, "header"),
    "garbage": (lambda signer: b"garbage" * 99, "not a format"),
    "truncated": (lambda signer: signer.sign(make_png(1, 2, 3), "image/png", "digitalCapture")[:900], ""),
    "truncated header": (lambda signer: b"\x89PNG\r\n\x1a\n\x00", ""),
    "broken zip": (lambda signer: b"PK\x03\x04" + b"0" * 80, ""),
    "too large": (lambda signer: make_png(1, 2, 3) + bytes(1 << 20), "max_media_bytes"),
    "too many boxes": (
        lambda signer: (
            make_png(1, 2, 3) + b"\x00\x00\x00\x20jumb\x00\x00\x00\x18jumd________________" * (MAX_BOXES + 1)
        ),
        f"more than {MAX_BOXES} boxes",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(config, signer, name):
    make, told = ERRORS[name]
    path = "x.png" if "name" in name else "x"
    found, error = item(config, {path: make(signer)}, path)
    assert found.kind == "c2pa_unreadable"
    assert error and told in error


@pytest.mark.parametrize("format", FORMATS)
def test_tampered(config, signer, format):
    mime, bare, _ = FORMATS[format]
    asset = tampered(signer.sign(bare, mime, "digitalCapture"), format)
    found, error = item(config, {"x": asset}, "x")
    assert (found.kind, found.claim, error) == ("c2pa_invalid", "unknown", None)
    assert "mismatch" in found.detail


def test_a_wrong_extension_does_not_matter(config, signer):
    mime, bare, _ = FORMATS["MP3"]
    asset = signer.sign(bare, mime, "digitalCapture")
    rows = ["x.jpg", "x.pdf", "x.c2pa", "x"]
    columns = block_provenance(None, pa.array(rows), config=config, read_file=dict.fromkeys(rows, asset).__getitem__)
    assert [items[0].kind for items in from_lists(columns["findings"])] == ["c2pa_trusted"] * 4


def test_vast_dimensions_cost_nothing(config, signer):
    columns = block_provenance(pa.array([vast_png(signer)]), None, config=config, read_file=lambda _: b"")
    assert from_lists(columns["findings"])[0][0].kind == "c2pa_trusted"


def test_zip_bombs(config):
    """A package of 64 MB of zeros is not unpacked, as a member it is refused."""
    package = bomb()
    columns = block_provenance(pa.array([package]), None, config=config, read_file=lambda _: b"")
    assert from_lists(columns["findings"]) == [[]]
    found, error = item(config, {"x.zip": package}, "x.zip!/word/document.xml")
    assert found.kind == "c2pa_unreadable"
    assert "refused" in error


def test_a_remote_manifest_is_told_by_its_address(config, signer, png):
    asset = signer.sign_remote(png, "image/png", "digitalCapture", "https://credentials.invalid/one.c2pa")
    found, error = item(config, {"x": asset}, "x")
    assert (found.kind, error) == ("c2pa_remote", None)
    assert "https://credentials.invalid/one.c2pa" in found.detail


def test_a_name_that_is_not_printable(config, png):
    signer = ThrowAwaySigner("a\nb\u202ec" + "d" * 50)
    columns = block_provenance(
        pa.array([signer.sign(png, "image/png", "digitalCapture")]), None, config=config, read_file=lambda _: b""
    )
    ((found,),) = from_lists(columns["findings"])
    assert found.detail.isprintable() and len(found.detail) <= 500


def test_many_real_ingredients(config, signer):
    columns = block_provenance(pa.array([crowded(signer, 300)]), None, config=config, read_file=lambda _: b"")
    ((found,),) = from_lists(columns["findings"])
    assert (found.kind, found.claim) == ("c2pa_trusted", "unknown")


def test_ten_thousand_ingredients_are_refused_before_the_library_sees_them(anchors, signer):
    """The boxes of real ones, repeated: signing so many would take the library a minute, and reading them another."""
    config = make_config({"provenance": {"trust_anchors": anchors}})
    asset = crowded(signer, 100)
    found, error = item(config, {"x": asset + asset[asset.index(b"jumb") - 4 :] * 100}, "x")
    assert found.kind == "c2pa_unreadable"
    assert f"more than {MAX_BOXES} boxes" in error


def graph(count, ingredients):
    action = {"action": "c2pa.created", "digitalSourceType": "trainedAlgorithmicMedia"}
    data = {"actions": [action], "allActionsIncluded": True}
    return {
        "active_manifest": "0",
        "manifests": {
            str(i): {"assertions": [{"label": "c2pa.actions.v2", "data": data}], "ingredients": ingredients(i)}
            for i in range(count)
        },
    }


@pytest.mark.parametrize(
    "store",
    [
        graph(1, lambda i: [{"relationship": "parentOf", "active_manifest": "0"}]),
        graph(2, lambda i: [{"relationship": "componentOf", "active_manifest": str(1 - i)}] * 3),
        graph(10_000, lambda i: [{"relationship": "parentOf", "active_manifest": str((i + 1) % 10_000)}]),
        graph(10_001, lambda i: [{"active_manifest": str(k)} for k in range(1, 10_001)] if i == 0 else []),
    ],
    ids=["self", "pair", "long cycle", "crowd"],
)
def test_graphs_of_manifests(store):
    assert judge_store(store, True).claim == "synthetic"


def test_examine_tells_an_error_in_one_line(config, tmp_path):
    for name, content in (("a.png", b""), ("b.zip", bomb()), ("c", b"\x00" * 4096)):
        (tmp_path / name).write_bytes(content)
    for path in ("a.png", "b.zip!/word/document.xml", "b.zip!/absent", "c", "c!/x", "absent", "."):
        record = examine(str(tmp_path / path), config)
        assert record["error"] and "\n" not in record["error"]
        assert (record["origin"], record["has_credentials"]) == ("unknown", False)
