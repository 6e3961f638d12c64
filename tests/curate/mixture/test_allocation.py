import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from curate.config import Mixture
from curate.mixture.allocation import AllocationOptions, allocate, targets
from curate.mixture.causes import CAUSES, floor_causes
from curate.mixture.reference import ClusterReference, cluster_reference

SHORT = ([900, 100], [990, 10])
"""The second of two clusters holds 10 tokens of the 100 that its share asks for."""


def simple(known, accepted, synthetic, gate=True, frozen=False, documents=1_000, caps=None, copyable=None, **options):
    k = len(known)
    reference = cluster_reference(np.array(known), documents, 0.25, kappa=0.0)
    flags = np.full(k, gate), np.full(k, frozen)
    given = AllocationOptions(**options), caps, copyable
    return allocate(reference, np.array(accepted), np.array(synthetic), *flags, *given)


def test_rows_of_the_table():
    result = simple(*SHORT, [0, 3], gate=[False, True], alpha=1.0, max_copies=2, caps=[0.25, 0.5])
    table = result.to_dict()
    assert {name: value for name, value in table.items() if name != "clusters"} == {
        "reference_documents": 1_000,
        "anchored": True,
        "real_tokens": 1_010.0,
        "synthetic_tokens": 3.0,
        "warnings": ["1 clusters stay below their floor, 78 tokens short"],
    }
    first, second = table["clusters"]
    assert first == {
        "cluster": 0,
        "reference": 0.9,
        "target": 0.9,
        "floor": 0.72,
        "tail": False,
        "boosted": False,
        "accepted": 990.0,
        "available_synthetic": 0.0,
        "cap": 0.25,
        "real": 990.0,
        "synthetic": 0.0,
        "real_weight": 1.0,
        "synthetic_weight": 0.0,
        "before": 0.99,
        "after": round(990 / 1_013, 9),
        "missing": 0.0,
        "cause": "",
    }
    told = ("tail", "boosted", "real", "synthetic", "real_weight", "synthetic_weight", "before", "after", "missing")
    assert [second[name] for name in told] == [True, True, 20, 3, 2.0, 1.0, 0.01, round(23 / 1_013, 9), 78.3]
    assert second["cause"] == "supply"


def test_tokens_in_the_table_have_three_decimals_and_shares_nine():
    table = simple([3, 3, 1], [100 / 3, 11 / 7, 0], [200 / 3, 200 / 7, 0], gate=False, alpha=1.0).to_dict()
    assert table["real_tokens"] == 34.905 and table["synthetic_tokens"] == round(table["synthetic_tokens"], 3) > 0
    decimals = {name: 3 for name in ("accepted", "available_synthetic", "real", "synthetic", "missing")}
    decimals |= {name: 9 for name in ("reference", "target", "floor", "before", "after")}
    for name, places in decimals.items():
        told = [row[name] for row in table["clusters"]]
        assert told == [round(value, places) for value in told] != [round(value, places - 1) for value in told], name


def test_warnings_tell_the_numbers():
    def warned(*args, **settings):
        return simple(*args, **{"alpha": 1.0, **settings}).warnings

    halves = ([500, 500], [800, 200], [0, 0])
    above = "the budget of 2000 tokens is above the real supply of 1000"
    assert warned(*halves, token_budget=2_000, max_copies=1, max_head_loss=0.9) == (above,)
    assert warned(*halves, token_budget=1_000, max_copies=1, max_head_loss=0.9) == ()
    assert warned(*halves, token_budget=900, max_copies=1, max_head_loss=0.9) == ()
    assert warned(*SHORT, [0, 0], max_copies=50, growth=1.05) == (
        "targets ask for 1100 real tokens, limited to 1050 by the growth allowed",
        "1 clusters stay below their floor, 45 tokens short",
    )
    assert warned([900, 100], [900, 100], [0, 0]) == ()


def test_rare_cluster_is_lifted_to_its_reference_share():
    result = simple([900, 100], [990, 10], [0, 0], alpha=1.0)
    assert result.tail.tolist() == [False, True]
    assert result.real.tolist() == [990, 40]  # four copies, the most
    assert result.missing[1] > 0 and result.cause[1] == "supply"


def test_shortage_is_filled_up_to_the_cap():
    result = simple([900, 100], [990, 10], [0, 1_000], alpha=1.0, gate=False)
    assert result.real.tolist() == [990, 10]
    assert result.synthetic[1] == pytest.approx(10 * 0.3 / 0.7)
    assert result.synthetic_weight[1] == pytest.approx(10 * 0.3 / 0.7 / 1_000, abs=1e-8)


@pytest.mark.parametrize("change", [{"frozen": True}, {"documents": 199}, {"synthetic_cap": 0.0}])
def test_no_fill(change):
    assert simple([900, 100], [990, 10], [0, 1_000], **change).synthetic.sum() == 0


def test_small_reference_keeps_everything_once_and_warns():
    result = simple([1, 99], [990, 10], [50, 50], documents=10)
    assert result.real_weight.tolist() == [1, 1]
    assert result.reference.tolist() == [0.99, 0.01]
    assert "fewer than 200" in result.warnings[0]
    assert not simple([0, 0], [990, 10], [0, 0], documents=0, min_reference=0).anchored
    assert simple([1, 99], [990, 10], [0, 0], documents=1, min_reference=1).anchored


def test_all_synthetic_builds_nothing():
    result = simple([500, 500], [0, 0], [1_000, 1_000])
    assert result.total == 0
    rows = result.to_dict()["clusters"]
    assert [(row["before"], row["after"]) for row in rows] == [(0, 0), (0, 0)]
    assert result.synthetic_weight.tolist() == [0, 0]


def test_one_cluster():
    result = simple([10], [500], [500])
    assert (result.real[0], result.synthetic[0], result.target[0]) == (500, 0, 1)


def test_budget_takes_real_first():
    below = simple([500, 500], [800, 200], [800, 800], token_budget=600, gate=False)
    assert below.real.sum() == pytest.approx(600) and below.synthetic.sum() == 0
    assert below.real[1] == pytest.approx(200)
    above = simple([500, 500], [800, 200], [800, 800], token_budget=2_000, gate=False)
    assert above.real.tolist() == [800, 200]
    assert 0 < above.synthetic.sum() <= 0.3 * above.total * (1 + 1e-9)


def test_growth_is_limited():
    result = simple([100] * 5, [500, 125, 125, 125, 125], [0] * 5, growth=1.1)
    assert result.real.sum() == pytest.approx(1_100)
    assert "growth" in result.warnings[0]


def test_targets_sum_to_one_and_keep_their_floors():
    share = np.array([0.7, 0.2, 0.06, 0.04])
    target, floor = targets(share, np.array([False, False, True, True]), 0.5, 0.2)
    assert target.sum() == pytest.approx(1)
    assert np.all(target >= floor - 1e-12)
    assert floor.tolist() == pytest.approx([0.56, 0.16, 0.06, 0.04])
    assert np.all(target[2:] > share[2:])


def test_defaults_are_those_of_the_configuration():
    mixture = Mixture()
    for name, value in vars(AllocationOptions()).items():
        assert value == getattr(mixture, name)


@pytest.mark.parametrize(
    ("supply", "settings", "filled"),
    [
        (1_000, {}, 30 / 7),  # its cap: three tokens to seven real ones
        (3, {}, 3),  # what there is
        (1_000, {"caps": [0.0, 0.5]}, 10),
        (1_000, {"caps": [0.0, 0.8]}, 40),
        (1_000, {"caps": [0.9, 0.0]}, 0),
        (1_000, {"caps": [0.0, 0.95]}, 90),  # all that is short
        (1_000, {"caps": [0.0, 0.95], "synthetic_cap": 0.05}, 1_000 / 19),  # the cap of the whole
        (1_000, {"caps": [0.0, 0.95], "token_budget": 1_020}, 20),  # what the budget has left
        (1_000, {"caps": [0.0, 0.95], "token_budget": 1_100}, 100),
        (1_000, {"caps": [0.0, 0.95], "token_budget": 900}, 0),
        (1_000, {"caps": [0.0, 0.95], "frozen": True}, 0),
    ],
)
def test_what_limits_the_fill(supply, settings, filled):
    result = simple(*SHORT, [0, supply], gate=False, alpha=1.0, **settings)
    assert result.synthetic.tolist() == pytest.approx([0, filled])
    assert result.synthetic_weight[1] == pytest.approx(filled / supply, abs=1e-9)


def test_a_cluster_of_one_token_is_filled():
    result = simple([900, 100], [999, 1], [0, 100], gate=False, alpha=1.0)
    assert result.synthetic.tolist() == pytest.approx([0, 3 / 7])


def test_a_cluster_above_its_floor_is_filled_up_to_its_share():
    result = simple([500, 500], [900, 260], [0, 1_000], False, caps=[0, 0.6], alpha=1.0, max_head_loss=0.6)
    assert result.synthetic.tolist() == pytest.approx([0, 580 - 260])


@pytest.mark.parametrize(
    ("share", "tail", "alpha", "loss", "expected"),
    [
        ([0.64, 0.36], [0, 0], 0.5, 0.9, [8 / 14, 6 / 14]),
        ([0.64, 0.36], [0, 0], 1.0, 0.9, [0.64, 0.36]),
        ([0.64, 0.36], [0, 0], 0.5, 0.05, [0.608, 0.392]),  # the floor of the first
        ([0.81, 0.16, 0.03], [0, 0, 1], 0.5, 0.2, [0.648, 0.352 * 4 / (4 + 3**0.5), 0.352 * 3**0.5 / (4 + 3**0.5)]),
        ([0.64, 0.36, 0.0], [0, 0, 1], 0.5, 0.9, [8 / 14, 6 / 14, 0]),
        ([0.64, 0.36], [1, 1], 0.5, 0.2, [0.64, 0.36]),
        ([0.0, 0.0], [0, 1], 0.5, 0.2, [0, 0]),
    ],
)
def test_targets(share, tail, alpha, loss, expected):
    """Shares to the power of α, of one sum, and never below the floors."""
    target, floor = targets(np.array(share), np.array(tail, bool), alpha, loss)
    assert target.tolist() == pytest.approx(expected)
    assert floor.tolist() == pytest.approx([s if t else (1 - loss) * s for s, t in zip(share, tail, strict=True)])


@pytest.mark.parametrize(
    ("settings", "real"),
    [
        ({"token_budget": 150}, [100, 50]),
        ({"token_budget": 90}, [90, 0]),
        ({"token_budget": 200}, [100, 100]),
        ({"token_budget": 300, "gate": [False, True]}, [100, 200]),
        ({}, [100, 100]),
        ({"gate": [True, True]}, [300, 100]),
    ],
)
def test_what_the_reference_does_not_know_takes_what_the_others_cannot(settings, real):
    result = simple([100, 0], [100, 100], [0, 0], **{"gate": False, "growth": 9.0, "max_copies": 3, **settings})
    assert result.real.tolist() == pytest.approx(real)


@pytest.mark.parametrize(
    ("accepted", "filled"), [([500, 400, 100], 0), ([510, 400, 90], 20), ([555, 290, 155], 45), ([490, 400, 110], 90)]
)
def test_a_fill_pushes_no_cluster_below_its_floor(accepted, filled):
    """The first is to have half of all: two tokens of fill for one to spare, and any number where it is below."""
    result = simple([500, 300, 200], accepted, [0, 0, 1_000], False, caps=[0, 0, 0.9], alpha=1.0, max_head_loss=0.0)
    assert result.synthetic.tolist() == pytest.approx([0, 0, filled])


@pytest.mark.parametrize(
    ("settings", "real"),
    [
        ({}, [990, 40]),
        ({"max_copies": 1}, [990, 10]),
        ({"max_copies": 2}, [990, 20]),
        ({"gate": [True, False]}, [990, 10]),
        ({"copyable": [990, 5]}, [990, 25]),
        ({"copyable": [990, 99]}, [990, 40]),  # no more than there is
        ({"max_copies": 50, "growth": 1.05}, [990, 60]),
        ({"max_copies": 50}, [990, 110]),  # a ninth of the first
        ({"max_copies": 50, "growth": 1.0}, [990, 10]),
        ({"token_budget": 1_020, "max_copies": 50}, [990, 30]),
        ({"token_budget": 500}, [460, 40]),  # of four copies at most; the first takes the rest
        ({"token_budget": 100}, [90, 10]),
    ],
)
def test_what_is_built_of_real_text(settings, real):
    result = simple(*SHORT, [0, 0], **{"alpha": 1.0, **settings})
    assert result.real.tolist() == pytest.approx(real)
    assert result.real_weight.tolist() == pytest.approx([real[0] / 990, real[1] / 10], abs=1e-9)


TOLERANCE = 1e-6


TOKENS = np.concatenate([np.zeros(64), np.arange(1, 65), np.geomspace(65, 1_000_000, 128)]).astype(np.int64)
"""Of a cluster: none, some or many, a quarter, a quarter and half of all."""

SHAPES = ("any", "one cluster", "no supply", "all synthetic", "budget below the supply")


@st.composite
def instances(draw, shape="any"):
    """Arguments of `allocate`, with extremes of every kind; a shape asks for one of them in every instance."""
    k = 1 if shape == "one cluster" else draw(st.integers(1, 12))

    def column(values):
        drawn = np.frombuffer(draw(st.binary(min_size=k, max_size=k)), np.uint8)
        return np.asarray(values)[drawn.astype(int) % len(values)]

    none = np.zeros(k, dtype=np.int64)
    accepted = none if shape in ("no supply", "all synthetic") else column(TOKENS)
    synthetic = none if shape == "no supply" else column(TOKENS)
    documents = draw(st.sampled_from([0, 10, 200, 5_000]))
    budget = int(accepted.sum() * draw(st.floats(0.01, 6.0)))
    if shape == "budget below the supply":
        accepted = accepted + 2
        budget = draw(st.integers(1, int(accepted.sum()) - 1))
    options = AllocationOptions(
        alpha=draw(st.sampled_from([0.3, 0.7, 0.85, 1.0])),
        max_head_loss=draw(st.sampled_from([0.0, 0.2, 1.0])),
        synthetic_cap=draw(st.sampled_from([0.0, 0.1, 0.3, 0.9])),
        token_budget=budget if shape.startswith("budget") else draw(st.sampled_from([0, 1, budget])),
        max_copies=draw(st.integers(1, 6)),
        growth=draw(st.sampled_from([1.0, 1.5, 10.0])),
    )
    reference = cluster_reference(column(TOKENS), documents, draw(st.sampled_from([0.05, 0.25, 0.9])))
    caps = column([0.0, 0.1, 0.3, 0.8]) if draw(st.booleans()) else None
    copyable = accepted * column([0.0, 0.4, 1.0]) if draw(st.booleans()) else None
    return reference, accepted, synthetic, column([True, False]), column([True, False]), options, caps, copyable


def ceiling(result, options, copyable):
    """The most real tokens that copies allow."""
    copied = result.accepted if copyable is None else copyable
    return result.accepted + np.where(result.boosted, options.max_copies - 1, 0) * copied


FULL_AT_A_BREAK = (  # rounding once let a cluster that is full take half of what another one needs
    cluster_reference(np.array([0, 0, 0, 0, 0, 0, 0, 0, 40, 160, 0, 0]), 200, 0.25),
    np.array([0, 0, 0, 0, 0, 16_824, 0, 0, 0, 0, 41, 21]),
    np.zeros(12),
    np.arange(12) % 6 == 5,
    np.zeros(12, dtype=bool),
    AllocationOptions(alpha=0.3, max_head_loss=0.0, max_copies=2),
    None,
    None,
)


@settings(max_examples=2_000, deadline=None)
@given(instances())
@example(FULL_AT_A_BREAK)
def test_guarantees(instance):
    check_guarantees(instance)


@pytest.mark.parametrize("shape", SHAPES[1:])
@settings(max_examples=500, deadline=None)
@given(st.data())
def test_guarantees_at_the_edges(shape, data):
    check_guarantees(data.draw(instances(shape)))


def check_guarantees(instance):
    reference, accepted, _, _, frozen, options, caps, copyable = instance
    result = allocate(*instance)
    scale = max(result.total, 1.0) * TOLERANCE
    r, s, budget = result.real, result.synthetic, options.token_budget
    assert np.all(np.isfinite(r)) and np.all(np.isfinite(s)) and np.all(s >= 0) and np.all(r >= 0)
    # G1
    if budget == 0 or budget >= accepted.sum():
        assert np.all(r >= accepted)
        assert np.all(result.real_weight[accepted > 0] >= 1)
    # G2, G3
    floor_tokens = result.floor * result.total
    met = r + s >= floor_tokens - scale
    assert np.array_equal(met | (result.missing > 0), np.ones_like(met))
    np.testing.assert_allclose(result.missing, np.where(result.missing > 0, floor_tokens - r - s, 0), atol=scale)
    limited = budget >= accepted.sum() if budget else any("growth" in warning for warning in result.warnings)
    supplied = ceiling(result, options, copyable) >= floor_tokens
    if not limited:
        assert np.all(met[supplied])
    assert np.all(result.cause[(result.missing > 0) & ~supplied] == "supply")
    assert np.all(result.floor[reference.tail] == result.reference[reference.tail])
    # G4
    assert s.sum() <= options.synthetic_cap * result.total + scale
    assert np.all(s <= (options.synthetic_cap if caps is None else caps) * (r + s) + scale)
    assert np.all(s[(accepted == 0) | frozen] == 0)
    assert np.all(s <= result.available + scale)
    # G5
    assert np.all(r <= ceiling(result, options, copyable) + scale)
    # sizes
    if budget:
        assert result.total <= budget * (1 + TOLERANCE) + scale
        if budget <= ceiling(result, options, copyable).sum():
            assert r.sum() == pytest.approx(budget, rel=1e-6)
    else:
        assert r.sum() <= options.growth * accepted.sum() + scale
    json.dumps(result.to_dict())


@settings(max_examples=2_000, deadline=None)
@given(instances(), st.integers(0, 20))
def test_synthetic_supply_never_moves_real_tokens(instance, factor):
    reference, accepted, synthetic, *others = instance
    one = allocate(*instance)
    many = allocate(reference, accepted, synthetic * factor, *others)
    assert np.array_equal(one.real, many.real)
    assert np.array_equal(one.real_weight, many.real_weight)


@settings(max_examples=500, deadline=None)
@given(instances(), st.randoms(use_true_random=False))
def test_does_not_depend_on_the_numbering_of_clusters(instance, random):
    reference, *columns, options, caps, copyable = instance
    # Of clusters with equal shares the lower-numbered ones become the tail, so the tail moves along.
    order = list(range(len(reference.share)))
    random.shuffle(order)
    moved = ClusterReference(reference.share[order], reference.documents, reference.tail[order])
    before = allocate(*instance)
    optional = (None if column is None else column[order] for column in (caps, copyable))
    after = allocate(moved, *(column[order] for column in columns), options, *optional)
    scale = max(before.total, 1.0) * TOLERANCE
    np.testing.assert_allclose(after.real, before.real[order], atol=scale)
    np.testing.assert_allclose(after.synthetic, before.synthetic[order], atol=scale)


@settings(max_examples=500, deadline=None)
@given(instances())
def test_size_without_budget_is_the_smallest_fixed_point(instance):
    reference, accepted, synthetic, gate, frozen, options, _, copyable = instance
    if options.token_budget or reference.documents < options.min_reference:
        return
    free = AllocationOptions(**{**vars(options), "growth": 1e9})
    result = allocate(reference, accepted, synthetic, gate, frozen, free, None, copyable)
    size = float(accepted.sum())
    for _ in range(300):  # monotone iteration from below, the definition
        size = float(np.clip(size * result.target, accepted, ceiling(result, free, copyable)).sum())
    assert result.real.sum() >= size * (1 - 1e-9)
    again = np.clip(result.real.sum() * result.target, accepted, ceiling(result, free, copyable)).sum()
    assert again == pytest.approx(result.real.sum(), rel=1e-6, abs=1e-6)


@settings(max_examples=500, deadline=None)
@given(instances())
def test_every_floor_that_is_missed_has_a_cause(instance):
    *_, frozen, options, _, _ = instance
    result = allocate(*instance)
    causes = floor_causes(result, frozen, options)
    assert [bool(names) for names in causes] == (result.missing > 0).tolist()
    assert all([name for name in CAUSES if name in names] == names for names in causes)
