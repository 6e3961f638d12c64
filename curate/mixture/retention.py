"""What becomes of the tail in the long run, when models train on text that earlier models wrote.

Two closed forms (science notes 1.3). Of a pattern with c documents nothing is left after G generations of resampling
with probability q_G^c, q_0 = 0, q_(j+1) = exp(q_j − 1). And where every generation trains on a share a of real text
and on text of its predecessor, which multiplies the share of the tail by μ, the share tends to ρ times the real one:

    x' = a·π + (1 − a)·μ·x,  so that  ρ = x/π = a / (1 − (1 − a)·μ).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

FRAGILE_DOCUMENTS = 18
"""Fewer documents than this are likelier than 5 % to be gone after ten generations (c ≈ G·ln(1/δ)/2)."""

GENERATOR_TAIL = 0.5
"""μ that predictions assume: a generator that halves the tail, which the default synthetic cap is made for."""


def tail_retention(real: ArrayLike, real_share: float, generator_tail: float = GENERATOR_TAIL) -> NDArray[np.float64]:
    """ρ for parts of a corpus.

    A part whose real tokens have the share r·π of the corpus, r = a where it is as large as in the reference, keeps
    r / (1 − (1 − a)·μ) of its share. Above 1 it is lifted.

    Args:
        real: r, the real tokens of each part over all tokens of the corpus, divided by its reference share, [k].
        real_share: a, the real share of the whole corpus, within [0, 1].
        generator_tail: μ, within [0, 1].

    Returns:
        float64[k]; 0 where both a and r are 0.
    """
    lost = 1.0 - (1.0 - real_share) * generator_tail
    return np.asarray(real, dtype=np.float64) / lost if lost > 0 else np.zeros_like(np.asarray(real, np.float64))
