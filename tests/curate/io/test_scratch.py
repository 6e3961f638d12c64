"""Temporary directories of processes that are gone are removed; those of the living, and of others, are not."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from curate.io import scratch
from curate.io.scratch import PREFIX

HOLDER = (
    "import sys, time\n"
    "from curate.io.scratch import scratch\n"
    "with scratch() as directory:\n"
    "    open(f'{directory}/table.arrow', 'w').write('x')\n"
    "    print(directory, flush=True)\n"
    "    time.sleep(600)\n"
)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A directory of its own for temporary files, of this process and those that it starts."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
    return tmp_path


@pytest.fixture
def holder(place):
    """Starts a process that holds a directory; gives both. It is killed at the end, if not before."""
    started = []

    def start():
        process = subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process, Path(process.stdout.readline().strip())

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def used():
    """Makes a directory, as the next run does."""
    with scratch.scratch() as directory:
        return directory


def test_a_directory_is_there_until_its_end(place):
    with scratch.scratch() as directory:
        Path(directory, "inner").mkdir()
        assert Path(directory).parent == place and os.listdir(directory) == ["inner"]
        assert os.stat(directory).st_mode & 0o077 == 0
    assert list(place.iterdir()) == []


def test_a_directory_goes_with_an_error_too(place):
    with pytest.raises(KeyError), scratch.scratch():
        raise KeyError
    assert list(place.iterdir()) == []


def test_what_a_killed_process_has_left_is_removed_by_the_next(holder, place):
    process, left = holder()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert left.name.startswith(PREFIX) and (left / "table.arrow").exists()
    used()
    assert list(place.iterdir()) == []


def test_what_a_living_process_or_this_one_holds_stays(holder):
    process, held = holder()
    with scratch.scratch() as own:
        used()
        assert Path(own).exists() and (held / "table.arrow").exists()
    process.terminate()
    process.wait()
    used()
    assert not held.exists()


@pytest.mark.parametrize("moment", ["open", "flock"])
def test_a_directory_that_is_lost_before_it_is_locked_is_made_again(place, monkeypatch, moment):
    """Another run begins at that moment, and takes it for an abandoned one."""
    module = {"open": scratch.os, "flock": scratch.fcntl}[moment]
    call, others = getattr(module, moment), []

    def late(*arguments):
        if not others:
            others.append(None)
            others.append(used())
        return call(*arguments)

    monkeypatch.setattr(module, moment, late)
    with scratch.scratch() as directory:
        monkeypatch.undo()
        monkeypatch.setattr(tempfile, "tempdir", str(place))
        used()
        assert [str(path) for path in place.iterdir()] == [directory]


def test_without_locks_nothing_is_taken_for_abandoned(place, monkeypatch):
    def unsupported(handle, how):
        raise OSError("no locks available")

    monkeypatch.setattr(scratch.fcntl, "flock", unsupported)
    with scratch.scratch() as directory:
        used()
        assert os.path.isdir(directory)
    assert list(place.iterdir()) == []


def test_only_directories_of_ones_own_are_removed(place, tmp_path_factory, monkeypatch):
    dear = tmp_path_factory.mktemp("dear")
    (dear / "thesis.txt").write_text("years")
    (place / f"{PREFIX}link").symlink_to(dear)
    (place / f"{PREFIX}file").write_text("of somebody")
    (place / "curate-other").mkdir()
    used()
    assert (dear / "thesis.txt").exists()
    assert {path.name for path in place.iterdir()} == {f"{PREFIX}link", f"{PREFIX}file", "curate-other"}
    (place / f"{PREFIX}another").mkdir()
    monkeypatch.setattr(scratch.os, "geteuid", lambda: os.getuid() + 1)
    used()
    assert (place / f"{PREFIX}another").exists()
    monkeypatch.undo()
