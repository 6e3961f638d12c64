"""Measures embedding and clusters against known labels and against scikit-learn at equal K and dimensions.

    python tests/benchmarks/bench_clusters.py mixed_corpus.parquet
    python tests/benchmarks/bench_clusters.py mixed_corpus.parquet --k 60 --label language --label source

The peer is the pipeline that people build: TfidfVectorizer, TruncatedSVD, Normalizer, KMeans, with their defaults, over
all documents. curate fits on its hash-chosen sample as a run does and assigns all. Both read the same Arrow texts on
one thread; the times are processor time, from the texts to a cluster for each document, compiled loops warm.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from curate.clusters.embedding import document_features, fit_embedding
from curate.clusters.kmeans import assign, choose_k, fit_centroids
from curate.clusters.terms import bucket_words, draw_words, least_draws
from curate.config import make_config
from curate.hashing import hash_strings, mix, stage_seed
from curate.text.kernel import text_features

MIXTURE = make_config({}).mixture
BLOCK = 4_000
RARE = 0.002  # share of the documents below which a label is rare

Labels = NDArray[np.int32]


class Fit(NamedTuple):
    """What curate fits on a corpus, and the seconds that took."""

    clusters: Labels
    seconds: dict[str, float]


def fit(texts: pa.Array, k: int, dimensions: int, sample: int, seed: int) -> Fit:
    """Fits and assigns as a run does, block by block."""
    blocks = [texts.slice(start, BLOCK) for start in range(0, len(texts), BLOCK)]
    seconds: dict[str, float] = {}

    def timed(name: str, function: Callable):
        started = time.process_time()
        result = function()
        seconds[name] = seconds.get(name, 0.0) + time.process_time() - started
        return result

    keys = timed("keys", lambda: hash_strings(texts))
    chosen = timed("keys", lambda: _sampled(keys, sample, stage_seed(seed, "embedding")))
    sampled = texts.take(pa.array(chosen))
    features = timed("features of the sample", lambda: _features(sampled))
    embedding = timed("fit of the embedding", lambda: fit_embedding(features, dimensions, seed))
    parts = [(sampled.slice(start, BLOCK), keys[chosen[start : start + BLOCK]]) for start in range(0, sample, BLOCK)]
    drawn = timed("words", lambda: least_draws(pa.concat_tables([draw_words(*part) for part in parts])))
    embedding = timed("words", lambda: embedding.with_words(bucket_words(drawn)))
    vectors = timed("embedding", lambda: np.concatenate([embedding.transform(_features(block)) for block in blocks]))
    chosen = timed("keys", lambda: _sampled(keys, sample, stage_seed(seed, "centroids")))
    centroids = timed("fit of the clusters", lambda: fit_centroids(vectors[chosen], keys[chosen], k, seed))
    clusters = timed("assignment", lambda: assign(vectors, centroids)[0])
    return Fit(clusters, seconds)


def _features(texts: pa.Array):
    kernel = text_features(texts, shingle=1, permutations=0, seed=0, with_tokens=True)
    return document_features(kernel.token_hashes, kernel.token_offsets, texts)


def _sampled(keys: NDArray[np.uint64], size: int, seed: int) -> NDArray[np.int64]:
    distinct, first = np.unique(keys, return_index=True)
    return first[np.argsort(mix(distinct, seed))[:size]]


def peer(texts: pa.Array, k: int, dimensions: int, seed: int) -> Labels:
    """scikit-learn's usual pipeline for clusters of documents."""
    from sklearn.cluster import KMeans
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import Normalizer

    steps = (
        TfidfVectorizer(min_df=2, max_features=2**16, sublinear_tf=True),
        TruncatedSVD(dimensions, random_state=seed),
        Normalizer(copy=False),
        KMeans(k, random_state=seed),
    )
    return make_pipeline(*steps).fit_predict(texts.to_pylist()).astype(np.int32)


def agreement(clusters: Labels, labels: NDArray[np.int64]) -> tuple[float, float]:
    """Normalised mutual information (arithmetic mean of the entropies) and purity."""
    table = np.zeros((clusters.max() + 2, labels.max() + 1))
    np.add.at(table, (clusters, labels), 1)
    joint = table / table.sum()
    rows, columns = joint.sum(axis=1), joint.sum(axis=0)
    known = joint > 0
    information = np.sum(joint[known] * np.log(joint[known] / np.outer(rows, columns)[known]))
    return 2 * information / (_entropy(rows) + _entropy(columns)), table.max(axis=1).sum() / table.sum()


def _entropy(shares: NDArray[np.float64]) -> float:
    shares = shares[shares > 0]
    return float(-np.sum(shares * np.log(shares)))


def adjusted_rand(a: Labels, b: Labels) -> float:
    """The adjusted Rand index (Hubert and Arabie 1985)."""
    table = np.zeros((a.max() + 2, b.max() + 2))
    np.add.at(table, (a, b), 1)
    pairs, rows, columns = (np.sum(x * (x - 1) / 2) for x in (table, table.sum(axis=1), table.sum(axis=0)))
    expected = rows * columns / (len(a) * (len(a) - 1) / 2)
    return float((pairs - expected) / ((rows + columns) / 2 - expected))


def rare_recovery(clusters: Labels, labels: NDArray[np.int64]) -> tuple[int, int, float]:
    """Rare labels with a cluster that is mostly theirs, all rare labels, and the mean best F1 of one cluster."""
    counts = Counter(labels.tolist())
    rare = [label for label, count in counts.items() if 5 <= count < RARE * len(labels)]
    owned, scores = 0, []
    for label in rare:
        own = np.bincount(clusters[labels == label] + 1, minlength=clusters.max() + 2)
        sizes = np.bincount(clusters + 1, minlength=len(own))
        scores.append(float(np.max(2 * own / (sizes + counts[label]))))
        owned += bool(np.any((own > sizes / 2) & (own >= counts[label] / 2)))
    return owned, len(rare), float(np.mean(scores)) if scores else 0.0


def say(line: str) -> None:
    """Prints a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", help="Parquet file with text and label columns")
    parser.add_argument("--label", action="append", help="label column (default: language and source)")
    parser.add_argument("--documents", type=int, default=0, help="only so many documents, spread over the file")
    parser.add_argument("--k", type=int, default=0, help="clusters (default: as curate chooses)")
    parser.add_argument("--dimensions", type=int, default=MIXTURE.dimensions)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--no-peer", action="store_true", help="leave scikit-learn out")
    arguments = parser.parse_args()
    names = arguments.label or ["language", "source"]
    table = pq.read_table(arguments.corpus, columns=["text", *names])
    if arguments.documents:
        table = table.take(pa.array(np.linspace(0, len(table) - 1, arguments.documents).astype(np.int64)))
    texts = table["text"].combine_chunks()
    labels = {name: pc.fill_null(table[name], "").combine_chunks().dictionary_encode().indices for name in names}
    labels = {name: codes.to_numpy().astype(np.int64) for name, codes in labels.items()}
    k, megabytes = arguments.k or choose_k(len(texts)), pc.sum(pc.binary_length(texts)).as_py() / 1e6
    sample = min(MIXTURE.sample, len(texts))
    say(f"{len(texts):,} documents, {megabytes:.0f} MB; K {k}, {arguments.dimensions} dimensions, sample {sample:,}")

    def run(texts: pa.Array, seed: int) -> Fit:
        return fit(texts, k, arguments.dimensions, sample, seed)

    with threadpool_limits(1):
        fit(texts.slice(0, 300), 5, arguments.dimensions, 300, 1)  # compiles
        own = run(texts, 1)
        total = sum(own.seconds.values())
        say(f"curate       {total:7.1f} s  " + ", ".join(f"{name} {s:.1f}" for name, s in own.seconds.items()))
        speed = megabytes / (own.seconds["embedding"] + own.seconds["assignment"])
        say(f"assignment   {speed:7.1f} MB/s with the embedding")
        found = {"curate": own.clusters}
        if not arguments.no_peer:
            started = time.process_time()
            found["scikit-learn"] = peer(texts, k, arguments.dimensions, 1)
            seconds = time.process_time() - started
            say(f"scikit-learn {seconds:7.1f} s, {seconds / total:.1f} times as long")
        for title, clusters in found.items():
            for name, codes in labels.items():
                information, purity = agreement(clusters, codes)
                owned, rare, score = rare_recovery(clusters, codes)
                say(
                    f"{title:12} {name:10} NMI {information:.3f}  purity {purity:.3f}  "
                    f"rare labels with a cluster of their own {owned} of {rare}, best F1 {score:.3f}"
                )
        order = np.random.default_rng(1).permutation(len(texts))
        again = np.empty_like(own.clusters)
        again[order] = run(texts.take(pa.array(order)), 1).clusters
        say(f"adjusted Rand, another order of the input: {adjusted_rand(own.clusters, again):.4f}")
        for seed in range(2, arguments.seeds + 1):
            say(f"adjusted Rand, seed {seed}: {adjusted_rand(own.clusters, run(texts, seed).clusters):.3f}")


if __name__ == "__main__":
    main()
