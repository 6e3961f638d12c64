"""Measures how time and memory of the dedup-only job grow with the corpus, and what one hot template costs.

    python tests/benchmarks/bench_growth.py [--sizes 125000 500000 2000000] [--workers 1]
    python tests/benchmarks/bench_growth.py --sizes --template 500000

Corpora are short documents of about 125 bytes, a fifth of them copies. Every run is a process of its own. Memory is the
most that all processes hold at once; the base is what the smallest corpus takes. The template is one sentence repeated
200,000 times with numbers of its own, among other short documents, against as many short documents without it.
"""

import argparse
import re
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench_dedupe import OFF
from corpora import short, template, write
from measure import measure

BASE = 5_000
_PHASE = re.compile(r"^curate: (.+): [\d,]+ \w+ in ([\d.]+) s", re.MULTILINE)


class Growth(NamedTuple):
    """Medians of the runs over one corpus: seconds, processor seconds, peak megabytes, seconds by phase."""

    seconds: float
    cpu: float
    peak: float
    phases: dict[str, float]

    def cells(self) -> str:
        phases = ", ".join(f"{name} {seconds:.1f}" for name, seconds in self.phases.items())
        return f"{self.seconds:.1f} | {self.cpu:.1f} | {self.peak:.0f} | {phases}"


def grow(corpus: Path, repeat: int, workers: int) -> Growth:
    """Runs the dedup-only job over a corpus."""
    usages = []
    for _ in range(repeat):
        with tempfile.TemporaryDirectory() as directory:
            output = Path(directory) / "out"
            run = [sys.executable, "-m", "curate.pipelines.cli", "run", "--input", corpus, "--output", output]
            usages.append(measure([*run, "--workers", workers, *OFF], {"PYTHONPATH": str(Path(__file__).parents[2])}))
    sys.stderr.write(f"{corpus.stem}: {usages[-1].seconds:.1f} s, {usages[-1].peak:.0f} MB\n")
    phases: dict[str, list[float]] = {}
    for usage in usages:
        for name, seconds in _PHASE.findall(usage.output):
            phases.setdefault(name, []).append(float(seconds))
    seconds, cpu, peak = (statistics.median(values) for values in list(zip(*usages, strict=True))[:3])
    return Growth(seconds, cpu, peak, {name: statistics.median(values) for name, values in phases.items()})


def sizes_table(sizes: Sequence[int], repeat: int, workers: int, folder: Path) -> list[str]:
    """One line for each size, and the ratio to the size before it."""
    results = {}
    for size in (BASE, *sizes):
        path = folder / f"short-{size}.parquet"
        write(path, short(size)[0])
        results[size] = grow(path, repeat, workers)
        path.unlink()
    base = results[BASE]
    lines = [
        "| documents | seconds | CPU seconds | peak MB | phases, seconds | × time of the size before "
        "| bytes of a document above the base |",
        "|---|---|---|---|---|---|---|",
        f"| {BASE:,} | {base.cells()} | | |",
    ]
    for before, size in zip((BASE, *sizes), sizes, strict=False):
        result = results[size]
        each = (result.peak - base.peak) * 1024**2 / (size - BASE)
        ratio = f"{result.seconds / results[before].seconds:.2f} ({size / before:.0f} × the documents)"
        lines.append(f"| {size:,} | {result.cells()} | {ratio} | {each:.0f} |")
    return lines


def template_table(documents: int, copies: int, repeat: int, workers: int, folder: Path) -> list[str]:
    """With the template and without."""
    with_template, without = folder / "with-template.parquet", folder / "without-template.parquet"
    write(with_template, template(documents, copies)[0])
    write(without, short(documents)[0])
    hot, plain = grow(with_template, repeat, workers), grow(without, repeat, workers)
    return [
        "| | seconds | CPU seconds | peak MB | phases, seconds | × without |",
        "|---|---|---|---|---|---|",
        f"| {documents:,} documents without a template | {plain.cells()} | 1.00 |",
        f"| with {copies:,} copies of one | {hot.cells()} | {hot.seconds / plain.seconds:.2f} |",
    ]


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="*", default=[125_000, 500_000, 2_000_000])
    parser.add_argument("--template", type=int, default=500_000, help="documents with it; 0 leaves it out")
    parser.add_argument("--copies", type=int, default=200_000, help="of the template")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    lines = [f"short documents, dedup only, {given.workers} worker(s), medians of {given.repeat}", ""]
    with tempfile.TemporaryDirectory() as directory:
        if given.sizes:
            lines += [*sizes_table(sorted(given.sizes), given.repeat, given.workers, Path(directory)), ""]
        if given.template:
            lines += template_table(given.template, given.copies, given.repeat, given.workers, Path(directory))
    sys.stdout.write("\n".join(lines).rstrip() + "\n")


if __name__ == "__main__":
    main()
