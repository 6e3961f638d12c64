"""The detector: a fastText classifier (Joulin et al., 2017, arXiv 1607.01759) and the plain numbers beside it."""

import contextlib
import hashlib
import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import fasttext
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.detector.preprocess import detector_lines
from curate.errors import UsageError

MODEL_FILE = "detector.ftz"
MACHINE, HUMAN = "__label__machine", "__label__human"

_MAGIC = struct.pack("<i", 793_712_314)  # the first four bytes of every fastText model
_BATCH = 1_000
# fastText returns exp(log(p + 1e-5)); taking the constant off again keeps the digits of the smaller probability.
_FASTTEXT_FLOOR = 1e-5
_LEAST = 1e-11  # about the rounding error of p, in float32, after that subtraction
# Finer than the differences between texts, coarser than float32 noise of the last digit.
_DECIMALS = 6


@dataclass(frozen=True)
class Detector:
    """A loaded detector. It lives in one process: workers load their own, by path.

    Attributes:
        digest: SHA-256 of the model file, hexadecimal.
        numbers: what training stored beside the model (`detector.json`): Platt coefficients, reference scores.
    """

    digest: str
    numbers: Mapping[str, Any]
    _model: Any = field(repr=False)

    @property
    def id(self) -> str:
        """A short name that changes with the model file."""
        return f"fasttext-{self.digest[:12]}"

    @property
    def platt(self) -> tuple[float, float]:
        """(a, b) of logit P(machine) = a·score + b at equal classes; (1, 0) for a model without numbers."""
        platt = self.numbers.get("platt", {"a": 1.0, "b": 0.0})
        return float(platt["a"]), float(platt["b"])

    def reference_scores(self, label: str) -> NDArray[np.float32]:
        """Quantiles of the scores of held-out documents.

        Args:
            label: human or machine.

        Returns:
            float32, ascending; empty for a model without numbers.
        """
        return np.asarray(self.numbers.get("scores", {}).get(label, ()), dtype=np.float32)

    def score(self, texts: pa.Array, tokens: NDArray[np.int32], min_tokens: int) -> NDArray[np.float32]:
        """Scores documents: log p(machine) - log p(human), in nats.

        The score of a text depends on the text alone, not on the batch that it comes in.

        Args:
            texts: string or large_string[n].
            tokens: int32[n], tokens of each text.
            min_tokens: texts with fewer are not scored.

        Returns:
            float32[n]; NaN for null texts and for those that are too short.
        """
        scores = np.full(len(texts), np.nan, dtype=np.float32)
        scored = np.flatnonzero(texts.is_valid().to_numpy(zero_copy_only=False) & (np.asarray(tokens) >= min_tokens))
        for start in range(0, len(scored), _BATCH):
            rows = scored[start : start + _BATCH]
            scores[rows] = self._log_odds(detector_lines(pc.take(texts, pa.array(rows))).to_pylist())
        return scores

    def _log_odds(self, lines: list[str]) -> NDArray[np.float32]:
        labels, probabilities = self._model.predict(lines, k=2)
        # A line without a single word or bucket that the model knows has no labels at all.
        known = [len(pair) == 2 for pair in labels]
        machine_first = np.array([pair[0] == MACHINE for pair, ok in zip(labels, known, strict=True) if ok], dtype=bool)
        pairs = np.array([pair for pair, ok in zip(probabilities, known, strict=True) if ok], dtype=np.float64)
        logs = np.log(np.maximum(pairs.reshape(-1, 2) - _FASTTEXT_FLOOR, _LEAST))
        odds = np.full(len(lines), np.nan, dtype=np.float32)
        odds[known] = np.round(np.where(machine_first, 1.0, -1.0) * (logs[:, 0] - logs[:, 1]), _DECIMALS)
        return odds


def load_detector(path: str | None = None) -> Detector:
    """Loads a detector once per process.

    Args:
        path: a fastText file, or the directory that `curate detector train` wrote; None: the shipped model.

    Raises:
        UsageError: the file is missing, is no fastText model, or has other labels than machine and human.
    """
    with _model_file(path) as file:
        try:
            return _load(file, file.stat().st_mtime_ns)
        except OSError as error:
            raise UsageError(
                f"detector {str(path)!r}: {error.strerror}; give a model made by `curate detector train`"
            ) from None


def detector_files(path: str | None = None) -> dict[str, bytes]:
    """The files that a detector consists of, by name: the model and, where there are any, its numbers.

    Args:
        path: as for `load_detector`.
    """
    with _model_file(path) as file:
        numbers = file.with_suffix(".json")
        files = {MODEL_FILE: file.read_bytes()}
        return (
            {**files, Path(MODEL_FILE).with_suffix(".json").name: numbers.read_bytes()} if numbers.exists() else files
        )


@contextlib.contextmanager
def _model_file(path: str | None) -> Iterator[Path]:
    if path is None:
        with resources.as_file(resources.files("curate.detector").joinpath("model")) as shipped:
            yield shipped / MODEL_FILE
    else:
        file = Path(path)
        yield file / MODEL_FILE if file.is_dir() else file


@lru_cache(maxsize=4)
def _load(file: Path, modified: int) -> Detector:
    del modified  # part of the cache key: a model trained again under the same name is loaded again
    content = file.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if not content.startswith(_MAGIC):
        raise UsageError(f"detector {str(file)!r} is no fastText model; give one made by `curate detector train`")
    numbers = _read_numbers(file.with_suffix(".json"), digest)
    try:
        model = fasttext.load_model(str(file))
    except (ValueError, RuntimeError, MemoryError) as error:
        raise UsageError(f"detector {str(file)!r} cannot be loaded: {error}; train it again") from None
    labels = set(model.get_labels())
    if labels != {MACHINE, HUMAN}:
        raise UsageError(
            f"detector {str(file)!r} has the labels {sorted(labels)}, expected {[HUMAN, MACHINE]}; "
            "give a model made by `curate detector train`"
        )
    return Detector(digest, numbers, model)


def _read_numbers(file: Path, digest: str) -> Mapping[str, Any]:
    """The numbers stored beside a model; none for a model that was trained elsewhere."""
    if not file.exists():
        return {}
    try:
        numbers = json.loads(file.read_text(encoding="utf-8"))
        trained_for = numbers["sha256"]
    except (ValueError, TypeError, KeyError):
        raise UsageError(
            f"{str(file)!r} is not what `curate detector train` writes; train the detector again"
        ) from None
    if trained_for != digest:
        raise UsageError(
            f"{str(file)!r} belongs to the model {trained_for[:12]}, the file beside it is {digest[:12]}; "
            "copy both together"
        )
    return numbers
