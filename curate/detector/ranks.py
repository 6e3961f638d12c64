"""How frequent words were in human use, in about forty languages, as shipped data.

The table comes from the word lists of wordfreq 3.1 (Speer, 2022; lists CC BY-SA 4.0), which end in 2021, before
machines wrote much of the web. `python -m curate.detector.ranks` makes it anew where wordfreq is installed.
"""

import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curate.detector.statistics import RANK_STEPS, UNRANKED, slots
from curate.detector.stream import token_stream
from curate.shipped import shipped_array

PATH = Path(__file__).with_name("ranks.npz")
WORDS = 10_000
"""Words taken of each language."""

_SIZE = 1 << 19
# Scripts without spaces have thousands of characters where others have ten thousands of words.
_CHARACTER_STRETCH = 5


@lru_cache(maxsize=1)
def load() -> NDArray[np.uint8]:
    """The table for `curate.detector.statistics.Tables.ranks`, uint8[2^19], read-only."""
    return shipped_array(PATH, "ranks")


def build() -> NDArray[np.uint8]:
    """The table from the installed wordfreq (a minute)."""
    import wordfreq

    best: dict[str, int] = {}
    for language in wordfreq.available_languages("small"):
        frequencies = wordfreq.get_frequency_dict(language, "small")
        if language in ("zh", "ja"):
            ranked, stretch = _characters(frequencies), _CHARACTER_STRETCH
        else:
            ranked, stretch = sorted(frequencies, key=lambda word: (-frequencies[word], word)), 1
        for rank, word in enumerate(ranked[:WORDS], 1):
            best[word] = min(best.get(word, sys.maxsize), rank * stretch)
    stream = token_stream(pa.array(best))
    whole = np.flatnonzero(np.diff(stream.offsets) == 1)
    values = RANK_STEPS * np.log1p(np.array(list(best.values()))[whole])
    ranks = np.full(_SIZE, UNRANKED, np.uint8)
    hashes = stream.hashes[stream.offsets[whole]]
    np.minimum.at(ranks, slots(hashes, _SIZE), np.minimum(np.round(values), UNRANKED - 1).astype(np.uint8))
    return ranks


def _characters(frequencies: Mapping[str, float]) -> list[str]:
    """The characters of words, the most frequent first."""
    total: dict[str, float] = {}
    for word, frequency in frequencies.items():
        for character in word:
            total[character] = total.get(character, 0.0) + frequency
    return sorted(total, key=lambda character: (-total[character], character))


if __name__ == "__main__":
    np.savez_compressed(PATH, ranks=build())
    sys.stdout.write(f"{PATH.name}: {PATH.stat().st_size} bytes\n")
