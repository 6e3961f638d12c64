"""Review from end to end: queue out, answers in, decided anew, and what the next calibration learns from it."""

import csv
import json
import shutil
import socket
from datetime import datetime, timezone

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.review.answers import FILE, read_answers
from curate.review.queue import load_queue

SETTINGS = ("alpha_suspect=0.3", "alpha_drop=0.02", "min_group=20")


@pytest.fixture(scope="module")
def suspected(curate, prose, tmp_path_factory):
    """A run that holds some eighty documents as suspects, most of the unknown ones above the threshold; not changed."""
    source = prose(3)
    rows = [
        {
            "id": f"d{number:04d}" if number else "=1+1",
            "text": source.text(60 + number % 50, ("harbour", "orchard", "engine", "parish")[number % 4]),
            "source": f"site-{number % 3}",
            "url": f"https://example.org/{number}",
            "language": "en",
            "timestamp": datetime(2015 + number % 5, 1, 1, tzinfo=timezone.utc) if number % 3 else None,
        }
        for number in range(600)
    ]
    folder = tmp_path_factory.mktemp("suspected")
    pq.write_table(pa.Table.from_pylist(rows), folder / "corpus.parquet")
    settings = [part for setting in SETTINGS for part in ("--set", f"synthetic.{setting}")]
    outcome = curate("run", "--input", folder / "corpus.parquet", "--output", folder / "out", *settings)
    assert outcome.code == 0, outcome.err
    return folder / "out"


@pytest.fixture
def reviewed(suspected, tmp_path):
    """A copy of it, to be reviewed."""
    return shutil.copytree(suspected, tmp_path / "out")


def rows_of(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def fill(path, rows, answer):
    """Writes the rows with the answers that a function of their number gives."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(row | {"answer": answer(number) or ""} for number, row in enumerate(rows))


def exported(curate, output, path, *options):
    outcome = curate("review", "export", output, "--to", path, *options)
    assert outcome.code == 0, outcome.err
    return rows_of(path)


def imported(curate, path, output, *options):
    outcome = curate("review", "import", path, "--into", output, *options)
    assert outcome.code == 0, outcome.err
    return outcome.out


def test_the_queue_has_what_a_reviewer_needs(curate, suspected, output_of, tmp_path):
    ledger = output_of(suspected).rows
    rows = exported(curate, suspected, tmp_path / "q.csv")
    held = {id for id, row in ledger.items() if row["decision"] == "held"}
    assert {row["id"].removeprefix("'") for row in rows} == held and len(rows) > 40
    clusters = [row["cluster"] for row in rows]
    assert len(set(clusters[: len(set(clusters))])) == len(set(clusters)) > 2
    texts = {row["curate_id"]: row["text"] for row in output_of(suspected).table("held").to_pylist()}
    for row in rows:
        id = row["id"].removeprefix("'")
        assert row["text"] == texts[id] and row["reason"] == "suspect" and row["answer"] == ""
        assert row["url"].startswith("https://example.org/") and row["terms"] and row["language"] == "en"
        assert float(row["detector_score"]) > float(row["threshold"])
    first = exported(curate, suspected, tmp_path / "few.csv", "--limit", "5")
    assert first == rows[:5]


def test_answers_are_followed_without_recomputation(curate, reviewed, output_of, snapshot, tmp_path):
    rows = exported(curate, reviewed, tmp_path / "q.csv")
    said = ["human", "synthetic", "keep", "drop", None]
    fill(tmp_path / "q.csv", rows, lambda number: said[number % 5])
    before = snapshot(reviewed)
    told = imported(curate, tmp_path / "q.csv", reviewed, "--reviewer", "ana")
    assert f"{len(rows) - len(rows) // 5} answers added" in told and "contradict the machine" in told
    after = snapshot(reviewed)
    assert {path for path in after if after[path] != before.get(path)} == {(reviewed / FILE).relative_to(reviewed)}
    assert curate("verify", reviewed).code == 0
    assert len(exported(curate, reviewed, tmp_path / "rest.csv")) == len(rows) // 5
    assert len(exported(curate, reviewed, tmp_path / "all.csv", "--all")) == len(rows)

    decided = tmp_path / "decided"
    outcome = curate("decide", "--annotations", reviewed, "--output", decided, "--apply")
    assert outcome.code == 0, outcome.err
    output = output_of(decided)
    output.assert_whole()
    assert curate("verify", decided).code == 0
    ledger, old = output.rows, output_of(reviewed).rows
    expected = {
        "human": ("kept", None, None, "human"),
        "synthetic": ("dropped", "synthetic", "declared", "synthetic"),
        "keep": ("kept", None, None, "unknown"),
        "drop": ("dropped", "synthetic", "review", "unknown"),
        None: ("held", "synthetic", "suspect", "unknown"),
    }
    answered = set()
    for number, row in enumerate(rows):
        id = row["id"].removeprefix("'")
        answered.add(id)
        found = ledger[id]
        assert (found["decision"], found["stage"], found["reason"], found["origin"]) == expected[said[number % 5]]
    for id in ledger.keys() - answered:
        assert ledger[id]["decision"] == old[id]["decision"] and ledger[id]["threshold"] == old[id]["threshold"]
    review = output.manifest["review"]
    assert review["answers"] == len(read_answers(reviewed)) and review["overrides_total"]["rate"] > 0.2
    report = json.loads((decided / "report.json").read_text())
    assert report["review"]["queue"] == output.counts["held"]
    assert any("recalibrate" in reason["text"] for panel in report["panels"] for reason in panel["reasons"])
    assert "Answers of reviewers by cluster" in (decided / "report.html").read_text()
    assert [row["cluster"] for row in review["overrides"]] == sorted({int(row["cluster"]) for row in rows})
    story = curate("explain", decided, rows[0]["id"].removeprefix("'")).out
    assert "A reviewer answered: human, by ana on 20" in story

    # A second round on what was decided: its answers go back to where the annotations are.
    rest = exported(curate, decided, tmp_path / "second.csv")
    fill(tmp_path / "second.csv", rest, lambda number: "drop")
    imported(curate, tmp_path / "second.csv", decided, "--reviewer", "ana")
    assert f"{len(rest)} answers added" in imported(curate, decided / FILE, reviewed)
    again = curate("decide", "--annotations", tmp_path / "out", "--output", decided, "--overwrite", "--apply")
    assert again.code == 0, again.err
    assert output_of(decided).counts["held"] == 0


def test_the_order_of_answers_and_a_second_time_change_nothing(curate, reviewed, suspected, output_of, tmp_path):
    rows = exported(curate, reviewed, tmp_path / "q.csv")
    fill(tmp_path / "a.csv", rows, lambda number: "human" if number % 2 else "synthetic")
    imported(curate, tmp_path / "a.csv", reviewed, "--reviewer", "ana")
    assert "0 answers added" in imported(curate, tmp_path / "a.csv", reviewed, "--reviewer", "ana")
    other = shutil.copytree(suspected, tmp_path / "other")
    answers = (reviewed / FILE).read_bytes().splitlines(keepends=True)
    (other / FILE).write_bytes(b"".join(reversed(answers)))
    ledgers = []
    for number, output in enumerate((reviewed, other)):
        decided = tmp_path / f"decided-{number}"
        workers = ("--workers", "2") if number else ()
        assert curate("decide", "--annotations", output, "--output", decided, *workers).code == 0
        ledgers.append(output_of(decided).ledger)
    assert ledgers[0].equals(ledgers[1])


def test_the_next_calibration_learns_from_what_people_say(curate, reviewed, output_of, tmp_path):
    rows = exported(curate, reviewed, tmp_path / "q.csv")
    fill(tmp_path / "q.csv", rows, lambda number: "human")
    imported(curate, tmp_path / "q.csv", reviewed)
    stricter = ("--set", "synthetic.alpha_suspect=0.1")
    without, learnt = tmp_path / "without", tmp_path / "learnt"
    ignored = ("--set", "review.enabled=false")
    assert curate("decide", "--annotations", reviewed, "--output", without, *stricter, *ignored).code == 0
    assert curate("decide", "--annotations", reviewed, "--output", learnt, *stricter).code == 0
    given = [json.loads((output / "artefacts/reference.json").read_text()) for output in (without, learnt)]
    # The scores of the reviewed, who are no sample of people, are not among those of the calibration.
    assert given[0]["calibration"] == given[1]["calibration"] and given[0]["tokens"] == given[1]["tokens"]
    assert given[0]["reviewed"] == {} and output_of(without).manifest["review"] is None
    raised = given[1]["reviewed"]
    assert raised == output_of(learnt).manifest["review"]["raised"] and raised
    old, new = output_of(without).rows, output_of(learnt).rows
    for id, row in new.items():
        if row["group"] in raised:
            assert row["threshold"] == pytest.approx(max(old[id]["threshold"], raised[row["group"]]))
    # As an artefact, the thresholds serve a run that knows none of the answers.
    again = tmp_path / "again"
    corpus = output_of(reviewed).manifest["arguments"]["inputs"][0]
    settings = [part for setting in SETTINGS[1:] for part in ("--set", f"synthetic.{setting}")]
    options = ("--artefacts", learnt, "--output", again, *stricter, *settings)
    outcome = curate("run", "--input", corpus, *options)
    assert outcome.code == 0, outcome.err
    assert {row["threshold"] for row in output_of(again).rows.values()} == {row["threshold"] for row in new.values()}


def test_what_people_said_outlives_the_corpus(curate, reviewed, output_of, tmp_path):
    """A later run calibrates on its own people and on those remembered, no lower than answers asked for then."""
    rows = exported(curate, reviewed, tmp_path / "q.csv")
    fill(tmp_path / "q.csv", rows, lambda number: "human")
    imported(curate, tmp_path / "q.csv", reviewed)
    stricter = ("alpha_suspect=0.1", *SETTINGS[1:])
    settings = [part for setting in stricter for part in ("--set", f"synthetic.{setting}")]
    assert curate("decide", "--annotations", reviewed, "--output", tmp_path / "learnt", *settings).code == 0
    people = {row["id"].removeprefix("'") for row in rows}
    learnt = output_of(tmp_path / "learnt")
    assert {learnt.rows[id]["tier"] for id in people} == {"trusted_human"}
    # Their scores, which are high since nobody reviews others, are no sample of people's and calibrate nobody.
    assert not people & set(learnt.table("artefacts/human_reference")["id"].to_pylist())

    def asked(output):
        return json.loads((output / "artefacts/reference.json").read_text())["reviewed"]

    about = learnt.path / "artefacts/human_reference/about.json"
    told = json.loads(about.read_text())
    assert told["reviewed"] == asked(learnt.path) and told["reviewed"]
    raised = {group: 0.1 for group in told["reviewed"]}  # as people would whose texts score higher than all of these
    about.write_text(json.dumps(told | {"reviewed": raised}))
    corpus = pq.read_table(learnt.manifest["arguments"]["inputs"][0])
    pq.write_table(corpus.slice(0, 300), tmp_path / "later.parquet")
    for before, output in (("learnt", "first"), ("first", "second")):
        options = ("--human-reference", tmp_path / before, "--output", tmp_path / output, *settings)
        outcome = curate("run", "--input", tmp_path / "later.parquet", *options)
        assert outcome.code == 0, outcome.err
    for output, more in (("decided", ()), ("ignored", ("--set", "review.enabled=false"))):
        options = ("--annotations", tmp_path / "second", "--output", tmp_path / output, *more)
        assert curate("decide", *options).code == 0
    for output in ("first", "second", "decided", "ignored"):
        heeded = output != "ignored"
        assert asked(tmp_path / output) == (raised if heeded else {})
        judged = [row for row in output_of(tmp_path / output).rows.values() if row["group"] in raised]
        assert len(judged) > 50 and all((row["threshold"] >= 0.1 - 1e-6) == heeded for row in judged)


def test_answers_are_not_replaced_with_their_output(curate, reviewed, output_of, tmp_path):
    fill(tmp_path / "q.csv", exported(curate, reviewed, tmp_path / "q.csv"), lambda number: "drop")
    imported(curate, tmp_path / "q.csv", reviewed)
    corpus = output_of(reviewed).manifest["arguments"]["inputs"][0]
    refused = curate("run", "--input", corpus, "--output", reviewed, "--overwrite")
    assert refused.code == 2 and "review answers that would be lost" in refused.message
    assert len(read_answers(reviewed)) > 40


def test_parquet_and_label_studio(curate, reviewed, tmp_path):
    tables = tmp_path / "q.parquet"
    assert curate("review", "export", reviewed, "--to", tables).code == 0
    table = pq.read_table(tables)
    answers = pa.array(["human"] * 2 + [None] * (table.num_rows - 2), pa.string())
    pq.write_table(table.set_column(table.schema.get_field_index("answer"), "answer", answers), tables)
    assert imported(curate, tables, reviewed, "--reviewer", "ana").startswith("2 answers added")

    outcome = curate("review", "export", reviewed, "--to", tmp_path / "tasks.json", "--all", "--limit", "3")
    assert "labelling configuration" in outcome.out and (tmp_path / "tasks.xml").exists()
    tasks = json.loads((tmp_path / "tasks.json").read_text())
    result = {"from_name": "verdict", "to_name": "text", "type": "choices", "value": {"choices": ["synthetic"]}}
    for task in tasks:
        task["annotations"] = [{"completed_by": 1, "updated_at": "2026-01-02T03:04:05Z", "result": [result]}]
    (tmp_path / "export.json").write_text(json.dumps(tasks))
    told = imported(curate, tmp_path / "export.json", reviewed)
    assert "3 answers added" in told and "ana and label-studio:1 agree on 0.0% of 2 documents" in told


def test_documents_with_equal_ids_are_told_apart(curate, finished, output_of, tmp_path):
    reviewed = shutil.copytree(finished, tmp_path / "out")
    queue = load_queue(reviewed)
    assert set(queue.contents) >= set(queue.ledger["id"].to_pylist())
    contents = {queue.contents[id] for id in ("same", "same#2", "same#3") if id in queue.contents}
    assert len(contents) in (0, 3)
    (tmp_path / "a.csv").write_text("id,answer\nsame,drop\nsame#3,drop\n")
    imported(curate, tmp_path / "a.csv", reviewed)
    assert curate("decide", "--annotations", reviewed, "--output", tmp_path / "decided").code == 0
    rows = output_of(tmp_path / "decided").rows
    assert {id for id, row in rows.items() if row["reason"] == "review"} == {"same", "same#3"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("review", "export", "{missing}", "--to", "{tmp}/q.csv"), "has no manifest.json"),
        (("review", "export", "{out}", "--to", "{tmp}/q.txt"), "name the format with --format"),
        (("review", "export", "{out}", "--to", "{out}/q.csv"), "lies in the output"),
        (("review", "export", "{planned}", "--to", "{tmp}/q.csv"), "has no held/"),
        (("review", "export", "gs://bucket/out", "--to", "{tmp}/q.csv"), "is not on this machine"),
        (("review", "import", "{tmp}/none.csv", "--into", "{out}"), "cannot be read"),
        (("review", "import", "{tmp}/unknown.csv", "--into", "{out}"), "answer to 'nobody', which this output has not"),
        (("review", "serve", "{planned}"), "has no held/"),
        (("review", "serve", "{out}", "--port", "{taken}"), "cannot be had"),
    ],
)
def test_refusals(curate, finished, tmp_path, arguments, told):
    (tmp_path / "unknown.csv").write_text("id,answer\nnobody,human\n")
    planned = tmp_path / "planned"
    if any("planned" in argument for argument in arguments):
        shutil.copytree(finished, planned, ignore=shutil.ignore_patterns("held"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        names = {"tmp": tmp_path, "out": finished, "planned": planned, "missing": tmp_path / "missing"}
        names["taken"] = taken.getsockname()[1]
        outcome = curate(*(argument.format(**names) for argument in arguments))
    assert outcome.code == 2 and told in outcome.message, outcome.err
    assert not (finished / FILE).exists()


def test_a_spoiled_file_of_answers_is_found(curate, reviewed):
    (reviewed / FILE).write_text("nonsense\n")
    outcome = curate("verify", reviewed)
    assert outcome.code == 1 and "review: " in outcome.err
