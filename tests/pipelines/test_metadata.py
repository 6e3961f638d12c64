"""Metadata embedded in media and in pages, through the command line."""

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image, PngImagePlugin

CONFIG = """
dedupe: {enabled: false}
synthetic: {enabled: false}
mixture: {enabled: false}
"""
STEPS = "a secret wish\nSteps: 20, Sampler: Euler, Seed: 1, Model: sdxl"
PAGE = "<!DOCTYPE html><html><head>{}</head><body><p>{}</p></body></html>"
GENERATED = '<script type="application/ld+json">{"@type": "Article", "digitalSourceType": "%s"}</script>'


def png(**texts):
    info, file = PngImagePlugin.PngInfo(), io.BytesIO()
    for key, text in texts.items():
        info.add_text(key, text)
    Image.new("RGB", (8, 8), "teal").save(file, "PNG", pnginfo=info)
    return file.getvalue()


ROWS = {
    # id: (media, head of a page, stage, origin, rights, kinds of evidence)
    "plain-image": (png(a="b"), None, None, "unknown", "unknown", []),
    "generated-image": (png(parameters=STEPS), None, None, "synthetic", "unknown", ["generator"]),
    "page": (None, "<title>noai</title>", None, "unknown", "unknown", []),
    "generated-page": (
        None, GENERATED % "TrainedAlgorithmicMediaDigitalSource", None, "synthetic", "unknown", ["schema_source_type"],
    ),
    "refusing-page": (None, '<meta name="robots" content="noai">', "rights", "unknown", "deny", ["robots"]),
    "broken-page": (None, GENERATED % '"', None, "unknown", "unknown", ["metadata_unreadable"]),
}  # fmt: skip


@pytest.fixture(scope="module")
def output(prose, curate, output_of, tmp_path_factory):
    folder, words = tmp_path_factory.mktemp("metadata"), prose(5)
    rows = [
        {"id": name, "media": media, "text": head and PAGE.format(head, words.text(60))}
        for name, (media, head, *_) in ROWS.items()
    ]
    schema = pa.schema([("id", pa.string()), ("media", pa.binary()), ("text", pa.string())])
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "in.parquet")
    (folder / "curate.yaml").write_text(CONFIG)
    arguments = ("--input", folder / "in.parquet", "--output", folder / "out", "--config", folder / "curate.yaml")
    assert curate("run", *arguments).code == 0
    return output_of(folder / "out")


@pytest.mark.parametrize("name", ROWS)
def test_verdict(output, name):
    _, _, stage, origin, rights, kinds = ROWS[name]
    row = output.rows[name]
    assert (row["origin"], row["rights"]) == (origin, rights)
    assert [item["kind"] for item in row["evidence"] or ()] == kinds
    assert (row["stage"] == "rights") == (stage == "rights")
    assert "secret" not in json.dumps(row["evidence"])


def test_explained(output, curate):
    told = curate("explain", output.path, "generated-image").out
    assert "Stable Diffusion web UI, model sdxl" in told


def test_file(curate, tmp_path):
    (tmp_path / "a.png").write_bytes(png(parameters=STEPS))
    record = json.loads(curate("provenance", tmp_path / "a.png").out)
    assert (record["origin"], record["tier"]) == ("synthetic", "declared_synthetic")
    assert record["p_synthetic"] > 0.9
