"""What becomes of one document for itself: every circumstance that changes it, and those that may not."""

import numpy as np
import pyarrow as pa
import pytest

from curate.decisions.actions import DROP as DROPPED
from curate.decisions.actions import HOLD as HELD
from curate.decisions.actions import KEEP, WEIGHT, Actions
from curate.decisions.verdict import ACCEPT, FILL, HOLD, REJECT, Zones, verdicts
from curate.provenance.origin import CLEAR, DROP, NO_ZONE, REAL, SUSPECT, SYNTHETIC, UNKNOWN

NAN = np.nan
# Scores between thresholds of 1 and 2.
ABOVE, BETWEEN, BELOW = {"score": 3.0}, {"score": 1.5}, {"score": 0.5}
UNCALIBRATED = {"score": 3.0, "suspect": NAN, "drop": NAN}


def zones(score=NAN, suspect=1.0, drop=2.0, failed=False, protected=False):
    """What the detector says of one document, or of some."""
    columns = np.broadcast_arrays(*map(np.atleast_1d, (score, suspect, failed, protected, drop)))
    score, suspect, failed, protected, drop = columns
    of_type = {"score": score, "suspect": suspect, "drop": drop}
    return Zones(
        **{name: values.astype(np.float32) for name, values in of_type.items()},
        failed=failed,
        protected=protected,
        log_odds=score.astype(np.float64),
        group=pa.nulls(len(score), pa.string()),
        group_n=pa.nulls(len(score), pa.int32()),
    )


def judge(
    own=UNKNOWN,
    conflict=False,
    from_machine=False,
    from_capture=False,
    actions=(HELD, DROPPED),
    p_human=0.3,
    fills=False,
    acts=True,
    **detector,
):
    found = verdicts(
        np.array([own], np.int8),
        np.array([conflict]),
        np.array([from_machine]),
        np.array([from_capture]),
        zones(**detector),
        Actions(*(np.array([action]) for action in actions)),
        np.array([p_human]),
        fills=fills,
        acts=acts,
        suspect_weight=0.1,
    )
    return int(found.verdict[0]), found.reason[0], float(found.weight[0])


GOOD = (ACCEPT, None, 1.0)
MIXTURE, NOTHING = {"fills": True, "acts": False}, {"acts": False}

CASES = [
    ({}, GOOD),  # the detector abstains
    (BELOW, GOOD),
    ({"score": 1.0}, GOOD),  # a score at the threshold is not above it
    (BETWEEN, (HOLD, "suspect", 1.0)),
    ({"score": 2.0}, (HOLD, "suspect", 1.0)),
    ({**ABOVE, "drop": NAN}, (HOLD, "suspect", 1.0)),
    (ABOVE, (REJECT, "detector", 1.0)),
    (UNCALIBRATED, (ACCEPT, "uncalibrated", 1.0)),
    ({"failed": True}, (ACCEPT, "uncalibrated", 1.0)),
    # actions
    ({**BETWEEN, "actions": (KEEP, DROPPED)}, (ACCEPT, "suspect", 1.0)),
    ({**BETWEEN, "actions": (WEIGHT, DROPPED)}, (ACCEPT, "suspect", 0.3)),
    ({**BETWEEN, "actions": (WEIGHT, DROPPED), "p_human": 0.05}, (ACCEPT, "suspect", 0.1)),
    ({**BETWEEN, "actions": (DROPPED, DROPPED)}, (REJECT, "suspect", 1.0)),
    ({**ABOVE, "actions": (KEEP, KEEP)}, (ACCEPT, "detector", 1.0)),
    ({**ABOVE, "actions": (KEEP, WEIGHT)}, (ACCEPT, "detector", 0.3)),
    ({**ABOVE, "actions": (KEEP, HELD)}, (HOLD, "detector", 1.0)),
    ({**BELOW, "actions": (WEIGHT, WEIGHT)}, GOOD),
    # protection
    ({**BETWEEN, "protected": True}, (ACCEPT, "suspect", 0.3)),
    ({**ABOVE, "protected": True}, (ACCEPT, "suspect", 0.3)),
    ({**ABOVE, "protected": True, "actions": (KEEP, DROPPED)}, (ACCEPT, "suspect", 1.0)),
    ({**BELOW, "protected": True}, GOOD),
    # what is known goes before the detector
    ({**ABOVE, "own": REAL}, GOOD),
    ({**UNCALIBRATED, "own": REAL}, GOOD),
    ({**ABOVE, "from_capture": True}, GOOD),
    ({**UNCALIBRATED, "from_capture": True}, GOOD),
    # machine text
    ({"own": SYNTHETIC}, (REJECT, "declared", 1.0)),
    ({**ABOVE, "own": SYNTHETIC}, (REJECT, "declared", 1.0)),
    ({**ABOVE, "own": SYNTHETIC, "fills": True}, (FILL, None, 1.0)),
    ({**UNCALIBRATED, "own": SYNTHETIC, **MIXTURE}, (FILL, None, 1.0)),
    ({**ABOVE, "own": SYNTHETIC, **NOTHING}, GOOD),
    ({"from_machine": True}, (REJECT, "copy_of_synthetic", 1.0)),
    ({**BETWEEN, "from_machine": True, "actions": (WEIGHT, WEIGHT)}, (REJECT, "copy_of_synthetic", 1.0)),
    ({"from_machine": True, **MIXTURE}, (REJECT, "copy_of_synthetic", 1.0)),
    ({**ABOVE, "from_machine": True, **NOTHING}, GOOD),
    # contradictions
    ({"conflict": True}, (HOLD, "conflict", 1.0)),
    ({"conflict": True, **NOTHING}, (HOLD, "conflict", 1.0)),
    ({**ABOVE, "conflict": True}, (HOLD, "conflict", 1.0)),
    ({**BETWEEN, "conflict": True, "actions": (WEIGHT, WEIGHT)}, (HOLD, "conflict", 1.0)),
    ({"conflict": True, "own": SYNTHETIC}, (HOLD, "conflict", 1.0)),
    ({"conflict": True, "own": SYNTHETIC, "fills": True}, (HOLD, "conflict", 1.0)),
    ({"conflict": True, "from_machine": True, "from_capture": True}, (HOLD, "conflict", 1.0)),
]


@pytest.mark.parametrize(("given", "expected"), CASES)
def test_verdict(given, expected):
    assert judge(**given) == expected


def test_verdicts_of_many_documents_are_those_of_each():
    """Whatever stands beside a document."""
    scores = [BELOW["score"], BETWEEN["score"], ABOVE["score"], NAN]
    count = 2 * len(scores)
    own = np.array([UNKNOWN] * len(scores) + [REAL] * len(scores), np.int8)
    none, actions = np.zeros(count, bool), Actions(np.full(count, WEIGHT), np.full(count, DROPPED))
    many = zones(score=np.array(scores * 2))
    found = verdicts(
        own, none, none, none, many, actions, np.linspace(0, 1, count), fills=True, acts=True, suspect_weight=0.1
    )
    assert found.verdict.tolist() == [ACCEPT, ACCEPT, REJECT, *[ACCEPT] * 5]
    assert found.reason.tolist() == [None, "suspect", "detector", *[None] * 5]
    assert found.weight.tolist() == pytest.approx([1, 1 / 7, *[1] * 6])


@pytest.mark.parametrize(
    ("given", "zone", "suspected", "condemned", "uncalibrated"),
    [
        ({}, NO_ZONE, False, False, False),
        (BELOW, CLEAR, False, False, False),
        ({"score": 1.0}, CLEAR, False, False, False),
        (BETWEEN, SUSPECT, True, False, False),
        ({"score": 2.0}, SUSPECT, True, False, False),
        (ABOVE, DROP, True, True, False),
        ({**ABOVE, "drop": NAN}, SUSPECT, True, False, False),
        (UNCALIBRATED, NO_ZONE, False, False, True),
        ({**ABOVE, "suspect": NAN}, NO_ZONE, False, False, True),  # nothing is dropped that is not suspected
        ({"suspect": NAN}, NO_ZONE, False, False, False),
        ({"failed": True}, NO_ZONE, False, False, True),
        ({**UNCALIBRATED, "failed": True}, NO_ZONE, False, False, True),
        ({**BELOW, "failed": True}, CLEAR, False, False, True),
    ],
)
def test_zones(given, zone, suspected, condemned, uncalibrated):
    found = zones(**given)
    assert (found.zone().tolist(), found.suspected().tolist()) == ([zone], [suspected])
    assert (found.condemned().tolist(), found.uncalibrated().tolist()) == ([condemned], [uncalibrated])


def test_the_threshold_told_is_the_one_that_decided():
    reasons = np.array(["detector", "suspect", None, "detector"], object)
    found = zones(score=np.array([3.0, 3.0, 0.0, NAN])).threshold(reasons)
    np.testing.assert_array_equal(found, np.array([2, 1, 1, NAN], np.float32))


def test_verdicts_are_in_the_order_of_survival():
    assert ACCEPT < FILL < HOLD < REJECT
