import numpy as np
import pytest

from curate.demo.language_model import TrigramModel

TOY = ["a b a c a b", "b a c b a b a", "c a b a a c b", "a a b c c a"]


def test_the_sharp_decoder_prefers_common_tokens():
    model = TrigramModel.fit([*TOY, "a d", "a e", "b f"])
    plain, sharp = (
        np.concatenate(model.sample_tokens([50] * 50, np.random.default_rng(1), draws=draws)) for draws in (1, 2)
    )
    frequencies = model.trigrams.frequencies
    assert frequencies[sharp].mean() > frequencies[plain].mean()


def test_written_text_keeps_case_punctuation_and_paragraphs():
    text = "The cat sat (or lay). A dog ran!\n\nThe end came, didn't it?"
    model = TrigramModel.fit([text])
    assert {"The", " cat", ".", " (", "or", ")", "\n\n", " didn't", "?"} < set(model.vocabulary.tokens)
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
