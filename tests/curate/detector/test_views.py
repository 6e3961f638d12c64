from collections import Counter

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.detector import ranks
from curate.detector.distinct import distinct_tokens
from curate.detector.statistics import NO_COLUMNS, Tables, token_facts
from curate.detector.stream import token_stream
from curate.detector.views import HALVES, PIECE, training_views
from curate.hashing import hash_strings

TABLES = Tables(ranks.load(), np.zeros(1, np.uint8), NO_COLUMNS, NO_COLUMNS)


def views_of(texts, seed=1):
    """(views, the text that each is of)."""
    array = pa.array(texts, pa.string())
    stream = token_stream(array)
    views, owners = training_views(
        stream, token_facts(stream, distinct_tokens(stream), TABLES).ends, hash_strings(array), seed
    )
    return views, owners.tolist()


def of(texts, text, **options):
    return [view for view, owner in zip(*views_of(texts, **options), strict=True) if owner == text]


LONG = "".join(f"one two three {chr(97 + number % 20)}{chr(98 + number % 20 // 2)}. " for number in range(40))
TEXTS = ["One sentence. Another one! 中文。 Последнее?", LONG, "word", "", None, ". ! ?", "\U0001f600 \U00010428x"]


def test_of_each_text_the_views_are_its_tokens():
    whole = "one two three four . five six !"
    views = of(["One two, three".replace(",", "") + " four. Five six!"], 0)
    assert len(views) == 1 + HALVES + 1 + 1
    expected = Counter(whole.split())
    assert views.count(whole) >= 2  # the whole, and its only piece
    halves = [view for view in views if Counter(view.split()) != expected]
    assert set(halves) <= {"one two three four .", "five six !"}
    assert len(halves) == HALVES


def test_pieces_are_consecutive_and_even():
    tokens = LONG.replace(".", " .").split()
    assert len(tokens) == 200 and PIECE == 80  # two pieces of a hundred are nearer to eighty than three of 67
    assert {" ".join(tokens), " ".join(tokens[:100]), " ".join(tokens[100:])} <= set(of([LONG], 0))


def test_swaps_move_a_tenth_of_the_tokens_by_little():
    tokens = ["".join(chr(97 + number // power % 26) for power in (1, 26)) for number in range(600)]
    views = [view.split() for view in of([" ".join(tokens)], 0)]
    swapped = [view for view in views if sorted(view) == sorted(tokens) and view != tokens]
    assert len(swapped) == 1
    moved = sum(one != other for one, other in zip(swapped[0], tokens, strict=True))
    assert 0.1 < moved / len(tokens) < 0.3


def test_texts_without_tokens_have_empty_views():
    for text in ("", None, "\u200b"):
        assert set(of([text], 0)) == {""}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=120), st.sampled_from(TEXTS)), max_size=6), st.randoms())
def test_views_depend_on_no_other_text_and_on_no_order(texts, random):
    moved = list(texts)
    random.shuffle(moved)
    assert views_of(moved)[0] == views_of(texts)[0]
    for number, text in enumerate(texts):
        assert sorted(of(texts, number)) == sorted(of([text], 0))


def test_seeds_draw_other_views_in_another_order():
    assert views_of(TEXTS) == views_of(TEXTS)
    assert set(of([LONG], 0)) != set(of([LONG], 0, seed=2))
    assert views_of(TEXTS)[1] != views_of(TEXTS, seed=2)[1]


def test_the_order_mixes_texts():
    owners = views_of([f"text {letter} of one. And two. And more." for letter in "abcdefghijkl"])[1]
    assert owners != sorted(owners)
