"""Whether a number has changed: by more than chance explains, and by enough to matter.

Both are needed, as for the metrics of one run (`curate.metrics.catalogue`): three standard errors, and a relative
change of more than 5 % for a warning, of more than 15 % for an alert, in either direction. Standard errors of numbers
that were measured on parts come from the bands of their runs, of estimates from their intervals. Those of what was
counted are of as many independent documents, and so a lower bound: documents of one site come and go together.
"""

import math
from collections.abc import Sequence

from curate.metrics.catalogue import BOTH, Metric, change, status
from curate.metrics.parts import Measured
from curate.report.tables import JsonDict

PLAIN = Metric("plain", "", 0.05)
"""What matters of a number that the catalogue does not know: 5 % of it."""
POINTS = Metric("points", "", 0.05, relative=False)
"""What matters of a share that may well be none before, or that is only estimated: 5 percentage points."""

NOT_JUDGED = {"relative": None, "bands": None, "status": None}
"""Of a difference of which nothing can be said."""

SIGMAS = 3.0
_OF_INTERVAL = 1.96  # standard errors that an interval of 95 % is wide, to a side
_DIGITS = 6

Edges = Sequence[float | None] | None


def judged(metric: Metric, before: float | None, after: float | None, noise: float | None) -> JsonDict:
    """The change of a number, and whether it is one.

    Args:
        metric: says how much matters, and whether as a share of the value before.
        before: value of the earlier run, None where there is none.
        after: of the later one.
        noise: difference that chance explains; None where that is not known.

    Returns:
        `difference`; `relative` to the value before, if the metric says so; `bands`, the difference in units of the
        noise; `status`, None where nothing can be said.
    """
    if before is None or after is None or noise is None:
        known = None if before is None or after is None else round(after - before, _DIGITS)
        return {"difference": known, **NOT_JUDGED}
    found = Measured(after, 0, (before - noise, before + noise), None, before)
    moved = change(metric, found)
    return {
        "difference": round(after - before, _DIGITS),
        "relative": round(moved, _DIGITS) if metric.relative and moved is not None else None,
        "bands": round((after - before) / noise, 3) if noise else None,
        "status": status(metric._replace(side=BOTH), found),
    }


def counted(kind: str, before: float | None, after: float | None, n: Sequence[float]) -> float | None:
    """The noise of a number that was counted over documents.

    The variance of a count k is taken to be k + 1, that of the posterior of a Poisson rate with a flat prior: none of
    three documents says as little as one of three does.

    Args:
        kind: share, of which n times as many documents were counted (Poisson); else a number whose standard error is
            taken to be its n-th root part.
        before: value of the earlier run.
        after: of the later one.
        n: documents of both.
    """
    if before is None or after is None or min(n) <= 0:
        return None
    if kind == "share":
        return SIGMAS * math.sqrt((abs(before) + 1 / n[0]) / n[0] + (abs(after) + 1 / n[1]) / n[1])
    return SIGMAS * (abs(before) + abs(after)) / 2 * math.sqrt(1 / n[0] + 1 / n[1])


def estimated(before: float, interval: Edges, after: float, other: Edges) -> float | None:
    """The noise of an estimate: of the 95 % intervals of both runs, the sides that face each other.

    Args:
        before: value of the earlier run.
        interval: its interval; None without one.
        after: value of the later run.
        other: its interval.
    """
    side = 1 if after >= before else 0
    if interval is None or other is None or interval[side] is None or other[1 - side] is None:
        return None
    widths = (abs((interval[side] or 0.0) - before), abs((other[1 - side] or 0.0) - after))
    return SIGMAS / _OF_INTERVAL * math.hypot(*widths)


def measured(value: float, band: Edges, scale: float) -> float | None:
    """Half the width of a band around the human value in units of `scale`; by its wider side, as a share ends at 1."""
    if band is None or band[0] is None or band[1] is None:
        return None
    return max(band[1] - value, value - band[0]) / scale
