"""Wiring of a detector of one's own: any Beam ModelHandler that takes texts, run by RunInference where the texts lie.

A block of documents is RunInference's batch. Loading and sharing of the model and metrics are Beam's, and no text
leaves its block: the scores are appended to it as a column, which `take_scores` takes off again.
"""

import importlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Dict, List, Optional

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.ml.inference.base import ModelHandler, PredictionResult, RunInference
from numpy.typing import NDArray

from curate.annotate import readable_texts
from curate.config import Config
from curate.detector.other import log_odds
from curate.errors import CurateError, UsageError
from curate.text.kernel import text_features
from curate.transforms.annotate import SCORES

_LEAST_FAILED = 20  # texts that may fail in a block whatever their share: they may well be at fault themselves
_DECIMALS = 6  # as for the scores of curate's own detector


@dataclass(frozen=True)
class TextDetector:
    """A model that scores texts, with the same calibration as curate's own detector.

    Texts are given to the handler's preprocessing functions, batches of them to `run_inference`, predictions to its
    postprocessing functions and then to `score`. Batches are of the handler's `max_batch_size`, and of one text
    where it has none: then the score of a text cannot depend on the others of its batch, and the same documents
    give the same ledger however they are sharded. Larger ones make a GPU faster and may change the last digits.

    A text that the model fails on has no score: the document is kept, reason `uncalibrated`, and counted.

    Attributes:
        handler: a ModelHandler that takes strings, or has a preprocessing function that does (`with_preprocess_fn`).
        name: of the model, for the record; thresholds are never used with another detector's scores.
        version: of the model, likewise.
        score: makes log-odds of machine text of a prediction, larger for more machine-like.
    """

    handler: ModelHandler
    name: str
    version: str
    score: Callable[[Any], float] = log_odds

    def __post_init__(self) -> None:
        if not isinstance(self.handler, ModelHandler):
            raise UsageError(f"the handler of a detector is a {type(self.handler).__name__}, expected a ModelHandler")
        if self.handler.should_skip_batching():
            raise UsageError("the handler of a detector was made with_no_batching(); give it without: curate batches")

    @property
    def id(self) -> str:
        """What manifest and artefacts call it."""
        return f"{self.name}-{self.version}"


def with_detector(settings: Dict[str, Any], detector: TextDetector) -> Dict[str, Any]:
    """Settings that say which detector the scores come from.

    Raises:
        UsageError: they name one themselves.
    """
    synthetic = settings.get("synthetic", {})
    if synthetic.get("handler"):
        raise UsageError(
            f"synthetic.handler is {synthetic['handler']!r}, but the detector {detector.id} is given too; leave out one"
        )
    return {**settings, "synthetic": {**synthetic, "handler": detector.id}}


def configured_detector(config: Config) -> Optional[TextDetector]:
    """What the function returns that `synthetic.handler` names; None where scores are needed from no such function.

    Raises:
        UsageError: there is no such module or function, or it returns something else.
    """
    factory = config.synthetic.handler
    if factory is None or not config.synthetic.enabled:
        return None
    module, separator, name = factory.partition(":")
    expected = "expected module:function, a function that returns a curate.transforms.TextDetector"
    if not separator:
        raise UsageError(f"synthetic.handler is {factory!r}, {expected}")
    try:
        detector = getattr(importlib.import_module(module), name)()
    except Exception as error:  # whatever the operator's code raises
        raise UsageError(
            f"synthetic.handler is {factory!r}, which failed ({type(error).__name__}: {error}); mend it, install what "
            "it needs, or add its folder to PYTHONPATH"
        ) from error
    if not isinstance(detector, TextDetector):
        raise UsageError(f"synthetic.handler is {factory!r}, which gave a {type(detector).__name__}, {expected}")
    return detector


class ScoreTexts(beam.PTransform):
    """Appends to every block the scores of its texts.

    Args:
        detector: what scores them.
        config: settings; texts of fewer than `synthetic.min_tokens` tokens are not scored.

    Returns:
        The blocks, each with a column that `take_scores` takes off.

    Raises:
        UsageError: at run time, predictions of a kind that the detector's `score` does not take.
        RuntimeError: at run time, a block of which more than `run.max_error_rate` of the texts fail.
    """

    def __init__(self, detector: TextDetector, config: Config) -> None:
        self._detector = detector
        self._config = config

    def expand(self, blocks: beam.PCollection) -> beam.PCollection:
        """Applies the transform to a PCollection of blocks."""
        handler = _BlockHandler(self._detector, self._config)
        return blocks | "RunInference" >> RunInference(handler).with_output_types(pa.Table)


class _BlockHandler(ModelHandler[pa.Table, pa.Table, Any]):
    """The handler of blocks: a block is a batch made before, whose texts go to the handler of texts."""

    def __init__(self, detector: TextDetector, config: Config) -> None:
        self._detector = detector
        self._handler = detector.handler
        self._config = config
        self._failed = beam.metrics.Metrics.counter("curate.detector", "failed_texts")

    def run_inference(
        self, batch: pa.Table, model: Any, inference_args: Optional[Dict[str, Any]] = None
    ) -> List[pa.Table]:
        """Scores the texts of a block."""
        config = self._config
        texts = readable_texts(batch, config).texts
        tokens = text_features(texts, shingle=config.dedupe.shingle, permutations=0, seed=config.run.seed).tokens
        long = texts.is_valid().to_numpy(zero_copy_only=False) & (tokens >= config.synthetic.min_tokens)
        scores = np.full(len(texts), np.nan)
        scores[long] = self._score(texts.filter(pa.array(long)).to_pylist(), model, inference_args)
        rounded = np.round(scores, _DECIMALS).astype(np.float32)
        return [batch.append_column(SCORES, pa.array(rounded, from_pandas=True))]

    def _score(self, texts: List[str], model: Any, inference_args: Optional[Dict[str, Any]]) -> NDArray[np.float64]:
        """Scores texts in batches; where one fails, its texts one by one. NaN for those that fail alone."""
        scores = np.full(len(texts), np.nan)
        failures: List[Exception] = []

        def predict(rows: Sequence[int]) -> None:
            try:
                scores[rows] = self._predict([texts[row] for row in rows], model, inference_args)
            except CurateError:  # the detector is not what it was said to be: no fault of a text
                raise
            except Exception as error:
                if len(rows) == 1:
                    failures.append(error)
                else:
                    for row in rows:
                        predict([row])

        size = self._handler.batch_elements_kwargs().get("max_batch_size", 1)
        by_length = sorted(range(len(texts)), key=lambda row: len(texts[row]))  # so that batches need little padding
        for start in range(0, len(texts), size):
            predict(by_length[start : start + size])
        self._tell(failures, len(texts))
        return scores

    def _predict(self, texts: List[str], model: Any, inference_args: Optional[Dict[str, Any]]) -> List[float]:
        examples: List[Any] = texts
        for function in self._handler.get_preprocess_fns():
            examples = [function(example) for example in examples]
        predictions = list(self._handler.run_inference(examples, model, inference_args))
        for function in self._handler.get_postprocess_fns():
            predictions = [function(prediction) for prediction in predictions]
        if len(predictions) != len(texts):
            raise UsageError(
                f"detector {self._detector.id} gave {len(predictions)} predictions for {len(texts)} texts, expected "
                "one for each; see run_inference of its handler"
            )
        scores = [
            self._detector.score(each.inference if isinstance(each, PredictionResult) else each) for each in predictions
        ]
        if not np.isfinite(scores).all():
            raise ValueError(f"a score is not finite: {scores}")
        return scores

    def _tell(self, failures: List[Exception], texts: int) -> None:
        if not failures:
            return
        self._failed.inc(len(failures))
        first = " ".join(f"{type(failures[0]).__name__}: {failures[0]}".split())[:300]
        told = f"detector {self._detector.id} failed on {len(failures)} of {texts} texts of a block; {first}"
        if len(failures) >= _LEAST_FAILED and len(failures) > self._config.run.max_error_rate * texts:
            raise RuntimeError(f"{told}; mend it, or raise run.max_error_rate ({self._config.run.max_error_rate:.0%})")
        logging.getLogger(__name__).warning(told)

    def should_skip_batching(self) -> bool:
        """A block is a batch."""
        return True

    def get_num_bytes(self, batch: pa.Table) -> int:
        """Bytes of a block."""
        return batch.nbytes

    def load_model(self) -> Any:
        """The model of the handler of texts; what follows is its own as well."""
        return self._handler.load_model()

    def get_metrics_namespace(self) -> str:
        return self._handler.get_metrics_namespace()

    def get_resource_hints(self) -> Dict[str, Any]:
        return self._handler.get_resource_hints()

    def validate_inference_args(self, inference_args: Optional[Dict[str, Any]]) -> None:
        self._handler.validate_inference_args(inference_args)

    def set_environment_vars(self) -> None:
        self._handler.set_environment_vars()

    def share_model_across_processes(self) -> bool:
        return self._handler.share_model_across_processes()

    def model_copies(self) -> int:
        return self._handler.model_copies()

    def override_metrics(self, metrics_namespace: str = "") -> bool:
        return self._handler.override_metrics(metrics_namespace)
