"""Which lines go: the tables of a few documents, and what holds for any."""

from collections import defaultdict

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.duplicates.lines import find_units
from curate.duplicates.repeated import HOLDERS, emptied, occurrences, removed_units, spans
from curate.hashing import mix
from curate.text.spans import remove_spans


def holders_of(units, count, classes=None):
    """All documents, ranked by class and then by a scramble of their number."""
    numbers = np.arange(count, dtype=np.uint64)
    rank = np.array(classes or [1] * count, dtype=np.uint64) << np.uint64(62) | mix(numbers, 3) >> np.uint64(2)
    tokens = np.zeros(count, dtype=np.int32)
    np.add.at(tokens, units["document"].to_numpy().astype(np.int64), units["tokens"].to_numpy())
    return pa.table([numbers, rank, tokens, [f"d{n}" for n in numbers]], schema=HOLDERS)


def clean(texts, classes=None, unit="line", min_documents=2, min_tokens=1, surviving=None):
    """The texts without what they lose, the documents left empty (→ owner), and the ranks."""
    units = find_units(pa.array(texts, pa.string()), np.arange(len(texts), dtype=np.uint64), unit)
    holders = holders_of(units, len(texts), classes)
    if surviving is not None:
        holders = holders.take(pa.array(surviving))
    removed = removed_units(occurrences(units, holders, min_tokens), min_documents)
    edits = spans(removed, unit)
    lists = [None] * len(texts)
    for row in edits.to_pylist():
        lists[row["document"]] = row["text_edits"]
    left = remove_spans(pa.array(texts, pa.string()), pa.array(lists, edits.schema.field("text_edits").type))
    gone = dict(zip(*(part.tolist() for part in emptied(removed, holders)), strict=True))
    return left.to_pylist(), gone, holders["rank"].to_pylist()


def owner_first(texts, **options):
    """The documents in the order of their rank, so that the first one owns what all share."""
    order = np.argsort(mix(np.arange(len(texts), dtype=np.uint64), 3))
    placed = [None] * len(texts)
    for text, place in zip(texts, order, strict=True):
        placed[place] = text
    left, gone, _ = clean(placed, **options)
    return [left[place] for place in order], {list(order).index(k): list(order).index(v) for k, v in gone.items()}


ALONE = [
    ("banner here\n\none", "one"),
    ("one\n\nbanner here", "one\n"),
    ("one\n\n\nbanner here\n\n\ntwo", "one\n\n\ntwo"),
    ("one\r\n\r\nBANNER  here\r\n\r\ntwo\r\n", "one\r\n\r\ntwo\r\n"),
    ("one\n\nbanner here\n\nbanner here\n", "one\n"),
    ("banner here\n\nbanner here\n\n\U0001f36a\n\nbanner here", "\U0001f36a\n"),
    ("one", "one"),
]
"""Texts in which the banner is a paragraph of its own, and what is left of them."""
AMONG = [
    ("banner here\none", "one"),
    ("one\nbanner here", "one\n"),
    ("one\nbanner here\n", "one\n"),
    ("one\nbanner here\ntwo", "one\ntwo"),
    ("one\nbanner here\n\ntwo", "one\n\ntwo"),
    ("one\n\nbanner here\ntwo", "one\n\ntwo"),
    ("  banner here\n    one\n\U0001f36a", "    one\n\U0001f36a"),
    ("banner here\none\nbanner here\nbanner here\n\U0001f36a two\n\n\nbanner here", "one\n\U0001f36a two\n"),
]
"""Texts in which it is a line among others."""


@pytest.mark.parametrize(("text", "left"), ALONE + AMONG)
def test_a_removed_line_leaves_no_blank_one(text, left):
    assert owner_first(["banner here", text])[0] == ["banner here", left]


@pytest.mark.parametrize(("text", "left"), ALONE)
def test_a_removed_paragraph_leaves_no_blank_line(text, left):
    assert owner_first(["banner here", text], unit="paragraph")[0] == ["banner here", left]


@pytest.mark.parametrize("text", [text for text, _ in AMONG[:-1]])
def test_a_line_of_a_paragraph_stays(text):
    assert owner_first(["banner here", text], unit="paragraph")[0] == ["banner here", text]


def test_the_owner_keeps_all_of_its_own():
    text = "banner here\none\nbanner here"
    assert owner_first([text, "banner here\ntwo", "banner here\nthree"])[0] == [text, "two", "three"]


def test_one_document_owns_what_a_set_of_documents_shares():
    shared = "first line\nsecond line\nthird line\n"
    left, _ = owner_first([shared + name for name in "abcdef"])
    assert left == [shared + "a", *"bcdef"]


@pytest.mark.parametrize(("min_documents", "goes"), [(2, True), (3, True), (4, False)])
def test_documents_are_counted_and_not_occurrences(min_documents, goes):
    texts = [f"banner here\n{name}\nbanner here" for name in "abc"]
    left, _ = owner_first(texts, min_documents=min_documents)
    assert left == ([texts[0], "b\n", "c\n"] if goes else texts)


@pytest.mark.parametrize(("min_tokens", "goes"), [(1, True), (2, True), (3, False)])
def test_short_lines_stay(min_tokens, goes):
    texts = ["{\nbanner here\n}\na", "{\nbanner here\n}\nb"]
    assert owner_first(texts, min_tokens=min_tokens)[0] == [texts[0], "{\n}\nb" if goes else texts[1]]


def test_only_what_survived_counts():
    texts = ["banner here\na", "banner here\nb", "banner here\nc"]
    assert clean(texts, surviving=[0])[0] == texts
    assert sum(old != new for old, new in zip(texts, clean(texts, surviving=[0, 2])[0], strict=True)) == 1


def test_rows_of_equal_documents_do_not_count_twice():
    texts = pa.array(["long banner here\na", "long banner here\na", "long banner here\nb"])
    units = find_units(texts, np.array([5, 5, 9], dtype=np.uint64), "line")
    holders = pa.table([[5, 5, 9], [3, 2, 4], [4, 4, 4], ["x", "x#2", "y"]], schema=HOLDERS)
    found = occurrences(units, holders, 2)
    assert (found["document"].to_pylist(), found["rank"].to_pylist()) == ([5, 9], [2, 4])
    assert removed_units(found, 2)["document"].to_pylist() == [9]
    assert spans(removed_units(pa.concat_tables([found, found]), 2), "line")["tokens"].to_pylist() == [3]


def test_a_document_left_without_a_token_names_the_owner_of_its_longest_line():
    texts = ["a b c\nown", "d e f g\nown too", "a b c\n***\nd e f g\n", "d e f g\na b c\nx"]
    left, gone = owner_first(texts)
    assert left[2] == "***\n"
    assert gone == {2: 1}
    assert left[3] == "x"


@pytest.mark.parametrize(
    ("classes", "left"),
    [
        ([0, 0, 1, 2], [True, False, False, False]),  # two real ones share it: so it goes from all but one
        ([0, 1, 1, 2], [True, False, False, False]),
        ([0, 1, 2, 2], [True, False, False, False]),
        ([1, 1, 0, 2], [False, False, True, False]),
        ([2, 2, 2, 0], [False, False, False, True]),
    ],
)
def test_a_better_class_keeps_its_lines(classes, left):
    texts = [f"banner here\n{name}" for name in "abcd"]
    found, _, ranks = clean(texts, classes)
    kept = ["banner" in text for text in found]
    if classes.count(min(classes)) > 1:
        assert sum(kept) == 1 and kept[ranks.index(min(ranks))]
    else:
        assert kept == left


def test_a_class_counts_itself_and_its_betters_only():
    texts = [f"banner here\n{name}" for name in "abcdef"]
    found, _, _ = clean(texts, [0, 0, 1, 2, 2, 2], min_documents=4)
    assert ["banner" in text for text in found] == [True, True, True, False, False, False]
    found, _, _ = clean(texts, [0, 0, 1, 1, 2, 2], min_documents=4)
    assert ["banner" in text for text in found] == [True, True, False, False, False, False]


LINES = ["a", "b c", "d e f", "g h i j", "", "}", " \U0001f36a k l", "\u4e2d\u6587"]


@settings(max_examples=200, deadline=None)
@given(
    documents=st.lists(
        st.tuples(st.lists(st.sampled_from(LINES), max_size=7), st.integers(0, 2)), min_size=1, max_size=8
    ),
    line_break=st.sampled_from(["\n", "\r\n"]),
    min_documents=st.integers(2, 4),
    min_tokens=st.integers(1, 3),
    unit=st.sampled_from(["line", "paragraph"]),
)
def test_what_holds_for_any_documents(documents, line_break, min_documents, min_tokens, unit):
    texts, classes = [line_break.join(lines) for lines, _ in documents], [number for _, number in documents]
    left, gone, ranks = clean(texts, classes, unit, min_documents, min_tokens)

    def having(texts):
        places = defaultdict(set)
        units = find_units(pa.array(texts, pa.string()), np.arange(len(texts), dtype=np.uint64), unit)
        for row in units.to_pylist():
            if row["tokens"]:
                places[row["unit"], row["tokens"]].add(row["document"])
        return places

    before, after = having(texts), having([None if i in gone else text for i, text in enumerate(left)])
    for (content, tokens), places in before.items():
        owner = min(places, key=lambda document: ranks[document])
        loses = {
            document
            for document in places
            if tokens >= min_tokens
            and document != owner
            and sum(classes[other] <= classes[document] for other in places) >= min_documents
        }
        assert after[content, tokens] == places - loses
    assert set(after) <= set(before)
    for document, owner in gone.items():
        assert document not in gone.values() and ranks[owner] < ranks[document]
        assert not any(document in places for places in after.values())
    for number, (old, new) in enumerate(zip(texts, left, strict=True)):
        assert number in gone or old == new or any(number in places for places in after.values())
