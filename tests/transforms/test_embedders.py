"""Ready-made embedders: what they read, what they are called, and what they need."""

import random
import sys

import numpy as np
import pytest

from curate.errors import UsageError
from curate.transforms.embedders import sentence_transformer, static_embedder, stored_embedder

WORDS = [f"word{number}" for number in range(50)]


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A static model of random vectors, in half precision as those that are published often are."""
    model2vec = pytest.importorskip("model2vec")
    tokenizers = pytest.importorskip("tokenizers")
    vocabulary = {word: number for number, word in enumerate(["[UNK]", *WORDS])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    path = tmp_path_factory.mktemp("models") / "tiny"
    vectors = np.random.default_rng(1).normal(size=(51, 16)).astype(np.float16)
    model2vec.StaticModel(vectors, tokenizer).save_pretrained(path)
    return path


def test_a_vector_does_not_depend_on_its_batch(directory):
    handler = static_embedder(str(directory)).handler
    model, draw = handler.load_model(), random.Random(1)
    texts = [" ".join(draw.choices(WORDS, k=draw.randint(1, 300))) for _ in range(200)]
    texts += [*texts[:3], "unknown", ""]
    together = handler.run_inference(texts, model)
    alone = [handler.run_inference([text], model)[0] for text in texts]
    assert [vector.tolist() for vector in together] == [vector.tolist() for vector in alone]
    assert not np.any(together[-2:])
    assert len(texts) < handler.batch_elements_kwargs()["max_batch_size"]


def test_the_version_is_that_of_the_files(directory):
    first = stored_embedder(f"model2vec:{directory}")
    assert first.id == static_embedder(f"{directory}/").id
    assert first.id.startswith("model2vec-tiny-")
    card = directory / "README.md"
    content = card.read_bytes()
    card.write_bytes(content + b"\n")
    assert stored_embedder(f"model2vec:{directory}").id != first.id
    card.write_bytes(content)


@pytest.mark.parametrize("model", ["", "model2vec", "glove:x", ":x"])
def test_what_names_no_kind(model):
    with pytest.raises(UsageError, match="expected model2vec:DIRECTORY or sentence-transformers:DIRECTORY"):
        stored_embedder(model)


@pytest.mark.parametrize(
    ("make", "library", "extra"),
    [
        (static_embedder, "model2vec", "static"),
        (sentence_transformer, "apache_beam.ml.transforms.embeddings.huggingface", "sentence-transformers"),
    ],
)
def test_what_is_missing_is_told(monkeypatch, tmp_path, make, library, extra):
    with pytest.raises(UsageError, match="is no directory, expected a model on disk"):
        make(str(tmp_path / "none"))
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(UsageError, match=rf"pip install 'curate\[{extra}\]'"):
        make(str(tmp_path))
