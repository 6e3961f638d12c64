import itertools

import collisions
import datasketch
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.errors import UsageError
from curate.text import compiled, kernel, reference
from curate.threads import use_threads

HARD = [
    "",
    " \t\n\u3000",
    "!!! ???",
    "one",
    "the quick brown fox jumps over the lazy dog " * 3,
    "The QUICK brown-fox, jumps; over THE lazy dog",
    "Straße ﬁn ﬃ İstanbul ǅ ΌΣΟΣ Ꭰ ꭰ ẞ ŉ",
    "天地玄黃 宇宙洪荒 日月盈昃 ひらがな カタカナ ｶﾀｶﾅ ガギグ 東京tower",
    "สวัสดีชาวโลก ນີ້ແມ່ນ ພາສາລາວ ភាសាខ្មែរ မြန်မာဘာသာ ที่นี่",
    "한국어 텍스트 예시 각 ㄱ ﾡ \u1112\u1161\u11ab",
    "हिन्दी भाषा में कुछ शब्द और \u200d\u200c जोड़",
    "شَدَّة شَدَّة العربية ﷺ ﷽ ٣٤",
    "e\u0323\u0302 e\u0302\u0323 a\u0315\u0300\u05ae\u0300b " * 2,
    "v\u200bi\u00ada\ufe0fgra \U000e0100x 👩‍👩‍👧 \U0001f1e6 𝔘𝔫𝔦 ㍿ ㌖ ½ ①",
    "a\x00b\x01c \ufeff \ufffd \U0010ffff \ue000",
    "a" * 10_000,
    "x\u0301" * 200 + "\u0323\u0301" * 40 + "y",
    "def f(x_1): return x_1**2 + 3.5e-7  # 42",
]
TEXT = st.text(
    st.one_of(st.characters(exclude_categories=("Cs",)), st.sampled_from("ab Ấ東が한ี่\u0323\u0301ß́оα")), max_size=60
)


def features(texts, shingle=3, permutations=16, seed=1, kind=None, **options):
    array = pa.array(texts, kind or pa.string())
    return kernel.text_features(array, shingle=shingle, permutations=permutations, seed=seed, **options)


def by_datasketch(text, shingle, permutations, seed):
    minhash = datasketch.MinHash(permutations, seed=seed, scheme="affine32", hashfunc=reference.shingle_hash)
    minhash.update_batch(reference.shingles(text, shingle))
    return minhash


def assert_same(found, expected):
    assert all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))


@pytest.mark.parametrize(("shingle", "permutations", "seed"), [(1, 16, 1), (3, 128, 7), (5, 33, 1), (9, 16, 2**32 - 1)])
def test_signatures_equal_datasketch(shingle, permutations, seed):
    found = features(HARD, shingle, permutations, seed)
    for text, signature in zip(HARD, found.signatures, strict=True):
        assert np.array_equal(signature, by_datasketch(text, shingle, permutations, seed).hashvalues), text


@settings(max_examples=80, deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=4), st.integers(1, 4))
def test_any_text_equals_the_reference(texts, shingle):
    found = features(texts, shingle, with_tokens=True)
    values, offsets = kernel.shingle_sets(pa.array(texts), shingle=shingle)
    for i, text in enumerate(texts):
        tokens = reference.tokens(text)
        assert found.tokens[i] == len(tokens)
        assert found.shingles[i] == max(0, len(tokens) - shingle + 1)
        assert found.chars[i] == len(text)
        hashes = found.token_hashes[found.token_offsets[i] : found.token_offsets[i + 1]]
        assert hashes.tolist() == [reference.token_hash(token) for token in tokens]
        expected = {reference.wide_shingle_hash(s) for s in reference.shingles(text, shingle)}
        assert values[offsets[i] : offsets[i + 1]].tolist() == sorted(expected)
        assert np.array_equal(found.signatures[i], by_datasketch(text, shingle, 16, 1).hashvalues)
        assert (found.content[i], found.content_low[i]) == reference.content_hash(text)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=30), TEXT.map(lambda t: t.encode()[1:-1])), min_size=1, max_size=5))
def test_any_bytes_are_decoded_as_python_replaces_them(texts):
    found = features(texts, kind=pa.binary(), with_tokens=True)
    assert_same(found, features([text.decode(errors="replace") for text in texts], with_tokens=True))


def test_bytes_seen_as_strings_do_not_crash():
    bad = pa.array([b"ok \xff\xc3", b"\xf0\x9f\x98", b"\xed\xa0\x80 \xf5"], pa.binary()).view(pa.string())
    found = kernel.text_features(bad, shingle=2, permutations=16, seed=1)
    assert found.tokens.tolist() == [1, 0, 0]


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a.cast(pa.large_string()),
        lambda a: a.cast(pa.binary()),
        lambda a: a.cast(pa.large_binary()),
        lambda a: a.cast(pa.string_view()),
        lambda a: a.dictionary_encode(),
        lambda a: pa.chunked_array([a.slice(0, 5), a.slice(5)]),
        lambda a: pa.concat_arrays([pa.array(["é before", None]), a, pa.array(["after"])]).slice(2, len(a)),
    ],
)
def test_layout_of_the_array_does_not_matter(change):
    array = pa.array([*HARD, None])
    options = {"shingle": 2, "permutations": 16, "seed": 1, "with_tokens": True}
    expected = kernel.text_features(array, **options)
    assert_same(kernel.text_features(change(array), **options), expected)


def test_null_text_is_zero():
    found = features([None, "one two three four", None], with_tokens=True)
    for column in found[:6]:
        assert not column[[0, 2]].any()
        assert column[1].all()
    assert found.token_offsets.tolist() == [0, 0, 4, 4]
    assert features([None], kind=pa.null()).tokens.tolist() == [0]
    assert features([]).signatures.shape == (0, 16)


def test_other_types_are_refused():
    with pytest.raises(TypeError, match="int64, expected strings"):
        features([1], kind=pa.int64())


def test_content_is_that_of_the_normalised_text():
    same = features(["Hello, World — Café", "hello , world—cafe\u0301", "  HELLO,\tworld\n— CAFÉ "])
    assert len({*same.content.tolist()}) == len({*same.content_low.tolist()}) == 1
    texts = ["hello world", "helloworld", "world hello", "hello world world", "!!!", "???", "!! !?", "😀", "", "a", "b"]
    texts += ["hello, world", "hello world,", "hello world.", "i++", "i--", "a+b c", "a b+c", "a b c+"]
    found = features(texts)
    assert len({*found.content.tolist(), *found.content_low.tolist()}) == 2 * len(texts)
    assert len({*features(["", " ", "\u200b"]).content.tolist()}) == 1


def test_a_document_does_not_depend_on_its_neighbours():
    expected = features(HARD, with_tokens=True)
    for i, text in enumerate(HARD):
        assert_same(features([text])[:6], [column[i : i + 1] for column in expected[:6]])


@pytest.mark.parametrize("count", [2, 3, 7])
def test_threads_change_nothing(monkeypatch, count):
    texts = pa.array([*HARD, None, *HARD[::-1], "the end " * 500]).slice(1)
    options = {"shingle": 2, "permutations": 16, "seed": 1, "with_tokens": True}
    expected = kernel.text_features(texts, **options), kernel.shingle_sets(texts, shingle=2)
    monkeypatch.setattr(kernel, "_LEAST_BYTES", 1)
    use_threads(count)
    try:
        assert len(kernel.even_parts(np.arange(0, 1000, 10))) == count
        for found, wanted in zip(
            (kernel.text_features(texts, **options), kernel.shingle_sets(texts, shingle=2)), expected, strict=True
        ):
            assert_same(found, wanted)
        assert_same(kernel.text_features(texts[:0], **options), [column[:0] for column in expected[0][:7]] + [[0]])
    finally:
        use_threads(1)


def test_a_million_repeated_tokens():
    found = features(["spam " * 1_000_000], shingle=5, with_tokens=True)
    assert found.tokens.tolist() == [1_000_000]
    assert np.array_equal(found.signatures[0], features(["spam " * 5], shingle=5).signatures[0])
    values, offsets = kernel.shingle_sets(pa.array(["spam " * 1_000_000]), shingle=5)
    assert len(values) == 1 and offsets.tolist() == [0, 1]


def test_datasketch_round_trip():
    text = "the quick brown fox jumps over the lazy dog"
    signature = features([text], seed=3).signatures[0]
    minhash = kernel.to_datasketch(signature, seed=3)
    assert np.array_equal(kernel.from_datasketch(minhash), signature)
    assert minhash.jaccard(by_datasketch(text, 3, 16, 3)) == 1.0
    longer = text + " and runs"
    minhash.update_batch(reference.shingles(longer, 3))
    assert np.array_equal(kernel.from_datasketch(minhash), features([longer], seed=3).signatures[0])
    with pytest.raises(UsageError, match="'legacy', expected 'affine32'"):
        kernel.from_datasketch(datasketch.MinHash(16, scheme="legacy"))


def test_no_character_has_more_tokens_than_there_is_room_for():
    """The compiled loops write without looking at bounds. Tokens of a text are no more than those of its characters."""
    characters = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    sizes = np.array([len(character.encode()) for character in characters])
    assert (features(characters, permutations=0).tokens / sizes).max() == compiled._MOST_TOKENS


def test_short_tokens_do_not_collide():
    words = ["".join(letters) for letters in itertools.product("abcdefghijklmnopqrstuvwxyz0123456789_", repeat=3)]
    hashes, _ = kernel.token_hashes(pa.array(words))
    assert len(np.unique(hashes)) == len(words)
    assert len(np.unique(hashes >> np.uint64(32))) >= len(words) - 3


@pytest.mark.parametrize("size", [0, 1, 127, 128, 129, 5_000])
@pytest.mark.parametrize("order", ["random", "worst", "equal", "ascending"])
def test_hashes_are_sorted_in_whatever_order_they_come(size, order):
    chance = np.random.default_rng(size)
    values = chance.integers(0, 1 << 64, size, np.uint64)
    if order == "worst":
        values = np.sort(values)[collisions.worst_order(size)]
    elif order == "equal":
        values = values[:1].repeat(size)
    elif order == "ascending":
        values = np.sort(values)
    found = values.copy()
    compiled._sort(found, np.empty(size, np.uint64), np.empty((8, 256), np.int64))
    assert (found == np.sort(values)).all()


def test_words_that_were_made_to_have_one_hash_are_one_word():
    """What `tests/HOSTILE.md` says of hashes without a key; a hash that told these apart would be another format."""
    one, other = (
        f"the harbour was quiet when {word} came home that day" for word in ("ydhz1k2qvb1oo", "z2ibhfumynfhg")
    )
    found = kernel.text_features(pa.array([one, other]), shingle=5, permutations=4, seed=0)
    assert found.content[0] == found.content[1] and found.content_low[0] == found.content_low[1]
