"""Changes to a text that leave it readable and may hide who wrote it; the same for the same text, whenever made.

The look-alikes are Cyrillic and Greek letters that Unicode Technical Standard 39 lists as confusable with Latin ones.
They are written down apart from the detector's own table, so that a letter which that lacks costs what it costs.
"""

import re
from collections.abc import Callable
from functools import partial

import numpy as np
import xxhash
from numpy.typing import NDArray

from curate.hashing import stage_seed, uniform

CYRILLIC = dict(
    zip("acdehijlopqrsvwxy" + "ABCEGHIJKMOPQSTWXY", "асԁеһіјӏорԛгѕѵԝху" + "АВСЕԌНІЈКМОРԚЅТԜХҮ", strict=True)
)
GREEK = dict(zip("acijopuvy" + "ABEHIKMNOPTXYZ", "αϲιϳορυνγ" + "ΑΒΕΗΙΚΜΝΟΡΤΧΥΖ", strict=True))
LOOKALIKES = {
    letter: [table[letter] for table in (CYRILLIC, GREEK) if letter in table] for letter in sorted({*CYRILLIC, *GREEK})
}
ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff"
SPACES = " \n\u00a0"
LONGEST_RUN = 4

_WORD = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]|[^\W_\u3040-\u30ff\u4e00-\u9fff]+")
_SPACE = re.compile(r"\s+")


def draws(text: str, stage: str, count: int) -> NDArray[np.float64]:
    """Numbers in [0, 1) that depend on the text and the stage alone."""
    return uniform(np.arange(count, dtype=np.uint64), stage_seed(xxhash.xxh3_64_intdigest(text.encode()), stage))


def random_capitals(text: str) -> str:
    """Half of the letters as capitals, the others small."""
    chance = draws(text, "capitals", len(text))
    return "".join(
        letter.upper() if drawn < 0.5 else letter.lower() for letter, drawn in zip(text, chance, strict=True)
    )


def random_spaces(text: str) -> str:
    """Another run of white space between any two words."""
    words = _SPACE.split(text)
    chance = draws(text, "spaces", len(words) * (LONGEST_RUN + 1)).reshape(len(words), -1)
    lengths = 1 + (chance[:, 0] * LONGEST_RUN).astype(int)
    kinds = (chance[:, 1:] * len(SPACES)).astype(int)
    runs = ["".join(SPACES[kind] for kind in row[:length]) for row, length in zip(kinds, lengths, strict=True)]
    return "".join(word + run for word, run in zip(words, [*runs[1:], ""], strict=True))


def homoglyphs(text: str, share: float) -> str:
    """A share of the letters that have look-alikes replaced by one of them."""
    chance = draws(text, "homoglyphs", len(text))
    return "".join(
        LOOKALIKES[letter][int(drawn / share * len(LOOKALIKES[letter]))]
        if drawn < share and letter in LOOKALIKES
        else letter
        for letter, drawn in zip(text, chance, strict=True)
    )


def zero_width(text: str, share: float) -> str:
    """An invisible character after a share of the letters."""
    chance = draws(text, "zero width", len(text))
    return "".join(
        letter + ZERO_WIDTH[int(drawn / share * len(ZERO_WIDTH))] if drawn < share and letter.isalpha() else letter
        for letter, drawn in zip(text, chance, strict=True)
    )


def truncated(text: str, tokens: int) -> str:
    """The first words, or characters of Han and kana."""
    ends = [found.end() for found, _ in zip(_WORD.finditer(text), range(tokens), strict=False)]
    return text[: ends[-1]] if len(ends) == tokens else text


def swapped(text: str, share: float) -> str:
    """A share of the words exchanged for their right neighbour."""
    words = text.split()
    for place in np.flatnonzero(draws(text, "swaps", max(len(words) - 1, 0)) < share).tolist():
        words[place], words[place + 1] = words[place + 1], words[place]
    return " ".join(words)


def dropped(text: str, share: float) -> str:
    """A share of the words left out."""
    words = text.split()
    chance = draws(text, "drops", len(words))
    return " ".join(word for word, drawn in zip(words, chance, strict=True) if drawn >= share)


ATTACKS: dict[str, Callable[[str], str]] = {
    "lower case": str.lower,
    "upper case": str.upper,
    "random capitals": random_capitals,
    "white space": random_spaces,
    "homoglyphs, 10 % of the letters": partial(homoglyphs, share=0.1),
    "homoglyphs, 50 %": partial(homoglyphs, share=0.5),
    "zero width, after 10 % of the letters": partial(zero_width, share=0.1),
    "zero width, 50 %": partial(zero_width, share=0.5),
    "first 100 tokens": partial(truncated, tokens=100),
    "10 % of the words swapped": partial(swapped, share=0.1),
    "10 % of the words dropped": partial(dropped, share=0.1),
}
