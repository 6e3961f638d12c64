"""How long texts take that are made to be slow, against texts of random words.

    python tests/benchmarks/bench_collisions.py

Prints milliseconds, the best of three, for one text of so many words.
"""

import sys
import time
from collections.abc import Callable
from functools import partial

import pyarrow as pa
from collisions import random_words, slow_to_sort, words_of_few_slots, words_of_one_slot

from curate.config import make_config
from curate.detector.distinct import distinct_tokens
from curate.detector.model import load_detector
from curate.detector.stream import token_stream
from curate.quality.annotate import quality_column
from curate.text import kernel

SIZES = (10_000, 20_000, 40_000)


def milliseconds(function: Callable[[pa.Array], object], words: list[str]) -> float:
    texts = pa.array([" ".join(words)], pa.large_string())
    function(texts)  # compiled loops are loaded
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        function(texts)
        best = min(best, time.perf_counter() - started)
    return best * 1e3


def main() -> None:
    detector, config = load_detector(), make_config({})

    def score(texts: pa.Array) -> object:
        return detector.judge(texts, kernel.text_features(texts, shingle=5, permutations=0, seed=0).tokens, 50)

    attacks: list[tuple[str, Callable[[int], list[str]], Callable[[pa.Array], object]]] = [
        ("distinct tokens", words_of_one_slot, lambda texts: distinct_tokens(token_stream(texts))),
        ("detector", words_of_one_slot, score),
        ("detector", words_of_few_slots, score),
        ("quality", words_of_few_slots, lambda texts: quality_column(texts, config)),
        ("shingle sets", slow_to_sort, partial(kernel.shingle_sets, shingle=5)),
    ]
    sys.stdout.write("| step | words | of the text | random, ms | made, ms |\n|---|---|---|---|---|\n")
    for step, make, function in attacks:
        for count in SIZES:
            random, made = (milliseconds(function, words) for words in (random_words(count), make(count)))
            sys.stdout.write(f"| {step} | {make.__name__} | {count:,} | {random:.1f} | {made:.1f} |\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
