"""Perplexity ratio of two language models (Binoculars: Hans et al., 2024, arXiv 2401.12070), on ONNX Runtime.

Text of a language model surprises another one little; but so does dull human text. What tells them apart is how
surprising a text is compared with how surprising the continuations are that a model itself would choose:

    log PPL(s)   = - 1/n Σ_i log q_i(x_i)
    log X-PPL(s) = - 1/n Σ_i Σ_v p_i(v) log q_i(v)
    B(s)         = log PPL(s) / log X-PPL(s)

with p_i and q_i what observer and performer expect of the i-th token after those before it, over one vocabulary. B is
lower for machine text; the score is -B. As in the authors' program, both logarithms are of the performer's q (their
formula has the observer's perplexity above); unlike there, both means go over the same n tokens, all but the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from curate.errors import UsageError

if TYPE_CHECKING:  # of the extra `onnx`
    import onnxruntime
    import tokenizers

PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")
_INPUTS = {"input_ids", "attention_mask", "position_ids"}
_OPSET = 18


@dataclass(frozen=True)
class PerplexityRatio:
    """Two causal language models with one tokenizer.

    Attributes:
        observer, performer: sessions of the models.
        tokenizer: of both; cuts texts to the tokens that are looked at.
    """

    observer: "onnxruntime.InferenceSession"
    performer: "onnxruntime.InferenceSession"
    tokenizer: "tokenizers.Tokenizer"
    _ratio: "onnxruntime.InferenceSession"

    def scores(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Scores a batch of texts.

        Args:
            texts: n texts; shorter ones are padded on the right, where no causal model looks.

        Returns:
            float32[n], -B, larger for machine text; NaN for a text of one token.
        """
        encoded = [encoding.ids for encoding in self.tokenizer.encode_batch(list(texts))]
        lengths = np.array([len(ids) for ids in encoded])
        inside = np.arange(lengths.max()) < lengths[:, None]
        ids = np.zeros(inside.shape, np.int64)
        ids[inside] = np.concatenate(encoded)
        position = np.broadcast_to(np.arange(inside.shape[1]), inside.shape).astype(np.int64)
        inputs = {"input_ids": ids, "attention_mask": inside.astype(np.int64), "position_ids": position}

        binding = self._ratio.io_binding()
        for name, model in (("observer", self.observer), ("performer", self.performer)):
            binding.bind_ortvalue_input(name, _logits(model, inputs))
        binding.bind_cpu_input("next", ids[:, 1:, None].copy())
        binding.bind_cpu_input("weight", inside[:, 1:].astype(np.float32))
        binding.bind_output("score")
        self._ratio.run_with_iobinding(binding)
        return binding.copy_outputs_to_cpu()[0]


def load_perplexity_ratio(
    observer: str, performer: str, tokenizer: str, max_tokens: int, providers: Sequence[str] | None = None
) -> PerplexityRatio:
    """Loads two models.

    Args:
        observer: ONNX file of a causal language model: `input_ids`, and if it likes `attention_mask` and
            `position_ids`, int64[batch, tokens], to logits, float[batch, tokens, vocabulary].
        performer: that of another one over the same vocabulary.
        tokenizer: a tokenizer.json.
        max_tokens: tokens looked at of longer texts, from the beginning.
        providers: execution providers of ONNX Runtime; None: CUDA where there is one, else the processor.

    Raises:
        UsageError: the extra is not installed, a file cannot be loaded, or the models do not go together.
    """
    try:
        import onnxruntime
        from tokenizers import Tokenizer
    except ImportError as error:
        raise UsageError(f"the perplexity ratio needs {error.name}; pip install 'curate[onnx]'") from None
    chosen = list(providers or [name for name in PROVIDERS if name in onnxruntime.get_available_providers()])
    first, second = _open(observer, chosen), _open(performer, chosen)
    sizes = [model.get_outputs()[0].shape[-1] for model in (first, second)]
    if all(isinstance(size, int) for size in sizes) and sizes[0] != sizes[1]:
        raise UsageError(
            f"observer {observer!r} has a vocabulary of {sizes[0]} tokens, performer {performer!r} one of {sizes[1]}; "
            "give two models that share a tokenizer"
        )
    try:
        cutter = Tokenizer.from_file(tokenizer)
    except Exception as error:  # the library raises nothing narrower
        raise UsageError(f"tokenizer {tokenizer!r} cannot be loaded ({error}); give a tokenizer.json") from None
    cutter.no_padding()
    cutter.enable_truncation(max_tokens)
    ratio = _ratio_model([model.get_outputs()[0].type for model in (first, second)])
    return PerplexityRatio(first, second, cutter, onnxruntime.InferenceSession(ratio, providers=chosen))


def _open(path: str, providers: list[str]) -> "onnxruntime.InferenceSession":
    import onnxruntime

    try:
        model = onnxruntime.InferenceSession(path, providers=providers)
    except Exception as error:  # the library's own exceptions have no common class
        raise UsageError(f"model {path!r} cannot be loaded ({error}); give an ONNX file") from None
    names = {each.name for each in model.get_inputs()}
    if "input_ids" not in names or names - _INPUTS:
        raise UsageError(
            f"model {path!r} has the inputs {sorted(names)}, expected input_ids, and if it likes attention_mask and "
            "position_ids; export it for text generation without a cache"
        )
    return model


def _logits(model: "onnxruntime.InferenceSession", inputs: dict[str, NDArray[np.int64]]) -> Any:
    """The logits where the model computed them: a GPU's stay there."""
    binding = model.io_binding()
    for each in model.get_inputs():
        binding.bind_cpu_input(each.name, inputs[each.name])
    device = "cuda" if "CUDAExecutionProvider" in model.get_providers() else "cpu"
    binding.bind_output(model.get_outputs()[0].name, device)
    model.run_with_iobinding(binding)
    return binding.get_outputs()[0]


def _ratio_model(logit_types: list[str]) -> bytes:
    """The formula above as an ONNX model, so that it is computed where the logits are.

    Args:
        logit_types: of observer and performer, as ONNX Runtime calls them, such as tensor(float16).
    """
    from onnx import TensorProto, checker, helper

    types = {"tensor(float)": TensorProto.FLOAT, "tensor(float16)": TensorProto.FLOAT16}
    kinds = [types.get(kind, TensorProto.FLOAT) for kind in logit_types]

    def node(kind: str, inputs: str, output: str, **attributes: Any) -> Any:
        return helper.make_node(kind, inputs.split(), [output], **attributes)

    nodes = [
        # What each position expects of the next token; after the last one there is none.
        node("Slice", "observer zero minus_one one", "observer_but_last"),
        node("Slice", "performer zero minus_one one", "performer_but_last"),
        node("Cast", "observer_but_last", "observer_float", to=TensorProto.FLOAT),
        node("Cast", "performer_but_last", "performer_float", to=TensorProto.FLOAT),
        node("Softmax", "observer_float", "p", axis=-1),
        node("LogSoftmax", "performer_float", "log_q", axis=-1),
        node("GatherElements", "log_q next", "of_next", axis=2),
        node("Squeeze", "of_next two", "surprise"),
        node("Mul", "p log_q", "expected_each"),
        node("ReduceSum", "expected_each two", "expected", keepdims=0),
        node("Mul", "surprise weight", "weighted_surprise"),
        node("Mul", "expected weight", "weighted_expected"),
        node("ReduceSum", "weighted_surprise one", "log_ppl", keepdims=0),
        node("ReduceSum", "weighted_expected one", "log_x_ppl", keepdims=0),
        # Both sums are of n tokens and negative, so that their ratio is that of the means.
        node("Div", "log_ppl log_x_ppl", "ratio"),
        node("Neg", "ratio", "score"),
    ]
    constants = {"zero": 0, "one": 1, "two": 2, "minus_one": -1}
    graph = helper.make_graph(
        nodes,
        "perplexity ratio",
        [
            helper.make_tensor_value_info("observer", kinds[0], ["n", "t", "v"]),
            helper.make_tensor_value_info("performer", kinds[1], ["n", "t", "v"]),
            helper.make_tensor_value_info("next", TensorProto.INT64, ["n", "m", 1]),
            helper.make_tensor_value_info("weight", TensorProto.FLOAT, ["n", "m"]),
        ],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, ["n"])],
        [helper.make_tensor(name, TensorProto.INT64, [1], [value]) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=9)
    checker.check_model(model)
    return model.SerializeToString()
