"""Measures how many disguised copies of documents are still found as duplicates.

    python tests/benchmarks/bench_evasion.py mixed_corpus.parquet [--documents 400]

Of each document there is one copy, changed so that a reader hardly notices. A copy counts as found if it or its
original was dropped for the other as a duplicate. What such changes do to the detector: `bench_detector.py
--adversarial`.
"""

import argparse
import sys
import tempfile
import unicodedata
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from attacks import draws, homoglyphs, random_capitals, random_spaces, zero_width

from curate.config import make_config
from curate.hashing import hash_strings
from curate.pipelines.run import curate_inputs

OFF = {step: {"enabled": False} for step in ("mixture", "provenance")}
LEAST_WORDS = 60
HIDDEN = "\u00ad\u034f\ufe01\U000e0041"


def inserted(text: str, share: float, characters: str) -> str:
    """One of the characters after a share of the letters."""
    chance = draws(text, "inserted", len(text))
    return "".join(
        letter + characters[int(drawn / share * len(characters))] if drawn < share and letter.isalpha() else letter
        for letter, drawn in zip(text, chance, strict=True)
    )


def decorated(text: str) -> str:
    """ASCII letters and digits as full-width or mathematical ones, by turns of words."""
    words = text.split(" ")
    wide = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
    bold = {ord(a) + i: 0x1D400 + 26 * (a == "a") + i for a in "Aa" for i in range(26)}
    return " ".join(word.translate((wide, bold)[place % 2]) for place, word in enumerate(words))


ATTACKS: dict[str, Callable[[str], str]] = {
    "none: the same text": str,
    "random capitals": random_capitals,
    "white space": random_spaces,
    "full-width and mathematical letters": decorated,
    "decomposed (NFD)": partial(unicodedata.normalize, "NFD"),
    "zero-width characters after 10 % of the letters": partial(zero_width, share=0.1),
    "after 50 %": partial(zero_width, share=0.5),
    "soft hyphens, joiners, selectors, tags, 50 %": partial(
        inserted, share=0.5, characters="\u00ad\u034f\ufe01\U000e0041"
    ),
    "directional marks, 50 %": partial(inserted, share=0.5, characters="\u200e\u200f\u202a\u202c\u2067\u2069"),
    "look-alike letters, 1 % of the letters": partial(homoglyphs, share=0.01),
    "10 %": partial(homoglyphs, share=0.1),
    "50 %": partial(homoglyphs, share=0.5),
    "all": partial(homoglyphs, share=1.0),
    "accents on 2 % of the letters": partial(inserted, share=0.02, characters="\u0301\u0323\u0327"),
    "hair spaces within words, 2 % of the letters": partial(inserted, share=0.02, characters="\u200a\u2009"),
}


def documents(corpus: Path, count: int) -> pa.Table:
    """Texts of the corpus that are long enough, chosen by hash."""
    table = pq.read_table(corpus, columns=["id", "text"])
    words = pc.list_value_length(pc.split_pattern_regex(table["text"], r"\s+"))
    table = table.filter(pc.greater_equal(words, LEAST_WORDS)).combine_chunks()
    return table.take(pa.array(hash_strings(table["id"]).argsort()[:count]))


def found(originals: pa.Table, attack: Callable[[str], str]) -> tuple[float, float]:
    """The shares of copies that are found at all, and as exact duplicates."""
    ids = [f"{id} copy" for id in originals["id"].to_pylist()]
    copies = pa.table({"id": ids, "text": [attack(text) for text in originals["text"].to_pylist()]})
    with tempfile.TemporaryDirectory() as directory:
        path, output = Path(directory) / "in.parquet", Path(directory) / "out"
        pq.write_table(pa.concat_tables([originals, copies.cast(originals.schema)]), path)
        curate_inputs([str(path)], str(output), make_config({**OFF, "synthetic": {"enabled": False}}))
        ledger = pa.concat_tables(map(pq.read_table, (output / "ledger").glob("*.parquet")))
    rows = {row["id"]: row for row in ledger.select(["id", "reason", "matched_id"]).to_pylist()}
    reasons = []
    for id in originals["id"].to_pylist():
        pair = rows[id], rows[f"{id} copy"]
        reasons += [
            row["reason"] for row in pair if row["stage"] == "dedupe" and row["matched_id"] in (id, f"{id} copy")
        ]
    return len(reasons) / len(ids), reasons.count("exact") / len(ids)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--documents", type=int, default=400)
    given = parser.parse_args()
    originals = documents(given.corpus, given.documents)
    print("| disguise of a copy | found | as exact |\n|---|---|---|")  # noqa: T201
    for name, attack in ATTACKS.items():
        every, exact = found(originals, attack)
        print(f"| {name} | {every:.1%} | {exact:.1%} |", flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
