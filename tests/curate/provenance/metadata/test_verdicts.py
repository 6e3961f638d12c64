"""What embedded metadata mean for the verdict on a file."""

import numpy as np
import pyarrow as pa
import pytest

from curate.config import make_config
from curate.provenance.files import block_provenance, examine
from curate.provenance.origin import SYNTHETIC, UNKNOWN, own_class

STEPS = "a wish\nSteps: 20, Sampler: Euler, Seed: 1, Model: sdxl"
CAMERA = {0x010F: "Canon", 0x0110: "R5", 0x829A: 0.01}
UNICODE = b"UNICODE\0"


@pytest.fixture
def files(image, exif, xmp):
    composite = xmp("", 'Iptc4xmpExt:DigitalSourceType="compositeWithTrainedAlgorithmicMedia"')
    prompt = STEPS.encode("utf-16-be")
    return {
        "plain": image("JPEG"),
        "camera": image("JPEG", exif=exif(CAMERA)),
        "generated": image(texts={"parameters": STEPS}),
        "given": image(texts={"parameters": STEPS + ", Denoising strength: 0.4"}),
        "both": image("JPEG", exif=exif({**CAMERA, 0x9286: UNICODE + prompt})),
        "composite": image("WEBP", xmp=composite),
        "denied": image("JPEG", xmp=xmp("<plus:DataMining>DMI-PROHIBITED</plus:DataMining>")),
        "page": b"<!doctype html><html><meta itemprop=digitalSourceType content=TrainedAlgorithmicMediaDigitalSource>",
    }


EXPECTED = {
    "plain": (UNKNOWN, "unknown", "unknown"),
    "camera": (UNKNOWN, "human", "unknown"),
    "generated": (SYNTHETIC, "synthetic", "unknown"),
    "given": (UNKNOWN, "mixed", "unknown"),
    "both": (SYNTHETIC, "synthetic", "unknown"),
    "composite": (UNKNOWN, "mixed", "unknown"),
    "denied": (UNKNOWN, "unknown", "deny"),
    "page": (SYNTHETIC, "synthetic", "unknown"),
}


def test_verdicts(files, tmp_path):
    config = make_config({})
    column = pa.array([files[name] for name in EXPECTED], pa.large_binary())
    found = block_provenance(column, None, config=config, read_file=open)
    own = own_class(pa.table({"findings": found["findings"]}), config)
    np.testing.assert_array_equal(own.own_class, [expected[0] for expected in EXPECTED.values()])
    assert not own.conflict.any()
    for name, (_, origin, rights) in EXPECTED.items():
        (tmp_path / name).write_bytes(files[name])
        record = examine(str(tmp_path / name), config)
        assert (record["origin"], record["rights"]) == (origin, rights), name


def test_paths_are_read_once_more_for_sidecars_only(files, tmp_path):
    opened = []

    def open_file(path):
        opened.append(path)
        if path != "a.png":
            raise FileNotFoundError(path)
        return files["generated"]

    found = block_provenance(None, pa.array(["a.png", "b.png", None]), config=make_config({}), read_file=open_file)
    assert [[e["kind"] for e in row or ()] for row in found["findings"].to_pylist()] == [
        ["generator"],
        ["c2pa_unreadable"],
        [],
    ]
    assert opened.count("a.png") == 1
