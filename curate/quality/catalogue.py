"""The signals: what each of them is, where it comes from, and which of its ends is bad.

C4 is Raffel et al. (2020, arXiv 1910.10683), section 2.2; Gopher is Rae et al. (2021, arXiv 2112.11446), appendix
A.1.1; FineWeb is Penedo et al. (2024, arXiv 2406.17557), section 3.6. Their limits are for English web pages and are
not used: `curate.quality.calibration` takes limits from texts by people of the same language.
"""

from typing import NamedTuple

LOW, HIGH = 1, 2
"""Bad ends of a signal; 0 for none, 3 for both."""

ROOT, LOGARITHM, LINEAR = range(3)
"""How a signal becomes a level: levels are finest where most documents are."""


class Signal(NamedTuple):
    """One number of a text.

    Attributes:
        family: of signals that go together: of each only the oddest counts.
        name: short, for settings and reports.
        meaning: what it is.
        source: paper, or "curate".
        bad: which ends are bad, a sum of `LOW` and `HIGH`.
        scale: `ROOT`, `LOGARITHM` or `LINEAR`.
        top: the value that has the highest level; larger ones have it too.
        local: whether it depends on the language or its script so much that documents are judged by it only where there
            are limits of their own language.
    """

    family: str
    name: str
    meaning: str
    source: str
    bad: int = HIGH
    scale: int = ROOT
    top: float = 1.0
    local: bool = False


_GOPHER, _C4, _FINEWEB, _OWN = "Gopher", "C4", "FineWeb", "curate"

SIGNALS = (
    Signal("size", "words", "words, numbers, and characters of scripts without spaces", _GOPHER, 0, LOGARITHM, 1e7),
    Signal("spelling", "word_length", "mean characters of a word", _GOPHER, LOW + HIGH, LOGARITHM, 30.0, True),
    Signal("characters", "symbols", "hash signs and ellipses per word", _GOPHER, top=4.0),
    Signal("layout", "bullets", "share of lines that start with a bullet", _GOPHER),
    Signal("layout", "ellipsis_lines", "share of lines that end with an ellipsis", _GOPHER),
    Signal("spelling", "letterless_words", "share of what stands between spaces that has no letter", _GOPHER),
    Signal(
        "lexis", "stop_words", "share of words among the 50 commonest of a language", _GOPHER, LOW, LINEAR, local=True
    ),
    Signal("lines", "duplicate_lines", "share of lines that repeat an earlier one", _GOPHER),
    Signal("lines", "duplicate_line_characters", "share of characters in them", _GOPHER + ", FineWeb"),
    Signal("lines", "duplicate_paragraphs", "share of paragraphs that repeat an earlier one", _GOPHER),
    Signal("lines", "duplicate_paragraph_characters", "share of characters in them", _GOPHER),
    *(
        Signal("repetition", f"top_{n}_gram", f"share of characters in the commonest {n}-gram", _GOPHER)
        for n in range(2, 5)
    ),
    *(
        Signal("repetition", f"duplicate_{n}_grams", f"share of characters in repeated {n}-grams", _GOPHER)
        for n in range(5, 11)
    ),
    Signal(
        "layout",
        "unended_lines",
        "share of lines that end without a stop, question, exclamation or quotation mark",
        _C4,
    ),
    Signal("layout", "short_lines", "share of lines of fewer than 30 characters", _FINEWEB),
    Signal("layout", "newlines", "line breaks per word", _FINEWEB, top=4.0),
    Signal(
        "boilerplate",
        "boilerplate_lines",
        "share of lines on JavaScript, cookies, policies, terms of use; lorem ipsum",
        _C4,
    ),
    Signal("boilerplate", "curly_lines", "share of lines with a curly bracket", _C4),
    Signal("flow", "sentence_length", "words per sentence", _C4, HIGH, LOGARITHM, 1e5),
    Signal("encoding", "replacement", "share of characters that are U+FFFD", _OWN),
    Signal("encoding", "mojibake", "share of characters from UTF-8 read in another encoding", _OWN),
    Signal("odd_words", "odd_words", "words without vowel, or with a digit, sign or capital inside, per word", _OWN),
    Signal("spelling", "gibberish", "-ln p of a letter after the one before, mean", _OWN, HIGH, LINEAR, 4.0, True),
    Signal(
        "words",
        "unknown_words",
        "share of words not among the 10,000 commonest of a language",
        _OWN,
        HIGH,
        LINEAR,
        1.0,
        True,
    ),
    Signal(
        "words",
        "fragments",
        "share of words that are small, of 2 to 4 letters, and not among the 2,000 commonest",
        _OWN,
        local=True,
    ),
    Signal(
        "lexis",
        "surprise",
        "-ln p of a word after the one before, in texts by people, mean",
        _OWN,
        HIGH,
        LINEAR,
        12.75,
        True,
    ),
    Signal("flow", "top_word", "share of words that are the commonest one", _OWN),
    Signal("variety", "variety", "distinct words among 100 in a row, mean share", _OWN, LOW + HIGH, LINEAR),
    Signal("digits", "digits", "share of characters that are digits", _OWN),
    Signal("characters", "punctuation", "share of characters that are neither letters nor digits", _OWN),
    Signal("characters", "capitals", "share of letters that are capital", _OWN),
    Signal(
        "repetition",
        "repeated_bytes",
        "share of bytes whose last eight came before, within four thousand",
        _OWN,
        local=True,
    ),
    Signal("model", "model", "probability of a label by a fastText model of the operator's", "operator", LOW, LINEAR),
)

NAMES = tuple(signal.name for signal in SIGNALS)

RULES = tuple(signal.name for signal in SIGNALS if signal.bad)
"""Names of the signals that have limits."""

GATE = "gate"
"""Name of the rule that all of them make together."""

MODEL = NAMES.index("model")

FAMILIES = tuple(dict.fromkeys(signal.family for signal in SIGNALS))
