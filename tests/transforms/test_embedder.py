"""An embedder of one's own inside a pipeline: its vectors are clustered, whatever the blocks, and what if it fails."""

import random

import numpy as np
import pyarrow as pa
import pytest
from apache_beam.ml.inference.base import ModelHandler, PredictionResult

from curate.config import make_config
from curate.errors import UsageError
from curate.transforms import Curate, ReweightClusters, TextEmbedder

TOPICS = ("harbour", "orchard", "engine", "parish")
WORDS = ("the", "old", "men", "went", "to", "see", "what", "came", "of", "it", "by", "night")
SETTINGS = {"mixture": {"dimensions": 8, "clusters": 4, "min_reference": 10}}


class Topics(ModelHandler):
    """The vector of a text: how often it names each topic, and a little of its length."""

    def load_model(self):
        return lambda text: [*(text.count(topic) for topic in TOPICS), len(text) / 1000, 0, 0, 0]

    def run_inference(self, batch, model, inference_args=None):
        if any("poison" in text for text in batch):
            raise ValueError("cannot be tokenised")
        return [PredictionResult(text, model(text)) for text in batch]


def embedder(handler=None, **options):
    return TextEmbedder(handler or Topics(), "topics", "1", **options)


def document(number):
    draw = random.Random(number)
    words = draw.choices(WORDS, k=30) + [TOPICS[number % 4]] * 5
    draw.shuffle(words)
    return {"id": f"d{number:03d}", "text": " ".join(words), "timestamp": "2015-03-01T00:00:00Z", "language": "en"}


@pytest.fixture(scope="module")
def rows():
    return [*map(document, range(80)), {**document(80), "text": None}]


@pytest.fixture(scope="module")
def by_id(apply, ledger_of, rows):
    found = apply(ReweightClusters(config=SETTINGS, embedder=embedder()), rows)
    return {row["id"]: row for row in ledger_of(found["ledger"])}


def clusters(rows):
    return {id: row["cluster"] for id, row in rows.items()}


def test_its_vectors_are_clustered(by_id):
    """Topics are clusters, which an embedding of so few words alike does not know."""
    found = clusters(by_id)
    assert found.pop("d080") is None
    for topic in range(4):
        of_topic = {found[f"d{number:03d}"] for number in range(topic, 80, 4)}
        assert len(of_topic) == 1
    assert set(found.values()) == {0, 1, 2, 3}


@pytest.mark.parametrize(("size", "batch"), [(7, None), (100, 16)])
def test_blocks_order_and_batches_do_not_matter(apply, ledger_of, rows, by_id, size, batch):
    shuffled = random.Random(3).sample(rows, len(rows))
    schema = pa.Table.from_pylist(rows).schema
    blocks = [pa.Table.from_pylist(shuffled[start : start + size], schema) for start in range(0, len(rows), size)]
    given = embedder(Topics(max_batch_size=batch))
    found = apply(ReweightClusters(config=SETTINGS, embedder=given), blocks)
    assert {row["id"]: row for row in ledger_of(found["ledger"])} == by_id


@pytest.mark.parametrize("batch", [None, 8])
def test_a_text_that_it_fails_on_has_no_cluster(apply, ledger_of, rows, by_id, batch):
    odd = {
        "poisoned": " ".join(["poison", *WORDS]),
        "not-a-number": " ".join(["nan", *WORDS]),
        "zero": " ".join(["zero", *WORDS]),
    }
    rows = rows + [{**document(90), "id": id, "text": text} for id, text in odd.items()]

    def vector(numbers):
        return numbers

    class Odd(Topics):
        def run_inference(self, batch, model, inference_args=None):
            for result in super().run_inference(batch, model, inference_args):
                scale = np.nan if result.example.startswith("nan") else 0 if result.example.startswith("zero") else 1
                yield PredictionResult(result.example, np.array(result.inference) * scale)

    given = embedder(Odd(max_batch_size=batch), vector=vector)
    found = {
        row["id"]: row for row in ledger_of(apply(ReweightClusters(config=SETTINGS, embedder=given), rows)["ledger"])
    }
    for id in odd:
        assert (found[id]["decision"], found[id]["cluster"], found[id]["weight"]) == ("kept", None, 1.0)
    assert {id: cluster for id, cluster in clusters(found).items() if id not in odd} == clusters(by_id)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (embedder(vector=lambda numbers: numbers[:4]), "length 4, expected that of mixture.dimensions, 8; set it"),
        (embedder(vector=lambda numbers: {"a": 1}), "the embedder gave a dict, expected numbers"),
    ],
)
def test_vectors_of_another_kind_end_the_run(apply, rows, given, told):
    with pytest.raises(UsageError, match=told):
        apply(ReweightClusters(config=SETTINGS, embedder=given), rows)


def test_a_model_that_fails_on_most_texts_fails_the_run(apply, rows):
    poisoned = [{**row, "text": "poison"} for row in rows]
    with pytest.raises(RuntimeError, match=r"embedder topics-1 failed on \d\d of \d\d texts"):
        apply(ReweightClusters(config=SETTINGS, embedder=embedder()), poisoned)


def test_settings_and_arguments():
    with pytest.raises(UsageError, match="handler of an embedder is a str"):
        TextEmbedder("bert", "a", "1")
    with pytest.raises(UsageError, match=r"mixture.embedding_handler is 'a:b', but the embedder topics-1 is given too"):
        Curate({"mixture": {"embedding_handler": "a:b"}}, embedder=embedder())
    for other in ("group_column", "embedding_column", "embedding_model"):
        with pytest.raises(
            UsageError, match=rf"mixture.{other} is 'x'.*clusters come from one of them: set that alone"
        ):
            Curate({"mixture": {other: "x"}}, embedder=embedder())
    with pytest.raises(UsageError, match=r"mixture.group_column is 'a' and mixture.embedding_column is 'b'"):
        make_config({"mixture": {"group_column": "a", "embedding_column": "b"}})


def test_it_is_asked_of_texts_alone():
    block = pa.table({"text": ["harbour", None, "  ", "engine"]})
    config = make_config(SETTINGS)
    given = embedder()
    asked = given.texts(block, config)
    assert asked.to_pylist() == ["harbour", None, None, "engine"]
    column = given.values([np.ones(8, np.float32), None, None, np.zeros(8, np.float32)], config)
    assert column.type == pa.list_(pa.float32(), 8)
    assert column.is_valid().to_pylist() == [True, False, False, True]
    assert given.values([], config).type == column.type
