"""Every example of the README and of the guides in the folders runs, on small files of the names they use.

Python blocks and commands are run; commands that need a server are parsed by curate and Beam. The block of YAML is
run by `tests/pipelines/test_yaml.py`.
"""

import gzip
import importlib.util
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import types
import urllib.request
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.pipelines.cli import cli, main
from curate.pipelines.runner import beam_options

ROOT = Path(__file__).parents[1]
README = "README.md"
GUIDES = ("curate/README.md", "transforms/README.md", "pipelines/README.md")


def blocks(language, file=README):
    text = (ROOT / file).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


COMMANDS = ("run", "explain", "decide", "verify", "detector", "provenance", "review", "report")


def commands(file=README):
    for block in blocks("text", file):
        for line in block.splitlines():
            words = shlex.split(line) if re.match(rf"(\.venv/bin/)?curate ({'|'.join(COMMANDS)}) ", line) else []
            assert words or file == README, f"{file}: {line!r} is no command that can be run"
            if words and (importlib.util.find_spec("model2vec") or "model2vec:" not in line):
                yield words[1:]


WORDS = "amber basin cedar delta ember fjord grove haven islet juniper knoll lagoon meadow"


@pytest.fixture
def directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = WORDS.split()
    texts = [" ".join(words[(i * k) % 13] for k in range(1, 80)) + f" number {i}" for i in range(30)]
    ids = ["SOME-ID", *(f"d{i}" for i in range(1, 30))]
    rows = [{"id": id, "text": text, "language": "en", "crawl": 2020} for id, text in zip(ids, texts, strict=True)]
    pq.write_table(pa.Table.from_pylist(rows), "corpus.parquet")
    pq.write_table(pa.Table.from_pylist(rows[10:]), "new.parquet")
    Path("benchmark.jsonl").write_text(json.dumps({"id": "question 1", "text": texts[3]}) + "\n")
    Path("crawl").mkdir()
    pq.write_table(pa.Table.from_pylist(rows[:20]), "crawl/a.parquet")
    with gzip.open("forum.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows[20:])
    Path("books.jsonl").write_text("".join(json.dumps({"text": text[::-1], "language": "en"}) + "\n" for text in texts))
    human = pa.table({"text": [" ".join(words[i:] + words[:i]) * 6 + f" {i}" for i in range(60)]})
    machine = pa.table({"text": [text.upper() for text in texts]})
    pq.write_table(human, "mine.parquet")
    pq.write_table(machine, "theirs.parquet")
    labels = [pa.array([label] * table.num_rows) for label, table in (("human", human), ("machine", machine))]
    labelled = [table.append_column("label", label) for table, label in zip((human, machine), labels, strict=True)]
    pq.write_table(pa.concat_tables(labelled), "labelled.parquet")
    if importlib.util.find_spec("model2vec"):
        _static_model("static-model", words)
    return tmp_path


def _static_model(directory, words):
    import model2vec
    import tokenizers

    model = tokenizers.models.WordLevel({word: number for number, word in enumerate(["[UNK]", *words])}, "[UNK]")
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    model2vec.StaticModel(np.eye(1 + len(words), 256, dtype=np.float32), tokenizer).save_pretrained(directory)


@pytest.mark.parametrize(
    ("file", "code"),
    [
        pytest.param(file, code, id=f"{file}-{number}")
        for file in (README, *GUIDES)
        for number, code in enumerate(blocks("python", file))
    ],
)
def test_python_examples(file, code, directory, capfd, monkeypatch):
    script = types.ModuleType("script")  # classes of examples are found by the name of their module
    monkeypatch.setitem(sys.modules, script.__name__, script)
    exec(compile(code, file, "exec"), vars(script))
    assert capfd.readouterr().out.strip()


def served(words):
    """The page that a command serves until it is interrupted."""
    script = "import sys; from curate.pipelines.cli import main; main(sys.argv[1:])"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", script, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            address = next(found[0] for line in process.stdout if (found := re.search(r"http://\S+", line)))
            with urllib.request.urlopen(address) as answer:
                page = answer.read().decode()
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
    return page


def test_commands_of_the_readme_are_of_every_kind():
    assert {words[0] for words in commands()} == set(COMMANDS)


@pytest.mark.parametrize("file", [pytest.param(README, marks=pytest.mark.slow), "pipelines/README.md"])
def test_commands(file, directory):
    for words in commands(file):
        if words[:2] == ["review", "serve"]:
            assert "<h1>Review of held documents</h1>" in served(words)
            continue
        if words[0] == "run":
            words = [*words, "--overwrite"]
        with pytest.raises(SystemExit) as stop:
            main(words)
        assert stop.value.code == 0, words


def test_the_first_two_command_blocks_are_setup_and_tests():
    setup, tests = blocks("bash")
    assert len(setup.splitlines()) == len(tests.splitlines()) == 1
    assert "curate demo" in setup
    assert "pytest" in tests


@pytest.mark.parametrize("file", [README, "pipelines/README.md"])
def test_options_of_commands_that_need_a_server_are_known(file):
    lines = "".join(blocks("sh", file)).replace("\\\n", " ").splitlines()
    assert lines
    for line in lines:
        program, command, *words = shlex.split(line)
        assert program == "curate"
        given = cli.commands[command].make_context(command, words).params
        assert given["output"] and beam_options(given["beam"], given["workers"]).get_all_options()["job_endpoint"]


@pytest.mark.parametrize("file", [README, *GUIDES])
def test_no_block_is_left_out(file):
    fences = re.findall(r"^ *```(.*)$", (ROOT / file).read_text(encoding="utf-8"), flags=re.MULTILINE)
    told = {"README.md": {"bash"}, "pipelines/README.md": {"yaml"}}
    assert {*fences[::2]} <= {"python", "text", "sh"} | told.get(file, set())
    assert not any(fences[1::2])
    if file in ("curate/README.md", "transforms/README.md"):
        assert {*fences[::2]} == {"python"}


@pytest.mark.parametrize("file", [README, *GUIDES, "pipelines/SCALE.md"])
def test_links_lead_to_files_and_headings(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    for path, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", text):
        target = (ROOT / file).parent / path if path else ROOT / file
        assert target.exists(), path
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), flags=re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
