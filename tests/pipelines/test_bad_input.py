"""Every bad input and what it leads to: message, exit code, ledger, errors/, counts, and nothing lost."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest


@pytest.fixture
def refused(curate, tmp_path):
    """Runs a command that has to be refused: one line, no traceback, and nothing left behind."""

    def refused(code, *arguments, output=None):
        output = output or tmp_path / "not" / "yet" / "out"
        before = {path for path in tmp_path.rglob("*")}
        outcome = curate(*arguments, "--output", output)
        assert outcome.code == code, outcome
        assert outcome.out == ""
        assert outcome.message.startswith("curate: ")
        assert "Traceback" not in outcome.err
        assert {path for path in tmp_path.rglob("*")} == before
        return outcome.message

    return refused


@pytest.fixture
def run(curate, tmp_path, output_of, only_read):
    """Runs a command that has to succeed, and checks that its output is whole."""

    def run(*arguments):
        outcome = curate("run", *only_read, *arguments, "--output", tmp_path / "out")
        assert outcome.code == 0, outcome.err
        output = output_of(tmp_path / "out")
        output.assert_whole()
        return output

    return run


def truncated(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def damaged(path):
    """Flips bytes of the values in the first data page."""
    content = bytearray(path.read_bytes())
    column = pq.ParquetFile(path).metadata.row_group(0).column(0)
    place = column.data_page_offset + column.total_compressed_size - 60
    content[place : place + 40] = bytes(byte ^ 0xFF for byte in content[place : place + 40])
    path.write_bytes(bytes(content))
    return path


# Refused before anything is written: exit 2.


def test_missing_file(refused, tmp_path):
    message = refused(2, "run", "--input", tmp_path / "nowhere.parquet")
    assert message == (
        f"curate: input '{tmp_path}/nowhere.parquet' does not exist, expected a file, a glob or a directory; "
        "check the path"
    )


def test_glob_that_matches_nothing(refused, tmp_path):
    assert "matches no file; check the path" in refused(2, "run", "--input", tmp_path / "*.parquet")


def test_directory_without_a_usable_file(refused, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_text("x")
    assert "holds no .parquet" in refused(2, "run", "--input", tmp_path / "in")


def test_one_of_two_inputs_missing(refused, write, tmp_path):
    there = write("a.parquet", {"text": ["a"]})
    assert "nowhere" in refused(2, "run", "--input", there, "--input", tmp_path / "nowhere.parquet")


def test_no_text_column(refused, write):
    message = refused(2, "run", "--input", write("a.parquet", {"body": ["a"], "n": [1]}))
    assert "no text column 'text'" in message
    assert "body, n" in message
    assert "documents.columns.text" in message


def test_text_column_of_another_type(refused, write):
    assert "'text' is int64, expected string" in refused(2, "run", "--input", write("a.parquet", {"text": [1]}))


def test_incompatible_schemas(refused, write):
    a, b = write("a.parquet", {"text": ["a"], "n": ["1"]}), write("b.parquet", {"text": ["b"], "n": [1]})
    message = refused(2, "run", "--input", a, "--input", b)
    assert "column 'n' is int64 in" in message
    assert str(a) in message and str(b) in message


def test_several_files_after_one_input(refused, write):
    """A glob that the shell expanded; the second file must not be ignored in silence."""
    a, b = write("a.parquet", {"text": ["a"]}), write("b.parquet", {"text": ["b"]})
    message = refused(2, "run", "--input", a, b)
    assert f"unexpected argument '{b}'" in message
    assert "--input" in message


@pytest.mark.parametrize("more", [(), ("--plan",)])
def test_option_that_nobody_knows(refused, write, more):
    message = refused(2, "run", "--input", write("a.parquet", {"text": ["a"]}), "--bogus", "3", *more)
    assert "unknown option '--bogus': neither curate nor Beam has it" in message


def test_beam_option_with_a_bad_value(refused, write):
    message = refused(2, "run", "--input", write("a.parquet", {"text": ["a"]}), "--direct_num_workers", "many")
    assert "invalid int value: 'many'" in message


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("dedupe.treshold=0.9", "unknown setting 'dedupe.treshold'; the nearest valid one is 'dedupe.threshold'"),
        ("dedup.threshold=0.9", "the nearest valid one is 'dedupe'"),
        ("dedupe.threshold=2", "dedupe.threshold is 2: input should be less than 1"),
        ("dedupe.threshold=high", "dedupe.threshold is 'high'"),
        ("dedupe.threshold", "expected section.key=value"),
        ("threshold=0.9", "expected section.key=value"),
        ("synthetic.alpha_drop=0.5", "expected at most synthetic.alpha_suspect"),
        ("synthetic.model=/nowhere/detector.ftz", "detector '/nowhere/detector.ftz'"),
        ("provenance.trust_anchors=/nowhere/anchors.pem", "/nowhere/anchors.pem"),
    ],
)
def test_bad_settings(refused, write, setting, expected):
    message = refused(2, "run", "--input", write("a.parquet", {"text": ["a"]}), "--set", setting)
    assert expected in message


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("dedupe:\n  treshold: 0.9\n", "'dedupe.treshold'"),
        ("dedupe: [", "not valid YAML"),
        ("- a\n", "expected sections"),
        ("!!python/object/apply:os.system ['true']\n", "not valid YAML"),
        (None, "config file"),
    ],
)
def test_bad_config_file(refused, write, tmp_path, content, expected):
    config = tmp_path / "curate.yaml"
    if content is not None:
        config.write_text(content)
    assert expected in refused(2, "run", "--input", write("a.parquet", {"text": ["a"]}), "--config", config)


@pytest.mark.parametrize("more", [(), ("--plan",)])
def test_evaluation_file_that_is_missing(refused, write, tmp_path, more):
    input = write("a.parquet", {"text": ["a"]})
    message = refused(2, "run", "--input", input, "--exclude", tmp_path / "nowhere.jsonl", *more)
    assert message == (
        f"curate: exclude file '{tmp_path}/nowhere.jsonl' cannot be read (No such file or directory), expected a file "
        "of evaluation texts; check the path"
    )


def test_evaluation_file_without_texts(refused, write):
    input = write("a.parquet", {"text": ["a"]})
    for columns, expected in (({"question": ["a"]}, "has no text column 'text'"), ({"text": [" "]}, "has no text in")):
        assert expected in refused(2, "run", "--input", input, "--exclude", write("b.parquet", columns))


def test_output_that_holds_an_evaluation_file(refused, write, tmp_path):
    input, items = write("a.parquet", {"text": ["a"]}), write("out/b.parquet", {"text": ["b"]})
    message = refused(2, "run", "--input", input, "--exclude", items, "--overwrite", output=tmp_path / "out")
    assert "holds the input" in message
    assert items.exists()


def test_artefacts_that_are_none(refused, write, tmp_path):
    message = refused(2, "run", "--input", write("a.parquet", {"text": ["a"]}), "--artefacts", tmp_path / "nowhere")
    assert "expected the artefacts/ of a finished run" in message


def test_artefacts_of_other_settings(refused, write, finished):
    input = write("a.parquet", {"text": ["a"]})
    message = refused(2, "run", "--input", input, "--artefacts", finished, "--set", "mixture.dimensions=32")
    assert "mixture.dimensions is 32, but the embedding of the artefacts has 64" in message


# Refused because nothing, or too little, can be read: exit 3.


def test_no_file_can_be_read(refused, write, tmp_path):
    (tmp_path / "empty.parquet").write_bytes(b"")
    (tmp_path / "lines.jsonl.gz").write_bytes(b"no gzip")
    truncated(write("cut.parquet", {"text": ["a" * 50] * 100}))
    message = refused(3, "run", "--input", tmp_path)
    assert "none of 3 input files can be read, expected Parquet, JSON lines or Arrow IPC" in message


def test_errors_above_the_rate(refused, tmp_path, only_read):
    lines = tmp_path / "a.jsonl"
    lines.write_bytes(b'{"text": "fine"}\n' + b'{"text": "\xff"}\n' * 2)
    message = refused(3, "run", "--input", lines, *only_read)
    assert "2 of 3 records (67%) cannot be decoded, expected at most run.max_error_rate (50%)" in message


def test_errors_up_to_the_rate(run, tmp_path):
    lines = tmp_path / "a.jsonl"
    lines.write_bytes(b'{"text": "fine"}\n' + b'{"text": "\xff"}\n' * 2)
    assert run("--input", lines, "--set", "run.max_error_rate=0.7").counts["errors"] == 2


# Outputs that cannot be taken.


def test_output_not_empty(refused, write, tmp_path, snapshot):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("precious")
    before = snapshot(tmp_path / "out")
    message = refused(2, "run", "--input", write("a.parquet", {"text": ["a"]}), output=tmp_path / "out")
    assert message == (
        f"curate: output '{tmp_path}/out' is not empty, expected a new or empty directory; "
        "add --overwrite to replace it"
    )
    assert snapshot(tmp_path / "out") == before


def test_output_under_a_file(refused, write, tmp_path):
    (tmp_path / "file").write_text("x")
    input = write("a.parquet", {"text": ["a"]})
    assert "cannot be written" in refused(2, "run", "--input", input, output=tmp_path / "file" / "a" / "out")
    assert "is a file" in refused(2, "run", "--input", input, output=tmp_path / "file")


def test_output_that_holds_the_input(refused, write, tmp_path):
    input = write("in/a.parquet", {"text": ["a"]})
    assert "holds the input" in refused(2, "run", "--input", input, "--overwrite", output=tmp_path / "in")
    assert input.exists()


@pytest.mark.parametrize("job", ["run.annotate_inputs", "deciding.decide_annotated"])
def test_old_output_stays_whole_until_the_new_is_complete(
    curate, write, texts, tmp_path, only_read, snapshot, output_of, monkeypatch, job
):
    old, new = write("old.parquet", {"text": texts[:3]}), write("new.parquet", {"text": texts[3:8]})
    out = tmp_path / "out"
    assert curate("run", "--input", old, "--output", out, *only_read).code == 0
    before, old_output = snapshot(tmp_path), snapshot(out)

    def fail(*arguments, **options):
        assert snapshot(out) == old_output
        raise RuntimeError("the power\nwent out")

    with monkeypatch.context() as patch:
        patch.setattr(f"curate.pipelines.{job}", fail)
        outcome = curate("run", "--input", new, "--output", out, "--overwrite", *only_read)
    assert outcome.code == 1
    assert outcome.message == "curate: RuntimeError: the power went out; add --debug for the traceback"
    kept = {path for path in snapshot(tmp_path) if ".out.curate-staging" in path.parts}
    assert snapshot(tmp_path).items() - {(path, (tmp_path / path).read_bytes()) for path in kept} == before.items()
    assert bool(kept) == (job != "run.annotate_inputs")  # what was annotated, for --resume

    assert curate("run", "--input", new, "--output", out, "--overwrite", *only_read).code == 0
    assert output_of(out).counts["read"] == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.parquet", "old.parquet", "out"]


def test_failing_first_run_leaves_nothing(refused, write, monkeypatch):
    monkeypatch.setattr("curate.pipelines.run.annotate_inputs", lambda *_, **__: 1 / 0)
    assert "ZeroDivisionError" in refused(1, "run", "--input", write("a.parquet", {"text": ["a"]}))


def test_debug_shows_the_traceback(curate_process, write, tmp_path):
    input = write("a.parquet", {"text": ["a"]})
    broken = "import curate.pipelines.run as r\ndef fail(*a, **k): raise RuntimeError('mark')\nr.annotate_inputs = fail"
    outcome = curate_process("run", "--input", input, "--output", tmp_path / "out", "--debug", before=broken)
    assert outcome.code == 1
    assert "Traceback" in outcome.err and "mark" in outcome.err


def test_failure_inside_a_worker_is_one_line(curate_process, write, texts, tmp_path, only_read):
    input = write("a.parquet", {"text": texts})
    broken = "import curate.pipelines.writing as w\ndef fail(*a): raise OSError('disk\\nfull')\nw.apply_split = fail"
    outcome = curate_process("run", "--input", input, "--output", tmp_path / "out", *only_read, before=broken)
    assert outcome.code == 1
    assert outcome.message.startswith("curate: OSError: disk full")
    assert "Traceback" not in outcome.err and "ERROR" not in outcome.err
    assert "the same command with --resume goes on from there" in outcome.err
    assert sorted(path.name for path in tmp_path.iterdir()) == [".out.curate-staging", "a.parquet"]


@pytest.mark.slow
def test_failure_inside_a_worker_process_is_one_line(curate_process, write, texts, tmp_path, only_read):
    input = write("a.parquet", {"text": texts})
    # The record fits, features do not.
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))"
    outcome = curate_process(
        "run", "--input", input, "--output", tmp_path / "out", "--workers", "2", *only_read, before=full
    )
    assert outcome.code == 1
    assert len(outcome.err.splitlines()) == 2  # one of them says that it began
    assert "OSError: " in outcome.message and "File too large" in outcome.message
    assert "Traceback" not in outcome.message


def test_a_refused_run_leaves_nothing_behind_that_has_to_be_stopped(curate_process, write, texts, tmp_path):
    """A thread that is killed within a library's own code may abort the process, whatever the exit code was to be."""
    tell = "import atexit, threading\natexit.register(lambda: print([each.name for each in threading.enumerate()]))"
    input = write("in.parquet", {"text": texts})
    arguments = ("--input", input, "--output", tmp_path / "out", "--exclude", tmp_path / "gone.jsonl")
    outcome = curate_process("run", *arguments, before=tell)
    assert (outcome.code, outcome.out) == (2, "['MainThread']\n")


def test_refusal_in_a_process_of_its_own_is_one_line(curate_process, tmp_path):
    outcome = curate_process("run", "--input", tmp_path / "nowhere.parquet", "--output", tmp_path / "out")
    assert outcome.code == 2
    assert len(outcome.err.strip().splitlines()) == 1
    assert outcome.out == ""
    assert not any(tmp_path.iterdir())


# Bad files among good ones, bad records among good ones: they cost themselves.


def test_bad_files_among_good_ones(curate, write, texts, tmp_path, output_of, only_read):
    write("in/a.parquet", {"id": ["a1", "a2"], "text": texts[:2]})
    (tmp_path / "in" / "b.parquet").write_bytes(b"this is no Parquet file at all")
    truncated(write("in/c.parquet", {"text": texts[2:4]}))
    (tmp_path / "in" / "d.parquet").write_bytes(b"")
    (tmp_path / "in" / "e.jsonl.zst").write_bytes(b"\x28\xb5\x2f\xfd broken")
    write("in/f.parquet", {"id": ["f1"], "text": texts[4:5]})
    outcome = curate("run", "--input", tmp_path / "in", "--output", tmp_path / "out", *only_read)
    assert outcome.code == 0
    output = output_of(tmp_path / "out")
    output.assert_whole()
    assert output.counts["files_failed"] == 4
    assert output.decisions() == {"a1": "kept", "a2": "kept", "f1": "kept"}
    for name in "bcd":
        assert f"{name}.parquet cannot be opened" in outcome.err
    assert "4 files not opened" in outcome.out


def test_corrupt_page_in_the_middle_of_a_set(run, write, texts, tmp_path):
    write("in/a.parquet", {"text": texts[:3], "id": ["a", "b", "c"]})
    damaged(
        write(
            "in/b.parquet",
            {"text": texts[3:6], "id": ["d", "e", "f"]},
            compression="none",
            use_dictionary=False,
            row_group_size=1,
            write_page_checksum=True,
        )
    )
    write("in/c.parquet", {"text": texts[6:9], "id": ["g", "h", "i"]})
    output = run("--input", tmp_path / "in")
    assert output.counts["read"] == 9
    [error] = output.table("errors").to_pylist()
    assert error["source_file"] == str(tmp_path / "in" / "b.parquet")
    assert error["position"] == 0
    assert error["error"]
    assert set(output.rows) == set("abcefghi")


def test_invalid_utf8_and_json_in_lines(run, texts, tmp_path):
    lines = [json.dumps({"id": str(index), "text": text}).encode() for index, text in enumerate(texts[:4])]
    lines[1:1] = [b'{"id": "x", "text": "\xff\xfe"}', b"not json", b"[1, 2]", b""]
    with gzip.open(tmp_path / "a.jsonl.gz", "wb") as file:
        file.write(b"\n".join(lines))
    output = run("--input", tmp_path / "a.jsonl.gz")
    assert output.counts["read"] == 7
    errors = output.table("errors").sort_by("position").to_pylist()
    assert [error["position"] for error in errors] == [1, 2, 3]
    assert "invalid UTF-8" in errors[0]["error"]
    assert set(output.rows) == {"0", "1", "2", "3"}


def test_invalid_utf8_in_parquet(run, write, texts):
    bad = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xff")])
    good = pa.array(texts[:2])
    table = pa.table({"id": ["a", "b", "c"], "text": pa.concat_arrays([good, bad])})
    output = run("--input", write("a.parquet", table))
    assert output.counts["errors"] == 1
    assert set(output.rows) == {"a", "b"}


@pytest.mark.parametrize("table", [pa.table({"text": pa.array([], pa.string())}), pa.table({"text": pa.nulls(0)})])
def test_empty_parquet_gives_an_empty_complete_output(run, write, table, curate):
    everything = [f"--set={step}.enabled=true" for step in ("mixture", "synthetic", "provenance")]
    output = run("--input", write("a.parquet", table), *everything)
    assert not any(output.counts.values())
    assert output.table("data").num_rows == 0
    assert "curate_id" in output.table("data").column_names
    for name in ("report.html", "report.json", "croissant.json"):
        assert (output.path / name).stat().st_size
    assert curate("verify", output.path).code == 0


def test_empty_lines_file(run, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b"\n\n")
    assert not any(run("--input", tmp_path / "a.jsonl").counts.values())


def test_null_and_empty_texts(run, write, texts):
    output = run("--input", write("a.parquet", {"id": list("abcd"), "text": [None, "", " \n\u00a0", texts[0]]}))
    rows = output.rows
    for id in "abc":
        assert (rows[id]["decision"], rows[id]["stage"], rows[id]["reason"]) == ("dropped", "read", "no_text")
    assert rows["d"]["decision"] == "kept"
    assert output.manifest["reasons"] == {"read/no_text": 3}


def test_only_empty_texts(run, write):
    output = run("--input", write("a.parquet", {"text": pa.array([None, ""], pa.string())}))
    assert output.counts["dropped"] == 2


def test_over_long_text(run, write, texts):
    output = run(
        "--input", write("a.parquet", {"id": ["a", "b"], "text": ["é" * 101, "é" * 100]}),
        "--set", "documents.max_chars=100",
    )  # fmt: skip
    row = output.rows["a"]
    assert (row["decision"], row["stage"], row["reason"]) == ("dropped", "read", "too_long")
    assert output.rows["b"]["decision"] == "kept"


def test_duplicate_and_null_ids(run, write, texts):
    ids = ["x", "x", "x", "x#2", None, None, ""]
    output = run("--input", write("a.parquet", {"id": ids, "text": texts[:7]}))
    assert output.counts["duplicate_ids"] == 2
    assert output.counts["kept"] == 7
    named = {id for id in output.rows if id.startswith("x")}
    assert named == {"x", "x#2", "x#3", "x#4"}
    hashes = [id for id in output.rows if not id.startswith("x")]
    assert all(len(id) == 32 and int(id, 16) >= 0 for id in hashes)
    data = {row["text"]: row["curate_id"] for row in output.table("data").to_pylist()}
    assert data[texts[3]] == "x#2"
    assert len(data) == 7


def test_same_text_and_no_id(run, write, texts):
    output = run("--input", write("a.parquet", {"text": [texts[0]] * 3}))
    assert output.counts["duplicate_ids"] == 2
    assert (output.counts["kept"], output.counts["dropped"]) == (1, 2)


def test_files_whose_schemas_differ(run, write, texts, tmp_path):
    write("in/a.parquet", {"text": texts[:1], "n": pa.array([1], pa.int8()), "only_a": ["x"]})
    write("in/b.parquet", {"n": pa.array([2**40]), "text": pa.array(texts[1:2], pa.large_string())})
    (tmp_path / "in" / "c.jsonl").write_text(json.dumps({"text": texts[2], "n": 3, "only_c": [1]}))
    output = run("--input", tmp_path / "in")
    rows = {row["text"]: row for row in output.table("data").to_pylist()}
    assert [rows[text]["n"] for text in texts[:3]] == [1, 2**40, 3]
    assert [rows[text]["only_a"] for text in texts[:3]] == ["x", None, None]
    assert [rows[text]["only_c"] for text in texts[:3]] == [None, None, [1]]


@pytest.mark.slow
def test_document_of_50_megabytes(run, write, prose, texts):
    long = (prose(3).text(4_000) + "\n") * 2_250
    assert len(long) > 50e6
    everything = [f"--set={step}.enabled=true" for step in ("mixture", "synthetic", "provenance")]
    output = run("--input", write("a.parquet", {"id": ["long", "short"], "text": [long, texts[0]]}), *everything)
    assert output.rows["long"]["decision"] == "kept"
    assert output.rows["long"]["tokens"] == 9_000_000
    lengths = {row["id"]: len(row["text"]) for row in output.table("data").to_pylist()}
    assert lengths["long"] == len(long)


def test_hostile_names_stay_inside_the_output(run, write, texts, tmp_path):
    ids = ["../../escaped", "/etc/escaped", "a\x00b", "\n", "..", "ＡＢ/..\\x"]
    hostile = write("in/part ..%2f*[x]'\".parquet", {"id": ids, "text": texts[:6], "source": ["../../../s"] * 6})
    (tmp_path / "in" / "%2e%2e.jsonl").write_bytes(b'{"id": "../../y", "text": "\xff"}\n{"text": "fine"}')
    output = run("--input", tmp_path / "in", "--set", "run.max_error_rate=1")
    assert set(ids) <= set(output.rows)
    assert output.rows["../../escaped"]["source_file"] == str(hostile)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]
    assert len(list((tmp_path / "in").iterdir())) == 2


# Commands on directories that are no output.


@pytest.mark.parametrize("command", [("explain", "{}", "x"), ("verify", "{}"), ("report", "{}")])
@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_commands_need_an_output(curate, tmp_path, command, name):
    (tmp_path / "empty").mkdir()
    outcome = curate(*(part.format(tmp_path / name) for part in command))
    assert outcome.code == 2
    assert "output directory of a finished run" in outcome.message
    assert len(outcome.err.splitlines()) == 1
    assert not any((tmp_path / "empty").iterdir())


def test_report_of_something_else(curate, tmp_path):
    (tmp_path / "report.json").write_text("{}")
    outcome = curate("report", tmp_path)
    assert outcome.code == 2
    assert not (tmp_path / "report.html").exists()


def test_decide_needs_annotations(refused, tmp_path):
    assert "expected the annotations/ of a finished run" in refused(2, "decide", "--annotations", tmp_path)


def test_decide_needs_annotations_of_this_version(refused, tmp_path):
    (tmp_path / "annotations.json").write_text(json.dumps({"config": {}, "rows": 0}))
    assert "have the format of an earlier version, expected " in refused(2, "decide", "--annotations", tmp_path)


def test_decide_does_not_replace_what_it_reads(curate, finished, snapshot):
    before = snapshot(finished)
    outcome = curate("decide", "--annotations", finished, "--output", finished, "--overwrite")
    assert outcome.code == 2
    assert "holds the input" in outcome.message
    assert snapshot(finished) == before


def test_unknown_id(curate, finished):
    outcome = curate("explain", finished, "doc-9999")
    assert outcome.code == 2
    assert "no document with the id 'doc-9999'" in outcome.message
    assert "nearest" in outcome.message


@pytest.mark.parametrize("command", ["run", "decide"])
def test_an_output_never_replaces_what_a_run_reads(curate, write, texts, tmp_path, only_read, snapshot, command):
    path = write("in/a.parquet", {"text": texts})
    before = snapshot(tmp_path / "in")
    given = ("run", "--input", path)
    if command == "decide":
        assert curate(*given, "--output", tmp_path / "out", *only_read).code == 0
        given = ("decide", "--annotations", tmp_path / "out")
    outcome = curate(*given, "--output", tmp_path / "in", "--overwrite")
    assert outcome.code == 2
    assert "holds the input" in outcome.message
    assert snapshot(tmp_path / "in") == before


def test_blank_input(refused):
    assert "is empty" in refused(2, "run", "--input", "")


def test_unknown_runner(refused, write, texts):
    path = write("a.parquet", {"text": texts})
    assert "NoSuch" in refused(2, "run", "--input", path, "--runner", "NoSuch")
