"""What a test for a watermark is, whoever wrote it."""

from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

LEAST_NGRAMS = 50
"""Distinct n-grams below which a text is not tested: too few for any key to show (Kirchenbauer et al. 2306.04634)."""


class Scores(NamedTuple):
    """Results of one test on n texts.

    Attributes:
        statistic: float64[n], larger the more watermarked; NaN where not tested.
        p_value: float64[n], uniform on texts without the watermark; NaN where not tested.
        n: int32[n], distinct n-grams that the text has.
    """

    statistic: NDArray[np.float64]
    p_value: NDArray[np.float64]
    n: NDArray[np.int32]


class WatermarkDetector(Protocol):
    """A test for one watermark with one key. Results of a text depend on the text alone."""

    def fingerprint(self) -> tuple[str, str, str]:
        """(kind, version, digest): the same as long as results are; the digest covers keys, but does not tell them."""
        ...

    def score(self, texts: pa.Array) -> Scores:
        """Tests texts.

        Args:
            texts: string or large_string[n]; null is not tested.
        """
        ...


def identifier(name: str, detector: WatermarkDetector) -> str:
    """The name that results are kept under: two keys under one name must not be taken for each other."""
    return "/".join((name, *detector.fingerprint()))
