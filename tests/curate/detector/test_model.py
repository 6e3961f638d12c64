import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.detector import model as module
from curate.detector.model import ARRAYS_FILE, NUMBERS_FILE, Views, load_detector, weigh
from curate.errors import UsageError

TEXTS = [
    "It is important to note that these findings underscore the significance of a comprehensive approach.\n\nOverall, "
    "the results suggest that further research is needed.",
    "we went down the river in the morning & my uncle who never said much started to sing",
    "你好,今天天气很好。我们去公园散步吧!",
    "",
    "word",
    None,
    "One day it rained, and then it did not. " * 200,
]


def score(detector, texts, min_tokens=0, tokens=100):
    array = pa.array(texts, pa.string())
    return detector.score(array, np.full(len(array), tokens, np.int32), min_tokens)


@pytest.fixture(scope="module")
def detector():
    return load_detector()


@pytest.fixture(scope="module")
def shipped():
    return module.resources.files("curate.detector").joinpath("model")


def test_shipped_model(detector):
    assert load_detector() is detector
    assert detector.id == f"detector-{detector.digest[:12]}"
    assert len(detector.reference_scores("human")) == len(detector.reference_scores("machine")) == 200
    assert detector.platt[0] > 0


def test_shipped_model_is_small(shipped):
    assert len(shipped.joinpath(ARRAYS_FILE).read_bytes()) <= 4 * 2**20
    assert "Limits" in shipped.joinpath("MODEL_CARD.md").read_text(encoding="utf-8")


def test_score_does_not_depend_on_the_batch(detector, monkeypatch):
    together = score(detector, TEXTS)
    alone = np.concatenate([score(detector, [text]) for text in TEXTS])
    backwards = score(detector, TEXTS[::-1])[::-1]
    monkeypatch.setattr(module, "_BATCH_BYTES", 100)
    small_batches = score(detector, TEXTS)
    for other in (alone, backwards, small_batches):
        np.testing.assert_array_equal(together, other)
    assert together.dtype == np.float32


HIDDEN = ["\u200b", "\u00ad", "\ufe0f", "\u2060", "\U000e0041"]
LOOKALIKES = str.maketrans("aeopcxy", "аеорсху")


@pytest.mark.parametrize(
    "disguise",
    [
        lambda text: text.replace("\n\n", " "),
        lambda text: text.replace(" ", "\r\n \u00a0"),
        lambda text: "".join(letter + HIDDEN[place % 5] for place, letter in enumerate(text)),
        lambda text: text.translate(LOOKALIKES),
        lambda text: text.replace("e", "e\u0301"),
    ],
)
def test_disguises_do_not_change_the_score(detector, disguise):
    text = (TEXTS[0] + " ") * 30
    plain, disguised = detector.judge(pa.array([text, disguise(text)]), np.full(2, 100, np.int32), 0)[:2]
    assert plain[0] == plain[1]
    np.testing.assert_array_equal(*np.split(disguised, 2))


def test_abstains(detector):
    tokens = np.array([49, 50, 50], np.int32)
    scores = detector.score(pa.array(["a b", "a b", None]), tokens, 50)
    assert np.isnan(scores).tolist() == [True, False, True]
    assert len(score(detector, [])) == 0


def test_slices_and_large_strings(detector):
    array = pa.array(TEXTS, pa.large_string())
    tokens = np.full(2, 100, np.int32)
    np.testing.assert_array_equal(detector.score(array.slice(1, 2), tokens, 0), score(detector, TEXTS)[1:3])


def test_windows_of_long_texts(detector):
    found = detector.judge(pa.array(TEXTS), np.full(len(TEXTS), 100, np.int32), 0)
    assert np.diff(found.offsets).tolist() == [0, 0, 0, 0, 0, 0, 11]  # 2,200 tokens
    mean = found.windows.astype(np.float64).mean()
    np.testing.assert_allclose(found.scores[6], detector.numbers["window_gain"] * mean, rtol=1e-5)


@given(st.lists(st.one_of(st.none(), st.text(max_size=400)), max_size=6))
@settings(max_examples=50, deadline=None)
def test_any_text_has_a_finite_score(texts):
    scores = score(load_detector(), texts)
    words = [text is not None and any(letter.isalnum() for letter in text) for text in texts]
    assert not np.isinf(scores).any()
    assert not np.isnan(scores[words]).any()


HOSTILE = [
    "\u0301" * 500,
    "\u200b",
    "\u3164" * 90,
    "\U0001f600" * 900,
    "!" * 900,
    "中" * 900,
    "a" * 100_000,
    "x",
    "1",
    "\0",
]


def test_hostile_texts(detector):
    texts = [*HOSTILE, " ".join(HOSTILE), "word " * 30_000]
    scores = score(detector, texts)
    assert not np.isinf(scores).any()
    assert np.flatnonzero(np.isnan(scores)).tolist() == [0, 1, 2, 9]  # there is nothing to read
    np.testing.assert_array_equal(scores, score(detector, texts[::-1])[::-1])


def test_bytes_that_are_no_text(detector):
    raw = pa.array([b"\xff\xfe" * 50, b"caf\xe9 " * 50, b"\xf0\x9f", b"", None], pa.binary())
    scores = detector.score(raw, np.full(5, 100, np.int32), 0)
    assert np.isnan(scores).tolist() == [False, False, False, True, True]
    assert np.isnan(detector.score(pa.nulls(3, pa.string()), np.full(3, 100, np.int32), 0)).all()


def test_known_words_weigh_ngrams():
    stack = {name: {"weight": weight, "center": 1.0, "scale": 2.0} for name, weight in
             (("trees", 1.0), ("regression", 0.5), ("vectors", 0.25))}  # fmt: skip
    views = Views(*(np.array(values) for values in ([3.0, 3.0], [3.0, 3.0], [5.0, 5.0], [1.0, 0.0])))
    np.testing.assert_allclose(weigh(views, stack), [2.0, 1.0])


@pytest.mark.parametrize("content", [None, b"", b"not a model", b"\x93NUMPY"])
def test_unusable_file(tmp_path, content):
    path = tmp_path / "model.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=r"model\.npz.*curate detector train"):
        load_detector(str(path))


def test_model_with_a_pickle_is_refused(tmp_path):
    np.savez(tmp_path / ARRAYS_FILE, bigrams=np.array([print], dtype=object))
    with pytest.raises(UsageError, match="no detector model"):
        load_detector(str(tmp_path))


def test_numbers_of_another_model(tmp_path, shipped):
    (tmp_path / ARRAYS_FILE).write_bytes(shipped.joinpath(ARRAYS_FILE).read_bytes())
    with pytest.raises(UsageError, match="missing"):
        load_detector(str(tmp_path))
    numbers = json.loads(shipped.joinpath(NUMBERS_FILE).read_text(encoding="utf-8"))
    (tmp_path / NUMBERS_FILE).write_text(json.dumps({**numbers, "sha256": "0"}))
    with pytest.raises(UsageError, match="belongs to"):
        load_detector(str(tmp_path))
    (tmp_path / NUMBERS_FILE).write_text("[]")
    with pytest.raises(UsageError, match="train the detector again"):
        load_detector(str(tmp_path))


@pytest.mark.corpus
def test_ties_on_real_text(detector, dev):
    scores = score(detector, dev["text"].to_pylist())
    _, counts = np.unique(scores, return_counts=True)
    assert not np.isnan(scores).any()
    assert counts[counts > 1].sum() <= 0.01 * len(scores)


def test_machine_scores_by_length_and_without(detector):
    pooled = {"scores": {"human": [-1.0], "machine": [1.0, 3.0]}, "documents": {"human": 7, "machine": 60}}
    by_length = {"machine": {"100-200": [2.0, 4.0], "1000+": [5.0]}}
    stored = {
        **pooled,
        "scores_by_length": by_length,
        "documents_by_length": {"machine": {"100-200": 40, "1000+": 20}},
        "spread": 0.7,
    }
    found = replace(detector, numbers=stored).machine_scores()
    assert [scores.tolist() for scores in found.quantiles] == [[], [], [2.0, 4.0], [], [], [5.0]]
    assert list(found.documents) == [0, 0, 40, 0, 0, 20] and found.spread == 0.7
    assert found.human.tolist() == [-1.0]
    same = replace(detector, numbers=pooled).machine_scores()
    assert [scores.tolist() for scores in same.quantiles] == [[1.0, 3.0]] * 6
    assert sum(same.documents) == 60 and same.spread == 0.5
    assert sum(replace(detector, numbers={}).machine_scores().documents) == 0
