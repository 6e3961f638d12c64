"""Measures the detector: on held-out documents, on what it was not trained for, under attack, and its cost.

    python tests/benchmarks/bench_detector.py DATA                       on detector_dev, beside plain classifiers
    python tests/benchmarks/bench_detector.py DATA --hold-out dataset    trained without each data set in turn
    python tests/benchmarks/bench_detector.py DATA --hold-out generator  without each generator or family of them
    python tests/benchmarks/bench_detector.py DATA --adversarial         changed machine texts
    python tests/benchmarks/bench_detector.py DATA --fiction             long fiction by models of 2025
    python tests/benchmarks/bench_detector.py DATA --speed               throughput, load time, memory

DATA holds detector_train.parquet, detector_dev.parquet, mixed_corpus.parquet and mixed_corpus_truth.parquet. Several
options print several tables, in Markdown. Each fold of a hold-out trains anew: a minute or two.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from attacks import ATTACKS
from baselines import fasttext_scores, tfidf_scores
from bench_kernel import kernel, megabytes
from corpora import language, prose
from numpy.typing import NDArray
from transfer import VIEWS, data_set_folds, generator_folds, line, mean, transfer

from curate.detector.evaluate import count_tokens, evaluate_detector, format_evaluation, measure, read_documents
from curate.detector.fit import family_keys
from curate.detector.model import Detector, load_detector
from curate.hashing import hash_strings

ALPHA = 0.05
LEAST_TOKENS = 50
LEAST_DOMAIN = 200
BLOCK = 16_000_000
SCORED_FRESH = 20_000_000
FRESH_STARTS = 5
OTHER_PEOPLE = 1_200
RATES = {"auroc": "AUROC", "tpr_05": "TPR at 5 % FPR", "tpr_01": "TPR at 1 % FPR"}

Bools = NDArray[np.bool_]
Floats = NDArray[np.floating]


def dev(data: Path, detector: Detector) -> Iterator[str]:
    """The detector and plain classifiers on detector_dev, then all that `curate detector evaluate` prints."""
    train, documents = (read_documents([str(data / f"detector_{name}.parquet")]) for name in ("train", "dev"))
    machine, texts = is_machine(documents), documents["text"].to_pylist()
    trained = (train["text"].to_pylist(), is_machine(train))
    scores = {
        "curate": detector.score(documents["text"].combine_chunks(), count_tokens(documents["text"]), 0),
        "TF-IDF, logistic regression": tfidf_scores(*trained, texts),
        "fastText": fasttext_scores(*trained, texts),
    }
    if scores["TF-IDF, logistic regression"] is None:
        yield "TF-IDF is left out: scikit-learn is not installed"
    found = {name: values.astype(np.float64) for name, values in scores.items() if values is not None}
    families = family_keys(documents).view(np.int64)
    yield from head("detector_dev", "human", "machine", *RATES.values(), "ties")
    for name, values in found.items():
        ties = f"{100 * tied(values):.2f} %"
        yield row(name, *measured(measure(values, machine, families, 1), interval=True), ties)
    yield from head(
        f"domains of {LEAST_DOMAIN} documents or more", "human", "machine", *RATES.values(), *list(found)[1:]
    )
    domains = documents["domain"].to_numpy()
    for domain, count in zip(*np.unique(domains, return_counts=True), strict=True):
        inside = domains == domain
        if count >= LEAST_DOMAIN:
            ours, *others = (measure(v[inside], machine[inside], families[inside], 1) for v in found.values())
            yield row(domain, *measured(ours), *(f"{other['auroc'][0]:.3f}" for other in others))
    yield "\n```\n" + format_evaluation(evaluate_detector(detector, documents)) + "\n```"


def hold_out(data: Path, detector: Detector, kind: str, breadth: bool) -> Iterator[str]:
    """The matrix of what training makes of what it has not seen, row by row as it is made."""
    documents = read_documents([str(data / "detector_train.parquet")])
    people = other_people(data, documents) if breadth else None
    folds = {"dataset": data_set_folds, "generator": generator_folds}[kind](documents)
    yield from head(f"AUROC on a held-out {kind}", "human", "machine", "stack", *VIEWS)
    outcomes = []
    for fold in folds:
        outcomes.append(transfer(documents, fold, detector.numbers, people=people))
        yield line(*outcomes[-1])
    yield line("mean", "", "", mean(outcomes))


def other_people(data: Path, documents: pa.Table) -> pa.Table:
    """English texts by people of the mixed corpus, from data sets that no detector file has; of copies the original."""
    truth = pq.read_table(data / "mixed_corpus_truth.parquet", columns=["id", "label", "dataset", "dup_kind"])
    chosen = pc.and_(pc.equal(truth["label"], "human"), pc.invert(pc.is_in(truth["dataset"], documents["dataset"])))
    chosen = pc.and_(chosen, pc.or_kleene(pc.is_null(truth["dup_kind"]), pc.equal(truth["dup_kind"], "original")))
    truth = truth.filter(chosen)
    corpus = pq.read_table(data / "mixed_corpus.parquet", columns=["id", "text", "language"])
    english = corpus.filter(pc.equal(corpus["language"], "en"))
    found = english.join(truth.select(["id", "label", "dataset"]), "id", join_type="inner")
    found = found.take(pa.array(np.argsort(hash_strings(found["id"]))[:OTHER_PEOPLE]))
    return found.cast(pa.schema([(name, pa.large_string()) for name in found.column_names]))


def adversarial(data: Path, detector: Detector) -> Iterator[str]:
    """How much of the machine text of dev is found before and after each change."""
    documents = read_documents([str(data / "detector_dev.parquet")])
    documents = documents.filter(pa.array(count_tokens(documents["text"].combine_chunks()) >= LEAST_TOKENS))
    machine, texts = is_machine(documents), documents["text"].to_pylist()

    def score(changed: Sequence[str]) -> Floats:
        column = pa.array(changed, pa.large_string())
        return detector.score(column, count_tokens(column), 0)

    clean = score(texts)
    limit = threshold(clean[~machine], ALPHA)
    before = caught(clean[machine], limit)
    yield from head(
        f"machine texts found at {ALPHA:.0%} of people, {int(machine.sum())} and {int((~machine).sum())} documents",
        "TPR",
        "change, points",
        "people above, changed likewise",
        "TPR at 5 % of people changed likewise",
    )
    yield row("unchanged", f"{before:.3f}", "", f"{caught(clean[~machine], limit):.3f}", f"{before:.3f}")
    for name, attack in ATTACKS.items():
        scores = score([attack(text) for text in texts])
        after = caught(scores[machine], limit)
        fair = caught(scores[machine], threshold(scores[~machine], ALPHA))
        people = caught(scores[~machine], limit)
        yield row(name, f"{after:.3f}", f"{100 * (after - before):+.1f}", f"{people:.3f}", f"{fair:.3f}")


def fiction(data: Path, detector: Detector) -> Iterator[str]:
    """What the detector makes of the long fiction of the mixed corpus, against people of all kinds and novelists."""
    documents = pq.read_table(data / "mixed_corpus.parquet", columns=["id", "text", "language"]).join(
        pq.read_table(data / "mixed_corpus_truth.parquet", columns=["id", "label", "dataset", "dup_group"]), "id"
    )
    documents = documents.sort_by("id").replace_schema_metadata(None)
    scores = detector.score(documents["text"].combine_chunks(), count_tokens(documents["text"]), LEAST_TOKENS)
    documents, scores = documents.filter(pa.array(~np.isnan(scores))), scores[~np.isnan(scores)].astype(np.float64)
    datasets, languages = documents["dataset"].to_numpy(), documents["language"].to_numpy()
    machine, novels, people = datasets == "eqbench-longform", datasets == "eltec", ~is_machine(documents)
    groups = pc.dictionary_encode(pc.coalesce(pc.cast(documents["dup_group"], pa.string()), documents["id"]))
    families = groups.combine_chunks().indices.to_numpy().astype(np.int64)
    yield from head("long fiction by models of 2025, against", "human", "machine", *RATES.values())
    for name, against in {
        "all people": people,
        "people in English": people & (languages == "en"),
        "novels": novels,
        "novels in English": novels & (languages == "en"),
    }.items():
        inside = machine | against
        yield row(name, *measured(measure(scores[inside], machine[inside], families[inside], 1), interval=True))


def speed(data: Path, detector: Detector, repeat: int) -> Iterator[str]:
    """Throughput on one thread beside the text kernel and zlib, then a fresh process."""
    mixed = data / "mixed_corpus.parquet"
    size = BLOCK / 1e6
    every = pq.read_table(mixed, columns=["text"])["text"].combine_chunks().cast(pa.large_string())
    order = pa.array(np.random.default_rng(1).permutation(len(every)))
    samples = {
        "mixed corpus": limited(every.take(order), BLOCK),
        "English of it": limited(language("en", size, mixed)["text"].combine_chunks(), BLOCK),
        "Chinese of it, repeated": limited(language("zh", size, mixed)["text"].combine_chunks(), BLOCK),
        "documents of 1.8 KB": limited(prose(round(size * 600))[0]["text"].combine_chunks(), BLOCK),
    }
    works: dict[str, Callable[[pa.Array], object]] = {"kernel": kernel, "zlib": compress}
    yield from head(
        f"MB of text per second of processor time, blocks of {size:.0f} MB, medians of {repeat}",
        "documents",
        "filter",
        "text kernel",
        "zlib, level 1",
        "filter / kernel",
        "filter / zlib",
    )
    for name, texts in samples.items():
        tokens = count_tokens(texts)
        detector.judge(texts[:10], tokens[:10], LEAST_TOKENS)
        rates = rounds(
            {"filter": lambda texts: detector.judge(texts, tokens, LEAST_TOKENS), **works},  # noqa: B023, run at once
            texts,
            repeat,
        )
        ratios = (f"{rates['filter'] / rates[other]:.2f}" for other in works)
        yield row(name, len(texts), *(f"{rate:.1f}" for rate in rates.values()), *ratios)
    yield from fresh(every.take(order))


def fresh(texts: pa.Array) -> Iterator[str]:
    """What new processes need to load the shipped detector and to score a file."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "texts.parquet")
        blocks = [limited(texts, BLOCK)]
        blocks.append(limited(texts[len(blocks[0]) :], SCORED_FRESH - BLOCK))
        with pq.ParquetWriter(file, pa.schema([("text", pa.large_string())])) as writer:
            for block in blocks:
                writer.write_table(pa.table({"text": block}), row_group_size=len(block))
        command = [sys.executable, str(Path(__file__).with_name("fresh.py")), str(file)]
        runs: list[dict[str, Any]] = [
            json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
            for _ in range(FRESH_STARTS)
        ]
    yield from head(f"a fresh process, medians of {FRESH_STARTS}", "seconds", "peak memory by then, MB")
    for step in runs[0]["seconds"]:
        seconds, memory = (statistics.median(run[kind][step] for run in runs) for kind in ("seconds", "memory"))
        name = f"{step}, {runs[0]['megabytes']:.0f} MB of text" if step == "file" else step
        yield row(name, f"{seconds:.2f}", f"{memory:.0f}")


def rounds(works: dict[str, Callable[[pa.Array], object]], texts: pa.Array, repeat: int) -> dict[str, float]:
    """Median megabytes per second of processor time of each work.

    They take turns, so that what slows the machine slows all of them; one that used two cores would pay for both.
    """
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeat):
        for name, work in works.items():
            started = time.process_time()
            work(texts)
            seconds[name].append(time.process_time() - started)
    return {name: megabytes(texts) / statistics.median(times) for name, times in seconds.items()}


def compress(texts: pa.Array) -> None:
    """Something that everybody has, to compare machines by."""
    for text in texts:
        zlib.compress(text.as_buffer(), 1)


def limited(texts: pa.Array, size: int) -> pa.Array:
    """The first of the texts, of at most `size` bytes together."""
    sizes = np.cumsum(pc.binary_length(texts).to_numpy())
    return texts[: max(1, int(np.searchsorted(sizes, size, side="right")))]


def threshold(human: Floats, alpha: float) -> float:
    """The lowest score that at most this share of the human scores is above."""
    return float(np.sort(human)[len(human) - 1 - int(alpha * len(human))])


def caught(scores: Floats, limit: float) -> float:
    """The share of the scores above a threshold."""
    return float(np.mean(scores > limit))


def tied(scores: Floats) -> float:
    """The share of the scores that another one equals."""
    counts = np.unique(scores, return_counts=True)[1]
    return float(counts[counts > 1].sum() / len(scores))


def is_machine(documents: pa.Table) -> Bools:
    return pc.equal(documents["label"], "machine").to_numpy()


def measured(values: dict[str, Any], interval: bool = False) -> list[str]:
    """Cells of a table: counts and rates."""
    cells = [str(values["human"]), str(values["machine"])]
    for name in RATES:
        estimate, low, high = values.get(name, (np.nan,) * 3)
        cells.append(f"{estimate:.3f}" + (f" ({low:.3f}–{high:.3f})" if interval else ""))
    return cells


def head(title: str, *names: str) -> list[str]:
    return ["", row(title, *names), "|---" * (len(names) + 1) + "|"]


def row(*cells: object) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--hold-out", choices=["dataset", "generator"])
    parser.add_argument("--breadth", action="store_true", help="hold-outs: train with people of the mixed corpus, too")
    parser.add_argument("--adversarial", action="store_true")
    parser.add_argument("--fiction", action="store_true")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--repeat", type=int, default=5, help="of the measurements of speed")
    parser.add_argument("--model", help="a detector; the shipped one where not given")
    given = parser.parse_args()
    detector = load_detector(given.model)
    tables = [
        hold_out(given.data, detector, given.hold_out, given.breadth) if given.hold_out else None,
        adversarial(given.data, detector) if given.adversarial else None,
        fiction(given.data, detector) if given.fiction else None,
        speed(given.data, detector, given.repeat) if given.speed else None,
    ]
    chosen = [table for table in tables if table is not None] or [dev(given.data, detector)]
    sys.stdout.write(f"{detector.id}\n")
    for lines in chosen:
        for text in lines:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
