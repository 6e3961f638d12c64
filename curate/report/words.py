"""Numbers and reason codes in plain English."""

from collections.abc import Mapping
from typing import Any

REASONS = {
    "exact": "exact copies of a kept document",
    "near": "near duplicates of a kept document",
    "contained": "contained in a kept document",
    "line": "nothing but repeated lines",
    "detector": "machine text according to the detector",
    "declared": "declared machine text",
    "copy_of_synthetic": "copies of declared machine text",
    "conflict": "with contradicting evidence of origin",
    "duplicate_of_held": "duplicates of a held document",
    "suspect": "suspected machine text",
    "uncalibrated": "without a calibrated threshold",
    "quality": "below the quality gate",
    "unverified": "declared machine text that the verifier did not accept",
    "review": "unwanted by their reviewers",
    "rights": "whose rights deny or restrict the use",
    "evaluation": "overlapping with evaluation data",
    "budget": "left out by the token budget",
    "no_shortage": "machine text that no cluster is short of",
    "mixed": "of mixed origin, which the cap leaves no room for",
    "no_text": "without text",
    "too_long": "longer than documents.max_chars",
}

SINGULAR = {
    "exact": "exact copy of a kept document",
    "near": "near duplicate of a kept document",
    "copy_of_synthetic": "copy of declared machine text",
    "duplicate_of_held": "duplicate of a held document",
}

STAGES = {
    "read": "reading",
    "rights": "rights",
    "synthetic": "synthetic text",
    "dedupe": "duplicates",
    "mixture": "mixture",
}


FLOOR_CAUSES = {
    "no_text": "no real text",
    "gate": "too little evidence for copies",
    "copies": "the most copies are too few",
    "budget": "limited by the token budget",
    "growth": "limited by the growth allowed",
    "frozen": "not filled: the detector errs there",
    "cap": "fill at its cap",
}
"""Why a cluster stays below its floor (`curate.mixture.causes.CAUSES`)."""

GATE_CONDITIONS = {
    "documents": "few documents",
    "sources": "few sources",
    "one_source": "one source prevails",
    "duplicates": "many duplicates",
    "scattered": "scattered",
    "quality": "odd for its language",
}
"""What speaks against boosting a cluster (`curate.mixture.reference.gate_failures`)."""


def count(number: float | int | None) -> str:
    """12345.0 → 12,345; None → an en dash."""
    return "–" if number is None else f"{round(number):,}"


def percent(share: float | None, digits: int = 1) -> str:
    """0.1234 → 12.3%; None → an en dash."""
    return "–" if share is None else f"{100 * share:.{digits}f}%"


def decimal(number: float | None, digits: int = 3) -> str:
    """A number with at most `digits` decimals, trailing zeros cut; None → an en dash."""
    if number is None:
        return "–"
    return f"{number:.{digits}f}".rstrip("0").rstrip(".") if digits else f"{number:.0f}"


def plural(number: int, noun: str) -> str:
    """(1, document) → 1 document; (1200, document) → 1,200 documents."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def reason_words(reason: str | None, number: int = 2) -> str:
    """What a reason code of the ledger means for so many documents, the code itself where it is unknown."""
    if reason is None:
        return "no reason given"
    return SINGULAR[reason] if number == 1 and reason in SINGULAR else REASONS.get(reason, reason)


def reason_of_one(reason: str | None) -> str:
    """What a reason code says of one document: near → a near duplicate of a kept document."""
    words = reason_words(reason, 1)
    article = "an" if words[0] in "aeiou" else "a"
    return f"{article} {words}" if reason in SINGULAR else words.replace("whose rights", "its rights")


def floor_words(row: Mapping[str, Any]) -> str:
    """Whether a cluster's floor is met, or why not."""
    if row["reference"] is None:
        return "–"
    if not row["missing_tokens"]:
        return "met"
    failed = ", ".join(GATE_CONDITIONS.get(name, name) for name in row.get("gate_failed", ()))
    causes = [
        FLOOR_CAUSES.get(cause, cause) + (f" ({failed})" if cause == "gate" and failed else "")
        for cause in row.get("causes", ())
    ]
    return "; ".join(causes) or ("limited" if row.get("cause") == "limit" else "short of text")


def listing(parts: list[str]) -> str:
    """[a, b, c] → a, b and c."""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1] if parts else "nothing"
