"""What each step of a run costs on one core: a profile of `curate run`, added up by step.

    python tests/benchmarks/bench_steps.py SHARDS [--set SETTING …]

Prints a Markdown table of processor seconds, microseconds a document, milliseconds a megabyte of text, and shares. The
run is in this process, without threads, so that the profile sees all of it. Run `curate demo` before: it leaves the
compiled loops on disk.
"""

import argparse
import contextlib
import cProfile
import io
import os
import pstats
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from curate.pipelines.cli import main as curate

STEPS: dict[str, tuple[str, ...]] = {
    "decode input, four times": ("io/blocks.py:_decode_rows", "io/blocks.py:conform"),
    "ids and row hashes": ("io/ids.py:document_ids",),
    "tokens, signatures, content hashes": ("text/kernel.py:text_features",),
    "language": ("annotate.py:_language",),
    "detector": ("detector/model.py:judge",),
    "marker phrases": ("detector/markers.py:marker_evidence",),
    "quality signals": ("quality/annotate.py:quality_column",),
    "metadata, credentials, rights": ("annotate.py:_findings", "provenance/text/find.py:text_findings"),
    "embedding: sample and fit": ("transforms/annotate.py:_sampled", "clusters/embedding.py:fit_embedding"),
    "embedding: every document": ("annotate.py:_embed",),
    "clusters: fit": ("clusters/kmeans.py:fit_centroids",),
    "metrics of the corpus": ("metrics/sample.py:sample_documents", "metrics/corpus.py:of"),
    "duplicates: candidates": ("duplicates/candidates.py:candidate_pairs",),
    "duplicates: shingles of candidates": ("text/kernel.py:shingle_sets", "text/kernel.py:token_hashes"),
    "duplicates: verify": ("duplicates/verify.py:similarities",),
    "clusters: of every document": ("decisions/documents.py:_clusters",),
    "decisions": ("decisions/groups.py:decide_group",),
    "counts for the report": ("report/overview.py:of",),
    "cut tables by key": ("transforms/tables.py:split_by_number",),
    "read annotations": ("pyarrow/parquet/core.py:read_table",),
    "encode and write Parquet": ("io/writer.py:_encode",),
    "report, page and plots": ("report/finish.py:write_reports",),
    "imports": ("<frozen importlib._bootstrap>:_find_and_load",),
}
"""Functions whose time, with that of what they call, is a step's; none of them calls another one of them."""
ALL, REST = "all", "joins, Beam and Python"


def profile(shards: Path, settings: list[str], output: str) -> tuple[float, pstats.Stats]:
    """Processor seconds of a run in this process, and its profile."""
    line = ["run", "--input", str(shards), "--output", output, "--overwrite", *settings]
    profiler = cProfile.Profile(time.process_time)
    start = time.process_time()
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        profiler.runcall(curate, line)
    return time.process_time() - start, pstats.Stats(profiler)


def seconds_of(stats: pstats.Stats, function: str) -> float:
    """Of a function given as the end of its file's path and its name, with all that it calls."""
    file, name = function.rsplit(":", 1)
    rows = stats.stats  # type: ignore[attr-defined]
    return sum(row[3] for (path, _, found), row in rows.items() if found == name and path.endswith(file))


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shards", type=Path, help="directory of Parquet files")
    parser.add_argument("--set", action="append", default=[], dest="settings", help="as of `curate run`")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    settings = [f"--set={setting}" for setting in arguments.settings]
    columns = [pq.read_table(path, columns=["text"])["text"] for path in arguments.shards.glob("*.parquet")]
    documents, text = sum(map(len, columns)), sum(pc.sum(pc.binary_length(each)).as_py() for each in columns) / 1e6
    with tempfile.TemporaryDirectory() as directory:
        total, stats = profile(arguments.shards, settings, directory)
    costs = {step: sum(seconds_of(stats, each) for each in functions) for step, functions in STEPS.items()}
    costs |= {REST: total - sum(costs.values()), ALL: total}
    lines = [
        f"{documents:,} documents, {text:,.0f} MB of text, one core",
        "",
        "| step | seconds | µs a document | ms a MB | share |",
        "|---|---|---|---|---|",
    ]
    for step, cost in costs.items():
        if cost:
            per = f"{cost / documents * 1e6:,.0f} | {cost / text * 1e3:,.1f}"
            lines.append(f"| {step} | {cost:.1f} | {per} | {cost / total:.0%} |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
