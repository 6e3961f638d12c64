"""Measures what the metrics and the page of the report cost of a run, and how large their states are.

    python tests/benchmarks/bench_metrics.py CORPUS.parquet

Processor time of a whole run in a process of its own, against that of what the metrics do in it: sampling the
annotated documents, summing the ledger by slices, measuring the sample, drawing the page. Prints a Markdown table.
"""

import argparse
import json
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from curate.config import make_config
from curate.metrics.corpus import MEMBERS, CorpusMetrics, join
from curate.metrics.sample import SAMPLE, sample_documents, sample_share
from curate.metrics.slices import SliceSums, slices_of
from curate.report.render import render

BLOCK = 5_000
WARM_UP = 50


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    corpus = parser.parse_args().corpus
    table, config = pq.read_table(corpus), make_config({})
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, "-m", "curate.pipelines.cli", "run", "--input", str(corpus), "--output"]
        whole = _children(lambda: subprocess.run([*command, f"{directory}/out"], check=True, capture_output=True))
        features = ds.dataset(f"{directory}/out/annotations/features").to_table().sort_by("location")
        ledger = _ledger(f"{directory}/out/ledger", features)
        report = json.loads(Path(directory, "out/report.json").read_text())
        page = Path(directory, "out/report.html").stat().st_size
        sampled = sum(path.stat().st_size for path in Path(directory, "out/annotations/sample").glob("*.parquet"))
    rows, share = table.num_rows, sample_share(table.num_rows)
    sample_documents(table.slice(0, WARM_UP), features.slice(0, WARM_UP), config, 1.0)
    seconds, results = {}, {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        begun = time.process_time()
        results[name] = work()
        seconds[name] = time.process_time() - begun
        return results[name]

    blocks = [(table.slice(at, BLOCK), features.slice(at, BLOCK)) for at in range(0, rows, BLOCK)]
    parts = timed("sample", lambda: [sample_documents(*block, config, share) for block in blocks])
    sums = timed("sums of slices", lambda: SliceSums.of(ledger))
    members = pa.table([ledger[name] for name in MEMBERS.names], schema=MEMBERS)
    sample = pa.concat_tables(parts)
    measured = timed("measure", lambda: CorpusMetrics.of(join(sample.select(SAMPLE.names), members)))
    timed("draw the page", lambda: render(report))
    lines = [
        f"{rows:,} documents, {sample.num_rows:,} of them sampled; whole run {whole:.1f} s of processor time",
        "",
        "| step | processor s | share of the run |",
        "|---|---|---|",
        *(f"| {name} | {spent:.2f} | {spent / whole:.1%} |" for name, spent in seconds.items()),
        f"| together | {sum(seconds.values()):.2f} | {sum(seconds.values()) / whole:.1%} |",
        "",
        f"Sample on disk {sampled / 1e6:.1f} MB, {sampled / rows:.0f} bytes per document of the corpus; in memory "
        f"{sample.nbytes / 1e6:.1f} MB. Sums {len(pickle.dumps(sums)) / 1e3:.1f} KB; "
        f"measured {len(pickle.dumps(measured)) / 1e3:.1f} KB; page {page / 1e3:.0f} KB.",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


def _children(work: Callable[[], Any]) -> float:
    """Processor seconds of the processes that are started and waited for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _ledger(directory: str, features: pa.Table) -> pa.Table:
    """The ledger with the columns that finished documents have besides."""
    ledger = (
        ds.dataset(directory)
        .to_table()
        .drop_columns(["evidence", "text_edits"])
        .join(features.select(["id", "location", "source", "timestamp"]), "id")
    )
    for name, member in slices_of(ledger).items():
        ledger = ledger.append_column(name, pa.array(member))
    return ledger


if __name__ == "__main__":
    main()
