import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.duplicates.lines import UNITS, find_units, in_texts_as_given
from curate.text.kernel import text_features

CHARACTERS = "ab \n\n\r\t\u0301\u4e2d\u2028\u200b\U0001d4b3\U0001f36a#"


def find(texts, unit):
    return find_units(pa.array(texts, pa.string()), np.arange(len(texts), dtype=np.uint64) + np.uint64(7), unit)


def cut_out(text, unit):
    return [text[row["start"] : row["end"]] for row in find([text], unit).to_pylist()]


@pytest.mark.parametrize(
    ("text", "lines", "paragraphs"),
    [
        ("one\ntwo\nthree", ["one\n", "two\n", "three"], ["one\ntwo\nthree"]),
        ("one\ntwo\n", ["one\n", "two\n"], ["one\ntwo\n"]),
        ("one\r\n\r\n two \r\n", ["one\r\n", " two \r\n"], ["one\r\n", " two \r\n"]),
        ("one\n \t\n\ntwo\nthree\n\n", ["one\n", "two\n", "three\n"], ["one\n", "two\nthree\n"]),
        ("\n\none", ["one"], ["one"]),
        ("\U0001d4b3 \U0001f36a\n\u4e2d\n\U0001d4b3", ["\U0001d4b3 \U0001f36a\n", "\u4e2d\n", "\U0001d4b3"], None),
        ("{\n}\n", ["{\n", "}\n"], ["{\n}\n"]),
        ("one\rtwo", ["one\rtwo"], ["one\rtwo"]),
        ("\n \n", [], []),
        ("", [], []),
        (None, [], []),
    ],
)
def test_lines_and_paragraphs(text, lines, paragraphs):
    assert cut_out(text, "line") == lines
    assert cut_out(text, "paragraph") == ([text] if paragraphs is None else paragraphs)


def test_units_are_the_same_if_they_say_the_same():
    units = find(["Accept ALL cookies\r\nRead  more", "\u2003accept all cookies \n\nread more\n"], "line")[
        "unit"
    ].to_pylist()
    assert units[:2] == units[2:]
    assert units[0] != units[1]


def test_documents_keep_their_numbers():
    units = find(["a\nb", None, "", "a"], "line")
    assert units.schema == UNITS
    assert units["document"].to_pylist() == [7, 7, 10]
    assert units["start"].to_pylist() == [0, 2, 0]
    assert find([], "line").num_rows == find([None], "paragraph").num_rows == 0


def test_a_slice_is_read_from_its_own_start():
    texts = pa.array(["a\nb", "c\nd\n", "e"])
    for start in range(3):
        whole = find_units(texts, np.arange(3, dtype=np.uint64), "line").to_pylist()
        part = find_units(texts.slice(start), np.arange(start, 3, dtype=np.uint64), "line").to_pylist()
        assert part == [row for row in whole if row["document"] >= start]


@settings(max_examples=200, deadline=None)
@given(
    texts=st.lists(st.none() | st.text(CHARACTERS, max_size=20), max_size=5),
    unit=st.sampled_from(["line", "paragraph"]),
)
def test_units_hold_all_the_tokens_of_their_texts(texts, unit):
    units = find(texts, unit).to_pylist()
    features = text_features(pa.array(texts, pa.string()), shingle=1, permutations=0, seed=0)
    for number, text in enumerate(texts):
        own = [row for row in units if row["document"] == number + 7]
        assert sum(row["tokens"] for row in own) == features.tokens[number]
        left, end = "", 0
        for row in own:
            assert end <= row["start"] < row["end"] <= len(text)
            left, end = left + text[end : row["start"]], row["end"]
            assert text[row["start"] : row["end"]].strip()
            assert row["start"] == 0 or text[row["start"] - 1] == "\n"
            assert row["end"] == len(text) or text[row["end"] - 1] == "\n"
        assert not (left + (text or "")[end:]).strip()


@settings(deadline=None)
@given(st.lists(st.tuples(st.text("ab \n", max_size=9), st.text("xy\n", max_size=5)), max_size=5))
def test_places_in_texts_from_which_spans_were_taken(parts):
    """Documents 5 and 3 are the texts of the parts, but 3 has what was taken out; both have the same units."""
    given_text = "".join(kept + gone for kept, gone in parts)
    left = "".join(kept for kept, _ in parts)
    ends = np.cumsum([len(kept + gone) for kept, gone in parts])
    edits = [{"start": int(end) - len(gone), "end": int(end)} for (_, gone), end in zip(parts, ends, strict=True)]
    units = find_units(pa.array([left, left]), np.array([5, 3], np.uint64), "line")
    placed = in_texts_as_given(units, {3: edits} if parts else {})
    assert placed.select(["document", "unit", "tokens"]).equals(units.select(["document", "unit", "tokens"]))
    half = units.num_rows // 2
    assert placed.slice(0, half).equals(units.slice(0, half))
    gone = {place for edit in edits for place in range(edit["start"], edit["end"])}
    for before, after in zip(units.slice(half).to_pylist(), placed.slice(half).to_pylist(), strict=True):
        places = [place for place in range(after["start"], after["end"]) if place not in gone]
        assert "".join(given_text[place] for place in places) == left[before["start"] : before["end"]]
