from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.text import reference
from curate.text.lookalikes import unmasked

ENGLISH = "The harbour pilot came aboard before dawn and took the wheel without a word to anybody. "
RUSSIAN = "Лоцман поднялся на борт до рассвета и молча взял штурвал, не сказав никому ни слова. "
DISGUISED = ENGLISH.replace("o", "о").replace("a", "а").replace("p", "р")
MIXED = st.text(st.sampled_from("abко αοн\u200b\u0301é東 "), max_size=40)


def plain(*texts):
    """What is hashed of each text."""
    pieces = [text if isinstance(text, bytes) else text.encode() for text in texts]
    data = np.frombuffer(b"before" + b"".join(pieces), np.uint8)
    found, offsets = unmasked(data, 6 + np.cumsum([0, *map(len, pieces)]))
    return [found[start:stop].tobytes() for start, stop in pairwise(offsets)]


def test_disguised_texts_are_read_as_what_they_pass_for():
    assert DISGUISED != ENGLISH
    assert reference.content_hash(DISGUISED) == reference.content_hash(ENGLISH)
    assert plain(RUSSIAN, DISGUISED, ENGLISH) == [RUSSIAN.encode(), ENGLISH.encode(), ENGLISH.encode()]


def test_words_of_look_alikes_alone_follow_the_others():
    assert reference.tokens("расе сору wоrds") == ["pace", "copy", "words"]
    assert reference.tokens("расе сору words") == ["расе", "сору", "words"]


@pytest.mark.parametrize(
    "text",
    [
        RUSSIAN,
        RUSSIAN * 10 + " SMSка",
        "Το λιμάνι ήταν άδειο, μα η Apple και η IBM ήταν εκεί.",
        "Գրադարան, Armenian beside Latin.",
        ENGLISH * 10 + "TNFα",
        "x = 2 π r",
        "",
    ],
)
def test_other_texts_are_read_as_they_are(text):
    assert reference.unmask(text) == text
    assert plain(text) == [text.encode()]


@pytest.mark.parametrize("hidden", ["\u200b", "\u00ad", "\u0301", "\ufe0f"])
def test_characters_that_nobody_sees_do_not_hide_them(hidden):
    assert reference.unmask(f"w{hidden}о{hidden}rd") == f"w{hidden}o{hidden}rd"


def test_one_word_in_45_is_enough():
    words = (ENGLISH * 20).split()
    words[::45] = [word.replace("T", "Т").replace("e", "е") for word in words[::45]]
    text = " ".join(words)
    assert reference.content_hash(text) == reference.content_hash(ENGLISH * 20)


@settings(max_examples=200, deadline=None)
@given(st.lists(MIXED, min_size=1, max_size=4))
def test_it_is_what_the_reference_says(texts):
    assert plain(*texts) == [reference.unmask(text).encode() for text in texts]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=20), MIXED.map(lambda text: text.encode()[1:-1])), min_size=1, max_size=4))
def test_any_bytes(pieces):
    for before, after in zip(pieces, plain(*pieces), strict=True):
        assert len(after) <= len(before)
        assert before == after or any(0xCE <= byte <= 0xD6 for byte in before)
