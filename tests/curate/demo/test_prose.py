import itertools

from curate.demo.languages import SENTENCES, rare_language_documents
from curate.demo.prose import MAX_WORDS, MIN_WORDS, _prose_paragraphs, human_prose, word_shingles


def similarity(left, right):
    a, b = word_shingles(left), word_shingles(right)
    return len(a & b) / len(a | b)


def test_this_python_ships_enough_prose_of_the_right_length():
    prose = human_prose()
    assert len(prose) >= 1_500
    assert all(MIN_WORDS <= len(item.text.split()) <= MAX_WORDS for item in prose)
    assert {"stdlib-docs", "handbook", "web-forum"} == {item.source for item in prose}
    assert sum(item.rare_topic for item in prose) >= 10
    assert prose == human_prose()


def test_the_prose_holds_no_duplicates_of_its_own():
    holders = {}
    overlap = {}
    prose = [word_shingles(item.text) for item in human_prose()]
    for i, shingles in enumerate(prose):
        for shingle in shingles:
            for j in holders.setdefault(shingle, []):
                overlap[i, j] = overlap.get((i, j), 0) + 1
            holders[shingle].append(i)
    assert max(n / min(len(prose[i]), len(prose[j])) for (i, j), n in overlap.items()) < 0.8


def test_code_headings_and_tables_are_not_prose():
    raw = """Heading
    =======

    >>> print("This is a session that should not be taken for any prose.")

    key   value   1.0   2.0   3.0  -->  4.0  (5.0)  =  6.0.

    This paragraph is made of words, it has a comma
    and goes over two lines.

    f(x, y) -> z: a[i] = b[j] + c[k] * d[l] - e[m] / f[n]."""
    assert list(_prose_paragraphs(raw)) == ["This paragraph is made of words, it has a comma and goes over two lines."]


def test_shingles_ignore_case_and_punctuation():
    assert word_shingles("One, two THREE four five; six.") == {
        ("one", "two", "three", "four", "five"),
        ("two", "three", "four", "five", "six"),
    }
    assert word_shingles("too short a text") == set()


def test_documents_in_rare_languages_are_long_enough_and_unlike_each_other():
    documents = rare_language_documents(seed=5)
    assert [language for _, language in documents] == [language for language in SENTENCES for _ in range(6)]
    assert all(len(text.split()) >= MIN_WORDS for text, _ in documents)
    assert max(similarity(a, b) for (a, _), (b, _) in itertools.combinations(documents, 2)) < 0.7
    assert documents == rare_language_documents(seed=5) != rare_language_documents(seed=6)
