"""Measures how well the share of machine text is estimated, with a given detector.

    python tests/benchmarks/bench_prevalence.py DATA [--model DETECTOR] [--draws 50]

DATA holds detector_dev.parquet, mixed_corpus.parquet and mixed_corpus_truth.parquet. Prints Markdown tables:

(a) mixtures from dev: its families parted in two, f0 and f1 from one half, mixtures of known π from the other. Then
    with f1 as the detector stores it.
(b) across domains: each domain of dev as a source, half of its people as f0, f1 from the other domains.
(c) the mixed corpus by source, and by source and month: half of the trusted (captured before the cut-off) people of
    the source as f0, f1 as the detector stores it.

A mean of absolute errors is over the draws; coverage is how often the 95 % interval holds the true share, that of
sampling alone and that which allows for machine text of another domain; `over` how often the lower bound is above it.
"""

import argparse
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from curate.detector.evaluate import count_tokens
from curate.detector.groups import LENGTH_BINS, LENGTH_EDGES
from curate.detector.model import Detector, load_detector
from curate.detector.prevalence import MachineScores, Prevalence, bin_edges, estimate, histogram, transfer_spread

SHARES = (0.1, 0.3, 0.5, 0.8)
SIZES = (200, 500, 10**9)
LEAST_TOKENS = 50
LEAST_HUMANS = 30
LEAST_DOMAIN = 80
CUTOFF = datetime(2022, 11, 30, tzinfo=timezone.utc)

Bools = NDArray[np.bool_]


class Scored(NamedTuple):
    """Documents of 50 tokens or more with their scores, arrays of one length."""

    scores: NDArray[np.float32]
    lengths: NDArray[np.int64]
    machine: Bools
    families: NDArray[np.object_]
    domains: NDArray[np.object_]

    def take(self, chosen: NDArray[np.generic]) -> "Scored":
        """Some of the documents, by mask or by index."""
        return Scored(*(column[chosen] for column in self))


class Outcome(NamedTuple):
    """An estimate and what it should have been."""

    found: Prevalence
    truth: float


def read_scored(detector: Detector, table: pa.Table) -> tuple[Scored, Bools]:
    """The scored documents of a table with the columns id, text, label, domain, and which rows they are."""
    texts = table["text"].combine_chunks()
    tokens = count_tokens(texts)
    scores = detector.score(texts, tokens, LEAST_TOKENS)
    scored = Scored(
        scores,
        np.searchsorted(LENGTH_EDGES, tokens, side="right"),
        pc.equal(table["label"], "machine").to_numpy(),
        pc.replace_substring_regex(table["id"], r"/[^/]*$", "").to_numpy(),
        table["domain"].to_numpy(),
    )
    rows = ~np.isnan(scores)
    return scored.take(rows), rows


def reference_of(documents: Scored) -> MachineScores:
    """What a detector would store of documents."""
    parts = [documents.scores[documents.machine & (documents.lengths == bin)] for bin in range(len(LENGTH_BINS))]
    spread = transfer_spread(documents.scores, documents.machine, documents.domains)
    return MachineScores(parts, [len(part) for part in parts], documents.scores[~documents.machine], spread)


def prevalence(observed: Scored, human: Scored, machine: MachineScores, seed: int) -> Prevalence:
    """The estimate, with score bins as a run chooses them."""
    edges = bin_edges(human.scores, np.concatenate([part for part in machine.quantiles if len(part)]))
    counts = [histogram(part.scores, part.lengths, edges, len(LENGTH_BINS)) for part in (observed, human)]
    return estimate(*counts, machine, edges, seed)


def halves(documents: Scored, draw: np.random.Generator) -> tuple[Scored, Scored]:
    """Two parts of the documents; a family is in one of them."""
    codes = np.unique(documents.families, return_inverse=True)[1]
    first = (draw.uniform(size=codes.max() + 1) < 0.5)[codes]
    return documents.take(first), documents.take(~first)


def mixture(documents: Scored, share: float, size: int, draw: np.random.Generator) -> tuple[Scored, float]:
    """At most `size` documents without replacement, as many as there are of the scarcer class, and their true share."""
    human, machine = np.flatnonzero(~documents.machine), np.flatnonzero(documents.machine)
    size = min(size, int(len(machine) / share), int(len(human) / (1 - share)))
    count = round(share * size)
    chosen = np.concatenate([draw.permutation(machine)[:count], draw.permutation(human)[: size - count]])
    return documents.take(chosen), count / size


def line(name: str, outcomes: list[Outcome]) -> str:
    """One row of a table."""
    names = ("share", "low", "high", "sampled_low", "sampled_high", "least")
    found = np.array([[*(getattr(each, name) for name in names), truth] for each, truth in outcomes])
    share, low, high, sampled_low, sampled_high, least, truth = found.T
    error = share - truth
    values = (
        f"{outcomes[0].found.documents}",
        f"{np.abs(error).mean():.3f}",
        f"{np.abs(error).max():.3f}",
        f"{error.mean():+.3f}",
        f"{np.mean((sampled_low <= truth) & (truth <= sampled_high)):.2f}",
        f"{np.mean(sampled_high - sampled_low):.2f}",
        f"{np.mean((low <= truth) & (truth <= high)):.2f}",
        f"{np.mean(high - low):.2f}",
        f"{least.mean():.2f}",
        f"{np.mean(least > truth):.2f}",
    )
    return f"| {name} | " + " | ".join(values) + " |"


def header(title: str, first: str) -> list[str]:
    """Title and head of a table whose rows `line` makes."""
    sampling = ("coverage, sampling", "width")
    names = ("n", "mean error", "max", "bias", *sampling, "coverage, transfer", "width", "lower bound", "over")
    return ["", title, "", f"| {first} | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]


def within_dev(dev: Scored, stored: MachineScores | None, draws: int) -> list[str]:
    """Table (a); f1 from the half of the draw where none is given."""
    lines = []
    for size in SIZES:
        for share in SHARES:
            outcomes = []
            for seed in range(draws):
                draw = np.random.default_rng(seed)
                reference, rest = halves(dev, draw)
                observed, truth = mixture(rest, share, size, draw)
                human = reference.take(~reference.machine)
                machine = stored or reference_of(reference)
                outcomes.append(Outcome(prevalence(observed, human, machine, seed), truth))
            lines.append(line(f"π {share}, {size if size < 10**9 else 'all'}", outcomes))
    return lines


def across_domains(dev: Scored, draws: int) -> list[str]:
    """Table (b)."""
    lines = []
    every: dict[float, list[Outcome]] = {share: [] for share in SHARES}
    for domain in np.unique(dev.domains):
        inside = dev.take(dev.domains == domain)
        reference = reference_of(dev.take(dev.domains != domain))
        if min(inside.machine.sum(), (~inside.machine).sum()) < LEAST_DOMAIN:
            continue
        for share in SHARES:
            outcomes = []
            for seed in range(draws):
                draw = np.random.default_rng(seed)
                trusted, rest = halves(inside, draw)
                observed, truth = mixture(rest, share, 10**9, draw)
                outcomes.append(Outcome(prevalence(observed, trusted.take(~trusted.machine), reference, seed), truth))
            lines.append(line(f"{domain}, π {share}", outcomes))
            every[share] += outcomes
    return lines + [line(f"all domains, π {share}", outcomes) for share, outcomes in every.items()]


def mixed_corpus(directory: Path, detector: Detector) -> list[str]:
    """Table (c)."""
    names = ["id", "label", "domain"]
    table = pq.read_table(directory / "mixed_corpus.parquet").join(
        pq.read_table(directory / "mixed_corpus_truth.parquet", columns=names), "id"
    )
    documents, rows = read_scored(detector, table.sort_by("id"))
    table = table.sort_by("id").select(["source", "timestamp"]).filter(pa.array(rows))
    sources, months = table["source"].to_numpy(), pc.strftime(table["timestamp"], format="%Y-%m").to_numpy()
    early = pc.fill_null(pc.less(table["timestamp"], pa.scalar(CUTOFF, table["timestamp"].type)), False).to_numpy()
    half = np.random.default_rng(1).uniform(size=len(early)) < 0.5
    trusted = early & half
    machine = detector.machine_scores()
    lines: list[str] = []
    by_month: list[Outcome] = []
    total, count = np.zeros(4), 0
    for source in np.unique(sources):
        inside = sources == source
        human, rest = documents.take(inside & trusted), documents.take(inside & ~trusted)
        if len(human.scores) < LEAST_HUMANS // 2:
            lines.append(f"| {source} | too few trusted documents: {len(human.scores)} |")
            continue
        found = prevalence(rest, human, machine, 1)
        lines.append(_source_line(source, found, rest.machine.mean(), len(human.scores)))
        total += len(rest.scores) * np.array([found.share, found.low, found.high, rest.machine.mean()])
        count += len(rest.scores)
        for month in sorted({month for month in months[inside & ~trusted] if month is not None}):
            part = documents.take(inside & ~trusted & (months == month))
            if len(part.scores) >= LEAST_DOMAIN:
                by_month.append(Outcome(prevalence(part, human, machine, 1), float(part.machine.mean())))
    share, low, high, truth = total / count
    lines.append(f"| all | {count} | | {truth:.2f} | {share:.2f} | {low:.2f}–{high:.2f} | |")
    lines += [*header(f"(c) {len(by_month)} pairs of source and month", "")]
    return [*lines, line("all pairs", by_month)] if by_month else lines


def _source_line(source: str, found: Prevalence, truth: float, trusted: int) -> str:
    interval = f"{found.low:.2f}–{found.high:.2f}"
    numbers = f"{truth:.2f} | {found.share:.2f} | {interval} | {found.least:.2f}"
    return f"| {source} | {found.documents} | {trusted} | {numbers} |"


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model")
    parser.add_argument("--draws", type=int, default=50)
    arguments = parser.parse_args()
    detector = load_detector(arguments.model)
    dev, _ = read_scored(detector, pq.read_table(arguments.data / "detector_dev.parquet"))
    stored = detector.machine_scores()
    lines = [f"detector {detector.id}, {arguments.draws} draws, stored spread {stored.spread:.2f}"]
    lines += header("(a) mixtures from dev, f1 from dev", "") + within_dev(dev, None, arguments.draws)
    lines += header("(a) mixtures from dev, f1 as stored", "") + within_dev(dev, stored, arguments.draws)
    lines += header("(b) a domain of dev, f1 from the others", "") + across_domains(dev, arguments.draws)
    names = "| source | n | trusted | true share | estimate | interval | lower bound |"
    lines += ["", "(c) mixed corpus by source", "", names, "|---" * 7 + "|", *mixed_corpus(arguments.data, detector)]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
