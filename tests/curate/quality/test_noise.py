"""Noise: none in what is usual of a language, much in what has lost and mistaken characters."""

import numpy as np
import pyarrow as pa
import pytest

from curate.demo.prose import human_prose
from curate.quality.catalogue import NAMES, SIGNALS
from curate.quality.noise import LEAST, WEIGHTS, centre, noise
from curate.quality.signals import UNDEFINED, quality_signals, to_levels


def scanned(text, draw, rate=0.1):
    """Characters lost, taken for digits or signs, and torn apart."""
    return "".join(
        character if draw.random() > rate else draw.choice(["", "1", "~", character + " ", "c"]) for character in text
    )


@pytest.fixture(scope="module")
def texts():
    words = [word for document in human_prose() for word in document.text.split()]
    return [" ".join(words[start : start + 200]) for start in range(0, 120 * 400, 400)]


def levels_of(texts):
    return to_levels(quality_signals(pa.array(texts)))


def test_mistaken_characters_are_noise(texts):
    draw = np.random.default_rng(1)
    usual = centre(levels_of(texts[:60]))
    people, junk = noise(levels_of(texts[60:]), usual), noise(levels_of([scanned(t, draw) for t in texts[60:]]), usual)
    assert np.median(people) == pytest.approx(0, abs=0.3)
    assert np.quantile(junk, 0.05) > np.quantile(people, 0.95)
    rates = [0.0, 0.02, 0.05, 0.1]
    means = [noise(levels_of([scanned(text, draw, rate) for text in texts]), usual).mean() for rate in rates]
    assert np.all(np.diff(means) > 0)


def test_five_texts_tell_the_middle_and_another_language_the_scale(texts):
    some, other = centre(levels_of(texts[:LEAST])), centre(levels_of(texts[60:]))
    assert np.isfinite(some.middle).all() and np.isnan(some.scale).all()
    assert not noise(levels_of(texts[:LEAST]), some).any()
    draw = np.random.default_rng(2)
    junk = levels_of([scanned(text, draw) for text in texts[60:]])
    assert noise(junk, some._replace(scale=other.scale)).min() > 1


def test_what_is_not_known_counts_as_usual():
    nothing = np.full((2, len(SIGNALS)), UNDEFINED, np.uint8)
    assert noise(nothing, centre(nothing)).tolist() == [0, 0]
    levels = np.full((60, len(SIGNALS)), 100, np.uint8)
    usual = centre(levels)
    levels[0, NAMES.index("odd_words")] = UNDEFINED
    levels[1, NAMES.index("odd_words")] = 108
    assert noise(levels, usual)[:3].tolist() == pytest.approx([0, 2 * WEIGHTS["odd_words"], 0])
