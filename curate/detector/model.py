"""The detector: three views of a text and what they weigh, all plain numbers.

Boosted trees on the statistics of a text (`statistics`, `trees`), logistic regression on its n-grams (`regression`)
and fastText (`word_vectors`) each give log-odds. What is known of words counts by the share of the tokens that training
has met: in a language that it has not seen, the statistics speak alone. The sum is calibrated on held-out documents.

A text of up to 640 tokens is judged as a whole, a longer one by the mean of its windows of about 200 tokens, times a
gain that makes up for windows being less telling than wholes. The windows of all texts that are long enough for two are
told apart as well, to find pages of mixed origin.
"""

import contextlib
import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curate.detector import ranks
from curate.detector.distinct import distinct_tokens
from curate.detector.groups import LENGTH_BINS
from curate.detector.prevalence import MachineScores
from curate.detector.regression import ngram_counts, regression_scores
from curate.detector.statistics import Tables, segments, statistics, token_facts
from curate.detector.stream import TokenStream, token_stream
from curate.detector.trees import Trees
from curate.detector.word_vectors import WordVectors
from curate.errors import UsageError
from curate.threads import in_threads, threads

ARRAYS_FILE, NUMBERS_FILE = "detector.npz", "detector.json"
WHOLE_TOKENS = 640
"""Tokens of a text that is judged as a whole, at most."""
WINDOW_TOKENS = 200
"""Tokens in a window, about."""

_BATCH_BYTES = 1 << 19  # of text at a time: bounds the memory of a worker
# Finer than the differences between texts, coarser than the noise of the last digit.
_DECIMALS = 6
_ARRAYS = {
    "bigrams": np.uint8,
    "tokens": np.int16,
    "endings": np.int16,
    "regression": np.float32,
    "word_keys": np.uint32,
    "words": np.float32,
    "ngrams": np.float32,
    "edges": np.float32,
    "tree_features": np.uint16,
    "tree_bins": np.uint8,
    "tree_values": np.float32,
}
_HALVED = ("regression", "words", "ngrams")  # stored as float16

Floats = NDArray[np.float64]


class Views(NamedTuple):
    """What the parts of the detector say of m segments, float64[m] each.

    Attributes:
        trees: log-odds by the statistics.
        regression: log-odds by weighted n-grams.
        vectors: log-odds by fastText.
        known: share of the tokens that are in fastText's vocabulary.
    """

    trees: Floats
    regression: Floats
    vectors: Floats
    known: Floats


@dataclass(frozen=True)
class Components:
    """The fitted parts of a detector.

    Attributes:
        tables: of words, for the statistics.
        trees: on the statistics.
        regression: float32[buckets, 2].
        vectors: fastText.
    """

    tables: Tables
    trees: Trees
    regression: NDArray[np.float32]
    vectors: WordVectors

    def views(self, stream: TokenStream, bounds: NDArray[np.int64]) -> Views:
        """What the parts say of segments int64[m, 2]."""
        distinct = distinct_tokens(stream)
        vectors, known = self.vectors.score(stream, distinct, bounds)
        facts = token_facts(stream, distinct, self.tables)
        return Views(
            self.trees.predict(statistics(stream, facts, bounds, self.tables)),
            regression_scores(ngram_counts(stream, bounds), self.regression),
            vectors,
            known,
        )

    def to_arrays(self) -> dict[str, Any]:
        """The arrays of the model file, by name."""
        values = (*self.tables[1:], self.regression, *self.vectors, *self.trees)
        arrays: dict[str, Any] = dict(zip(_ARRAYS, values, strict=True))
        return arrays | {name: arrays[name].astype(np.float16) for name in _HALVED}

    @staticmethod
    def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> "Components":
        """Reads what `to_arrays` gave.

        Raises:
            KeyError: an array is missing.
        """
        read = [np.ascontiguousarray(arrays[name], dtype=kind) for name, kind in _ARRAYS.items()]
        return Components(Tables(ranks.load(), *read[:3]), Trees(*read[7:]), read[3], WordVectors(*read[4:7]))


@dataclass(frozen=True)
class Detector:
    """A loaded detector. It lives in one process: workers load their own, by path.

    Attributes:
        digest: SHA-256 of the model file, hexadecimal.
        numbers: what training stored beside the arrays (`detector.json`): how the views are weighed, Platt
            coefficients, reference scores.
    """

    digest: str
    numbers: Mapping[str, Any]
    _components: Components = field(repr=False)

    @property
    def id(self) -> str:
        """A short name that changes with the model."""
        return f"detector-{self.digest[:12]}"

    @property
    def tables(self) -> Tables:
        """The tables of words that its statistics read."""
        return self._components.tables

    @property
    def platt(self) -> tuple[float, float]:
        """(a, b) of logit P(machine) = a·score + b at equal classes."""
        platt = self.numbers.get("platt", {"a": 1.0, "b": 0.0})
        return float(platt["a"]), float(platt["b"])

    def reference_scores(self, label: str) -> NDArray[np.float32]:
        """Quantiles of the scores of held-out documents.

        Args:
            label: human or machine.

        Returns:
            float32, ascending; empty where training stored none.
        """
        return np.asarray(self.numbers.get("scores", {}).get(label, ()), dtype=np.float32)

    @property
    def fallback(self) -> dict[str, NDArray[np.float32]]:
        """Human scores that stand in where a corpus has none: language → ascending float32; may be empty."""
        stored = self.numbers.get("fallback", {})
        return {language: np.asarray(scores, dtype=np.float32) for language, scores in stored.items()}

    def machine_scores(self) -> MachineScores:
        """Scores of held-out machine documents by length bin; those of all lengths where they were not stored so."""
        pooled, stored = self.reference_scores("machine"), self.numbers.get("scores_by_length", {}).get("machine")
        counts = self.numbers.get("documents_by_length", {}).get("machine", {})
        total = self.numbers.get("documents", {}).get("machine", len(pooled))
        return MachineScores(
            [np.asarray(stored.get(name, ()) if stored else pooled, dtype=np.float32) for name in LENGTH_BINS],
            [int(counts.get(name, 0) if stored else total // len(LENGTH_BINS)) for name in LENGTH_BINS],
            self.reference_scores("human"),
            float(self.numbers.get("spread", np.std(pooled) / 2 if len(pooled) else 0.0)),
        )

    def score(self, texts: pa.Array, tokens: NDArray[np.int32], min_tokens: int) -> NDArray[np.float32]:
        """Scores documents: log-odds of machine text, in nats.

        The score of a text depends on the text alone, not on the batch that it comes in.

        Args:
            texts: string or large_string[n].
            tokens: int32[n], tokens of each text.
            min_tokens: texts with fewer are not scored.

        Returns:
            float32[n]; NaN for null texts and for those that are too short.
        """
        return self.judge(texts, tokens, min_tokens).scores

    def judge(self, texts: pa.Array, tokens: NDArray[np.int32], min_tokens: int) -> "Judgement":
        """Scores documents and their windows.

        Args:
            texts: string or large_string[n].
            tokens: int32[n], tokens of each text.
            min_tokens: texts with fewer are not scored.
        """
        judged = texts.is_valid().to_numpy(zero_copy_only=False) & (np.asarray(tokens) >= min_tokens)
        rows = np.flatnonzero(judged)
        parts = in_threads(lambda part: self._judge(texts.take(pa.array(part))), _batches(texts, rows))
        scores = np.full(len(texts), np.nan, dtype=np.float32)
        scores[rows] = np.concatenate([np.empty(0, np.float32), *(part.scores for part in parts)])
        windows = np.zeros(len(texts), dtype=np.int64)
        windows[rows] = np.concatenate([np.empty(0, np.int64), *(np.diff(part.offsets) for part in parts)])
        window_scores = np.concatenate([np.empty(0, np.float32), *(part.windows for part in parts)])
        return Judgement(scores, window_scores, np.concatenate([[0], np.cumsum(windows)]))

    def _judge(self, texts: pa.Array) -> "Judgement":
        stream = token_stream(texts)
        (wholes, whole_texts), (windows, window_texts) = wholes_of(stream), windows_of(stream)
        views = self._components.views(stream, np.concatenate([wholes, windows]))
        log_odds = np.round(weigh(views, self.numbers["stack"]), _DECIMALS)
        of_windows = log_odds[len(wholes) :]
        counts = np.bincount(window_texts, minlength=len(texts))
        with np.errstate(invalid="ignore"):
            scores = self.numbers["window_gain"] * np.bincount(window_texts, of_windows, len(texts)) / counts
        scores[whole_texts] = log_odds[: len(wholes)]
        offsets = np.concatenate([[0], np.cumsum(counts)])
        return Judgement(np.round(scores, _DECIMALS).astype(np.float32), of_windows.astype(np.float32), offsets)


class Judgement(NamedTuple):
    """Scores of n texts and of their windows.

    Attributes:
        scores: float32[n], log-odds; NaN where not scored.
        windows: float32[m], log-odds of the windows of all texts.
        offsets: int64[n + 1], where each text's windows start; texts too short for two have none.
    """

    scores: NDArray[np.float32]
    windows: NDArray[np.float32]
    offsets: NDArray[np.int64]


def weigh(views: Views, stack: Mapping[str, Mapping[str, float]]) -> Floats:
    """Puts the views together: `Σ weight · (view - center) / scale`, n-grams by the share of known tokens.

    Args:
        views: of m segments.
        stack: weight, center and scale of each view.
    """
    trees, regression, vectors = (
        stack[name]["weight"] * (getattr(views, name) - stack[name]["center"]) / stack[name]["scale"]
        for name in ("trees", "regression", "vectors")
    )
    total: Floats = trees + views.known * (regression + vectors)
    return total


def wholes_of(stream: TokenStream) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The texts that are judged as a whole, as `segments` gives them; longer ones are judged by their windows."""
    lengths = np.diff(stream.offsets)
    return segments(stream, ((lengths > 0) & (lengths <= WHOLE_TOKENS)).astype(np.int64))


def windows_of(stream: TokenStream) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Windows of about `WINDOW_TOKENS` of the texts that are long enough for two, as `segments` gives them."""
    lengths = np.diff(stream.offsets)
    return segments(
        stream, np.where(lengths >= 2 * WINDOW_TOKENS, np.round(lengths / WINDOW_TOKENS), 0).astype(np.int64)
    )


def parts_of(stream: TokenStream) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Parts of at most `WHOLE_TOKENS` of every text, which is what training sees, as `segments` gives them."""
    return segments(stream, -(-np.diff(stream.offsets) // WHOLE_TOKENS))


def load_detector(path: str | None = None) -> Detector:
    """Loads a detector once per process.

    Args:
        path: the directory that `curate detector train` wrote, or the detector.npz in it; None: the shipped one.

    Raises:
        UsageError: the files are missing or not what `curate detector train` writes.
    """
    with _model_file(path) as file:
        try:
            return _load(file, file.stat().st_mtime_ns)
        except OSError as error:
            raise UsageError(
                f"detector {str(path)!r}: {error.strerror}; give a model made by `curate detector train`"
            ) from None


def detector_files(path: str | None = None) -> dict[str, bytes]:
    """The files that a detector consists of, by name.

    Args:
        path: as for `load_detector`.
    """
    with _model_file(path) as file:
        return {ARRAYS_FILE: file.read_bytes(), NUMBERS_FILE: file.with_suffix(".json").read_bytes()}


def save_detector(components: Components, numbers: Mapping[str, Any], directory: Path) -> Detector:
    """Writes the model file and the numbers beside it, and loads them.

    Args:
        components: the fitted parts.
        numbers: what is stored beside them; the digest of the model file is added.
        directory: existing one.
    """
    content = io.BytesIO()
    np.savez_compressed(content, **components.to_arrays())
    directory.joinpath(ARRAYS_FILE).write_bytes(content.getvalue())
    numbers = {"sha256": hashlib.sha256(content.getvalue()).hexdigest(), **numbers}
    text = json.dumps(numbers, indent=1, ensure_ascii=False) + "\n"
    directory.joinpath(NUMBERS_FILE).write_text(text, encoding="utf-8")
    return load_detector(str(directory))


@contextlib.contextmanager
def _model_file(path: str | None) -> Iterator[Path]:
    if path is None:
        with resources.as_file(resources.files("curate.detector").joinpath("model")) as shipped:
            yield shipped / ARRAYS_FILE
    else:
        file = Path(path)
        yield file / ARRAYS_FILE if file.is_dir() else file


@lru_cache(maxsize=4)
def _load(file: Path, modified: int) -> Detector:
    del modified  # part of the cache key: a model trained again under the same name is loaded again
    content = file.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            components = Components.from_arrays(arrays)
    except (ValueError, KeyError, OSError, EOFError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error):
        raise UsageError(
            f"detector {str(file)!r} is no detector model; give one made by `curate detector train`"
        ) from None
    return Detector(digest, _read_numbers(file.with_suffix(".json"), digest), components)


def _read_numbers(file: Path, digest: str) -> Mapping[str, Any]:
    try:
        numbers = json.loads(file.read_text(encoding="utf-8"))
        trained_for, _, _ = numbers["sha256"], numbers["stack"], numbers["window_gain"]
    except FileNotFoundError:
        raise UsageError(f"{str(file)!r} is missing; copy it together with the model beside it") from None
    except (ValueError, TypeError, KeyError, RecursionError):
        raise UsageError(
            f"{str(file)!r} is not what `curate detector train` writes; train the detector again"
        ) from None
    if trained_for != digest:
        raise UsageError(
            f"{str(file)!r} belongs to the model {trained_for[:12]}, the file beside it is {digest[:12]}; "
            "copy both together"
        )
    return numbers


def _batches(texts: pa.Array, rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Runs of rows of bounded size, at least one for each thread."""
    count = max(1, min(len(rows), max(-(-texts.nbytes // _BATCH_BYTES), threads())))
    cuts = [len(rows) * part // count for part in range(count + 1)]
    return [rows[start:end] for start, end in pairwise(cuts)]
