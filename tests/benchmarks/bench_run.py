"""Measures curate's commands against reading and writing the same shards with pyarrow, on one core and on all.

    python tests/benchmarks/grown.py CORPUS.parquet SHARDS --megabytes 1000
    python tests/benchmarks/bench_run.py SHARDS [--repeat 3] [--only run --only dedupe]
    python tests/benchmarks/bench_run.py --grow CORPUS.parquet [--sizes 125 250 500 1000 2000] [--draw FILE.svg]

The first prints a Markdown table of medians: the commands take turns, each a process of its own with imports and
start-up, after one that is not measured, so that the compiled kernels are on disk. The second doubles a corpus
(`grown.py`), prints the exponents by which time and memory grow, of a line fitted to the logarithms, and beside the
peak what the formula of `curate.pipelines.capacity` foretells.
"""

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from drawings import growth as draw_growth
from grown import grow, write
from measure import Usage, measure

from curate.config import make_config
from curate.pipelines.capacity import needed

COPY = """
import pathlib, sys
import pyarrow.parquet as pq
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.parquet")):
    pq.write_table(pq.read_table(path), pathlib.Path(sys.argv[2], path.name), compression="zstd")
"""
CURATE = [sys.executable, "-m", "curate.pipelines.cli"]
WITHOUT = {
    "run": [],
    "filter": ["--set=dedupe.enabled=false", "--set=mixture.enabled=false"],
    "dedupe": [f"--set={section}.enabled=false" for section in ("synthetic", "mixture", "provenance")],
}
TITLES = {
    "run": "`curate run`",
    "filter": "synthetic filter only",
    "dedupe": "dedup only",
    "decide": "`curate decide`",
    "pyarrow": "pyarrow: read and write",
}
PINNED = ["taskset", "--cpu-list", "0"]
ENVIRONMENT = {"PYTHONPATH": str(Path(__file__).parents[2])}


def command(name: str, shards: Path, scratch: Path) -> list[str]:
    """The command line of a contender; `decide` starts from what `run` left."""
    if name == "pyarrow":
        (scratch / "copy").mkdir(exist_ok=True)
        return [sys.executable, "-c", COPY, str(shards), str(scratch / "copy")]
    if name == "decide":
        return [*CURATE, "decide", "--annotations", str(scratch / "run"), "--output", str(scratch / "decide")]
    return [*CURATE, "run", "--input", str(shards), "--output", str(scratch / name), *WITHOUT[name]]


def megabytes(shards: Path) -> float:
    """Of text."""
    lengths = (pc.binary_length(pq.read_table(path, columns=["text"])["text"]) for path in shards.glob("*.parquet"))
    return sum(pc.sum(each).as_py() for each in lengths) / 1e6


def once(name: str, pinned: bool, shards: Path, scratch: Path) -> Usage:
    """One run of a contender."""
    line = [*(PINNED if pinned else []), *command(name, shards, scratch)]
    usage = measure([*line, "--overwrite"] if name != "pyarrow" else line, ENVIRONMENT)
    sys.stderr.write(f"{name}, {'one core' if pinned else 'all'}: {usage.seconds:.1f} s, {usage.peak:.0f} MB\n")
    return usage


def table(shards: Path, names: Sequence[str], repeat: int, scratch: Path) -> list[str]:
    """Contenders in turn, on one core and on all."""
    text = megabytes(shards)
    cases = [(name, pinned) for name in ("pyarrow", *names) for pinned in (True, False)]
    once("run", False, shards, scratch)
    found: dict[tuple[str, bool], list[Usage]] = {case: [] for case in cases}
    for _ in range(repeat):
        for case in cases:
            found[case].append(once(*case, shards, scratch))
    seconds = {case: statistics.median(usage.seconds for usage in usages) for case, usages in found.items()}
    lines = [
        f"{text:.0f} MB of text, {os.cpu_count()} cores, medians of {repeat}",
        "",
        "| | cores | seconds | processor seconds | MB/s of text | × pyarrow | × one core | peak MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (name, pinned), usages in found.items():
        cpu, peak = (statistics.median(getattr(usage, field) for usage in usages) for field in ("cpu", "peak"))
        took = seconds[name, pinned]
        ratios = f"{took / seconds['pyarrow', pinned]:.1f} | {seconds[name, True] / took:.2f}"
        cores = "1" if pinned else "all"
        lines.append(
            f"| {TITLES[name]} | {cores} | {took:.1f} | {cpu:.1f} | {text / took:.1f} | {ratios} | {peak:.0f} |"
        )
    return lines


def growth(corpus: Path, sizes: Sequence[float], drawing: Path | None, scratch: Path) -> list[str]:
    """A full run at each size, the exponents, and a drawing if one is asked for."""
    block_bytes = make_config({}).run.block_bytes
    lines = [
        "| MB of text | documents | seconds | processor seconds | peak MB | formula, MB |",
        "|---|---|---|---|---|---|",
    ]
    usages, foretold = [], []
    once("run", False, _grown(corpus, 10, scratch), scratch)  # compiles
    for size in sizes:
        shards = _grown(corpus, size, scratch)
        documents = sum(pq.read_metadata(path).num_rows for path in shards.glob("*.parquet"))
        usages.append(once("run", False, shards, scratch))
        foretold.append(needed(documents, block_bytes, 1).memory / 1e6)
        seconds, cpu, peak = usages[-1][:3]
        lines.append(f"| {size:,.0f} | {documents:,} | {seconds:.1f} | {cpu:.1f} | {peak:,.0f} | {foretold[-1]:,.0f} |")
    measured = {field: [getattr(usage, field) for usage in usages] for field in ("seconds", "cpu", "peak")}
    exponents = (np.polyfit(np.log(sizes), np.log(values), 1)[0] for values in measured.values())
    if drawing is not None:
        draw_growth(drawing, sizes, measured, foretold)
    return [*lines, f"| exponent | | {' | '.join(f'{value:.2f}' for value in exponents)} | |"]


def _grown(corpus: Path, size: float, scratch: Path) -> Path:
    shards = scratch / f"{size:.0f}"
    write(grow(pq.read_table(corpus), size), shards, max(1, round(size / 125)), size)
    return shards


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shards", type=Path, nargs="?", help="directory of Parquet files")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", action="append", choices=[name for name in TITLES if name != "pyarrow"])
    parser.add_argument("--grow", type=Path, help="corpus to double instead")
    parser.add_argument("--draw", type=Path, help="SVG of the doubled corpus")
    parser.add_argument("--sizes", type=float, nargs="*", default=[125, 250, 500, 1000, 2000])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        if arguments.grow:
            lines = growth(arguments.grow, arguments.sizes, arguments.draw, Path(directory))
        else:
            names = arguments.only or ["run", "dedupe", "filter", "decide"]
            lines = table(arguments.shards, names, arguments.repeat, Path(directory))
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
