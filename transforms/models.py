"""The models of one's own that a run may ask about its texts: what each is asked, and what is made of its answer."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Dict, List, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.annotate import readable_texts
from curate.config import Config
from curate.detector.other import log_odds
from curate.errors import UsageError
from curate.text.kernel import text_features
from curate.transforms.inference import TextModel, made_by

_DECIMALS = 6  # as for the scores of curate's own detector


@dataclass(frozen=True)
class TextDetector(TextModel):
    """A model that scores texts, with the same calibration as curate's own detector.

    See `TextModel` for how it is asked. Thresholds are never used with another detector's scores. A text that the
    model fails on has no score: the document is kept, reason `uncalibrated`, and counted.

    Attributes:
        score: makes log-odds of machine text of a prediction, larger for more machine-like.
    """

    score: Callable[[Any], float] = log_odds

    role: ClassVar[str] = "detector"
    column: ClassVar[str] = "curate:detector_score"

    def texts(self, block: pa.Table, config: Config) -> pa.Array:
        """Texts of `synthetic.min_tokens` tokens or more."""
        texts = readable_texts(block, config).texts
        tokens = text_features(texts, shingle=config.dedupe.shingle, permutations=0, seed=config.run.seed).tokens
        long = pa.array(tokens >= config.synthetic.min_tokens)
        return pc.if_else(long, texts, pa.scalar(None, texts.type))

    def value(self, prediction: Any, config: Config) -> float:
        """The score."""
        score = float(self.score(prediction))
        if not math.isfinite(score):
            raise ValueError(f"a score is not finite: {score}")
        return score

    def values(self, found: List[Optional[float]], config: Config) -> pa.Array:
        """float32[n]."""
        return pa.array(np.round(np.array(found, dtype=np.float64), _DECIMALS).astype(np.float32), from_pandas=True)


@dataclass(frozen=True)
class TextModels:
    """The models of a run; None for what curate does itself, or not at all."""

    detector: Optional[TextDetector] = None


NO_MODELS = TextModels()


def configured_models(config: Config, given: TextModels = NO_MODELS) -> TextModels:
    """The models of the steps that are on: those given, else what the functions return that the settings name.

    Raises:
        UsageError: there is no such module or function, or it returns something else.
    """
    detector = given.detector if config.synthetic.enabled else None
    if config.synthetic.enabled and config.synthetic.handler is not None and detector is None:
        detector = made_by(config.synthetic.handler, "synthetic.handler", TextDetector)
    return TextModels(detector)


def with_model(settings: Dict[str, Any], section: str, name: str, model: TextModel) -> Dict[str, Any]:
    """Settings that say which model is asked.

    Raises:
        UsageError: they name one themselves.
    """
    values = settings.get(section, {})
    if values.get(name):
        raise UsageError(
            f"{section}.{name} is {values[name]!r}, but the {model.role} {model.id} is given too; leave out one"
        )
    return {**settings, section: {**values, name: model.id}}
