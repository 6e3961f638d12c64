"""Review in the report: how many documents wait, how often people contradict the machine, and what follows from it."""

from collections.abc import Mapping, Sequence
from typing import Any

from curate.report.panel import DETECTION, WARN, Panel
from curate.report.summary import Summary
from curate.report.words import decimal, percent, plural
from curate.review.agreement import OVERRIDES_WARN

JsonDict = dict[str, Any]


def table(told: Mapping[str, Any] | None, summary: Summary, clusters: Sequence[JsonDict]) -> JsonDict:
    """The review as JSON types.

    Args:
        told: `curate.review.outcome.Review.told`, None where the run knew of no answers.
        summary: of the whole ledger.
        clusters: rows of the report, of which key terms are taken.

    Returns:
        `queue` (documents that wait for an answer of their own) and `following` (held copies of theirs); with answers
        also what was told, each cluster with its key terms.
    """
    held = summary.total("flow", decision="held").documents
    following = summary.total("flow", decision="held", reason="duplicate_of_held").documents
    found: JsonDict = {"queue": held - following, "following": following}
    if told is None:
        return found
    terms = {row["cluster"]: row.get("terms", []) for row in clusters}
    rows = [row | {"terms": terms.get(row["cluster"], [])} for row in told["overrides"]]
    return found | dict(told) | {"overrides": rows}


def flag(panel: Panel, review: JsonDict, documents: int) -> None:
    """The figures of the review, and a warning where people contradict the machine too often.

    Args:
        panel: to add them to.
        review: `table`.
        documents: all that were read.
    """
    label = "documents waiting for an answer"
    following = f"{plural(review['following'], 'held document')} more, copies of these, follow the answers"
    note = following if review["following"] else ""
    panel.figure("queue", label, review["queue"], documents, "count", note, rests_on=DETECTION)
    if not review.get("answers"):
        return
    total = review["overrides_total"]
    interval = f"{percent(total['low'])} to {percent(total['high'])}" if total["n"] else ""
    panel.figure(
        "overrides",
        "answers of reviewers against the machine",
        total["rate"],
        total["n"],
        "share",
        band=(0, OVERRIDES_WARN),
        interval=(total["low"], total["high"]) if total["n"] else None,
        rests_on=DETECTION,
    )
    if total["rate"] is not None and total["rate"] > OVERRIDES_WARN:
        text = (
            f"reviewers contradict the machine in {percent(total['rate'])} of their answers ({interval}): recalibrate"
        )
        if review["raised"]:
            raised = ", ".join(f"{group} to {decimal(least)}" for group, least in sorted(review["raised"].items()))
            text += f"; this decision raised the threshold of {raised}"
        panel.flag(WARN, text, total["n"])
    for pair in review["agreement"]:
        label = f"agreement of {' and '.join(pair['reviewers'])} (Cohen's κ)"
        note = f"the same answer to {percent(pair['agreement'])}"
        panel.figure(f"kappa {'/'.join(pair['reviewers'])}", label, pair["kappa"], pair["n"], "number", note)
