import math
from collections import Counter

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.hashing import mix
from curate.metrics import diversity
from curate.metrics.types import SampledTypes

VALUES = st.lists(st.integers(0, 30), min_size=1, max_size=120)


def types(values, limit=10**6):
    return SampledTypes.of(mix(np.asarray(values, np.uint64)), limit)


@settings(deadline=None)
@given(VALUES)
def test_as_counted_by_hand(values):
    counts = Counter(values)
    total, once = len(values), sum(count == 1 for count in counts.values())
    twice = sum(count == 2 for count in counts.values())
    found = types(values)
    assert diversity.distinct(found) == pytest.approx(len(counts) / total)
    assert diversity.hapax(found) == pytest.approx(once / len(counts))
    assert diversity.coverage(found) == pytest.approx(1 - once / total)
    assert diversity.unseen(found) == pytest.approx(once * (once - 1) / (2 * (twice + 1)))
    plugin = scipy.stats.entropy(list(counts.values()), base=2)
    assert diversity.entropy(found) == pytest.approx(plugin + (len(counts) - 1) / (2 * total * math.log(2)))


@settings(deadline=None)
@given(VALUES, st.integers(0, 120))
def test_rarefaction_is_what_drawing_without_replacement_gives(values, size):
    size = min(size, len(values))
    counts = Counter(values).values()
    expected = sum(1 - scipy.stats.hypergeom.pmf(0, len(values), count, size) for count in counts)
    assert diversity.rarefied(types(values), size) == pytest.approx(expected, abs=1e-9)


def test_entropy_is_less_biased_than_plugged_in():
    draw = np.random.default_rng(0)
    p = draw.dirichlet(np.ones(400))
    true = scipy.stats.entropy(p, base=2)
    samples = [draw.choice(400, 2_000, p=p) for _ in range(30)]
    plugged = np.mean([scipy.stats.entropy(np.unique(sample, return_counts=True)[1], base=2) for sample in samples])
    corrected = np.mean([diversity.entropy(types(sample)) for sample in samples])
    assert abs(corrected - true) < 0.3 * abs(plugged - true)


def test_zipf_slope_is_that_of_linregress_on_the_same_ranks():
    frequencies = np.array([round(1e6 / rank**1.1) for rank in range(1, 3_001)])
    found = SampledTypes(np.arange(3_000, dtype=np.uint64), np.random.default_rng(1).permutation(frequencies), 1)
    ranks = np.unique(np.geomspace(10, 1_000, 40).astype(int))
    fitted = scipy.stats.linregress(np.log(ranks), np.log(frequencies[ranks - 1]))
    assert diversity.zipf(found, diversity.HEAD_RANKS) == pytest.approx(fitted.slope)
    assert fitted.slope == pytest.approx(-1.1, abs=0.01)


def test_zipf_slope_of_a_sampled_counter_is_near_that_of_all_types():
    draw = np.random.default_rng(2)
    values = draw.zipf(1.3, 300_000) % 10**6
    whole, part = types(values), types(values, 3_000)
    assert part.share < 0.5
    slopes = [diversity.zipf(found, (100, 10_000)) for found in (whole, part)]
    assert slopes[1] == pytest.approx(slopes[0], abs=0.1)


def test_heaps_slope_is_one_of_all_new_words_and_falls_with_repetition():
    draw = np.random.default_rng(4)
    assert diversity.heaps(types(range(5_000))) == pytest.approx(1.0)
    few, many = (diversity.heaps(types(draw.integers(0, words, 5_000))) for words in (50, 20_000))
    assert few < 0.1 < 0.8 < many < 1.0


def test_nothing_measures_nothing():
    nothing = types([])
    assert all(
        math.isnan(measure(nothing))
        for measure in (diversity.distinct, diversity.entropy, diversity.hapax, diversity.coverage, diversity.heaps)
    )
    assert math.isnan(diversity.zipf(types(range(15)), diversity.HEAD_RANKS))
    assert diversity.unseen(nothing) == 0


def test_collapse_and_noise_move_diversity_to_opposite_sides():
    """Sharper sampling loses the tail, flatter sampling gains noise: both are told from the human distribution."""
    draw = np.random.default_rng(5)
    p = 1 / np.arange(1, 300_001) ** 1.2
    samples = {power: draw.choice(300_000, 50_000, p=p**power / (p**power).sum()) for power in (0.8, 1.0, 1.3)}
    noisy, human, sharp = (types(samples[power]) for power in (0.8, 1.0, 1.3))
    for measure in (diversity.distinct, diversity.entropy, diversity.heaps):
        assert measure(sharp) < measure(human) < measure(noisy)
    assert diversity.coverage(sharp) > diversity.coverage(human) > diversity.coverage(noisy)
    slopes = [diversity.zipf(found, diversity.HEAD_RANKS) for found in (sharp, human, noisy)]
    assert slopes == sorted(slopes)
