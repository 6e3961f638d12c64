"""The order of survival: every rule of it, and that leaders are chosen by the same order."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curate.config import make_config
from curate.decisions.groups import _group
from curate.decisions.order import SCALE, preference, survival_order, survivor_rank
from curate.duplicates.candidates import ORDER_BITS
from curate.sortable import sort_keys

LINE = [("a", "b", 0.9, 0.9, 0.9)]


def survivor(world, one, other, **settings):
    """The id of the survivor of two near duplicates."""
    rows = [{"id": "1", "text": "a", **one}, {"id": "2", "text": "b", **other}]
    decided = world.decide(rows, LINE, mixture={"enabled": False}, **settings)
    kept = [id for id, row in decided.items() if row.decision == "kept"]
    assert len(kept) == 1
    return kept[0]


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"captured": 2015, "chars": 1}, {"captured": 2024}),
        ({"captured": 2023, "chars": 1}, {"captured": 2024, "origin": "synthetic"}),
        ({"signature_trusted": True, "captured": 2024}, {"captured": 2023}),
        ({"captured": 2023, "chars": 1}, {"captured": 2024}),
        ({"captured": 2024, "chars": 1}, {"chars": 9}),
        ({"chars": 501}, {"chars": 500}),
    ],
)
def test_the_better_one_survives_whatever_its_id(world, better, worse):
    assert survivor(world, better, worse) == "1"
    assert survivor(world, worse, better) == "2"


def preferred(values, turned=False):
    """Rows with values of one preferred column."""
    return [{"preference": key} for key in sort_keys([(pa.array(values), turned)]).to_pylist()]


@pytest.mark.parametrize(("turned", "values"), [(False, (3, 5)), (True, (5, 3)), (False, (7, None)), (True, (7, None))])
def test_the_operators_column_comes_before_capture_and_length(world, turned, values):
    better, worse = preferred(values, turned)
    worse |= {"captured": 2023, "chars": 900}
    better |= {"captured": 2024}
    assert survivor(world, better, worse) == "1"
    assert survivor(world, worse, better) == "2"


def test_no_column_displaces_a_real_document(world):
    real, other = preferred(["z", "a"])
    real |= {"captured": 2015}
    assert survivor(world, real, other | {"captured": 2024}) == "1"


ROW = st.fixed_dictionaries(
    {
        "captured": st.sampled_from([None, 1850, 1960, 2015, 2024]),
        "chars": st.integers(1, 5),
        "origin": st.sampled_from([None, "synthetic"]),
        "signature_trusted": st.sampled_from([None, True]),
        "crawl": st.sampled_from([None, "CC-MAIN-2013-20", "CC-MAIN-2023-50", "CC-MAIN-2024-10"]),
        "rights": st.sampled_from([None, "deny"]),
        "earlier": st.booleans(),
    }
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROW, min_size=2, max_size=8), st.booleans(), st.booleans())
def test_leaders_are_chosen_in_the_order_of_survival(world, rows, prefer, turned):
    config = make_config({})
    keys = sort_keys([(pa.array([row["crawl"] for row in rows], pa.string()), turned)]).to_pylist()
    rows = [
        {**row, "id": str(i), "preference": key if prefer else None}
        for i, (row, key) in enumerate(zip(rows, keys, strict=True))
    ]
    scale = pa.array(sorted(set(keys)) if prefer else [], pa.binary())
    high, low = survival_order(world.feature_table(rows), config, scale)
    assert high.max() < 1 << ORDER_BITS
    found = np.lexsort((low, high))
    group = _group(world.document_table(rows, config), world.pair_table([]), config)
    trusted = group.documents["signature_trusted"].fill_null(False).to_numpy()
    chars = group.documents["chars"].to_numpy()
    accepted, wanted = np.zeros(len(rows), np.int8), preference(group.documents)
    rank = survivor_rank(accepted, group.own, group.earlier, trusted, wanted, group.capture, chars, group.order)
    leads = group.active & (group.earlier | ~group.conflict)
    assert found.tolist()[: leads.sum()] == [row for row in np.argsort(rank).tolist() if leads[row]]


def test_values_between_those_of_a_sample_keep_their_order(world):
    keys = sort_keys([(pa.array(range(9)), False)])
    rows = [{"id": str(i), "preference": key} for i, key in enumerate(keys.to_pylist())]
    order = survival_order(world.feature_table(rows), make_config({}), keys.take(pa.array([2, 5])))
    places = order.high >> np.uint64(18) & np.uint64(3)
    assert places.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_the_longest_scale_leaves_the_order_its_width(world):
    keys = sort_keys([(pa.array(range(SCALE)), False)])
    rows = [{"id": "a", "preference": keys[-1].as_py()}, {"id": "b", "captured": 2024, "preference": keys[-1].as_py()}]
    order = survival_order(world.feature_table(rows), make_config({}), keys)
    assert order.high.max() < 1 << ORDER_BITS
    assert np.lexsort((order.low, order.high)).tolist() == [1, 0]
