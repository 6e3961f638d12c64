"""What answers of reviewers make of documents."""

import pyarrow as pa
import pytest

from curate.config import make_config
from curate.decisions.groups import real_leaders
from curate.provenance.origin import REAL, SYNTHETIC, UNKNOWN
from curate.review.answers import SETTLED
from curate.review.evidence import with_answers

SUSPECT, CONDEMNED, CLEAR = {"detector_score": 0.97}, {"detector_score": 0.995}, {"detector_score": 0.5}
CONFLICT = {"captured": 2015, "origin": "synthetic"}
GIVEN = {"tokens": {0: 90_000}, "documents": 500}


def outcome(row):
    return row.decision, row.stage, row.reason, row.origin, row.weight


@pytest.fixture
def decide(world):
    return lambda rows, **options: world.decide(rows, given=world.reference(**GIVEN), **options)


@pytest.mark.parametrize(
    "row", [SUSPECT, CONDEMNED, CLEAR, CONFLICT], ids=["suspect", "condemned", "clear", "conflict"]
)
@pytest.mark.parametrize(
    ("answer", "expected", "tier"),
    [
        ("human", ("kept", None, None, "human", 1.0), "trusted_human"),
        ("synthetic", ("dropped", "synthetic", "declared", "synthetic", 0.0), "declared_synthetic"),
        ("keep", ("kept", None, None, "unknown", 1.0), None),
        ("drop", ("dropped", "synthetic", "review", "unknown", 0.0), None),
    ],
)
@pytest.mark.parametrize("settings", [{}, {"synthetic": {"enabled": False}, "provenance": {"enabled": False}}])
def test_an_answer_settles_what_was_asked(decide, row, answer, expected, tier, settings):
    found = decide([{"id": "a", "cluster": 0, **row}], answers={"a": answer}, **settings)["a"]
    assert outcome(found) == expected
    assert tier in (None, found.tier)
    first = found.evidence[0]
    assert (first["family"], first["kind"]) == ("review", "answer")
    assert first["claim"] == (answer if answer in ("human", "synthetic") else "unknown")
    assert first["detail"] == f"{answer}, by ana on 2026-01-02"


@pytest.mark.parametrize("answer", ["human", "keep"])
def test_rights_are_another_question(decide, answer):
    assert outcome(decide([{"id": "a", "rights": "deny"}], answers={"a": answer})["a"])[1] == "rights"


def test_a_copy_of_what_is_kept_is_still_a_copy(decide):
    rows = [{"id": "a", "captured": 2015}, {"id": "b", "text": "a", "captured": 2024, **SUSPECT}]
    found = decide(rows, answers={"b": "human"})
    assert outcome(found["b"])[:3] == ("dropped", "dedupe", "exact") and found["b"].matched_id == "a"


def test_copies_follow_the_answer_to_their_leader(decide):
    rows = [{"id": "a", "chars": 600, **SUSPECT}, {"id": "b", **SUSPECT}, {"id": "c", "text": "a", **SUSPECT}]
    pairs = [("a", "b", 0.9, 0.95, 0.95)]
    before = decide(rows, pairs=pairs)
    assert sorted(row.reason for row in before.values()) == ["duplicate_of_held", "duplicate_of_held", "suspect"]
    leader = next(id for id, row in before.items() if row.reason == "suspect")
    others = sorted(set("abc") - {leader})
    human = decide(rows, pairs=pairs, answers={leader: "human"})
    assert [outcome(human[id])[:2] for id in others] == [("dropped", "dedupe")] * 2
    machine = decide(rows, pairs=pairs, answers={leader: "synthetic"})
    assert [machine[id].reason for id in others] == ["copy_of_synthetic"] * 2
    # What is dropped for another reason tells nothing of its copies: one of them is asked about next.
    gone = decide(rows, pairs=pairs, answers={leader: "drop"})
    assert sorted(gone[id].reason for id in others) == ["duplicate_of_held", "suspect"]


@pytest.mark.parametrize(("answer", "reason"), [("synthetic", "declared"), ("drop", "review")])
def test_what_is_rejected_waits_for_no_copy(decide, answer, reason):
    rows = [{"id": "a", **CONFLICT}, {"id": "b", **CONFLICT}, {"id": "c", "captured": 2014, "chars": 900}]
    for pair in (("a", "b"), ("a", "c")):
        found = decide(rows, pairs=[(*pair, 0.9, 0.95, 0.95)], answers={"a": answer})["a"]
        assert outcome(found)[:3] == ("dropped", "synthetic", reason) and found.matched_id is None


def test_what_a_reviewer_unmasks_fills_no_shortage_and_what_declares_itself_still_may(decide):
    rows = [{"id": "a", "cluster": 0, **SUSPECT}, {"id": "b", "cluster": 0, "origin": "synthetic"}]
    found = decide(rows, answers={"a": "synthetic", "b": "synthetic"})
    assert found["a"].reason == "declared" and found["b"].reason == "no_shortage"
    assert [item["family"] for item in found["b"].evidence] == ["review", "lineage"]
    assert decide(rows, answers={"b": "keep"})["b"].reason == "no_shortage"


def test_a_real_document_is_never_dropped_for_what_a_reviewer_keeps(decide):
    rows = [{"id": "a", "captured": 2015}, {"id": "b", "text": "a", "chars": 900, "captured": 2014, **SUSPECT}]
    for answer in ("human", "keep"):
        found = decide(rows, answers={"b": answer})
        kept = [row for row in found.values() if row.decision == "kept"]
        assert [row.origin for row in kept] == ["human"]


def test_an_answer_is_about_a_text_not_about_a_name(world):
    documents = world.document_table([{"id": "a", **SUSPECT}], make_config({}))
    stale = pa.table([["a"], ["0" * 32], ["human"], ["human"]], schema=SETTLED)
    assert with_answers(documents, stale).equals(documents)


def test_documents_of_earlier_outputs_are_not_judged_again(world):
    documents = world.document_table([{"id": "a", "earlier": True}], make_config({}))
    assert world.answered(documents, {"a": "human"}).equals(documents)


def test_reviewed_documents_are_real_but_calibrate_nothing(world):
    config = make_config({})
    rows = [{"id": "a", "captured": 2015, **CLEAR}, {"id": "b", **SUSPECT}, {"id": "c", **CONFLICT}, {"id": "d"}]
    answers = {"a": "human", "b": "human", "c": "human", "d": "synthetic"}
    documents = world.answered(world.document_table(rows, config), answers)
    assert documents["own"].to_pylist() == [REAL, REAL, REAL, SYNTHETIC]
    assert documents["answer"].to_pylist() == [None, "human", "human", "synthetic"]
    assert real_leaders(documents, world.pair_table([]), config)["id"].to_pylist() == ["a"]


def test_whatever_the_order(world):
    config = make_config({})
    rows = [{"id": name, **SUSPECT} for name in "abcd"]
    answers = {"a": "human", "c": "drop"}
    one = world.answered(world.document_table(rows, config), answers).sort_by("id").drop_columns("location")
    turned = dict(reversed(answers.items()))
    other = world.answered(world.document_table(rows[::-1], config), turned).sort_by("id").drop_columns("location")
    assert one.equals(other)
    assert one["own"].to_pylist() == [REAL, UNKNOWN, UNKNOWN, UNKNOWN]
