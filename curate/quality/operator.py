"""A fastText classifier of quality that the operator brings (Joulin et al., 2017), as in DCLM or FineWeb-Edu pipelines.

Its probability of one label becomes the signal `model`, with limits like any other and, where given, a threshold.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.errors import UsageError

_PREFIX = "__label__"
_BATCH = 1_000  # texts handed over at a time


def model_scores(texts: pa.Array, path: str, label: str) -> NDArray[np.float32]:
    """The probability of a label, float32[n]; NaN for null texts.

    Line breaks, which end a text for fastText, become spaces.

    Args:
        texts: strings, n.
        path: of the model.
        label: with or without fastText's prefix.

    Raises:
        UsageError: the model cannot be loaded or has no such label.
    """
    model = _load(path, Path(path).stat().st_mtime_ns if Path(path).is_file() else 0)
    wanted = label if label in model.get_labels() else _PREFIX + label
    if wanted not in model.get_labels():
        known = ", ".join(name.removeprefix(_PREFIX) for name in model.get_labels()[:10])
        raise UsageError(f"quality.label {label!r} is none of the model's labels; give one of {known}")
    scores = np.full(len(texts), np.nan, np.float32)
    rows = np.flatnonzero(texts.is_valid().to_numpy(zero_copy_only=False))
    for start in range(0, len(rows), _BATCH):
        part = rows[start : start + _BATCH]
        lines = pc.replace_substring_regex(texts.take(pa.array(part)), r"[\n\r\x00]+", " ").to_pylist()
        labels, probabilities = model.predict(lines, k=-1)
        scores[part] = [
            dict(zip(names, values, strict=True)).get(wanted, 0.0)
            for names, values in zip(labels, probabilities, strict=True)
        ]
    # fastText's softmax may exceed 1 by a little
    return np.clip(scores, 0.0, 1.0).round(4)


@lru_cache(maxsize=2)
def _load(path: str, modified: int) -> Any:
    del modified  # part of the cache key: a model trained again under the same name is loaded again
    import fasttext

    try:
        return fasttext.load_model(path)
    except (ValueError, RuntimeError) as error:
        raise UsageError(f"quality.model {path!r}: {error}; give a fastText model (.bin or .ftz)") from None
