"""`curate verify` names what is wrong, whichever bit of whichever file of an output has changed."""

import json
import random
import re
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.io.filesystem import LocalFiles
from curate.io.writer import write_part
from curate.report.manifest import digest, to_bytes
from curate.report.verify import check_counts
from curate.review.answers import Answer, append_answers

FLIPS = 12  # in each kind of file


@pytest.fixture(scope="module")
def whole(corpus_file, curate, tmp_path_factory):
    """An output with every kind of file: errors, held documents, removed lines, answers of a reviewer."""
    place = tmp_path_factory.mktemp("whole")
    (place / "b.jsonl").write_bytes(b'{"text": "\xff"}\n')
    inputs = ("--input", corpus_file, "--input", place / "b.jsonl")
    outcome = curate("run", *inputs, "--output", place / "out", "--set", "dedupe.lines.enabled=true")
    assert outcome.code == 0, outcome.err
    id = pq.read_table(place / "out" / "ledger", columns=["id"])["id"][3].as_py()
    append_answers(place / "out", [Answer(id, "0" * 32, "human", "me", "2026-01-01T00:00:00+00:00", "sure")] * 3)
    assert check_counts(place / "out") == []
    return place / "out"


@pytest.fixture
def copy(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "copy")


def kind(name):
    """Parts are of one kind."""
    return re.sub(r"part-[^/]*", "part", name)


@pytest.mark.slow
def test_every_flipped_bit_is_named(whole, copy):
    chance = random.Random(7)
    by_kind = {}
    for path in sorted(whole.rglob("*")):
        if path.is_file():
            by_kind.setdefault(kind(path.relative_to(whole).as_posix()), []).append(path.relative_to(whole))
    assert {"manifest.json", "report.html", "data/part", "errors/part", "artefacts/review.jsonl"} <= by_kind.keys()
    assert len(by_kind) > 15
    for names in by_kind.values():
        for _ in range(FLIPS):
            name = chance.choice(names)
            content = (whole / name).read_bytes()
            flipped = bytearray(content)
            flipped[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
            (copy / name).write_bytes(flipped)
            assert name.name in _found(copy), (name, flipped)
            (copy / name).write_bytes(content)
    assert check_counts(copy) == []


def _found(directory):
    try:
        return "\n".join(problem.detail for problem in check_counts(directory))
    except Exception as error:  # of a manifest that is none any more
        assert type(error).__name__ == "UsageError"
        return str(error)


def test_the_command_says_so_in_one_line(curate, copy):
    content = (copy / "manifest.json").read_bytes()
    (copy / "manifest.json").write_bytes(content.replace(b'"kept"', b'"kepd"', 1))
    outcome = curate("verify", copy)
    assert outcome.code in (1, 2) and len(outcome.err.splitlines()) == 1 and "manifest.json" in outcome.err


@pytest.mark.parametrize(
    ("folder", "change", "expected"),
    [
        ("data", lambda rows: _with(rows, "curate_weight", 0, 2.5), "have another weight than in the ledger"),
        ("ledger", lambda rows: _with(rows, "weight", 0, 0.0), "are kept without a weight"),
        ("ledger", lambda rows: _with(rows, "tokens", 0, 10**6), "mix: "),
        ("ledger", lambda rows: _with(rows, "copies", 0, 99), "mix: "),
        ("ledger", lambda rows: _with(rows, "decision", 0, "held"), "counts do not reconcile"),
    ],
)
def test_what_does_not_add_up_is_named_under_digests_that_do(copy, curate, folder, change, expected):
    """As a mistake of ours would leave it, or somebody who mends the digests."""
    path = next(
        path for path in sorted((copy / folder).glob("*.parquet")) if folder == "data" or _first_kept(path) is not None
    )
    rows = pq.read_table(path)
    first = 0 if folder == "data" else _first_kept(path)
    changed = pa.concat_tables([rows.slice(0, first), change(rows.slice(first))])
    write_part(str(path), changed, LocalFiles())
    manifest = json.loads((copy / "manifest.json").read_bytes())
    with open(path, "rb") as file:
        manifest["digests"][path.relative_to(copy).as_posix()] |= digest(file)
    (copy / "manifest.json").write_bytes(to_bytes(manifest))
    outcome = curate("verify", copy)
    assert outcome.code == 1 and expected in outcome.err


def _first_kept(path):
    kept = [decision == "kept" for decision in pq.read_table(path)["decision"].to_pylist()]
    return kept.index(True) if any(kept) else None


def _with(rows, name, index, value):
    values = rows[name].to_pylist()
    values[index] = value
    field = rows.schema.field(name)
    return rows.set_column(rows.schema.get_field_index(name), field, pa.array(values, field.type))


def test_outputs_of_earlier_versions_are_still_checked(copy, curate):
    manifest = json.loads((copy / "manifest.json").read_bytes())
    del manifest["digest"], manifest["mix"]
    (copy / "manifest.json").write_text(json.dumps(manifest | {"format": 1}))
    assert curate("verify", copy).code == 0
    (copy / "manifest.json").write_text(json.dumps(manifest | {"format": 3}))
    assert "'manifest.json' has changed since the run" in curate("verify", copy).err
