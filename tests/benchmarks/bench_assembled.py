"""Measures a full run against what a user would put together: a deduplicator, a fastText filter, scikit-learn clusters.

    python tests/benchmarks/bench_assembled.py SHARDS --labelled LABELLED.parquet [--dedupe NAME] [--draw FILE.svg]

SHARDS is a directory of Parquet files with columns id and text (`grown.py`). Each step of theirs is a process of its
own that reads Parquet and writes Parquet, the filter on what the deduplicator kept and the clusters on what the filter
kept; ours is one `curate run`, which also reads provenance, judges quality and writes ledger and report. Contenders
take turns. The classifier is trained before, on LABELLED (columns text and label), and that is not counted. Peers are
installed into virtual environments below --envs on first use.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
from bench_dedupe import CONTENDERS, HERE, command, environment
from drawings import bars
from measure import Usage, measure

from curate.clusters.kmeans import choose_k
from curate.config import make_config

FASTTEXT, SKLEARN = HERE / "peers" / "run_fasttext.py", HERE / "peers" / "run_sklearn.py"
ENVIRONMENT = {"PYTHONPATH": str(HERE.parents[1])}


def assembled(shards: Path, model: Path, dedupe: str, envs: Path) -> dict[str, Usage]:
    """What each step of theirs takes."""
    python, config = environment("assembled", envs), make_config({})
    clusters = choose_k(sum(pq.read_metadata(path).num_rows for path in shards.glob("*.parquet")))
    with tempfile.TemporaryDirectory() as directory:
        unique, real, weighed = (Path(directory) / name for name in ("unique", "real", "weighed"))
        steps = {
            CONTENDERS[dedupe].title: command(CONTENDERS[dedupe], shards, unique, envs),
            "fastText filter": [python, FASTTEXT, "filter", unique, real, model],
            "scikit-learn clusters": [python, SKLEARN, real, weighed, clusters, config.mixture.dimensions],
        }
        return {name: measure(words) for name, words in steps.items()}


def ours(shards: Path) -> Usage:
    """What `curate run` takes."""
    with tempfile.TemporaryDirectory() as directory:
        run = [sys.executable, "-m", "curate.pipelines.cli", "run", "--input", shards, "--output", f"{directory}/out"]
        return measure(run, ENVIRONMENT)


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shards", type=Path)
    parser.add_argument("--labelled", type=Path, required=True)
    parser.add_argument("--dedupe", choices=[name for name in CONTENDERS if "curate" not in name], default="text-dedup")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--draw", type=Path, help="SVG of the medians")
    parser.add_argument("--envs", type=Path, default=Path(tempfile.gettempdir()) / "curate-benchmark-peers")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        model = Path(directory) / "model.bin"
        measure([environment("assembled", given.envs), FASTTEXT, "train", given.labelled, model])
        ours(given.shards)  # compiles
        found: dict[str, list[Usage]] = {}
        for _ in range(given.repeat):
            for name, usage in (
                ("`curate run`", ours(given.shards)),
                *assembled(given.shards, model, given.dedupe, given.envs).items(),
            ):
                found.setdefault(name, []).append(usage)
                sys.stderr.write(f"{name}: {usage.seconds:.1f} s, {usage.peak:.0f} MB\n")
    medians = {
        name: [statistics.median(values) for values in list(zip(*usages, strict=True))[:3]]
        for name, usages in found.items()
    }
    if given.draw:
        seconds = {name: values[0] for name, values in medians.items()}
        ours_took = {"": seconds.pop("`curate run`")}
        bars(
            given.draw,
            "Seconds of a corpus, from shards to curated shards",
            {"curate": ours_took, "assembled": seconds},
        )
    mine, *theirs = medians.values()
    medians["all of theirs"] = [
        sum(step[0] for step in theirs),
        sum(step[1] for step in theirs),
        max(step[2] for step in theirs),
    ]
    lengths = (
        pc.sum(pc.binary_length(pq.read_table(path, columns=["text"])["text"])).as_py()
        for path in given.shards.glob("*.parquet")
    )
    lines = [
        f"{sum(lengths) / 1e6:.0f} MB of text, medians of {given.repeat}",
        "",
        "| | seconds | processor seconds | peak MB | × `curate run` |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {seconds:.1f} | {cpu:.1f} | {peak:.0f} | {seconds / mine[0]:.1f} |"
            for name, (seconds, cpu, peak) in medians.items()
        ),
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
