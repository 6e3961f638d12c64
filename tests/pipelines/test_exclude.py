"""Decontamination from the command line: what contains an evaluation text is dropped, and nothing else is touched."""

import json
from datetime import datetime, timezone

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from curate.report.manifest import load_manifest

CAPTURED = datetime(2015, 5, 1, tzinfo=timezone.utc)
ENGLISH = (
    "A ferry crosses the estuary twice each hour and carries at most nine cars. How many cars can reach the far "
    "shore between noon and midnight if the ferry rests for one hour at six and the fog delays two crossings?"
)
CHINESE = (
    "一艘渡船每小时两次横渡河口，每次最多运载九辆汽车。若渡船傍晚六时休息一小时，正午到午夜共有多少辆汽车到达对岸？"
)
THAI = "เรือข้ามฟากแล่นข้ามปากแม่น้ำชั่วโมงละสองเที่ยวและบรรทุกรถได้มากที่สุดเก้าคัน"


def replaced(text, *places):
    words = text.split()
    for place in places:
        words[place] = "otherwise"
    return " ".join(words)


@pytest.fixture(scope="module")
def contaminated(prose):
    """id → (text, the evaluation text that it has to be dropped for, or None)."""
    around = prose(21)

    def amid(text):
        return f"{around.text(60)} {text} {around.text(60)}"

    verbatim = amid(ENGLISH)
    return {
        "verbatim": (verbatim, "ferry"),
        "verbatim-copy": (verbatim, "ferry"),
        "shouted": (amid(ENGLISH.upper().replace(" ", "  ")), "ferry"),
        "one-edit": (amid(replaced(ENGLISH, 18)), "ferry"),
        "many-edits": (amid(replaced(ENGLISH, 6, 16, 26)), None),
        "first-half": (amid(ENGLISH[:106]), None),
        "in-chinese": (f"{around.text(20)} {CHINESE} {around.text(20)}", "more.parquet#0"),
        "in-thai": (amid(THAI), "more.parquet#1"),
        "short": ("WHO wrote Hamlet?", "more.parquet#2"),
        "short-quoted": (amid("Who wrote Hamlet?"), None),
    }


@pytest.fixture(scope="module")
def excluded(curate, corpus, contaminated, tmp_path_factory):
    """The corpus with such documents among it, curated with two files of evaluation texts."""
    place = tmp_path_factory.mktemp("excluded")
    names = list(contaminated)
    added = {
        "id": names,
        "text": [contaminated[name][0] for name in names],
        "timestamp": [CAPTURED if contaminated[name][1] else None for name in names],
    }
    rows = pa.Table.from_pylist([dict(zip(added, row, strict=True)) for row in zip(*added.values(), strict=True)])
    columns = [
        rows[field.name].cast(field.type) if field.name in added else pa.nulls(len(names), field.type)
        for field in corpus.schema
    ]
    dropped = [contaminated[name][1] is not None for name in names]
    given = pa.table(columns, schema=corpus.schema).filter(pa.array(dropped))
    pq.write_table(pa.concat_tables([given, corpus]), place / "corpus.parquet")
    pq.write_table(pa.table(columns, schema=corpus.schema), place / "all.parquet")
    (place / "ferry.jsonl").write_text(json.dumps({"id": "ferry", "text": ENGLISH, "answer": 20}) + "\n")
    pq.write_table(pa.table({"text": [CHINESE, THAI, "Who wrote Hamlet?", None]}), place / "more.parquet")
    options = ["--exclude", place / "more.parquet", "--set", f"dedupe.exclude=[{place}/ferry.jsonl]"]
    outcome = curate("run", "--input", place / "corpus.parquet", "--output", place / "out", *options)
    assert outcome.code == 0, outcome.err
    return place


def test_what_contains_an_evaluation_text_is_dropped(curate, excluded, contaminated, only_read, tmp_path, output_of):
    files = ("--exclude", excluded / "ferry.jsonl", "--exclude", excluded / "more.parquet")
    off = ("--set", "dedupe.enabled=false")
    for options in ((), off):
        out = tmp_path / f"out{len(options)}"
        assert (
            curate("run", "--input", excluded / "all.parquet", "--output", out, *files, *only_read, *options).code == 0
        )
        rows = output_of(out).rows
        for name, (_, item) in contaminated.items():
            row = rows[name]
            if item is None:
                assert (row["decision"], row["matched_id"]) == ("kept", None), name
            else:
                assert (row["decision"], row["stage"], row["reason"]) == ("dropped", "read", "evaluation"), name
                assert (row["matched_id"], row["similarity"], row["weight"]) == (item, None, 0.0), name
                assert row["containment"] == 1 or (name == "one-edit" and 0.8 <= row["containment"] < 0.9), name


def test_all_else_is_decided_as_without_those_documents(excluded, finished, output_of):
    """Also of real documents and their copies: they do not lead, calibrate, or shape the clusters."""
    output, without = output_of(excluded / "out"), output_of(finished)
    output.assert_whole()
    ledger, expected = (one.ledger.drop_columns(["source_file"]) for one in (output, without))
    mask = pc.equal(ledger["reason"], "evaluation").fill_null(False)
    assert pc.sum(mask).as_py() == 7
    assert ledger.filter(pc.invert(mask)).equals(expected)
    for name in ("embedding.npz", "centroids.npz", "reference.json"):
        assert (excluded / "out" / "artefacts" / name).read_bytes() == (finished / "artefacts" / name).read_bytes()


def test_manifest_and_report_tell(curate, excluded):
    manifest = load_manifest(excluded / "out")
    assert manifest["reasons"]["read/evaluation"] == 7
    files = manifest["exclude"]
    assert {path.rpartition("/")[2]: (about["items"], about["whole"]) for path, about in files.items()} == {
        "ferry.jsonl": (1, 0),
        "more.parquet": (3, 1),
    }
    assert curate("verify", excluded / "out").code == 0
    report = json.loads((excluded / "out" / "report.json").read_text())
    assert {"decision": "dropped", "stage": "read", "reason": "evaluation"}.items() <= report["flow"][0].items()
    told = curate("explain", excluded / "out", "one-edit").out
    assert "one-edit was dropped at stage read, reason evaluation" in told
    assert "of the evaluation text ferry (threshold 80.0%)" in told
    assert "a run without ferry among the evaluation texts, or with dedupe.exclude_containment above 0.8" in told


def test_decisions_keep_it_without_the_files(curate, excluded, tmp_path, output_of):
    for name in ("ferry.jsonl", "more.parquet"):
        (excluded / name).rename(excluded / f"{name}.gone")
    out = tmp_path / "out"
    try:
        outcome = curate("decide", "--annotations", excluded / "out", "--output", out, "--set", "dedupe.enabled=false")
        refused = curate(
            "decide", "--annotations", excluded / "out", "--output", out / "no", "--set", "dedupe.exclude_tokens=1"
        )
    finally:
        for name in ("ferry.jsonl", "more.parquet"):
            (excluded / f"{name}.gone").rename(excluded / name)
    assert outcome.code == 0, outcome.err
    first, again = output_of(excluded / "out"), output_of(out)
    gone = {id for id, row in first.rows.items() if row["reason"] == "evaluation"}
    assert {id: again.rows[id] for id in gone} == {id: first.rows[id] for id in gone}
    assert again.manifest["exclude"] == first.manifest["exclude"]
    assert refused.code == 2
    assert "dedupe.exclude_tokens is 1, but the annotations were made with 8" in refused.message


def test_plan_counts_the_texts(curate, excluded):
    outcome = curate(
        *("run", "--input", excluded / "all.parquet", "--plan"),
        *("--exclude", excluded / "more.parquet"),
    )
    assert "more.parquet, 1 of them compared with whole documents\n" in outcome.out
