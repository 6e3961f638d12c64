"""What all tests share: no deadlines, what a job encodes, and small random models for those that have `onnx`."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("no deadline", deadline=None)  # how long a machine takes proves nothing
settings.load_profile("no deadline")

WORDS = ["the", "river", "runs", "past", "old", "stone", "mills", "where", "children", "used", "to", "swim", "delve"]


def _language_model(path, seed, vocabulary, inputs=("input_ids", "attention_mask"), float_type="FLOAT"):
    """Writes a causal language model: the next token hangs on the mean of the embeddings so far.

    Returns:
        The same in NumPy: int[tokens] to float64[tokens, vocabulary].
    """
    from onnx import TensorProto, helper, numpy_helper

    draw = np.random.default_rng(seed)
    embed = draw.normal(size=(vocabulary, 16)).astype(np.float32)
    head = draw.normal(size=(16, vocabulary)).astype(np.float32)
    nodes = [
        helper.make_node("Gather", ["embed", "input_ids"], ["embedded"]),
        helper.make_node("CumSum", ["embedded", "one"], ["summed"]),
        helper.make_node("Tanh", ["summed"], ["state"]),
        helper.make_node("MatMul", ["state", "head"], ["computed"]),
        helper.make_node("Cast", ["computed"], ["logits"], to=getattr(TensorProto, float_type)),
    ]
    graph = helper.make_graph(
        nodes,
        "language model",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["n", "t"]) for name in inputs],
        [helper.make_tensor_value_info("logits", getattr(TensorProto, float_type), ["n", "t", vocabulary])],
        [
            numpy_helper.from_array(embed, "embed"),
            numpy_helper.from_array(head, "head"),
            numpy_helper.from_array(np.array(1), "one"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return lambda ids: np.tanh(np.cumsum(embed[ids].astype(np.float64), axis=0)) @ head


@pytest.fixture(scope="session")
def language_model():
    pytest.importorskip("onnx")
    return _language_model


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory):
    """Two language models with one tokenizer: files, and the models in NumPy."""
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    tokenizers = pytest.importorskip("tokenizers")
    folder = tmp_path_factory.mktemp("models")
    vocabulary = {word: number for number, word in enumerate(["[UNK]", *WORDS])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.enable_padding(length=700)  # as files of others have it; it must not count
    tokenizer.save(str(folder / "tokenizer.json"))
    paths = [folder / "observer.onnx", folder / "performer.onnx"]
    models = [_language_model(path, seed, len(vocabulary)) for seed, path in enumerate(paths)]
    files = tuple(str(path) for path in (*paths, folder / "tokenizer.json"))
    return SimpleNamespace(files=files, observer=models[0], performer=models[1], vocabulary=vocabulary)


@pytest.fixture
def encoded(monkeypatch):
    """Names of the columns of all tables that were encoded since, as they are on their way to another stage."""
    from curate.transforms.tables import TableCoder

    names, encode = set(), TableCoder.encode

    def recording(coder, table):
        names.update(table.schema.names)
        return encode(coder, table)

    monkeypatch.setattr(TableCoder, "encode", recording)
    return names
