"""What a reviewer is told of a held document, in words: for the page, for files, for Label Studio."""

from collections.abc import Mapping
from typing import Any

from curate.report.sentences import sentence
from curate.report.words import decimal, percent
from curate.review.queue import Queue

Row = dict[str, Any]

COLUMNS = (
    "id", "content", "answer", "reviewer", "note", "text", "url", "source", "language", "cluster", "terms", "reason",
    "origin", "tier", "p_synthetic", "detector_score", "threshold", "group", "evidence", "copies", "matched_id",
    "matched_text",
)  # fmt: skip
"""Of an exported file. Those up to note are read back."""

EXCERPT = 500
"""Characters of the matched document that are exported."""

SEAL = "content:"
"""Begins the hash of the content in files, so that no spreadsheet takes it for a number."""


def related(row: Row) -> str | None:
    """The document to compare a held one with: its match, or the one that evidence came from."""
    travelled = (item["detail"] for item in row["evidence"] or [] if item["family"] == "duplicate")
    return row["matched_id"] or next(travelled, None)


def compared_with(row: Row, queue: Queue) -> str | None:
    """The same, else a held copy that follows its answer."""
    return related(row) or next(iter(queue.copies.get(row["id"], [])), None)


def described(row: Row, document: Mapping[str, Any], queue: Queue) -> Row:
    """`COLUMNS` of a held document but for those of the matched one, null where there is nothing.

    Args:
        row: of the ledger.
        document: text, url and source of the document as it was written.
        queue: that it is in.
    """
    evidence = [sentence(item) for item in row["evidence"] or []]
    return {
        "id": row["id"],
        "content": SEAL + queue.contents[row["id"]],
        "answer": None,
        "reviewer": None,
        "note": None,
        **document,
        "language": row["language"],
        "cluster": row["cluster"],
        "terms": ", ".join(queue.terms.get(row["cluster"], [])) or None,
        "reason": row["reason"],
        "origin": row["origin"],
        "tier": row["tier"],
        "p_synthetic": row["p_synthetic"],
        "detector_score": row["detector_score"],
        "threshold": row["threshold"],
        "group": row["group"],
        "evidence": "\n".join(evidence) or None,
        "copies": len(queue.copies.get(row["id"], [])),
        "matched_id": compared_with(row, queue),
    }


def score_words(row: Row) -> str:
    """The detector's score against its threshold."""
    if row["detector_score"] is None:
        return "The detector gave no score."
    chance = "" if row["p_synthetic"] is None else f"; probability of machine text {percent(row['p_synthetic'])}"
    if row["threshold"] is None:
        return f"Detector score {decimal(row['detector_score'])}, no threshold{chance}."
    side = "above" if row["detector_score"] > row["threshold"] else "not above"
    group = f" of {row['group']}" if row["group"] else ""
    score, threshold = decimal(row["detector_score"]), decimal(row["threshold"])
    return f"Detector score {score}, {side} the threshold {threshold}{group}{chance}."
