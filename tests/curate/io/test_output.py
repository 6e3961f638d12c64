import hashlib
import io
import multiprocessing
import os
import signal
import sys

import pytest

from curate.errors import UsageError
from curate.io import output
from curate.io.filesystem import FileInfo, LocalFiles
from curate.io.output import digests, prepare_output

FILES = LocalFiles()


def prepare(path, overwrite=False, **options):
    return prepare_output(str(path), overwrite, FILES, **options)


def put(directory, **files):
    os.makedirs(directory, exist_ok=True)
    for name, text in files.items():
        with open(os.path.join(directory, name), "w") as file:
            file.write(text)


def contents(directory):
    return {name: (directory / name).read_text() for name in sorted(os.listdir(directory))}


def test_a_new_output_appears_at_commit_with_nothing_beside_it(tmp_path):
    out = tmp_path / "deep" / "out"
    with prepare(out) as staging:
        put(staging.path, a="1")
        assert not out.exists()
        staging.commit()
    assert contents(out) == {"a": "1"}
    assert os.listdir(out.parent) == ["out"]


def test_an_error_leaves_nothing(tmp_path):
    with pytest.raises(KeyError), prepare(tmp_path / "deep" / "out") as staging:
        put(staging.path, a="1")
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_an_empty_directory_is_a_new_one(tmp_path):
    (tmp_path / "out").mkdir()
    with prepare(tmp_path / "out") as staging:
        put(staging.path, a="1")
        staging.commit()
    assert contents(tmp_path / "out") == {"a": "1"}


def test_what_is_there_is_kept_or_replaced_whole(tmp_path):
    out = tmp_path / "out"
    put(out, old="0")
    with pytest.raises(UsageError, match=r"is not empty.*--overwrite") as caught:
        prepare(out)
    assert caught.value.exit_code == 2
    with pytest.raises(KeyError), prepare(out, overwrite=True) as staging:
        put(staging.path, new="1")
        assert contents(out) == {"old": "0"}
        raise KeyError
    assert contents(out) == {"old": "0"}
    with prepare(out, overwrite=True) as staging:
        put(staging.path, new="1")
        staging.commit()
    assert contents(out) == {"new": "1"}
    assert os.listdir(tmp_path) == ["out"]


def test_impossible_outputs_are_refused(tmp_path, monkeypatch):
    put(tmp_path, file="x")
    put(tmp_path / "home", a="x")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for path, message in [
        (tmp_path / "file", "is a file"),
        (tmp_path / "file" / "out", "cannot be written"),
        (tmp_path / "home", "home directory"),
        (os.getcwd(), "current or home directory"),
        ("/", "current or home directory"),
        ("/proc", "mount point"),
    ]:
        with pytest.raises(UsageError, match=message) as caught:
            prepare(path, overwrite=True)
        assert "\n" not in str(caught.value)
    assert sorted(os.listdir(tmp_path)) == ["file", "home"]


def test_an_output_that_holds_the_inputs_is_refused(tmp_path):
    put(tmp_path / "out", a="x")
    with pytest.raises(UsageError, match="holds the input"):
        prepare(tmp_path / "out", overwrite=True, inputs=[str(tmp_path / "out" / "a")])


def test_a_link_to_a_directory_is_followed(tmp_path):
    put(tmp_path / "real", old="0")
    (tmp_path / "link").symlink_to("real")
    with prepare(tmp_path / "link", overwrite=True) as staging:
        put(staging.path, new="1")
        staging.commit()
    assert contents(tmp_path / "real") == {"new": "1"} and (tmp_path / "link").is_symlink()


def test_two_runs_do_not_meet(tmp_path):
    with prepare(tmp_path / "out") as staging:
        with pytest.raises(UsageError, match=f"another run .process {os.getpid()}"):
            prepare(tmp_path / "out")
        put(staging.path, a="1")
        staging.commit()
    assert contents(tmp_path / "out") == {"a": "1"}


def _crash(out, moves):
    staging = prepare_output(out, True, FILES)
    put(staging.path, new="1")
    if moves >= 1:
        staging._target.rename(staging._old)
    if moves >= 2:
        staging._staging.rename(staging._target)
    os._exit(0)


@pytest.mark.parametrize(("moves", "survivor"), [(0, "old"), (1, "old"), (2, "new")])
def test_a_crash_at_any_point_is_repaired_by_the_next_run(tmp_path, moves, survivor):
    out = tmp_path / "out"
    put(out, old="0")
    process = multiprocessing.get_context("fork").Process(target=_crash, args=(str(out), moves))
    process.start()
    process.join()
    with pytest.raises(UsageError, match="not empty"):  # it finds what the crash left, not an empty place
        prepare(out)
    assert list(contents(out)) == [survivor]
    assert os.listdir(tmp_path) == ["out"]


def _killed_before(operation, out):
    """Replaces an output, and is killed before its operation of this number on files, if it has as many."""
    done = []

    def hook(event, arguments):
        if event in ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir") and str(out.parent) in str(arguments[0]):
            if len(done) == operation:
                os.kill(os.getpid(), signal.SIGKILL)
            done.append(event)

    sys.addaudithook(hook)
    with prepare(out, overwrite=True) as staging:
        put(staging.path, new="1")
        put(os.path.join(staging.path, "data"), more="2")
        staging.commit()


def test_at_every_moment_of_a_run_there_is_a_whole_output(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    if not output._exchange(tmp_path / "one", tmp_path / "other"):
        pytest.skip("directories cannot take each other's place here: the next run mends what is left")
    for operation in range(100):
        place = tmp_path / str(operation)
        put(place / "out", old="0")
        process = multiprocessing.get_context("fork").Process(target=_killed_before, args=(operation, place / "out"))
        process.start()
        process.join()
        found = sorted(os.listdir(place / "out"))
        assert found in (["old"], ["data", "new"])
        with pytest.raises(UsageError, match="not empty"):
            prepare(place / "out")
        assert sorted(os.listdir(place / "out")) == found and os.listdir(place) == ["out"]
        if process.exitcode == 0:
            break
    assert 10 < operation < 99


def test_what_is_kept_waits_for_a_run_that_resumes(tmp_path):
    with pytest.raises(KeyError), prepare(tmp_path / "out") as staging:
        put(staging.path, a="1")
        staging.keep()
        raise KeyError
    with prepare(tmp_path / "out", resume=True) as staging:
        assert contents(tmp_path / ".out.curate-staging") == {"a": "1"}
        staging.keep()
    with prepare(tmp_path / "out") as staging:
        assert contents(tmp_path / ".out.curate-staging") == {}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("exchange", [output._exchange, lambda one, other: False])
def test_an_old_output_is_replaced_also_where_directories_cannot_be_exchanged(tmp_path, monkeypatch, exchange):
    monkeypatch.setattr(output, "_exchange", exchange)
    put(tmp_path / "out", old="0")
    with prepare(tmp_path / "out", overwrite=True) as staging:
        put(staging.path, new="1")
        staging.commit()
    assert contents(tmp_path / "out") == {"new": "1"} and os.listdir(tmp_path) == ["out"]


def test_nothing_is_resumed_on_an_object_store():
    with pytest.raises(UsageError, match="is remote, where no run can be resumed; run without --resume"):
        prepare_output("mem://b/out", False, Memory(), resume=True)


def test_digests(tmp_path):
    put(tmp_path / ".out-staging", b="2", **{"manifest.json": "{}"})
    put(tmp_path / ".out-staging" / "data", a="1")
    sha = {name: hashlib.sha256(text).hexdigest() for name, text in {"b": b"2", "data/a": b"1"}.items()}
    assert digests(str(tmp_path / ".out-staging"), FILES) == sha
    assert list(digests(str(tmp_path / ".out-staging"), FILES)) == ["b", "data/a"]


class Memory:
    """An object store."""

    def __init__(self):
        self.objects = {}
        self.removed = []

    def stat(self, path):
        return FileInfo(path, len(self.objects[path])) if path in self.objects else None

    def match(self, pattern):
        root = pattern.removesuffix("**")
        return [FileInfo(path, len(data)) for path, data in sorted(self.objects.items()) if path.startswith(root)]

    def open(self, path):
        return io.BytesIO(self.objects[path])

    def remove(self, path):
        self.removed.append(path)
        del self.objects[path]


def test_remote_outputs_are_written_in_place_and_lose_their_manifest_first():
    files = Memory()
    staging = prepare_output("mem://b/out/", False, files)
    assert staging.path == "mem://b/out"
    files.objects = {"mem://b/out/data/a": b"1", "mem://b/out/manifest.json": b"{}", "mem://b/other": b""}
    staging.commit()
    assert digests("mem://b/out", files) == {"data/a": hashlib.sha256(b"1").hexdigest()}
    with pytest.raises(UsageError, match="not empty"):
        prepare_output("mem://b/out", False, files)
    with prepare_output("mem://b/out", True, files):
        files.objects["mem://b/out/data/new"] = b""
    assert files.removed[0] == "mem://b/out/manifest.json"
    assert list(files.objects) == ["mem://b/other"]
