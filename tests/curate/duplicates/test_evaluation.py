from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.duplicates.evaluation import index_texts
from curate.text import reference
from curate.text.kernel import text_features

SHINGLE, LEAST = 3, 5
WORDS = st.lists(st.sampled_from(["a", "b", "c", "d", "東", "京", "が", "สวัสดี"]), max_size=14).map(" ".join)


def find(texts, documents, threshold=0.8, names=None, shingle=SHINGLE, least=LEAST):
    """(name, containment) of each document's text, None where it has none."""
    names = names or [f"n{number}" for number in range(len(texts))]
    index = index_texts(pa.array(names, pa.string()), pa.array(texts, pa.large_string()), shingle, least)
    kernel = text_features(pa.array(documents, pa.string()), shingle=shingle, permutations=0, seed=1, with_tokens=True)
    found = index.find(kernel, threshold)
    assert (found.containment[found.item < 0] == 0).all()
    pairs = zip(found.item.tolist(), found.containment.tolist(), strict=True)
    return [None if item < 0 else (index.names[item].as_py(), share) for item, share in pairs]


def contents(texts):
    kernel = text_features(pa.array(texts, pa.string()), shingle=SHINGLE, permutations=0, seed=1)
    return list(zip(kernel.content.tolist(), kernel.content_low.tolist(), strict=True))


def by_sets(texts, names, document, threshold):
    """The same by Python's sets, from the definition."""
    found = []
    shingles = set(reference.shingles(document, SHINGLE))
    for text, name, content in zip(texts, names, contents(texts), strict=True):
        if len(reference.tokens(text)) < max(SHINGLE, LEAST):
            share = Fraction(int(content == contents([document])[0]))
        else:
            own = set(reference.shingles(text, SHINGLE))
            share = Fraction(len(own & shingles), len(own))
        if share and np.float32(float(share)) >= np.float32(threshold):
            found.append((-share, content, name))
    return (min(found)[2], np.float32(float(-min(found)[0]))) if found else None


@settings(max_examples=150, deadline=None)
@given(
    st.lists(WORDS, min_size=1, max_size=8),
    st.lists(WORDS, min_size=1, max_size=4),
    st.sampled_from([0.1, 0.5, 0.8, 1.0]),
    st.randoms(use_true_random=False),
)
def test_any_texts_equal_python_sets(texts, documents, threshold, draw):
    texts = [text or "!" for text in texts]
    names = [f"n{number % 5}" for number in range(len(texts))]
    # Documents that hold a text, whole or in part, besides unrelated ones.
    documents = [*documents, *(f"b {texts[0]} d", " ".join(texts), texts[-1], texts[0][: len(texts[0]) // 2])]
    expected = [by_sets(texts, names, document, threshold) for document in documents]
    assert find(texts, documents, threshold, names) == expected
    order = draw.sample(range(len(texts)), len(texts))
    assert find([texts[i] for i in order], documents, threshold, [names[i] for i in order]) == expected


ITEM = " ".join(f"word{number}" for number in range(20))  # 16 shingles of 5


@pytest.mark.parametrize(
    ("document", "containment"),
    [
        (ITEM, 1.0),
        (f"Before. {ITEM.upper().replace(' ', ', ')}! And after.", 1.0),
        (f"{ITEM} {ITEM}", 1.0),
        (ITEM.replace("word0 ", ""), 15 / 16),
        (ITEM.replace("word9", "other"), None),  # 11 of 16
        (ITEM.replace("word1 ", "other ").replace("word0 ", ""), 14 / 16),
        (" ".join(reversed(ITEM.split())), None),
        ("word0 word1 word2", None),
        ("", None),
        (None, None),
    ],
)
def test_what_counts_as_contained(document, containment):
    assert find([ITEM], [document], 0.8, shingle=5) == [containment and ("n0", np.float32(containment))]


def test_the_threshold_itself_counts():
    assert find([ITEM], [ITEM.replace("word9", "other")], 11 / 16, shingle=5) == [("n0", 11 / 16)]
    assert find([ITEM], [ITEM.replace("word9", "other")], 11.01 / 16, shingle=5) == [None]


def test_repeated_shingles_count_once():
    text = "a b c " * 6 + "d e f g"  # three shingles that repeat, and four that do not
    assert find([text], ["a b c " * 6], 0.1) == [("n0", np.float32(3 / 7))]


def test_short_texts_are_compared_as_a_whole():
    texts, names = ["who wrote it", "Who wrote Hamlet and why", "東京", "?!"], ["tiny", "few", "han", "marks"]
    assert find(texts, texts, names=names, least=8) == [(name, 1.0) for name in names]
    inside = [f"She asked: {text} He left then." for text in texts]
    assert find(texts, inside, names=names, least=8) == [None] * 4
    assert find(texts, inside, names=names, least=1) == [("tiny", 1.0), ("few", 1.0), None, None]


def test_the_largest_share_wins_and_then_the_smaller_content():
    longer = f"{ITEM} and more words than that text has of its own"
    assert find([longer, ITEM], [f"{ITEM} and more"], 0.5, ["longer", "shorter"]) == [("shorter", 1.0)]
    both = [ITEM, " ".join(f"other{number}" for number in range(12))]
    first = min(range(2), key=lambda number: contents(both)[number])
    assert find(both, [" ".join(both), " ".join(both[::-1])], names=["0", "1"]) == [(str(first), 1.0)] * 2


def test_of_equal_texts_the_least_name_counts():
    assert find([ITEM, ITEM, ITEM], [ITEM], names=["c", "a", "b"]) == [("a", 1.0)]
    assert find(["yes", "yes"], ["yes"], names=["b", "a"]) == [("a", 1.0)]


def test_one_shingle_in_every_text():
    texts = [f"answer the question {' '.join(f'w{i}x{j}' for j in range(6))}" for i in range(300)]
    found = find(texts, [*texts, "answer the question"], 1.0)
    assert found == [*((f"n{i}", 1.0) for i in range(300)), None]


def test_no_document_and_no_long_text():
    assert find([ITEM], []) == []
    assert find(["yes"], [ITEM, "yes"]) == [None, ("n0", 1.0)]
