"""Signals of texts, and the levels that they are kept as: one byte each."""

from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curate.detector import ranks
from curate.detector.model import load_detector
from curate.quality import characters, compiled, letters
from curate.quality.catalogue import LINEAR, LOGARITHM, SIGNALS
from curate.text.kernel import even_parts, text_buffers
from curate.threads import in_threads

UNDEFINED = 255
"""Level of what a text is too short for."""

TOP_LEVEL = 254

Levels = NDArray[np.uint8]


def quality_signals(texts: pa.Array) -> NDArray[np.float32]:
    """The signals of texts; those of a text depend on the text alone.

    Args:
        texts: array or chunked array of strings, n.

    Returns:
        float32[n, len(SIGNALS)]; NaN where the text is null or too short for a signal.
    """
    data, offsets, valid = text_buffers(texts)
    columns = np.full((len(valid), len(SIGNALS)), np.nan, np.float32)
    tables, model = _tables()

    def of_documents(part: slice) -> None:
        own = offsets[part.start : part.stop + 1]
        compiled.signals(data, own, valid[part], tables, model, columns[part])

    in_threads(of_documents, even_parts(offsets))
    return columns


def to_levels(signals: NDArray[np.float32]) -> Levels:
    """Levels 0 to 254 of signals, uint8 of the same shape; 255 for NaN."""
    levels = np.full(signals.shape, UNDEFINED, np.uint8)
    for place, signal in enumerate(SIGNALS):
        values = signals[:, place].astype(np.float64)
        defined = ~np.isnan(values)
        share = np.clip(values[defined] / signal.top, 0.0, 1.0)
        if signal.scale == LOGARITHM:
            share = np.clip(np.log1p(values[defined]) / np.log1p(signal.top), 0.0, 1.0)
        elif signal.scale != LINEAR:
            share = np.sqrt(share)
        levels[defined, place] = np.rint(TOP_LEVEL * share)
    return levels


def of_level(place: int, level: NDArray[np.floating] | float) -> NDArray[np.float64]:
    """The value of a signal at a level."""
    signal = SIGNALS[place]
    share = np.asarray(level, np.float64) / TOP_LEVEL
    if signal.scale == LOGARITHM:
        return np.expm1(share * np.log1p(signal.top))
    return signal.top * (share if signal.scale == LINEAR else share**2)


@lru_cache(maxsize=1)
def _tables() -> tuple[Any, Any]:
    """Characters and letters; ranks and bigrams of words, the latter of the shipped model of texts by people."""
    levels = letters.load()
    return (*characters.load(), levels, compiled.ascii_levels(levels)), (ranks.load(), load_detector().tables.bigrams)
