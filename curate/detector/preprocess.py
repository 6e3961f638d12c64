"""From a text to the line that the detector reads.

The line does not depend on layout: whitespace of any kind counts as one space, invisible characters are left
out, and only the beginning of a long text is read. Punctuation marks, Han and kana become words of their own,
so that word n-grams mean the same in scripts with and without spaces. This is for scoring only: the document
itself is never changed.

Everything runs in Arrow kernels. Their Unicode tables are those of RE2, not of the Python at hand, so the same
text gives the same line everywhere.
"""

import pyarrow as pa
import pyarrow.compute as pc

MAX_CHARS = 3_000
"""Characters, after whitespace is collapsed, from the start of a text that are read."""

# Cut before anything else, so that the cost of a text is bounded; layout rarely takes more than three quarters.
_RAW_CHARS = 4 * MAX_CHARS

# Format controls, joiners, fillers, variation selectors and tags: invisible, and a way to hide a text from a model.
_INVISIBLE = (
    r"[\p{Cf}\x{34f}\x{115f}\x{1160}\x{17b4}\x{17b5}\x{180b}-\x{180f}\x{3164}\x{fe00}-\x{fe0f}\x{ffa0}"
    r"\x{e0000}-\x{e0fff}]+"
)
# Written so that a single plain space, by far the most frequent case, is no match: eight times faster than `\s+`.
_LAYOUT = (
    r"[\t-\r\x{1c}-\x{1f}\x{85}\x{a0}\p{Zl}\p{Zp}\x{1680}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}][\s\p{Z}]*"
    r"| [\s\p{Z}]+"
)
_OWN_WORD = r"([\p{P}\p{Han}\p{Hiragana}\p{Katakana}])"


def detector_lines(texts: pa.Array) -> pa.Array:
    """The lines that fastText reads, without newlines.

    Args:
        texts: string or large_string[n].

    Returns:
        The same type and length; null stays null.
    """
    return separate(normalise(texts))


def normalise(texts: pa.Array) -> pa.Array:
    """Leaves out invisible characters, collapses whitespace and cuts to `MAX_CHARS` characters."""
    lines = pc.utf8_slice_codeunits(texts, 0, _RAW_CHARS)
    lines = pc.replace_substring_regex(lines, _INVISIBLE, "")
    lines = pc.replace_substring_regex(lines, _LAYOUT, " ")
    return pc.utf8_slice_codeunits(pc.utf8_trim_whitespace(lines), 0, MAX_CHARS)


def separate(lines: pa.Array) -> pa.Array:
    """Puts spaces around punctuation marks, Han and kana. Words end at any run of spaces."""
    return pc.replace_substring_regex(lines, _OWN_WORD, r" \1 ")
