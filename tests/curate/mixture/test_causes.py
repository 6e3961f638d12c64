import numpy as np
import pytest

from curate.mixture.allocation import AllocationOptions, allocate
from curate.mixture.causes import floor_causes
from curate.mixture.reference import ClusterReference

NONE = np.zeros(2, dtype=bool)


@pytest.mark.parametrize(
    ("accepted", "synthetic", "gate", "frozen", "options", "expected"),
    [
        ([1000, 400], [0, 0], [1, 1], NONE, {}, []),
        ([1000, 0], [0, 500], [1, 1], NONE, {}, ["no_text"]),
        ([1000, 10], [0, 0], [1, 0], NONE, {}, ["gate"]),
        ([1000, 10], [0, 0], [1, 1], NONE, {"growth": 10.0}, ["copies"]),
        ([1000, 10], [0, 500], [1, 1], NONE, {"growth": 10.0}, ["copies", "cap"]),
        ([1000, 10], [0, 500], [1, 0], [False, True], {}, ["gate", "frozen"]),
        ([1000, 100], [0, 0], [1, 1], NONE, {"growth": 1.0}, ["growth"]),
        ([1000, 100], [0, 0], [1, 1], NONE, {"token_budget": 1_110}, ["budget"]),
    ],
)
def test_why_the_rare_cluster_is_below_its_floor(accepted, synthetic, gate, frozen, options, expected):
    reference = ClusterReference(np.array([0.75, 0.25]), 1_000, np.array([False, True]))
    given_options = AllocationOptions(**options)
    frozen = np.array(frozen)
    result = allocate(reference, accepted, synthetic, np.array(gate, dtype=bool), frozen, given_options)
    assert floor_causes(result, frozen, given_options) == [[], expected]
