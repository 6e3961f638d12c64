"""How long curate takes to start: `--help`, Python with Beam alone, and the first block that is annotated.

    python tests/benchmarks/bench_start.py SHARDS [--repeat 5]

Prints a Markdown table of medians in seconds, from the start of the process. Compiled kernels are on disk, as they are
after the first run on a machine; blocks are of the default size. With the mixture on, the embedding is fitted on a
sample of the whole corpus before anything is annotated: what begins is the draw of that sample, what ends the first
block that is annotated.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from bench_run import CURATE, ENVIRONMENT, WITHOUT
from measure import measure

FIRST = """
import os, sys
import curate.transforms.annotate as transform
from curate.pipelines.cli import main

def last(function, wait):
    def ends(*arguments, **settings):
        wait and function(*arguments, **settings)
        os._exit(0)
    return ends

transform.annotate = last(transform.annotate, sys.argv[1] == "ends")
if sys.argv[1] == "begins":
    transform._SampledText._sampled = last(None, False)
main(sys.argv[2:])
"""


def cases(shards: Path, output: str) -> dict[str, list[object]]:
    """The commands, by what the table calls them."""
    run = ["run", "--input", str(shards), "--output", output, "--overwrite"]
    parts = {"dedup only": WITHOUT["dedupe"], "synthetic filter only": WITHOUT["filter"], "all": WITHOUT["run"]}
    return {
        "`python -c 'import apache_beam'`": [sys.executable, "-c", "import apache_beam"],
        "`curate --help`": [*CURATE, "--help"],
        **{
            f"{part}: work on the first block {moment}": [sys.executable, "-c", FIRST, moment, *run, *settings]
            for moment in ("begins", "ends")
            for part, settings in parts.items()
        },
    }


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shards", type=Path, help="directory of Parquet files")
    parser.add_argument("--repeat", type=int, default=5)
    given = parser.parse_args()
    lines = ["| | seconds | processor seconds |", "|---|---|---|"]
    with tempfile.TemporaryDirectory() as directory:
        for name, command in cases(given.shards, f"{directory}/out").items():
            usages = [measure(command, ENVIRONMENT) for _ in range(given.repeat + 1)][1:]
            seconds, cpu = (
                statistics.median(getattr(usage, field) for usage in usages) for field in ("seconds", "cpu")
            )
            lines.append(f"| {name} | {seconds:.2f} | {cpu:.2f} |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
