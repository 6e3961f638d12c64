import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.detector.characters import CLASSES
from curate.detector.stream import (
    CAPITALS,
    CHARACTER,
    MARK,
    MIXED,
    NUMBER,
    SMALL,
    TITLE,
    WORD,
    token_hash,
    token_stream,
)


def tokens(text):
    stream = token_stream(pa.array([text]))
    letters = "".join(map(chr, stream.characters))
    words = [letters[start:end].rstrip(" ") for start, end in zip(stream.places[:-1], stream.places[1:], strict=True)]
    return list(zip(words, stream.kinds.tolist(), stream.shapes.tolist(), strict=True))


STOP, COMMA = CLASSES.index("stop"), CLASSES.index("comma")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, WORLD.", [("hello", WORD, TITLE), (",", MARK, COMMA), ("world", WORD, CAPITALS), (".", MARK, STOP)]),
        ("don’t iPhone A", [("don't", WORD, SMALL), ("iphone", WORD, MIXED), ("a", WORD, TITLE)]),
        ("12.5", [("12", NUMBER, SMALL), (".", MARK, STOP), ("5", NUMBER, SMALL)]),
        ("中文。", [("中", CHARACTER, SMALL), ("文", CHARACTER, SMALL), (".", MARK, STOP)]),
        ("naïve CAFÉ", [("naive", WORD, SMALL), ("cafe", WORD, CAPITALS)]),
        ("pаypal pay\u200bpal", [("paypal", WORD, SMALL)] * 2),
        ("don'\u200b\u0301t '\u200b", [("don't", WORD, SMALL), ("'", MARK, CLASSES.index("apostrophe"))]),
        ("한국", [("한국", WORD, SMALL)]),
        (" \t\u3000", []),
        ("", []),
        (None, []),
    ],
)
def test_tokens(text, expected):
    assert tokens(text) == expected


def test_origins_are_code_points_of_the_text():
    stream = token_stream(pa.array(["中 \U0001f600ab\u200bc"]))
    assert stream.origins.tolist() == [0, 2, 3]


@given(st.text(min_size=1, max_size=20))
def test_hash_is_that_of_the_folded_token(text):
    stream = token_stream(pa.array([text]))
    letters = "".join(map(chr, stream.characters))
    words = [letters[start:end].rstrip(" ") for start, end in zip(stream.places[:-1], stream.places[1:], strict=True)]
    assert stream.hashes.tolist() == [token_hash(word) for word in words]


@given(st.lists(st.one_of(st.none(), st.text()), max_size=5))
@settings(max_examples=60)
def test_texts_do_not_touch(texts):
    together = token_stream(pa.array(texts, pa.string()))
    for number, text in enumerate(texts):
        alone = token_stream(pa.array([text], pa.string()))
        part = slice(together.offsets[number], together.offsets[number + 1])
        for name in ("hashes", "kinds", "shapes", "spaced", "origins"):
            np.testing.assert_array_equal(getattr(together, name)[part], getattr(alone, name))


def test_invalid_bytes_are_no_crash():
    raw = pa.array([b"\xff\xfe a \xe4\xb8", b"\xf4\x90\x80\x80"])
    assert len(token_stream(raw).offsets) == 3
