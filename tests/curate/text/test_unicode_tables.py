import unicodedata

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from curate.text import reference
from curate.text import unicode_tables as tables

ASSIGNED = st.text(st.characters(exclude_categories=("Cs", "Cn"), exclude_characters="\u0345"), max_size=30)


def test_shipped_file_is_small():
    assert tables.PATH.stat().st_size < 120_000


def test_shipped_tables_are_those_of_their_unicode_version():
    shipped = tables.load()
    if unicodedata.unidata_version != ".".join(map(str, shipped.version)):
        pytest.skip("this Python has another Unicode version")
    for name, built in tables.build()._asdict().items():
        assert np.array_equal(built, getattr(shipped, name)), name


def test_folding_agrees_with_unicodedata_on_every_assigned_character_that_changes():
    shipped = tables.load()
    entries = (shipped.pages.astype(np.int64)[:, None] << 8 | np.arange(256)).ravel()
    changing = (shipped.folds[entries] != 0) | (shipped.kinds[entries] & 7 == tables.IGNORABLE)
    codes = np.union1d(np.flatnonzero(changing), np.arange(0, tables.CODE_POINTS, 97))
    for code in codes.tolist():
        if unicodedata.category(chr(code)) not in ("Cn", "Cs"):
            assert unicodedata.normalize("NFKD", reference._folded(chr(code))) == tables.fold(chr(code)), hex(code)


def test_folded_characters_fold_to_themselves():
    expansions = tables.load().expansions
    assert all(reference._folded(chr(code)) == chr(code) for code in np.unique(expansions).tolist())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Straße ﬁn ＡＢＣ", ["strasse", "fin", "abc"]),
        ("Don't stop_me: 3.14", ["don", "t", "stop_me", "3", "14"]),
        ("v\u200bi\u00ada\ufe0fgra", ["viagra"]),
        ("東京tower ｶﾞﾗ", ["東", "京", "tower", "カ\u3099", "ラ"]),
        ("ภาษาไทย", ["ภ", "า", "ษ", "า", "ไ", "ท", "ย"]),
        ("ที่นี่", ["ที่", "นี่"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("한국어", [unicodedata.normalize("NFD", "한국어")]),
        ("ΌΣΟΣ όσος", [unicodedata.normalize("NFD", "όσοσ")] * 2),
        ("İstanbul", ["i\u0307stanbul"]),
        ("e\u0323\u0302 e\u0302\u0323", ["e\u0323\u0302"] * 2),
        ("½ ¨ \u0301 ㌖", ["1", "2", *unicodedata.normalize("NFKD", "キ ロ メ ー ト ル").split()]),
        ("!!! … 😀", []),
        ("", []),
    ],
)
def test_tokens(text, expected):
    assert reference.tokens(text) == expected


@settings(max_examples=150, deadline=None)
@given(ASSIGNED)
def test_tokens_ignore_normalisation_form_and_case(text):
    expected = reference.tokens(text)
    forms = [unicodedata.normalize(form, text) for form in ("NFC", "NFD", "NFKC", "NFKD")]
    forms += [text.casefold()]
    assume(all(reference.unmask(form) == form for form in (text, *forms)))
    for form in forms:
        assert reference.tokens(form) == expected


def test_no_character_gives_more_tokens_than_the_kernel_has_room_for():
    shipped = tables.load()
    entries = (shipped.pages.astype(np.int64)[:, None] << 8 | np.arange(256)).ravel()
    for code in np.flatnonzero(shipped.kinds[entries] >> 3 & 3 == tables.EXPAND).tolist():
        assert len(reference.tokens(chr(code))) <= 2 * len(chr(code).encode())
