"""A small generated corpus that takes every path of the decisions, and a runner that hands back what came out."""

import pickle
import random
from pathlib import Path

import apache_beam as beam
import pyarrow as pa
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from curate.schema import LEDGER
from curate.transforms import Curate

SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "zu")
SETTINGS = {
    "dedupe": {"rounds": 4},
    "synthetic": {"min_group": 20, "alpha_suspect": 0.2, "alpha_drop": 0.05},
    "mixture": {"min_reference": 50, "clusters": 4, "min_cluster_docs": 2, "min_cluster_sources": 1, "max_copies": 1},
}
BEFORE, AFTER, LATER = "2015-03-01T00:00:00Z", "2023-06-01T00:00:00Z", "2024-06-01T00:00:00Z"


def _topic(number):
    """The 60 words of a topic."""
    draw = random.Random(number)
    return ["".join(draw.choices(SYLLABLES, k=draw.randint(2, 4))) for _ in range(60)]


def _words(topic, seed, count):
    return random.Random(f"{topic}/{seed}").choices(_topic(topic), k=count)


def _edited(words, *places):
    return [f"edit{index}" if index in places else word for index, word in enumerate(words)]


def _documents():
    """About 220 documents with exact, near and contained duplicates, claims, captures and rows that cannot be read."""
    rows = []

    def add(name, words, timestamp=None, origin=None, source="crawl"):
        text = words if words is None or isinstance(words, str) else " ".join(words)
        rows.append({"id": name, "text": text, "timestamp": timestamp, "origin": origin, "source": source})

    for topic in range(4):
        for number in range(24 - 5 * topic):  # real, of large and small topics
            add(f"real-{topic}-{number}", _words(topic, number, 80 + number), BEFORE, source=f"site{number % 3}")
        for number in range(14 if topic < 3 else 2):  # of unknown origin; few in the smallest topic
            words = _words(topic, 100 + number, 90)
            add(f"unknown-{topic}-{number}", words, AFTER)
            if number < 7:
                add(f"unknown-{topic}-{number}-near", _edited(words, 40), LATER)
        for number in range(6):  # declared machine text, with a later copy and a near one that declare nothing
            machine = _words(topic, 200 + number, 90)
            add(f"machine-{topic}-{number}", machine, AFTER, "synthetic", "model")
            add(f"machine-{topic}-{number}-copy", machine, LATER)
            add(f"machine-{topic}-{number}-near", _edited(machine, 5), LATER)
        for number in range(3):  # copies of captured text, exact, near and contained
            real = _words(topic, number, 80 + number)
            add(f"recent-{topic}-{number}", real, AFTER)
            add(f"recent-{topic}-{number}-near", _edited(real, 3), LATER)
            add(f"recent-{topic}-{number}-part", real[10:70], None)
        add(f"real-{topic}-copy", _words(topic, 1, 81), "2010-01-01T00:00:00Z", source="archive")
        disputed = _words(topic, 300, 90)  # captured before the cut-off, yet declared synthetic
        add(f"disputed-{topic}", disputed, BEFORE, "synthetic")
        if topic:
            add(f"disputed-{topic}-near", _edited(disputed, 50), None)
    link = _words(0, 400, 150)  # a chain: neighbours are near duplicates, the ends are not
    for number in range(16):
        add(f"chain-{number}", _edited(link, *range(0, 9 * number, 9)), AFTER)
    robot = _words(0, 900, 90)  # sentences of one length, as no real document has
    add("robot", " ".join(" ".join(robot[i : i + 10]).capitalize() + "." for i in range(0, 90, 10)), AFTER)
    add("none", None)
    add("blank", "  \n ")
    add("short", "three words only", AFTER)
    add("short-copy", "three words only", LATER)
    for number in range(3):  # one id, other texts; then rows that are equal in all columns; then rows without id
        add("taken", _words(1, 500 + number, 70), AFTER)
    for _ in range(2):
        add("equal", _words(2, 600, 70), AFTER)
        add(None, _words(3, 700, 70), AFTER)
    add(None, _words(3, 701, 70), AFTER)
    return rows


@pytest.fixture(scope="session")
def settings():
    return SETTINGS


@pytest.fixture(scope="session")
def documents():
    """Rows as dicts, in no particular order."""
    rows = _documents()
    random.Random(5).shuffle(rows)
    return rows


@pytest.fixture(scope="session")
def more_machine_text():
    """Declared machine text to add to the documents: copies of captured texts, exact and near, and new ones."""
    rows = []
    for topic in range(4):
        for number in range(4):
            real = _words(topic, number, 80 + number)
            for name, words in (("copy", real), ("near", _edited(real, 7)), ("new", _words(topic, 800 + number, 90))):
                row = {"id": f"added-{topic}-{number}-{name}", "text": " ".join(words), "timestamp": AFTER}
                rows.append({**row, "origin": "synthetic", "source": "model"})
    return rows


@pytest.fixture(scope="session")
def ledger_of():
    """The rows of a ledger by id, without the columns that tell where in the input a document lay."""

    def join(tables):
        names = [name for name in LEDGER.names if name != "source_file"]
        return pa.concat_tables([table.select(names) for table in tables]).sort_by("id").to_pylist()

    return join


@pytest.fixture(scope="session")
def apply(tmp_path_factory):
    """Applies a transform to elements and returns its outputs as lists, by name."""

    def run(transform, elements, options=(), element_type=None, runner=None):
        tmp_path = tmp_path_factory.mktemp("outputs")
        create = beam.Create(elements, reshuffle=False)
        create = create.with_output_types(element_type) if element_type else create
        options = options if isinstance(options, PipelineOptions) else PipelineOptions(list(options))
        with beam.Pipeline(runner=runner or FnApiRunner(), options=options) as pipeline:
            outputs = pipeline | "Documents" >> create | transform
            for name, output in outputs.items():
                _ = (
                    output
                    | f"List {name}" >> beam.combiners.ToList()
                    | f"Dump {name}" >> beam.Map(pickle.dumps)
                    | f"Write {name}" >> beam.Map(Path(tmp_path, f"{name}.pickle").write_bytes)
                )
        return {name: pickle.loads(Path(tmp_path, f"{name}.pickle").read_bytes()) for name in outputs}

    return run


@pytest.fixture(scope="session")
def curated(apply, documents):
    """The outputs of `Curate` for the documents as dicts."""
    return apply(Curate(SETTINGS), documents)


@pytest.fixture(scope="session")
def ledger(curated, ledger_of):
    """Its ledger."""
    return ledger_of(curated["ledger"])
