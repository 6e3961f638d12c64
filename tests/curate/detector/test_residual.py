import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.detector.prevalence import Densities, Prevalence
from curate.detector.residual import SourceLeft, curve, options, residual

ALPHAS = (0.05, 0.1, 0.2)
F0, F1 = np.array([[0.7, 0.2, 0.1]]), np.array([[0.1, 0.3, 0.6]])


def source(name="a", share=0.4, kept=(700, 260, 40), kept_human=0, judged=(1_000, 130, 200, 330), left=None):
    """Of 1,000 kept open documents and the 1,000 that the detector may hold, of which 130 are above α and so on."""
    found = Prevalence(share, max(share - 0.1, 0.0), min(share + 0.2, 1.0), share, share, 0.1, 1_130)
    kept_levels = (sum(kept), 0, 70, 200) if left is None else left
    levels = np.array([judged, kept_levels], dtype=np.int64)
    return SourceLeft(name, found, Densities(F0, F1), np.array([kept]), kept_human, levels)


def test_machine_text_left_is_what_the_cells_of_the_kept_hold():
    left = residual([source(kept_human=100)], ALPHAS, 0.5)
    chances = 0.4 * F1 / (0.4 * F1 + 0.6 * F0)
    assert left["machine"] == round(np.sum(chances * [[700, 260, 40]]))
    assert left["value"] == pytest.approx(np.sum(chances * [[700, 260, 40]]) / 1_100)
    assert left["n"] == 1_100
    assert left["low"] < left["value"] < left["high"]
    assert not left["over"] and left["options"] == []


def test_sources_have_their_own_share_and_together_that_of_all():
    none = source("gone", kept=(0, 0, 0), left=(0, 0, 0, 0))
    left = residual([source("b", 0.1), source(None, 0.8, kept_human=100), none], ALPHAS, 0.5)
    assert [(row["source"], row["n"]) for row in left["sources"]] == [(None, 1_100), ("b", 1_000)]
    for end in ("value", "low", "high"):
        assert sum(row[end] * row["n"] for row in left["sources"]) == pytest.approx(left[end] * left["n"])


def test_nothing_kept_nothing_left():
    nothing = source(kept=(0, 0, 0), left=(0, 0, 0, 0))
    assert residual([], ALPHAS, 0.3) is None
    assert residual([nothing], ALPHAS, 0.3) is None


def test_curve_takes_people_by_calibration_from_what_lies_above():
    """600 people and 400 machine documents: of the 130 above the threshold 30 are people's, of 330 at 4α 120."""
    rows = curve([source()], ALPHAS)
    assert [row["fpr"] for row in rows] == list(ALPHAS)
    assert [row["tpr"] for row in rows] == pytest.approx([100 / 400, 140 / 400, 210 / 400])
    assert [row["tpr"] for row in curve([source(share=0.0)], ALPHAS)] == [None] * 3


def test_a_stricter_threshold_costs_what_calibration_says():
    """Of the people kept at α a share of (α' - α) / (1 - α) is above the threshold of α'."""
    one = source()
    people = 1_000 - one.machine()
    found = {option["option"]: option for option in options([one], ALPHAS[:2], 0.1)}
    assert found["alpha"]["human"] == round(people * 0.05 / 0.95)
    assert found["alpha"]["documents"] == 70 and found["alpha"]["machine"] == 70 - found["alpha"]["human"]
    machine = 70 - people * 0.05 / 0.95
    assert found["alpha"]["beta_res"] == pytest.approx((one.machine() - machine) / 930)
    assert found["thin"]["documents"] == 35


def test_sources_go_by_their_machine_text_until_the_cap_is_met():
    sources = [
        source("clean", 0.05),
        source("mixed", 0.5, kept_human=10),
        source(None, 0.9),
        source("empty", 0.9, kept=(0, 0, 0), left=(0, 0, 0, 0)),
    ]
    drop = next(option for option in options(sources, ALPHAS, 0.3) if option["option"] == "drop")
    assert drop["sources"] == [None] and drop["beta_res"] < 0.3
    assert drop["machine"] == round(sources[2].machine()) and drop["documents"] == 1_000
    stricter = next(option for option in options(sources, ALPHAS, 0.1) if option["option"] == "drop")
    assert stricter["sources"] == [None, "mixed"]
    assert stricter["human"] == pytest.approx(2_010 - sources[1].machine() - sources[2].machine(), abs=1)
    assert not any(option["option"] == "drop" for option in options(sources[:1], ALPHAS, 0.01))


def test_review_reads_the_most_suspicious_first():
    one = source()
    left = one.machine()
    cap = (left - 20) / (1_000 - 20)  # twenty machine documents have to be found
    review = options([one], ALPHAS, cap)[-1]
    chance = one.densities.posterior(0.4)[0, 2]
    assert review["documents"] == int(np.ceil(20 / chance)) <= 40
    assert review["human"] == 0 and review["machine"] == 20
    assert review["beta_res"] == pytest.approx(cap)
    everything = options([one], ALPHAS, 0.0)[-1]
    assert everything["documents"] == 1_000 and everything["beta_res"] == pytest.approx(0)


count = st.integers(0, 500)


@st.composite
def sources(draw):
    def judged(total):
        above = sorted(draw(st.lists(st.integers(0, total), min_size=3, max_size=3)))
        return (total, *above)

    kept = draw(st.tuples(count, count, count))
    return source(
        draw(st.sampled_from(["a", "b", None])),
        draw(st.floats(0, 1)),
        kept,
        draw(count),
        judged(draw(st.integers(0, 2_000))),
        judged(draw(st.integers(0, sum(kept)))),
    )


@given(st.lists(sources(), min_size=1, max_size=4), st.floats(0, 0.9))
@settings(max_examples=100, deadline=None)
def test_shares_and_costs_stay_within_what_there_is(found, cap):
    left = residual(found, ALPHAS, cap)
    if left is None:
        return
    assert 0 <= left["low"] <= left["value"] <= left["high"] <= 1 + 1e-9
    assert left["over"] == (left["value"] > cap) == bool(left["options"])
    rates = [row["tpr"] for row in left["curve"] if row["tpr"] is not None]
    assert all(0 <= rate <= 1 for rate in rates)
    people = left["n"] - left["value"] * left["n"]
    for option in left["options"]:
        assert 0 <= option["machine"] <= left["machine"] + 1 and 0 <= option["human"] <= people + 1
        assert 0 <= option["documents"] <= left["n"]
        assert 0 <= option["beta_res"] <= 1 + 1e-9
    for option in left["options"]:
        if option["option"] in ("drop", "review"):
            assert option["beta_res"] <= left["value"] + 1e-9
    if left["over"]:
        assert left["options"][-1]["option"] == "review"
        assert left["options"][-1]["beta_res"] <= max(cap, 0) + 1e-6
