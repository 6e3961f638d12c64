import gzip
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.provenance.metadata.embedded import metadata_evidence
from curate.provenance.metadata.stealth import MAX_PIXELS, hidden_fields

NOVELAI = json.dumps({"Software": "NovelAI", "Source": "V3", "Comment": "{}", "Depth": 3})


def stealth(text, packed=True):
    body = gzip.compress(text.encode(), mtime=0) if packed else text.encode()
    return (b"stealth_pngcomp" if packed else b"stealth_pnginfo") + (8 * len(body)).to_bytes(4, "big") + body


@pytest.mark.parametrize("size", [(64, 64), (30, 200), (200, 30)])  # the signature spans columns in the last
@pytest.mark.parametrize("packed", [True, False])
def test_hidden_texts(hide, size, packed):
    data = hide(stealth(NOVELAI, packed), size)
    assert hidden_fields(data) == {"software": "NovelAI", "source": "V3", "comment": "{}"}
    evidence = metadata_evidence(data, "image/png")
    assert [(e.kind, e.claim, e.detail) for e in evidence] == [("generator", "synthetic", "NovelAI, model V3")]


def test_hidden_parameters(hide):
    data = hide(stealth("a wish\nSteps: 20, Sampler: Euler, Model: sdxl"))
    assert [e.detail for e in metadata_evidence(data, "image/png")] == ["Stable Diffusion web UI, model sdxl"]


@pytest.mark.parametrize("hidden", [stealth("who knows"), stealth("[" * 400), b"stealth_pngcomp" + b"\xff" * 400])
def test_the_signature_alone_tells(hide, hidden):
    (evidence,) = metadata_evidence(hide(hidden), "image/png")
    assert (evidence.kind, evidence.claim, evidence.llr) == ("generator", "synthetic", 6.0)


def test_packed_bombs_are_cut(hide):
    bomb = gzip.compress(b"x" * 20_000_000)
    data = hide(b"stealth_pngcomp" + (8 * len(bomb)).to_bytes(4, "big") + bomb, (512, 512))
    assert len(hidden_fields(data)["parameters"]) <= 1 << 20


def test_what_has_no_place_for_them(hide, image):
    assert hidden_fields(hide(b"")) is None
    assert hidden_fields(image(mode="RGB", size=(64, 64))) is None
    assert hidden_fields(image(mode="RGBA", size=(4, 4))) is None
    data = hide(stealth(NOVELAI))
    huge = data[:16] + (60_000).to_bytes(4, "big") * 2 + data[24:]
    assert MAX_PIXELS < 60_000**2 and hidden_fields(huge) is None
    assert hidden_fields(data[:100]) is None


@given(st.data())
def test_no_change_of_a_file_raises(hide, data):
    file = np.frombuffer(hide(stealth(NOVELAI)), dtype=np.uint8).copy()
    places = data.draw(st.lists(st.integers(0, len(file) - 1), min_size=1, max_size=8))
    file[places] = data.draw(st.integers(0, 255))
    hidden_fields(file[: data.draw(st.integers(0, len(file)))].tobytes())
