"""Why a cluster stays below its floor, in the order in which one would look for it."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from curate.mixture.allocation import Allocation, AllocationOptions

CAUSES = ("no_text", "gate", "copies", "budget", "growth", "frozen", "cap")
"""What they mean:

* no_text: nothing real was accepted in it.
* gate: its text is not enough, and fails the evidence gate for copies.
* copies: not even the most copies are enough.
* budget, growth: what its floor asks for does not fit in.
* frozen: it has synthetic text, which may not fill where the detector is not to be trusted.
* cap: it has more synthetic text than its cap, or that of the whole, lets in.
"""

_FULL = 1.0 - 1e-9


def floor_causes(allocation: Allocation, frozen: NDArray[np.bool_], options: AllocationOptions) -> list[list[str]]:
    """What keeps each cluster below its floor; nothing where the floor is met.

    Args:
        allocation: of k clusters.
        frozen: bool[k], as it was allocated with.
        options: likewise.

    Returns:
        k lists of `CAUSES`, in their order.
    """
    short = allocation.missing > 0
    none = allocation.accepted == 0
    supply = ~none & (allocation.cause == "supply")
    limited = ~none & ~supply
    unused = short & ~none & (allocation.available > 0) & (allocation.synthetic < allocation.available * _FULL)
    most = allocation.cap / (1.0 - allocation.cap) * np.minimum(allocation.real, allocation.accepted)
    overall = options.synthetic_cap / (1.0 - options.synthetic_cap) * allocation.real.sum()
    capped = (allocation.synthetic >= most * _FULL) | (allocation.synthetic.sum() >= overall * _FULL)
    found = {
        "no_text": none,
        "gate": supply & ~allocation.boosted,
        "copies": supply & allocation.boosted,
        "budget": limited & (options.token_budget > 0),
        "growth": limited & (options.token_budget == 0),
        "frozen": unused & frozen,
        "cap": unused & ~frozen & capped,
    }
    return named({name: found[name] & short for name in CAUSES}, len(short))


def named(flags: Mapping[str, NDArray[np.bool_]], clusters: int) -> list[list[str]]:
    """The names of the flags that each of so many clusters has."""
    return [[name for name, flag in flags.items() if flag[cluster]] for cluster in range(clusters)]
