import numpy as np
import pyarrow as pa
import pytest

from curate.detector import model as module
from curate.detector.model import load_detector
from curate.errors import UsageError

TEXTS = [
    "It is important to note that these findings underscore the significance of a comprehensive approach.\n\nOverall, "
    "the results suggest that further research is needed.",
    "we went down the river in the morning & my uncle who never said much started to sing",
    "你好,今天天气很好。我们去公园散步吧!",
    "",
    "word",
    None,
]


def score(detector, texts, min_tokens=0, tokens=100):
    array = pa.array(texts, pa.string())
    return detector.score(array, np.full(len(array), tokens, np.int32), min_tokens)


@pytest.fixture(scope="module")
def detector():
    return load_detector()


def test_shipped_model(detector):
    assert load_detector() is detector
    assert detector.id == f"fasttext-{detector.digest[:12]}"
    assert len(detector.reference_scores("human")) == len(detector.reference_scores("machine")) == 200
    assert detector.platt[0] > 0


def test_shipped_model_is_small():
    folder = module.resources.files("curate.detector").joinpath("model")
    assert len(folder.joinpath("detector.ftz").read_bytes()) <= 3 * 2**20
    assert "Limits" in folder.joinpath("MODEL_CARD.md").read_text(encoding="utf-8")


def test_score_does_not_depend_on_the_batch(detector, monkeypatch):
    together = score(detector, TEXTS)
    alone = np.concatenate([score(detector, [text]) for text in TEXTS])
    backwards = score(detector, TEXTS[::-1])[::-1]
    monkeypatch.setattr(module, "_BATCH", 2)
    small_batches = score(detector, TEXTS)
    for other in (alone, backwards, small_batches):
        np.testing.assert_array_equal(together, other)
    assert together.dtype == np.float32


def test_layout_does_not_change_the_score(detector):
    plain, broken = score(detector, [TEXTS[0].replace("\n\n", " "), TEXTS[0].replace(" ", "\r\n \u200b")])
    assert plain == broken


def test_abstains(detector):
    tokens = np.array([49, 50, 50], np.int32)
    scores = detector.score(pa.array(["a b", "a b", None]), tokens, 50)
    assert np.isnan(scores).tolist() == [True, False, True]
    assert len(score(detector, [])) == 0


def test_slices_and_large_strings(detector):
    array = pa.array(TEXTS, pa.large_string())
    tokens = np.full(2, 100, np.int32)
    np.testing.assert_array_equal(detector.score(array.slice(1, 2), tokens, 0), score(detector, TEXTS)[1:3])


@pytest.mark.parametrize("content", [None, b"", b"not a model"])
def test_unusable_file(tmp_path, content):
    path = tmp_path / "model.ftz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=r"model\.ftz.*curate detector train"):
        load_detector(str(path))


def test_numbers_of_another_model(tmp_path):
    folder = module.resources.files("curate.detector").joinpath("model")
    (tmp_path / "detector.ftz").write_bytes(folder.joinpath("detector.ftz").read_bytes())
    (tmp_path / "detector.json").write_text('{"sha256": "0"}')
    with pytest.raises(UsageError, match="belongs to"):
        load_detector(str(tmp_path))
    (tmp_path / "detector.json").write_text("[]")
    with pytest.raises(UsageError, match="train the detector again"):
        load_detector(str(tmp_path))


def test_model_without_numbers(tmp_path, detector):
    folder = module.resources.files("curate.detector").joinpath("model")
    (tmp_path / "detector.ftz").write_bytes(folder.joinpath("detector.ftz").read_bytes())
    bare = load_detector(str(tmp_path))
    assert bare.platt == (1.0, 0.0)
    assert bare.digest == detector.digest
    assert len(bare.reference_scores("human")) == 0


@pytest.mark.corpus
def test_ties_on_real_text(detector, dev):
    scores = score(detector, dev["text"].to_pylist())
    _, counts = np.unique(scores, return_counts=True)
    assert not np.isnan(scores).any()
    assert counts[counts > 1].sum() <= 0.01 * len(scores)
