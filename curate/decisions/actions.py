"""What becomes of suspects: the actions of the zones, by the rules of the sources that documents come from."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curate.config import ACTIONS, Synthetic
from curate.decisions.policy import rule_numbers

KEEP, WEIGHT, HOLD, DROP = (np.int8(severity) for severity in range(len(ACTIONS)))
"""The actions by severity."""


@dataclass(frozen=True)
class Actions:
    """What each document is to expect above either threshold.

    Attributes:
        suspect: above that of suspicion, int8[n].
        condemned: above that to drop as well, int8[n]; at least as severe.
    """

    suspect: NDArray[np.int8]
    condemned: NDArray[np.int8]


def actions(sources: pa.ChunkedArray, synthetic: Synthetic) -> Actions:
    """The actions of `synthetic.sources`, and the general ones for all other sources.

    Args:
        sources: string[n].
        synthetic: settings.
    """
    rules = [synthetic.actions(source) for source in (*synthetic.sources, None)]
    severity = np.array([[ACTIONS.index(action) for action in rule] for rule in rules], dtype=np.int8)
    rule = rule_numbers(sources, list(synthetic.sources))
    return Actions(severity[rule, 0], severity[rule, 1])
