"""The column of quality signals, as the settings ask for them."""

import numpy as np
import pyarrow as pa

from curate.config import Config
from curate.quality.calibration import level_column
from curate.quality.catalogue import MODEL
from curate.quality.operator import model_scores
from curate.quality.signals import quality_signals, to_levels
from curate.schema import QUALITY


def quality_column(texts: pa.Array, config: Config) -> pa.Array:
    """Levels of the signals of texts.

    Args:
        texts: string or large_string[n].
        config: settings.

    Returns:
        `QUALITY`[n], null for null texts and where nothing asks for them.
    """
    if not config.judges_quality():
        return pa.nulls(len(texts), QUALITY)
    signals = quality_signals(texts)
    if config.quality.model is not None:
        signals[:, MODEL] = model_scores(texts, config.quality.model, config.quality.label)
    return level_column(to_levels(signals), np.array(texts.is_valid()))
