"""One reviewer's way through the queue of a run, without the page."""

import shutil

import pytest

from curate.config import make_config
from curate.report.manifest import load_manifest
from curate.review.answers import Answer, append_answers, read_answers
from curate.review.queue import load_queue
from curate.review.session import Session


@pytest.fixture
def reviewed(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "out")


@pytest.fixture
def begin(reviewed):
    queue, config = load_queue(reviewed), make_config(load_manifest(reviewed)["config"])

    def begin(reviewer="ana", second_opinion=False):
        return Session(reviewed, queue, config, reviewer, lambda: "2026-01-02T03:04:05+00:00", second_opinion)

    return begin


def test_what_is_shown(begin, output_of, reviewed):
    session, ledger = begin(), output_of(reviewed).rows
    texts = {row["curate_id"]: row["text"] for row in output_of(reviewed).table("held").to_pylist()}
    state = session.state()
    assert state["next"] == 0 and state["answered"] == 0 and state["documents"] > 5
    for number in range(state["documents"]):
        shown = session.document(number)
        row = ledger[shown["id"]]
        assert row["decision"] == "held" and row["reason"] != "duplicate_of_held"
        assert shown["text"] == texts[shown["id"]] and shown["reason"] == row["reason"]
        assert shown["source"].startswith("site-") and shown["cluster"] == row["cluster"]
        assert len(shown["evidence"]) == len(row["evidence"]) and shown["answer"] is None
        followers = [id for id, other in ledger.items() if other["matched_id"] == shown["id"]]
        assert shown["copies"] == len(followers) and (shown["matched"] is None) == (not followers)
    for number in (-1, state["documents"]):
        with pytest.raises(IndexError):
            session.document(number)
        with pytest.raises(IndexError):
            session.answer(number, "human", "")


def test_a_restart_goes_on_where_the_answers_end(begin, reviewed):
    session = begin()
    last = session.state()["documents"] - 1
    assert session.answer(0, "human", "sure")["next"] == 1
    assert session.answer(last, "drop", "")["next"] == 1  # after the last comes the first again
    assert [(answer.verdict, answer.note) for answer in read_answers(reviewed)] == [("human", "sure"), ("drop", "")]
    again = begin()
    assert again.state() == {"documents": last + 1, "answered": 2, "next": 1, "reviewer": "ana"}
    assert again.document(0)["answer"] == "human"
    assert again.answer(0, None, "")["answered"] == 1
    assert begin().document(0)["answer"] is None and begin().state()["next"] == 0


def test_what_others_settled_is_asked_for_a_second_opinion_only(begin):
    begin("ben").answer(0, "human", "")
    assert begin().state()["answered"] == 1
    second = begin(second_opinion=True)
    assert second.state()["next"] == 0 and second.document(0)["answer"] is None
    second.answer(0, "synthetic", "")  # they disagree: a third is asked
    assert begin("eve").state()["next"] == 0 and begin("ben").state()["answered"] == 1


def test_an_answer_to_another_text_is_none(begin, reviewed):
    id = begin().document(0)["id"]
    append_answers(reviewed, [Answer(id, "0" * 32, "human", "ana", "t")])
    assert begin().state()["answered"] == 0


def test_what_cannot_be_saved_is_no_answer(begin, reviewed):
    session = begin()
    with pytest.raises(ValueError, match="verdict 'perhaps'"):
        session.answer(0, "perhaps", "")
    shutil.rmtree(reviewed / "artefacts")
    with pytest.raises(OSError):
        session.answer(0, "human", "")
    assert session.state()["answered"] == 0


def test_a_long_name_is_the_same_after_a_restart(begin):
    begin("n" * 300 + "\n").answer(0, "human", "")
    assert begin("n" * 300 + "\n").document(0)["answer"] == "human"
