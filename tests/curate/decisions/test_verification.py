"""What a verifier is asked about, and what its answers mean."""

import math
from datetime import datetime, timezone

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.config import make_config
from curate.decisions.verification import (
    ANSWER,
    TEXT,
    as_probability,
    could_fill,
    is_verified,
    verification_evidence,
    with_answers,
    with_questions,
)
from curate.errors import UsageError
from curate.report.verification import Verification
from curate.schema import EVIDENCE_LIST, features

BEFORE, AFTER = (datetime(year, 1, 1, tzinfo=timezone.utc) for year in (2015, 2024))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(True, 1.0), (False, 0.0), (0.25, 0.25), (1, 1.0), (np.True_, 1.0), (np.float32(0.5), 0.5), (np.array(0.5), 0.5)],
)
def test_answers(answer, expected):
    assert as_probability(answer) == expected


@pytest.mark.parametrize("answer", [None, math.nan, np.float32("nan")])
def test_no_answer_is_a_failure(answer):
    with pytest.raises(ValueError, match="no answer"):
        as_probability(answer)


@pytest.mark.parametrize("answer", ["yes", "0.5", 1.5, -0.1, math.inf, [True], {"accept": True}])
def test_answers_of_another_kind(answer):
    with pytest.raises(UsageError, match="expected a bool or a probability; give TextVerifier an `accept`"):
        as_probability(answer)


def test_of_a_long_answer_the_beginning_is_told():
    with pytest.raises(UsageError, match=r"the verifier gave '(word ){20}', expected"):
        as_probability("word " * 1_000)


def table(rows):
    """Features of documents as `annotate` gives them, declared machine text with a group unless said otherwise."""
    schema = features(1, 8)
    usual = {"origin_claim": "synthetic", "timestamp": AFTER, "group": "a", "media": False, "earlier": False}
    return pa.Table.from_pylist([{**usual, **row} for row in rows], schema=schema)


CASES = [
    ({}, True),
    ({"embedding": [1.0] * 8, "group": None}, True),
    ({"group": None}, False),  # no cluster
    ({"origin_claim": None}, False),
    ({"origin_claim": "human"}, False),
    ({"origin_claim": "mixed"}, False),
    ({"timestamp": BEFORE}, False),  # a conflict
    ({"read_reason": "too_long"}, False),
    ({"license": "secret"}, False),
    ({"license": "free"}, True),
    ({"origin_claim": None, "source": "model"}, True),
    ({"source": "people"}, False),  # a conflict
]
RULES = {
    "provenance": {
        "synthetic_sources": ["model"],
        "human_sources": ["people"],
        "licenses": {"secret": "deny", "free": "allow"},
    }
}


def test_only_what_could_fill_is_asked_about():
    rows, expected = zip(*CASES, strict=True)
    assert could_fill(table(rows), make_config(RULES)).tolist() == list(expected)
    for off in ({"mixture": {"enabled": False}}, {"provenance": {"enabled": False}}):
        assert not could_fill(table(rows), make_config(off)).any()


@given(st.lists(st.tuples(st.booleans(), st.none() | st.floats(0, 1, width=32)), max_size=8))
def test_answers_come_back_where_they_were_asked(rows):
    """Null where the verifier was not asked, NaN where it gave no answer; the texts go."""
    given = table([{"origin_claim": "synthetic" if asked else None} for asked, _ in rows])
    texts = pa.array([f"text {number}" for number in range(len(rows))], pa.string())
    asked = with_questions(given, texts, make_config({}))
    assert asked[TEXT].is_valid().to_pylist() == [asked for asked, _ in rows]
    answers = pa.array([answer if asked else None for asked, answer in rows], pa.float32())
    found = with_answers(asked.append_column(ANSWER, answers))
    assert found.schema == given.schema
    assert found.drop_columns("verification").equals(given.drop_columns("verification"))
    for (asked_about, answer), got in zip(rows, found["verification"].to_pylist(), strict=True):
        if not asked_about:
            assert got is None
        elif answer is None:
            assert math.isnan(got)
        else:
            assert got == answer


ANSWERED = pa.table(
    {
        "verification": pa.array([0.7, 0.69, math.nan, None, None, 0.1], pa.float32()),
        "cluster": pa.array([0, 0, 0, 0, None, None], pa.int32()),
        "reason": [None, "unverified", "unverified", "unverified", None, "no_shortage"],
    }
)
STRICT = make_config({"mixture": {"verifier": "a:b", "verifier_threshold": 0.7}})


def test_what_is_verified():
    assert is_verified(ANSWERED, STRICT).tolist() == [True, False, False, False, True, True]
    assert is_verified(ANSWERED, make_config({})).all()
    outside = pa.table({"verification": pa.array([0.9], pa.float32()), "cluster": pa.nulls(1, pa.int32())})
    assert is_verified(outside, STRICT).tolist() == [True]


def test_evidence_tells_what_it_answered():
    found = verification_evidence(ANSWERED["verification"], STRICT)
    assert found.type == EVIDENCE_LIST
    details = [items and items[0]["detail"] for items in found.to_pylist()]
    assert details == ["accepted, 0.70", "refused, 0.69", "it failed", None, None, "refused, 0.10"]
    told = {(item["claim"], item["llr"]) for items in found.to_pylist() for item in items or ()}
    assert told == {("unknown", 0.0)}, "it tells nothing of origin"


def test_counts_merge():
    whole = Verification.of(ANSWERED, STRICT)
    assert whole.told("judge-1") == {
        "verifier": "judge-1", "asked": 4, "accepted": 1, "refused": 2, "failed": 1, "not_asked": 1,
    }  # fmt: skip
    parts = [Verification.of(ANSWERED.slice(*part), STRICT) for part in ((0, 2), (2, 4))]
    assert parts[0].merge(parts[1]) == whole == Verification.from_dict(whole.to_dict())
