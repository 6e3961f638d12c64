"""Measures deduplication beside other tools on the same files, and judges what each of them dropped.

    python tests/benchmarks/bench_dedupe.py                    # 50,000 prose documents with planted near-duplicates
    python tests/benchmarks/bench_dedupe.py --truth            # the planted truth in six languages
    python tests/benchmarks/bench_dedupe.py --only curate --only rensa --repeat 5 --repeat datatrove=1

Every run is a process of its own, imports and start-up included, that reads Parquet and writes the kept documents as
Parquet; the contenders take turns. All of them compare word 5-grams with equal bands and rows. Peers are installed
into virtual environments below --envs on first use.

A drop is right if a kept document is similar to it, by exact comparison of all pairs (`similar.py`). A pair is found
if not both its documents are kept. An original is a document that copies were made of; it counts if one of its copies
is similar to it.
"""

import argparse
import hashlib
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from corpora import prose
from measure import CommandError, Usage, measure
from planted import planted
from similar import shingle_set, similar_pairs

from curate.config import make_config
from curate.duplicates.bands import choose_bands

HERE = Path(__file__).parent
DEDUPE = make_config({}).dedupe
BANDS = choose_bands(DEDUPE.threshold, DEDUPE.permutations)
WORKERS = 2
RECALL_AT = DEDUPE.threshold + 0.05

OFF = [f"--set={section}.enabled=false" for section in ("synthetic", "mixture", "provenance")]


class Contender(NamedTuple):
    """A way to deduplicate.

    Attributes:
        title: for the table.
        names_match: whether and how its output tells what a dropped document was a duplicate of.
        environment: name of its requirements file in `peers`, "" for curate.
        mode: of a peer's runner; of curate, its workers.
    """

    title: str
    names_match: str
    environment: str = ""
    mode: str = ""


CONTENDERS = {
    "curate": Contender("curate", "yes", mode="1"),
    "curate-2": Contender("curate --workers 2", "yes", mode="2"),
    "rensa": Contender("rensa 0.5, in memory", "no", "rensa", "words"),
    "rensa-split": Contender("rensa 0.5, in memory, str.split for its words", "no", "rensa", "split"),
    "datasketch": Contender("datasketch 2 in bulk, in memory", "no", "datasketch", "bulk"),
    "datasketch-plain": Contender("datasketch 2 update by update, in memory", "no", "datasketch", "plain"),
    "text-dedup": Contender("text-dedup 0.4.0, 2 processes", "cluster", "text-dedup", "minhash"),
    "datatrove": Contender("datatrove 0.10, 2 tasks", "cluster, optional", "datatrove", "spacy"),
    "datatrove-split": Contender(
        "datatrove 0.10, 2 tasks, str.split for its words", "cluster, optional", "datatrove", "split"
    ),
}


class Judgement(NamedTuple):
    """How good a selection of kept documents is."""

    dropped: int
    wrong: int
    recall: float
    recall_near_identical: float
    originals: float


class Judge:
    """Knows all similar pairs of a corpus and which documents are copies of which."""

    def __init__(self, corpus: pa.Table, truth: pa.Table) -> None:
        self._ids = corpus["id"].to_pylist()
        sets = [shingle_set(text, DEDUPE.shingle) for text in corpus["text"].to_pylist()]
        self._pairs = list(similar_pairs(sets, DEDUPE.threshold, DEDUPE.containment))
        place = {id: i for i, id in enumerate(self._ids)}
        copies = {(place[row["id"]], place[row["copy_of"]]) for row in truth.to_pylist() if row["copy_of"]}
        similar = {(pair.left, pair.right) for pair in self._pairs}
        self._originals = {b for a, b in copies if (a, b) in similar or (b, a) in similar}

    def judge(self, kept_ids: set[str]) -> Judgement:
        kept = [id in kept_ids for id in self._ids]
        covered = set()
        for left, right, jaccard, left_in_right, right_in_left in self._pairs:
            if kept[right] and max(jaccard / DEDUPE.threshold, left_in_right / DEDUPE.containment) >= 1:
                covered.add(left)
            if kept[left] and max(jaccard / DEDUPE.threshold, right_in_left / DEDUPE.containment) >= 1:
                covered.add(right)
        dropped = {i for i, is_kept in enumerate(kept) if not is_kept}
        return Judgement(
            dropped=len(dropped),
            wrong=len(dropped - covered),
            recall=self._recall(kept, RECALL_AT),
            recall_near_identical=self._recall(kept, 0.95),
            originals=sum(kept[i] for i in self._originals) / max(1, len(self._originals)),
        )

    def _recall(self, kept: Sequence[bool], similarity: float) -> float:
        pairs = [pair for pair in self._pairs if pair.jaccard >= similarity]
        return sum(not (kept[pair.left] and kept[pair.right]) for pair in pairs) / max(1, len(pairs))


def environment(name: str, envs: Path) -> Path:
    """The Python of a peer's virtual environment, made if it is not there.

    Raises:
        CommandError: it cannot be installed.
    """
    requirements = HERE / "peers" / f"{name}.txt"
    folder = envs / name
    mark = folder / f"installed-{hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]}"
    python = folder / "bin" / "python"
    if not mark.exists():
        sys.stderr.write(f"installing {name} into {folder}\n")
        measure([sys.executable, "-m", "venv", folder])
        measure([python, "-m", "pip", "install", "--quiet", "-r", requirements])
        mark.touch()
    return python


def command(contender: Contender, input: Path, output: Path, envs: Path) -> list[object]:
    """The process to run; it writes Parquet files of the kept documents to `output`, or to `output`/data."""
    if not contender.environment:
        run = [sys.executable, "-m", "curate.pipelines.cli", "run", "--input", input / "*.parquet", "--output", output]
        return [*run, "--workers", contender.mode, *OFF]
    runner = HERE / "peers" / f"run_{contender.environment.replace('-', '_')}.py"
    shape = ["--bands", BANDS.bands, "--rows", BANDS.rows, "--shingle", DEDUPE.shingle]
    python = environment(contender.environment, envs)
    return [python, runner, input, output, *shape, "--workers", WORKERS, "--mode", contender.mode]


def run(contender: Contender, input: Path, envs: Path) -> tuple[Usage, set[str]]:
    """What one run took, and the ids that it kept."""
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory) / "out"
        words = command(contender, input, output, envs)  # installs what is missing before the clock starts
        usage = measure(words, {"PYTHONPATH": str(HERE.parents[1])} if not contender.environment else {})
        data = output / "data" if (output / "data").exists() else output
        kept = {id for path in data.rglob("*.parquet") for id in pq.read_table(path, columns=["id"])["id"].to_pylist()}
    return usage, kept


def split(table: pa.Table, folder: Path) -> Path:
    """Writes a corpus as one file for each worker, since some peers read a file in one piece."""
    folder.mkdir()
    for number in range(WORKERS):
        first, end = (table.num_rows * n // WORKERS for n in (number, number + 1))
        pq.write_table(table.slice(first, end - first), folder / f"part-{number}.parquet", compression="zstd")
    return folder


def repetitions(given: Sequence[str]) -> dict[str, int]:
    """How often each contender runs, from values like 3 (all of them) and datatrove=1 (those whose name begins so)."""
    times = dict.fromkeys(CONTENDERS, 3)
    for value in given:
        prefix, _, count = value.rpartition("=")
        times.update({name: int(count) for name in CONTENDERS if name.startswith(prefix)})
    return times


def row(contender: Contender, usages: Sequence[Usage], reference: float, judged: Judgement) -> str:
    """A line of the table."""
    seconds, cpu, peak = (statistics.median(values) for values in list(zip(*usages, strict=True))[:3])
    precision = 1 - judged.wrong / max(1, judged.dropped)
    cells = [
        contender.title,
        f"{seconds:.1f}",
        f"{seconds / reference:.1f}" if reference else "–",
        f"{cpu:.1f}",
        f"{peak:.0f}",
        f"{judged.dropped:,}",
        f"{precision:.4f}",
        f"{judged.recall:.4f}",
        f"{judged.recall_near_identical:.4f}",
        contender.names_match,
        f"{judged.originals:.1%}",
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--truth", action="store_true", help="the planted truth in place of prose")
    parser.add_argument("--documents", type=int, default=50_000, help="of prose")
    parser.add_argument("--groups", type=int, default=4_000, help="of the planted truth")
    parser.add_argument("--only", action="append", choices=list(CONTENDERS), help="contenders; all by default")
    parser.add_argument("--repeat", action="append", default=[], metavar="[NAME=]N", help="runs; 3 by default")
    parser.add_argument("--envs", type=Path, default=Path(tempfile.gettempdir()) / "curate-benchmark-peers")
    given = parser.parse_args()
    times = repetitions(given.repeat)
    names = given.only or list(CONTENDERS)
    usages: dict[str, list[Usage]] = {name: [] for name in names}
    kept: dict[str, set[str]] = {}
    failed: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as directory:
        corpus, truth = planted(given.groups) if given.truth else prose(given.documents)
        input = split(corpus, Path(directory) / "input")
        few = split(corpus.slice(0, 200), Path(directory) / "few")
        for name in names:  # before the measured ones, so that everything is installed and compiled
            try:
                run(CONTENDERS[name], few, given.envs)
            except (CommandError, subprocess.SubprocessError, OSError) as error:
                failed[name] = "not installed" if "pip install" in str(error) or "venv" in str(error) else "failed"
                sys.stderr.write(f"{name}: {error}\n")
        for turn in range(max(times[name] for name in names)):
            for name in names:
                if name not in failed and turn < times[name]:
                    usage, kept[name] = run(CONTENDERS[name], input, given.envs)
                    usages[name].append(usage)
                    sys.stderr.write(f"{name}: {usage.seconds:.1f} s, {usage.cpu:.1f} s of CPU, {usage.peak:.0f} MB\n")
    judge = Judge(corpus, truth)
    text = sum(len(value.as_py().encode()) for value in corpus["text"]) / 1e6
    kind = "planted truth in six languages" if given.truth else "prose with planted near-duplicates"
    lines = [
        f"{corpus.num_rows:,} documents, {text:.0f} MB of text ({kind}); {BANDS.bands} bands × {BANDS.rows} rows; "
        "medians",
        "",
        f"| | seconds | × curate | CPU seconds | peak MB | dropped | precision | recall at {RECALL_AT:.2f} | at 0.95 "
        "| names its match | originals kept |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    ours = [usage.seconds for usage in usages.get("curate", [])]
    for name in names:
        if name in failed:
            lines.append(f"| {CONTENDERS[name].title} | {failed[name]} |" + " – |" * 9)
        elif usages[name]:
            reference = statistics.median(ours) if ours else 0.0
            lines.append(row(CONTENDERS[name], usages[name], reference, judge.judge(kept[name])))
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
