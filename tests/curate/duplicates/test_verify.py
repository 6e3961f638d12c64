import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.duplicates.verify import similarities, verified

SETS = st.lists(st.sets(st.integers(0, 30) | st.integers(2**64 - 3, 2**64 - 1), max_size=20), min_size=2, max_size=6)


@settings(max_examples=100, deadline=None)
@given(SETS)
def test_similarities_equal_python_sets(sets):
    values = np.array([v for s in sets for v in sorted(s)], np.uint64)
    offsets = np.cumsum([0, *map(len, sets)])
    left, right = (side.ravel() for side in np.indices((len(sets), len(sets))))
    for a, b, *found in zip(left, right, *similarities(values, offsets, left, right), strict=True):
        one, other = sets[a], sets[b]
        shared = len(one & other)
        expected = [shared / max(1, len(whole)) for whole in (one | other, one, other)]
        assert found == np.array(expected, np.float32).tolist()


def test_verified_at_the_thresholds():
    jaccard = np.array([0.8, 0.79, 0.1, 0.1, 0.1, 0.1, 0.9, 0.85], np.float32)
    left_in_right = np.array([0, 0, 0.9, 0.2, 0.89, 0.95, 0.95, 0.87], np.float32)
    right_in_left = np.array([0, 0, 0.2, 0.9, 0.89, 0.1, 0.95, 0.86], np.float32)
    found = verified(jaccard, left_in_right, right_in_left, threshold=0.8, containment=0.9)
    assert found.tolist() == [True, False, True, True, False, True, True, True]
