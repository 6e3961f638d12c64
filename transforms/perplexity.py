"""Beam's handler of the perplexity ratio, for a `TextDetector`. Needs the extra `onnx`."""

from collections.abc import Sequence
from typing import Any, Dict, List, Optional

from apache_beam.ml.inference.base import ModelHandler, PredictionResult

from curate.detector.perplexity import PerplexityRatio, load_perplexity_ratio


class PerplexityRatioHandler(ModelHandler[str, PredictionResult, PerplexityRatio]):
    """Scores texts by two language models: `curate.detector.perplexity` has the formula.

    The scores are no log-odds: thresholds are calibrated all the same, but `p_synthetic` needs a scale. If scores of
    known texts are at hand, give the `TextDetector` a `score` such as `lambda ratio: 40 * (ratio + 0.9)`.

    Args:
        observer: ONNX file of a causal language model, at the same path on every worker.
        performer: that of another one with the same tokenizer, such as the first tuned to instructions.
        tokenizer: their tokenizer.json.
        max_tokens: tokens looked at of longer texts.
        providers: execution providers of ONNX Runtime; None: CUDA where there is one (with onnxruntime-gpu in
            place of onnxruntime), else the processor.
        options: of Beam's ModelHandler, such as max_batch_size, or large_model to load the models once a machine.
    """

    def __init__(
        self,
        observer: str,
        performer: str,
        tokenizer: str,
        max_tokens: int = 512,
        providers: Optional[Sequence[str]] = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._files = (observer, performer, tokenizer)
        self._max_tokens = max_tokens
        self._providers = providers

    def load_model(self) -> PerplexityRatio:
        """Loads both models and the tokenizer."""
        return load_perplexity_ratio(*self._files, self._max_tokens, self._providers)

    def run_inference(
        self, batch: Sequence[str], model: PerplexityRatio, inference_args: Optional[Dict[str, Any]] = None
    ) -> List[PredictionResult]:
        """Scores a batch of texts."""
        return [PredictionResult(text, score) for text, score in zip(batch, model.scores(batch), strict=True)]

    def get_num_bytes(self, batch: Sequence[str]) -> int:
        """Characters, near enough for a metric."""
        return sum(map(len, batch))
