"""Equal parts of slices of a corpus, and what their spread among human documents says of a difference.

A slice is measured on parts of as many tokens (or documents) each, in the order of hashes; its value is their mean.
The parts of human documents tell how much parts differ by chance. What lies outside the band is a difference; whether
it matters is another question (`curate.metrics.catalogue`).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from curate.metrics.types import Text

PARTS = 12
"""Most parts that a slice is measured on."""

LEAST_PARTS = 4
"""Human parts below which there is no band."""

_MOST_TOKENS, _LEAST_TOKENS = 50_000, 1_000
_MOST_DOCUMENTS, _LEAST_DOCUMENTS = 250, 20
_THREE_SIGMA = 0.99865

Floats = NDArray[np.float64]


class Measured(NamedTuple):
    """A metric of a slice.

    Attributes:
        value: None where nothing could be measured.
        n: tokens or documents that it is computed from.
        band: where the value of as many human documents would be, within three standard errors; None without enough
            human documents, or where nothing was sampled.
        z: standard errors from the human value, None like the band.
        baseline: the human value; None without one.
    """

    value: float | None
    n: int
    band: Sequence[float] | None = None
    z: float | None = None
    baseline: float | None = None


def part_tokens(human: int, everything: int) -> int:
    """Tokens in a part: enough parts of the human slice for a band, if it has the tokens; at most 50,000."""
    enough = human if human >= LEAST_PARTS * _LEAST_TOKENS else everything
    return min(_MOST_TOKENS, max(_LEAST_TOKENS, enough // PARTS))


def part_documents(human: int, everything: int) -> int:
    """Documents in a group, likewise."""
    enough = human if human >= LEAST_PARTS * _LEAST_DOCUMENTS else everything
    return min(_MOST_DOCUMENTS, max(_LEAST_DOCUMENTS, enough // PARTS))


def cut(text: Text, members: NDArray[np.bool_], size: int) -> list[Text]:
    """The first parts, of `size` tokens each, of the documents that are members; what is left over is not measured."""
    text = text.first(members, PARTS * size)
    number = min(PARTS, len(text.codes) // size)
    return [text.between(i * size, (i + 1) * size) for i in range(number)]


def compare(
    values: Sequence[float] | Floats, human: Sequence[float] | Floats, n: int, least_spread: float = 0.0
) -> Measured:
    """The mean of a slice's parts, and the band that human parts give it.

    The standard error of the difference of two means, one of k parts and one of h: s·√(1/k + 1/h), s that of human
    parts; the band is as many of them wide as a t distribution of h − 1 degrees needs for what three are in a normal.

    Args:
        values: of the parts of the slice.
        human: of those of the human slice, which may be the same.
        n: tokens or documents of the slice.
        least_spread: least s that is believed, where a value moves in steps and human parts may all be at none.
    """
    own, base = (np.asarray(part, float)[~np.isnan(np.asarray(part, float))] for part in (values, human))
    if not len(own):
        return Measured(None, n)
    value = float(own.mean())
    if len(base) < LEAST_PARTS:
        return Measured(value, n, baseline=float(base.mean()) if len(base) else None)
    baseline = float(base.mean())
    error = max(float(base.std(ddof=1)), least_spread) * math.sqrt(1 / len(own) + 1 / len(base))
    width = error * float(scipy.special.stdtrit(len(base) - 1, _THREE_SIGMA))
    z = (value - baseline) / error if error else 0.0
    return Measured(value, n, (baseline - width, baseline + width), z, baseline)
