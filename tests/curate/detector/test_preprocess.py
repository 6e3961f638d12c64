import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.detector.preprocess import MAX_CHARS, detector_lines, normalise


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nb", "a b"),
        ("  a \t\r\n b\u00a0\u2003c\u3000d ", "a b c d"),
        ("a\u2028b\u0085c", "a b c"),
        ("in\u200bvisi\u00adble\ufe0f te\U000e0061xt\ufeff", "invisible text"),
        ("naïve Ωmega", "naïve Ωmega"),
        ("", ""),
        (None, None),
    ],
)
@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_normalise(text, expected, kind):
    assert normalise(pa.array([text], kind)).to_pylist() == [expected]


def test_punctuation_and_han_are_words():
    assert detector_lines(pa.array(["Well, 你好!"]))[0].as_py().split() == ["Well", ",", "你", "好", "!"]


def test_reads_the_beginning_only():
    text = "word " * MAX_CHARS
    assert len(normalise(pa.array([text]))[0].as_py()) == MAX_CHARS
    assert normalise(pa.array([text + "x"])) == normalise(pa.array([text + "y"]))


def test_label_in_a_text_is_no_label():
    assert "__label__" not in detector_lines(pa.array(["__label__human"]))[0].as_py()


@given(st.lists(st.text(), max_size=5), st.sampled_from(["\n", "\r\n", "  ", "\t", "\u00a0"]))
@settings(max_examples=60, deadline=None)
def test_layout_does_not_matter(words, space):
    words = [part for word in words for part in word.split()]
    lines = detector_lines(pa.array([space.join(words), " ".join(words)]))
    assert lines[0] == lines[1]
    assert "\n" not in lines[0].as_py()
