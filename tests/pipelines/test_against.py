"""Curation in steps: new documents are compared with earlier outputs (`curate run --against DIR`)."""

import json
import shutil
from datetime import datetime, timezone

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.config import Config
from curate.duplicates.verify import similarities, verified
from curate.io.filesystem import LocalFiles
from curate.io.sources import find_inputs, plan
from curate.pipelines.progress import annotated_documents
from curate.report.manifest import to_bytes
from curate.report.verify import check_counts
from curate.text.kernel import shingle_sets

DUPLICATES = ("--set", "mixture.enabled=false", "--set", "synthetic.enabled=false")
"""Duplicates and provenance: what earlier documents take part in."""


def when(year):
    return datetime(year, 6, 1, tzinfo=timezone.utc)


def table(rows):
    columns = {"id": pa.string(), "text": pa.string(), "timestamp": pa.timestamp("s", tz="UTC"), "origin": pa.string()}
    return pa.Table.from_pylist(rows, schema=pa.schema(list(columns.items())))


@pytest.fixture
def run(curate, tmp_path, output_of, write):
    """Runs `--input` over rows and gives the output, checked."""

    def run(name, rows, *arguments, command=curate, steps=DUPLICATES, **layout):
        input = write(f"{name}.in.parquet", rows if isinstance(rows, pa.Table) else table(rows), **layout)
        outcome = command("run", "--input", input, "--output", tmp_path / name, *steps, *arguments)
        assert outcome.code == 0, outcome.err
        output = output_of(tmp_path / name)
        output.assert_whole()
        assert check_counts(tmp_path / name) == []
        return output

    return run


@pytest.fixture
def families(prose):
    """Documents of 30 families: a text, a copy, near and contained ones, some alone; ids tell the family."""
    source, rows = prose(77), []
    for family in range(30):
        words = source.text(90).split()
        chain = [*words[:40], "turn", *words[41:]]
        texts = {
            "whole": words,
            "copy": words,
            "near": [*words[:10], "edit", *words[11:]],
            "far": [*chain[:70], "bend", *chain[71:]],  # like `turn`, less like `whole`
            "turn": chain,
            "part": words[:82],
            "alone": source.text(60).split(),
        }
        rows += [{"id": f"{family:02d}-{name}", "text": " ".join(texts[name])} for name in texts]
    return rows


def halves(rows, years):
    """Every other document, captured in the first of two years; the rest in the second."""
    order = sorted(range(len(rows)), key=lambda row: (row * 7919) % 211)
    return [[{**rows[row], "timestamp": when(year)} for row in order[half::2]] for half, year in enumerate(years)]


def kept(*outputs):
    return {row["curate_id"]: row["text"] for output in outputs for row in output.table("data").to_pylist()}


def covered(texts, others):
    """Which texts are equal to one of the others or verified similar to it."""
    values, offsets = shingle_sets(pa.array([*texts, *others]), shingle=5)
    left, right = (side.ravel() for side in np.meshgrid(np.arange(len(texts)), np.arange(len(others)), indexing="ij"))
    measures = similarities(values, offsets, left, right + len(texts))
    return verified(*measures, 0.8, 0.9).reshape(len(texts), len(others)).any(axis=1)


# Two halves.


@pytest.mark.parametrize("years", [(2015, 2016), (2023, 2024)], ids=["all real", "all unknown"])
@pytest.mark.parametrize("provenance", ["true", "false"])
def test_two_halves_keep_what_one_run_keeps(run, tmp_path, families, years, provenance):
    """Where the first half ranks first in one run too, the same documents are kept."""
    steps = (*DUPLICATES, "--set", f"provenance.enabled={provenance}")
    first, second = halves(families, years)
    whole = run("whole", first + second, steps=steps)
    one = run("one", first, steps=steps)
    two = run("two", second, "--against", tmp_path / "one", steps=steps)
    assert kept(one, two) == kept(whole)
    assert two.counts["read"] == len(second)
    # The second half is decided as it was in one run, match for match.
    names = ("decision", "stage", "reason", "matched_id", "similarity", "containment", "origin", "weight")
    rows = whole.rows
    for id, row in two.rows.items():
        assert [row[name] for name in names] == [rows[id][name] for name in names]
    across = [id for id, row in two.rows.items() if row["matched_id"] in one.rows]
    assert len(across) > 10


@pytest.mark.parametrize("years", [(2024, 2023), (2024, 2015), (2015, 2024)], ids=["later first", "worse", "better"])
def test_two_halves_cover_what_one_run_keeps(run, tmp_path, families, years):
    """In any order, what one way keeps is kept the other way too, or something verified similar to it."""
    first, second = halves(families, years)
    whole = kept(run("whole", first + second))
    one = run("one", first)
    two = run("two", second, "--against", tmp_path / "one")
    apart = kept(one, two)
    assert covered(list(whole.values()), list(apart.values())).all()
    assert covered(list(apart.values()), list(whole.values())).all()
    superseded = {entry["id"] for entry in two.manifest["supersedes"]}
    assert bool(superseded) == (years == (2024, 2015))
    for entry in two.manifest["supersedes"]:
        assert entry["id"] in kept(one) and entry["by"] in kept(two)
        assert not np.isnan(entry["similarity"])
    if superseded:
        assert kept(two) == {id: text for id, text in whole.items() if id in two.rows}


# What is written.


@pytest.fixture
def old_and_new(texts, prose):
    edited = prose(3).edited
    old = [{"id": f"d{index}", "text": texts[index], "timestamp": when(2024)} for index in range(4)]
    new = [
        {"id": "d0", "text": texts[0], "timestamp": when(2023)},  # the same again
        {"id": "near", "text": edited(texts[1]), "timestamp": when(2023)},
        {"id": "real", "text": edited(texts[2]), "timestamp": when(2015)},  # of a higher class than what is kept
        {"id": "d3", "text": texts[5], "timestamp": when(2023)},  # another document of that id
        {"id": "apart", "text": texts[6], "timestamp": when(2023)},
    ]
    return old, new


@pytest.fixture
def made(run, old_and_new, tmp_path, snapshot):
    old, new = old_and_new
    run("old", old)
    before = snapshot(tmp_path / "old")
    output = run("new", new, "--against", tmp_path / "old")
    assert snapshot(tmp_path / "old") == before
    return output


def test_matches_are_named_and_nothing_else_changes(made, tmp_path, old_and_new):
    rows = made.rows
    assert set(rows) == {"d0#2", "near", "real", "d3#2", "apart"}
    assert (rows["d0#2"]["reason"], rows["d0#2"]["matched_id"]) == ("exact", "d0")
    assert (rows["near"]["reason"], rows["near"]["matched_id"]) == ("near", "d1")
    assert {id for id, row in rows.items() if row["decision"] == "kept"} == {"real", "d3#2", "apart"} == set(kept(made))
    assert (made.counts["read"], made.counts["duplicate_ids"]) == (5, 2)
    assert list(made.manifest["fingerprints"]) == [str(tmp_path / "new.in.parquet")]
    assert made.table("data").schema.names[:4] == ["id", "text", "timestamp", "origin"]


def test_manifest_and_report_name_what_is_superseded(made, tmp_path, curate):
    assert made.manifest["against"] == [str(tmp_path / "old")]
    [entry] = made.manifest["supersedes"]
    assert 0.8 <= entry.pop("similarity") < 1 and entry.pop("containment") > 0.8
    assert entry == {"id": "d2", "by": "real", "reason": "near", "output": str(tmp_path / "old")}
    report = json.loads((made.path / "report.json").read_text())
    assert (report["duplicates"]["matched_earlier"], report["duplicates"]["supersedes"]) == (2, 1)
    [panel] = [panel for panel in report["panels"] if panel["name"] == "Integrity"]
    figures = {figure["name"]: figure["value"] for figure in panel["figures"]}
    assert (figures["matched_earlier"], figures["supersedes"]) == (2, 1)
    assert any("supersedes in the manifest" in reason["text"] for reason in panel["reasons"])
    assert curate("report", made.path).code == 0


def test_explain_names_the_earlier_output(made, curate, tmp_path):
    outcome = curate("explain", made.path, "near")
    assert outcome.code == 0
    assert f"compared with d1, which is in the earlier output {tmp_path / 'old'}: their shingle sets" in outcome.out
    assert "earlier output" not in curate("explain", made.path, "apart").out
    shutil.rmtree(tmp_path / "old")
    assert f"in the earlier output {tmp_path / 'old'}" in curate("explain", made.path, "near").out


def test_verify_looks_matches_up(made, curate, tmp_path):
    outcome = curate("verify", made.path)
    assert (outcome.code, outcome.err) == (0, "")
    (tmp_path / "old").rename(tmp_path / "moved")
    outcome = curate("verify", made.path)
    assert outcome.code == 0
    assert outcome.err == f"2 matches not checked: {tmp_path / 'old'} cannot be read\n"
    (tmp_path / "moved").rename(tmp_path / "old")
    [part] = (tmp_path / "old" / "data").glob("*.parquet")
    data = pq.read_table(part)
    pq.write_table(data.filter(pa.array([id != "d1" for id in data["curate_id"].to_pylist()])), part)
    outcome = curate("verify", made.path)
    assert outcome.code == 1
    assert "matches: 1 ids are dropped for a document that is not kept: 'near'" in outcome.err


def test_decide_needs_no_earlier_output(made, curate, tmp_path, output_of):
    (tmp_path / "old").rename(tmp_path / "moved")
    for name, options in (("again", ()), ("applied", ("--apply",))):
        outcome = curate("decide", "--annotations", made.path, "--output", tmp_path / name, *options)
        assert outcome.code == 0, outcome.err
        again = output_of(tmp_path / name)
        assert again.ledger.equals(made.ledger)
        for key in ("against", "supersedes", "counts", "reasons"):
            assert again.manifest[key] == made.manifest[key]
    assert kept(again) == kept(made)
    decide = ("--annotations", made.path, "--set", "dedupe.threshold=0.99", "--set", "dedupe.containment=1.0")
    assert curate("decide", *decide, "--output", tmp_path / "stricter").code == 0
    stricter = output_of(tmp_path / "stricter")
    assert stricter.decisions() == {id: "dropped" if id == "d0#2" else "kept" for id in made.rows}
    assert stricter.manifest["supersedes"] == []


def test_decide_does_not_write_to_earlier_outputs(made, curate, tmp_path, snapshot):
    before = snapshot(tmp_path)
    for output in (tmp_path / "old", tmp_path / "old" / "x"):
        outcome = curate("decide", "--annotations", made.path, "--output", output, "--overwrite")
        assert outcome.code == 2 and "an earlier output that is not changed" in outcome.message
    assert snapshot(tmp_path) == before


def test_what_supersedes_may_lose_all_its_lines(run, tmp_path, prose):
    """The document that keeps them supersedes in its place."""
    source, before, later = prose(51), when(2015), when(2024)
    banner = "\n".join(source.text(12) for _ in range(4))
    run("old", [{"id": "old", "text": banner, "timestamp": later}])
    new = [{"id": "bare", "text": banner, "timestamp": before}, {"id": "near", "text": f"{banner} more"}]
    new += [{"id": f"p{page}", "text": f"{banner}\n{source.text(60)}", "timestamp": before} for page in range(12)]
    lines = ("--set", "dedupe.lines.enabled=true", "--set", "dedupe.lines.min_documents=13")
    output = run("new", new, "--against", tmp_path / "old", *lines)
    [owner] = [id for id, text in kept(output).items() if banner in text]
    assert owner != "bare"
    assert {(row["reason"], row["matched_id"]) for id, row in output.rows.items() if id in ("bare", "near")} == {
        ("line", owner)
    }
    [entry] = output.manifest["supersedes"]
    assert (entry["id"], entry["by"], entry["reason"], entry["similarity"]) == ("old", owner, "line", 1.0)


# Chains.


def test_a_chain_needs_its_last_link_only(run, tmp_path, texts, prose):
    edited = prose(3).edited
    later, before = when(2024), when(2015)
    run("1", [{"id": "a", "text": texts[0], "timestamp": later}, {"id": "b", "text": texts[1], "timestamp": later}])
    second = [
        {"id": "real", "text": edited(texts[0]), "timestamp": before},
        {"id": "c", "text": texts[2], "timestamp": later},
    ]
    two = run("2", second, "--against", tmp_path / "1")
    assert [(entry["id"], entry["by"]) for entry in two.manifest["supersedes"]] == [("a", "real")]
    third = [
        {"id": "like-b", "text": edited(texts[1]), "timestamp": later},
        {"id": "like-c", "text": edited(texts[2]), "timestamp": later},
        {"id": "like-a", "text": texts[0].replace(" ", " other ", 1), "timestamp": later},
        {"id": "d", "text": texts[3], "timestamp": later},
    ]
    three = run("3", third, "--against", tmp_path / "2")
    assert three.manifest["against"] == [str(tmp_path / "2"), str(tmp_path / "1")]
    matched = {id: row["matched_id"] for id, row in three.rows.items()}
    assert matched == {"like-b": "b", "like-c": "c", "like-a": "real", "d": None}
    assert three.manifest["supersedes"] == []
    named = run("3again", third, "--against", tmp_path / "1", "--against", tmp_path / "2")
    drop = ["source_file"]
    assert named.ledger.drop_columns(drop).equals(three.ledger.drop_columns(drop))


# The same ledger, however the earlier output is cut.


def cut_anew(output, target, size, group):
    """The same output with its data in other files, the last documents first."""
    shutil.copytree(output, target)
    data = pa.concat_tables([pq.read_table(part) for part in sorted((target / "data").glob("*.parquet"))])
    manifest = json.loads((target / "manifest.json").read_text())
    for part in (target / "data").glob("*.parquet"):
        part.unlink()
        del manifest["digests"][f"data/{part.name}"]
    rows = data.take(pa.array(range(data.num_rows)[::-1]))
    for start in range(0, rows.num_rows, size):
        name = f"data/part-{start:05d}.parquet"
        pq.write_table(rows.slice(start, size), target / name, row_group_size=group)
        manifest["digests"][name] = {}
    (target / "manifest.json").write_bytes(to_bytes(manifest))
    return target


@pytest.fixture
def ledger_of(run, families, tmp_path):
    first, second = halves(families, (2024, 2023))
    second = [{**row, "timestamp": when(2015)} if row["id"] < "10" else row for row in second]
    run("one", first)

    def ledger_of(name, against, *options, **layout):
        output = run(name, second, "--against", against, *options, **layout)
        supersedes = [{**entry, "output": ""} for entry in output.manifest["supersedes"]]
        return output.ledger.drop_columns(["source_file"]), supersedes, output.counts

    return ledger_of


def test_cuts_do_not_matter(ledger_of, tmp_path):
    expected = ledger_of("plain", tmp_path / "one")
    assert expected[1], "some are superseded"
    cut = cut_anew(tmp_path / "one", tmp_path / "cut", 11, 4)
    assert ledger_of("cut-anew", cut, "--set", "run.block_rows=7", row_group_size=9) == expected


def test_progress_is_of_the_input(made, tmp_path):
    planned = plan(find_inputs([str(tmp_path / "new.in.parquet")], LocalFiles()), Config(), LocalFiles())
    assert annotated_documents(str(made.path / "annotations" / "features"), planned)() == made.counts["read"]


@pytest.mark.slow
def test_workers_do_not_matter(ledger_of, tmp_path, curate_process):
    expected = ledger_of("plain", tmp_path / "one")
    assert ledger_of("two", tmp_path / "one", "--workers", "2", command=curate_process) == expected


def test_an_output_that_shares_nothing_changes_nothing(run, curate, corpus, finished, output_of, tmp_path, prose):
    """Of the steps that fit and calibrate none sees an earlier document."""
    foreign = prose(404)
    run("foreign", [{"id": f"doc-{i:04d}x", "text": foreign.text(80), "timestamp": when(2014)} for i in range(40)])
    output = run("out", corpus, "--against", tmp_path / "foreign", steps=())
    alone, drop = output_of(finished), ["source_file"]
    assert output.ledger.drop_columns(drop).equals(alone.ledger.drop_columns(drop))
    assert output.manifest["artefacts"] == alone.manifest["artefacts"]
    assert output.counts == alone.counts


def test_the_origin_that_was_found_is_no_evidence(run, tmp_path, texts, prose):
    """The earlier document declares nothing itself, so nothing of it travels to a copy."""
    edited = prose(3).edited(texts[0])
    origin = {"curate_origin": pa.array(["synthetic"])}
    old = pa.table({"id": ["old"], "text": [texts[0]], **origin, "timestamp": pa.array([when(2024)])})
    assert run("old", old).rows["old"]["origin"] == "synthetic"
    new = run("new", [{"id": "new", "text": edited, "timestamp": when(2024)}], "--against", tmp_path / "old")
    assert new.rows["new"]["matched_id"] == "old"
    assert new.rows["new"]["evidence"] is None


def test_declared_origin_of_an_earlier_document_travels(run, tmp_path, texts, prose):
    run("old", [{"id": "old", "text": texts[0], "timestamp": when(2023), "origin": "synthetic"}])
    copy = [{"id": "new", "text": prose(3).edited(texts[0]), "timestamp": when(2024)}]
    new = run("new", copy, "--against", tmp_path / "old", steps=("--set", "mixture.enabled=false"))
    assert new.rows["new"]["decision"] == "dropped"
    assert [(item["kind"], item["detail"]) for item in new.rows["new"]["evidence"]] == [("copy_of_synthetic", "old")]


def test_media_are_compared(run, tmp_path, texts):
    def media(*ids):
        return pa.table({"id": list(ids), "media": [id[0].encode() * 99 for id in ids], "text": [None] * len(ids)})

    run("old", media("a", "b"))
    new = run("new", media("a2", "c"), "--against", tmp_path / "old")
    assert {id: row["matched_id"] for id, row in new.rows.items()} == {"a2": "a", "c": None}


def test_a_shortened_earlier_output_is_told(run, curate, tmp_path, prose, write):
    """Its documents lost their banner: a page that is mostly banner is no longer similar to what is left of it."""
    source = prose(53)
    banner = source.text(40)
    rows = [{"id": f"p{page}", "text": f"{banner}\n{source.text(40)}"} for page in range(10)]
    run("old", rows, "--set", "dedupe.lines.enabled=true")
    input = write("again.parquet", table(rows))
    arguments = ("--input", input, "--against", tmp_path / "old", "--output", tmp_path / "again")
    outcome = curate("run", *arguments, *DUPLICATES)
    assert outcome.code == 0
    told = f"curate: {tmp_path / 'old'} lacks its repeated lines; a copy is told by what is left of a document there\n"
    assert told in outcome.err
    run("plain", rows)
    outcome = curate("run", *arguments[:2], "--against", tmp_path / "plain", *arguments[4:], "--overwrite", *DUPLICATES)
    assert outcome.code == 0 and "repeated lines" not in outcome.err


# Nothing to read, nothing to compare with, and what is refused.


def test_empty_ends(run, tmp_path, texts):
    rows = [{"id": "a", "text": texts[0]}]
    run("nothing", table([]))
    assert set(kept(run("after-nothing", rows, "--against", tmp_path / "nothing"))) == {"a"}
    empty = run("empty", table([]), "--against", tmp_path / "after-nothing")
    assert empty.counts["read"] == 0
    assert empty.manifest["against"] == [str(tmp_path / "after-nothing"), str(tmp_path / "nothing")]
    again = run("again", rows, "--against", tmp_path / "after-nothing")
    assert again.counts["kept"] == 0 and again.rows["a#2"]["matched_id"] == "a"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--against", "gone"), "has no manifest.json, expected the output directory of a finished run"),
        (("--against", "old/data"), "has no manifest.json"),
        (("--against", "ledger-only"), "write them by `curate decide --apply`"),
        (("--against", "old", "--set", "documents.columns.text=body"), "no text column 'body'"),
        (("--against", "old", "--set", "dedupe.enabled=false"), "dedupe.enabled is false"),
        (("--against", "old", "--output", "old", "--overwrite"), "an earlier output that is not changed"),
        (("--against", "old", "--output", "old/inside"), "an earlier output that is not changed"),
        (("--against", "old", "--output", ".", "--overwrite"), "an earlier output that is not changed"),
    ],
)
def test_refusals(run, curate, tmp_path, texts, write, monkeypatch, snapshot, arguments, expected):
    run("old", [{"id": "a", "text": texts[0]}])
    decided = curate("decide", "--annotations", tmp_path / "old", "--output", tmp_path / "ledger-only")
    assert decided.code == 0, decided.err
    input = write("new.parquet", {"id": ["b"], "text": texts[1:2], "body": texts[1:2]})
    before = snapshot(tmp_path)
    monkeypatch.chdir(tmp_path)
    output = () if "--output" in arguments else ("--output", "out")
    outcome = curate("run", "--input", input, *output, *arguments)
    assert outcome.code == 2
    assert expected in outcome.message
    assert snapshot(tmp_path) == before


def test_a_damaged_earlier_output_is_told(run, curate, tmp_path, write, texts, only_read):
    run("old", [{"id": str(index), "text": text} for index, text in enumerate(texts)])
    [part] = (tmp_path / "old" / "data").glob("*.parquet")
    content = bytearray(part.read_bytes())
    content[40:80] = bytes(40)
    part.write_bytes(bytes(content))
    input = write("new.parquet", {"text": texts[:1]})
    arguments = ("--input", input, "--against", tmp_path / "old", "--output", tmp_path / "out")
    outcome = curate("run", *arguments, *only_read)
    assert outcome.code == 1
    assert str(part) in outcome.message and "of an earlier output cannot be decoded" in outcome.message
    assert not (tmp_path / "out").exists()


def test_plan_counts_what_is_compared_with(run, curate, tmp_path, texts, write):
    run("old", [{"id": str(index), "text": text} for index, text in enumerate(texts)])
    input = write("new.parquet", {"text": texts[:1]})
    outcome = curate("run", "--plan", "--input", input, "--against", tmp_path / "old")
    assert outcome.code == 0
    assert f"compared with 12 documents of {tmp_path / 'old'}" in outcome.out
