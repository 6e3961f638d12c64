import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.metrics.vendi import VendiSums

VECTORS = np.random.default_rng(7).normal(size=(120, 12))


def by_kernel(vectors):
    """The definition: eigenvalues of the matrix of cosines over n."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    values = np.linalg.eigvalsh(unit @ unit.T / len(unit))
    values = values[values > 1e-12]
    return math.exp(-(values * np.log(values)).sum())


def test_agrees_with_the_definition():
    for vectors in (VECTORS, VECTORS[:30], VECTORS * 100 + 3):
        assert VendiSums.of(vectors).score() == pytest.approx(by_kernel(vectors), rel=1e-3)


def test_agrees_with_the_reference_implementation():
    vendi = pytest.importorskip("vendi_score.vendi")
    assert VendiSums.of(VECTORS).score() == pytest.approx(vendi.score_dual(VECTORS), rel=1e-3)


def test_copies_count_once_and_directions_apart():
    assert VendiSums.of(np.tile(VECTORS[:1], (40, 1))).score() == pytest.approx(1.0, abs=1e-3)
    assert VendiSums.of(np.repeat(np.eye(8), 5, axis=0)).score() == pytest.approx(8.0)
    lopsided = np.repeat(np.eye(8), [33, 1, 1, 1, 1, 1, 1, 1], axis=0)
    assert 1 < VendiSums.of(lopsided).score() < 4


def test_zero_vectors_are_no_documents():
    assert math.isnan(VendiSums.of(np.zeros((3, 4))).score())
    assert VendiSums.of(np.vstack([VECTORS, np.zeros((5, 12))])).documents == len(VECTORS)


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(40)), st.integers(0, 40), st.integers(0, 40))
def test_any_partition_gives_the_same_bits(order, first, second):
    rows = VECTORS[:40][order].astype(np.float16)
    first, second = sorted((first, second))
    parts = [VendiSums.of(part) for part in (rows[:first], rows[first:second], rows[second:])]
    merged = parts[2].merge(parts[0]).merge(parts[1])
    whole = VendiSums.of(VECTORS[:40].astype(np.float16))
    assert merged.documents == whole.documents and (merged.products == whole.products).all()
    assert merged.score() == whole.score()
