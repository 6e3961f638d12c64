import json
import os

import pytest

from curate.errors import UsageError
from curate.io.filesystem import LocalFiles
from curate.io.inputs import find_inputs

FILES = LocalFiles()
TEXT = {"text": ["one", "two"]}


def found(*patterns):
    return [os.path.basename(f.path) for f in find_inputs([str(p) for p in patterns], FILES)]


def test_files_globs_and_directories_each_file_once_sorted(write, tmp_path):
    write("b.parquet", TEXT)
    write("a.parquet", TEXT)
    write("deep/er/c.parquet", TEXT)
    write("_temporary/d.parquet", TEXT)
    write("_metadata.parquet", TEXT)
    write(".hidden.parquet", TEXT)
    for name in ("e.jsonl", "f.jsonl.gz", "g.jsonl.zst", "h.json", "i.txt"):
        (tmp_path / name).write_bytes(b"")
    assert found(tmp_path) == ["a.parquet", "b.parquet", "c.parquet", "e.jsonl", "f.jsonl.gz", "g.jsonl.zst"]
    assert found(tmp_path / "*.parquet", tmp_path / "a.parquet", f"{tmp_path}/./a.parquet") == [
        "a.parquet",
        "b.parquet",
    ]
    assert found(tmp_path / "d*") == ["c.parquet"]  # a matched directory counts with what is under it
    assert found(tmp_path / "_metadata.parquet") == ["_metadata.parquet"]  # named in full


def test_a_name_with_glob_characters_is_taken_as_it_is(write):
    assert found(write("a[1].parquet", TEXT)) == ["a[1].parquet"]
    assert found(write("d[2]/x.parquet", TEXT).parent) == ["x.parquet"]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("missing.parquet", "does not exist"),
        ("*.nothing", "matches no file"),
        ("empty", "is an empty directory"),
        ("notes.txt", "no known format"),
        ("*.txt", "holds no .parquet"),
    ],
)
def test_inputs_that_name_nothing_are_refused(tmp_path, pattern, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(UsageError, match=message) as caught:
        find_inputs([str(tmp_path / pattern)], FILES)
    assert pattern in str(caught.value) and caught.value.exit_code == 2


def test_no_input_is_refused():
    with pytest.raises(UsageError):
        find_inputs([], FILES)


def test_a_curate_output_means_the_data_files_of_its_manifest(write, tmp_path):
    for name in ("out/data/part-0.parquet", "out/data/stray.parquet", "out/ledger/l.parquet", "out/held/h.parquet"):
        write(name, TEXT)
    manifest = {"counts": {}, "digests": {"data/part-0.parquet": "", "ledger/l.parquet": ""}}
    (tmp_path / "out/manifest.json").write_text(json.dumps(manifest))
    assert found(tmp_path / "out") == ["part-0.parquet"]
    manifest["digests"]["data/../../secret.parquet"] = ""
    (tmp_path / "out/manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UsageError, match="lacks"):
        find_inputs([str(tmp_path / "out")], FILES)
