"""What is fuzzed besides: the readers of inputs, what texts go through, settings, and answers of reviewers.

Arrow's own code is not traced, so the Parquet and Arrow targets mutate with less guidance than the others.
"""

import gzip
import io
import json
import math
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

Run = Callable[[bytes], object]
MOST_ROWS = 100_000
"""That a file of the fuzzer's may claim; the readers allow more, at a second each."""


def _jsonl() -> Run:
    from curate.io.jsonl import Shape, read_lines, to_table

    def run(data):
        for path in ("a.jsonl", "a.jsonl.gz", "a.jsonl.zst"):
            shape, rows = Shape(), []
            try:
                for line in read_lines(io.BytesIO(data), path):
                    assert (line.value is None) == (line.error is not None)
                    if line.value is not None:
                        shape.observe_fields(line.value)
                        rows.append(line.value)
            except OSError:  # it cannot be decompressed
                continue
            table = to_table(rows, shape.arrow_schema())
            table.validate(full=True)
            assert table.num_rows == len(rows)

    return run


LINES = (
    b'{"id": "a", "text": "one two"}\n{"id": 1, "text": null}\n',
    b'\xef\xbb\xbf{"a": [1, 2.5, {"b": true}], "c": {"d": "x"}}\r\n\n[1]\n"x"\n{"a": 9223372036854775808}',
    b'{"text": "\\ud800"}\n{"text": "\\ud83d\\ude00"}\n{"text": "\xff"}\n{"a": NaN, "b": Infinity, "c": -1e999}',
    b"[[[[[[{{{{", gzip.compress(b'{"text": "x"}\n' * 3, mtime=0),
)  # fmt: skip


class Held:
    """One file in memory, as a filesystem."""

    def __init__(self, data):
        self.data = data

    def open(self, path):
        return io.BytesIO(self.data)


def _table_file(path: str) -> Callable[[], Run]:
    def build() -> Run:
        from curate.config import Config
        from curate.errors import CurateError
        from curate.io.blocks import read_split
        from curate.io.filesystem import FileInfo
        from curate.io.sources import plan

        config = Config()

        def run(data):
            files = Held(data)
            try:
                planned = plan([FileInfo(path, len(data))], config, files)
            except CurateError:  # refused, in one line
                return
            if planned.rows > MOST_ROWS:
                return
            found = 0
            for split in planned.splits:
                try:
                    for block in read_split(split, planned, files):
                        block.table.validate(full=True)
                        assert block.table.schema.equals(planned.schema)
                        found += block.table.num_rows + block.errors.num_rows
                except (OSError, pa.ArrowException):
                    return
            assert found == planned.rows, (found, planned.rows)

        return run

    return build


def _tables() -> tuple[pa.Table, ...]:
    nested = pa.array([[{"x": 1}], None], pa.list_(pa.struct([("x", pa.int8())])))
    return (
        pa.table({"id": ["a", "b"], "text": ["one two three", None]}),
        pa.table({"text": pa.array(["x", "x"]).dictionary_encode(), "n": [1, 2], "nested": nested}),
    )


def _parquet_seeds() -> tuple[bytes, ...]:
    seeds = []
    for table in _tables():
        for options in ({"compression": "none"}, {"compression": "zstd", "data_page_version": "2.0"}):
            made = io.BytesIO()
            pq.write_table(table, made, store_schema=False, **options)
            seeds.append(made.getvalue())
    return tuple(seeds)


def _ipc_seeds() -> tuple[bytes, ...]:
    seeds = []
    for table in _tables():
        for opened in (pa.ipc.new_file, pa.ipc.new_stream):
            made = io.BytesIO()
            with opened(made, table.schema) as writer:
                writer.write_table(table)
            seeds.append(made.getvalue())
    return tuple(seeds)


# What texts go through.


def _kernel() -> Run:
    import numpy as np

    from curate.text import reference
    from curate.text.kernel import shingle_sets, text_features

    def run(data):
        text = data.decode("utf-8", "replace")
        for kind, value in ((pa.binary(), data), (pa.string(), text)):
            found = text_features(pa.array([value], kind), shingle=3, permutations=8, seed=1, with_tokens=True)
            values, _ = shingle_sets(pa.array([value], kind), shingle=3)
            tokens = reference.tokens(text)
            assert found.tokens[0] == len(tokens)
            assert (int(found.content[0]), int(found.content_low[0])) == reference.content_hash(text)
            assert found.token_hashes.tolist() == [reference.token_hash(token) for token in tokens]
            assert np.all(values[1:] > values[:-1])

    return run


def _texts() -> Run:
    import numpy as np
    from fuzz_targets import check

    from curate.clusters.characters import character_ngrams
    from curate.config import Config
    from curate.detector.markers import marker_evidence
    from curate.detector.model import load_detector
    from curate.provenance.evidence import from_lists
    from curate.quality.annotate import quality_column
    from curate.text.language import identify

    config, detector = Config(), load_detector(None)

    def run(data):
        texts = pa.array([data.decode("utf-8", "replace"), None], pa.string())
        judged = detector.judge(texts, np.array([len(data), 0], np.int32), 1)
        assert not any(map(math.isinf, judged.scores.tolist()))
        for row in from_lists(marker_evidence(texts)):
            check(row or ())
        assert len(quality_column(texts, config)) == len(identify(texts)) == 2
        buckets, counts, offsets = character_ngrams(texts)
        assert len(buckets) == len(counts) == offsets[-1]

    return run


TEXTS = (
    "One word, and 2 more: “quoted” … the end. ".encode() * 3,
    "Лоцман тоok word \u200b\u202e\u2066x\u0301\u0323 東京 ที่นี่ 한국어 ﷺ e\u0301 ﬁ ½".encode(),
    b"\xff\xfe\x00\xed\xa0\x80\xf4\x90\x80\x80\xc0\xaf", "\ufe0f\U000e0100\U000e0041👩‍👩‍👧".encode() * 4,
    b"\t\r\n \x00" * 9,
    b"<html><script>x</script>{{7*7}} ```code``` | a | b |\n* list\n", b"la " * 100,
)  # fmt: skip


# Settings and answers.


def _settings() -> Run:
    from curate.config import load_config
    from curate.errors import UsageError

    def run(data):
        with tempfile.NamedTemporaryFile(suffix=".yaml") as file:
            Path(file.name).write_bytes(data)
            text = data.decode("utf-8", "replace")
            for path, settings in ((file.name, ()), (None, (text,)), (None, ("dedupe.threshold=" + text,))):
                try:
                    load_config(path, settings).to_dict()
                except UsageError as error:
                    assert len(str(error)) < 10 * len(data) + 5_000
                    assert len(str(error).splitlines()) <= 1 or settings

    return run


YAML = (
    b"dedupe: {threshold: 0.9, sources: {law: {drop: none}}}\nrun: {seed: 1}\n", b"a: &a [x]\nb: [*a, *a]\n",
    b"synthetic:\n  watermarks: [{kind: synthid, name: lab, tokenizer: t.json, keys: k.txt}]\n",
    b"provenance: {capture_cutoff: 2022-11-30, sources: {press: {origin: human}}}\n",
    b"<<: {a: 1}\n? [x]\n: !!set {a}\n",
    b"mixture: {cluster_caps: {1: .5}, token_budget: 0x10}\nreport: {dataset: {license: x}}\n",
)  # fmt: skip


def _answers() -> Run:
    from curate.errors import UsageError
    from curate.review.importing import read_file

    def run(data):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("a.csv", "a.json", "a.jsonl", "a.parquet"):
                path = Path(folder) / name
                path.write_bytes(data)
                try:
                    answers = read_file(path, "ana", "2026-01-01T00:00:00Z")
                except UsageError as error:
                    assert len(str(error)) < 1_000 + 6 * len(data)
                    continue
                assert all(isinstance(answer.id, str) and answer.note.isprintable() for answer in answers)

    return run


def _answer_seeds() -> tuple[bytes, ...]:
    said = {"id": "a", "content": "0" * 32, "verdict": "human", "reviewer": "ana", "time": "2026-01-01T00:00:00Z"}
    task = {"data": {"id": "a", "content": "0" * 32}, "annotations": [{"result": [{"value": {"choices": ["human"]}}]}]}
    table = io.BytesIO()
    pq.write_table(pa.table({"id": ["a"], "answer": ["human"]}), table, compression="none", store_schema=False)
    return (
        json.dumps(said).encode() + b"\n",
        json.dumps([task]).encode(),
        b"id,content,answer,note\r\na,0,human,sure\r\n",
        b'id,answer\n"a\n,h',
        table.getvalue(),
    )


READERS = {
    "jsonl": (_jsonl, LINES),
    "parquet": (_table_file("a.parquet"), _parquet_seeds()),
    "ipc": (_table_file("a.arrow"), _ipc_seeds()),
    "kernel": (_kernel, TEXTS),
    "texts": (_texts, TEXTS),
    "settings": (_settings, YAML),
    "answers": (_answers, _answer_seeds()),
}
