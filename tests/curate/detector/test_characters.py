import unicodedata

import numpy as np
import pytest

from curate.detector import characters
from curate.detector.characters import (
    CLASSES,
    DIGIT,
    LOWER,
    PUNCTUATION,
    PUNCTUATION_CLASSES,
    SKIPPED,
    SPACE,
    UNSEGMENTED,
    UPPER,
)


def entry(character):
    """Kind and folded character, as the shipped table has them."""
    table, code = characters.load(), ord(character)
    return int(table.kind[code]), chr(table.folded[code])


def mark(name):
    return PUNCTUATION + CLASSES.index(name)


@pytest.mark.parametrize("code", range(128))
def test_ascii_is_itself(code):
    character = chr(code)
    if character.isalpha():
        assert entry(character) == (UPPER if character.isupper() else LOWER, character.lower())
    elif character.isdigit():
        assert entry(character) == (DIGIT, character)
    elif character.isprintable() and character != " ":
        assert entry(character)[0] >= PUNCTUATION
    else:
        assert entry(character)[0] == SPACE


@pytest.mark.parametrize(
    ("character", "kind", "folded"),
    [
        # accents and case, lookalikes of other scripts
        *((letter, LOWER, folded) for letter, folded in zip("éñüçåžıſßøł", "enucazissøł", strict=True)),
        *((letter, UPPER, folded) for letter, folded in zip("ÉÑÜÇÅŽİΩЖ", "enucaziwж", strict=True)),
        *((letter, LOWER, folded) for letter, folded in zip("аеорсухіјѕοναօոɑɡ", "aeopcyxijsovaonag", strict=True)),
        *((letter, UPPER, folded) for letter, folded in zip("АВЕКМНОРСТХΑΒΕΖΗΙᎪᏴ", "abekmhopctxabezhiab", strict=True)),
        ("ж", LOWER, "ж"),
        ("ё", LOWER, "e"),
        # compatibility forms
        ("Ａ", UPPER, "a"),
        ("ｚ", LOWER, "z"),
        ("𝐀", UPPER, "a"),
        ("𝒛", LOWER, "z"),
        ("ﬁ", LOWER, "f"),
        ("ª", LOWER, "a"),
        ("Ⅳ", UPPER, "i"),
        ("７", DIGIT, "7"),
        ("²", DIGIT, "2"),
        ("①", DIGIT, "1"),
        ("٣", DIGIT, "٣"),
        ("½", DIGIT, "1"),
        ("ｶ", UNSEGMENTED, "カ"),
        # scripts with and without spaces
        ("한", LOWER, "한"),
        ("힣", LOWER, "힣"),
        ("中", UNSEGMENTED, "中"),
        ("々", UNSEGMENTED, "々"),
        ("あ", UNSEGMENTED, "あ"),
        ("が", UNSEGMENTED, "か"),
        ("ก", UNSEGMENTED, "ก"),
        ("\U00020000", UNSEGMENTED, "\U00020000"),
        ("ا", LOWER, "ا"),
        # punctuation
        *(("’", mark("apostrophe"), "'"), ("‘", mark("apostrophe"), "'"), ("`", mark("apostrophe"), "'")),
        *((character, mark("quote"), '"') for character in '"“”„«»「」'),
        *((character, mark("dash"), "–") for character in "–—―"),
        *((character, mark("comma"), ",") for character in ",，、،"),
        *((character, mark("stop"), ".") for character in ".。।۔．"),
        *((character, mark("question"), "?") for character in "?？؟"),
        *((character, mark("exclamation"), "!") for character in "!！"),
        ("…", mark("ellipsis"), "…"),
        ("(", mark("parenthesis"), "("),
        (")", mark("parenthesis"), ")"),
        ("（", mark("parenthesis"), "("),
        ("*", mark("markup"), "*"),
        ("#", mark("markup"), "#"),
        ("€", mark("other"), "€"),
        ("😀", mark("other"), "😀"),
        ("\ufffd", mark("other"), "\ufffd"),
        ("\u1f90", LOWER, "η"),
    ],
)  # fmt: skip
def test_expected_folding(character, kind, folded):
    assert entry(character) == (kind, folded)


@pytest.mark.parametrize("character", [*"\t\n\v\f\r \x85\xa0\u1680\u2003\u2028\u2029\u202f\u205f\u3000", "\0", "\x7f"])
def test_spaces(character):
    assert entry(character)[0] == SPACE


HIDDEN = [
    *"\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u202a\u202e\u2060\u2066\u2069\ufeff\ufe0f\u3164\uffa0\u115f",
    *"\u0301\u0489\u05b0\u093e\u20dd\u3099",
    *map(chr, (0xE0001, 0xE0041, 0xE007F, 0xE0100, 0x378, 0xD800, 0xDFFF, 0xFFFF, 0x10FFFF)),
]


@pytest.mark.parametrize("character", HIDDEN, ids=ascii)
def test_what_is_not_seen_is_skipped(character):
    assert entry(character)[0] == SKIPPED


def test_every_code_point_has_a_kind_and_a_folding_that_folds_to_itself():
    kind, folded = characters.load()
    assert len(kind) == len(folded) == 0x110000
    assert kind.max() == PUNCTUATION + len(CLASSES) - 1
    assert folded.min() >= 0 and folded.max() < 0x110000
    read = np.flatnonzero((kind != SKIPPED) & (kind != SPACE))
    again = folded[read]
    changed = read[folded[again] != again]
    assert [(hex(code), hex(folded[code])) for code in changed] == []
    # Cherokee folds to capitals, as Unicode has it.
    same = (kind[again] == kind[read]) | (np.isin(kind[read], (LOWER, UPPER)) & np.isin(kind[again], (LOWER, UPPER)))
    assert [(hex(code), kind[code], kind[folded[code]]) for code in read[~same]] == []
    assert not ((folded[read] >= 0xD800) & (folded[read] < 0xE000)).any()


def test_hangul_is_kept():
    kind, folded = characters.load()
    syllables = np.arange(0xAC00, 0xD7A4)
    np.testing.assert_array_equal(folded[syllables], syllables)
    assert (kind[syllables] == LOWER).all()


def test_a_mark_is_of_one_class():
    members = [character for marks in PUNCTUATION_CLASSES.values() for character in marks]
    assert len(members) == len(set(members))
    for name, marks in PUNCTUATION_CLASSES.items():
        assert {entry(character)[0] for character in marks} <= {mark(name)}


def test_the_table_is_read_only():
    for array in characters.load():
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_shipped_file_is_what_is_built():
    with np.load(characters.PATH, allow_pickle=False) as shipped:
        arrays = dict(shipped)
    if ".".join(map(str, arrays["version"])) != unicodedata.unidata_version:
        pytest.skip(f"this Python has Unicode {unicodedata.unidata_version}")
    built = characters.build()
    assert set(built) == set(arrays)
    for name, values in built.items():
        np.testing.assert_array_equal(values, arrays[name])
