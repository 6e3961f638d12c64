"""Distinct tokens."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
