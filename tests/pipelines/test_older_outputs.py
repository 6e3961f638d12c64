"""Outputs of another version, or that somebody changed: every command says in a line what is wrong, or goes on."""

import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest


def ledger_without(*names):
    return lambda table: table.drop_columns(names)


def ledger_with(name, make):
    def change(table):
        return table.set_column(table.schema.get_field_index(name), name, make(table[name]))

    return change


LEDGERS = {
    "without evidence": ledger_without("evidence"),
    "without weights": ledger_without("weight", "copies"),
    "without ids": ledger_without("id"),
    "with columns of a later version": lambda table: table.append_column("new", pa.nulls(table.num_rows)),
    "with encoded strings": ledger_with("id", lambda column: column.dictionary_encode()),
    "with large strings": ledger_with("reason", lambda column: column.cast(pa.large_string())),
    "with numbers for ids": ledger_with("id", lambda column: pa.array(range(len(column)))),
    "with text for weights": ledger_with("weight", lambda column: column.cast(pa.string())),
    "with ids twice": lambda table: pa.concat_tables([table, table.slice(0, 3)]),
    "empty": lambda table: table.slice(0, 0),
    "of another shape": lambda table: pa.table({"x": [1]}),
}
FILES = {
    "manifest.json": [b"", b"{}", b"[]", b"\xff", b"[" * 50_000, b'{"counts": {}, "format": 0}'],
    "report.json": [b"", b"{}", b"[]", b"\xff"],
}
COMMANDS = [("explain", "{}", "doc-0020"), ("verify", "{}"), ("report", "{}", "{}"), ("review", "export", "{}")]


@pytest.fixture
def changed(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "changed")


@pytest.fixture
def told(curate, tmp_path):
    """Runs a command, which ends with what users are told and never in an exception of Python's."""

    def told(command, output):
        arguments = [part.format(output) for part in command]
        if "export" in command:
            arguments += ["--to", tmp_path / "queue.csv"]
        if command[0] == "report":
            arguments += ["--to", tmp_path / "trend.html"]
        outcome = curate(*arguments)
        assert outcome.code in (0, 1, 2) and "--debug" not in outcome.err, (command, outcome)
        assert outcome.code == 0 or (outcome.err + outcome.out).strip()

    return told


@pytest.mark.parametrize("kind", LEDGERS)
def test_ledgers(changed, told, kind):
    for path in (changed / "ledger").glob("*.parquet"):
        pq.write_table(LEDGERS[kind](pq.read_table(path)), path)
    for command in COMMANDS:
        told(command, changed)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(100) + b"PAR1"])
def test_files_that_are_no_ledgers(changed, told, content):
    for path in (changed / "ledger").glob("*.parquet"):
        path.write_bytes(content)
    for command in COMMANDS:
        told(command, changed)


@pytest.mark.parametrize("name", FILES)
def test_manifests_and_reports(changed, told, name):
    for content in FILES[name]:
        (changed / name).write_bytes(content)
        for command in COMMANDS:
            told(command, changed)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["manifest.json", "report.json"])
def test_every_key_may_be_missing(changed, told, name):
    whole = json.loads((changed / name).read_text())
    for key in whole:
        (changed / name).write_text(json.dumps({other: value for other, value in whole.items() if other != key}))
        for command in COMMANDS[1:3] if name == "manifest.json" else COMMANDS[2:]:
            told(command, changed)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"format": 5}', b'{"format": 5, "config": []}'])
def test_annotations(changed, curate, tmp_path, content):
    (changed / "annotations" / "annotations.json").write_bytes(content)
    outcome = curate("decide", "--annotations", changed, "--output", tmp_path / "out")
    assert outcome.code == 2 and "--debug" not in outcome.err, outcome
    assert not (tmp_path / "out").exists()
