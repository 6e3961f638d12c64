"""The command line itself: help, settings, progress, and what it never does."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import zipfile

import pytest
import yaml

from curate.config import Config, describe, load_config
from curate.pipelines.cli import cli
from curate.pipelines.settings import settings_yaml
from curate.provenance.signing import ThrowAwaySigner, make_png

COMMANDS = [
    ("run",), ("decide",), ("explain",), ("report",), ("verify",), ("config",), ("provenance",), ("demo",),
    ("simulate",), ("detector",), ("detector", "train"), ("detector", "evaluate"), ("yaml-providers",),
]  # fmt: skip


def test_every_command_is_listed_here():
    found = {(name,) for name in cli.commands}
    found |= {("detector", name) for name in cli.commands["detector"].commands}
    assert found >= set(COMMANDS)


@pytest.mark.parametrize("command", [(), *COMMANDS], ids=" ".join)
def test_help(curate, command):
    outcome = curate(*command, "--help")
    assert outcome.code == 0
    assert outcome.err == ""
    assert outcome.out.startswith(f"Usage: {' '.join(('curate', *command))}")


@pytest.mark.parametrize("command", [("run",), ("decide",), ("explain",), ("detector", "train")], ids=" ".join)
def test_help_has_examples(curate, command):
    assert f"  curate {' '.join(command)} --" in (text := curate(*command, "--help").out) or "Example:" in text


def test_help_and_config_import_nothing_heavy(curate_process):
    check = (
        "import atexit, sys\n"
        "heavy = ('apache_beam', 'numba', 'numpy', 'pyarrow', 'matplotlib', 'fasttext', 'c2pa', 'scipy')\n"
        "atexit.register(lambda: print([name for name in heavy if name in sys.modules]))"
    )
    for command in (("--help",), ("run", "--help"), ("config",)):
        outcome = curate_process(*command, before=check)
        assert outcome.out.splitlines()[-1] == "[]", command


def test_version(curate):
    assert curate("--version").out.startswith("curate, version ")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "Missing command; see `curate --help`"),
        (("rum",), "No such command 'rum'"),
        (("run", "--input", "a"), "Missing option '--output'; see `curate run --help`"),
        (("run", "--output", "a"), "Missing option '--input'"),
        (("run", "--input", "a", "--output", "b", "--workers", "0"), "Invalid value for '--workers'"),
        (("explain", "a"), "Missing argument 'ID'"),
        (("config", "--bogus"), "No such option '--bogus'"),
    ],
)
def test_bad_usage(curate, arguments, expected):
    outcome = curate(*arguments)
    assert outcome.code == 2
    assert outcome.out == ""
    assert expected in outcome.err
    assert len(outcome.err.splitlines()) == 1


# Settings.


def test_config_prints_a_file_that_loads_back(curate, tmp_path):
    outcome = curate("config")
    assert outcome.code == 0
    (tmp_path / "curate.yaml").write_text(outcome.out)
    assert load_config(str(tmp_path / "curate.yaml")) == Config()


def test_config_has_every_setting_and_its_meaning():
    text = settings_yaml()
    values = yaml.safe_load(text)
    words = " ".join(re.sub(r"^ *# ?", "", line) for line in text.splitlines())
    for key, _, meaning in describe():
        section = values
        for name in key.split("."):
            section = section[name]
        assert meaning and meaning in words, key


def test_config_file_and_set(curate, write, texts, tmp_path, output_of):
    (tmp_path / "curate.yaml").write_text(
        "dedupe: {threshold: 0.9, containment: 0.95}\nmixture: {enabled: false}\nsynthetic: {enabled: false}\n"
    )
    outcome = curate(
        "run", "--input", write("a.parquet", {"text": texts}), "--output", tmp_path / "out",
        "--config", tmp_path / "curate.yaml", "--set", "dedupe.threshold=0.85", "--set", "run.seed=7",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    config = output_of(tmp_path / "out").manifest["config"]
    assert config["dedupe"]["threshold"] == 0.85
    assert config["dedupe"]["containment"] == 0.95
    assert config["run"]["seed"] == 7
    assert config["mixture"]["enabled"] is False


@pytest.mark.parametrize("steps", ["dedupe", "dedupe provenance synthetic mixture", "report"])
def test_steps_can_be_off(curate, write, texts, tmp_path, output_of, steps):
    off = [f"--set={step}.enabled=false" for step in steps.split()]
    input = write("a.parquet", {"text": [*texts, texts[0]]})
    outcome = curate("run", "--input", input, "--output", tmp_path / "out", *off)
    assert outcome.code == 0, outcome.err
    output = output_of(tmp_path / "out")
    output.assert_whole()
    assert output.counts["kept"] == (13 if "dedupe" in steps else 12)
    assert (tmp_path / "out" / "report.html").exists() == ("report" not in steps)


def test_plan_reads_nothing_and_writes_nothing(curate, corpus_file, tmp_path):
    outcome = curate("run", "--input", corpus_file, "--plan")
    assert outcome.code == 0
    assert "1 files, 300 records" in outcome.out
    assert "bands of" in outcome.out
    assert "collapsing" in outcome.out.splitlines()[-1]
    assert not any(tmp_path.iterdir())


def test_beam_options_are_passed_through(curate, write, texts, tmp_path, only_read, monkeypatch):
    from curate.pipelines import run as run_module

    seen = []
    annotate_inputs = run_module.annotate_inputs

    def spy(plan, config, artefacts, directory, options, *others):
        seen.append(options.get_all_options(drop_default=True))
        annotate_inputs(plan, config, artefacts, directory, options, *others)

    monkeypatch.setattr(run_module, "annotate_inputs", spy)
    outcome = curate(
        "run", "--input", write("a.parquet", {"text": texts}), "--output", tmp_path / "out", *only_read,
        "--job_name", "mine", "--experiments=use_x",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert seen[0]["job_name"] == "mine"
    assert seen[0]["runner"] == "FnApiRunner"
    assert "use_x" in seen[0]["experiments"]


# Progress.


def test_progress_is_plain_lines_and_the_result_alone_on_stdout(curate_process, write, texts, tmp_path, only_read):
    input = write("a.parquet", {"text": texts})
    outcome = curate_process("run", "--input", input, "--output", tmp_path / "out", *only_read)
    assert outcome.code == 0
    assert outcome.out == (
        "read 12 documents: kept 12, held 0 for review, dropped 0\n"
        f"data:   {tmp_path}/out/data\n"
        f"report: {tmp_path}/out/report.html\n"
    )
    lines = outcome.err.splitlines()
    assert lines[0] == "curate: annotate …"
    assert re.fullmatch(r"curate: annotate: 12 documents in [\d.]+ s \([\d,]+/s\)", lines[1])
    assert lines[2] == "curate: decide and apply …"
    assert len(lines) == 4
    assert "\r" not in outcome.err


def test_progress_on_a_terminal_is_a_bar(write, texts, tmp_path, only_read):
    """Standard error is a pseudo-terminal: the bar says how many documents, at what rate."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    command = [sys.executable, "-m", "curate.pipelines.cli", "run", "--input", str(write("a.parquet", {"text": texts}))]
    process = subprocess.Popen(
        [*command, "--output", str(tmp_path / "out"), *only_read], stdout=subprocess.PIPE, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    assert process.wait() == 0
    assert b"annotate: 100%" in shown and b"docs" in shown
    process.stdout.close()


# What it never does.

NO_NETWORK = """
import socket
def refuse(*arguments, **options):
    raise AssertionError("somebody wanted the network")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = socket.create_connection = refuse
"""


def test_no_network(curate_process, corpus_file, tmp_path):
    outcome = curate_process("run", "--input", corpus_file, "--output", tmp_path / "out", before=NO_NETWORK)
    assert outcome.code == 0, outcome.err


def test_works_without_any_network_interface(corpus_file, tmp_path):
    inside = ["unshare", "--map-root-user", "--net"]
    try:
        subprocess.run([*inside, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no network namespaces for this user")
    command = [sys.executable, "-m", "curate.pipelines.cli", "run", "--input", str(corpus_file)]
    done = subprocess.run(
        [*inside, *command, "--output", str(tmp_path / "out")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_paths_in_data_open_no_connection(curate_process, write, tmp_path, texts):
    paths = ["http://127.0.0.1:9/x.png", "https://example.invalid/x", "gs://bucket/x.png", "s3://b/x", "/proc/nowhere"]
    table = {"id": [str(i) for i in range(5)], "media_path": paths, "text": [None, None, None, None, texts[0]]}
    outcome = curate_process(
        "run", "--input", write("a.parquet", table), "--output", tmp_path / "out", before=NO_NETWORK
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert "read 5 documents" in outcome.out


@pytest.mark.parametrize(
    ("place", "kept"), [("run.annotate_inputs", []), ("writing.apply_split", [".out.curate-staging"])]
)
def test_interrupted(curate_process, write, texts, tmp_path, place, kept):
    """Also in the midst of a worker's work, where Beam makes another error of it; what is annotated can be resumed."""
    module, name = place.split(".")
    broken = f"import curate.pipelines.{module} as m\ndef stop(*a): raise KeyboardInterrupt\nm.{name} = stop"
    input = write("a.parquet", {"text": texts})
    outcome = curate_process("run", "--input", input, "--output", tmp_path / "out", before=broken)
    assert outcome.code == 130
    assert outcome.message == "curate: interrupted; nothing was changed in the output directory"
    assert sorted(path.name for path in tmp_path.iterdir()) == [*kept, "a.parquet"]


def test_provenance_of_members_and_without_the_trust_list(curate, tmp_path):
    signer = ThrowAwaySigner()
    (tmp_path / "anchors.pem").write_text(signer.anchors_pem)
    with zipfile.ZipFile(tmp_path / "assets.zip", "w") as file:
        file.writestr("a.png", signer.sign(make_png(1, 2, 3), "image/png", "digitalCapture"))
    member = f"{tmp_path}/assets.zip!/a.png"
    anchors = f"provenance.trust_anchors={tmp_path / 'anchors.pem'}"
    done = curate("provenance", member, "--set", anchors, "--set", "provenance.trust_list=null")
    record = json.loads(done.out)
    assert (record["file"], record["validation_state"], record["origin"]) == (member, "Trusted", "human")
    assert json.loads(curate("provenance", member).out)["validation_state"] == "Valid"
    assert "no member" in json.loads(curate("provenance", f"{tmp_path}/assets.zip!/b.png").out)["error"]
    done = curate("provenance", member, "--set", f"provenance.revocation_lists=[{tmp_path / 'none.crl'}]")
    assert done.code == 2
    assert "revocation_lists" in done.message
