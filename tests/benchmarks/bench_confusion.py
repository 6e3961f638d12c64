"""Measures whether reference shares can be corrected for documents that chance puts into another cluster.

    python tests/benchmarks/bench_confusion.py mixed_corpus.parquet

The true cluster of a document is that of its first 800 tokens; seen is a part of them. A half of what is seen scatters
around it as it scatters around the truth, if tokens are independent (half-samples: McCarthy, 1969). So C[a, c], the
share of halves in cluster a of documents seen in c, estimates P(assigned a | true c) without a label, and the shares
are corrected by 2·1 - C, which is C⁻¹ to first order, or by maximum likelihood under C (expectation maximisation).
Printed is the total variation between the true shares and those seen or corrected.
"""

import sys
from collections.abc import Sequence

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from curate.clusters.embedding import document_features, fit_embedding
from curate.clusters.kmeans import assign, choose_k, fit_centroids
from curate.hashing import mix
from curate.text.kernel import text_features

WHOLE, DIMENSIONS, SEED, ROUNDS = 800, 64, 1, 50
PARTS = ("random", "start")
HALVES = {"alternate tokens": lambda row: (row[::2], row[1::2]), "first and last": lambda row: np.array_split(row, 2)}

Rows = Sequence[NDArray[np.uint64]]


def features(rows: Rows):
    """The features of documents given as token hashes."""
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    return document_features(np.concatenate(rows), offsets)


def shares(clusters: NDArray[np.int32], k: int) -> NDArray[np.float64]:
    """The share of documents in each cluster."""
    return np.bincount(clusters[clusters >= 0], minlength=k) / len(clusters)


def corrected(seen: NDArray[np.int32], halves: Sequence[NDArray[np.int32]], k: int) -> dict[str, NDArray[np.float64]]:
    """Shares corrected by the confusion of the halves, in both ways."""
    confusion = np.zeros((k, k))
    for half in halves:
        np.add.at(confusion, (half, seen), 1.0)
    confusion /= np.maximum(confusion.sum(axis=0), 1)
    raw = shares(seen, k)
    first_order = np.maximum(2 * raw - confusion @ raw, 0.0)
    likely = raw.copy()
    for _ in range(ROUNDS):
        likely *= confusion.T @ (raw / np.maximum(confusion @ likely, 1e-12))
    return {"first order": first_order / first_order.sum(), "likelihood": likely}


def main(path: str) -> None:
    """Prints one row for each part of the documents, length seen and kind of halves."""
    texts = pq.read_table(path, columns=["text"])["text"].combine_chunks().drop_null()
    kernel = text_features(texts, shingle=5, permutations=0, seed=SEED, with_tokens=True)
    starts = kernel.token_offsets[:-1][np.diff(kernel.token_offsets) >= WHOLE]
    whole = [kernel.token_hashes[start : start + WHOLE] for start in starts]
    keys = mix(np.arange(len(whole), dtype=np.uint64))
    draw = np.random.default_rng(SEED)
    sys.stdout.write(f"{len(whole):,} documents of {WHOLE} tokens; total variation from the true shares\n")
    for part in PARTS:
        for length in (100, 200, 400):
            places = [np.sort(draw.choice(WHOLE, length, replace=False)) for _ in whole]
            seen = [row[place] if part == "random" else row[:length] for row, place in zip(whole, places, strict=True)]
            fitted = features(seen)
            embedding = fit_embedding(fitted, DIMENSIONS, SEED)
            centroids = fit_centroids(embedding.transform(fitted), keys, choose_k(len(whole)), SEED)

            def clusters(rows: Rows, embedding=embedding, centroids=centroids) -> NDArray[np.int32]:
                return assign(embedding.transform(features(rows)), centroids)[0]

            k, found, true = len(centroids), clusters(seen), shares(clusters(whole), len(centroids))
            for name, cut in HALVES.items():
                halves = [clusters(rows) for rows in zip(*map(cut, seen), strict=True)]
                both = {"seen": shares(found, k), **corrected(found, halves, k)}
                errors = ", ".join(f"{way} {np.abs(share - true).sum() / 2:.3f}" for way, share in both.items())
                sys.stdout.write(f"{length} tokens {part:6} halves of {name:16} {errors}\n")


if __name__ == "__main__":
    main(sys.argv[1])
