"""The compiled signals against the plain ones, on texts of every kind."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from curate.quality.catalogue import NAMES, SIGNALS
from curate.quality.signals import UNDEFINED, of_level, quality_signals, to_levels

from . import reference

WORDS = [
    *(
        "the",
        "of",
        "and",
        "a",
        "cat",
        "Mat",
        "don't",
        "l'été",
        "中文",
        "字",
        "ไทย",
        "été",
        "привет",
        "12",
        "3.14",
        "he1lo",
    ),
    *("#", "…", "...", ".", "!", "?", "。", ",", "{x}", "•", "-", "“", "”", "wOrd", "hmm", "h'm", "bcdf", "a\u0301"),
    *("Ã©", "â€™", "РџСЂ", "├⌐", "Ã\xad", "\ufffd", "\xad", "\u200b", "\x85", "\x92"),
    *("javascript", "lorem", "ipsum", "privacy", "policy", "use", "cookies", "terms", "use"),
]
pieces = st.one_of(
    st.sampled_from(WORDS), st.sampled_from([" ", " ", " ", "\n", "\n\n", "\r\n", "\t"]), st.text(max_size=6)
)
texts = st.lists(pieces, max_size=250).map("".join)
spaced = st.lists(st.sampled_from(WORDS), max_size=250).map(" ".join)
running = st.lists(  # what most texts are, with what ends it
    st.tuples(
        st.sampled_from(["the", "Of", "a", "A", "hmm", "bcd", "I", "privacy", "policy", "use", "cookies", "été", "x1"]),
        st.sampled_from([" ", " ", ", ", ". ", ".", " ,", "; ", ".. ", ".\n", ". \n", "-", "é "]),
    ),
    max_size=150,
).map(lambda parts: "".join(word + between for word, between in parts))


@settings(max_examples=400, deadline=None)
@given(st.one_of(texts, spaced, running))
@example("use.\ncookies.\nthe ")  # a phrase ends with its line
@example("terms\nof\nuse\nuse of\ncookies\nuse of cookies\n")
def test_compiled_and_plain_agree(text):
    found = dict(zip(NAMES, quality_signals(pa.array([text]))[0], strict=True))
    expected = reference.signals(text)
    for name in NAMES:
        assert found[name] == pytest.approx(expected[name], rel=1e-5, abs=1e-6, nan_ok=True), (name, text)


def of(text):
    return dict(zip(NAMES, quality_signals(pa.array([text]))[0], strict=True))


SENTENCE = "The quick brown fox jumps over the lazy dog, and then it sleeps until morning comes again. "


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "cp1251", "mac_roman", "cp437", "cp850"])
@pytest.mark.parametrize("text", ["L’été fut très froid à la montagne, où l’on gelait. ", "Это было очень давно. "])
def test_utf_8_read_in_another_encoding_is_told(encoding, text):
    read_wrongly = (text * 5).encode().decode(encoding, "replace")
    assert of(read_wrongly)["mojibake"] + of(read_wrongly)["replacement"] > 0.02
    assert of(text * 5)["mojibake"] == 0


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("bullets", "- a\n* b\n• c\nd", 0.75),
        ("ellipsis_lines", "a...\nb…\nc.\nd", 0.5),
        ("short_lines", "a\nb\n" + "c" * 30, 2 / 3),
        ("duplicate_lines", "a\nb\na\na", 0.5),
        ("duplicate_paragraphs", "a\nb\n\na\nb\n\nc", 1 / 3),
        ("boilerplate_lines", "Enable JavaScript!\nWe use cookies\nTerms of Use\nno", 0.75),
        ("curly_lines", "{\na\nb\nc", 0.25),
        ("letterless_words", "word 12 " * 20, 0.5),
        ("sentence_length", "Ten words are in this sentence, are they not, Sir? " * 3, 10),
        ("duplicate_10_grams", " ".join(f"w{i}" for i in range(30)), 0),
        ("duplicate_10_grams", SENTENCE * 2, 1),
        ("top_2_gram", "a b " * 10, 1),
        ("top_word", "buy " * 15 + "it " * 5, 0.75),
        ("capitals", "aA" * 40, 0.5),
        ("digits", "a1 " * 20, 0.5),
        ("replacement", "\ufffda" * 10, 0.5),
    ],
)
def test_signals_by_example(name, text, expected):
    assert of(text)[name] == pytest.approx(expected)


def test_scripts_without_spaces_have_no_words_to_measure():
    found = of("这是一个关于语言的长句子，里面没有空格。" * 3)
    assert np.isnan(found["word_length"]) and np.isnan(found["odd_words"])
    assert found["words"] == 54 and found["sentence_length"] == 18


def test_gibberish_is_less_likely_than_words():
    assert of("xqzvk wjqpf zxkvq hgqwz kjxvb qzwxj vkqzj bqxwz " * 5)["gibberish"] > of(SENTENCE * 5)["gibberish"] + 1


def test_null_and_empty_texts_have_no_signals():
    assert np.isnan(quality_signals(pa.array([None, "", None]))).all()


def test_signals_do_not_depend_on_the_block():
    texts = [SENTENCE * 30, "x", None, "кот и пёс. " * 40, SENTENCE * 2, "\n".join("abc")] * 3
    alone = np.concatenate([quality_signals(pa.array([text], pa.string())) for text in texts])
    assert np.array_equal(quality_signals(pa.array(texts)), alone, equal_nan=True)
    assert np.array_equal(quality_signals(pa.chunked_array([texts[:5], texts[5:]])), alone, equal_nan=True)
    assert np.array_equal(quality_signals(pa.array(["", *texts], pa.large_string())[1:]), alone, equal_nan=True)


def test_long_texts_are_judged_by_their_beginning():
    beginning = "é" * (1 << 19)
    assert np.array_equal(
        quality_signals(pa.array(["a" + beginning + "ццц" * 1000])), quality_signals(pa.array(["a" + beginning[:-1]])),
        equal_nan=True,
    )  # fmt: skip


def test_ill_formed_bytes_are_read():
    found = quality_signals(pa.array([b"\xff\xfe abc \xc3" * 30, b"\xf0\x9f"], pa.binary()))
    assert found[0, NAMES.index("replacement")] > 0.3


@given(st.lists(st.floats(0, 100, width=32), min_size=1, max_size=20))
def test_levels_keep_the_order_and_nearly_the_value(values):
    signals = np.repeat(np.array(values, np.float32)[:, None], len(SIGNALS), axis=1)
    levels = to_levels(signals)
    for place, signal in enumerate(SIGNALS):
        order = np.argsort(values, kind="stable")
        assert (np.diff(levels[order, place].astype(int)) >= 0).all()
        back = of_level(place, levels[:, place])
        wanted = np.minimum(values, signal.top)
        assert np.allclose(back, wanted, atol=signal.top / 100, rtol=0.1)
    assert (to_levels(np.full((1, len(SIGNALS)), np.nan, np.float32)) == UNDEFINED).all()
