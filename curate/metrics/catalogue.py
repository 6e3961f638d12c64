"""The metrics: what each of them is, what of a difference matters, and which panel of the report it belongs to.

All are two-sided but where only one side can be bad: sampling at full temperature makes n-grams more diverse than
people's, sharpened sampling less. A warning needs a difference outside the band *and* larger than the tolerance; three
times as large, it is an alert.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from curate.metrics.parts import Measured

OK, WARN, ALERT, UNKNOWN = "ok", "warn", "alert", "unknown"
LOW, HIGH, BOTH = -1, 1, 0
ALERT_FACTOR = 3
_FLOOR = 0.01  # of the value that a difference is relative to: a share that people have not is large from there on


class Metric(NamedTuple):
    """One number of a slice.

    Attributes:
        name: short.
        label: what it is.
        tolerance: difference from human documents that matters; a share of their value if `relative`.
        relative: whether it is.
        side: `LOW`, `HIGH` or `BOTH`, which differences are bad.
        panel: Mix, Tail, Diversity or Integrity.
        kind: how it is written: share or number.
        fitted: name of the artefact that it depends on; empty for none.
    """

    name: str
    label: str
    tolerance: float
    relative: bool = True
    side: int = BOTH
    panel: str = "Diversity"
    kind: str = "number"
    fitted: str = ""


METRICS = (
    *(Metric(f"distinct_{n}", f"distinct {n}-grams, share of all", 0.05, kind="share") for n in (1, 2, 3)),
    *(Metric(f"entropy_{n}", f"entropy of {n}-grams (bits)", 0.1, relative=False) for n in (1, 2, 3)),
    Metric("hapax", "words that occur once, share of the distinct words", 0.1, kind="share"),
    *(
        Metric(f"coverage_{n}", f"Good–Turing coverage of {n}-grams: the next one was seen before", 0.1, kind="share")
        for n in (1, 2)
    ),
    Metric("zipf_head", "Zipf slope, ranks 10 to 1,000", 0.05, relative=False),
    Metric("zipf_tail", "Zipf slope, ranks 1,000 to 100,000", 0.05, relative=False),
    Metric("heaps", "Heaps slope: growth of the vocabulary", 0.05, relative=False),
    Metric("compression", "compression ratio of blocks of 2,048 bytes", 0.05),
    Metric("templates", "documents with a run of 4 words that 3 in their part share", 0.5, side=HIGH, kind="share"),
    Metric("vendi", "Vendi score: effective number of dissimilar documents", 0.05, side=LOW, fitted="embedding"),
    *(
        Metric(f"tail_{n}", f"rare human {n}-grams found again", 0.05, side=LOW, panel="Tail", kind="share")
        for n in (1, 2)
    ),
    Metric("surprise", "perplexity under a human bigram model (bits per word)", 0.05, fitted="detector"),
    Metric(
        "smooth", "documents less surprising than 95% of human ones", 1.0, side=HIGH, kind="share", fitted="detector"
    ),
    Metric(
        "noise", "documents more surprising than 95% of human ones", 1.0, side=HIGH, kind="share", fitted="detector"
    ),
)

COUNTED = (
    Metric(
        "cluster_coverage",
        "clusters of human documents that are there",
        0.05,
        side=LOW,
        panel="Tail",
        kind="share",
        fitted="centroids",
    ),
    Metric("cluster_effective", "effective number of clusters", 0.05, fitted="centroids"),
    Metric(
        "cluster_divergence",
        "Jensen–Shannon divergence of clusters from human (bits)",
        0.02,
        relative=False,
        side=HIGH,
        panel="Tail",
        fitted="centroids",
    ),
    Metric("source_herfindahl", "concentration of sources (Herfindahl)", 0.5, side=HIGH, panel="Integrity"),
    Metric("source_top", "share of the largest source", 0.5, side=HIGH, panel="Integrity", kind="share"),
    Metric("duplicates_top", "documents in the largest 1% of the duplicate groups", 0.5, side=HIGH, kind="share"),
    Metric("duplicates_herfindahl", "concentration of duplicate groups (Herfindahl)", 0.5, side=HIGH),
)
"""Those that are counted over all documents (`curate.metrics.composition`); the panels judge them by limits of their
own."""

BY_NAME = {metric.name: metric for metric in (*METRICS, *COUNTED)}


def change(metric: Metric, found: Measured) -> float | None:
    """The difference from human documents, relative where the metric says so; None without them."""
    if found.value is None or found.baseline is None:
        return None
    return (found.value - found.baseline) / (max(abs(found.baseline), _FLOOR) if metric.relative else 1.0)


def worst_status(rows: Sequence[Mapping[str, Any]]) -> str:
    """The worst status of what was accepted, of `rows` of `curate.report.metrics.metrics_section`.

    `UNKNOWN` where no metric has a band: without human documents to compare with nothing is fine.
    """
    accepted = [row["slices"]["accepted"] for row in rows if "accepted" in row["slices"]]
    found = [number["status"] for number in accepted if number["band"] is not None]
    return max(found, key=(OK, WARN, ALERT).index, default=UNKNOWN)


def status(metric: Metric, found: Measured) -> str:
    """Whether a metric of a slice is what human documents have it."""
    moved = change(metric, found)
    if moved is None or found.band is None or found.value is None:
        return OK
    low, high = found.band
    bad = (found.value < low and metric.side <= 0) or (found.value > high and metric.side >= 0)
    if not bad or abs(moved) <= metric.tolerance:
        return OK
    return ALERT if abs(moved) > ALERT_FACTOR * metric.tolerance else WARN
