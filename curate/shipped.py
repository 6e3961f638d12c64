"""Data that curate ships as NumPy archives without pickles."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def shipped_array(path: Path, name: str) -> NDArray[Any]:
    """One array of a shipped archive, read-only, since all who ask share it."""
    with np.load(path, allow_pickle=False) as arrays:
        array: NDArray[Any] = arrays[name]
    array.flags.writeable = False
    return array
