"""What a watermark makes of a verdict: a document that would be accepted is held."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from curate.decisions.verdict import ACCEPT, HOLD, Verdicts


def hold_watermarked(judged: Verdicts, watermarked: NDArray[np.bool_], unknown: NDArray[np.bool_]) -> Verdicts:
    """Holds watermarked documents as suspects.

    A watermark is strong evidence, not a declaration: quoted machine text carries it too. It needs no calibration, so
    rare clusters and languages are not spared, but a known origin is not argued with.

    Args:
        judged: verdicts without watermarks.
        watermarked: bool[n], from `curate.watermarks.evidence`.
        unknown: bool[n], documents whose origin is not known from their own or from travelled evidence.
    """
    held = watermarked & unknown & (judged.verdict == ACCEPT)
    return replace(
        judged,
        verdict=np.where(held, HOLD, judged.verdict),
        reason=np.where(held, "suspect", judged.reason),
        weight=np.where(held, 1.0, judged.weight),
    )
