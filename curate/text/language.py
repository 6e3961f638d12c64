"""Language identification by CLD2 (pycld2), whose model comes inside its wheel."""

import re

import pyarrow as pa
import pyarrow.compute as pc
import pycld2

UNKNOWN = "und"
"""ISO 639-2 code for undetermined."""

_CHARS = 1_000
# CLD2 refuses control characters and the code points that are no characters; a space in their place keeps words apart.
_REFUSED = r"[\x{0}-\x{1f}\x{7f}-\x{9f}\x{fdd0}-\x{fdef}\x{fffe}\x{ffff}]+"
# CLD2 still uses codes that ISO 639-1 has withdrawn, and one of its own.
_RENAMED = {"iw": "he", "jw": "jv", "in": "id", "ji": "yi", "mo": "ro", "un": UNKNOWN}
_ISO_639_1 = re.compile(r"[a-z]{2,3}")


def identify(texts: pa.Array) -> pa.Array:
    """Identifies the language of each text from its first 1,000 characters.

    Args:
        texts: string or large_string[n].

    Returns:
        string[n]: base ISO 639-1 code (zh for any script), ISO 639-3 where there is none of two letters, `und` for
        null, empty, undecided or unreliable. Never raises for a text.
    """
    heads = pc.replace_substring_regex(pc.utf8_slice_codeunits(texts, 0, _CHARS), _REFUSED, " ")
    return pa.array([_identify(head) for head in heads.to_pylist()], pa.string())


def _identify(text: str | None) -> str:
    if not text:
        return UNKNOWN
    try:
        reliable, _, guesses = pycld2.detect(text)
    except (pycld2.error, ValueError):
        return UNKNOWN
    code = guesses[0][1].partition("-")[0]
    code = _RENAMED.get(code, code)
    return code if reliable and _ISO_639_1.fullmatch(code) else UNKNOWN
