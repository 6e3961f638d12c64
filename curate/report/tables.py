"""The tables of the report: removal flow, sources, languages, months, clusters, scores, duplicates, examples."""

from collections.abc import Sequence
from typing import Any

from curate.report.groups import Groups, Pair
from curate.report.summary import SCORE_BINS, Cell, Summary

ROWS_LISTED = 200
REMOVED = ("exact", "near", "contained", "line", "evaluation")
KINDS = (*REMOVED, "duplicate_of_held")
"""Reasons of documents that are removed, or held, for what they share with others."""
STAGE_ORDER = ("read", "rights", "dedupe", "synthetic", "mixture")

JsonDict = dict[str, Any]


def share(part: float, whole: float) -> float | None:
    """The quotient part / whole rounded to six decimals, None where the whole is 0."""
    return round(part / whole, 6) if whole else None


def flow(summary: Summary) -> list[JsonDict]:
    """What happened to the documents, in the order of the stages; kept come last."""
    order = {stage: position for position, stage in enumerate(STAGE_ORDER)}
    rows: list[JsonDict] = [
        {"decision": decision, "stage": stage, "reason": reason, "documents": cell.documents, "tokens": cell.tokens}
        for (decision, stage, reason), cell in summary.by("flow", "decision", "stage", "reason").items()
    ]
    ranks = {"dropped": 0, "held": 1, "kept": 2}
    rows.sort(
        key=lambda row: (
            ranks.get(row["decision"], 3),
            order.get(row["stage"], 9),
            -row["documents"],
            row["reason"] or "",
        )
    )
    return rows


def fates(summary: Summary, cube: str) -> list[JsonDict]:
    """Kept, held and dropped documents by the first dimension of `cube`, the largest first.

    Each row also says by which reason the value lost the most documents, how many went by each kind of duplication
    (`kinds`) and which share at the stage dedupe alone, how many of its documents are trusted human, and how many of
    those the detector would have suspected (`misjudged`).
    """
    rows: dict[Any, JsonDict] = {}
    removed: dict[Any, dict[str, int]] = {}
    for (value, decision, stage, reason), cell in summary.by(cube, cube, "decision", "stage", "reason").items():
        row = rows.setdefault(value, _fate(cube, value))
        row["documents"] += cell.documents
        row["tokens"] += cell.tokens
        row["output_tokens"] += cell.output
        row["trusted"] += cell.trusted
        row["misjudged"] += cell.misjudged
        row[decision] = row.get(decision, 0) + cell.documents
        if decision == "dropped":
            losses = removed.setdefault(value, {})
            losses[f"{stage}: {reason}"] = losses.get(f"{stage}: {reason}", 0) + cell.documents
            row["by_detector"] += cell.documents if reason == "detector" else 0
            row["by_dedupe"] += cell.documents if stage == "dedupe" else 0
        if reason in KINDS:
            row["kinds"][reason] += cell.documents
            row["copies"] += cell.documents
    for value, row in rows.items():
        row["dropped_share"] = share(row["dropped"], row["documents"])
        row["dedupe_share"] = share(row["by_dedupe"], row["documents"])
        losses = removed.get(value, {})
        row["main_loss"] = min(losses, key=lambda reason: (-losses[reason], reason)) if losses else None
    return sorted(rows.values(), key=lambda row: (-row["documents"], row[cube] is not None, row[cube]))


def months(summary: Summary) -> list[JsonDict]:
    """Input and output tokens by month of capture, in order; unknown months first."""
    rows: dict[Any, JsonDict] = {}
    for (month, decision), cell in summary.by("month", "month", "decision").items():
        row = rows.setdefault(month, {"month": month, "documents": 0, "kept": 0, "tokens": 0, "output_tokens": 0})
        row["documents"] += cell.documents
        row["kept"] += cell.documents if decision == "kept" else 0
        row["tokens"] += cell.tokens
        row["output_tokens"] += cell.output
    return list(rows.values())


def tiers(summary: Summary) -> list[JsonDict]:
    """Documents by tier, origin and decision."""
    return [
        {"tier": tier, "origin": origin, "decision": decision, "documents": cell.documents, "tokens": cell.tokens}
        for (tier, origin, decision), cell in summary.by("tier", "tier", "origin", "decision").items()
    ]


def clusters(summary: Summary, mixture: JsonDict, terms: Sequence[Sequence[str]] = ()) -> list[JsonDict]:
    """One row per cluster: what came in, what went out, the shares and the floor; the rarest reference first.

    Of equal references the rarest in the input is first. Without a mixture the reference is null and the tail is taken
    from the shares before curation.

    Args:
        summary: of the whole ledger.
        mixture: as of `curate.report.build.report_data`.
        terms: key terms of each cluster, by number.
    """
    known = {row["cluster"]: row for row in mixture.get("clusters", [])}
    fate = {row["cluster"]: row for row in fates(summary, "cluster") if row["cluster"] is not None}
    tokens_in = sum(row["tokens"] for row in fate.values())
    tokens_out = sum(row["output_tokens"] for row in fate.values())
    machine = summary.by("cluster", "cluster", "decision", "origin")
    unseen = dict.fromkeys(("dropped_share", "dedupe_share", "main_loss"))
    rows = []
    for cluster in sorted(fate.keys() | known.keys()):
        row = fate.get(cluster, _fate("cluster", cluster) | unseen)
        given = known.get(cluster, {})
        synthetic = machine[cluster, "kept", "synthetic"].output if (cluster, "kept", "synthetic") in machine else 0
        before = given.get("before", share(row["tokens"], tokens_in))
        after = given.get("after", share(row["output_tokens"], tokens_out))
        reference = given.get("reference")
        rows.append(
            row
            | {"reference": reference, "before": before or 0.0, "after": after or 0.0, "synthetic_tokens": synthetic}
            | {name: given[name] for name in ("accepted", "boosted", "cause") if name in given}
            | {
                "retained": share(after or 0.0, reference) if reference else None,
                "missing_tokens": given.get("missing", 0),
                "tail": given.get("tail"),
                "terms": list(terms[cluster]) if cluster < len(terms) else [],
                "examples": [entry[1] for entry in summary.cluster_examples.entries.get(cluster, [])],
            }
        )
    # Clusters without trusted human documents have one least share of reference, large ones of the input among them.
    rows.sort(
        key=lambda row: (row["before"] if row["reference"] is None else row["reference"], row["before"], row["cluster"])
    )
    _mark_tail(rows, mixture.get("tail_mass", 0.25))
    return rows


def scores(summary: Summary, calibration: JsonDict) -> list[JsonDict]:
    """Histograms of the detector score by language, with the thresholds of the groups of that language.

    A histogram is a list of [lower edge, documents] by tier; bins are 1 / SCORE_BINS wide, empty ones left out.
    """
    rows: dict[Any, JsonDict] = {}
    for (language, tier, position), cell in summary.by("score", "language", "tier", "bin").items():
        row = rows.setdefault(language, {"language": language, "documents": 0, "unscored": 0, "tiers": {}})
        if position is None:
            row["unscored"] += cell.documents
        else:
            row["documents"] += cell.documents
            row["tiers"].setdefault(tier or "uncertain", []).append([position / SCORE_BINS, cell.documents])
    for row in rows.values():
        row["thresholds"] = [
            group for group in calibration.get("groups", []) if group.get("language") == row["language"]
        ]
    return sorted(rows.values(), key=lambda row: (-row["documents"], row["language"] is not None, row["language"]))


def duplicates(summary: Summary, groups: Groups, excerpts: Sequence[JsonDict] | None, unresolved: int) -> JsonDict:
    """Kinds of duplicates, sizes of their groups (the survivor counts), the largest, and the least similar pairs.

    Args:
        summary: of the whole ledger.
        groups: likewise.
        excerpts: passages of some pairs (`curate.report.excerpts.excerpts`); None where no text was read.
        unresolved: verified pairs that decided nothing.
    """
    found = summary.by("flow", "reason")
    passages = {(excerpt["id"], excerpt["matched_id"]): excerpt for excerpt in excerpts or ()}

    def told(pair: Pair) -> JsonDict:
        values = {name: value for name, value in pair._asdict().items() if name != "measured"}
        for name in ("similarity", "containment"):
            values[name] = None if values[name] is None else round(values[name], 6)
        excerpt = passages.get((pair.id, pair.matched_id), {"copy": None, "survivor": None})
        return values | {"excerpts": {side: excerpt[side] for side in ("copy", "survivor")}}

    return {
        "kinds": {kind: found[kind,].documents for kind in KINDS if (kind,) in found},
        "groups": sum(groups.sizes.values()),
        "sizes": [list(item) for item in sorted(groups.sizes.items())],
        "largest": [
            {"id": id, "documents": size, "members": [told(pair) for pair in groups.members[id]]}
            for size, id in groups.largest
        ],
        "least_similar": {reason: [told(pair) for pair in pairs] for reason, pairs in sorted(groups.least.items())},
        "unresolved_pairs": unresolved,
        "texts_read": excerpts is not None,
        "edits": [
            {"kind": kind, **edits._asdict()}
            for kind, edits in sorted(summary.edits.items())
            if kind in ("line", "paragraph")
        ],
    }


def examples(summary: Summary) -> list[JsonDict]:
    """Ids for every decision, stage and reason, chosen by hash."""
    return [
        row
        | {
            "ids": [
                entry[1] for entry in summary.examples.entries.get((row["decision"], row["stage"], row["reason"]), [])
            ]
        }
        for row in flow(summary)
    ]


def totals(summary: Summary) -> JsonDict:
    """Documents and tokens in and out."""
    everything: Cell = summary.total("flow")
    kept = summary.total("flow", decision="kept")
    return {
        "documents": everything.documents,
        "tokens": everything.tokens,
        "kept_documents": kept.documents,
        "kept_tokens": kept.tokens,
        "output_tokens": kept.output,
    }


def _fate(name: str, value: Any) -> JsonDict:
    documents = ("documents", "kept", "held", "dropped", "by_detector", "by_dedupe", "copies", "trusted", "misjudged")
    return {name: value, "kinds": dict.fromkeys(KINDS, 0)} | dict.fromkeys((*documents, "tokens", "output_tokens"), 0)


def _mark_tail(rows: list[JsonDict], tail_mass: float) -> None:
    """Marks the smallest clusters that together hold at most `tail_mass`, where the mixture has not said."""
    mass = 0.0
    for row in rows:
        mass += row["before"] if row["reference"] is None else row["reference"]
        if row["tail"] is None:
            row["tail"] = mass <= tail_mass + 1e-9
