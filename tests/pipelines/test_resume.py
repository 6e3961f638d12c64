"""A run goes on from what an interrupted one has annotated, and gives what an undisturbed one gives."""

import json
import shutil

import pyarrow.parquet as pq
import pytest

from curate.pipelines import resume
from curate.pipelines.writing import _WriteTable
from curate.transforms import annotate

STAGING = ".out.curate-staging"
SETTINGS = ("--set", "run.block_rows=40", "--set", "dedupe.lines.enabled=true", "--set", "report.enabled=false")


@pytest.fixture(scope="module")
def place(corpus, curate, tmp_path_factory):
    """Two inputs of eight blocks, one record among them undecodable, and what an undisturbed run makes of them."""
    place = tmp_path_factory.mktemp("resume")
    pq.write_table(corpus, place / "a.parquet", row_group_size=40)
    rows = [
        {"id": f"line-{index}", "text": f"{text} in lines"} for index, text in enumerate(corpus["text"].to_pylist())
    ]
    lines = [json.dumps(row).encode() for row in rows[20:110]]
    lines[50] = b'{"text": "\xff"}'
    (place / "b.jsonl").write_bytes(b"\n".join(lines))
    outcome = curate(*_command(place, place / "undisturbed"))
    assert outcome.code == 0, outcome.err
    return place


def _command(place, output, *more):
    return ("run", "--input", place / "a.parquet", "--input", place / "b.jsonl", "--output", output, *SETTINGS, *more)


@pytest.fixture
def command(place, tmp_path):
    def command(*more):
        return _command(place, tmp_path / "out", *more)

    return command


def break_after(monkeypatch, blocks):
    """Has annotation fail with the block after so many."""
    done = []
    annotate_block = annotate.annotate

    def fail(*arguments, **options):
        if len(done) == blocks:
            raise OSError("the power went out")
        done.append(1)
        return annotate_block(*arguments, **options)

    monkeypatch.setattr(annotate, "annotate", fail)


@pytest.fixture
def interrupted(curate, command, monkeypatch, tmp_path):
    """The staging directory of a run that failed in its sixth block."""
    with monkeypatch.context() as patch:
        break_after(patch, 5)
        outcome = curate(*command())
    assert outcome.code == 1 and "the power went out" in outcome.message
    assert f"what was annotated is kept in {tmp_path / STAGING}; the same command with --resume" in outcome.err
    assert not (tmp_path / "out").exists()
    return tmp_path / STAGING


@pytest.fixture
def annotated(monkeypatch):
    """Rows of the blocks that are annotated from now on."""
    rows = []
    annotate_block = annotate.annotate

    def count(block, *arguments, **options):
        rows.append(block.num_rows)
        return annotate_block(block, *arguments, **options)

    monkeypatch.setattr(annotate, "annotate", count)
    return rows


@pytest.fixture
def assert_undisturbed(place, tmp_path, snapshot, curate):
    def check():
        for folder in ("ledger", "data", "held", "errors"):
            assert snapshot(tmp_path / "out" / folder) == snapshot(place / "undisturbed" / folder)
        assert curate("verify", tmp_path / "out").code == 0
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []

    return check


def resumed(curate, command):
    outcome = curate(*command("--resume"))
    assert outcome.code == 0, outcome.err
    return outcome


def features(staging):
    return sorted((staging / "annotations" / "features").iterdir())


def test_finished_blocks_are_not_annotated_again(curate, command, interrupted, annotated, assert_undisturbed):
    assert len(features(interrupted)) == 5
    outcome = resumed(curate, command)
    assert "resuming: 200 of 390 documents are annotated" in outcome.err
    assert sum(annotated) == 389 - 200
    assert_undisturbed()


@pytest.mark.parametrize(
    ("folder", "damage"), [("features", "cut"), ("features", "flip"), ("lines", "cut"), ("sample", "flip")]
)
def test_what_is_half_written_is_annotated_again(
    curate, command, interrupted, annotated, assert_undisturbed, folder, damage
):
    part = sorted((interrupted / "annotations" / folder).iterdir())[2]
    content = bytearray(part.read_bytes())
    if damage == "cut":
        del content[len(content) // 2 :]
    else:
        content[len(content) // 3] ^= 4
    part.write_bytes(content)
    outcome = resumed(curate, command)
    assert "resuming: 160 of 390" in outcome.err
    assert sum(annotated) == 389 - 160
    assert_undisturbed()


def test_an_embedding_that_is_half_written_is_fitted_again(curate, command, interrupted, assert_undisturbed):
    path = interrupted / "annotations" / "embedding.npz"
    path.write_bytes(path.read_bytes()[:-100])
    resumed(curate, command)
    assert_undisturbed()


def test_what_is_annotated_whole_is_only_decided(curate, command, annotated, monkeypatch, assert_undisturbed, tmp_path):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("curate.pipelines.writing.apply_split", full)
        assert curate(*command()).code == 1
    assert sum(annotated) == 389
    (tmp_path / STAGING / "data").mkdir(exist_ok=True)
    (tmp_path / STAGING / "data" / "part-half.parquet").write_bytes(b"PAR1")
    annotated.clear()
    assert "resuming: all documents are annotated" in resumed(curate, command).err
    assert annotated == []
    assert_undisturbed()


def test_a_damaged_record_of_what_is_annotated_starts_anew(curate, command, interrupted, assert_undisturbed):
    (interrupted / "annotations" / resume.STARTED).write_text('{"format": ')
    assert "nothing to resume; starting anew" in resumed(curate, command).err
    assert_undisturbed()


def test_it_may_be_interrupted_again(curate, command, interrupted, monkeypatch, assert_undisturbed):
    with monkeypatch.context() as patch:
        break_after(patch, 2)
        assert curate(*command("--resume")).code == 1
    assert len(features(interrupted)) == 7
    resumed(curate, command)
    assert_undisturbed()


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (("--set", "dedupe.threshold=0.9"), "dedupe.threshold is 0.9, but the interrupted run had 0.8"),
        (("--set", "run.block_rows=41"), "run.block_rows is 41, but the interrupted run had 40"),
        (("--input", "{place}/undisturbed/data"), "is not among those of the interrupted run"),
    ],
)
def test_other_settings_and_inputs_are_refused(curate, command, interrupted, place, snapshot, more, expected):
    before = snapshot(interrupted)
    outcome = curate(*command("--resume", *(part.format(place=place) for part in more)))
    assert outcome.code == 2
    assert expected in outcome.message and "run without --resume to annotate anew" in outcome.message
    assert snapshot(interrupted) == before


def test_changed_inputs_are_refused(curate, place, interrupted, tmp_path, monkeypatch):
    shutil.copy(place / "b.jsonl", tmp_path / "kept")
    try:
        (place / "b.jsonl").write_bytes((tmp_path / "kept").read_bytes().replace(b" in lines", b" en lines"))
        outcome = curate(*_command(place, tmp_path / "out", "--resume"))
    finally:
        shutil.copy(tmp_path / "kept", place / "b.jsonl")
    assert outcome.code == 2
    assert f"input '{place / 'b.jsonl'}' has changed since the run was interrupted; put it back" in outcome.message
    assert interrupted.exists()


def test_another_version_is_refused(curate, command, interrupted, monkeypatch):
    versions = resume.installed_versions() | {"curate": "0.0.1"}
    monkeypatch.setattr(resume, "installed_versions", lambda: versions)
    outcome = curate(*command("--resume"))
    assert outcome.code == 2 and "versions.curate is '0.0.1', but the interrupted run had" in outcome.message


def test_without_resume_it_starts_anew(curate, command, interrupted, annotated, assert_undisturbed):
    assert curate(*command()).code == 0
    assert sum(annotated) == 389
    assert_undisturbed()


def test_with_nothing_to_resume_it_starts(curate, command, annotated, assert_undisturbed):
    assert "nothing to resume" in resumed(curate, command).err
    assert sum(annotated) == 389
    assert_undisturbed()


def test_an_output_that_is_there_is_not_resumed(curate, command, place, tmp_path, snapshot):
    shutil.copytree(place / "undisturbed", tmp_path / "out")
    outcome = curate(*command("--resume"))
    assert outcome.code == 2 and "is not empty" in outcome.message
    assert snapshot(tmp_path / "out") == snapshot(place / "undisturbed")


def test_a_refusal_keeps_nothing(curate, write, tmp_path, only_read):
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "fine"}\n' + b'{"text": "\xff"}\n' * 2)
    assert curate("run", "--input", tmp_path / "a.jsonl", "--output", tmp_path / "out", *only_read).code == 3
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_every_block_of_earlier_outputs_is_annotated_again(curate, command, place, monkeypatch, snapshot, tmp_path):
    """Their features lie among those of the inputs, in splits that come after."""
    against = ("--against", place / "undisturbed")
    assert curate(*_command(place, tmp_path / "expected", *against)).code == 0
    with monkeypatch.context() as patch:
        patch.setattr(_WriteTable, "process", _failing(_WriteTable.process, "pairs"))
        assert curate(*command(*against)).code == 1
    assert curate(*command("--resume", *against)).code == 0
    for folder in ("ledger", "data", "held"):
        assert snapshot(tmp_path / "out" / folder) == snapshot(tmp_path / "expected" / folder)


def _failing(process, folder):
    def fail(self, table):
        if folder in self._directory:
            raise OSError("the power went out")
        yield from process(self, table)

    return fail
