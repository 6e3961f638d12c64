"""Which duplicates may be dropped: the rules of the sources that documents come from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.config import Dedupe

NEVER = np.float32(np.inf)
"""A threshold that no pair reaches."""


@dataclass(frozen=True)
class Policies:
    """p rules, and which of them each document falls under. A rule says what may be dropped, not what may lead.

    Attributes:
        of: number of the rule of each document, int64[documents].
        exact: whether an exact duplicate is dropped, bool[p].
        threshold: least Jaccard similarity of a near duplicate, float32[p].
        containment: least containment of a contained one, float32[p].
    """

    of: NDArray[np.int64]
    exact: NDArray[np.bool_]
    threshold: NDArray[np.float32]
    containment: NDArray[np.float32]


def rule_numbers(sources: pa.ChunkedArray, named: Sequence[str]) -> NDArray[np.int64]:
    """The number of each document's rule, int64[documents]: that of its source; for others the one after all of them.

    Args:
        sources: string[documents].
        named: the sources that have rules.
    """
    found = pc.index_in(sources, value_set=pa.array(named, pa.string()))
    return found.fill_null(len(named)).to_numpy().astype(np.int64)


def policies(sources: pa.ChunkedArray, dedupe: Dedupe) -> Policies:
    """The rules of `dedupe.sources`, and the general one for all other sources.

    Args:
        sources: string[documents].
        dedupe: settings.
    """
    rules = list(dedupe.sources.values())
    near = [rule.drop == "near" for rule in rules]
    thresholds = [
        (rule.threshold or dedupe.threshold, rule.containment or dedupe.containment) if some else (NEVER, NEVER)
        for rule, some in zip(rules, near, strict=True)
    ]
    limits = np.array([*thresholds, (dedupe.threshold, dedupe.containment)], dtype=np.float32)
    return Policies(
        of=rule_numbers(sources, list(dedupe.sources)),
        exact=np.array([*(rule.drop != "none" for rule in rules), True]),
        threshold=limits[:, 0],
        containment=limits[:, 1],
    )
