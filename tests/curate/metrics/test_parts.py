import numpy as np
import pytest
import scipy.stats

from curate.metrics.parts import LEAST_PARTS, PARTS, Measured, compare, cut, part_documents, part_tokens
from curate.metrics.types import Text


def test_the_human_slice_has_enough_parts_for_a_band_when_it_has_the_text():
    for human in (4_000, 30_000, 10**7):
        assert human // part_tokens(human, 10**8) >= LEAST_PARTS
    assert part_tokens(10**7, 10**7) == 50_000
    assert part_tokens(0, 600_000) == 600_000 // PARTS
    assert part_documents(120, 10_000) == 20 and part_documents(10**6, 10**6) == 250


def test_parts_are_equal_in_order_and_of_members_only():
    text, everyone = Text(np.arange(1_050, dtype=np.uint32), np.repeat(np.arange(21), 50)), np.ones(21, dtype=bool)
    parts = cut(text, everyone, 100)
    assert [len(part.codes) for part in parts] == [100] * 10
    assert np.concatenate([part.codes for part in parts]).tolist() == list(range(1_000))
    assert len(cut(text, everyone, 10)) == PARTS and cut(text, everyone, 2_000) == []
    odd = cut(text, np.arange(21) % 2 == 1, 75)
    assert np.unique(np.concatenate([part.documents for part in odd])).tolist() == list(range(1, 20, 2))[:9]


def test_the_band_is_that_of_a_difference_of_means():
    human, values = np.array([1.0, 2, 3, 4, 5]), np.array([9.0, 11, 10])
    found = compare(values, human, 30)
    error = human.std(ddof=1) * np.sqrt(1 / 3 + 1 / 5)
    width = scipy.stats.t.ppf(0.99865, 4) * error
    assert found == Measured(10.0, 30, pytest.approx((3 - width, 3 + width)), pytest.approx(7 / error), 3.0)


def test_no_band_without_human_parts_and_no_value_without_parts():
    assert compare([1.0, 2.0], [1.0] * (LEAST_PARTS - 1), 5) == Measured(1.5, 5, baseline=1.0)
    assert compare([1.0], [], 5) == Measured(1.0, 5)
    assert compare([], [1.0] * 9, 0) == Measured(None, 0)
    assert compare([np.nan], [1.0] * 9, 7) == Measured(None, 7)


def test_no_spread_is_not_believed_where_values_move_in_steps():
    sure, unsure = compare([0.02], [0.0] * 8, 50), compare([0.02], [0.0] * 8, 50, least_spread=0.03)
    assert sure.band == (0.0, 0.0) and unsure.band[1] > 0.02


def test_people_like_the_others_are_rarely_outside_the_band():
    draw = np.random.default_rng(0)
    outside = 0
    for _ in range(2_000):
        found = compare(draw.normal(size=10), draw.normal(size=8), 1)
        outside += not found.band[0] <= found.value <= found.band[1]
    assert outside <= 20  # expected 5.4
