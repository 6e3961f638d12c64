"""Models of other libraries as detectors, small and randomly initialised; each test needs its library."""

import functools
import random

import numpy as np
import pyarrow as pa
import pytest
from apache_beam.ml.inference.base import ModelHandler

from curate.detector.other import log_odds
from curate.transforms import FilterSynthetic, TextDetector
from curate.transforms.perplexity import PerplexityRatioHandler

BEFORE, AFTER = "2015-03-01T00:00:00Z", "2023-06-01T00:00:00Z"
WORDS = ["the", "river", "runs", "past", "old", "stone", "mills", "where", "children", "used", "to", "swim", "delve"]
SETTINGS = {"synthetic": {"min_group": 40}}


@pytest.fixture(scope="module")
def rows():
    """Trusted and unknown documents of several lengths, three of them too short."""
    draw = random.Random(1)
    return [
        {
            "id": f"d{number:03d}",
            "text": " ".join(draw.choices(WORDS, k=30 if number > 146 else 60 + number % 40)),
            "timestamp": BEFORE if number < 100 else AFTER,
            "language": "en",
        }
        for number in range(150)
    ]


def scores_of(ledger):
    return {row["id"]: row["detector_score"] for table in ledger for row in table.to_pylist()}


def check(apply, ledger_of, rows, make, expected):
    """Scores are as expected and calibrated, whatever the batches, and exactly so where a batch is one text."""
    out = apply(FilterSynthetic(config=SETTINGS, detector=make(None)), rows)
    scores = scores_of(out["ledger"])
    assert [id for id, score in sorted(scores.items()) if score is None] == ["d147", "d148", "d149"]
    for row in rows[:147]:
        assert scores[row["id"]] == pytest.approx(expected(row["text"]), abs=1e-5)
    judged = ledger_of(out["ledger"])
    assert {row["group"] for row in judged if row["detector_score"] is not None} == {"en/50-100"}
    assert 0 < sum(row["detector_score"] > row["threshold"] for row in judged if row["threshold"] is not None) < 30

    shuffled = random.Random(2).sample(rows, len(rows))
    blocks = [pa.Table.from_pylist(shuffled[start : start + 40]) for start in range(0, 150, 40)]
    again = apply(FilterSynthetic(config=SETTINGS, detector=make(None)), blocks)
    assert ledger_of(again["ledger"]) == judged
    batched = scores_of(apply(FilterSynthetic(config=SETTINGS, detector=make(16)), blocks)["ledger"])
    assert batched.keys() == scores.keys()
    assert all(batched[id] == pytest.approx(score, abs=1e-5) for id, score in scores.items() if score is not None)


@pytest.mark.slow
def test_perplexity_ratio(apply, ledger_of, rows, tiny_models):
    def make(size):
        return TextDetector(PerplexityRatioHandler(*tiny_models.files, max_batch_size=size), "ratio", "1")

    model = PerplexityRatioHandler(*tiny_models.files).load_model()
    check(apply, ledger_of, rows, make, lambda text: model.scores([text])[0])


def count_letters(text):
    return np.array([text.count(letter) / len(text) for letter in "adehlrv"], dtype=np.float32)


@pytest.mark.slow
def test_onnx_classifier(apply, ledger_of, rows, tmp_path):
    """Two logits of a linear model over the shares of letters, by Beam's own handler."""
    pytest.importorskip("onnxruntime")
    onnx = pytest.importorskip("onnx")
    from apache_beam.ml.inference.onnx_inference import OnnxModelHandlerNumpy

    weight = np.random.default_rng(1).normal(size=(7, 2)).astype(np.float32) * 10
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "weight"], ["logits"])],
        "classifier",
        [helper.make_tensor_value_info("x", kind, ["n", 7])],
        [helper.make_tensor_value_info("logits", kind, ["n", 2])],
        [onnx.numpy_helper.from_array(weight, "weight")],
    )
    path = tmp_path / "classifier.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path.write_bytes(model.SerializeToString())

    def make(size):
        handler = OnnxModelHandlerNumpy(str(path), providers=["CPUExecutionProvider"], max_batch_size=size)
        return TextDetector(handler.with_preprocess_fn(count_letters), "letters", "1")

    check(apply, ledger_of, rows, make, lambda text: float(count_letters(text) @ (weight[:, 1] - weight[:, 0])))


class PipelineHandler(ModelHandler):
    """All that a handler of a Hugging Face pipeline needs to be."""

    def __init__(self, path, **options):
        super().__init__(**options)
        self._path = path

    def load_model(self):
        import transformers

        return transformers.pipeline("text-classification", self._path, top_k=None, truncation=True, device="cpu")

    def run_inference(self, batch, model, inference_args=None):
        return model(list(batch), batch_size=len(batch))


def beams_pipeline_handler(path, **options):
    """Beam's own, which needs TensorFlow besides, and a version of transformers that has it (apache/beam#29621)."""
    inference = pytest.importorskip("apache_beam.ml.inference.huggingface_inference", exc_type=ImportError)
    return inference.HuggingFacePipelineModelHandler(
        "text-classification", path, device="CPU", load_pipeline_args={"top_k": None, "truncation": True}, **options
    )


@pytest.mark.parametrize("handler", [PipelineHandler, beams_pipeline_handler])
def test_hugging_face_classifier(apply, ledger_of, rows, tmp_path, handler):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    vocabulary = {word: number for number, word in enumerate(["[PAD]", "[UNK]", *WORDS])}
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    words.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", model_max_length=64
    )
    torch.manual_seed(1)
    config = transformers.BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=64,
        id2label={0: "Fake", 1: "Real"},
        label2id={"Fake": 0, "Real": 1},
    )
    model = transformers.BertForSequenceClassification(config).eval()
    with torch.no_grad():
        model.classifier.weight *= 50  # a random head hardly tells texts apart
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)

    def make(size):
        score = functools.partial(log_odds, machine="Fake")
        return TextDetector(handler(str(tmp_path), max_batch_size=size), "bert", "1", score)

    def expected(text):
        with torch.no_grad():
            fake, real = model(**tokenizer(text, truncation=True, return_tensors="pt")).logits[0].double().numpy()
        return fake - real

    check(apply, ledger_of, rows, make, expected)
