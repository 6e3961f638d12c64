import contextlib
import io
import json
import random
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.pipelines.cli import main

ROOT = Path(__file__).parents[2]
COUNTS = {"read", "kept", "dropped", "held", "errors", "files_failed", "duplicate_ids"}

_SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "is")]
_TOPICS = ("harbour", "orchard", "engine", "parish")


@dataclass(frozen=True)
class Outcome:
    """What a command gave back."""

    code: int
    out: str
    err: str

    @property
    def message(self):
        """The last line on standard error, of which a refusal has exactly one of its own."""
        return self.err.strip().splitlines()[-1]


class Output:
    """An output directory as its readers see it."""

    def __init__(self, path):
        self.path = Path(path)
        self.manifest = json.loads((self.path / "manifest.json").read_text())
        self.counts = self.manifest["counts"]

    def table(self, folder):
        return pa.concat_tables([pq.read_table(path) for path in self.parts(folder)])

    def parts(self, folder):
        return sorted((self.path / folder).glob("*.parquet"))

    @property
    def ledger(self):
        return self.table("ledger").sort_by("id")

    @property
    def rows(self):
        return {row["id"]: row for row in self.ledger.to_pylist()}

    def decisions(self):
        return {id: row["decision"] for id, row in self.rows.items()}

    def assert_whole(self):
        """Counts, ledger and files tell the same story."""
        counts = self.counts
        assert set(counts) == COUNTS
        assert counts["read"] == counts["kept"] + counts["dropped"] + counts["held"] + counts["errors"]
        ledger = self.ledger
        assert ledger.num_rows == counts["read"] - counts["errors"]
        assert len(set(ledger["id"].to_pylist())) == ledger.num_rows
        for decision in ("kept", "dropped", "held"):
            assert ledger["decision"].to_pylist().count(decision) == counts[decision]
        assert self.table("data").num_rows == counts["kept"]
        assert self.table("held").num_rows == counts["held"]
        assert self.table("errors").num_rows == counts["errors"]


def _run_in_process(*arguments):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return Outcome(stop.value.code, out.getvalue(), err.getvalue())


def _run_process(*arguments, before="", timeout=300):
    """The command line in a process of its own; `before` is Python to run first."""
    script = f"{before}\nimport sys\nfrom curate.pipelines.cli import main\nmain(sys.argv[1:])"
    command = [sys.executable, "-c", script, *(str(argument) for argument in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=timeout, check=False)
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def curate():
    return _run_in_process


@pytest.fixture(scope="session")
def curate_process():
    return _run_process


@pytest.fixture(scope="session")
def output_of():
    return Output


@pytest.fixture(scope="session")
def only_read():
    """Options of a run that only reads, finds duplicates and writes: the quickest."""
    return ("--set", "mixture.enabled=false", "--set", "synthetic.enabled=false", "--set", "provenance.enabled=false")


class Prose:
    """Made-up words in sentences, the same for the same seed."""

    def __init__(self, seed):
        self._random = random.Random(seed)
        self._words = ["".join(self._random.choices(_SYLLABLES, k=self._random.randint(1, 3))) for _ in range(900)]

    def text(self, words=80, topic=None):
        chosen = self._random.choices(self._words, k=words)
        if topic:
            chosen[:: max(1, words // 8)] = [topic] * len(chosen[:: max(1, words // 8)])
        return " ".join(chosen)

    def edited(self, text):
        words = text.split()
        words[len(words) // 2] = "otherwise"
        return " ".join(words)


def _corpus(count, seed=5):
    """Documents of every kind that a decision knows, each with columns of other types that have to pass through."""
    prose, rows = Prose(seed), []
    for index in range(count):
        year = 2015 + index % 10
        rows.append(
            {
                "id": f"doc-{index:04d}",
                "text": prose.text(60 + index % 50, _TOPICS[index % 4]),
                "source": f"site-{index % 5}",
                "timestamp": datetime(year, 1 + index % 12, 1, tzinfo=timezone.utc),
                "language": "en",
                "origin": "synthetic" if index % 15 == 7 else None,
                "price": Decimal(index) / 4,
                "tags": [f"t{index % 3}", None] if index % 4 else None,
                "meta": {"page": index, "kind": "a"} if index % 6 else None,
            }
        )
    for index in range(0, count, 20):
        rows[index + 1]["text"] = rows[index]["text"]
        rows[index + 3]["text"] = prose.edited(rows[index + 2]["text"])
    rows[4]["text"], rows[5]["text"], rows[6]["text"] = None, "", " \n\t"
    rows[8]["id"] = rows[9]["id"] = rows[10]["id"] = "same"
    rows[11]["id"], rows[12]["id"] = None, ""
    rows[13]["text"] = "too short"
    return rows


SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.string()),
        ("source", pa.dictionary(pa.int32(), pa.string())),
        ("timestamp", pa.timestamp("ms", tz="UTC")),
        ("language", pa.string()),
        ("origin", pa.string()),
        ("price", pa.decimal128(12, 2)),
        ("tags", pa.list_(pa.string())),
        ("meta", pa.struct([("page", pa.int64()), ("kind", pa.string())])),
    ]
)


@pytest.fixture(scope="session")
def corpus():
    return pa.Table.from_pylist(_corpus(300), schema=SCHEMA)


@pytest.fixture(scope="session")
def prose():
    return Prose


@pytest.fixture(scope="session")
def corpus_file(corpus, tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "corpus.parquet"
    pq.write_table(corpus, path)
    return path


@pytest.fixture(scope="session")
def finished(corpus_file, tmp_path_factory):
    """A complete run over the corpus with all steps on; nobody changes it."""
    path = tmp_path_factory.mktemp("finished") / "out"
    outcome = _run_in_process("run", "--input", corpus_file, "--output", path)
    assert outcome.code == 0, outcome.err
    return path


@pytest.fixture
def write(tmp_path):
    """Writes columns to a Parquet file below the test's directory."""

    def write(name, columns, **options):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        table = columns if isinstance(columns, pa.Table) else pa.table(columns)
        pq.write_table(table, path, **options)
        return path

    return write


@pytest.fixture
def texts():
    """A few texts that share nothing."""
    source = Prose(11)
    return [source.text(70) for _ in range(12)]


@contextlib.contextmanager
def _operator_modules(folder):
    """Writes modules of the operator's, found by this process and by those that it starts; gives their folder."""
    names = []
    folder.mkdir()

    def write(name, code):
        (folder / f"{name}.py").write_text(code)
        names.append(name)
        return folder

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setenv("PYTHONPATH", f"{folder}:{sys.path[1]}", prepend=":")
        yield write
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture
def operator_module(tmp_path):
    with _operator_modules(tmp_path / "modules") as write:
        yield write


@pytest.fixture(scope="session")
def operator_modules():
    """The same as a context, for runs that several tests share: the modules are gone after it."""
    return _operator_modules


def _snapshot(directory):
    return {path.relative_to(directory): path.read_bytes() for path in Path(directory).rglob("*") if path.is_file()}


@pytest.fixture(scope="session")
def snapshot():
    return _snapshot
