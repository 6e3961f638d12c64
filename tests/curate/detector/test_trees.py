import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.detector.trees import BINS, BoostingSettings, Trees, _binned, fit_trees


def toy(rows=600, columns=5, seed=0):
    """XOR of the first two columns, the others are noise."""
    values = np.random.default_rng(seed).normal(size=(rows, columns)).astype(np.float32)
    return values, (values[:, 0] > 0) != (values[:, 1] > 0)


def fit(columns, machine, seed=1, weight=None, **options):
    given = {"trees": 60, "depth": 3, "tried": 5, "rate": 0.3, "least": 1.0, "penalty": 1.0, **options}
    return fit_trees(
        columns, machine, np.ones(len(machine)) if weight is None else weight, seed, BoostingSettings(**given)
    )


def loss(trees, columns, machine):
    share = machine.mean()
    scores = trees.predict(columns) + np.log(share / (1 - share))
    return np.logaddexp(0, np.where(machine, -scores, scores)).mean()


def walk(trees, row):
    """The sum of the leaves that a row falls into, step by step."""
    total = 0.0
    for features, bins, values in zip(trees.features, trees.bins, trees.values, strict=True):
        node = 1
        while node < len(bins):
            feature = features[node]
            above = np.searchsorted(trees.edges[feature], row[feature], side="left") > bins[node]
            node = 2 * node + int(above)
        total += float(values[node])
    return total


@pytest.mark.parametrize("depth", [0, 1, 2, 5])
def test_prediction_is_that_of_a_walk(depth):
    draw = np.random.default_rng(depth)
    trees = Trees(
        np.sort(draw.normal(size=(7, BINS - 1)).astype(np.float32), axis=1),
        draw.integers(0, 7, (30, 1 << depth)).astype(np.uint16),
        draw.integers(0, BINS, (30, 1 << depth)).astype(np.uint8),
        draw.normal(size=(30, 2 << depth)).astype(np.float32),
    )
    columns = draw.normal(size=(150, 7)).astype(np.float32)
    columns[:5] = [[np.inf] * 7, [-np.inf] * 7, [0] * 7, [-0.0] * 7, trees.edges[:, 30]]
    np.testing.assert_allclose(trees.predict(columns), [walk(trees, row) for row in columns], rtol=1e-9)
    assert not len(trees.predict(columns[:0]))


NUMBERS = st.floats(-3, 3, width=32)


@settings(max_examples=80, deadline=None)
@given(st.lists(NUMBERS, min_size=BINS - 1, max_size=BINS - 1), st.lists(NUMBERS, min_size=1, max_size=30))
def test_bins_are_those_of_a_search(edges, values):
    edges = np.sort(np.array(edges, np.float32).round(1))
    values = np.concatenate([np.array(values, np.float32), edges, [np.inf, -np.inf, np.nan]]).astype(np.float32)
    expected = np.searchsorted(edges, values, side="left")
    expected[-1] = 0  # what is no number is below all edges
    assert _binned(values[:, None], edges[None])[:, 0].tolist() == expected.tolist()


def test_learns_xor_and_the_loss_falls():
    columns, machine = toy()
    losses = [loss(fit(columns, machine, trees=trees, share=1.0), columns, machine) for trees in (1, 10, 60)]
    assert 0.7 > losses[0] > losses[1] > losses[2]
    trees = fit(columns, machine)
    fresh, labels = toy(seed=9)
    assert ((trees.predict(fresh) > 0) == labels).mean() > 0.9


def test_every_tree_lowers_the_loss_on_what_it_sees():
    columns, machine = toy(200)
    trees = fit(columns, machine, share=1.0)
    parts = [
        trees._replace(features=trees.features[:k], bins=trees.bins[:k], values=trees.values[:k]) for k in range(61)
    ]
    assert np.all(np.diff([loss(part, columns, machine) for part in parts]) <= 1e-12)


def test_is_deterministic_and_draws_by_seed():
    columns, machine = toy()
    one, same, other = (fit(columns, machine, seed=seed, tried=2) for seed in (1, 1, 2))
    for first, second in zip(one, same, strict=True):
        np.testing.assert_array_equal(first, second)
    assert not np.array_equal(one.features, other.features)


@pytest.mark.parametrize("seed", [0, 1, 2**31 - 1])
def test_any_seed_draws_all_columns(seed):
    columns, machine = toy(columns=12)
    used = fit(columns, machine, seed=seed, tried=2, trees=100, least=0.1).features[:, 1]
    assert set(used.tolist()) == set(range(12))


def test_shapes():
    columns, machine = toy(100)
    trees = fit(columns, machine, depth=2, trees=7)
    assert [array.shape for array in trees] == [(5, BINS - 1), (7, 4), (7, 4), (7, 8)]
    assert [array.dtype for array in trees] == [np.float32, np.uint16, np.uint8, np.float32]
    assert not trees.values[:, :4].any()


def test_more_columns_tried_than_there_are():
    columns, machine = toy(100, 2)
    assert fit(columns, machine, tried=50).features.max() <= 1


@pytest.mark.parametrize("value", [0.0, 1e30, -7.5])
def test_constant_columns_tell_nothing(value):
    columns, machine = np.full((100, 3), value, np.float32), np.arange(100) % 3 == 0
    trees = fit(columns, machine)
    assert np.abs(trees.predict(columns)).max() < 0.1  # only the draws of rows differ from the prior
    assert (trees.bins == BINS - 1).all()
    other = np.column_stack([columns, machine.astype(np.float32)])
    assert ((fit(other, machine).predict(other) > 0) == machine).all()


def test_a_class_with_one_row():
    columns, machine = toy(400)
    machine = np.zeros(400, bool)
    machine[7] = True
    for weight in (np.ones(400), np.where(machine, 399.0, 1.0)):
        scores = fit(columns, machine, weight=weight, least=0.01).predict(columns)
        assert np.isfinite(scores).all()
    assert scores.argmax() == 7


def test_heavy_rows_count_as_often():
    columns, machine = toy(200)
    weight = np.where(np.arange(200) < 50, 3.0, 1.0)
    often = np.repeat(np.arange(200), weight.astype(int))
    one = fit(columns, machine, weight=weight, share=1.0)
    two = fit(columns[often], machine[often], share=1.0)
    assert np.corrcoef(one.predict(columns), two.predict(columns))[0, 1] > 0.9
