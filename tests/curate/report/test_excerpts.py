import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.report.excerpts import COMPARED, CONTEXT, OPENING, SHOWN, beginnings, excerpts, opening, side_by_side
from curate.report.groups import Pair

PIECES = ["a", "b", "Ab", "č", " ", "\n", ". ", "語", "ไ", "ب ", "w" * 400]
TEXT = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)
MANY = " ".join(f"w{number}" for number in range(1_000))


def marked(passage):
    return [passage["text"][start:end] for start, end in passage["differs"]]


@pytest.mark.parametrize(
    ("one", "other", "first", "second"),
    [
        ("the cat sat", "the dog sat", ["cat"], ["dog"]),
        ("the cat sat", "the big cat sat", [], ["big"]),
        ("The CAT, sat!", "the cat sat", [], []),  # folded, as shingles are
        ("ｆｕｌｌ width", "full width", [], []),
        ("一二三四", "一二五四", ["三"], ["五"]),
        ("", "some words", [], ["some words"]),
        ("x y z", "p q r", ["x y z"], ["p q r"]),
        ("\n\n  the cat", "the cat", [], []),
    ],
)
def test_marked_is_what_the_other_lacks(one, other, first, second):
    passages = side_by_side(one, other)
    assert [marked(passage) for passage in passages] == [first, second]
    assert [(passage["begins"], passage["ends"]) for passage in passages] == [(True, True)] * 2


def test_a_difference_far_into_the_text_is_shown():
    one, other = side_by_side(MANY, MANY.replace(" w700 ", " else "))
    assert (marked(one), marked(other)) == (["w700"], ["else"])
    assert one["text"].split()[CONTEXT - 1] == "w700" and other["text"].split()[CONTEXT - 1] == "else"
    assert not (one["begins"] or one["ends"] or other["begins"] or other["ends"])


@pytest.mark.parametrize("text", ["", "a few words", MANY, "w" * 9_000, "語" * 9_000])
def test_an_opening_is_the_first_words_of_a_text(text):
    found = opening(text)
    assert text.startswith(found["text"]) and len(found["text"]) <= OPENING
    assert found["begins"] and found["ends"] == (found["text"] == text) and found["differs"] == []


def test_a_contained_text_is_shown_where_it_lies_in_the_other():
    inside = MANY[MANY.index("w300 ") : MANY.index(" w600")]
    one, other = side_by_side(inside, MANY)
    assert one["text"].startswith("w300 ") and marked(one) == []
    assert marked(other)[0].endswith("w299") and "w300 w301" in other["text"]


def test_what_a_longer_text_has_besides_is_shown():
    short = MANY[: MANY.index(" w100")]
    one, other = side_by_side(short, MANY)
    assert marked(one) == [] and one["ends"]
    assert marked(other)[0].startswith("w100 w101")


@settings(max_examples=150, deadline=None)
@given(one=TEXT, other=TEXT)
def test_passages_are_bounded_pieces_of_the_texts(one, other):
    for text, passage in zip((one, other), side_by_side(one, other), strict=True):
        assert passage["text"] in text and len(passage["text"]) <= SHOWN
        edges = [edge for span in passage["differs"] for edge in span]
        assert edges == sorted(set(edges)) and all(0 <= edge <= len(passage["text"]) for edge in edges)
    assert all(marked(passage) == [] for passage in side_by_side(one, one))


def test_nothing_is_marked_where_the_other_is_missing():
    passage = {"text": "a text", "differs": [], "begins": True, "ends": True}
    assert side_by_side("a text", None) == (passage, None)
    assert side_by_side(None, "a text") == (None, passage)


def test_excerpts_go_by_id():
    pairs = [Pair(0.8, id, "s", "near", 0.8, 0.9, None, None) for id in ("a", "b", "c")]
    found = excerpts(pairs, {"b": "one text", "s": "another text"})
    assert [(row["id"], row["matched_id"]) for row in found] == [("a", "s"), ("b", "s"), ("c", "s")]
    assert found[0]["copy"] is None and found[0]["survivor"]["text"] == "another text"
    assert marked(found[1]["copy"]) == ["one"]
    assert excerpts(pairs, {}) == []


def test_beginnings_are_cut_by_characters_and_leave_out_what_has_no_text():
    texts = pa.array(["語" * 10_000, None, "short"], pa.large_string())
    found = beginnings(pa.chunked_array([["a", "b", "c"]]), texts)
    assert found == {"a": "語" * COMPARED, "c": "short"}
