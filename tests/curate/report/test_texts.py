from hypothesis import given
from hypothesis import strategies as st

from curate.report.texts import MOST_TOLD, told, word_diff


def joined(parts, kinds):
    return " ".join(" ".join(text.split()) for kind, text in parts if kind in kinds)


WORDY = st.lists(st.sampled_from(["river", "stone", "mill", "swim", "old", "A.", "über"]), max_size=30).map(" ".join)


@given(WORDY, WORDY)
def test_both_texts_are_in_their_difference(one, other):
    parts = word_diff(one, other)
    assert joined(parts, "=+") == other
    assert joined(parts, "=-").casefold().replace(".", "") == one.casefold().replace(".", "")
    assert all(text for _, text in parts)


def test_case_and_punctuation_are_no_difference():
    assert word_diff("The river, runs", "the River runs") == [("=", "the River runs")]


def test_scripts_without_spaces_are_compared_by_character():
    assert word_diff("東京は雨", "東京は晴") == [("=", "東京は"), ("-", "雨"), ("+", "晴")]


def test_told_in_one_line():
    words = [f"w{number}" for number in range(100)]
    line = told(word_diff(" ".join(words), " ".join([*words[:50], "new", *words[51:], "end\x1b[2J"])))
    assert "[-w50-] {+new+} w51" in line and "… 38 words the same … w38" in line
    assert line.endswith("{+end\ufffd[2J+}") and "\n" not in line


def test_a_long_difference_is_cut():
    one, other = " ".join(f"a{n}" for n in range(5000)), " ".join(f"b{n}" for n in range(5000))
    assert len(told(word_diff(one, other))) <= MOST_TOLD + 2
