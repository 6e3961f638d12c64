import pyarrow as pa
import pytest
from scipy.stats import binomtest

from curate.review.agreement import kappas, overrides, total, wilson
from curate.review.answers import Answer


@pytest.mark.parametrize(("found", "n"), [(0, 1), (1, 1), (0, 20), (3, 20), (10, 20), (500, 1000)])
def test_wilson_is_that_of_scipy(found, n):
    expected = binomtest(found, n).proportion_ci(method="wilson")
    assert wilson(found, n) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_wilson_of_nothing():
    assert wilson(0, 0) == (None, None)


def table(rows):
    return pa.Table.from_pylist(
        [dict(zip(("id", "decision", "stage", "reason", "cluster"), row, strict=True)) for row in rows]
    )


LEDGER = table(
    [
        ("suspect", "held", "synthetic", "suspect", 3),
        ("condemned", "dropped", "synthetic", "detector", 3),
        ("kept", "kept", None, None, None),
        ("conflict", "held", "synthetic", "conflict", 3),
        ("copy", "dropped", "dedupe", "exact", 1),
        ("silent", "held", "synthetic", "suspect", 9),
    ]
)


@pytest.mark.parametrize(
    ("id", "against"),
    [
        ("suspect", {"human", "keep"}),
        ("condemned", {"human", "keep"}),
        ("kept", {"synthetic", "drop"}),
        ("conflict", None),
        ("copy", None),
    ],
)
def test_what_contradicts_the_machine(id, against):
    for verdict in ("human", "synthetic", "keep", "drop"):
        (row,) = overrides(LEDGER, {id: verdict})
        assert row["answers"] == 1 and row["n"] == (against is not None)
        assert row["overrides"] == (against is not None and verdict in against)


def test_by_cluster():
    rows = overrides(LEDGER, {"suspect": "human", "condemned": "drop", "kept": "drop", "conflict": "human"})
    assert [(row["cluster"], row["answers"], row["n"], row["overrides"], row["rate"]) for row in rows] == [
        (3, 3, 2, 1, 0.5),
        (None, 1, 1, 1, 1.0),
    ]
    whole = total(rows)
    assert (whole["answers"], whole["n"], whole["overrides"]) == (4, 3, 2)
    assert whole["low"] < 2 / 3 < whole["high"]
    assert total([])["rate"] is None


def said(reviewer, verdicts):
    return [Answer(f"d{n}", "c", verdict, reviewer, "t") for n, verdict in enumerate(verdicts) if verdict]


@pytest.mark.parametrize(
    ("one", "other", "n", "agreement", "kappa"),
    [
        (["human"] * 2 + ["synthetic"] * 2, ["human"] * 2 + ["synthetic"] * 2, 4, 1.0, 1.0),
        (["human", "synthetic"] * 2, ["human", "human", "synthetic", "synthetic"], 4, 0.5, 0.0),
        (["human", None, "drop"], ["human", "keep", "human"], 2, 0.5, 0.0),
        (["human"] * 3, ["human"] * 3, 3, 1.0, None),
        # Cohen's own way of counting: (.7 - .5) / (1 - .5)
        (["human"] * 25 + ["drop"] * 25, ["human"] * 17 + ["drop"] * 8 + ["human"] * 7 + ["drop"] * 18, 50, 0.7, 0.4),
    ],
)
def test_kappa(one, other, n, agreement, kappa):
    (pair,) = kappas([*said("ana", one), *said("ben", other)])
    assert (pair["reviewers"], pair["n"]) == (["ana", "ben"], n)
    assert pair["agreement"] == pytest.approx(agreement)
    assert pair["kappa"] == (None if kappa is None else pytest.approx(kappa))


def test_no_pair_without_common_documents():
    assert kappas(said("ana", ["human", None]) + said("ben", [None, "human"])) == []
