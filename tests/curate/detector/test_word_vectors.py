import itertools
import sys
from pathlib import Path

import fasttext
import numpy as np
import pyarrow as pa
import pytest

from curate.detector import word_vectors
from curate.detector.distinct import distinct_tokens
from curate.detector.statistics import segments
from curate.detector.stream import token_hash, token_stream
from curate.detector.word_vectors import (
    GRAM,
    FastTextSettings,
    WordVectors,
    _word_table,
    fit_word_vectors,
)
from curate.errors import CurateError

SETTINGS = FastTextSettings(buckets=1 << 10, least_count=2, epochs=5)
LINES = [
    "the cat sat on the mat , it was naive .",
    "we delve into the tapestry of words !",
    "ним жив , лимб лжив ; ним жив .",
    "中 文 字 天 中 文 。".replace("。", "."),
    "한국어 문장 한국어 ?",
    "𐐨𐐩𐐪𐐫𐐬 \U0001f600 a",
    "x",
    "",
] * 3
MACHINE = [bool(number % 3) for number in range(len(LINES))]


class Recorded:
    """fastText, which also keeps the model that it trains."""

    model = None

    def train_supervised(self, *args, **options):
        Recorded.model = fasttext.train_supervised(*args, **options)
        return Recorded.model


@pytest.fixture(scope="module")
def fitted():
    """Our reduction of a tiny model, and the model."""
    patch = pytest.MonkeyPatch()
    patch.setitem(sys.modules, "fasttext", Recorded())
    try:
        return fit_word_vectors(LINES, MACHINE, 3, SETTINGS), Recorded.model
    finally:
        patch.undo()


def score(vectors, texts):
    stream = token_stream(pa.array(texts, pa.string()))
    return vectors.score(stream, distinct_tokens(stream), segments(stream, np.ones(len(texts), np.int64))[0])


def features(model, line):
    """The rows of the input matrix that fastText averages for a line, without those of the end of the line."""
    size, words, rows, hashes = len(model.get_words()), set(model.get_words()), [], []
    for token in line.split():
        numbers = model.get_subwords(token)[1]  # the word if it is known, and its n-grams
        rows += [int(number) for number in numbers]
        assert (token in words) == bool(len(numbers) and numbers[0] < size)
        value = token_hash(token)
        hashes.append(value - (value >> 31 << 32))
    pairs = [size + (one * 116049371 + two) % 2**64 % SETTINGS.buckets for one, two in itertools.pairwise(hashes)]
    return rows + pairs


def direction(model):
    output, labels = model.get_output_matrix(), model.get_labels()
    return output[labels.index("__label__machine")] - output[labels.index("__label__human")]


def test_lines_are_what_the_stream_gives():
    """Else the tests below would compare other tokens."""
    stream = token_stream(pa.array(LINES))
    letters = "".join(map(chr, stream.characters))
    assert letters.split() == " ".join(LINES).split()


def test_scores_are_those_of_fasttext(fitted):
    vectors, model = fitted
    numbers = model.get_input_matrix() @ direction(model)
    ours = score(vectors, LINES)[0]
    for line, found in zip(LINES, ours, strict=True):
        rows = features(model, line)
        assert found == pytest.approx(np.mean(numbers[rows]) if rows else 0.0, abs=1e-5)
        labels, probabilities = model.predict(line, k=2)
        odds = dict(zip(labels, np.log(probabilities), strict=True))
        # fastText reads the end of the line as one more token: its word and its pair with the last token.
        last = line.split()[-1:]
        ends = [model.get_words().index("</s>")]
        if last:
            signed = [value - (value >> 31 << 32) for value in (token_hash(last[0]), token_hash("</s>"))]
            pair = (signed[0] * 116049371 + signed[1]) % 2**64 % SETTINGS.buckets
            ends.append(len(model.get_words()) + pair)
        with_ends = (found * len(rows) + numbers[ends].sum()) / (len(rows) + len(ends))
        # Its softmax is in float32, and probabilities have 1e-5 added.
        assert odds["__label__machine"] - odds["__label__human"] == pytest.approx(with_ends, abs=2e-3)


def test_known_words_are_the_vocabulary(fitted):
    vectors, model = fitted
    shares = score(vectors, ["the cat unknown 中", "delve", "zzz"])[1]
    assert shares.tolist() == [0.75, 1.0, 0.0]
    assert set(model.get_words()) > {"the", "中", "한국어", "𐐨𐐩𐐪𐐫𐐬"}


def test_features_that_training_has_not_met_are_left_out(fitted):
    vectors, model = fitted
    assert 0 < np.count_nonzero(vectors.ngrams) < SETTINGS.buckets
    numbers = model.get_input_matrix() @ direction(model)
    met = {row - len(model.get_words()) for line in LINES for row in features(model, line)}
    met = np.array(sorted(bucket for bucket in met if bucket >= 0))
    np.testing.assert_allclose(vectors.ngrams[met], numbers[len(model.get_words()) :][met], atol=1e-6)
    assert np.count_nonzero(vectors.ngrams) == len(met)
    nothing = WordVectors(vectors.keys, vectors.words, np.zeros_like(vectors.ngrams))
    word = float(vectors.words[vectors.keys == token_hash("delve")][0])
    assert score(nothing, ["zzz delve qqq"])[0][0] == pytest.approx(word)
    assert score(nothing, ["zzz", ""])[0].tolist() == [0.0, 0.0]


def test_a_segment_is_the_average_of_its_own_tokens(fitted):
    stream = token_stream(pa.array([" ".join(LINES[:2])]))
    bounds = segments(stream, np.array([3]))[0]
    tokens = " ".join(LINES[:2]).split()
    parts = [" ".join(tokens[start:end]) for start, end in bounds]
    np.testing.assert_allclose(
        fitted[0].score(stream, distinct_tokens(stream), bounds)[0], score(fitted[0], parts)[0], atol=1e-6
    )


def test_words_that_meet_in_the_table(monkeypatch):
    monkeypatch.setattr(word_vectors, "_WORD_SLOTS", 8)
    words = [f"w{letter}" for letter in "abcdefgh"]
    keys, values = _word_table(words, np.arange(1, 9, dtype=np.float32))
    assert np.count_nonzero(keys) == 4  # half of the table, the most frequent
    vectors = WordVectors(keys, values, np.zeros(4, np.float32))
    scores, known = score(vectors, words)
    assert scores.tolist() == [1, 2, 3, 4, 0, 0, 0, 0]
    assert known.tolist() == [1, 1, 1, 1, 0, 0, 0, 0]


def test_every_word_is_found_wherever_it_lies():
    letters = [chr(0x4E00 + number) for number in range(20_000)]  # many share a slot
    keys, values = _word_table(letters, np.arange(20_000, dtype=np.float32))
    assert len({token_hash(word) % len(keys) for word in letters}) < len(letters)
    scores, known = score(WordVectors(keys, values, np.zeros(8, np.float32)), letters)
    assert scores.tolist() == list(range(20_000)) and known.all()


def test_grams_are_of_whole_characters():
    vectors = WordVectors(np.zeros(8, np.uint32), np.zeros(8, np.float32), np.zeros(1 << 20, np.float32))
    for gram in ("<ним", "ним>", "лимб", "한국어>", "<中中中"[:GRAM]):
        assert len(gram) == GRAM
        vectors.ngrams[token_hash(gram) % (1 << 20)] = 1
    counts = {"ним": 1, "лимб": 1, "нимм": 1, "한국어": 1, "м": 0, "中": 0}
    found = score(vectors, list(counts))[0]
    assert [bool(value) for value in found] == [bool(value) for value in counts.values()]


def test_is_deterministic(fitted):
    again = fit_word_vectors(LINES, MACHINE, 3, SETTINGS)
    for first, second in zip(fitted[0], again, strict=True):
        np.testing.assert_array_equal(first, second)
    other = fit_word_vectors(LINES, MACHINE, 4, SETTINGS)
    assert not np.array_equal(other.ngrams, again.ngrams)


def test_a_module_that_cannot_train(monkeypatch):
    monkeypatch.setitem(sys.modules, "fasttext", Path)
    with pytest.raises(CurateError, match="fasttext-community"):
        fit_word_vectors(LINES, MACHINE, 3, SETTINGS)
