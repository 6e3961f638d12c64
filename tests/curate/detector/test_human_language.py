from collections import Counter
from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.detector import ranks
from curate.detector.distinct import distinct_tokens
from curate.detector.human_language import frequent_endings, frequent_tokens, human_bigrams
from curate.detector.statistics import (
    NO_COLUMNS,
    RANK_STEPS,
    UNRANKED,
    Tables,
    pair_slots,
    slots,
    token_facts,
)
from curate.detector.stream import token_hash, token_stream

DISCOUNT = 0.4


def hashed(word):
    return np.array([token_hash(word)], np.uint32)


def entry(table, first, second):
    return int(table[pair_slots(hashed(first), hashed(second), len(table))[0]])


WORDS = st.sampled_from(["the", "cat", "sat", "中", "лжив", ",", ".", "42"])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.lists(WORDS, max_size=30), st.booleans()), min_size=1, max_size=6))
def test_bigrams_are_those_of_a_counter(documents):
    pairs, before = Counter(), Counter()
    for tokens, human in documents:
        words = [token for token in tokens if token not in (",", ".")]  # marks do not part words
        if human:
            pairs.update(pairwise(words))
            before.update(words[:-1])
    table = human_bigrams(
        token_stream(pa.array([" ".join(tokens) for tokens, _ in documents])),
        np.array([human for _, human in documents]),
    )
    expected = np.full(len(table), UNRANKED, np.uint8)
    for (first, second), count in pairs.items():
        surprise = -np.log((count - DISCOUNT) / before[first])
        expected[pair_slots(hashed(first), hashed(second), len(table))[0]] = round(RANK_STEPS * surprise)
    np.testing.assert_array_equal(table, expected)


def test_bigrams_by_hand():
    table = human_bigrams(
        token_stream(pa.array(["a b a b a c", None, "a c x", ""])), np.array([True, True, False, True])
    )
    assert table.dtype == np.uint8
    assert entry(table, "a", "b") == round(-20 * np.log(1.6 / 3))
    assert entry(table, "a", "c") == round(-20 * np.log(0.6 / 3))
    assert entry(table, "c", "x") == entry(table, "x", "a") == UNRANKED


def test_nothing_is_learnt_from_no_text():
    for texts, human in (([], []), ([None, "", "."], [True] * 3), (["a b"], [False])):
        table = human_bigrams(token_stream(pa.array(texts, pa.string())), np.array(human, bool))
        assert (table == UNRANKED).all()


def columns(table, words):
    return [int(table[slots(hashed(word), len(table))[0]]) for word in words]


def test_tokens_in_the_largest_share_of_texts_of_the_mean_source():
    texts = ["big big big , all"] * 8 + ["big all two"] * 2 + ["small all two"] * 2
    sources = np.array([0] * 10 + [1] * 2)
    stream = token_stream(pa.array(texts))
    # all: 1 and 1; two: .2 and 1; big: 1 and 0; small: 0 and 1; the comma: .8 and 0
    table = frequent_tokens(stream, sources, 2)
    assert columns(table, ["all", "two", "big", "small", ","]) == [0, 1, -1, -1, -1]
    assert sorted(columns(frequent_tokens(stream, sources, 4), ["big", "small"])) == [2, 3]
    assert table.dtype == np.int16 and np.count_nonzero(table >= 0) == 2


def test_no_more_columns_than_tokens():
    table = frequent_tokens(token_stream(pa.array(["one two", None])), np.zeros(2, np.int64), 150)
    assert sorted(columns(table, ["one", "two"])) == [0, 1] and np.count_nonzero(table >= 0) == 2
    empty = frequent_tokens(token_stream(pa.array([], pa.string())), np.zeros(0, np.int64), 150)
    assert (empty == -1).all()


def test_the_order_of_texts_is_the_same_to_tokens():
    texts = ["one two", "two three", "three , four two", "five five"]
    for order in ([3, 1, 0, 2], [2, 0, 3, 1]):
        stream = token_stream(pa.array([texts[place] for place in order]))
        found = frequent_tokens(stream, np.array(order) % 2, 4)
        np.testing.assert_array_equal(found, frequent_tokens(token_stream(pa.array(texts)), np.arange(4) % 2, 4))


def test_endings_of_long_words():
    stream = token_stream(pa.array(["walking talking sing 12345", "singing walked, ли́бний", "sing ring ing"]))
    facts = token_facts(
        stream, distinct_tokens(stream), Tables(ranks.load(), np.zeros(1, np.uint8), NO_COLUMNS, NO_COLUMNS)
    )
    table = frequent_endings(stream, facts, np.zeros(3, np.int64), 2)
    again = token_facts(stream, distinct_tokens(stream), Tables(ranks.load(), np.zeros(1, np.uint8), NO_COLUMNS, table))
    letters = "".join(map(chr, stream.characters))
    tokens = [letters[start:end].strip() for start, end in pairwise(stream.places)]
    found = dict(zip(tokens, again.ending_rates[again.number].tolist(), strict=True))
    assert found["walking"] == found["talking"] == found["singing"] == 0  # in two of three texts
    assert found["sing"] == found["ing"] == found["12345"] == found[","] == -1
    assert sorted([found["walked"], found["либнии"]]) == [-1, 1]
