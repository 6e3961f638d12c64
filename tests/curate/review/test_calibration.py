import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.detector.calibration import conformal_threshold
from curate.review.calibration import MIN_ANSWERS, highest, least_thresholds, queue_hash, raised, weighted_threshold

SCHEMA = pa.schema(
    [("id", pa.string()), ("decision", pa.string()), ("reason", pa.string()), ("tier", pa.string()),
     ("detector_score", pa.float32()), ("threshold", pa.float32()), ("group", pa.string()), ("cluster", pa.int32())]
)  # fmt: skip


def row(id, score, cluster=0, decision=None, **values):
    held = score > 1.0
    return {
        "id": id,
        "decision": decision or ("held" if held else "kept"),
        "reason": "suspect" if held else None,
        "tier": "uncertain",
        "detector_score": score,
        "threshold": 1.0,
        "group": "en",
        "cluster": cluster,
    } | values


def ledger(held=60, accepted=300, cluster=0):
    rows = [row(f"h{cluster}-{n}", 1.0 + (n + 1) / 100, cluster) for n in range(held)]
    return rows + [row(f"k{cluster}-{n}", n / accepted, cluster) for n in range(accepted)]


def least(rows, verdicts, alpha=0.05):
    return least_thresholds(pa.Table.from_pylist(rows, schema=SCHEMA), verdicts, alpha, 1)


def queue(rows, cluster=0):
    ids = [each["id"] for each in rows if each["cluster"] == cluster and each["decision"] == "held"]
    return [ids[n] for n in np.argsort(queue_hash(pa.array(ids), 1))]


def test_people_above_the_threshold_raise_it_to_where_the_share_is_met():
    rows = ledger()
    verdicts = {id: "human" for id in queue(rows)}
    # 360 people: at most 360 - ⌈361 · .95⌉ = 17 above, of 60 the 43rd smallest score.
    assert least(rows, verdicts) == {"en": pytest.approx(1.43)}
    assert least(rows, verdicts, alpha=0.1) == {"en": pytest.approx(1.25)}


def test_people_below_the_share_change_nothing_nor_do_machines_lower_it():
    rows = ledger()
    order = queue(rows)
    assert least(rows, {id: "human" if n < 10 else "synthetic" for n, id in enumerate(order)}) == {}
    assert least(rows, {id: "synthetic" for id in order}) == {}


def test_a_random_sample_stands_for_all():
    rows = ledger(held=400, accepted=1000)
    sample = queue(rows)[:100]
    sampled, whole = least(rows, {id: "human" for id in sample})["en"], least(rows, dict.fromkeys(queue(rows), "human"))
    assert sampled == pytest.approx(whole["en"], abs=0.4)  # of scores from 1 to 5


@pytest.mark.parametrize("gap", ["unanswered", "keep", "drop"])
def test_after_a_gap_nothing_counts(gap):
    rows = ledger()
    order = queue(rows)
    verdicts = dict.fromkeys(order, "human")
    for place, counts in ((MIN_ANSWERS - 1, False), (MIN_ANSWERS, True)):
        given = verdicts | {order[place]: gap}
        if gap == "unanswered":
            del given[order[place]]
        assert bool(least(rows, given)) is counts


def test_a_reviewer_who_picks_the_high_scores_sways_nothing():
    rows = ledger(held=200)
    picked = sorted(queue(rows), key=lambda id: -int(id.split("-")[1]))[:40]
    assert least(rows, dict.fromkeys(picked, "human")) == {}


def test_a_stratum_without_answers_leaves_the_group_alone():
    rows = ledger() + ledger(held=1, cluster=1)
    verdicts = dict.fromkeys(queue(rows, 0), "human")
    assert least(rows, verdicts) == {}
    assert least(rows, verdicts | {"h1-0": "synthetic"})["en"] > 1


@pytest.mark.parametrize(
    "other",
    [
        {"tier": "trusted_human"},
        {"tier": "declared_synthetic"},
        {"decision": "dropped", "reason": "exact"},
        {"threshold": None},
        {"group": "de"},
    ],
    ids=str,
)
def test_documents_that_the_threshold_did_not_judge_do_not_count(other):
    rows = ledger()
    verdicts = dict.fromkeys(queue(rows), "human")
    more = [row(f"x{n}", 0.5, **other) for n in range(5000)]
    assert least(rows + more, verdicts) == least(rows, verdicts) != {}


def test_clusters_whose_suspects_are_kept_are_left_out():
    rows = ledger()
    verdicts = dict.fromkeys(queue(rows), "human")
    spared = [row(f"x{n}", 0.5, 7) for n in range(5000)] + [row("y", 1.5, 7, "kept")]
    assert least(rows + spared, verdicts) == least(rows, verdicts)


@given(st.lists(st.floats(0, 1, width=32), min_size=25, max_size=80), st.sampled_from([0.05, 0.1, 0.3]))
def test_with_all_people_known_it_is_the_conformal_threshold(scores, alpha):
    scores = np.sort(np.array(scores, dtype=np.float32))
    cut = conformal_threshold(scores, alpha)
    above = scores[scores >= cut].astype(np.float64)
    found = weighted_threshold(above, np.ones(len(above)), len(scores) - len(above), alpha)
    assert found == cut


def test_of_several_rounds_of_answers_the_highest_counts():
    assert highest({"en": 1.0, "de": 2.0}, {"en": 0.5, "fr": 0.0}) == {"de": 2.0, "en": 1.0, "fr": 0.0}
    assert highest({}, {}) == {}


def test_raised_only_raises():
    suspect = np.array([1.0, 3.0, np.nan, 1.0], dtype=np.float32)
    group = pa.array(["en", "en", "en", "de"])
    np.testing.assert_array_equal(raised(suspect, group, {"en": 2.0}), np.array([2, 3, np.nan, 1], np.float32))
    assert raised(suspect, group, {}) is suspect
