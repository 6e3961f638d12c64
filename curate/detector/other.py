"""Another detector than curate's own: a model of the operator's that hands over scores, and how they are read."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.config import Config
from curate.detector.model import Detector, load_detector
from curate.detector.prevalence import MachineScores
from curate.errors import UsageError

_REMEDY = "give TextDetector a `score` that makes log-odds of machine text of it"
_LEAST = 2.0**-126  # the least probability that float32 holds in full


@dataclass(frozen=True)
class OtherDetector:
    """A detector of which nothing is known but its scores in this corpus.

    Its thresholds are those of the trusted human documents. Without known machine text to compare with, the
    prevalence has a lower bound only.

    Attributes:
        platt: (a, b) of logit P(machine) = a·score + b; the score is taken for the log-odds themselves.
        fallback: no human scores that could stand in.
    """

    platt: tuple[float, float] = (1.0, 0.0)
    fallback: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    def machine_scores(self) -> MachineScores:
        """None, by length."""
        return MachineScores((), (), np.empty(0, np.float32), 0.0)

    def reference_scores(self, label: str) -> NDArray[np.float32]:
        """No scores of held-out documents, float32[0]."""
        del label
        return np.empty(0, np.float32)


def detector_of(config: Config) -> Detector | OtherDetector:
    """The detector that the scores of a run come from.

    Raises:
        UsageError: `synthetic.model` cannot be loaded.
    """
    return OtherDetector() if config.synthetic.handler else load_detector(config.synthetic.model)


def unscored(tokens: NDArray[np.int32], scores: NDArray[np.float32], config: Config) -> NDArray[np.bool_]:
    """Texts that the model failed on: long enough to be scored, but without a score.

    curate's own detector, which scores everything that it knows a word of, has none.

    Args:
        tokens: int32[n].
        scores: float32[n], NaN where there is none.
        config: settings of the filter.

    Returns:
        bool[n].
    """
    expected = config.synthetic.enabled and config.synthetic.handler is not None
    return expected & (tokens >= config.synthetic.min_tokens) & np.isnan(scores)


def log_odds(output: Any, machine: int | str = 1) -> float:
    """Log-odds of machine text of the outputs that classifiers commonly give.

    Args:
        output: one of
            a number, or an array of one: the log-odds themselves (an ONNX or PyTorch model with one logit);
            an array of two or more: logits by class;
            a mapping with `logits`: likewise (a Hugging Face model);
            a sequence of mappings with `label` and `score`, the probabilities of all classes (a Hugging Face
            pipeline with `top_k=None`; that of the best class alone is rounded near 1, which leaves ties).
        machine: the class of machine text, a number for logits, a name for labels.

    Returns:
        log p(machine) - log p(not machine), in nats.

    Raises:
        UsageError: the output is none of these, or has no such class.
    """
    if isinstance(output, Mapping) and "logits" in output:
        return log_odds(output["logits"], machine)
    if isinstance(output, Mapping):
        return _of_labels([output], machine)
    if isinstance(output, Sequence) and output and isinstance(output[0], Mapping):
        return _of_labels(output, machine)
    try:
        logits = np.asarray(output.detach().cpu() if hasattr(output, "detach") else output, dtype=np.float64).ravel()
    except (TypeError, ValueError):
        raise UsageError(f"the detector gave a {type(output).__name__}, expected logits; {_REMEDY}") from None
    if len(logits) == 1:
        return float(logits[0])
    if not isinstance(machine, int) or not 0 <= machine < len(logits):
        raise UsageError(
            f"the detector gave {len(logits)} logits, but machine is {machine!r}, expected the number of a class; "
            "name it, as in functools.partial(log_odds, machine=1)"
        )
    return float(logits[machine] - np.logaddexp.reduce(np.delete(logits, machine)))


def _of_labels(classes: Sequence[Mapping[str, Any]], machine: int | str) -> float:
    try:
        scores = {each["label"]: float(each["score"]) for each in classes}
    except (KeyError, TypeError, ValueError):
        raise UsageError(
            f"the detector gave {str(classes)[:200]}, expected a label and a score for each class; {_REMEDY}"
        ) from None
    if machine not in scores or len(scores) < 2:
        raise UsageError(
            f"the detector gave the labels {sorted(scores)}, expected {machine!r} and others; ask for all classes "
            "(top_k=None), and name that of machine text, as in functools.partial(log_odds, machine='Fake')"
        )
    if any(not 0 <= score <= 1 for score in scores.values()):
        raise UsageError(f"the detector gave the scores {scores}, expected probabilities; {_REMEDY}")
    of_machine = scores.pop(machine)
    return math.log(max(of_machine, _LEAST)) - math.log(max(sum(scores.values()), _LEAST))
