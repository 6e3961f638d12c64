from collections import Counter

import numpy as np
import pytest

from curate.demo.language_model import TrigramModel

TOY = ["a b a c a b", "b a c b a b a", "c a b a a c b", "a a b c c a"]


def kneser_ney(model, texts):
    """P(w | u, v) by the definition, with dictionaries, for one context."""
    number = {token: i for i, token in enumerate(model.vocabulary)}
    documents = [[0, 0, *(number[("" if i == 0 else " ") + w] for i, w in enumerate(t.split()))] for t in texts]
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

    base = np.array([unigrams[w] for w in range(len(model.vocabulary))]) / sum(unigrams.values())
    return lambda u, v: interpolate(trigrams, (u, v), interpolate(bigrams, (v,), base))


@pytest.mark.parametrize("context", [("a", " b"), (" a", " b"), (" b", " a"), (" c", " c"), ("c", "c"), ("", "")])
def test_continuations_follow_the_interpolated_kneser_ney_distribution(context):
    model = TrigramModel.fit(TOY)
    expected = kneser_ney(model, TOY)
    u, v = (model.vocabulary.index(token) for token in context)
    n = 100_000
    drawn = model.next_tokens(np.full(n, u), np.full(n, v), np.random.default_rng(7))
    shares = np.bincount(drawn, minlength=len(model.vocabulary)) / n
    p = expected(u, v)
    assert p.sum() == pytest.approx(1)
    assert shares[p == 0].sum() == 0
    assert np.abs(shares - p).max() < 5 * np.sqrt(0.25 / n)


def test_documents_have_the_lengths_asked_for_and_never_hold_the_begin_mark():
    model = TrigramModel.fit(TOY)
    lengths = [3, 0, 7, 7, 1, 12]
    samples = model.sample_tokens(lengths, np.random.default_rng(1))
    assert [len(sample) for sample in samples] == lengths
    assert all((sample > 0).all() for sample in samples)


def test_the_sharp_decoder_prefers_common_tokens():
    model = TrigramModel.fit([*TOY, "a d", "a e", "b f"])
    plain, sharp = (
        np.concatenate(model.sample_tokens([50] * 50, np.random.default_rng(1), draws=draws)) for draws in (1, 2)
    )
    assert model.frequencies[sharp].mean() > model.frequencies[plain].mean()


def test_written_text_keeps_case_punctuation_and_paragraphs():
    text = "The cat sat (or lay). A dog ran!\n\nThe end came, didn't it?"
    model = TrigramModel.fit([text])
    assert {"The", " cat", ".", " (", "or", ")", "\n\n", " didn't", "?"} < set(model.vocabulary)
    written = model.write(20, np.random.default_rng(3))
    assert written == model.write(20, np.random.default_rng(3)) != model.write(20, np.random.default_rng(4))
    assert all(document == document.strip() and "\0" not in document for document in written)


def test_words_are_never_glued_together():
    texts = ["one two three. four five six.", "seven eight nine. ten eleven twelve."]
    words = {word.strip(".") for text in texts for word in text.split()}
    for document in TrigramModel.fit(texts).write(50, np.random.default_rng(1)):
        assert set(document.replace(".", " ").split()) <= words


def test_no_token_is_refused():
    with pytest.raises(ValueError, match="no token"):
        TrigramModel.fit(["", " "])
