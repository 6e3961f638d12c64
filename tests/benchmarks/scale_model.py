"""What a run of so many documents takes on a cluster, by arithmetic: prints the tables of `pipelines/SCALE.md`.

    python tests/benchmarks/scale_model.py [--documents 1e6 1e9 1e10] [--text 2000] [--core-hour PRICE] …

Nothing is run. What a document costs was measured, each constant says by which command, and the model multiplies it by
what grows with the documents, and by what grows otherwise: tables that are cut for every partition, files, graphs of
jobs, single records. Prices are no list's: they are there to be replaced.
"""

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from curate.config import make_config
from curate.duplicates.bands import bands_of
from curate.pipelines.jobs import TEXT_PER_PART, partitions_for
from curate.transforms.tables import COMPRESSED_BYTES

CONFIG = make_config({})
BANDS, ROWS = bands_of(CONFIG)
DOCUMENTS = (1e6, 1e9, 1e10)
TEXT = 2_000
"""Bytes of text of a document."""
ROW_GROUP = 64 << 20
"""Bytes of a row group of the inputs, which is a split: an assumption."""
MB, GB, TB = 1e6, 1e9, 1e12
DAY = 24
"""Hours."""


class Rows(NamedTuple):
    """Bytes of a table in a shuffle: its schema, which goes with every table, a row, and a row that is compressed."""

    schema: float
    row: float
    packed: float

    def bytes(self, rows: float) -> float:
        """Bytes of a table of so many rows."""
        return self.schema + rows * (self.packed if rows * self.row >= COMPRESSED_BYTES else self.row)


# `bench_limits.py mixed_corpus.parquet`, its first table; a row of shingles is those of a document of `TEXT` bytes.
BAND = Rows(480, 24.0, 9.7)
CANDIDATE = Rows(384, 16.0, 16.1)
REQUEST = Rows(400, 16.0, 16.1)
PLACE = Rows(392, 16.0, 16.1)
LOCATED = Rows(496, 24.0, 24.1)
EDGE = Rows(384, 16.0, 16.1)
PAIR = Rows(709, 27.2, 28.1)
DOCUMENT = Rows(5_365, 268.0, 133.6)
DECISION = Rows(1_878, 89.8, 44.4)
SHINGLES = 504

# `bench_shuffle.py mixed_corpus.parquet --partitions 64`: rows of tables, for each of 29,069 documents.
PROPOSED = 1.475
"""Candidate pairs, once for every band that proposes them."""
CANDIDATES = 0.227
"""Candidate pairs, once."""
ASKED = 0.354
"""Texts that are read again, for each part that asks for them."""
SIMILAR = 0.197
"""Verified pairs."""
LINKED = 0.125
"""Contents that are linked to a smaller one."""
MOVED = 0.22
"""Documents that go to the partition of another."""
SHINGLES_PER_BYTE = 1_759 / 3_162
"""Bytes of shingles sent for a byte of text."""

COUNTED = {1: 472, 2: 697, 64: 3_204}
"""Partitions → bytes a document besides shingles, samples and sums."""

# `bench_limits.py mixed_corpus.parquet`, its other tables.
SECONDS_A_TABLE = 0.56e-3
"""Processor time of a small table from cut to joined, Beam's local runner included."""
GRAPHS = ((134_330, 15.0, 0.0, 0.0), (276_370, 4.2, 2.5, 48.2))
"""Bytes of each job's graph, and what splits, files of features and files of pairs add."""
DIGESTED = 1_113 * MB
"""Bytes a second that one core makes digests of."""
ENTRY_OF_MANIFEST = 177
CELL, SCORE, HISTOGRAM, P_VALUE = 94, 45, 576, 8
"""Bytes of entries in single records: sums, calibration, histograms of scores, results of tests for watermarks."""
MERGED = 1.24 + 1.04
"""Seconds to merge another sample into that of the texts and scores of trusted documents, both full."""
PLANNED = 71 * MB
"""Bytes of JSON lines a second that `curate run` reads to plan, in eight threads."""
FEATURES, PAIRS_WRITTEN, LEDGER = 339, 5, 25
"""Bytes on disk of a document."""
PARQUET = 0.327
"""Bytes on disk of a byte of text."""
WRITTEN = 0.32
"""Bytes on disk of documents written, of a byte of text read."""
READS = 4
"""Times that inputs are read: for the embedding's sample, to annotate, for candidates, and to apply."""

# `bench_skew.py`.
MEMBER = 700
"""Bytes of memory of a content in a hot bucket, where its pairs are proposed."""
LED = 43
"""Bytes of memory of a pair of one leader, for each band that proposes it, where pairs are told apart."""
DECIDED = 2_200
"""Bytes of memory of a document in a group of similar ones, where it is decided."""
COPY = 1_100
"""Bytes of memory of an exact copy there, or of a document that takes no part."""
CELLS, CELLS_GROW = 1_706_620 / 1e7**0.834, 0.834
"""Different clusters, sites and grades: so many times the documents to this power (sites' Zipf exponent 1.2)."""


class Step(NamedTuple):
    """Processor time of a step of a run, in one process.

    Attributes:
        name: of the step.
        milliseconds: for a megabyte of text.
        grows: with the text, and not with a sample of it.
    """

    name: str
    milliseconds: float
    grows: bool = True


# `bench_steps.py`: 316,071 documents, 1,000 MB of text, whose languages a column tells.
STEPS = (
    Step("decode input", 14.8),
    Step("ids and row hashes", 0.5),
    Step("tokens, signatures, content hashes", 12.9),
    Step("detector", 102.7),
    Step("marker phrases", 2.0),
    Step("quality signals", 21.3),
    Step("metadata, credentials, rights", 0.4),
    Step("embedding: every document", 10.8),
    Step("duplicates: candidates", 1.2),
    Step("duplicates: shingles of candidates", 6.3),
    Step("duplicates: verify", 0.1),
    Step("encode and write Parquet", 10.3),
    Step("decisions, joins, Beam and Python", 30.8),
    Step("embedding: sample and fit", 10.5, grows=False),
    Step("clusters: fit", 8.2, grows=False),
    Step("metrics of the corpus", 3.8, grows=False),
    Step("report, page and plots", 16.1, grows=False),
    Step("imports", 5.3, grows=False),
)
SECONDS_A_BYTE = sum(step.milliseconds for step in STEPS if step.grows) / 1e3 / MB
SECONDS_A_RUN = sum(step.milliseconds for step in STEPS if not step.grows)
"""Of those 1,000 MB, and taken to be those of any run."""
RUNS = {"500 MB, 157,952 documents": (500e6, 113), "1 GB, 316,071": (1e9, 231.7), "10.5 GB, 7,215,680": (10.5e9, 2_534)}
"""Whole runs in one process: bytes of text, and processor seconds (`bench_cluster.py`, `bench_run.py`, `grown.py` and
`curate run`)."""
FLINK = 336 / 113
"""Times the processor time of one process on a cluster of Flink: its workers, and as much again in its JVMs
(`bench_cluster.py`: 157,952 documents, 500 MB)."""

# Assumptions about the cluster and the corpus, to be replaced.
MEMORY = 4 * GB
"""Of a worker process."""
NETWORK = 200 * MB
"""Bytes a second that one process reads of an object store."""
LATENCY = 0.05
"""Seconds until an object store begins to answer."""
GRAPH_LIMIT = 10 * MB
"""Of a job on Dataflow (https://cloud.google.com/dataflow/docs/request-quotas)."""
UTILISED = 0.7
"""Share of the cores' time that is work."""
MEMORY_PER_CORE = 4
"""GB."""
TEMPLATE, SHARED = 0.01, 0.9
"""Share of the documents that fill a template, and share of their shingles that is the template's."""
COPIED, BLANK, TRUSTED = 0.001, 0.005, 0.1
"""Shares of the documents: copies of one page, texts that are missing or blank, trusted human documents."""


class Corpus(NamedTuple):
    """Documents, and how curate cuts them.

    Attributes:
        documents: their number.
        text: bytes of text of each.
        per_partition: documents of a partition; None for those of `partitions_for`.
        gathered: blocks whose tables are joined before they are cut: curate joins none.
    """

    documents: float
    text: float = TEXT
    per_partition: float | None = None
    gathered: int = 1

    @property
    def blocks(self) -> float:
        """Blocks that documents are annotated in, each with its file of features."""
        return math.ceil(self.documents / min(CONFIG.run.block_rows, CONFIG.run.block_bytes // self.text))

    @property
    def splits(self) -> float:
        """Pieces of the inputs that workers read, each with a file of documents and one of held ones."""
        return math.ceil(self.documents * self.text / ROW_GROUP)

    @property
    def partitions(self) -> float:
        """Partitions of the key spaces, each with a file of the ledger."""
        if self.per_partition is not None:
            return math.ceil(self.documents / self.per_partition)
        return partitions_for(int(self.documents), 1)

    @property
    def parts(self) -> float:
        """Parts that candidates are verified in, each with a file of pairs."""
        return max(self.partitions, math.ceil(self.documents * self.text / TEXT_PER_PART))

    @property
    def files(self) -> float:
        """Files that a run writes."""
        return self.blocks + self.parts + self.partitions + 2 * self.splits


class Exchange(NamedTuple):
    """Tables that are cut by a hash of each row, so that every place gets its part of every table.

    Attributes:
        name: what crosses.
        tables: that are cut.
        rows: in all of them.
        places: partitions, parts or splits that they are cut for; 1 for rows that are in their place already.
        kind: bytes of what is sent.
    """

    name: str
    tables: float
    rows: float
    places: float
    kind: Rows

    @property
    def sent(self) -> float:
        """Tables that are sent: of each one cut, one for every place that any of its rows falls to."""
        if self.places <= 1:
            return min(self.tables, self.rows)
        missed = math.expm1(self.rows / self.tables * math.log1p(-1 / self.places))
        return -missed * self.places * self.tables

    @property
    def bytes(self) -> float:
        """Bytes of all that is sent."""
        return self.sent * self.kind.bytes(self.rows / self.sent) if self.rows else 0.0

    @property
    def payload(self) -> float:
        """Bytes that would be sent if all tables were large."""
        return self.rows * self.kind.packed


def exchanges(corpus: Corpus) -> list[Exchange]:
    """What crosses the shuffles of both jobs besides samples and sums, whose size is bounded."""
    count, splits, partitions, parts = corpus.documents, corpus.splits, corpus.partitions, corpus.parts
    blocks = math.ceil(corpus.blocks / corpus.gathered)
    shingles = SHINGLES_PER_BYTE * corpus.text / ASKED
    candidates = Exchange("candidates by part", partitions, CANDIDATES * count, parts, CANDIDATE)
    found = [
        Exchange("bands", blocks, BANDS * count, partitions, BAND),
        Exchange("candidates", partitions, PROPOSED * count, partitions, CANDIDATE),
        candidates,
        Exchange("requests", candidates.sent, ASKED * count, partitions, REQUEST),
        Exchange("places", blocks, count, partitions, PLACE),
        Exchange("requests by split", partitions, ASKED * count, splits, LOCATED),
        Exchange("shingles", blocks, ASKED * count, parts, Rows(SHINGLES, 16 + shingles, 16 + shingles)),
        Exchange("documents by id", blocks, count, partitions, DOCUMENT),
        Exchange("decisions by split", partitions, count, splits, DECISION),
    ]
    if partitions == 1:
        whole = [("documents", count, DOCUMENT), ("pairs", SIMILAR * count, PAIR)]
        return [*found, *(Exchange(name, 1, rows, 1, kind) for name, rows, kind in whole)]
    found += [
        Exchange("edges, first round", 2 * parts, 2 * SIMILAR * count, partitions, EDGE),
        Exchange("edges by larger end, first round", partitions, SIMILAR * count, partitions, EDGE),
    ]
    for number in range(2, CONFIG.dedupe.rounds + 1):
        found += [
            Exchange(f"edges by root, round {number}", partitions, LINKED * count, partitions, EDGE),
            Exchange(f"edges by node, round {number}", partitions, LINKED * count, 1, EDGE),
            Exchange(f"edges by larger end, round {number}", partitions, LINKED * count, partitions, EDGE),
        ]
    return [
        *found,
        *[Exchange("roots", partitions, LINKED * count, 1, EDGE)] * 2,
        Exchange("documents by content", partitions, count, partitions, DOCUMENT),
        Exchange("documents by root, moved", partitions, MOVED * count, partitions, DOCUMENT),
        Exchange("documents by root, in place", partitions, (1 - MOVED) * count, 1, DOCUMENT),
        Exchange("pairs by left end", parts, SIMILAR * count, partitions, PAIR),
        Exchange("pairs by root", partitions, SIMILAR * count, partitions, PAIR),
    ]


class Limit(NamedTuple):
    """Something that one process or one record must hold, or do, for all documents.

    Attributes:
        what: it is, and on what assumption.
        amount: of a corpus.
        unit: of the amount and of the bound.
        bound: that it should stay below.
    """

    what: str
    amount: Callable[[Corpus], float]
    unit: str
    bound: float

    def reached(self) -> float:
        """Documents at which it passes the bound; infinite where that is beyond a million million."""
        low, high = 3.0, 12.0
        if self.amount(Corpus(10**high)) <= self.bound:
            return math.inf
        while high - low > 0.001:
            middle = (low + high) / 2
            low, high = (middle, high) if self.amount(Corpus(10**middle)) <= self.bound else (low, middle)
        return float(10**high)


def graph(job: int, corpus: Corpus) -> float:
    """Bytes of the graph of a job, 1 or 2."""
    base, split, features, pairs = GRAPHS[job - 1]
    return base + split * corpus.splits + features * corpus.blocks + pairs * corpus.parts


def digest_hours(corpus: Corpus) -> float:
    """Hours in which `curate run` reads what was written, one file after the other, each opened twice."""
    return (written(corpus) / min(DIGESTED, NETWORK) + 2 * LATENCY * corpus.files) / 3_600


def collisions(count: float, bits: int) -> float:
    """Pairs of so many distinct values whose hashes are expected to agree: the birthday bound."""
    return count * count / 2 ** (bits + 1)


def colliding_entries(corpus: Corpus) -> float:
    """Pairs of entries of band keys that agree in forty bits within their partition, over all partitions."""
    return corpus.partitions * collisions(BANDS * corpus.documents / corpus.partitions, 40)


def features_shuffled(corpus: Corpus) -> float:
    """Bytes a document that cross shuffles besides shingles, samples and sums."""
    return sum(each.bytes for each in exchanges(corpus) if each.name != "shingles") / corpus.documents


def _held(what: str, size: Callable[[float], float]) -> Limit:
    """Bytes, of so many documents, that one worker process or one record must hold."""
    return Limit(what, lambda corpus: size(corpus.documents) / GB, "GB", MEMORY / GB)


LIMITS = (
    Limit("features shuffled, of a document", features_shuffled, "B", 1_024),
    _held("a template whose documents are all similar, decided together", lambda n: TEMPLATE * n * DECIDED),
    _held("scores of trusted documents, in one record: small sources", lambda n: 3 * TRUSTED * n * SCORE),
    _held("sums by cluster and site, in one record", lambda n: CELLS * n**CELLS_GROW * CELL),
    _held("documents without text, in one partition", lambda n: BLANK * n * COPY),
    _held("the largest bucket of the template", lambda n: TEMPLATE * SHARED**ROWS * n * MEMBER),
    _held("pairs of one of its leaders", lambda n: TEMPLATE * SHARED**ROWS * BANDS * n * LED),
    _held("exact copies of one page, decided together", lambda n: COPIED * n * COPY),
    _held("p-values of a test for watermarks, in one record", lambda n: CONFIG.synthetic.watermark_q * n * P_VALUE),
    Limit("JSON lines that `curate run` reads to plan", lambda c: c.documents * c.text / PLANNED / 3_600, "h", DAY),
    Limit("files that `curate run` makes digests of", digest_hours, "h", DAY),
    Limit("samples merged one by one", lambda corpus: corpus.partitions * MERGED / 3_600, "h", DAY),
    Limit("graph of job 1", lambda corpus: graph(1, corpus) / MB, "MB", GRAPH_LIMIT / MB),
    Limit("graph of job 2", lambda corpus: graph(2, corpus) / MB, "MB", GRAPH_LIMIT / MB),
    Limit("manifest", lambda corpus: corpus.files * ENTRY_OF_MANIFEST / MB, "MB", 1_000),
)


class Prices(NamedTuple):
    """What is paid, in any money: no list's prices, but examples to be replaced.

    Attributes:
        core_hour: an hour of a core.
        gb_hour: an hour of a GB of memory.
        shuffle_gb: a GB shuffled by a service; 0 where the cluster's own disks do it.
        disk_gb_month: a GB that is kept for a month.
        thousand_files: of files written.
    """

    core_hour: float = 0.05
    gb_hour: float = 0.005
    shuffle_gb: float = 0.01
    disk_gb_month: float = 0.02
    thousand_files: float = 0.005


EXAMPLES = Prices()


class Bill(NamedTuple):
    """What a run takes.

    Attributes:
        core_hours: of the documents themselves.
        runner_hours: core-hours that a runner takes besides, as Flink did.
        table_hours: core-hours of small tables.
        shuffled: bytes.
        read: bytes of inputs, all times.
        written: bytes of the output, annotations included.
        files: written.
    """

    core_hours: float
    runner_hours: float
    table_hours: float
    shuffled: float
    read: float
    written: float
    files: float

    @property
    def cores(self) -> float:
        """Cores that finish it within a day."""
        return self.hours / DAY

    @property
    def hours(self) -> float:
        """Core-hours that are paid."""
        return (self.core_hours + self.runner_hours + self.table_hours) / UTILISED

    def money(self, prices: Prices) -> float:
        """What it costs, the output kept for a month."""
        running = self.hours * (prices.core_hour + MEMORY_PER_CORE * prices.gb_hour)
        kept = self.written / GB * prices.disk_gb_month + self.files / 1_000 * prices.thousand_files
        return running + self.shuffled / GB * prices.shuffle_gb + kept


def written(corpus: Corpus) -> float:
    """Bytes of the output."""
    return corpus.documents * (FEATURES + PAIRS_WRITTEN + LEDGER + WRITTEN * corpus.text)


def processor_seconds(text: float) -> float:
    """Of a run over so many bytes of text in one process."""
    return text * SECONDS_A_BYTE + SECONDS_A_RUN


def bill(corpus: Corpus) -> Bill:
    """What a run takes."""
    crossing = exchanges(corpus)
    hours = processor_seconds(corpus.documents * corpus.text) / 3_600
    tables = sum(exchange.sent for exchange in crossing) * SECONDS_A_TABLE / 3_600
    return Bill(
        hours,
        hours * (FLINK - 1),
        tables,
        sum(exchange.bytes for exchange in crossing),
        READS * PARQUET * corpus.text * corpus.documents,
        written(corpus),
        corpus.files,
    )


def _number(value: float) -> str:
    """Three digits that count, two of what is small, and all before the point."""
    if value == 0 or abs(value) < 0.01:
        return f"{value:.2g}"
    return f"{value:,.{max(0, 2 - math.floor(math.log10(abs(value))))}f}" if abs(value) < 1_000 else f"{value:,.0f}"


def _power(value: float) -> str:
    """A number of documents, such as 2·10⁹."""
    if math.isinf(value):
        return "> 10¹²"
    exponent = math.floor(math.log10(value))
    superscript = "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)] for digit in str(exponent))
    first = value / 10**exponent
    return f"10{superscript}" if first < 1.05 else f"{first:.1f}·10{superscript}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "|" + "|".join(f" {cell} " if cell else " " for cell in head) + "|"
    yield "|---" * len(head) + "|"
    for row in rows:
        yield "|" + "|".join(f" {cell} " if cell else " " for cell in row) + "|"


def cut_table(corpora: Sequence[Corpus]) -> Iterator[str]:
    """How a corpus is cut."""
    rows = [
        (name, *(f"{getattr(corpus, name):,.0f}" for corpus in corpora))
        for name in ("blocks", "splits", "partitions", "parts", "files")
    ]
    yield from _table(["", *(f"{_power(corpus.documents)} documents" for corpus in corpora)], rows)


def bill_table(corpora: Sequence[Corpus], prices: Prices) -> Iterator[str]:
    """What runs take."""
    bills = [bill(corpus) for corpus in corpora]
    rows = [
        ("core-hours of documents", [each.core_hours for each in bills]),
        ("core-hours of the runner, as on Flink", [each.runner_hours for each in bills]),
        ("core-hours of small tables", [each.table_hours for each in bills]),
        ("cores for one day, 70 % at work", [each.cores for each in bills]),
        ("TB shuffled", [each.shuffled / TB for each in bills]),
        ("TB read, inputs four times", [each.read / TB for each in bills]),
        ("TB written", [each.written / TB for each in bills]),
        ("files written", [each.files for each in bills]),
        ("money", [each.money(prices) for each in bills]),
        (
            "of it small tables",
            [each.money(prices) - _large(corpus).money(prices) for each, corpus in zip(bills, corpora, strict=True)],
        ),
    ]
    head = ["", *(f"{_power(corpus.documents)} documents" for corpus in corpora)]
    yield from _table(head, [(name, *map(_number, values)) for name, values in rows])


def _large(corpus: Corpus) -> Bill:
    """The bill if all tables were large."""
    payload = sum(each.payload for each in exchanges(corpus))
    return bill(corpus)._replace(table_hours=0.0, shuffled=payload)


def small_tables(documents: Sequence[float]) -> Iterator[str]:
    """Features shuffled, with partitions as they are, larger ones, and blocks joined before they are cut."""
    cases = {
        "as it is: 250,000 a partition": {},
        "1,000,000 a partition": {"per_partition": 1e6},
        "16 blocks joined before they are cut": {"gathered": 16},
        "both": {"per_partition": 1e6, "gathered": 16},
    }
    rows = []
    for name, changed in cases.items():
        corpora = [Corpus(count)._replace(**changed) for count in documents]
        cells = []
        for corpus in corpora:
            sent = sum(each.sent for each in exchanges(corpus))
            cells += [_number(features_shuffled(corpus)), _number(sent / corpus.documents)]
        rows.append((name, *cells))
    head = [part for count in documents for part in (f"{_power(count)}: bytes a document", "tables a document")]
    yield from _table(["", *head], rows)


def exchange_table(corpus: Corpus) -> Iterator[str]:
    """The largest shuffles."""
    found = sorted(exchanges(corpus), key=lambda each: -each.bytes)[:12]
    rows = [
        (
            each.name,
            _number(each.sent / 1e6),
            _number(each.rows / each.sent),
            _number(each.bytes / TB),
            _number(each.payload / TB),
        )
        for each in found
    ]
    head = ("what crosses", "million tables", "rows of one", "TB", "TB if tables were large")
    yield from _table(head, rows)


def limit_table() -> Iterator[str]:
    """What breaks first."""
    rows = []
    for limit in sorted(LIMITS, key=Limit.reached):
        amounts = (f"{_number(limit.amount(Corpus(count)))} {limit.unit}" for count in (1e9, 1e10))
        rows.append((limit.what, *amounts, f"{_number(limit.bound)} {limit.unit}", _power(limit.reached())))
    yield from _table(("", "10⁹ documents", "10¹⁰ documents", "bound", "passed at"), rows)


def collision_table(documents: Sequence[float]) -> Iterator[str]:
    """Expected pairs of different things with one hash."""
    rows: list[tuple[str, Callable[[float], float]]] = [
        ("contents, 64 bits (the ends of pairs)", lambda count: collisions(count, 64)),
        ("contents, 128 bits (exact duplicates, ids of documents without one)", lambda count: collisions(count, 128)),
        ("ids, 64 bits (order of survival, draws)", lambda count: collisions(count, 64)),
        ("band keys, 64 bits", lambda count: collisions(BANDS * count, 64)),
        ("band keys, the forty bits that are compared in a partition", lambda count: colliding_entries(Corpus(count))),
    ]
    head = ["", *map(_power, documents)]
    yield from _table(head, [(name, *(_number(expected(count)) for count in documents)) for name, expected in rows])


def cost_table() -> Iterator[str]:
    """What a document costs."""
    limits, shuffles = "`bench_limits.py`", "`bench_shuffle.py --partitions 64`"
    large = sum(each.payload for each in exchanges(Corpus(1e9)) if each.name != "shingles") / 1e9
    rows = [
        ("processor, one process, what grows", f"{SECONDS_A_BYTE * TEXT * 1e6:,.0f} µs", "`bench_steps.py`"),
        ("the same on Flink, JVMs included", f"{SECONDS_A_BYTE * TEXT * FLINK * 1e6:,.0f} µs", "`bench_cluster.py`"),
        ("processor, each small table that is shuffled", f"{SECONDS_A_TABLE * 1e6:,.0f} µs", limits),
        ("shuffled, features in large tables", f"{large:,.0f} bytes", shuffles),
        ("shuffled, shingles", f"{SHINGLES_PER_BYTE * TEXT:,.0f} bytes", shuffles),
        ("shuffled, the schema of each small table", f"{EDGE.schema:,.0f} to {DOCUMENT.schema:,.0f} bytes", limits),
        ("read, four times", f"{READS * PARQUET * TEXT:,.0f} bytes", limits),
        ("written: documents", f"{WRITTEN * TEXT:,.0f} bytes", limits),
        ("written: features, pairs, ledger", f"{FEATURES} + {PAIRS_WRITTEN} + {LEDGER} bytes", limits),
    ]
    yield from _table(("", "a document of 2 KB", "measured by"), rows)


def step_table() -> Iterator[str]:
    """Processor time by step."""
    rows = [
        (step.name, f"{step.milliseconds:.1f}", f"{step.milliseconds * TEXT / 1e3:,.1f}" if step.grows else "")
        for step in sorted(STEPS, key=lambda step: (not step.grows, -step.milliseconds))
    ]
    grows = SECONDS_A_BYTE * 1e3 * MB
    rows.append(("all that grows with the text", f"{grows:.1f}", f"{grows * TEXT / 1e3:,.1f}"))
    yield from _table(("processor time", "ms a MB of text", "µs a document of 2 KB"), rows)


def run_table() -> Iterator[str]:
    """The model against whole runs."""
    rows = [(name, f"{seconds:,.0f}", f"{processor_seconds(text):,.0f}") for name, (text, seconds) in RUNS.items()]
    yield from _table(("runs in one process", "measured, processor seconds", "model"), rows)


def check_table() -> Iterator[str]:
    """The model against what was counted."""
    rows = []
    for partitions, counted in COUNTED.items():
        model = features_shuffled(Corpus(29_069, 3_162, 29_069 / partitions))
        rows.append((str(partitions), f"{counted:,}", f"{model:,.0f}"))
    yield from _table(("partitions", "counted, bytes a document", "model"), rows)


def tables(documents: Sequence[float] = DOCUMENTS, text: float = TEXT, prices: Prices = EXAMPLES) -> Iterator[str]:
    """All tables, with an empty line after each."""
    corpora = [Corpus(count, text) for count in documents]
    for part in (
        cost_table(),
        step_table(),
        run_table(),
        check_table(),
        cut_table(corpora),
        bill_table(corpora, prices),
        exchange_table(Corpus(1e9, text)),
        small_tables(documents),
        limit_table(),
        collision_table(documents),
    ):
        yield from part
        yield ""


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=float, nargs="+", default=DOCUMENTS)
    parser.add_argument("--text", type=float, default=TEXT, help="bytes of text of a document")
    for name, value in EXAMPLES._asdict().items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, default=value, help=f"price; {value} by default")
    given = parser.parse_args()
    prices = Prices(**{name: getattr(given, name) for name in Prices._fields})
    sys.stdout.write("\n".join(tables(given.documents, given.text, prices)))


if __name__ == "__main__":
    main()
