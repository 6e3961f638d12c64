import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.errors import UsageError
from curate.review.answers import (
    FILE,
    VERDICTS,
    Answer,
    append_answers,
    latest,
    parse_answers,
    read_answers,
    settle,
    to_line,
)

ROOT = Path(__file__).parents[3]


def answer(id="a", verdict="human", reviewer="ana", content="c1", note=""):
    return Answer(id, content, verdict, reviewer, "2026-01-02T03:04:05+00:00", note)


@pytest.fixture
def output(tmp_path):
    (tmp_path / "artefacts").mkdir()
    return tmp_path


answers = st.builds(
    Answer,
    id=st.text(),
    content=st.text(alphabet="0123456789abcdef"),
    verdict=st.sampled_from([*VERDICTS, None]),
    reviewer=st.text(),
    time=st.text(),
    note=st.text(),
)


@given(st.lists(answers))
def test_lines_read_back(given):
    content = b"".join(map(to_line, given))
    assert content.count(b"\n") == len(given)
    assert parse_answers(content, "f") == given


def test_every_answer_is_there_at_once(output):
    assert read_answers(output) == []
    append_answers(output, [answer("a")])
    assert read_answers(output) == [answer("a")]
    append_answers(output, [answer("b"), answer("c")])
    assert [each.id for each in read_answers(output)] == ["a", "b", "c"]


def test_what_a_killed_process_left_is_no_answer_and_hurts_no_later_one(output):
    append_answers(output, [answer("a")])
    for torn in (b'{"id": "b', b"x" * 10_000):
        with open(output / FILE, "ab") as file:
            file.write(torn)
        assert [each.id for each in read_answers(output)] == ["a"]
    append_answers(output, [answer("c")])
    assert [each.id for each in read_answers(output)] == ["a", "c"]


def test_two_processes_write_whole_lines(output):
    script = (
        "import sys; from curate.review.answers import *\n"
        "for n in range(100): append_answers(sys.argv[1], [Answer(f'{sys.argv[2]}{n}', 'c', 'human', 'r', 't')])"
    )
    command = [sys.executable, "-c", script, str(output)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    running = [subprocess.Popen([*command, name], env=environment) for name in "ab"]
    assert [process.wait(timeout=120) for process in running] == [0, 0]
    ids = [each.id for each in read_answers(output)]
    for name in "ab":
        assert [id for id in ids if id.startswith(name)] == [f"{name}{n}" for n in range(100)]


@pytest.mark.parametrize(
    "line",
    [b"nonsense", b"[]", b"{}", b'{"id": "a"}', to_line(answer()).strip().replace(b'"human"', b'"perhaps"'),
     to_line(answer()).strip().replace(b'"a"', b"1")],
)  # fmt: skip
def test_a_line_of_something_else_is_named(line):
    with pytest.raises(UsageError, match=r"'f', line 2: .* is no answer"):
        parse_answers(to_line(answer()) + line + b"\n", "f")


def test_the_last_word_of_each_reviewer_counts():
    given = [answer(verdict="human"), answer(verdict="drop"), answer(verdict="keep", reviewer="ben")]
    assert {name: each.verdict for name, each in latest(given)["a", "c1"].items()} == {"ana": "drop", "ben": "keep"}
    assert latest([*given, answer(verdict=None)])["a", "c1"].keys() == {"ben"}
    assert latest([answer(), answer(verdict=None)]) == {}


@pytest.mark.parametrize(
    ("verdicts", "settled"),
    [
        (["human"], "human"),
        (["human", "human"], "human"),
        (["human", "synthetic"], None),
        (["human", "keep"], None),
        (["human", "synthetic", "synthetic"], "synthetic"),
        (["human", "synthetic", "keep"], None),
    ],
)
def test_the_most_agree_or_it_stays_held(verdicts, settled):
    given = [answer(verdict=verdict, reviewer=f"r{number}") for number, verdict in enumerate(verdicts)]
    for order in (given, given[::-1]):
        assert settle(order)["verdict"].to_pylist() == ([settled] if settled else [])


def test_what_was_said_is_told():
    given = [answer(reviewer="ben", note="odd\nbut fine"), answer(), answer(verdict="drop", reviewer="eve")]
    assert settle(given)["detail"].to_pylist() == [
        "human, by ana on 2026-01-02 and ben on 2026-01-02 (against eve): odd but fine"
    ]


def test_another_text_under_the_same_id_is_another_document():
    settled = settle([answer(verdict="human"), answer(verdict="drop", content="c2")])
    assert settled.select(["content", "verdict"]).to_pylist() == [
        {"content": "c1", "verdict": "human"},
        {"content": "c2", "verdict": "drop"},
    ]
