"""Runs a large corpus on a Flink cluster of this machine and in one process: the same ledger, and what each takes.

    tests/runners/install DIR
    python tests/benchmarks/bench_cluster.py CORPUS.parquet OUT --runners DIR [--megabytes 500]

The corpus is grown from real documents (`grown.py`); it, outputs and logs are left in OUT. The cluster is one of
`tests/runners`: a JobManager, TaskManagers of one slot each, Beam's job server, and a pool of Python workers, every
one a process. Processor seconds are those of all of them, with their starts and imports. Bytes shuffled are what
Flink says that its vertices read which are fed by a shuffle; bytes between vertices are all that they wrote, texts on
their way to the steps that annotate them included.
"""

import argparse
import datetime
import hashlib
import json
import os
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import grown
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from measure import measure

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests" / "runners"))

import servers  # noqa: E402


class Run(NamedTuple):
    """What a run took: seconds, processor seconds by program, and the digest of the ledger that it wrote."""

    seconds: float
    cpu: dict[str, float]
    digest: str


def curate(inputs: Path, output: Path, *options: str) -> Run:
    """Runs curate over files."""
    command = [sys.executable, "-m", "curate.pipelines.cli", "run", "--input", f"{inputs}/*.parquet"]
    usage = measure([*command, "--output", output, *options], {"PYTHONPATH": str(ROOT)})
    return Run(usage.seconds, {"curate": usage.cpu}, digest(output))


def on_cluster(jars: Path, inputs: Path, output: Path, logs: Path, task_managers: int) -> tuple[Run, list["Vertex"]]:
    """The same on a cluster, and what its vertices exchanged."""
    with servers.flink_cluster(jars, logs, task_managers, managed="2g") as cluster:
        try:
            run = curate(inputs, output, *cluster.options)
        finally:
            (logs / "jobs.json").write_text(json.dumps(list(_jobs(cluster.job_manager.address))))
        return run._replace(cpu={**run.cpu, **_children_cpu()}), list(vertices(cluster.job_manager.address))


class Vertex(NamedTuple):
    """A vertex of a job of Flink: the job's number, its name, bytes that it read from a shuffle, bytes it wrote."""

    job: int
    name: str
    shuffled: int
    written: int


def _get(address: str, path: str) -> Any:
    with urllib.request.urlopen(f"http://{address}{path}") as answer:
        return json.load(answer)


def _jobs(address: str) -> Iterator[dict[str, Any]]:
    """The jobs of a cluster in the order of their start."""
    for job in sorted(_get(address, "/jobs/overview")["jobs"], key=lambda job: job["start-time"]):
        yield _get(address, f"/jobs/{job['jid']}")


def vertices(address: str) -> Iterator[Vertex]:
    """The vertices of all jobs of a cluster that exchanged bytes."""
    for number, job in enumerate(_jobs(address), start=1):
        plan = {node["id"]: node.get("inputs", []) for node in job["plan"]["nodes"]}
        for vertex in job["vertices"]:
            hashed = any("Hash" in each.get("ship_strategy", "").title() for each in plan[vertex["id"]])
            metrics = vertex["metrics"]
            yield Vertex(number, vertex["name"], metrics["read-bytes"] if hashed else 0, metrics["write-bytes"])


def _children_cpu() -> Counter[str]:
    """Processor seconds by program of the processes below this one, with those of their own that have ended."""
    parents, names, seconds = {}, {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                head, _, tail = (entry / "stat").read_text().rpartition(")")
            except OSError:  # it has ended
                continue
            fields = tail.split()
            parents[int(entry.name)] = int(fields[1])
            names[int(entry.name)] = head.partition("(")[2]
            seconds[int(entry.name)] = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    total: Counter[str] = Counter()
    for pid in parents:
        parent = parents[pid]
        while parent in parents and parent != os.getpid():
            parent = parents[parent]
        if parent == os.getpid():
            total["Java" if names[pid].startswith("java") else "Python workers"] += seconds[pid]
    return total


def digest(output: Path) -> str:
    """Of the bytes of a ledger sorted by id, without the names of files."""
    table = pq.read_table(output / "ledger").drop_columns(["source_file"]).sort_by("id").replace_schema_metadata(None)
    hashed = hashlib.sha256()
    for name in table.column_names:
        column = table.select([name])
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, column.schema) as writer:
            writer.write_table(column.take(pa.array(range(column.num_rows))).combine_chunks())
        hashed.update(sink.getvalue())
    return hashed.hexdigest()


def _row(name: str, run: Run, size: float) -> str:
    parts = ", ".join(f"{part} {seconds:.0f}" for part, seconds in run.cpu.items())
    total = sum(run.cpu.values())
    return f"| {name} | {run.seconds:.0f} | {total:.0f} ({parts}) | {size / 1e6 / total:.2f} | `{run.digest[:16]}` |"


def _shuffles(exchanged: list[Vertex], documents: int) -> Iterator[str]:
    for vertex in sorted(exchanged, key=lambda vertex: (vertex.job, -vertex.shuffled)):
        if vertex.shuffled >= documents:
            each = f"{vertex.shuffled / 1e6:.1f} | {vertex.shuffled / documents:.0f}"
            yield f"| {vertex.job} | {vertex.name[:100]} | {each} |"


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--runners", type=Path, required=True, help="where tests/runners/install put Flink")
    parser.add_argument("--megabytes", type=float, default=500)
    parser.add_argument("--task-managers", type=int, default=2)
    given = parser.parse_args()
    inputs, one, many, logs = (given.directory / name for name in ("in", "one", "many", "logs"))
    logs.mkdir(parents=True)
    corpus = grown.grow(pq.read_table(given.corpus), given.megabytes)
    grown.write(corpus, inputs, shards=8, megabytes=given.megabytes)
    texts = pq.read_table(inputs, columns=["text"])["text"]
    documents, size = len(texts), pc.sum(pc.binary_length(texts)).as_py()
    load = os.getloadavg()[0]
    local = curate(inputs, one)
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} one process: {local.seconds:.0f} s\n")
    cluster, exchanged = on_cluster(given.runners / "flink", inputs, many, logs, given.task_managers)
    shuffled, written = (sum(getattr(vertex, part) for vertex in exchanged) for part in ("shuffled", "written"))
    same = local.digest == cluster.digest
    lines = [
        f"{datetime.date.today()}: {documents:,} documents, {size / 1e6:.0f} MB of text; load before: {load:.1f}",
        "",
        "| | seconds | CPU seconds | MB of text a CPU second | ledger |",
        "|---|---|---|---|---|",
        _row("one process", local, size),
        _row(f"JobManager + {given.task_managers} TaskManagers", cluster, size),
        "",
        "| job | fed by a shuffle | MB shuffled | bytes a document |",
        "|---|---|---|---|",
        *_shuffles(exchanged, documents),
        f"| both | all | {shuffled / 1e6:.1f} | {shuffled / documents:.0f} |",
        "",
        f"Bytes between vertices: {written / 1e6:.1f} MB, {written / documents:.0f} a document.",
        f"The ledgers are {'the same, byte for byte' if same else 'NOT THE SAME'}.",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.exit(not same)


if __name__ == "__main__":
    main()
