"""The vectorised folding of words equals the reference's, on any characters."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.clusters.spelling import folded_words
from curate.text import reference

ODD = st.sampled_from("aÉßİΣςŉﬁ가각힣가áạ̈̈ก็็เแ々日カ゛ｶﾞאְּבءً_-'.٣²½ₐ\u200d\u00ad\ufe0f\u034f𝔘𝟘🄰\ud800")
ANY = st.characters(codec=None)


def by_reference(word):
    return unicodedata.normalize("NFC", "".join(reference.tokens(word)))


@given(st.lists(st.text(ODD | ANY, max_size=8), max_size=8))
def test_equals_the_reference(words):
    assert folded_words(words) == [by_reference(word) for word in words]


@pytest.mark.parametrize(
    "word, folded",
    [
        ("Élan", "élan"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("한국어", "한국어"),
        ("", ""),
        ("a\u0323\u0307", "ạ̇"),
    ],
)
def test_examples(word, folded):
    assert folded_words([word, "x"]) == [folded, "x"]
