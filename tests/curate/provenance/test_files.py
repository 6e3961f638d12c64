import io
import json
import tarfile
import zipfile

import numpy as np
import pyarrow as pa
import pytest

from curate.config import make_config
from curate.io.filesystem import LocalFiles
from curate.media import media_facts
from curate.provenance.evidence import from_lists
from curate.provenance.files import block_provenance, examine
from curate.provenance.rights import rights_verdict

KEYS = [
    "file",
    "has_credentials",
    "validation_state",
    "digital_source_types",
    "training_mining",
    "origin",
    "tier",
    "p_synthetic",
    "rights",
    "evidence",
    "error",
]


@pytest.fixture
def config(anchors):
    return make_config({"provenance": {"trust_anchors": anchors}})


def test_examine(signer, png, config, tmp_path):
    path = tmp_path / "wrong-extension.jpg"
    path.write_bytes(signer.sign(png, "image/png", "trainedAlgorithmicMedia", {"cawg.ai_training": "notAllowed"}))
    record = examine(str(path), config)
    assert list(record) == KEYS
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["file"] == str(path)
    assert (record["validation_state"], record["origin"], record["tier"]) == (
        "Trusted",
        "synthetic",
        "declared_synthetic",
    )
    assert (record["digital_source_types"], record["training_mining"], record["rights"]) == (
        ["trainedAlgorithmicMedia"],
        "notAllowed",
        "deny",
    )
    assert record["p_synthetic"] > 0.99
    assert record["evidence"][0]["kind"] == "c2pa_trusted"
    assert record["error"] is None


@pytest.mark.parametrize("sidecar", ["photo.c2pa", "photo.png.c2pa"])
def test_examine_uses_the_sidecar(signer, png, config, tmp_path, sidecar):
    (tmp_path / "photo.png").write_bytes(png)
    assert not examine(str(tmp_path / "photo.png"), config)["has_credentials"]
    (tmp_path / sidecar).write_bytes(signer.sign_sidecar(png, "image/png", "digitalCapture"))
    record = examine(str(tmp_path / "photo.png"), config)
    assert (record["validation_state"], record["origin"], record["tier"]) == ("Trusted", "human", "trusted_human")
    alone = examine(str(tmp_path / sidecar), config)
    assert (alone["has_credentials"], alone["validation_state"], alone["origin"]) == (True, "Invalid", "unknown")


@pytest.mark.parametrize("method", ["unstructured", "structured", "html"])
def test_examine_texts(signer, config, tmp_path, method):
    text = "<html><head></head><body>\nA text, très court.<svg></svg>\n</body></html>\n"
    plain, signed = tmp_path / "plain.html", tmp_path / "signed.md"
    plain.write_text(text)
    assert (examine(str(plain), config)["error"], examine(str(plain), config)["evidence"]) == (None, [])
    signed.write_text(signer.sign_text(text, "trainedAlgorithmicMedia", method=method))
    record = examine(str(signed), config)
    assert (record["validation_state"], record["origin"], record["error"]) == ("Trusted", "synthetic", None)
    signed.write_text(signed.read_text().replace("text", "test"))
    assert examine(str(signed), config)["validation_state"] == "Invalid"
    columns = block_provenance(pa.array([signed.read_bytes()]), None, config=config, read_file=lambda _: b"")
    assert [item.kind for item in from_lists(columns["findings"])[0]] == ["c2pa_invalid"]


def test_examine_a_text_with_a_link_and_a_sidecar(signer, config, tmp_path):
    """What is linked is not fetched, but may lie beside the document."""
    page = tmp_path / "page.html"
    page.write_text('<html><head><link rel="c2pa-manifest" href="page.c2pa"></head></html>')
    assert examine(str(page), config)["evidence"][0]["detail"] == "not fetched: page.c2pa"
    store = signer.sign_sidecar(page.read_bytes(), "application/octet-stream", "digitalCapture")
    (tmp_path / "page.c2pa").write_bytes(store)
    assert examine(str(page), config)["validation_state"] == "Trusted"


def test_examine_what_cannot_be_read(config, tmp_path):
    empty = tmp_path / "empty.png"
    empty.touch()
    for path in (empty, tmp_path / "missing.png", tmp_path):
        record = examine(str(path), config)
        assert list(record) == KEYS
        assert record["error"]
        assert (record["has_credentials"], record["origin"], record["tier"]) == (False, "unknown", "uncertain")


def test_block(signer, png, config):
    generated = signer.sign(png, "image/png", "trainedAlgorithmicMedia", {"cawg.ai_training": "notAllowed"})
    files = {
        "generated.png": generated,
        "photo.png": png,
        "photo.c2pa": signer.sign_sidecar(png, "image/png", "digitalCapture"),
        "bare.png": png,
    }
    rows = [(generated, None), (None, "photo.png"), (None, "bare.png"), (None, "gone.png"), (None, None), (b"", "x")]
    columns = block_provenance(
        pa.chunked_array([[row[0] for row in rows]], pa.binary()),
        pa.array([row[1] for row in rows], pa.string()),
        config=config,
        read_file=files.__getitem__,
    )
    assert [[item.kind for item in row] for row in from_lists(columns["findings"])] == [
        ["c2pa_trusted", "training_mining"],
        ["c2pa_trusted"],
        [],
        ["c2pa_unreadable"],
        [],
        ["c2pa_unreadable"],
    ]
    assert columns["signature_trusted"].to_pylist() == [True, True, None, None, None, None]
    assert rights_verdict(columns["findings"]).to_pylist() == ["deny", *["unknown"] * 5]
    assert [error is not None for error in columns["errors"].to_pylist()] == [False, False, False, True, False, True]


def test_block_with_one_column_or_none(png, config):
    only_media = block_provenance(pa.array([png, None]), None, config=config, read_file=lambda _: b"")
    assert only_media["errors"].to_pylist() == [None, None]
    only_paths = block_provenance(None, pa.array(["a"]), config=config, read_file={"a": png}.__getitem__)
    assert only_paths["errors"].to_pylist() == [None]
    with pytest.raises(ValueError, match="neither"):
        block_provenance(None, None, config=config, read_file=lambda _: b"")


@pytest.fixture(params=["zip", "tar", "tar.gz"])
def archive(request, signer, png, tmp_path):
    """An archive with a signed picture, one with a sidecar, one with neither, and a text."""
    members = {
        "signed/generated": signer.sign(png, "image/png", "trainedAlgorithmicMedia"),
        "photo.png": png,
        "photo.c2pa": signer.sign_sidecar(png, "image/png", "digitalCapture"),
        "bare.png": png,
        "notes.txt": b"words",
    }
    path = tmp_path / f"assets.{request.param}"
    if request.param == "zip":
        with zipfile.ZipFile(path, "w") as file:
            for name, content in members.items():
                file.writestr(name, content)
    else:
        with tarfile.open(path, "w:gz" if request.param == "tar.gz" else "w") as file:
            for name, content in members.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                file.addfile(entry, io.BytesIO(content))
    return str(path)


def test_members_of_an_archive(archive, config):
    def told(member):
        record = examine(f"{archive}!/{member}", config)
        return record["validation_state"], record["origin"], record["error"]

    assert told("signed/generated") == ("Trusted", "synthetic", None)
    assert told("photo.png") == ("Trusted", "human", None)
    assert told("bare.png") == (None, "unknown", None)
    assert told("notes.txt") == (None, "unknown", None)  # a text may carry credentials: to find none is no error
    assert "no " in told("absent")[2]
    assert told("photo.c2pa")[0] == "Invalid"  # a store by itself binds nothing


def test_members_in_a_column(archive, config):
    paths = [f"{archive}!/{name}" for name in ("photo.png", "signed/generated", "absent", "bare.png")]
    table = pa.table({"media_path": [*paths, None]})
    found = media_facts(table, np.zeros(5, dtype=bool), archive, config, LocalFiles().open)
    kinds = [[item.kind for item in items] for items in from_lists(found.findings)]
    assert kinds == [["c2pa_trusted"], ["c2pa_trusted"], ["c2pa_unreadable"], [], []]
    assert found.hash[0] == found.hash[3] != found.hash[1]


def test_an_archive_elsewhere_is_not_opened(config):
    def never(path):
        raise AssertionError(path)

    table = pa.table({"media_path": ["gs://bucket/assets.zip!/a.png", "/dev/zero!/a.png"]})
    found = media_facts(table, np.zeros(2, dtype=bool), "/data/part.parquet", config, never)
    details = [items[0].detail for items in from_lists(found.findings)]
    assert "another filesystem" in details[0]
    assert "not a regular file" in details[1]


def test_examine_opens_files_with_what_it_is_given(signer, png, config):
    asset = signer.sign(png, "image/png", "digitalCapture")
    files = {"mem://photo.png": png, "mem://photo.png.c2pa": signer.sign_sidecar(png, "image/png", "digitalCreation")}
    files["mem://signed"] = asset
    for path in ("mem://signed", "mem://photo.png"):
        record = examine(path, config, lambda name: io.BytesIO(files[name]))
        assert (record["validation_state"], record["file"]) == ("Trusted", path)
    assert examine("mem://gone", config, lambda name: io.BytesIO(files[name]))["error"]


def test_isolation_changes_no_verdict(signer, png, anchors):
    generated = signer.sign(png, "image/png", "trainedAlgorithmicMedia", {"cawg.ai_training": "notAllowed"})
    media = pa.array([generated, png, b"x", generated[:900]])
    found = [
        block_provenance(
            media,
            None,
            config=make_config({"provenance": {"trust_anchors": anchors, "isolate": isolate}}),
            read_file=lambda _: b"",
        )
        for isolate in (False, True)
    ]
    assert found[0] == found[1]


def test_a_media_file_that_is_too_large(signer, png, anchors, tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(signer.sign(png, "image/png", "digitalCapture"))
    for limit, state in ((path.stat().st_size, "Trusted"), (path.stat().st_size - 1, None)):
        record = examine(str(path), make_config({"provenance": {"trust_anchors": anchors, "max_media_bytes": limit}}))
        assert record["validation_state"] == state
        assert (record["error"] is None) == (state is not None)
