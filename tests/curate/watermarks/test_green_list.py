import numpy as np
import pyarrow as pa
import pytest
import scipy.stats

from curate.watermarks.green_list import GreenList
from curate.watermarks.protocol import LEAST_NGRAMS


def test_watermarked_text_is_recognised_by_its_key_alone(writer, marking):
    detector = GreenList(writer.words, marking.green, gamma=0.25, context=2)
    texts = pa.array(writer.write(20, 200, marking.prefer_green(detector, 2), draws=3))
    scores = detector.score(texts)
    assert (scores.statistic > 5).all() and (scores.p_value < 1e-6).all()
    other = GreenList(writer.words, marking.green + 1, gamma=0.25, context=2).score(texts)
    assert (other.p_value > 1e-4).all()


def test_one_list_for_all_places_is_recognised(writer, marking):
    detector = GreenList(writer.words, 3, gamma=0.5, context=0)
    scores = detector.score(pa.array(writer.write(10, 300, marking.prefer_green(detector, 0), draws=4)))
    assert (scores.p_value < 1e-6).all()


@pytest.mark.parametrize("context", [1, 4])
def test_p_values_of_unrelated_texts_are_uniform(marking, context):
    rng = np.random.default_rng(5)
    words = marking.Words([f"w{number}" for number in range(20_000)])
    texts = pa.array([" ".join(f"w{n}" for n in rng.integers(0, 20_000, rng.integers(60, 200))) for _ in range(3_000)])
    p_value = GreenList(words, 99, gamma=0.25, context=context).score(texts).p_value
    assert scipy.stats.kstest(p_value, "uniform").pvalue > 0.01
    assert (p_value <= 0.01).mean() == pytest.approx(0.01, abs=0.006)


def test_p_values_are_exact_where_numbers_are_small(marking):
    """Between the two binomial tails that a whole number of green tokens leaves open."""
    words = [f"w{number}" for number in range(60)]
    detector = GreenList(marking.Words(words), 1, gamma=0.3, context=0)
    green = int(detector.green(np.empty((60, 0), np.int64), np.arange(60)).sum())
    score = detector.score(pa.array([" ".join(words)]))
    above, at_least = scipy.stats.binom.sf([green, green - 1], 60, 0.3)
    assert above < score.p_value[0] < at_least
    assert score.statistic[0] == pytest.approx((green - 18) / (60 * 0.3 * 0.7) ** 0.5)


def test_repetition_counts_once(marking):
    words = [f"w{number}" for number in range(100)]
    detector = GreenList(marking.Words(words), 1, gamma=0.25, context=1)
    once, often = " ".join(words), " ".join(words * 5)
    scores = detector.score(pa.array([once, often, " ".join(words[:LEAST_NGRAMS]), None, ""]))
    assert scores.n.tolist() == [99, 100, LEAST_NGRAMS - 1, 0, 0]
    assert np.isnan(scores.p_value).tolist() == np.isnan(scores.statistic).tolist() == [False, False, True, True, True]


def test_results_depend_on_the_text_alone(writer, marking):
    detector = GreenList(writer.words, 1, gamma=0.25, context=2)
    texts = pa.array([*writer.write(5, 80, marking.plain, draws=1), None])
    alone = [detector.score(texts.slice(row, 1)).p_value[0] for row in range(len(texts))]
    assert np.array_equal(detector.score(texts).p_value, alone, equal_nan=True)


def test_the_hash_is_portable(marking):
    """The function as documented, in Python's own integers."""
    most = 2**64

    def mixed(z):
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % most
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % most
        return z ^ (z >> 31)

    def is_green(key, context, token):
        state = mixed((key + 0x9E3779B97F4A7C15) % most)
        for number in (*context, token):
            state = mixed(state ^ number)
        return state < most // 4

    rng = np.random.default_rng(1)
    contexts, tokens = rng.integers(0, 1 << 18, (500, 2)), rng.integers(0, 1 << 18, 500)
    found = GreenList(marking.Words([]), 2**62 + 1, gamma=0.25, context=2).green(contexts, tokens)
    assert found.tolist() == [
        is_green(2**62 + 1, *pair) for pair in zip(contexts.tolist(), tokens.tolist(), strict=True)
    ]


def test_fingerprints_tell_tests_apart_and_keys_not(marking):
    words = marking.Words(["a"])
    settings = [(1, 0.25, 1), (2, 0.25, 1), (1, 0.5, 1), (1, 0.25, 2)]
    found = [GreenList(words, *values).fingerprint() for values in settings]
    assert len(set(found)) == 4 and found[0] == GreenList(words, 1, 0.25, 1).fingerprint()
    assert "15485863" not in str(GreenList(words, 15485863, 0.25, 1).fingerprint())
