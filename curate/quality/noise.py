"""How much a text looks like other texts of its language with characters mistaken, lost and torn apart.

Scanned pages and bad transcripts move many signals a little: more words with signs inside, more short and unknown
ones, shorter and fewer repeated ones, and no more punctuation than there was. None of these is odd by itself, since
code and lists have them too. Together they are: *noise* is a linear discriminant (Fisher 1936) of how far signals lie
from the middle of the language, in units of half the distance of its deciles.

The weights are those that part texts in six languages from the same texts with 3 to 15 % of their characters
replaced by letters, digits or signs, left out or split, rounded; weights from five of the languages find the
sixth's just as well. Where a language starts does not matter, since only the distance from its middle counts: that is
known well enough from five texts.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curate.quality.catalogue import NAMES
from curate.quality.signals import UNDEFINED, Levels

WEIGHTS = {
    "odd_words": 0.6,
    "word_length": -0.45,
    "variety": 0.3,
    "gibberish": 0.25,
    "unknown_words": 0.25,
    "fragments": 0.25,
    "punctuation": -0.2,
}

MOST = 3.0
"""One person's text in 400 has more noise, most of them code: it is usual nowhere, whatever a reference holds."""

LEAST = 5
"""Texts of a language that its middle is told from."""

_PLACES = [NAMES.index(name) for name in WEIGHTS]
_WEIGHTS = np.array(list(WEIGHTS.values()))
_LEAST_SCALE = 4.0  # levels
_FARTHEST = 4.0  # units that one signal counts at most
_SPARSE = 50  # texts from which deciles are told

Floats = NDArray[np.float64]


class Centre(NamedTuple):
    """What is usual of the signals in `WEIGHTS`, float64[len(WEIGHTS)] each; NaN where nothing is known.

    Attributes:
        middle: median level.
        scale: half the distance of the first and the ninth decile, in levels.
    """

    middle: Floats
    scale: Floats


def centre(levels: Levels) -> Centre:
    """The centre of texts of one language; no scale from fewer than fifty."""
    middle, scale = np.full((2, len(_PLACES)), np.nan)
    for number, place in enumerate(_PLACES):
        values = levels[levels[:, place] != UNDEFINED, place]
        if len(values) >= LEAST:
            low, middle[number], high = np.quantile(values, [0.1, 0.5, 0.9], method="inverted_cdf")
            if len(values) >= _SPARSE:
                scale[number] = max((high - low) / 2, _LEAST_SCALE)
    return Centre(middle, scale)


def noise(levels: Levels, usual: Centre) -> Floats:
    """The noise of texts, float64[n], rounded: 0 is usual. Signals that are not known count as usual.

    Args:
        levels: uint8[n, signals].
        usual: of their language.
    """
    own = levels[:, _PLACES]
    distance = np.clip((own - usual.middle) / usual.scale, -_FARTHEST, _FARTHEST)
    distance[(own == UNDEFINED) | np.isnan(distance)] = 0.0
    return (distance @ _WEIGHTS).round(6)
