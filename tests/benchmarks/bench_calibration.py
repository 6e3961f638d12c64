"""Measures the false-positive rates that calibration really gives, on trusted human documents never in it.

    python tests/benchmarks/bench_calibration.py --corpus mixed_corpus.parquet --truth mixed_corpus_truth.parquet
    python tests/benchmarks/bench_calibration.py --corpus detector_train.parquet detector_dev.parquet --source domain

The human documents of a labelled corpus are parted by family (copies, revisions) with a hash. One part is given to
`curate run` as its --human-reference, the rest is curated with everything else, and no document of the corpus is
trusted. Of the rest the share whose score is above its threshold is counted, one document a family, with α of .05 and
.01, overall and for every language, source and domain with 100 documents or more. The band holds the rates that 99 % of
samples of that size have where the true rate is α; calibration itself being a sample, somewhat more lie outside.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import scipy.stats

from curate.config import make_config
from curate.hashing import hash_strings, uniform
from curate.pipelines.run import curate_inputs, decide_again

ALPHAS = (0.05, 0.01)
LEAST = 100
KINDS = ("language", "source", "domain")
COLUMNS = ("id", "text", "language", "source", "label", "domain", "family")


class Rate(NamedTuple):
    """The realised rate of one group.

    Attributes:
        kind, name: which group.
        calibrated: documents of the group among those that calibrated.
        alpha: the rate asked for.
        n: scored documents outside calibration.
        above: those of them above their threshold.
        uncalibrated: those of them without a threshold.
        low, high: the band of `above`.
    """

    kind: str
    name: str
    calibrated: int
    alpha: float
    n: int
    above: int
    uncalibrated: int
    low: int
    high: int

    def place(self) -> str:
        return "low" if self.above < self.low else "HIGH" if self.above > self.high else "in"


def read(corpus: Sequence[Path], truth: Path | None, source: str) -> pa.Table:
    """The documents with label, domain and family: the duplicate group, else the first two parts of the id."""
    tables = [pq.read_table(path) for path in corpus]
    documents = pa.concat_tables([table.replace_schema_metadata(None) for table in tables], promote_options="default")
    if truth is not None:
        answers = pq.read_table(truth)
        known = [name for name in answers.column_names if name == "id" or name not in documents.column_names]
        documents = documents.join(answers.select(known), "id")
    documents = documents.sort_by("id")
    prefix = pc.replace_substring_regex(documents["id"], r"^([^/]*/[^/]*)/.*$", r"\1")
    family = (
        pc.coalesce(documents["dup_group"].cast(pa.string()), prefix)
        if "dup_group" in documents.column_names
        else prefix
    )
    columns = {**{name: documents[name] for name in COLUMNS[:3]}, "source": documents[source], "family": family}
    return pa.table({**columns, "label": documents["label"], "domain": documents["domain"]}).select(COLUMNS)


def measure(
    documents: pa.Table, directory: Path, model: str | None = None, share: float = 0.5, seed: int = 1
) -> list[Rate]:
    """Calibrates with a share of the human families and measures the rates on the others."""
    human = pc.equal(documents["label"], "human")
    given = pc.and_(human, pa.array(uniform(hash_strings(documents["family"]), seed) < share))
    reference, corpus = documents.filter(given), documents.filter(pc.invert(given))
    for name, table in (("reference", reference), ("corpus", corpus)):
        pq.write_table(table.select(["id", "text", "language", "source"]), directory / f"{name}.parquet")
    settings = {"model": model, "human_reference": str(directory / "reference.parquet")}
    config = make_config({"synthetic": settings, "report": {"enabled": False}})
    curate_inputs([str(directory / "corpus.parquet")], str(directory / "0"), config)
    for number, alpha in enumerate(ALPHAS):
        both = [f"synthetic.{name}={alpha}" for name in ("alpha_suspect", "alpha_drop")]
        decide_again(str(directory / "0/annotations"), str(directory / f"at-{number}"), settings=both)
    unseen = first_of_families(corpus.filter(pc.equal(corpus["label"], "human")))
    seen = first_of_families(reference)
    return [
        rate for number, alpha in enumerate(ALPHAS) for rate in rates(directory / f"at-{number}", unseen, seen, alpha)
    ]


def first_of_families(documents: pa.Table) -> pa.Table:
    return documents.take(np.unique(documents["family"].to_numpy(), return_index=True)[1])


def rates(output: Path, unseen: pa.Table, seen: pa.Table, alpha: float) -> list[Rate]:
    ledger = pq.read_table(output / "ledger", columns=["id", "detector_score", "threshold", "reason", "group"])
    found = unseen.join(ledger, "id").filter(pc.field("detector_score").is_valid())
    groups = [("all", ""), *((kind, name) for kind in KINDS for name in sorted(set(found[kind].to_pylist())))]
    measured = []
    for kind, name in groups:
        chosen = found if kind == "all" else found.filter(pc.equal(found[kind], name))
        calibrated = len(seen) if kind == "all" else pc.sum(pc.equal(seen[kind], name)).as_py() or 0
        above = pc.sum(pc.greater(chosen["detector_score"], chosen["threshold"])).as_py() or 0
        low, high = scipy.stats.binom.ppf([0.005, 0.995], len(chosen), alpha).astype(int)
        if len(chosen) >= LEAST:
            none = chosen["threshold"].null_count
            measured.append(Rate(kind, name, calibrated, alpha, len(chosen), above, none, low, high))
    return measured


def table(measured: list[Rate]) -> str:
    lines = [f"{'group':34}{'calibr.':>8}{'held out':>9}{'α':>6}{'rate':>8}  {'band':15}{'':6}{'no threshold':>12}"]
    for rate in sorted(measured, key=lambda rate: (("all", *KINDS).index(rate.kind), rate.name, -rate.alpha)):
        band = f"{rate.low / rate.n:.4f}–{rate.high / rate.n:.4f}"
        lines.append(
            f"{f'{rate.kind} {rate.name}':34}{rate.calibrated:8,}{rate.n:9,}{rate.alpha:6}{rate.above / rate.n:8.4f}  "
            f"{band:15}{rate.place():6}{rate.uncalibrated:12}"
        )
    for kind in ("all", *KINDS):
        places = [rate.place() for rate in measured if rate.kind == kind]
        lines.append(
            f"{kind}: {places.count('in')} of {len(places)} in, {places.count('HIGH')} high, {places.count('low')} low"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, nargs="+", required=True)
    parser.add_argument("--truth", type=Path)
    parser.add_argument("--source", default="source", help="column that is taken for the source")
    parser.add_argument("--model", help="a detector; the shipped one where not given")
    parser.add_argument("--share", type=float, default=0.5, help="of the human families that calibrate")
    parser.add_argument("--seeds", type=int, default=1, help="partings to measure")
    options = parser.parse_args()
    documents = read(options.corpus, options.truth, options.source)
    for seed in range(1, options.seeds + 1):
        with tempfile.TemporaryDirectory() as directory:
            measured = measure(documents, Path(directory), options.model, options.share, seed)
        sys.stdout.write(f"parting {seed}\n{table(measured)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
