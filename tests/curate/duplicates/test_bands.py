import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.duplicates.bands import Bands, band_keys, choose_bands, collision_probability
from curate.duplicates.verify import similarities
from curate.errors import UsageError
from curate.text import kernel


@pytest.mark.parametrize(
    ("similarity", "expected"), [(0.0, 0.0), (0.2, 0.0002), (0.5, 0.1040), (0.8, 0.9629), (0.85, 0.9955), (1.0, 1.0)]
)
def test_s_curve(similarity, expected):
    assert collision_probability(similarity, 14, 7) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(
    ("threshold", "permutations", "expected"),
    [(0.8, 128, Bands(14, 7)), (0.5, 128, Bands(30, 3)), (0.7, 128, Bands(20, 5)), (0.9, 128, Bands(10, 11))],
)
def test_choice(threshold, permutations, expected):
    assert choose_bands(threshold, permutations) == expected


@settings(max_examples=60, deadline=None)
@given(st.floats(0.2, 0.99), st.integers(32, 512))
def test_choice_keeps_its_promise(threshold, permutations):
    bands, rows = choose_bands(threshold, permutations)
    assert bands * rows <= permutations
    assert collision_probability(min(1.0, threshold + 0.05), bands, rows) >= 0.995
    assert bands == 1 or collision_probability(threshold + min(0.05, (1 - threshold) / 4), bands - 1, rows) < 0.995


def test_impossible_choice_names_the_remedy():
    with pytest.raises(UsageError, match=r"permutations is 16, expected at least 51 for dedupe.threshold 0.05"):
        choose_bands(0.05, 16)
    assert choose_bands(0.05, 51)


def test_keys_depend_on_the_rows_of_their_band_only():
    signatures = np.arange(40, dtype=np.uint32).reshape(2, 20) % 20
    signatures[1, 3] += 1
    keys = band_keys(signatures, Bands(4, 4))
    assert keys.shape == (2, 4) and keys.dtype == np.uint64
    assert (keys[0] == keys[1]).tolist() == [False, True, True, True]
    constant = band_keys(np.zeros((1, 16), np.uint32), Bands(4, 4))
    assert len(np.unique(constant)) == 4
    assert band_keys(np.zeros((0, 16), np.uint32), Bands(4, 4)).shape == (0, 4)


def test_recall_of_planted_pairs():
    """Word sets that share exactly 86 % of their union collide, and those that share 40 % rarely do."""
    rng = np.random.default_rng(5)
    texts = []
    for shared in [86] * 300 + [40] * 300:
        words = [f"w{number}" for number in rng.integers(0, 10**9, 100)]
        apart = (100 - shared) // 2
        texts += [" ".join(words[:-apart]), " ".join(words[apart:])]
    array = pa.array(texts)
    keys = band_keys(
        kernel.text_features(array, shingle=1, permutations=128, seed=1).signatures, choose_bands(0.8, 128)
    )
    jaccard, _, _ = similarities(*kernel.shingle_sets(array, shingle=1), np.arange(0, 1200, 2), np.arange(1, 1200, 2))
    assert np.allclose(jaccard[:300], 0.86) and np.allclose(jaccard[300:], 0.4)
    met = (keys[0::2] == keys[1::2]).any(axis=1)
    assert met[:300].mean() >= 0.99
    assert met[300:].mean() <= 0.06
