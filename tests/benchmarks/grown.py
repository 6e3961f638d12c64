"""Grows a real corpus to any size, so that time and memory can be measured where they matter.

    python tests/benchmarks/grown.py CORPUS.parquet DIRECTORY --megabytes 1000 [--shards 8] [--most 1800]

Every round through the corpus gives each document anew with a fifth of its words (characters, where a script has no
spaces) changing places, which keeps its vocabulary, length and layout and leaves it unlike the original: of 5-word
shingles a third survives, a Jaccard similarity of .2. A fifth of the documents of a round are then replaced by copies
of others of it, a third of them exact, the others lightly edited. Columns other than `id` and `text` stay as they are.
The same arguments give the same files.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numba
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

SHARE_OF_COPIES = 0.2
COPY_RATES = (0.0, 0.005, 0.02)
"""Share of the words of a copy that change places."""
DISTINCT_RATE = 0.2
ROW_GROUP = 5_000

_SPACE = 0x20
_UNSPACED = (0xE3, 0xED)  # first bytes of kana, Han and Hangul in UTF-8


def grow(corpus: pa.Table, megabytes: float, seed: int = 1) -> Iterator[pa.Table]:
    """Rounds through the corpus until their texts have this many megabytes; the last one is cut."""
    left = megabytes * 1e6
    number = 0
    while left > 0:
        table = _round(corpus, number, np.random.default_rng([seed, number]))
        sizes = np.cumsum(pc.binary_length(table["text"]).to_numpy())
        if sizes[-1] > left:
            table = table.slice(0, int(np.searchsorted(sizes, left)) + 1)
        yield table
        left -= sizes[-1]
        number += 1


def cut(corpus: pa.Table, most: int) -> pa.Table:
    """Texts over `most` characters become several documents."""
    pieces = [
        [text[start : start + most] for start in range(0, max(len(text), 1), most)]
        for text in corpus["text"].to_pylist()
    ]
    rows = np.repeat(np.arange(corpus.num_rows), [len(each) for each in pieces])
    texts = pa.array([piece for each in pieces for piece in each], pa.large_string())
    return corpus.take(pa.array(rows)).set_column(corpus.schema.get_field_index("text"), "text", texts)


def shuffled(texts: pa.Array, rates: NDArray[np.float64], rng: np.random.Generator) -> pa.Array:
    """Texts in which this share of the words of each have changed places among themselves; large_string[n]."""
    texts = texts.cast(pa.large_string())
    _, bounds, content = texts.buffers()
    offsets = np.frombuffer(bounds, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    data = np.frombuffer(content, np.uint8)[offsets[0] : offsets[-1]]
    offsets = offsets - offsets[0]
    begins = np.zeros(len(data) + 1, dtype=bool)
    begins[1:-1] = data[:-1] == _SPACE
    begins[:-1] |= (data >= _UNSPACED[0]) & (data <= _UNSPACED[1])
    begins[offsets] = True
    starts = np.flatnonzero(begins)
    document = np.searchsorted(offsets, starts[:-1], side="right") - 1
    moved = np.flatnonzero(rng.random(len(document)) < rates[document])
    order = np.arange(len(document))
    order[moved] = moved[np.lexsort((rng.random(len(moved)), document[moved]))]
    return pa.LargeStringArray.from_buffers(
        len(texts), pa.py_buffer(offsets), pa.py_buffer(_joined(data, starts, order))
    )


@numba.njit
def _joined(data, starts, order):
    """The words of `data`, uint8[n], that begin at `starts`, int64[words + 1], in another order; uint8[n]."""
    joined = np.empty_like(data)
    end = 0
    for word in order:
        for place in range(starts[word], starts[word + 1]):
            joined[end] = data[place]
            end += 1
    return joined


def _round(corpus: pa.Table, number: int, rng: np.random.Generator) -> pa.Table:
    count = corpus.num_rows
    rows = rng.permutation(count)
    copies = rng.random(count) < SHARE_OF_COPIES
    original = rows.copy()
    original[copies] = rng.choice(rows[~copies], int(np.count_nonzero(copies)))
    # Originals change first, alike for all their copies; copies then change on their own.
    texts = shuffled(corpus["text"].combine_chunks(), np.full(count, DISTINCT_RATE), rng)
    texts = shuffled(texts.take(pa.array(original)), np.where(copies, rng.choice(COPY_RATES, count), 0.0), rng)
    table = corpus.take(pa.array(original))
    ids = pa.array([f"{number:05d}-{row:07d}" for row in range(count)])
    return table.set_column(table.schema.get_field_index("text"), "text", texts).set_column(
        table.schema.get_field_index("id"), "id", ids
    )


def write(tables: Iterator[pa.Table], directory: Path, shards: int, megabytes: float) -> None:
    """Writes tables as Parquet files of about equal size."""
    directory.mkdir(parents=True, exist_ok=True)
    size, shard, writer = 0, 0, None
    for table in tables:
        for block in (table.slice(start, ROW_GROUP) for start in range(0, table.num_rows, ROW_GROUP)):
            if writer is None:
                writer = pq.ParquetWriter(directory / f"part-{shard:04d}.parquet", block.schema, compression="zstd")
            writer.write_table(block)
            size += pc.sum(pc.binary_length(block["text"])).as_py()
            if size >= megabytes * 1e6 * (shard + 1) / shards:
                writer.close()
                writer, shard = None, shard + 1
    if writer is not None:
        writer.close()


def main() -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--megabytes", type=float, default=1000.0)
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--most", type=int, help="cut longer texts into documents of at most this many characters")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    corpus = pq.read_table(arguments.corpus)
    if arguments.most:
        corpus = cut(corpus, arguments.most)
    write(grow(corpus, arguments.megabytes, arguments.seed), arguments.directory, arguments.shards, arguments.megabytes)


if __name__ == "__main__":
    main()
