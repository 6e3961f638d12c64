"""What every peer's runner is given, and the shingles of those that leave them to their user."""

import argparse
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

# Words, and single characters of Chinese and Japanese, as curate counts them.
_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+")


@dataclass(frozen=True)
class Job:
    """One run: Parquet files with columns id and text in, the kept rows as Parquet out.

    Attributes:
        input: directory of the files.
        output: directory to write Parquet to; its parent is for temporary files.
        bands, rows: of the LSH.
        shingle: words.
        workers: processes, for those that use several.
        mode: which of the peer's ways to take.
    """

    input: Path
    output: Path
    bands: int
    rows: int
    shingle: int
    workers: int
    mode: str

    @staticmethod
    def from_arguments() -> "Job":
        parser = argparse.ArgumentParser()
        for name in ("input", "output"):
            parser.add_argument(name, type=Path)
        for name in ("bands", "rows", "shingle", "workers"):
            parser.add_argument(f"--{name}", type=int, required=True)
        parser.add_argument("--mode", default="")
        return Job(**vars(parser.parse_args()))

    def read(self):
        return pq.read_table(self.input)

    def write(self, table) -> None:
        self.output.mkdir()
        pq.write_table(table, self.output / "part-0.parquet", compression="zstd")


def shingles(text: str, length: int, find_words: Callable[[str], list[str]] = _TOKEN.findall) -> list[str]:
    """The word n-grams of a text; all of its words as one where it has fewer."""
    words = find_words(text.casefold())
    if len(words) < length:
        return [" ".join(words)]
    return list(map(" ".join, zip(*(words[i:] for i in range(length)), strict=False)))
