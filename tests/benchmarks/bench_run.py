"""Measures a whole run against reading and writing the same file with pyarrow.

    python tests/benchmarks/bench_run.py CORPUS.parquet [--repeat 3]

Prints a Markdown table of medians. Every command is a process of its own, so imports and start-up count; one run goes
before the measured ones, so that the compiled kernels are on disk.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

COPY = "import pyarrow.parquet as pq, sys; pq.write_table(pq.read_table(sys.argv[1]), sys.argv[2], compression='zstd')"


def measure(command: list[str]) -> tuple[float, float]:
    """Seconds and peak memory in MB of a process and its children."""
    script = (
        "import resource, subprocess, sys\n"
        "status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
        "sys.exit(status)"
    )
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", script, *command], capture_output=True, text=True, check=True)
    return time.monotonic() - started, int(done.stdout) / 1024


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    corpus = str(arguments.corpus)
    text = pc.sum(pc.binary_length(pq.read_table(corpus, columns=["text"])["text"])).as_py() / 1e6
    curate = [sys.executable, "-m", "curate.pipelines.cli"]
    with tempfile.TemporaryDirectory() as directory:
        out, again = f"{directory}/out", f"{directory}/again"
        run = [*curate, "run", "--input", corpus, "--output", out, "--overwrite"]
        commands = {
            "pyarrow: read and write": [sys.executable, "-c", COPY, corpus, f"{directory}/copy.parquet"],
            "curate run": run,
            "curate run --workers 2": [*run, "--workers", "2"],
            "curate decide": [*curate, "decide", "--annotations", out, "--output", again, "--overwrite"],
        }
        measure(run)
        results: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for _ in range(arguments.repeat):
            for name, command in commands.items():
                results[name].append(measure(command))
    medians = {
        name: [statistics.median(values) for values in zip(*runs, strict=True)] for name, runs in results.items()
    }
    reference, whole = medians["pyarrow: read and write"][0], medians["curate run"][0]
    lines = [
        f"{text:.0f} MB of text, {arguments.repeat} runs, medians",
        "",
        "| | seconds | MB/s of text | × pyarrow | × curate run | peak MB of the largest process |",
        "|---|---|---|---|---|---|",
    ]
    for name, (seconds, peak) in medians.items():
        ratios = f"{seconds / reference:.1f} | {seconds / whole:.2f}"
        lines.append(f"| {name} | {seconds:.1f} | {text / seconds:.1f} | {ratios} | {peak:.0f} |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
