import json

import pyarrow as pa
import pytest

from curate.config import make_config
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
