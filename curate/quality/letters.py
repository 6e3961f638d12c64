"""How likely letters follow each other in the words of people, as shipped data: what gibberish is told by.

A bigram model of letters for each of some forty languages, of which the one counts that finds a pair of letters most
likely. It comes from the words that `curate.detector.ranks` takes of the lists of wordfreq 3.1 (Speer, 2022; lists
CC BY-SA 4.0). `python -m curate.quality.letters` makes it anew where wordfreq is installed.
"""

import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curate.detector.ranks import WORDS
from curate.detector.stream import WORD, token_stream
from curate.quality.compiled import ALPHABETS_END, LETTER_SLOTS, letter_slots
from curate.shipped import shipped_array

PATH = Path(__file__).with_name("letters.npz")

STEPS = 20
"""Steps per natural logarithm in the table."""

UNSEEN = 255
"""Stands for pairs that no language has: 12.75 nats."""


@lru_cache(maxsize=1)
def load() -> NDArray[np.uint8]:
    """-ln p(letter | letter before) in `STEPS`, uint8[2^16] by `letter_slots`, read-only; a space ends a word."""
    return shipped_array(PATH, "letters")


def build() -> NDArray[np.uint8]:
    """The table from the installed wordfreq (a minute)."""
    import wordfreq

    table = np.full(LETTER_SLOTS, UNSEEN, np.uint8)
    for language in wordfreq.available_languages("small"):
        frequencies = wordfreq.get_frequency_dict(language, "small")
        ranked = sorted(frequencies, key=lambda word: (-frequencies[word], word))[:WORDS]
        first, second = _pairs(pa.array(ranked))
        _, starts, of = np.unique(first, return_index=True, return_inverse=True)
        keys, where, counts = np.unique(first << np.uint64(32) | second, return_index=True, return_counts=True)
        del starts
        totals = np.bincount(of)[of[where]]
        levels = np.clip(np.round(-STEPS * np.log(counts / totals)), 0, UNSEEN - 1).astype(np.uint8)
        slots = letter_slots((keys >> np.uint64(32)).astype(np.uint32), keys.astype(np.uint32))
        np.minimum.at(table, slots, levels)
    return table


def _pairs(words: pa.Array) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The letters of words in alphabets and those after them, spaces before and after each word."""
    stream = token_stream(words)
    single = np.flatnonzero(np.diff(stream.offsets) == 1)
    tokens = stream.offsets[single]
    tokens = tokens[stream.kinds[tokens] == WORD]
    firsts, seconds = [], []
    for token in tokens:
        letters = stream.characters[stream.places[token] : stream.places[token + 1]].astype(np.uint64)
        letters = letters[letters != ord(" ")]
        if (letters < ALPHABETS_END).all():
            padded = np.concatenate([[np.uint64(32)], letters, [np.uint64(32)]])
            firsts.append(padded[:-1])
            seconds.append(padded[1:])
    none = [np.empty(0, np.uint64)]
    return np.concatenate(firsts or none), np.concatenate(seconds or none)


if __name__ == "__main__":
    np.savez_compressed(PATH, letters=build())
    sys.stdout.write(f"{PATH.name}: {PATH.stat().st_size} bytes\n")
