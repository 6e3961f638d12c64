"""Wiring of models of one's own: any Beam ModelHandler that takes texts, run by RunInference where the texts lie.

A block of documents is RunInference's batch. Loading and sharing of the model and metrics are Beam's, and no text
leaves its block: what is made of the predictions is appended to it as a column, which `take_column` takes off again.
"""

import importlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Dict, List, Optional, Tuple, Type, TypeVar

import apache_beam as beam
import pyarrow as pa
from apache_beam.ml.inference.base import ModelHandler, PredictionResult, RunInference

from curate.config import Config
from curate.errors import CurateError, UsageError
from curate.transforms.counters import counter

_LEAST_FAILED = 20  # texts that may fail in a block whatever their share: they may well be at fault themselves

Model = TypeVar("Model", bound="TextModel")


@dataclass(frozen=True)
class TextModel:
    """A model that is asked something of texts.

    Texts are given to the handler's preprocessing functions, batches of them to `run_inference`, predictions to its
    postprocessing functions and then to `value`. Batches are of the handler's `max_batch_size`, and of one text
    where it has none: then the value of a text cannot depend on the others of its batch, and the same documents
    give the same ledger however they are sharded. Larger ones make a GPU faster and may change the last digits.

    Attributes:
        handler: a ModelHandler that takes strings, or has a preprocessing function that does (`with_preprocess_fn`).
        name: of the model, for the record.
        version: of the model, likewise.
    """

    handler: ModelHandler
    name: str
    version: str

    role: ClassVar[str] = "model"
    """What messages and counters call it."""
    column: ClassVar[str] = ""
    """Of the values in a block."""

    def __post_init__(self) -> None:
        if not isinstance(self.handler, ModelHandler):
            raise UsageError(
                f"the handler of {self._article} is a {type(self.handler).__name__}, expected a ModelHandler"
            )
        if self.handler.should_skip_batching():
            raise UsageError(
                f"the handler of {self._article} was made with_no_batching(); give it without: curate batches"
            )

    @property
    def id(self) -> str:
        """What manifest and artefacts call it."""
        return f"{self.name}-{self.version}"

    @property
    def _article(self) -> str:
        return f"{'an' if self.role[0] in 'aeiou' else 'a'} {self.role}"

    def texts(self, block: pa.Table, config: Config) -> pa.Array:
        """The texts of a block that it is asked about, strings[n]; null for the other rows."""
        raise NotImplementedError

    def value(self, prediction: Any, config: Config) -> Any:
        """What is made of a prediction.

        Raises:
            UsageError: the prediction is of another kind than was said, which ends the run.
            Exception: any other is a failure on that text.
        """
        raise NotImplementedError

    def values(self, found: List[Optional[Any]], config: Config) -> pa.Array:
        """The column of the values; None for rows that it was not asked about or failed on."""
        raise NotImplementedError


def made_by(factory: str, setting: str, kind: Type[Model]) -> Model:
    """The model that a function of the operator's returns.

    Args:
        factory: module:function.
        setting: that names it.
        kind: of model that it is to return.

    Raises:
        UsageError: there is no such module or function, or it returns something else.
    """
    module, separator, name = factory.partition(":")
    expected = f"expected module:function, a function that returns a curate.transforms.{kind.__name__}"
    if not separator:
        raise UsageError(f"{setting} is {factory!r}, {expected}")
    try:
        model = getattr(importlib.import_module(module), name)()
    except Exception as error:  # whatever the operator's code raises
        raise UsageError(
            f"{setting} is {factory!r}, which failed ({type(error).__name__}: {error}); mend it, install what "
            "it needs, or add its folder to PYTHONPATH"
        ) from error
    if not isinstance(model, kind):
        raise UsageError(f"{setting} is {factory!r}, which gave a {type(model).__name__}, {expected}")
    return model


class AskModel(beam.PTransform):
    """Appends to every block what a model says of its texts.

    A text that the model fails on has no value; it is counted, and the first failure of a block is logged.

    Args:
        model: what is asked.
        config: settings.

    Returns:
        The blocks, each with the model's column.

    Raises:
        UsageError: at run time, predictions of a kind that the model does not take.
        RuntimeError: at run time, a block of which more than `run.max_error_rate` of the texts fail.
    """

    def __init__(self, model: TextModel, config: Config) -> None:
        self._model = model
        self._config = config

    def expand(self, blocks: beam.PCollection) -> beam.PCollection:
        """Applies the transform to a PCollection of blocks."""
        handler = _BlockHandler(self._model, self._config)
        return blocks | "RunInference" >> RunInference(handler).with_output_types(pa.Table)


def take_column(block: pa.Table, model: Optional[TextModel]) -> Tuple[pa.Table, Optional[pa.Array]]:
    """The block without a model's column, and that column; None where no model was asked."""
    if model is None:
        return block, None
    return block.drop_columns([model.column]), block[model.column].combine_chunks()


class _BlockHandler(ModelHandler[pa.Table, pa.Table, Any]):
    """The handler of blocks: a block is a batch made before, whose texts go to the handler of texts."""

    def __init__(self, asked: TextModel, config: Config) -> None:
        self._asked = asked
        self._handler = asked.handler
        self._config = config
        self._failed = counter("failed_texts")

    def run_inference(
        self, batch: pa.Table, model: Any, inference_args: Optional[Dict[str, Any]] = None
    ) -> List[pa.Table]:
        """Asks about the texts of a block."""
        texts = self._asked.texts(batch, self._config)
        rows = texts.is_valid().to_numpy(zero_copy_only=False).nonzero()[0].tolist()
        found: List[Optional[Any]] = [None] * len(texts)
        for row, value in zip(rows, self._values(texts.drop_null().to_pylist(), model, inference_args), strict=True):
            found[row] = value
        return [batch.append_column(self._asked.column, self._asked.values(found, self._config))]

    def _values(self, texts: List[str], model: Any, inference_args: Optional[Dict[str, Any]]) -> List[Optional[Any]]:
        """Asks in batches; where one fails, about its texts one by one. None for those that fail alone."""
        values: List[Optional[Any]] = [None] * len(texts)
        failures: List[Exception] = []

        def ask(rows: Sequence[int]) -> None:
            try:
                predictions = self._predict([texts[row] for row in rows], model, inference_args)
            except CurateError:  # the model is not what it was said to be: no fault of a text
                raise
            except Exception as error:
                if len(rows) == 1:
                    failures.append(error)
                else:
                    for row in rows:
                        ask([row])
                return
            for row, prediction in zip(rows, predictions, strict=True):
                try:
                    values[row] = self._asked.value(prediction, self._config)
                except CurateError:
                    raise
                except Exception as error:
                    failures.append(error)

        size = self._handler.batch_elements_kwargs().get("max_batch_size", 1)
        by_length = sorted(range(len(texts)), key=lambda row: len(texts[row]))  # so that batches need little padding
        for start in range(0, len(texts), size):
            ask(by_length[start : start + size])
        self._tell(failures, len(texts))
        return values

    def _predict(self, texts: List[str], model: Any, inference_args: Optional[Dict[str, Any]]) -> List[Any]:
        examples: List[Any] = texts
        for function in self._handler.get_preprocess_fns():
            examples = [function(example) for example in examples]
        predictions = list(self._handler.run_inference(examples, model, inference_args))
        for function in self._handler.get_postprocess_fns():
            predictions = [function(prediction) for prediction in predictions]
        if len(predictions) != len(texts):
            raise UsageError(
                f"{self._asked.role} {self._asked.id} gave {len(predictions)} predictions for {len(texts)} texts, "
                "expected one for each; see run_inference of its handler"
            )
        return [each.inference if isinstance(each, PredictionResult) else each for each in predictions]

    def _tell(self, failures: List[Exception], texts: int) -> None:
        if not failures:
            return
        self._failed.inc(len(failures))
        first = " ".join(f"{type(failures[0]).__name__}: {failures[0]}".split())[:300]
        told = f"{self._asked.role} {self._asked.id} failed on {len(failures)} of {texts} texts of a block; {first}"
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
