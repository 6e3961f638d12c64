"""The models of one's own that a run may ask about its texts: what each is asked, and what is made of its answer."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, List, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.annotate import readable_texts
from curate.clusters.vectors import as_vector
from curate.config import Config
from curate.decisions.verification import ANSWER, TEXT, as_probability
from curate.detector.other import log_odds
from curate.errors import UsageError
from curate.text.kernel import text_features
from curate.transforms.inference import TextModel

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
class TextEmbedder(TextModel):
    """A model that gives a vector for each text, to cluster instead of curate's own embedding.

    See `TextModel` for how it is asked. Clusters are never used with another embedder's vectors. A text that the
    model fails on, or gives zeros for, has no cluster; failures are counted.

    Attributes:
        vector: makes `mixture.dimensions` numbers of a prediction; they are brought to unit length.
    """

    vector: Callable[[Any], Any] = as_vector

    role: ClassVar[str] = "embedder"
    column: ClassVar[str] = "curate:embedding"

    def texts(self, block: pa.Table, config: Config) -> pa.Array:
        """All texts."""
        return readable_texts(block, config).texts

    def value(self, prediction: Any, config: Config) -> NDArray[np.float32]:
        """The vector as it was given, float32[dimensions]."""
        vector, dimensions = as_vector(self.vector(prediction)), config.mixture.dimensions
        if len(vector) != dimensions:
            raise UsageError(
                f"embedder {self.id} gave a vector of length {len(vector)}, expected that of mixture.dimensions, "
                f"{dimensions}; set it to their length"
            )
        if not np.isfinite(vector).all():
            raise ValueError("a number of the vector is not finite")
        return vector

    def values(self, found: List[Optional[NDArray[np.float32]]], config: Config) -> pa.Array:
        """Lists of float32, n."""
        none = np.zeros(config.mixture.dimensions, dtype=np.float32)
        flat = np.concatenate([none if vector is None else vector for vector in found] or [none[:0]])
        kind = pa.list_(pa.float32(), config.mixture.dimensions)
        missing = pa.array([vector is None for vector in found], pa.bool_())
        return pa.FixedSizeListArray.from_arrays(pa.array(flat), type=kind, mask=missing)


@dataclass(frozen=True)
class TextVerifier(TextModel):
    """A model that says which declared machine text may fill shortages, a large language model as a judge for instance.

    See `TextModel` for how it is asked: only about texts that the settings of the mixture could make fill, and once,
    when they are annotated. What it does not accept, or fails on, is dropped, reason `unverified`, and counted.

    Attributes:
        accept: makes a bool or a probability of a prediction; what it raises, and None, is a failure on that text.
    """

    accept: Callable[[Any], Any] = as_probability

    role: ClassVar[str] = "verifier"
    column: ClassVar[str] = ANSWER

    def texts(self, block: pa.Table, config: Config) -> pa.Array:
        """Those that come with the features (`curate.decisions.verification.with_questions`)."""
        return block[TEXT].combine_chunks()

    def value(self, prediction: Any, config: Config) -> float:
        """The probability that the text is fit."""
        return round(as_probability(self.accept(prediction)), _DECIMALS)

    def values(self, found: List[Optional[float]], config: Config) -> pa.Array:
        """float32[n]."""
        return pa.array(found, pa.float32())


@dataclass(frozen=True)
class TextModels:
    """The models of a run; None for what curate does itself, or not at all."""

    detector: Optional[TextDetector] = None
    embedder: Optional[TextEmbedder] = None
    verifier: Optional[TextVerifier] = None


NO_MODELS = TextModels()
