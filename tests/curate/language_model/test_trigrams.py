from collections import Counter

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.language_model.trigrams import Trigrams, sample_documents
from curate.language_model.words import Vocabulary

TOY = ["a b a c a b", "b a c b a b a", "c a b a a c b", "a a b c c a"]


def fitted(texts, closed=False):
    vocabulary = Vocabulary.of(texts, closed)
    return vocabulary, Trigrams.fit(vocabulary.read(texts), len(vocabulary))


def kneser_ney(vocabulary, texts):
    """P(w | u, v) by the definition, with dictionaries, for one context."""
    documents = [[0, 0, *document.tolist()] for document in vocabulary.read(texts)]
    trigrams = Counter(tuple(d[i : i + 3]) for d in documents for i in range(len(d) - 2))
    bigrams = Counter(t[1:] for t in trigrams)
    unigrams = Counter(t[1] for t in bigrams)

    def discount(counts):
        once, twice = (sum(c == n for c in counts.values()) for n in (1, 2))
        return once / (once + 2 * twice)

    def interpolate(counts, context, lower):
        of_context = {key[-1]: c for key, c in counts.items() if key[:-1] == context}
        if not of_context:
            return lower
        total, d = sum(of_context.values()), discount(counts)
        p = lower * d * len(of_context) / total
        for w, c in of_context.items():
            p[w] += (c - d) / total
        return p

    base = np.array([unigrams[w] for w in range(len(vocabulary))]) / sum(unigrams.values())
    return lambda u, v: interpolate(trigrams, (u, v), interpolate(bigrams, (v,), base))


@pytest.mark.parametrize("context", [("a", " b"), (" a", " b"), (" b", " a"), (" c", " c"), ("c", "c"), ("", "")])
def test_probabilities_and_draws_follow_the_interpolated_kneser_ney_distribution(context):
    vocabulary, model = fitted(TOY)
    u, v = (vocabulary.tokens.index(token) for token in context)
    expected = kneser_ney(vocabulary, TOY)(u, v)
    size, n = len(vocabulary), 100_000
    found = model.probabilities(np.full(size, u), np.full(size, v), np.arange(size))
    np.testing.assert_allclose(found, expected, atol=1e-12)
    drawn = np.bincount(model.next_tokens(np.full(n, u), np.full(n, v), np.random.default_rng(7)), minlength=size)
    assert drawn[expected == 0].sum() == 0
    assert scipy.stats.chisquare(drawn[expected > 0], n * expected[expected > 0]).pvalue > 1e-4


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=12).map(" ".join), min_size=1), st.booleans())
def test_probabilities_of_a_context_sum_to_one(texts, closed):
    vocabulary = Vocabulary.of([*texts, "x y"], closed=True)  # words that the model has never seen
    model = Trigrams.fit(vocabulary.read(texts), len(vocabulary))
    words = np.arange(len(vocabulary))
    for u in range(len(vocabulary)):
        chances = model.probabilities(np.full(len(words), u), np.full(len(words), 2), words, closed=closed)
        assert chances.sum() == pytest.approx(1)
        assert chances[0] == 0
        assert (chances >= 0).all()


def test_a_closed_vocabulary_gives_every_word_a_chance():
    vocabulary = Vocabulary.of([*TOY, "never seen"], closed=True)
    model = Trigrams.fit(vocabulary.read([*TOY, "a d", "e b"]), len(vocabulary))
    words = np.arange(1, len(vocabulary))
    assert (model.probabilities(np.zeros_like(words), np.zeros_like(words), words, closed=True) > 0).all()
    assert (model.probabilities(np.zeros_like(words), np.zeros_like(words), words) == 0).any()


def test_documents_counted_twice_count_twice():
    vocabulary = Vocabulary.of(TOY)
    once, twice = (Trigrams.fit(vocabulary.read(TOY) * times, len(vocabulary)) for times in (1, 2))
    np.testing.assert_array_equal(2 * once.frequencies, twice.frequencies)


def test_documents_have_the_lengths_asked_for_and_never_hold_the_begin_mark():
    _, model = fitted(TOY)
    lengths = [3, 0, 7, 7, 1, 12]
    rng = np.random.default_rng(1)
    samples = sample_documents(lengths, lambda first, second, _: model.next_tokens(first, second, rng))
    assert [len(sample) for sample in samples] == lengths
    assert all((sample > 0).all() for sample in samples)


def test_draws_are_told_which_document_they_are_for():
    samples = sample_documents([2, 3, 1], lambda first, second, documents: documents + 5)
    assert [sample.tolist() for sample in samples] == [[5, 5], [6, 6, 6], [7]]


def test_the_likelier_of_two_draws_is_kept():
    vocabulary, model = fitted([*TOY, "a b d"])
    a, b, d = (vocabulary.tokens.index(token) for token in ("a", " b", " d"))
    common = vocabulary.tokens.index(" a")
    first, second = np.full(3, a), np.full(3, b)
    kept = model.likelier(first, second, np.array([d, common, d]), np.array([common, d, d]))
    assert kept.tolist() == [common, common, d]


def test_no_token_is_refused():
    with pytest.raises(ValueError, match="no token"):
        Trigrams.fit([np.array([], np.int64)], 3)
