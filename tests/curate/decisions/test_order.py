"""The order of survival: every rule of it, and that leaders are chosen by the same order."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curate.config import make_config
from curate.decisions.groups import _group
from curate.decisions.order import SurvivalOrder, preference, preferred_order, survival_order, survivor_rank
from curate.duplicates.candidates import ORDER_BITS
from curate.sortable import sortable_bytes

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


def preferred(*values):
    """Rows with values of one preferred column."""
    keys = sortable_bytes(pa.array(values)).to_pylist()
    return [{"preference": [key]} for key in keys]


@pytest.mark.parametrize(
    ("prefer", "values"),
    [("crawl", (3, 5)), ("-crawl", (5, 3)), ("crawl", (7, None)), ("-crawl", (7, None))],
)
def test_the_operators_column_comes_before_capture_and_length(world, prefer, values):
    better, worse = preferred(*values)
    worse |= {"captured": 2023, "chars": 900}
    better |= {"captured": 2024}
    dedupe = {"dedupe": {"prefer": [prefer]}}
    assert survivor(world, better, worse, **dedupe) == "1"
    assert survivor(world, worse, better, **dedupe) == "2"


def test_the_second_column_decides_where_the_first_is_equal(world):
    rows = [{"preference": [b"x", b"b"]}, {"preference": [b"x", b"a"]}]
    assert survivor(world, *rows, dedupe={"prefer": ["p", "q"]}) == "2"
    assert survivor(world, *rows, dedupe={"prefer": ["p", "-q"]}) == "1"


def test_no_column_displaces_a_real_document(world):
    real, other = preferred("z", "a")
    real |= {"captured": 2015}
    assert survivor(world, real, other | {"captured": 2024}, dedupe={"prefer": ["crawl"]}) == "1"


ROW = st.fixed_dictionaries(
    {
        "captured": st.sampled_from([None, 1850, 1960, 2015, 2024]),
        "chars": st.integers(1, 5),
        "origin": st.sampled_from([None, "synthetic"]),
        "signature_trusted": st.sampled_from([None, True]),
        "number": st.sampled_from([None, -2.5, 7.0, 1e9]),
        "name": st.sampled_from([None, "CC-MAIN-2023-50", "CC-MAIN-2024-10"]),
        "rights": st.sampled_from([None, "deny"]),
        "earlier": st.booleans(),
    }
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROW, min_size=2, max_size=8), st.sampled_from([(), ("name",), ("-name", "number")]))
def test_leaders_are_chosen_in_the_order_of_survival(world, rows, prefer):
    config = make_config({"dedupe": {"prefer": prefer}})
    columns = [
        sortable_bytes(pa.array([row[name.removeprefix("-")] for row in rows], kind)).to_pylist()
        for name, kind in zip(prefer, (pa.string(), pa.float64()), strict=False)
    ]
    rows = [
        {**row, "id": str(i), "preference": list(keys)}
        for i, (row, *keys) in enumerate(zip(rows, *columns, strict=True))
    ]
    features = world.feature_table(rows)
    order = survival_order(features, config)
    assert order.high.max() < 1 << ORDER_BITS
    if prefer:
        order = preferred_order(order, preference(features, config))
        assert order.high.max() < 1 << ORDER_BITS
    found = np.lexsort((order.low, order.high)).tolist()
    group = _group(world.document_table(rows, config), world.pair_table([]), config)
    rank = survivor_rank(
        np.zeros(len(rows), np.int8),
        group.own,
        group.earlier,
        group.documents["signature_trusted"].fill_null(False).to_numpy(),
        preference(group.documents, config),
        group.capture,
        group.documents["chars"].to_numpy(),
        group.order,
    )
    leads = group.active & (group.earlier | ~group.conflict)
    assert found[: leads.sum()] == [row for row in np.argsort(rank).tolist() if leads[row]]


def test_equal_documents_have_equal_places_in_the_preferred_order():
    """Else the order in which they happen to come would decide which of them leads."""
    order = SurvivalOrder(np.array([5 << 20, 3 << 20, 5 << 20], np.uint64), np.array([7, 7, 7], np.uint64))
    high, low = preferred_order(order, [np.array([4, 4, 4])])
    assert high.tolist() == order.high.tolist()
    assert low[0] == low[2] > low[1]
