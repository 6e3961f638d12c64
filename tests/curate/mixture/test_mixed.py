from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.mixture.allocation import AllocationOptions, allocate
from curate.mixture.mixed import accepted_weight, allocate_capped
from curate.mixture.reference import cluster_reference


@pytest.mark.parametrize(
    ("other", "mixed", "cap", "weight"),
    [
        (900, 100, 0.1, 1.0),
        (900, 200, 0.1, 0.5),
        (900, 0, 0.1, 1.0),
        (0, 0, 0.0, 1.0),
        (0, 10, 0.1, 0.0),
        (10, 10, 0.0, 0.0),
        (0, 10, 1.0, 1.0),
    ],
)
def test_weight_that_the_accepted_tokens_allow(other, mixed, cap, weight):
    assert accepted_weight(other, mixed, cap) == pytest.approx(weight, abs=1e-9)


@st.composite
def worlds(draw):
    k = draw(st.integers(1, 8))
    tokens = st.one_of(st.just(0), st.integers(1, 50), st.integers(1, 1_000_000))
    other, mixed, fill, known = (
        np.array(draw(st.lists(tokens, min_size=k, max_size=k)), dtype=np.float64) for _ in range(4)
    )
    options = AllocationOptions(
        max_copies=draw(st.integers(1, 6)),
        growth=draw(st.sampled_from([1.0, 1.5, 10.0])),
        token_budget=draw(st.sampled_from([0, 1, int(other.sum() * draw(st.floats(0.01, 3.0)))])),
    )
    gate = np.array(draw(st.lists(st.booleans(), min_size=k, max_size=k)))
    frozen = np.zeros(k, dtype=bool)
    with_reference = partial(
        allocate,
        cluster_reference(known, draw(st.sampled_from([10, 5_000])), 0.25),
        synthetic=fill,
        gate=gate,
        frozen=frozen,
        options=options,
    )
    return with_reference, other, mixed, draw(st.sampled_from([0.0, 0.05, 0.1, 0.5, 1.0]))


@settings(max_examples=300, deadline=None)
@given(worlds())
def test_the_cap_holds_of_accepted_and_of_built_tokens(world):
    _, other, mixed, cap = world
    allocation, weight = allocate_capped(*world)
    assert 0 <= weight <= 1
    if cap and not other.any():  # nothing else to be a part of
        assert weight == 1 and np.array_equal(allocation.accepted, mixed)
        return
    part = weight * mixed
    assert part.sum() <= cap * (other + part).sum() * (1 + 1e-6)
    assert (allocation.real_weight * part).sum() <= cap * allocation.real.sum() * (1 + 1e-6)
    np.testing.assert_allclose(allocation.accepted, other + part)


@settings(max_examples=100, deadline=None)
@given(worlds())
def test_without_mixed_text_nothing_changes(world):
    with_reference, other, mixed, cap = world
    allocation, weight = allocate_capped(with_reference, other, np.zeros_like(mixed), cap)
    assert weight == 1.0
    assert np.array_equal(allocation.real, with_reference(other).real)


def test_copies_of_a_cluster_of_mixed_text_count():
    """A rare cluster is lifted four times: at the weight of accepted tokens its mixed text would be over the cap."""
    known = np.array([900.0, 100.0])
    with_reference = partial(
        allocate,
        cluster_reference(known, 5_000, 0.25, kappa=0.0),
        synthetic=np.zeros(2),
        gate=np.ones(2, dtype=bool),
        frozen=np.zeros(2, dtype=bool),
        options=AllocationOptions(alpha=1.0),
    )
    other, mixed = np.array([990.0, 1.0]), np.array([0.0, 20.0])
    allocation, weight = allocate_capped(with_reference, other, mixed, 0.02)
    assert allocation.real_weight[1] > 3
    assert weight < accepted_weight(991.0, 20.0, 0.02) * 0.5
    built = (allocation.real_weight * weight * mixed).sum()
    assert built == pytest.approx(0.02 * allocation.real.sum(), rel=1e-3)
