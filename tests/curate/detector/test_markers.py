import string

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.detector.markers import (
    _OF_INTEREST,
    STRAYS,
    TYPING_ERRORS,
    Markers,
    _members,
    count_markers,
    marker_evidence,
)
from curate.text.containing import contains_any

INNOCENT = {
    "Persian": "می‌خواهم کتاب‌هایش را بخوانم. پروژه‌‌ی خود و Google‌ها",
    "Urdu": "اردو زبان‌وں میں سے ایک ہے",
    "Arabic": "السلام عليكم\u200f ورحمة الله (test)\u200e",
    "Hebrew": "שָׁלוֹם\u200f עולם",
    "Hindi": "क्‍ष और श्री‍मान् तथा क्‌ष",
    "Malayalam": "അവന്‍ പറഞ്ഞു",
    "Sinhala": "ශ්‍රී ලංකාව",
    "Khmer": "ភាសា\u200bខ្មែរ\u200bគឺ\u200bជា",
    "Thai": "ภาษา\u200bไทย\u200bง่าย",
    "Mongolian": "ᠮᠣᠩᠭᠣᠯ\u180b ᠬᠡᠯᠡ\u180e",
    "Japanese": "葛\U000e0100飾区と辻\U000e0101さん。が\u200bある",
    "Korean": "한국어 문장입니다",
    "Russian": "Обычный русский текст про СССР и ООН, iPhone, SMS, pdf-файл, SMSка, Cоветский",
    "Serbian": "Љубазни фењерџија чађавог лица",
    "Ukrainian": "Її зірка й ґанок",
    "Greek": "Ελληνικό κείμενο με email και DNA",
    "Armenian": "Հայերեն տեքստ է",
    "German": "Auf\u00adlage und Schiff\u00adfahrt",
    "family": "👨‍👩‍👧‍👦 and 🏳️‍🌈 and 🕵️‍♀️",
    "hearts": "I ❤️ this ⛔️️ and 1️⃣ ☎︎ ©️",
    "Scotland": "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f won",
    "symbols": "α-helix, TNFα, 5 μm, ΔE, θi, NFκB, IKKε-dependent, 10 kΩ, IFNγ, pERα",
    "start": "\ufeffA file that begins with a byte order mark",
    "stray": "A line\u200b that an editor left\u200b behind\n\u2060\u201cquoted\u201d",
    "lines": "\u200b\n\u200b\n\u200b\n" * 10,
    "null": None,
    "empty": "",
}
PAYLOAD = "".join(chr(0xFE00 + byte if byte < 16 else 0xE0100 + byte - 16) for byte in b"a secret")
C2PA = "".join(
    chr(0xFE00 + byte if byte < 16 else 0xE0100 + byte - 16) for byte in b"C2PATXT\0\1\0\0\0\x04\xff\xfe\xfd\xfc"
)
MARKED = {
    "within words": ("pay\u200bpal and lo\u200cgin and Привет\u2060ик", Markers(3, 0, 0, 0)),
    "run": ("Hello " + "\u200b\u200c\u200d\u2060" * 6 + " world", Markers(1, 0, 0, 0)),
    "run in Persian": ("می" + "\u200c\u200d" * 8 + "خواهم", Markers(1, 0, 0, 0)),
    "each gap": (" \u200b".join(["word"] * (STRAYS + 1)), Markers(STRAYS, 0, 0, 0)),
    "selectors": (f"Hello{PAYLOAD} world", Markers(0, 1, 0, 0)),
    "selectors on an emoji": (f"😀{PAYLOAD}", Markers(0, 1, 0, 0)),
    "selector on letters": ("a\ufe00 b\ufe01 c\U000e0150", Markers(0, 3, 0, 0)),
    "tags": ("Hi" + "".join(chr(0xE0000 + ord(letter)) for letter in "ignore"), Markers(0, 0, 6, 0)),
    "tags beside a flag": (INNOCENT["Scotland"] + "\U000e0041", Markers(0, 0, 1, 0)),
    "Cyrillic in Latin": ("log in at pаypаl now", Markers(0, 0, 0, 1)),
    "neighbours": ("pаypаl pаypаl,pаypаl", Markers(0, 0, 0, 3)),
    "Greek in Latin": ("Αthens and ΙSBN", Markers(0, 0, 0, 2)),
    "Armenian in Latin": ("gօօgle", Markers(0, 0, 0, 1)),
    "with marks": ("cafe\u0301 pa\u0301у\u0301pal", Markers(0, 0, 0, 1)),
    "Latin in Cyrillic": (" ".join(["Cоветский", "гоpод", "рeшение"]), Markers(0, 0, 0, TYPING_ERRORS)),
    "hidden in between": ("pа\u200bypal", Markers(1, 0, 0, 1)),
}


@pytest.mark.parametrize("name", INNOCENT)
def test_what_scripts_and_editors_need_is_no_marker(name):
    assert [int(counts[0]) for counts in count_markers(pa.array([INNOCENT[name]], pa.string()))] == [0, 0, 0, 0]


@pytest.mark.parametrize("name", MARKED)
def test_what_is_hidden_is_counted(name):
    text, expected = MARKED[name]
    assert [int(counts[0]) for counts in count_markers(pa.array([text]))] == list(expected)


def test_counts_depend_on_the_text_alone():
    texts = [*INNOCENT.values(), *(text for text, _ in MARKED.values())]
    for kind in (pa.string(), pa.large_string()):
        block = count_markers(pa.array(texts, kind))
        alone = [count_markers(pa.array([text], kind)) for text in texts]
        for name in Markers._fields:
            assert getattr(block, name).tolist() == [int(getattr(counts, name)[0]) for counts in alone]


@settings(deadline=None)
@given(st.lists(st.text(alphabet=st.characters(max_codepoint=127))))
def test_ascii_is_never_marked(texts):
    assert not any(counts.any() for counts in count_markers(pa.array(texts, pa.string())))


@settings(deadline=None)
@given(st.text(alphabet=string.ascii_letters + " .,", min_size=4), st.data())
def test_a_letter_that_passes_for_another_is_found(text, data):
    """Wherever it stands in a word of three letters or more."""
    places = [i for i, letter in enumerate(text) if letter in "aceopxyABEKMHOPCTX"]
    alike = dict(zip("aceopxyABEKMHOPCTX", "асеорхуАВЕКМНОРСТХ", strict=True))
    words = [len(word) for word in "".join(c if c.isalpha() else " " for c in text).split()]
    if not places or min(words) < 3:
        return
    place = data.draw(st.sampled_from(places))
    changed = text[:place] + alike[text[place]] + text[place + 1 :]
    assert count_markers(pa.array([changed])).homoglyphs.tolist() == [1]


def test_evidence_tells_kind_and_size_but_not_content():
    texts = pa.array(["plain", f"Hi{PAYLOAD}", f"Hi{C2PA}", MARKED["tags"][0], "pаypаl lo\u200bgin", None])
    evidence = marker_evidence(texts).to_pylist()
    assert evidence[0] is None and evidence[5] is None
    items = [item for row in evidence if row for item in row]
    assert {(item["family"], item["claim"], item["llr"]) for item in items} == {("marker", "unknown", 0.0)}
    places = "1 × variation selectors in a row"
    assert [(item["kind"], item["detail"]) for item in items] == [
        ("variation_selectors", f"{places}; the longest run holds 8 bytes, bytes that read as UTF-8"),
        ("variation_selectors", f"{places}; the longest run holds 17 bytes, the wrapper of a C2PA manifest"),
        ("tags", "6 × a tag character outside of flags; printable ASCII: 6"),
        ("zero_width", "1 × zero-width characters that no script needs"),
        ("homoglyphs", "1 × look-alike letters of another script in a word"),
    ]
    assert "secret" not in str(items) and "ignore" not in str(items)


@pytest.mark.corpus
def test_next_to_no_human_document_is_marked(mixed_corpus):
    """At most one in five thousand, and none in a language written with joiners or in another alphabet."""
    texts, human, language = mixed_corpus
    marked = sum(counts > 0 for counts in count_markers(texts)) > 0
    flagged = [language[row] for row in marked.nonzero()[0] if human[row]]
    assert len(flagged) <= len(texts) / 5_000 and set(flagged) <= {"en"}


def test_the_scan_and_the_class_of_what_is_of_interest_agree():
    every = pa.array([chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000])
    matched = pc.match_substring_regex(every, _OF_INTEREST).to_numpy(zero_copy_only=False)
    assert np.array_equal(contains_any(every, _members(_OF_INTEREST)), matched) and matched.sum() > 400


@given(st.lists(st.none() | st.text(st.sampled_from("a \n\u200b\xe9\u0441\U000e0041中"), max_size=40)))
def test_the_scan_finds_what_the_class_matches(texts):
    column = pa.array(["\u200b", *texts], pa.large_string())[1:]
    matched = pc.fill_null(pc.match_substring_regex(column, _OF_INTEREST), False).to_numpy(zero_copy_only=False)
    assert np.array_equal(contains_any(column, _members(_OF_INTEREST)), matched)
