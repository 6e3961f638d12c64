import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.language_model.words import UNKNOWN, Vocabulary


@given(st.lists(st.lists(st.sampled_from(["a", "didn't", "é.", "(or", "lay).", "3,"]), min_size=1).map(" ".join)))
def test_what_is_written_is_what_was_read(texts):
    texts = [*texts, "The cat sat (or lay). A dog ran!\n\nThe end came."]
    vocabulary = Vocabulary.of(texts)
    assert [vocabulary.write(tokens) for tokens in vocabulary.read(texts)] == texts


def test_words_that_were_no_neighbours_are_not_glued_together():
    vocabulary = Vocabulary.of(["one two. three", "four"])
    one, four, stop = (vocabulary.tokens.index(token) for token in ("one", "four", "."))
    assert vocabulary.write(np.array([one, four, stop])) == "one four."


def test_a_closed_vocabulary_reads_unknown_words_as_one():
    vocabulary = Vocabulary.of(["a b"], closed=True)
    assert vocabulary.read(["a x b y"])[0].tolist() == [
        vocabulary.tokens.index("a"),
        UNKNOWN,
        vocabulary.tokens.index(" b"),
        UNKNOWN,
    ]
    written = vocabulary.write([UNKNOWN, UNKNOWN])
    assert (vocabulary.read([written])[0] == UNKNOWN).all()
    with pytest.raises(KeyError):
        Vocabulary.of(["a b"]).read(["x"])


def test_no_token_is_refused():
    with pytest.raises(ValueError, match="no token"):
        Vocabulary.of(["", " "])
