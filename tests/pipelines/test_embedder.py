"""A run whose clusters are those of an embedder of the operator's: named in the settings, recorded, kept apart."""

import json
import sys

import pytest

TOPICS = ("harbour", "orchard", "engine")
MODULE = """
from apache_beam.ml.inference.base import ModelHandler, PredictionResult

from curate.transforms import TextEmbedder


class Topics:
    def vector(self, text):
        if "poison" in text:
            raise ValueError("poisoned text")
        return [text.count(topic) for topic in ("harbour", "orchard", "engine")] + [0.1] * 5


class Handler(ModelHandler):
    def load_model(self):
        return Topics()

    def run_inference(self, batch, model, inference_args=None):
        return [PredictionResult(text, model.vector(text)) for text in batch]


def embedder():
    return TextEmbedder(Handler(), "topics", "1")


def newer():
    return TextEmbedder(Handler(), "topics", "2")
"""
HANDLER = "mixture.embedding_handler=my_topics:embedder"
SIZES = ("mixture.dimensions=8", "mixture.clusters=3")


@pytest.fixture
def my_topics(operator_module):
    return operator_module("my_topics", MODULE)


@pytest.fixture
def inputs(write, prose):
    source = prose(3)
    topics = [TOPICS[0 if index % 10 else 1 + index // 10 % 2] for index in range(60)]
    texts = [source.text(80, topic) for topic in topics]
    texts[58] += " poison"
    texts[59] = None
    return write("in.parquet", {"id": [f"id-{index}" for index in range(60)], "text": texts})


@pytest.fixture
def run(curate, my_topics, inputs, tmp_path, output_of, only_read):
    def run(name, *settings, arguments=(), code=0, input=inputs):
        sets = [part for setting in ("mixture.enabled=true", *SIZES, *settings) for part in ("--set", setting)]
        outcome = curate("run", "--input", input, "--output", tmp_path / name, *only_read, *sets, *arguments)
        assert outcome.code == code, outcome.err
        return (output_of(tmp_path / name), outcome.err) if code == 0 else (None, outcome.message)

    return run


def clusters(output):
    return {row["id"]: row["cluster"] for row in output.ledger.to_pylist()}


def test_run_and_decide(run, curate, my_topics, tmp_path, output_of):
    output, told = run("one", HANDLER)
    assert "embedder topics-1 gave no vector for 1 of 59 texts" in told
    output.assert_whole()
    found = clusters(output)
    assert len({found[f"id-{index}"] for index in (0, 1, 10)}) == 3
    assert found["id-1"] == found["id-2"] is not None
    assert (found["id-58"], output.rows["id-58"]["decision"], output.rows["id-58"]["weight"]) == (None, "kept", 1.0)
    assert output.manifest["artefacts"]["embedder"] == "topics-1"
    assert json.loads((output.path / "artefacts/embedder.json").read_text()) == {"id": "topics-1"}
    assert not (output.path / "artefacts/embedding.npz").exists()
    assert curate("verify", output.path).code == 0
    again, _ = run("two", HANDLER, arguments=("--artefacts", output.path))
    assert clusters(again) == found

    # Nothing of the model is needed to decide again.
    sys.modules.pop("my_topics")
    (my_topics / "my_topics.py").unlink()
    outcome = curate("decide", "--annotations", output.path, "--output", tmp_path / "three", "--apply")
    assert outcome.code == 0, outcome.err
    three = output_of(tmp_path / "three")
    assert three.ledger.equals(output.ledger)
    assert three.manifest["artefacts"] == output.manifest["artefacts"]


def test_clusters_are_not_used_for_the_vectors_of_another_embedder(run):
    output, _ = run("one", HANDLER)
    given = ("--artefacts", output.path)
    newer = HANDLER.replace(":embedder", ":newer")
    _, told = run("two", newer, arguments=given, code=2)
    assert "the documents are embedded by topics-2, but the clusters of the artefacts are of topics-1" in told
    _, told = run("two", arguments=given, code=2)
    assert "the clusters of the artefacts were not made with this" in told
    own, _ = run("own")
    _, told = run("two", HANDLER, arguments=("--artefacts", own.path), code=2)
    assert "the clusters of the artefacts were not made with this" in told


def test_no_text_is_encoded(run, encoded):
    run("out", HANDLER, "dedupe.enabled=false")
    assert {"key", "embedding"} <= encoded
    assert "text" not in encoded


@pytest.mark.slow
def test_worker_processes(run, curate_process, inputs, only_read, tmp_path, output_of):
    output, _ = run("one", HANDLER)
    sets = [f"--set={setting}" for setting in ("mixture.enabled=true", *SIZES, HANDLER, "run.block_rows=7")]
    arguments = ("run", "--input", inputs, "--output", tmp_path / "two", "--workers", 2)
    outcome = curate_process(*arguments, *only_read, *sets)
    assert outcome.code == 0, outcome.err
    assert output_of(tmp_path / "two").ledger.equals(output.ledger)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (("mixture.embedding_handler=no_such:thing",), "No module named 'no_such'"),
        (("mixture.embedding_handler=json:dumps",), "which failed (TypeError"),
        ((HANDLER, "mixture.group_column=topic"), "clusters come from one of them"),
        ((HANDLER, "mixture.dimensions=9"), "gave a vector of length 8, expected that of mixture.dimensions, 9"),
        (("mixture.embedding_model=word2vec:x",), "expected model2vec:DIRECTORY or sentence-transformers:DIRECTORY"),
        (("mixture.embedding_model=model2vec:no/such",), "'no/such' is no directory, expected a model on disk"),
    ],
)
def test_refused_settings(run, tmp_path, settings, told):
    _, message = run("out", *settings, code=2)
    assert told in message
    assert not (tmp_path / "out").exists()


@pytest.fixture
def static_model(tmp_path):
    """A tiny static model that knows three words."""
    model2vec = pytest.importorskip("model2vec")
    tokenizers = pytest.importorskip("tokenizers")
    import numpy as np

    vocabulary = {word: number for number, word in enumerate(["[UNK]", *TOPICS])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    vectors = np.eye(4, 8, dtype=np.float32)
    model2vec.StaticModel(vectors, tokenizer).save_pretrained(tmp_path / "tiny")
    return tmp_path / "tiny"


def test_static_embeddings(run, static_model):
    output, _ = run("out", f"mixture.embedding_model=model2vec:{static_model}")
    assert output.manifest["artefacts"]["embedder"].startswith("model2vec-tiny-")
    found = clusters(output)
    assert len({found[f"id-{index}"] for index in (0, 1, 10)}) == 3
    assert found["id-58"] == found["id-1"] is not None


FAKE = """
class SentenceTransformer:
    def __init__(self, directory, local_files_only):
        assert local_files_only
        with open(f"{directory}/topics.txt") as file:
            self.topics = file.read().split()

    def encode(self, batch):
        import numpy as np

        assert len(batch) == 1
        return np.array([[text.count(topic) for topic in self.topics] + [0.0] * 5 for text in batch], np.float32)
"""


def test_sentence_transformers(curate_process, my_topics, inputs, only_read, tmp_path, output_of):
    """Beam's own handler, with a stand-in for a library that is too large for a test."""
    (my_topics / "sentence_transformers.py").write_text(FAKE)
    model = tmp_path / "tiny"
    model.mkdir()
    (model / "topics.txt").write_text(" ".join(TOPICS))
    settings = ("mixture.enabled=true", *SIZES, f"mixture.embedding_model=sentence-transformers:{model}")
    sets = [part for setting in settings for part in ("--set", setting)]
    outcome = curate_process("run", "--input", inputs, "--output", tmp_path / "out", *only_read, *sets)
    assert outcome.code == 0, outcome.err
    output = output_of(tmp_path / "out")
    first = output.manifest["artefacts"]["embedder"]
    assert first.startswith("sentence-transformers-tiny-")
    found = clusters(output)
    assert len({found[f"id-{index}"] for index in (0, 1, 10)}) == 3


def test_what_is_remembered_keeps_to_its_embedder(run, write, prose):
    source = prose(4)
    people = {
        "id": ["a", "b", "c"],
        "text": [source.text(80, topic) for topic in TOPICS],
        "timestamp": ["2019-01-01"] * 3,
    }
    first, _ = run("first", HANDLER, "provenance.enabled=true", input=write("people.parquet", people))
    more = ("--human-reference", first.path)
    second, _ = run("second", HANDLER, arguments=more)
    reference = json.loads((second.path / "artefacts" / "reference.json").read_text())
    assert reference["documents"] == {"0": 1, "1": 1, "2": 1}
    without, _ = run("without", "mixture.enabled=false", arguments=more)
    third, _ = run("third", HANDLER, arguments=("--human-reference", without.path))
    assert clusters(third) == clusters(second)
    _, told = run("other", "mixture.embedding_handler=my_topics:newer", arguments=more, code=2)
    assert (
        "remembers clusters of vectors of the embedder topics-1, but this run has vectors of the embedder top" in told
    )
    _, told = run("none", arguments=more, code=2)
    assert "but this run has no embedder's vectors" in told
