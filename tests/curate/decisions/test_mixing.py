"""The last stage on tables made by hand: sums, the table of the mixture, and what becomes of survivors."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.clusters.groups import Groups
from curate.config import make_config
from curate.decisions.groups import DECIDED
from curate.decisions.mixing import (
    FINISHED,
    SUMS,
    ClusterSums,
    Mixture,
    document_weights,
    finish,
    mix,
    tally_budget,
)
from curate.decisions.reference import Reference
from curate.decisions.verdict import ACCEPT, FILL, HOLD
from curate.detector.calibration import Calibration
from curate.hashing import hash_strings
from curate.mixture.allocation import AllocationOptions, allocate
from curate.mixture.grades import GRADES
from curate.mixture.reference import ClusterReference
from curate.mixture.sampling import BudgetSearch, budget_copies, copies, in_validation

USUAL = {
    "id": "d",
    "tokens": 100,
    "cluster": 0,
    "site": "a.org",
    "source": "web",
    "media": False,
    "earlier": False,
    "verdict": int(ACCEPT),
    "quality": 0.5,
    "quality_passed": True,
    "verified": True,
    "matched_earlier": False,
    "origin": "unknown",
    "tier": "uncertain",
    "p_synthetic": 0.05,
    "weight": 1.0,
}
FILLING, MIXED, MEDIA = {"verdict": int(FILL)}, {"origin": "mixed"}, {"media": True, "cluster": None, "tokens": 0}
COPY = {"decision": "dropped", "stage": "dedupe", "reason": "exact"}
BEST = GRADES - 1
"""The grade of the usual document, which a person likely wrote."""


def decided(*rows):
    """`DECIDED` of rows, each of which tells in what it differs from the usual one."""
    rows = [{**USUAL, "id": f"d{number}", **row} for number, row in enumerate(rows)]
    return pa.Table.from_pylist(rows, schema=DECIDED)


def summed(*rows):
    """What is summed, without zeros and what is usual of the key."""
    table = ClusterSums.collect(decided(*rows)).table
    assert table.schema == SUMS
    usual = {"cluster": 0, "site": "a.org", "grade": BEST}
    return [{name: value for name, value in row.items() if value != usual.get(name, 0)} for row in table.to_pylist()]


MILLION = 1_000_000


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({}, {"accepted": 100 * MILLION, "accepted_documents": 1}),
        ({"weight": 0.25, "tokens": 7}, {"accepted": 1_750_000, "accepted_documents": 1}),
        ({"weight": 1 / 3, "tokens": 3}, {"accepted": 999_999, "accepted_documents": 1}),
        (MIXED, {"accepted": 100 * MILLION, "mixed": 100 * MILLION, "accepted_documents": 1, "grade": 0}),
        (
            {**MIXED, "weight": 0.5, "tokens": 10},
            {"accepted": 5 * MILLION, "mixed": 5 * MILLION, "accepted_documents": 1, "grade": 0},
        ),
        ({"verdict": int(HOLD), "decision": "held", "stage": "synthetic", "reason": "suspect"}, {"grade": 0}),
        ({"verdict": int(HOLD)}, {}),
        # synthetic text
        (FILLING, {"fill": 100}),
        ({**FILLING, "quality_passed": False}, {"grade": 0}),
        ({**FILLING, "verified": False}, {}),
        ({**FILLING, **COPY}, {}),
        ({**FILLING, **MIXED}, {"fill": 100, "grade": 0}),
        # quality
        ({"quality": 0.1}, {"accepted": 100 * MILLION, "accepted_documents": 1}),
        ({"quality": 0.09}, {"accepted": 100 * MILLION, "accepted_documents": 1, "odd": 1}),
        ({"quality": None}, {"accepted": 100 * MILLION, "accepted_documents": 1}),
        (
            {"quality_passed": False},
            {"accepted": 100 * MILLION, "accepted_documents": 1, "unfit": 1, "grade": 0},
        ),
        ({**FILLING, "quality": 0.01}, {"fill": 100}),
        # duplicates
        (COPY, {"duplicates": 1}),
        ({**COPY, "matched_earlier": True}, {}),
        ({**COPY, "verdict": int(HOLD)}, {}),
        ({"decision": "dropped", "stage": "rights", "reason": "rights"}, {}),
        # grades
        ({"p_synthetic": 0.2}, {"accepted": 100 * MILLION, "accepted_documents": 1, "grade": BEST - 1}),
        ({"p_synthetic": 0.9}, {"accepted": 100 * MILLION, "accepted_documents": 1, "grade": 1}),
        ({"reason": "suspect"}, {"accepted": 100 * MILLION, "accepted_documents": 1, "grade": 0}),
        ({"reason": "uncalibrated"}, {"accepted": 100 * MILLION, "accepted_documents": 1}),
    ],
)
def test_what_is_summed_of_a_document(row, expected):
    assert summed(row) == [expected]


def test_sums_are_of_cluster_site_and_grade():
    rows = [{}, {}, {"site": "b.org"}, {"site": None}, {"cluster": 2}, {"cluster": None}, {"p_synthetic": 0.5}]
    sums = ClusterSums.collect(decided(*rows))
    keys = [tuple(row.values())[:3] for row in sums.table.to_pylist()]
    assert keys == [(0, "a.org", 2), (0, "a.org", BEST), (0, "b.org", BEST), (0, None, BEST), (2, "a.org", BEST)]
    assert sums.by_cluster("accepted_documents", 4).tolist() == [5, 0, 1, 0]
    by_grade = sums.by_grade("accepted_documents", 3)
    assert by_grade.shape == (3, GRADES) and by_grade.sum() == 6
    assert (by_grade[0, 2], by_grade[0, BEST], by_grade[2, BEST]) == (1, 4, 1)
    assert sums.clusters() == 3
    assert ClusterSums.collect(decided()).clusters() == 0
    assert ClusterSums.collect(decided({"cluster": None})).clusters() == 0


ROW = st.fixed_dictionaries(
    {
        "cluster": st.sampled_from([None, 0, 1]),
        "site": st.sampled_from([None, "a", "b"]),
        "weight": st.sampled_from([0.1, 1.0]),
        "p_synthetic": st.sampled_from([0.05, 0.4]),
        "verdict": st.sampled_from([int(ACCEPT), int(FILL)]),
    }
)


@settings(max_examples=50)
@given(st.lists(ROW, max_size=8), st.integers(0, 8))
def test_sums_merge(rows, cut):
    whole = ClusterSums.collect(decided(*rows)).table
    one, other = ClusterSums.collect(decided(*rows[:cut])), ClusterSums.collect(decided(*rows[cut:]))
    assert one.merge(other).table.equals(whole) and other.merge(one).table.equals(whole)


def reference(tokens, documents=500, squares=False):
    """A reference of so many documents in each cluster, and without any score."""
    counts = dict.fromkeys(tokens, documents)
    empty = Calibration({}, {})
    return Reference(empty, tokens, counts, counts, squares={c: n * 100 for c, n in tokens.items()} if squares else {})


def mixed_of(rows, given=None, clustering=None, **mixture):
    config = make_config({"mixture": mixture})
    given = given or reference({0: 50_000, 1: 50_000})
    return mix(ClusterSums.collect(decided(*rows)), given, config, clustering)


def column(mixture, name):
    return [row[name] for row in mixture.to_dict()["clusters"]]


def spread(count, **row):
    """Documents of as many sites."""
    return [{"site": f"{number}.org", **row} for number in range(count)]


OPEN = {"min_cluster_docs": 1, "min_cluster_sources": 1}


def test_nothing_to_mix():
    for nothing in (
        mixed_of([{}], enabled=False),
        mixed_of([], reference({})),
        mix(None, reference({0: 5}), make_config({})),
    ):
        assert nothing.allocation is None and nothing.to_dict() == {}
        assert nothing.grade_weights.shape == (0, GRADES) and nothing.tail_mass == 0.25
        assert (nothing.mixed_weight, nothing.mixed_tokens) == (1.0, 0.0)


def test_the_table_of_the_mixture():
    found = mixed_of([*spread(20), {"cluster": 1}, {"cluster": 1, **FILLING, "tokens": 30}, {"cluster": 1, **MIXED}])
    table = found.to_dict()
    assert (table["mixed_weight"], table["mixed_tokens"], table["tail_mass"]) == (1.0, 100.0, 0.25)
    assert table["unknown_caps"] == []
    assert column(found, "accepted") == [2_000, 200] and column(found, "available_synthetic") == [0, 30]
    assert column(found, "accepted_documents") == [20, 2]
    assert column(found, "reference_documents") == [500, 500]
    assert column(found, "fragile") == [False, True]
    assert column(found, "frozen") == [False, False]
    assert column(found, "gate_failed") == [[], ["documents", "sources", "one_source"]]
    assert not {"before", "after", "reference_low"} & table["clusters"][0].keys()


def test_clusters_that_one_side_knows():
    found = mixed_of([{"cluster": 2}], reference({0: 50_000}))
    assert column(found, "reference_documents") == [500, 0, 0]
    assert column(found, "accepted_documents") == [0, 0, 1]
    # One that holds nothing real has no share; the others are smoothed by half a document each.
    assert column(found, "reference") == pytest.approx([50_050 / 50_100, 0, 50 / 50_100], abs=1e-9)
    assert found.grade_weights[:2].tolist() == [[1.0] * GRADES] * 2
    assert column(mixed_of([], reference({1: 50_000})), "reference") == [0, 1]
    assert column(mixed_of([], reference({0: 50_000, 1: 1})), "reference")[1] > 0


@pytest.mark.parametrize(("documents", "fragile"), [(0, False), (1, True), (17, True), (18, False)])
def test_fragile_clusters(documents, fragile):
    assert column(mixed_of(spread(documents)), "fragile") == [fragile, False]


@pytest.mark.parametrize(
    ("odd", "unfit", "fails"), [(6, 0, False), (7, 0, True), (0, 4, False), (0, 5, True), (0, 0, False)]
)
def test_junk_is_not_boosted(odd, unfit, fails):
    """More than three odd documents in four, or more than half that fail the gate of quality, of eight."""
    rows = spread(8)
    for row in rows[:odd]:
        row["quality"] = 0.05
    for row in rows[:unfit]:
        row["quality_passed"] = False
    found = mixed_of(rows)
    assert column(found, "gate_failed")[0] == (["quality"] if fails else [])
    assert column(found, "boosted")[0] != fails


def test_sites_of_clusters_short_of_text():
    rows = [*[{"site": "big.org"}] * 3, *spread(12), {"site": None}, {"cluster": 1, "site": "z.org"}]
    rows += [{"site": "2.org"}, {"site": "machine.org", **FILLING}]
    found = mixed_of(rows, reference({0: 90_000, 1: 10_000}), growth=1.0, alpha=1.0, max_head_loss=0.0)
    assert [bool(missing) for missing in column(found, "missing")] == [False, True]
    assert column(found, "sites") == [13, 1]
    assert column(found, "top_sites") == [[], [{"site": "z.org", "documents": 1}]]
    turned = mixed_of(rows, reference({0: 99_000, 1: 1_000}), growth=1.0, alpha=1.0, max_head_loss=0.0)
    top = column(turned, "top_sites")
    assert [(site["site"], site["documents"]) for site in top[0]] == [
        ("big.org", 3), ("2.org", 2), *((f"{name}.org", 1) for name in (0, 1, 10, 11, 3, 4, 5, 6)),
    ]  # fmt: skip
    assert top[1] == []


def test_intervals_hold_the_shares():
    given = reference({0: 90_000, 1: 10_000}, squares=True)
    found = mixed_of(spread(3), given)
    for row in found.to_dict()["clusters"]:
        assert 0 < row["reference_low"] < row["reference"] < row["reference_high"] < 1
    small = mixed_of(spread(3), reference({0: 90_000, 1: 10_000}, documents=50, squares=True))
    assert not small.allocation.anchored and "reference_low" not in small.to_dict()["clusters"][0]
    absent = mixed_of([*spread(3), {"cluster": 3}], given).to_dict()["clusters"]
    assert absent[3]["reference_low"] == pytest.approx(0.5 / (1_000 + 0.5 * 3), abs=1e-9)  # half a document of 1,001.5
    assert (absent[2]["reference_low"], absent[2]["reference_high"]) == (0, 0)
    assert 0 < absent[3]["reference_low"] == absent[3]["reference"] < absent[3]["reference_high"]
    rare = reference({0: 100_000}, documents=1_000, squares=True)
    only = mixed_of(spread(3), rare).to_dict()["clusters"][0]
    assert (only["reference_low"], only["reference_high"]) == (pytest.approx(1, abs=0.01), 1)


@pytest.mark.parametrize(
    ("clustering", "caps", "expected", "unknown"),
    [
        (None, {}, [0.3, 0.3], []),
        (None, {"1": 0.1, "7": 0.2}, [0.3, 0.1], ["7"]),
        (
            Groups(pa.array(["law", "news", "old"])),
            {"news": 0.0, "old": 0.5, "z": 0.2, "y": 0.1},
            [0.3, 0.0],
            ["y", "z"],
        ),
    ],
)
def test_caps_of_clusters(clustering, caps, expected, unknown):
    column_of = None if clustering is None else "topic"
    found = mixed_of(spread(3), clustering=clustering, cluster_caps=caps, group_column=column_of)
    assert column(found, "cap") == expected and found.to_dict()["unknown_caps"] == unknown


def test_settings_reach_the_allocation():
    """Each of them changes what is built of the same sums."""
    rows = [{**row, "cluster": cluster} for cluster, count in enumerate((30, 3, 3)) for row in spread(count)]
    rows += [{"cluster": number % 3, **FILLING} for number in range(30)]
    given = reference({0: 60_000, 1: 25_000, 2: 15_000})
    usual = mixed_of(rows, given, **OPEN).to_dict()["clusters"]
    for other in (
        {"alpha": 0.3},
        {"max_head_loss": 0.5},
        {"synthetic_cap": 0.1},
        {"token_budget": 1_000},
        {"max_copies": 2},
        {"growth": 1.1},
        {"min_reference": 5_000},
        {"min_cluster_docs": 4},
        {"min_cluster_sources": 4},
        {"tail_mass": 0.6},
    ):
        assert mixed_of(rows, given, **{**OPEN, **other}).to_dict()["clusters"] != usual, other


def test_copies_are_of_what_may_be_copied():
    """Ten documents are boosted; the suspects among them stay as they are, and the others get their copies."""
    rows = [*spread(40), *spread(5, cluster=1), *spread(5, cluster=1, reason="suspect")]
    found = mixed_of(rows, **OPEN, max_copies=3)
    assert column(found, "boosted") == [True, True]
    assert column(found, "real_weight")[1] == pytest.approx(2.0)  # (5 · 3 + 5 · 1) / 10
    assert found.grade_weights[1, [0, BEST]].tolist() == [1.0, 3.0]


def test_mixed_documents_stay_within_their_cap():
    rows = [*spread(9), *spread(3, **MIXED)]
    found = mixed_of(rows, reference({0: 50_000}), mixed_cap=0.1)
    assert found.mixed_weight == pytest.approx(1 / 3) and found.mixed_tokens == 300
    weights = document_weights(decided(*rows), found)
    assert weights[:9].tolist() == [1] * 9 and weights[9:].tolist() == [found.mixed_weight] * 3
    assert mixed_of(rows, reference({0: 50_000}), mixed_cap=0.0).mixed_weight == 0


ANY = {
    "cluster": st.integers(0, 2),
    "tokens": st.sampled_from([10, 100, 1_000]),
    "p_synthetic": st.sampled_from([0.05, 0.4, 0.8]),
    "quality_passed": st.sampled_from([True, True, False]),
}
DOCUMENT = st.one_of(
    st.fixed_dictionaries(
        {**ANY, "weight": st.sampled_from([1.0, 1.0, 0.25]), "origin": st.sampled_from(["unknown", "human", "mixed"])}
    ),
    st.fixed_dictionaries({**ANY, "verdict": st.just(int(FILL))}),
)
MIXTURES = st.fixed_dictionaries(
    {
        "mixed_cap": st.sampled_from([0.0, 0.1, 0.5, 1.0]),
        "token_budget": st.sampled_from([0, 0, 300, 4_000]),
        "max_copies": st.integers(1, 4),
        "cluster_caps": st.sampled_from([{}, {"0": 0.0, "2": 0.6}]),
    }
)


@settings(max_examples=150)
@given(st.lists(DOCUMENT, min_size=1, max_size=12), MIXTURES)
def test_documents_weigh_what_was_allocated(rows, mixture):
    """Cluster by cluster, the tokens of the documents at their weights are those to be built, real and synthetic."""
    found = mixed_of(rows, reference({0: 60_000, 1: 30_000, 2: 10_000}), **OPEN, **mixture)
    table = decided(*rows)
    weighted = document_weights(table, found) * table["tokens"].to_numpy()
    cluster, fills = table["cluster"].to_numpy(), table["verdict"].to_numpy() == FILL
    for number in range(3):
        here = cluster == number
        real, synthetic = found.allocation.real[number], found.allocation.synthetic[number]
        assert weighted[here & ~fills].sum() == pytest.approx(real, rel=1e-6, abs=1e-4)
        assert weighted[here & fills].sum() == pytest.approx(synthetic, rel=1e-6, abs=1e-4)


def made(real_weight=(1.0, 0.5), synthetic_weight=(0.25, 0.0), mixed_weight=1.0):
    """A mixture that says what each of two clusters weighs; documents that may be copied weigh twice as much."""
    allocation = allocate(
        ClusterReference(np.array([0.5, 0.5]), 500, np.zeros(2, bool)),
        [100, 100],
        [100, 100],
        [False, False],
        [False, False],
        AllocationOptions(),
    )
    weights = np.array(real_weight)
    grades = np.repeat(2 * weights[:, None], GRADES, axis=1)
    grades[:, 0] = weights
    allocation = replace(allocation, synthetic_weight=np.array(synthetic_weight))
    return Mixture(allocation, grades, {}, 0.25, mixed_weight)


@pytest.mark.parametrize(
    ("row", "weight"),
    [
        ({}, 2.0),
        ({"cluster": 1}, 1.0),
        ({"cluster": 1, "reason": "suspect", "weight": 0.3}, 0.15),
        ({"cluster": None}, 1.0),
        ({"cluster": None, "weight": 0.3}, 0.3),
        (FILLING, 0.25),
        ({**FILLING, "cluster": None}, 0.0),
        ({**FILLING, "quality_passed": False}, 0.0),
        ({**FILLING, "verified": False}, 0.0),
        ({"verified": False}, 2.0),
        ({"quality_passed": False}, 1.0),
        (MIXED, 0.4),
        ({**MIXED, **FILLING}, 0.25),
        ({**MIXED, **MEDIA}, 1.0),
        (MEDIA, 1.0),
        ({**MEDIA, **FILLING}, 1.0),
        ({**MEDIA, "cluster": 1}, 1.0),
        (COPY, 0.0),
        ({"decision": "held", "stage": "synthetic", "reason": "suspect", "verdict": int(HOLD)}, 0.0),
        ({"weight": 1 / 3}, 0.666666667),
    ],
)
def test_weight_of_a_document(row, weight):
    assert document_weights(decided(row), made(mixed_weight=0.4)).tolist() == [weight]


def test_weights_without_a_mixture():
    rows = [{}, FILLING, {"cluster": None, "weight": 0.5}, {**FILLING, "verified": False}]
    assert document_weights(decided(*rows), Mixture(None, np.ones((0, GRADES)), {}, 0.25)).tolist() == [1, 1, 0.5, 0]


def finished(rows, made, threshold=None, **config):
    table = finish(decided(*rows), made, make_config(config), threshold)
    assert table.schema == FINISHED
    return table


KEPT = ("kept", None, None)
NOT_TAKEN = {"p_synthetic": 0.05, "weight": 1e-6}
"""A document whose weight is so small that no draw takes it."""


@pytest.mark.parametrize(
    ("row", "mixture", "outcome"),
    [
        ({}, {}, KEPT),
        ({"reason": "uncalibrated"}, {}, ("kept", None, "uncalibrated")),
        (COPY, {}, ("dropped", "dedupe", "exact")),
        (FILLING, {}, KEPT),
        ({**FILLING, "cluster": 1}, {}, ("dropped", "mixture", "no_shortage")),
        ({**FILLING, "verified": False}, {}, ("dropped", "mixture", "unverified")),
        ({**FILLING, "quality_passed": False}, {}, ("dropped", "mixture", "quality")),
        ({**FILLING, "quality_passed": False, "verified": False}, {}, ("dropped", "mixture", "quality")),
        ({**FILLING, **COPY}, {}, ("dropped", "dedupe", "exact")),
        (MIXED, {}, KEPT),
        (MIXED, {"mixed_weight": 0.0}, ("dropped", "mixture", "mixed")),
        ({**MIXED, **COPY}, {"mixed_weight": 0.0}, ("dropped", "dedupe", "exact")),
        ({**MIXED, **FILLING}, {"mixed_weight": 0.0}, KEPT),
        ({**MIXED, **MEDIA}, {"mixed_weight": 0.0}, KEPT),
        (NOT_TAKEN, {}, KEPT),
    ],
)
def test_outcome_of_a_document(row, mixture, outcome):
    (found,) = finished([row], made(**mixture)).to_pylist()
    assert (found["decision"], found["stage"], found["reason"]) == outcome
    assert (found["weight"] > 0) == (outcome[0] == "kept") and (found["copies"] == 0 or found["weight"] > 0)


@pytest.mark.parametrize(
    ("row", "real_weight", "kept"),
    [
        (NOT_TAKEN, 0.4, False),
        (NOT_TAKEN, 0.5, True),  # twice that is 1: its cluster is not cut for the budget
        (NOT_TAKEN, 0.6, True),
        ({}, 0.5, True),
        ({**NOT_TAKEN, **MEDIA}, 0.4, True),
        ({**NOT_TAKEN, "cluster": None}, 0.4, True),
        ({**NOT_TAKEN, **COPY}, 0.4, None),
        ({**NOT_TAKEN, **FILLING}, 0.4, False),
    ],
)
def test_what_a_budget_leaves_out(row, real_weight, kept):
    mixture = made(real_weight=(real_weight, real_weight))
    (found,) = finished([row], mixture, mixture={"token_budget": 5}).to_pylist()
    outcome = found["decision"], found["stage"], found["reason"]
    if kept is None:
        assert outcome == ("dropped", "dedupe", "exact")
    else:
        assert outcome == (KEPT if kept else ("dropped", "mixture", "budget"))
        assert (found["weight"] > 0) == kept and found["copies"] == (1 if row == {} else 0)
    (free,) = finished([row], mixture).to_pylist()
    assert (free["decision"] == "kept") == (kept is not None)


def test_reasons_of_the_mixture_go_before_the_budget():
    rows = [{**FILLING, "cluster": 1}, MIXED]
    found = finished(rows, made(mixed_weight=0.0, real_weight=(0.1, 0.1)), mixture={"token_budget": 5})
    assert found["reason"].to_pylist() == ["no_shortage", "mixed"]


def test_copies_and_splits_are_drawn_by_id():
    rows = [{"id": f"{number}", "cluster": number % 2} for number in range(200)]
    mixture, config = made(real_weight=(0.7, 0.15)), {"run": {"seed": 3, "validation_share": 0.3}}
    keys = hash_strings(decided(*rows)["id"])
    weights = np.where(np.arange(200) % 2, 0.3, 1.4)
    found = finished(rows, mixture, **config)
    assert found["weight"].to_numpy() == pytest.approx(weights)
    assert found["copies"].to_pylist() == copies(weights, keys, 3).tolist()
    half = finished(rows, mixture, threshold=1 << 62, **config)
    assert half["copies"].to_pylist() == budget_copies(weights, keys, 1 << 62, 3).tolist()
    assert half["copies"].to_pylist() != found["copies"].to_pylist()
    validation = in_validation(keys, 0.3, 3)
    assert found["split"].to_pylist() == ["validation" if chosen else "train" for chosen in validation]
    assert found["place"].to_pylist() == keys.tolist()


def test_loss_weights_are_of_fills():
    mixture = made()
    total = mixture.allocation.real.sum()
    even = replace(mixture, allocation=replace(mixture.allocation, synthetic=np.array([total, 0.0])))
    found = finished([{}, FILLING], even)["loss_weight"].to_pylist()
    assert found == [1.0, 0.618033989]  # as many synthetic as real tokens
    none = Mixture(None, np.ones((0, GRADES)), {}, 0.25)
    assert finished([{}, FILLING], none)["loss_weight"].to_pylist() == [1.0, 1.0]


def test_tokens_that_a_budget_is_spent_on():
    rows = [{"tokens": 10}, {"tokens": 7, "cluster": 1}, {**MEDIA, "tokens": 1_000}, {**COPY, "tokens": 50}]
    rows += [{**MEDIA, "tokens": None}, {"tokens": 4, "cluster": 1, "weight": 0.5}]
    mixture = made(real_weight=(1.5, 0.5))
    found = tally_budget(decided(*rows), mixture, BudgetSearch(100), make_config({}))
    assert (found.whole, found.weighted) == (30 + 7, 39 * MILLION)
    assert found.by_digit.sum() == 4  # tokens of documents whose weight has a fraction
