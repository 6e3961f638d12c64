"""Files out and answers in: CSV, Parquet and Label Studio."""

import csv
import io
import json
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.errors import UsageError
from curate.review.answers import VERDICTS, Answer, to_line
from curate.review.describe import COLUMNS, SEAL
from curate.review.export import SCHEMA, as_csv, as_parquet, as_tasks, guarded, unguarded
from curate.review.importing import match_answers, read_file
from curate.review.label_studio import labelling_config

CONTENT = "0" * 31 + "a"
ROW = dict.fromkeys(COLUMNS) | {"id": "a", "content": SEAL + CONTENT, "text": "one\ntwo", "copies": 0, "cluster": 3}
ROW |= {"evidence": "It was captured. It speaks for human.", "detector_score": 0.5, "threshold": 0.25}


def row(**values):
    return ROW | values


def read(path, content):
    path.write_bytes(content)
    return read_file(path, "me", "2026-01-02T00:00:00+00:00")


@given(st.text())
def test_a_guarded_cell_is_no_formula_and_reads_back(value):
    assert not guarded(value).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert unguarded(guarded(value)) == value


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",), exclude_characters="\x00")))
def test_csv_reads_back(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("csv") / "q.csv"
    (found,) = read(path, as_csv(iter([row(id=value, answer="human", note=value)])))
    assert (found.id, found.content, found.verdict, found.reviewer) == (value, CONTENT, "human", "me")


def test_csv_of_a_spreadsheet(tmp_path):
    content = as_csv(iter([row(id="=1+1", text="-2"), row(id="b"), row(id="c")]))
    assert content.startswith(b"\xef\xbb\xbf") and b"'=1+1" in content and b"'-2" in content
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert tuple(rows[0]) == COLUMNS and rows[0]["text"] == "'-2"
    assert float(rows[0]["detector_score"]) == 0.5
    for filled, said in zip(rows, (" Human ", "d", ""), strict=True):
        filled["answer"] = said
    for separator in ",;\t":
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, COLUMNS, delimiter=separator)
        writer.writeheader()
        writer.writerows(rows)
        found = read(tmp_path / "q.csv", buffer.getvalue().encode())
        assert [(each.id, each.verdict) for each in found] == [("=1+1", "human"), ("b", "drop")]


def test_parquet(tmp_path):
    content = as_parquet(iter([row(answer="keep", reviewer="ana"), row(id="b")]))
    table = pq.read_table(io.BytesIO(content))
    assert table.schema.equals(SCHEMA) and tuple(table.column_names) == COLUMNS
    (found,) = read(tmp_path / "q.parquet", content)
    assert (found.id, found.verdict, found.reviewer) == ("a", "keep", "ana")


def test_a_table_of_ids_and_answers_is_enough(tmp_path):
    (found,) = read(tmp_path / "q.csv", b"id,answer\na,s\nb,\n")
    assert found == Answer("a", "", "synthetic", "me", "2026-01-02T00:00:00+00:00")


def annotation(verdict, who, note=None, **values):
    result = [{"from_name": "verdict", "to_name": "text", "type": "choices", "value": {"choices": [verdict]}}]
    if note:
        result.append({"from_name": "note", "to_name": "text", "type": "textarea", "value": {"text": [note]}})
    return {
        "completed_by": who,
        "was_cancelled": False,
        "updated_at": "2026-01-05T00:00:00Z",
        "result": result,
    } | values


def test_label_studio_there_and_back(tmp_path):
    tasks = json.loads(as_tasks(iter([row(), row(id="b", text=None, evidence=None), row(id="c")])))
    for task in tasks:
        assert task.keys() == {"data"} and all(isinstance(value, str) and value for value in task["data"].values())
    tasks[0]["annotations"] = [annotation("human", 7, "sure"), annotation("drop", {"email": "ana@example.org"})]
    tasks[1]["annotations"] = [annotation("keep", 7, was_cancelled=True), annotation("keep", 8, result=[])]
    tasks[2]["annotations"] = []
    found = read(tmp_path / "export.json", json.dumps(tasks).encode())
    assert [(each.id, each.content, each.verdict, each.reviewer, each.note) for each in found] == [
        ("a", CONTENT, "human", "label-studio:7", "sure"),
        ("a", CONTENT, "drop", "ana@example.org", ""),
    ]
    assert found[0].time == "2026-01-05T00:00:00Z"


def test_label_studio_json_min(tmp_path):
    data = {"curate_id": "a", "curate_content": SEAL + CONTENT, "text": "t", "id": 1, "annotator": 7}
    content = json.dumps([data | {"verdict": "synthetic", "note": "seen", "updated_at": "2026-01-05T00:00:00Z"}, data])
    (found,) = read(tmp_path / "min.json", content.encode())
    assert (found.id, found.verdict, found.reviewer, found.note) == ("a", "synthetic", "label-studio:7", "seen")


def test_the_configuration_names_what_the_tasks_have():
    view = ElementTree.fromstring(labelling_config())
    (task,) = json.loads(as_tasks(iter([row()])))
    shown = {tag.get("value").removeprefix("$") for tag in view.iter("Text")}
    assert shown <= task["data"].keys()
    assert [(choice.get("value"), choice.get("hotkey")) for choice in view.iter("Choice")] == [
        (verdict, verdict[0]) for verdict in VERDICTS
    ]
    names = {tag.get("name") for tag in view.iter("Text")}
    assert {tag.get("toName") for tag in view.iter() if tag.get("toName")} <= names


def test_what_label_studio_itself_says_of_them():
    interface = pytest.importorskip("label_studio_sdk.label_interface").LabelInterface(labelling_config())
    interface.validate()
    for task in json.loads(as_tasks(iter([row(), row(text=None)]))):
        assert interface.validate_task(task)
    assert interface.validate_annotation(annotation("human", 1, "note"))


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        (
            "q.csv",
            b"id,answer\na,perhaps\n",
            "row 2: answer 'perhaps', expected human, synthetic, keep, drop or nothing",
        ),
        ("q.csv", b"name,answer\na,human\n", "has no column 'id'"),
        ("q.csv", b"id,reply\n", "has no column 'answer'"),
        ("q.csv", b"\xff\xfe", "is not UTF-8"),
        ("q.parquet", b"PAR1 and no more", "cannot be read"),
        ("q.json", b"{}", "no list of tasks"),
        ("q.json", b"[{}]", "task 1 has no curate_id"),
        ("q.json", b"[1]", "task 1 has no curate_id"),
        ("q.json", b"[" * 100_000, "cannot be read"),
        (
            "q.json",
            b'[{"data": {"curate_id": "a", "curate_content": "c"}, "annotations": [{"result": [1]}]}]',
            "cannot be",
        ),
        ("q.jsonl", b"{}\n", "line 1: b'{}' is no answer"),
    ],
)
def test_what_is_no_file_of_answers_is_refused(tmp_path, name, content, told):
    with pytest.raises(UsageError) as error:
        read(tmp_path / name, content)
    assert told in str(error.value) and "\n" not in str(error.value)


def test_a_missing_file():
    with pytest.raises(UsageError, match="cannot be read"):
        read_file("/nowhere/q.csv", "me", "t")


def test_a_parquet_file_without_the_columns(tmp_path):
    pq.write_table(pa.table({"id": ["a"]}), tmp_path / "q.parquet")
    with pytest.raises(UsageError, match="has no column 'answer'"):
        read_file(tmp_path / "q.parquet", "me", "t")


def given_answer(id="a", content="", verdict="human", reviewer="me"):
    return Answer(id, content, verdict, reviewer, "t")


def matched(answers, kept=()):
    return match_answers(answers, {"a": CONTENT, "b": "b"}, kept, "reference-1", "f")


def test_answers_get_the_content_that_they_are_about():
    found = matched([given_answer(), given_answer("b", "b")])
    assert [(each.id, each.content, each.reference) for each in found.answers] == [
        ("a", CONTENT, "reference-1"),
        ("b", "b", "reference-1"),
    ]


def test_answers_to_another_text_are_left_out_and_to_none_refused():
    found = matched([given_answer(content="other"), given_answer("b")])
    assert (len(found.answers), found.stale) == (1, 1)
    with pytest.raises(UsageError, match="answer to 'c', which this output has not"):
        matched([given_answer("c")])


def test_importing_again_adds_nothing():
    answers = [given_answer(), given_answer("b", "b", "drop")]
    once = matched(answers).answers
    again = matched(answers, once)
    assert (again.answers, again.known) == ([], 2)
    changed = matched([given_answer(verdict="keep")], once)
    assert [each.verdict for each in changed.answers] == ["keep"]


def test_of_a_history_the_last_word_is_taken(tmp_path):
    history = [given_answer(content=CONTENT), given_answer(content=CONTENT, verdict=None)]
    path = tmp_path / "review.jsonl"
    path.write_bytes(b"".join(map(to_line, history)))
    answers = read_file(path, "x", "y")
    assert matched(answers).answers == []
    withdrawn = matched(answers, history[:1]).answers
    assert [each.verdict for each in withdrawn] == [None]
