"""Measures what grows otherwise than with documents: small tables, graphs of jobs, single records, lists of files.

    python tests/benchmarks/bench_limits.py mixed_corpus.parquet [--documents 8192]

Prints Markdown tables, from which `scale_model.py` has its constants. A table that is cut for many partitions becomes
as many small ones, each with its schema; the graph of a job names splits and files; a sum over the corpus ends as one
record; and `curate run` itself reads what was written to name digests. Takes four minutes.
"""

import argparse
import hashlib
import json
import pickle
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from curate.annotate import annotate
from curate.config import make_config
from curate.decisions.documents import prepare_documents
from curate.decisions.groups import decide_group
from curate.decisions.mixing import SUMS, ClusterSums, finish, mix
from curate.decisions.reference import Reference
from curate.detector.sample import SAMPLE as SCORES
from curate.detector.sample import CalibrationSample
from curate.hashing import mix as scramble
from curate.io.filesystem import FileInfo, LocalFiles
from curate.io.sources import InputPlan, Split, find_inputs, plan
from curate.mixture.overlap import SAMPLE as TEXTS
from curate.mixture.overlap import TextSample
from curate.pipelines import jobs, run
from curate.pipelines.files import BeamFiles
from curate.pipelines.reading import LOCATED, PLACES
from curate.pipelines.runner import beam_options
from curate.pipelines.writing import DECISIONS, table_name
from curate.schema import PAIRS
from curate.transforms import duplicates
from curate.transforms.tables import TableCoder, concat, split_by

CONFIG = make_config({})
SEED = 1


class Sizes(NamedTuple):
    """Bytes of a table besides its rows, of a row, and of a row in a table that is large enough to be compressed."""

    header: float
    row: float
    packed: float


def kinds(corpus: pa.Table) -> dict[str, pa.Table]:
    """Tables as they cross the shuffles, by name."""
    features = annotate(corpus, 0, "gs://bucket/crawl/part-00000.parquet", CONFIG, None, LocalFiles().open)
    rng = np.random.default_rng(SEED)
    clusters = pa.array(rng.integers(0, 2_000, features.num_rows), pa.int32())
    documents = prepare_documents(features, None, CONFIG)
    documents = documents.set_column(documents.schema.get_field_index("cluster"), "cluster", clusters)
    nothing = Reference.of(None, CONFIG)
    decided = decide_group(documents, PAIRS.empty_table(), nothing, CONFIG)
    finished = finish(decided, mix(ClusterSums.collect(decided), nothing, CONFIG), CONFIG)
    bands = duplicates._BandKeys(CONFIG, 1).process(features, duplicates.PREFERENCES.empty_table())
    plain = {
        "candidates": duplicates.CANDIDATES,
        "requests": duplicates.REQUESTS,
        "places": PLACES,
        "located": LOCATED,
        "edges": duplicates.EDGES,
        "pairs": PAIRS,
    }
    made = {"bands": next(bands)[1], "documents": documents, "decisions": finished.select(DECISIONS.names)}
    return made | {name: _random(schema, features.num_rows, rng) for name, schema in plain.items()}


def _random(schema: pa.Schema, rows: int, rng: np.random.Generator) -> pa.Table:
    columns = (rng.integers(0, 1 << 62, rows).astype(np.uint64) for _ in schema)
    return pa.table(
        [pa.array(column).cast(field.type, safe=False) for column, field in zip(columns, schema, strict=True)],
        schema=schema,
    )


def sizes(table: pa.Table, few: int = 16) -> Sizes:
    """Of a table and of small pieces of it, by its coder."""
    coder, places = TableCoder(), np.array_split(np.random.default_rng(SEED).permutation(table.num_rows)[:1_024], 64)
    one, several = (
        np.mean([len(coder.encode(table.take(pa.array(rows[:size])))) for rows in places]) for size in (1, few)
    )
    row = (several - one) / (few - 1)
    return Sizes(one - row, row, len(coder.encode(table)) / table.num_rows)


def seconds_a_table(table: pa.Table, places: int) -> tuple[float, int]:
    """Seconds to cut a table for so many places, to encode, decode and join the pieces; and how many there are."""
    coder, keys = TableCoder(), scramble(np.arange(table.num_rows, dtype=np.uint64))
    started = time.process_time()
    pieces = [coder.encode(piece) for _, piece in split_by(table, keys, places)]
    concat([coder.decode(piece) for piece in pieces], table.schema)
    return time.process_time() - started, len(pieces)


def tables_part(corpus: pa.Table) -> Iterator[str]:
    """What tables of few rows cost."""
    yield "| table | bytes of the schema | of a row | of a row, compressed | µs of a small table | µs of a row |"
    yield "|---|---|---|---|---|---|"
    for name, table in kinds(corpus).items():
        seconds_a_table(table, 64)  # not measured: imports and caches
        found = sizes(table)
        (few, pieces), (many, more) = (seconds_a_table(table, places) for places in (8, 2_048))
        small = (many - few) / (more - pieces)
        row = (few - small * pieces) / table.num_rows
        cells = f"{found.header:,.0f} | {found.row:.1f} | {found.packed:.1f}"
        yield f"| {name} | {cells} | {small * 1e6:.0f} | {row * 1e6:.2f} |"


def planned(splits: int) -> InputPlan:
    """A plan of files with sixteen row groups each."""
    paths = [f"gs://bucket/crawl/2026-11/part-{number // 16:05d}-of-99999.parquet" for number in range(splits)]
    pieces = tuple(Split(n, path, (n % 16,), 0, 30_000, 30_000 * (n % 16)) for n, path in enumerate(paths))
    digests = {path: {"size": 1 << 30, "digest": _digits(path)} for path in paths}
    schema = pa.schema([("id", pa.string()), ("text", pa.string())])
    return InputPlan(pieces, schema, pa.schema([]), (), digests, 30_000 * splits, splits << 26, 20_000, 1 << 24)


def _digits(name: str) -> str:
    return hashlib.md5(name.encode()).hexdigest()


def graphs(splits: int, blocks: int, pairs: int) -> list[int]:
    """Bytes of the graphs of both jobs, as runners get them, for so many splits and files of annotations."""
    names = {
        "features": [table_name([number % 8 << 13 | number // 8 << 32]) for number in range(blocks)],
        "pairs": [table_name([int(_digits(f"{end}{n}")[:16], 16) for end in "lr"]) for n in range(pairs)],
    }

    def match(files: BeamFiles, pattern: str) -> list[FileInfo]:
        folder = pattern.split("/")[-2]
        return [FileInfo(f"gs://bucket/out/annotations/{folder}/{name}", 1) for name in names.get(folder, ())]

    built: list[Any] = []
    job = {"config": CONFIG, "artefacts": jobs.Artefacts(), "directory": "gs://bucket/out", "partitions": 3}
    job["options"] = beam_options([], 1)
    with (
        mock.patch.object(jobs, "run", built.append),
        mock.patch.object(BeamFiles, "match", match),
        mock.patch.object(jobs, "annotated_memory", lambda annotations: None),
    ):
        jobs.annotate_inputs(plan=planned(splits), **job)
        jobs.decide_annotated("gs://bucket/out/annotations", plan=planned(splits), **job)
    return [len(pipeline.to_runner_api().SerializeToString()) for pipeline in built]


def graphs_part() -> Iterator[str]:
    """What a split and a file add to the graphs."""
    base = graphs(100, 100, 100)
    grown = {
        "split": graphs(4_100, 100, 100),
        "file of features": graphs(100, 4_100, 100),
        "file of pairs": graphs(100, 100, 4_100),
    }
    yield "| a graph | bytes in job 1 | in job 2 |"
    yield "|---|---|---|"
    yield f"| of 100 splits and files | {base[0]:,} | {base[1]:,} |"
    for name, found in grown.items():
        yield f"| each {name} | {(found[0] - base[0]) / 4_000:.1f} | {(found[1] - base[1]) / 4_000:.1f} |"
    plans = [len(pickle.dumps(planned(splits))) for splits in (100, 4_100)]
    yield f"| the plan in a worker, pickled, each split | {(plans[1] - plans[0]) / 4_000:.0f} | the same |"


def cluster_sums(rows: int) -> ClusterSums:
    """Sums over so many different clusters and sites."""
    rng = np.random.default_rng(SEED)
    columns = {name: rng.integers(0, 1 << 30, rows) for name in SUMS.names}
    columns["cluster"], columns["grade"] = rng.integers(0, 2_000, rows), rng.integers(0, 5, rows)
    columns["site"] = [f"www.site-{number}.example" for number in rng.integers(0, 1 << 40, rows)]
    return ClusterSums(pa.table({name: pa.array(columns[name], SUMS.field(name).type) for name in SUMS.names}))


def calibration_sample(groups: int, each: int) -> CalibrationSample:
    """Scores of so many groups."""
    names = pa.array([f"en/source-site-{number}/200-500" for number in range(groups)], pa.large_string())
    rng = np.random.default_rng(SEED)
    keys = np.sort(rng.integers(0, 1 << 62, (groups, each)).astype(np.uint64), axis=1).ravel()
    columns = [names.take(pa.array(np.repeat(np.arange(groups), each))), pa.array(keys)]
    return CalibrationSample(pa.table([*columns, pa.array(rng.random(len(keys), np.float32))], schema=SCORES))


def text_sample(clusters: int, each: int, seed: int) -> TextSample:
    """Texts of so many clusters."""
    rng = np.random.default_rng(seed)
    keys = np.sort(rng.integers(0, 1 << 62, (clusters, each)).astype(np.uint64), axis=1).ravel()
    columns = [np.repeat(np.arange(clusters), each), keys, rng.integers(50, 5_000, len(keys))]
    return TextSample(pa.table([pa.array(c).cast(f.type) for c, f in zip(columns, TEXTS, strict=True)], schema=TEXTS))


def records_part() -> Iterator[str]:
    """Single records: bytes of an entry, and what it takes to merge another one into a large one."""
    yield "| record | entry | entries | bytes of an entry, pickled | seconds to merge two |"
    yield "|---|---|---|---|---|"
    cases: dict[str, tuple[str, Callable[[], list[Any]], int]] = {
        "ClusterSums": ("cluster, site and grade", lambda: [cluster_sums(500_000)] * 2, 500_000),
        "calibration": ("trusted document and level", lambda: [calibration_sample(50, 20_000)] * 2, 1_000_000),
        "texts": ("text of a cluster", lambda: [text_sample(2_000, 2_000, seed) for seed in (1, 2)], 4_000_000),
    }
    for name, (entry, make, count) in cases.items():
        left, right = make()
        started = time.process_time()
        left.merge(right)
        seconds = time.process_time() - started
        yield f"| {name} | {entry} | {count:,} | {len(pickle.dumps(left)) / count:.1f} | {seconds:.2f} |"
    edges = Reference.of(None, CONFIG).score_edges(CONFIG)
    yield f"| histograms of scores | kind, source and month | | {6 * (len(edges) + 1) * 8:,} | |"


def driver_part() -> Iterator[str]:
    """What `curate run` does by itself with every file that was written."""
    content = np.random.default_rng(SEED).bytes(1 << 28)
    started = time.process_time()
    hashlib.sha256(content).hexdigest()
    speed = len(content) / 1e6 / (time.process_time() - started)
    names = [f"annotations/features/{table_name([number << 32])}" for number in range(1_000)]
    entry = {"sha256": "0" * 64, "bytes": 12_345_678, "rows": 8_192}
    size = len(json.dumps(dict.fromkeys(names, entry), indent=1)) / len(names)
    yield "| digests | |"
    yield "|---|---|"
    yield f"| MB a second, one core | {speed:,.0f} |"
    yield f"| bytes of the manifest for each file | {size:.0f} |"


def plan_part(corpus: pa.Table) -> Iterator[str]:
    """What `curate run` does by itself with inputs of JSON lines, which tell their types only when all are read."""
    with tempfile.TemporaryDirectory() as directory:
        paths = [Path(directory, f"{number}.jsonl") for number in range(8)]
        lines = "".join(json.dumps({"id": row["id"], "text": row["text"]}) + "\n" for row in corpus.to_pylist())
        for path in paths:
            path.write_text(lines)
        started = time.monotonic()
        plan(find_inputs([str(path) for path in paths], LocalFiles()), CONFIG, LocalFiles())
        seconds = time.monotonic() - started
        size = sum(path.stat().st_size for path in paths)
    yield "| planning | |"
    yield "|---|---|"
    yield f"| MB of JSON lines a second, in eight threads | {size / 1e6 / seconds:,.0f} |"


def runs_part(corpus: Path) -> Iterator[str]:
    """Whole runs with few partitions and with many: processor time, tables that are encoded, and what is written."""
    yield "| partitions | processor seconds | tables encoded | ms a table more |"
    yield "|---|---|---|---|"
    found: list[tuple[float, int]] = []
    folders: dict[str, int] = {}
    for count in (2, 64):
        with tempfile.TemporaryDirectory() as directory:
            found.append(_run(corpus, f"{directory}/out", count))
            folders = folders or dict(_folders(Path(directory, "out")))
        more = (found[-1][0] - found[0][0]) / max(found[-1][1] - found[0][1], 1) * 1e3
        yield f"| {count} | {found[-1][0]:.1f} | {found[-1][1]:,} | {more:.2f} |"
    documents = pq.read_metadata(corpus).num_rows
    yield ""
    yield "| folder | MB | bytes a document |"
    yield "|---|---|---|"
    for name, size in {"input": corpus.stat().st_size, **folders}.items():
        yield f"| {name} | {size / 1e6:.2f} | {size / documents:.0f} |"


def _run(corpus: Path, output: str, partitions: int) -> tuple[float, int]:
    encode, tables = TableCoder.encode, 0

    def counted(coder: TableCoder, table: pa.Table) -> bytes:
        nonlocal tables
        tables += 1
        return encode(coder, table)

    with (
        mock.patch.object(run, "partitions_for", lambda rows, workers: partitions),
        mock.patch.object(TableCoder, "encode", counted),
    ):
        started = time.process_time()
        run.curate_inputs([str(corpus)], output, CONFIG)
        return time.process_time() - started, tables


def _folders(output: Path) -> Iterator[tuple[str, int]]:
    for name in ("annotations/features", "annotations/pairs", "annotations/sample", "ledger", "data", "held"):
        yield name, sum(path.stat().st_size for path in (output / name).iterdir())


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--documents", type=int, default=8_192, help="of a block")
    given = parser.parse_args()
    corpus = pq.read_table(given.corpus)
    chosen = np.random.default_rng(SEED).permutation(corpus.num_rows)[: given.documents]
    corpus = corpus.take(pa.array(np.sort(chosen))).combine_chunks()
    parts = (tables_part(corpus), graphs_part(), records_part(), driver_part(), plan_part(corpus))
    for part in (*parts, runs_part(given.corpus)):
        for line in part:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
        sys.stdout.write("\n")


if __name__ == "__main__":
    main()
