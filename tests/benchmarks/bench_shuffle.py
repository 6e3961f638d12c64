"""Counts what crosses each shuffle of `curate run` and of the embedded `Curate`: elements and encoded bytes a document.

    python tests/benchmarks/bench_shuffle.py CORPUS.parquet [--documents N] [--partitions N]

Beam's local runner hands over the very bytes that other runners would send, keys and windows included, with combining
before the shuffle; its spool is off meanwhile. The design allows the batch job 1 KB a document besides candidates, 8
bytes a token for candidates whose texts are compared, and samples and sums whose size does not grow with the corpus;
the embedded transform, which cannot read twice, sends shingles of all texts, and rows through one CoGroupByKey.
Corpora of more than 250,000 documents have a partition for each as many, and then one shuffle more.
"""

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import apache_beam as beam
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from apache_beam.coders.coder_impl import create_InputStream
from apache_beam.runners.portability.fn_api_runner import FnApiRunner, execution

from curate.config import make_config
from curate.pipelines import run
from curate.transforms import Curate, spool
from curate.transforms.tables import TableCoder

FEATURES, SHINGLES, BOUNDED, ROWS = "features", "shingles", "samples and sums", "rows"


class Shuffle:
    """What crossed one: elements, rows of tables in them, shingles in those, and bytes."""

    def __init__(self) -> None:
        self.elements = self.rows = self.shingles = self.bytes = 0

    def add(self, value: Any) -> None:
        """Counts one element, a value or (name of its PCollection, value); the runner leaves tables encoded."""
        self.elements += 1
        encoded = value[1] if isinstance(value, tuple) and len(value) == 2 else value
        if isinstance(encoded, bytes) and encoded.startswith(bytes(8)):
            table = TableCoder().decode(encoded)
            self.rows += table.num_rows
            if "shingles" in table.schema.names and pa.types.is_large_list(table.schema.field("shingles").type):
                self.shingles += pc.sum(pc.list_value_length(table["shingles"])).as_py() or 0


def kind(label: str, shuffle: Shuffle) -> str:
    """What a shuffle carries."""
    if "CombinePerKey" in label:
        return BOUNDED
    if "JoinRows/" in label:
        return ROWS
    return SHINGLES if shuffle.shingles else FEATURES


@contextmanager
def counted() -> Iterator[dict[str, Shuffle]]:
    """Counts by step what local runs shuffle meanwhile."""
    shuffles: dict[str, Shuffle] = defaultdict(Shuffle)
    get_buffer, append = execution.BundleContextManager.get_buffer, execution.GroupingBuffer.append

    def labelled(manager, buffer_id, transform_id):
        buffer = get_buffer(manager, buffer_id, transform_id)
        which, name = execution.split_buffer_id(buffer_id)
        if which == "group":
            buffer.label = manager.execution_context.pipeline_components.transforms[name].unique_name
        return buffer

    def counting(buffer, data):
        shuffle, stream = shuffles[buffer.label], create_InputStream(data)
        shuffle.bytes += len(data)
        while stream.size() > 0:
            shuffle.add(buffer._pre_grouped_coder.get_impl().decode_from_stream(stream, True).value[1])
        append(buffer, data)

    with (
        mock.patch.object(execution.BundleContextManager, "get_buffer", labelled),
        mock.patch.object(execution.GroupingBuffer, "append", counting),
        mock.patch.object(spool, "spool_directory", lambda: None),
    ):
        yield shuffles


def of_a_run(corpus: Path, partitions: int = 1) -> tuple[dict[str, Shuffle], int]:
    """The shuffles of both jobs of a run, and the tokens of the corpus."""
    with (
        tempfile.TemporaryDirectory() as directory,
        mock.patch.object(run, "partitions_for", lambda rows, workers: partitions),
        counted() as shuffles,
    ):
        run.curate_inputs([str(corpus)], f"{directory}/out", make_config({}))
        tokens = pc.sum(pq.read_table(f"{directory}/out/ledger", columns=["tokens"])["tokens"]).as_py()
    return shuffles, tokens


def embedded(corpus: Path) -> dict[str, Shuffle]:
    """The shuffles of `Curate` over the rows of the corpus."""
    with counted() as shuffles, beam.Pipeline(runner=FnApiRunner()) as pipeline:
        rows = pq.read_table(corpus).to_pylist()
        _ = pipeline | "Documents" >> beam.Create(rows, reshuffle=False) | Curate()
    return shuffles


def totals(shuffles: dict[str, Shuffle]) -> dict[str, Shuffle]:
    """Sums by what shuffles carry."""
    sums: dict[str, Shuffle] = defaultdict(Shuffle)
    for label, shuffle in shuffles.items():
        total = sums[kind(label, shuffle)]
        total.bytes += shuffle.bytes
        total.shingles += shuffle.shingles
    return sums


def table(title: str, shuffles: dict[str, Shuffle], documents: int) -> Iterator[str]:
    """A line for each shuffle of a byte a document or more, and sums by what they carry."""
    yield f"| {title} | carries | elements | rows of tables | MB | bytes a document |"
    yield "|---|---|---|---|---|---|"
    for label, shuffle in sorted(shuffles.items(), key=lambda item: -item[1].bytes):
        if shuffle.bytes >= documents:
            size = f"{shuffle.bytes / 1e6:.2f} | {shuffle.bytes / documents:.0f}"
            yield f"| {label} | {kind(label, shuffle)} | {shuffle.elements:,} | {shuffle.rows:,} | {size} |"
    for name, total in totals(shuffles).items():
        each = f", {total.bytes / total.shingles:.2f} bytes each" if total.shingles else ""
        yield f"| all | {name}{each} | | | {total.bytes / 1e6:.2f} | {total.bytes / documents:.0f} |"


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--documents", type=int, help="the first of the corpus; all without")
    parser.add_argument("--partitions", type=int, default=1, help="of the run's key spaces")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        corpus = Path(directory, "corpus.parquet")
        documents = pq.read_table(given.corpus).slice(0, given.documents)
        pq.write_table(documents, corpus)
        size = pc.sum(pc.binary_length(documents["text"])).as_py()
        shuffles, tokens = of_a_run(corpus, given.partitions)
        head = f"{documents.num_rows:,} documents, {size / 1e6:.1f} MB of text, {tokens:,} tokens"
        lines = [head, "", *table("`curate run`", shuffles, documents.num_rows), ""]
        lines += table("`Curate` on rows", embedded(corpus), documents.num_rows)
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
