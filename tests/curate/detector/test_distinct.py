"""Distinct tokens."""

import numpy as np
import pyarrow as pa
import pytest
from collisions import random_words, words_of_one_slot
from hypothesis import given
from hypothesis import strategies as st

from curate.detector import distinct
from curate.detector.distinct import distinct_tokens
from curate.detector.stream import TokenStream, token_stream


def spelled(stream: TokenStream, token: int) -> str:
    """A token's folded characters, without the space after it."""
    codes = stream.characters[stream.places[token] : stream.places[token + 1]]
    return "".join(map(chr, codes)).rstrip(" ")


@given(st.lists(st.text(alphabet="abAB ,.'1²東京é", max_size=60), max_size=5))
def test_tokens_have_the_number_of_their_characters(texts: list[str]) -> None:
    stream = token_stream(pa.array(texts, pa.large_string()))
    words = [spelled(stream, token) for token in range(len(stream.hashes))]
    found = distinct_tokens(stream)
    assert [spelled(stream, token) for token in found.first] == list(dict.fromkeys(words))
    assert [spelled(stream, found.first[number]) for number in found.number] == words


@pytest.mark.parametrize("count", [2_000, 2_100, 50_000])
def test_the_table_grows_with_the_distinct_tokens(count: int) -> None:
    words = [f"{'abcdefghij'[number % 10]}{number}" for number in range(count)]
    stream = token_stream(pa.array([" ".join(words * 2)], pa.large_string()))
    found = distinct_tokens(stream)
    assert len(found.first) == len({spelled(stream, token) for token in range(len(stream.hashes))})
    half = len(found.number) // 2
    assert (found.number[:half] == found.number[half:]).all()


def test_words_that_were_made_to_collide_take_no_table() -> None:
    """Each of them would go past all before it."""
    honest, made = (
        token_stream(pa.array([" ".join(words + words[:100])], pa.large_string()))
        for words in (random_words(2_000), words_of_one_slot(2_000))
    )
    assert len(distinct._distinct(honest.keys)[0]) == len(honest.keys)
    assert len(distinct._distinct(made.keys)[0]) == 0
    found = distinct_tokens(made)
    assert (found.first == np.arange(2_000)).all()
    assert (found.number == np.append(np.arange(2_000), np.arange(100))).all()


@given(st.lists(st.integers(0, 9), max_size=60))
def test_without_a_table_the_numbers_are_the_same(drawn: list[int]) -> None:
    keys = np.array(drawn, np.uint64) * np.uint64(2) + np.uint64(1)
    for one, other in zip(distinct._distinct(keys), distinct._sorted(keys), strict=True):
        assert (one == other).all() and one.dtype == other.dtype
