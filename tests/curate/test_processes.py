import subprocess
import sys

import pytest

from curate.processes import python_command


@pytest.fixture
def folder_of_data(tmp_path, monkeypatch):
    for name in ("json", "io", "runpy", "c2pa"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('code from data')")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_is_imported_from_the_current_directory(folder_of_data):
    done = subprocess.run(python_command("json.tool"), input=b"[1]", capture_output=True)
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, [b"[", b"1", b"]"], b"")


def test_it_imports_what_this_process_imports(tmp_path, monkeypatch):
    folder = tmp_path / "it's here"
    folder.mkdir()
    (folder / "only_here.py").write_text("import sys; print(__name__, sys.argv[1:])")
    monkeypatch.setattr(sys, "path", [*sys.path, str(folder)])
    done = subprocess.run([*python_command("only_here"), "a b"], capture_output=True, check=True)
    assert done.stdout == b"__main__ ['a b']\n"
