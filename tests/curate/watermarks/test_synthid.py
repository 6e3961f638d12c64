import numpy as np
import pyarrow as pa
import pytest
import scipy.stats

from curate.watermarks.protocol import LEAST_NGRAMS
from curate.watermarks.synthid import SynthID

HASHINGS = ("google", "transformers")

# The default keys of synthid-text, and g-values that its functions gave for these tokens (torch 2.4 on a CPU).
KEYS = [
    654, 400, 836, 123, 340, 443, 597, 160, 57, 29, 590, 639, 13, 715, 468,
    990, 966, 226, 324, 585, 118, 504, 421, 521, 129, 669, 732, 225, 90, 960,
]  # fmt: skip
TOKENS = [29020, 2548, 26170, 93451, 28080, 20129, 66241, 167069, 134189]
G_VALUES = {
    "google": [
        "011111010000011100010010000010",
        "101011010001111011011110001101",
        "010001110101101110100010010111",
        "110111000111111011011011111101",
        "011001101110000110110010011101",
    ],
    "transformers": [
        "010010100001111011100100010101",
        "001101100110101110001111110000",
        "010100000111110110110010111101",
        "101101010001011100101101111111",
        "110100011111010110101101100100",
    ],
}


@pytest.mark.parametrize("hashing", HASHINGS)
def test_g_values_are_those_of_the_reference(marking, hashing):
    detector = SynthID(marking.Words([]), KEYS, 4, hashing, "mean")
    grams = np.lib.stride_tricks.sliding_window_view(np.array(TOKENS), 5)
    assert ["".join(map(str, row)) for row in detector.g_values(grams).tolist()] == G_VALUES[hashing]


@pytest.mark.parametrize("hashing", HASHINGS)
@pytest.mark.parametrize("score", ["mean", "weighted-mean"])
def test_watermarked_text_is_recognised_by_its_keys_alone(writer, marking, hashing, score):
    detector = SynthID(writer.words, marking.rounds, 2, hashing, score)
    texts = pa.array(writer.write(8, 150, marking.tournament(detector, 2, len(marking.rounds)), draws=256))
    scores = detector.score(texts)
    assert (scores.statistic > 0.55).all() and (scores.p_value < 1e-6).all()
    others = [key + 1 for key in marking.rounds]
    assert (SynthID(writer.words, others, 2, hashing, score).score(texts).p_value > 1e-4).all()


@pytest.mark.parametrize("hashing", HASHINGS)
def test_p_values_of_unrelated_texts_are_uniform(marking, hashing):
    rng = np.random.default_rng(8)
    words = marking.Words([f"w{number}" for number in range(20_000)])
    texts = pa.array([" ".join(f"w{n}" for n in rng.integers(0, 20_000, rng.integers(60, 200))) for _ in range(3_000)])
    p_value = SynthID(words, KEYS, 4, hashing, "weighted-mean").score(texts).p_value
    assert scipy.stats.kstest(p_value, "uniform").pvalue > 0.01
    assert (p_value <= 0.01).mean() == pytest.approx(0.01, abs=0.006)


def test_the_score_is_the_weighted_mean_of_the_g_values(marking):
    words = [f"w{number}" for number in range(80)]
    text, grams = pa.array([" ".join(words)]), np.lib.stride_tricks.sliding_window_view(np.arange(80), 5)
    for score, weights in (("mean", np.ones(30)), ("weighted-mean", np.linspace(10, 1, 30))):
        detector = SynthID(marking.Words(words), KEYS, 4, "google", score)
        expected = np.average(detector.g_values(grams).mean(axis=0), weights=weights)
        assert detector.score(text).statistic[0] == pytest.approx(expected)


@pytest.mark.parametrize("hashing", HASHINGS)
def test_repeated_contexts_count_once(marking, hashing):
    words = [f"w{number}" for number in range(60)]
    detector = SynthID(marking.Words(words), KEYS, 4, hashing, "mean")
    texts = [" ".join(words), " ".join(words * 4), " ".join([*words, *words[:4], "w59"]), " ".join(words[:53]), None]
    scores = detector.score(pa.array(texts))
    # The third repeats the first context with another continuation after it.
    assert scores.n.tolist() == [56, 60, 60, LEAST_NGRAMS - 1, 0]
    assert np.isnan(scores.p_value).tolist() == [False, False, False, True, True]


def test_results_depend_on_the_text_alone(writer, marking):
    detector = SynthID(writer.words, KEYS, 4, "google", "weighted-mean")
    texts = pa.array([*writer.write(5, 80, marking.plain, draws=1), None])
    alone = [detector.score(texts.slice(row, 1)).p_value[0] for row in range(len(texts))]
    assert np.array_equal(detector.score(texts).p_value, alone, equal_nan=True)


def test_fingerprints_tell_tests_apart(marking):
    words = marking.Words(["a"])
    settings = [(KEYS, 4, "google", "mean"), (KEYS[::-1], 4, "google", "mean"), (KEYS, 3, "google", "mean")]
    settings += [(KEYS, 4, "transformers", "mean"), (KEYS, 4, "google", "weighted-mean")]
    assert len({SynthID(words, *values).fingerprint() for values in settings}) == len(settings)
