"""The story of one document in words: what was read, what spoke for and against it, and what would change that."""

import difflib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.dataset as ds

from curate.decisions.verification import FAILED
from curate.decisions.verification import KIND as VERIFIER
from curate.detector.thresholds import SHIPPED
from curate.errors import UsageError
from curate.provenance.text.find import EDIT
from curate.report.earlier import output_of
from curate.report.ledgers import open_ledger
from curate.report.manifest import JsonDict
from curate.report.sentences import rights_sentence, sentence
from curate.report.words import count, decimal, percent, plural, reason_of_one

NEIGHBOURS = 2_000
Row = dict[str, Any]


def find(directory: str | Path, id: str) -> Row:
    """The ledger row of a document.

    Args:
        directory: output directory of a run.
        id: the id of the ledger, with its #2 where it has one.

    Raises:
        UsageError: there is no ledger, or no such id; names the nearest ids.
    """
    ledger = open_ledger(directory)
    rows = ledger.to_table(filter=pc.field("id") == id).to_pylist()
    if not rows:
        near = _nearest(ledger, id)
        hint = f"the nearest are {', '.join(map(repr, near))}" if near else "ids are listed in the ledger"
        raise UsageError(f"no document with the id {id!r} in {str(directory)!r}; {hint}")
    row: Row = rows[0]
    return row


def matched_in(directory: str | Path, row: Row, manifest: JsonDict) -> str | None:
    """The earlier output that a duplicate's match is in; None for other documents, or if it is of the same run."""
    if row["stage"] != "dedupe" or not manifest.get("against"):
        return None
    here = open_ledger(directory).count_rows(filter=pc.field("id") == row["matched_id"])
    return None if here else output_of(row["matched_id"], manifest)


def tell(row: Row, manifest: JsonDict, earlier: str | None = None, compared: str = "") -> str:
    """The story as paragraphs of plain text.

    Args:
        row: of the ledger, as `find` gives it.
        manifest: of the run; its `config` supplies the thresholds.
        earlier: the earlier output that its match is in (`matched_in`).
        compared: how its words differ from those of its match, or why that cannot be told.
    """
    config = manifest.get("config", {})
    parts = [
        _verdict(row),
        _document(row),
        _evidence(row),
        _detector(row, manifest.get("human_reference")),
        _match(row, config.get("dedupe", {}), earlier),
        compared,
        _mixture(row) + _verifier(row, manifest),
        _edits(row),
        "What would have changed this: " + _otherwise(row, config),
    ]
    return "\n\n".join(part for part in parts if part)


def _verdict(row: Row) -> str:
    if row["decision"] == "kept":
        note = f" Note: {reason_of_one(row['reason'])}." if row["reason"] else ""
        return f"{row['id']} was kept.{note}"
    verb = "held for review" if row["decision"] == "held" else "dropped"
    return f"{row['id']} was {verb} at stage {row['stage']}, reason {row['reason']}: {reason_of_one(row['reason'])}."


def _document(row: Row) -> str:
    length = "no text" if row["tokens"] is None else plural(row["tokens"], "token")
    language = f" in language {row['language']}" if row["language"] else ""
    rights = " " + rights_sentence(row["rights"], row["evidence"] or [])
    return f"It was read from {row['source_file'] or 'an unnamed source'}: {length}{language}.{rights}".rstrip()


def _evidence(row: Row) -> str:
    chance = f", probability of machine text {percent(row['p_synthetic'])}" if row["p_synthetic"] is not None else ""
    verdict = f"Origin: {row['origin'] or 'unknown'} ({row['tier'] or 'no tier'}{chance})."
    items = [item for item in row["evidence"] or [] if item["family"] != "rights"]
    if all(item["family"] in ("detector", "marker", "quality") for item in items):
        verdict += _assumed(row)
    if not items:
        return verdict + " There was no evidence of its origin."
    lines = [verdict + f" Evidence ({plural(len(items), 'item')}):"]
    lines += [f"  - {sentence(item)}" for item in items]
    return "\n".join(lines)


def _assumed(row: Row) -> str:
    """What a probability without evidence of origin rests on: prior and detector alone."""
    if row["p_synthetic"] is None:
        return ""
    told = " That probability was not measured: it is the share of machine text assumed for a document of its date"
    if row["detector_score"] is None:
        return told + "."
    return told + ", moved by the detector's score by at most the detector's limit of 3 nats (odds of 20 to 1)."


def _detector(row: Row, outside: JsonDict | None) -> str:
    if row["stage"] == "read":
        return ""
    if row["detector_score"] is None:
        return "The detector gave no score: the text is too short for it, it failed, or the step was off."
    score = f"The detector scored it {decimal(row['detector_score'])} (higher is more machine-like)"
    if row["threshold"] is None:
        return score + ". No threshold was calibrated for documents like this, so the score decided nothing."
    gap = row["detector_score"] - row["threshold"]
    side = "above" if gap > 0 else "below" if gap < 0 else "at"
    group = f" of group {row['group']}" if row["group"] else ""
    size = f", calibrated on {plural(row['group_n'], 'human document')}" if row["group_n"] is not None else ""
    if row["group"] and not row["group"].startswith(SHIPPED) and outside is not None:
        size += f", those of {outside['path']} among them"
    elif row["group"] and row["group"].startswith(SHIPPED):
        size += " that the detector came with, since the corpus has too few of its own in this language"
    return f"{score}, {side} the threshold {decimal(row['threshold'])}{group}{size}."


def _match(row: Row, dedupe: JsonDict, earlier: str | None) -> str:
    if not row["matched_id"]:
        return ""
    if row["reason"] == "evaluation":
        limit = f" (threshold {percent(dedupe['exclude_containment'])})" if "exclude_containment" in dedupe else ""
        return f"It contains {percent(row['containment'])} of the evaluation text {row['matched_id']}{limit}."
    if row["reason"] == "line" and row["similarity"] is None:
        return f"All of its lines are kept in other documents, the longest in {row['matched_id']}."
    measured = []
    if row["similarity"] is not None:
        limit = f" (threshold {decimal(dedupe['threshold'])})" if "threshold" in dedupe else ""
        measured.append(f"their shingle sets have a Jaccard similarity of {decimal(row['similarity'])}{limit}")
    if row["containment"] is not None:
        limit = f" (threshold {decimal(dedupe['containment'])})" if "containment" in dedupe else ""
        measured.append(f"{percent(row['containment'])} of its shingles are in the other{limit}")
    told = ": " + " and ".join(measured) if measured else ""
    if row["reason"] == "line":
        return (
            f"It is a copy of a document of which nothing is left, whose longest line is in {row['matched_id']}{told}."
        )
    place = f", which is in the earlier output {earlier}" if earlier else ""
    return f"It was compared with {row['matched_id']}{place}{told}."


def _mixture(row: Row) -> str:
    cluster = "It has no cluster." if row["cluster"] is None else f"It belongs to cluster {row['cluster']}."
    if row["decision"] != "kept":
        return cluster
    copies = {0: "not at all", 1: "once"}.get(row["copies"], f"{count(row['copies'])} times")
    chance = " (the fraction is rounded by a hash of the id)" if row["weight"] != row["copies"] else ""
    shares = (
        row["origin"] == "mixed" and row["cluster"] is not None
    )  # media have no cluster, and no part in the mixture
    mixed = " Being mixed, it shares the cap mixture.mixed_cap." if shares else ""
    return f"{cluster} With weight {decimal(row['weight'])} it appears {copies} in the corpus{chance}.{mixed}"


def _verifier(row: Row, manifest: JsonDict) -> str:
    name = manifest.get("artefacts", {}).get("verifier")
    asked = any(item["kind"] == VERIFIER for item in row["evidence"] or [])
    if name is None or not (asked or row["reason"] == "unverified"):
        return ""
    return f" The verifier is {name}." if asked else f" The verifier, {name}, was not asked about it."


_EDITS = {EDIT: "a C2PA manifest was taken out"}


def _edits(row: Row) -> str:
    edits = row["text_edits"] or []
    spans = ((edit, f"{count(edit['start'])} to {count(edit['end'])}") for edit in edits)
    told = "; ".join(f"{_EDITS.get(edit['kind'], edit['kind'])} at characters {span}" for edit, span in spans)
    return f"Its text was changed: {told}." if edits else ""


def _otherwise(row: Row, config: JsonDict) -> str:
    if row["decision"] == "kept":
        return _otherwise_kept(row)
    make = OTHERWISE.get(row["reason"])
    return make(row, config) if make else f"another setting of the stage {row['stage']}, or a review answer."


def _otherwise_kept(row: Row) -> str:
    said = []
    if row["tier"] == "declared_synthetic":  # of which the detector is not asked
        said.append("a smaller mixture.synthetic_cap, or no shortage of human text in its cluster, which it fills")
    elif row["reason"] == "uncalibrated":
        said.append(
            "a threshold for its language, given enough trusted human documents (--human-reference), if its score were "
            "above that"
        )
    # Trusted human documents stay whatever the detector says.
    elif None not in (row["detector_score"], row["threshold"]) and row["tier"] != "trusted_human":
        gap = row["threshold"] - row["detector_score"]
        if gap >= 0:
            said.append(f"a detector score higher by more than {decimal(gap)}")
        else:
            said.append(
                "since its score is over the threshold, a stricter action for its source (synthetic.sources); or, if "
                "it was protected, a larger cluster or enough calibration documents of its language"
            )
    said.append("a better ranked document similar to it")
    said.append("evidence that contradicts its origin, or a review answer")
    return "; or ".join(said) + "."


def _otherwise_copy(row: Row, config: JsonDict) -> str:
    leader = row["matched_id"]
    settings = _settings_apart(row, config.get("dedupe", {}))
    place = f"if {leader} were rejected or were not there, this document or another copy would take its place."
    return f"{settings}; or {place}" if settings else place


def _settings_apart(row: Row, dedupe: JsonDict) -> str:
    """Settings under which the two documents would not be duplicates; empty where no value is high enough."""
    needed = []
    if row["reason"] == "near":
        needed.append(("dedupe.threshold", row["similarity"]))
    # The ledger holds single precision: 0.9 reads as a little less.
    contained = row["containment"] is not None and row["containment"] >= dedupe.get("containment", 1.0) - 1e-6
    if row["reason"] == "contained" or (row["reason"] == "near" and contained):
        needed.append(("dedupe.containment", row["containment"]))
    # Rounded up, so that the value named is enough; both settings end at 1.
    values = [(name, math.ceil(1000 * measured - 1e-3) / 1000) for name, measured in needed if measured is not None]
    if not values or len(values) < len(needed) or max(value for _, value in values) >= 1:
        return ""
    return " and ".join(f"{name} above {decimal(value)}" for name, value in values)


def _otherwise_evaluation(row: Row, config: JsonDict) -> str:
    return f"a run without {row['matched_id'] or 'the text'} among the evaluation texts" + (
        f", or with dedupe.exclude_containment above {decimal(math.ceil(1000 * row['containment'] - 1e-3) / 1000)}."
        if row["containment"] is not None and row["containment"] < 0.999
        else "."
    )


def _otherwise_suspect(row: Row, config: JsonDict) -> str:
    marked = [item for item in row["evidence"] or [] if item["family"] == "watermark"]
    if not marked:
        return _otherwise_scored(row, config)
    q = config.get("synthetic", {}).get("watermark_q")
    now = f" (it is {decimal(q)})" if q is not None else ""
    tests = " and ".join(item["detail"].partition(":")[0] for item in marked)
    return (
        f"no longer testing for the watermark {tests}, or a smaller synthetic.watermark_q{now}; or hard evidence of "
        "human origin, such as a capture before provenance.capture_cutoff; or the review answer human."
    )


def _otherwise_scored(row: Row, config: JsonDict) -> str:
    alpha = "synthetic.alpha_drop" if row["reason"] == "detector" else "synthetic.alpha_suspect"
    value = config.get("synthetic", {}).get(alpha.split(".")[1])
    below = f"a detector score of at most {decimal(row['threshold'])}; or " if row["threshold"] is not None else ""
    now = f" (it is {decimal(value)})" if value is not None else ""
    return (
        f"{below}a smaller {alpha}{now}, which raises the threshold; or hard evidence of human origin, such as a "
        "capture before provenance.capture_cutoff or trusted credentials; or another action for its source "
        "(synthetic.sources); or the review answer human."
    )


def _otherwise_unverified(row: Row, config: JsonDict) -> str:
    answers = [item["detail"] for item in row["evidence"] or [] if item["kind"] == VERIFIER]
    if not answers:
        return "a run with these settings from the start, which asks the verifier (mixture.verifier) about it."
    threshold = config.get("mixture", {}).get("verifier_threshold")
    lower = "" if answers[0] == FAILED else f"a lower mixture.verifier_threshold (it is {decimal(threshold)}); or "
    return f"{lower}another answer of the verifier (mixture.verifier) in a new run."


def _fixed(text: str) -> Callable[[Row, JsonDict], str]:
    return lambda row, config: text


OTHERWISE: dict[str | None, Callable[[Row, JsonDict], str]] = {
    "exact": _otherwise_copy,
    "near": _otherwise_copy,
    "contained": _otherwise_copy,
    "line": _fixed(
        "a larger dedupe.lines.min_documents or dedupe.lines.min_tokens; or dedupe.lines.enabled being off."
    ),
    "duplicate_of_held": _fixed("the answer to the held document that it matches."),
    "detector": _otherwise_scored,
    "suspect": _otherwise_suspect,
    "declared": _fixed(
        "another declaration (credentials, synthetic_sources, a trusted origin column); or, unless a reviewer made it, "
        "mixture.enabled, under which declared machine text may fill shortages; or the review answer human."
    ),
    "copy_of_synthetic": _fixed(
        "the matched document not being declared machine text; or an earlier capture of this one."
    ),
    "conflict": _fixed("removing one of the two items of evidence that contradict each other; or a review answer."),
    "rights": _fixed("other rights in the document; or other values in provenance.drop_rights."),
    "budget": _fixed(
        "a larger mixture.token_budget; its place was decided by its cluster's share and a hash of its id."
    ),
    "unverified": _otherwise_unverified,
    "no_shortage": _fixed("a shortage of human text in its cluster, within mixture.synthetic_cap."),
    "mixed": _fixed("a larger mixture.mixed_cap, or accepted text that is not mixed; or a review answer."),
    "no_text": _fixed("text in the column documents.columns.text, or media."),
    "too_long": _fixed("a larger documents.max_chars."),
    "evaluation": _otherwise_evaluation,
    "review": _fixed("another review answer."),
    "quality": _fixed(
        "other signals than those listed above; or fewer rules in quality.drop (declared machine text that fails the "
        "gate fills no shortage in any case); or a smaller quality.alpha."
    ),
}


def _nearest(ledger: ds.Dataset, id: str) -> list[str]:
    """Up to three similar ids among those that begin or end as `id` does."""
    ends = max(1, min(4, len(id) // 2))
    alike = pc.starts_with(pc.field("id"), id[:ends]) | pc.ends_with(pc.field("id"), id[-ends:])
    candidates = ledger.scanner(columns=["id"], filter=alike).head(NEIGHBOURS)["id"].to_pylist()
    return difflib.get_close_matches(id, sorted(candidates), n=3, cutoff=0.5)
