"""Measures the text kernel on one thread, on two, and against Python shingling with datasketch.

    python tests/benchmarks/bench_kernel.py [--corpus REAL.parquet]

The kernel tokenises, shingles and computes 128-permutation signatures, equal to datasketch's value for value. English
is drawn from a model of Python's own prose. Chinese and Japanese are taken from the columns text and language of
--corpus, or made up of random characters. Medians, all in one process.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from corpora import language
from datasketch import MinHash
from peers.peer import shingles as python_shingles

from curate.text.kernel import text_features
from curate.text.reference import shingle_hash, shingles

SHINGLE, PERMUTATIONS, SEED = 5, 128, 1
SAMPLE = 0.5  # megabytes for datasketch
NAMES = {"en": "English", "zh": "Chinese", "ja": "Japanese"}


def kernel(texts: pa.Array) -> None:
    text_features(texts, shingle=SHINGLE, permutations=PERMUTATIONS, seed=SEED)


def datasketch(texts: pa.Array) -> None:
    """The same shingles by a regular expression, but for rare characters, and datasketch's quickest way from there."""
    sets = [[shingle.encode() for shingle in python_shingles(text, SHINGLE)] for text in texts.to_pylist()]
    MinHash.bulk(sets, num_perm=PERMUTATIONS, seed=SEED, scheme="affine32", hashfunc=xxhash.xxh32_intdigest)


def megabytes(texts: pa.Array) -> float:
    return pc.sum(pc.binary_length(texts)).as_py() / 1e6


def speed(work: Callable[[], object], size: float, repeat: int) -> float:
    """Median of megabytes a second."""
    seconds = []
    for _ in range(repeat):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return size / statistics.median(seconds)


def on_two_threads(texts: pa.Array) -> None:
    middle = len(texts) // 2
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(kernel, (texts[:middle], texts[middle:])))


def assert_equal_to_datasketch(texts: pa.Array) -> None:
    """A fast wrong kernel would be no result."""
    found = text_features(texts, shingle=SHINGLE, permutations=PERMUTATIONS, seed=SEED).signatures
    for text, signature in zip(texts.to_pylist(), found, strict=True):
        expected = MinHash(PERMUTATIONS, seed=SEED, scheme="affine32", hashfunc=shingle_hash)
        expected.update_batch(shingles(text, SHINGLE))
        np.testing.assert_array_equal(signature, expected.hashvalues)


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, help="real text in Chinese and Japanese")
    parser.add_argument("--megabytes", type=float, default=40, help="of each language")
    parser.add_argument("--repeat", type=int, default=5)
    given = parser.parse_args()
    lines = [
        f"{given.megabytes:.0f} MB of each language, MB/s of text, medians of {given.repeat}"
        + (f"; Chinese and Japanese from {given.corpus.name}" if given.corpus else "; Chinese and Japanese made up"),
        "",
        "| | kernel, 1 thread | 2 threads | Python and datasketch bulk | kernel × datasketch |",
        "|---|---|---|---|---|",
    ]
    for name, title in NAMES.items():
        texts = language(name, given.megabytes, None if name == "en" else given.corpus)["text"].combine_chunks()
        assert_equal_to_datasketch(texts[:5])
        sample = texts[: max(1, int(len(texts) * SAMPLE / megabytes(texts)))]
        one = speed(lambda texts=texts: kernel(texts), megabytes(texts), given.repeat)
        two = speed(lambda texts=texts: on_two_threads(texts), megabytes(texts), given.repeat)
        other = speed(lambda sample=sample: datasketch(sample), megabytes(sample), given.repeat)
        lines.append(f"| {title} | {one:.1f} | {two:.1f} (× {two / one:.2f}) | {other:.2f} | {one / other:.0f} |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
