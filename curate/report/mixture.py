"""The mixture table: for every cluster what was there, what was built, and whether its floor was met or why not."""

from typing import Any

from curate.mixture.retention import GENERATOR_TAIL, tail_retention
from curate.report.summary import Cell, Summary

JsonDict = dict[str, Any]

MACHINE = ("synthetic", "procedural")
"""Origins, as judged, whose documents are not available real text."""

COLUMNS = (
    "cluster", "reference", "reference_low", "reference_high", "reference_documents", "tail", "floor", "target",
    "real_documents", "real_tokens", "accepted_documents", "accepted", "fragile", "boosted", "gate_failed", "frozen",
    "available_synthetic", "cap", "real", "synthetic", "output_tokens", "synthetic_tokens", "copies", "before", "after",
    "floor_met", "missing_tokens", "causes", "long_run", "terms", "examples",
)  # fmt: skip
"""Columns of the table in the manifest, of those that rows of the report have.

Shares are of tokens: reference (with its 95 % interval), floor, target, before and after. real_documents and
real_tokens count the documents not judged machine-made, copies included; accepted ones survive duplicates and
filters. cap is the most that the synthetic share of the cluster may be. real and synthetic are the tokens
allocated; output_tokens, and synthetic_tokens of them, those drawn. copies is how often a kept real token is built.
causes are `curate.mixture.causes.CAUSES`, gate_failed the conditions of `curate.mixture.reference.gate_failures`.
long_run is ρ of `curate.mixture.retention`. terms are key terms, examples ids of documents."""


def complete(rows: list[JsonDict], summary: Summary, mixture: JsonDict, residual: float | None) -> JsonDict:
    """Adds to the rows of `curate.report.tables.clusters` what the mixture says of them.

    Args:
        rows: one per cluster; changed in place.
        summary: of the whole ledger.
        mixture: `curate.decisions.mixing.Mixture.to_dict()`, or empty.
        residual: estimated share of machine text left among the kept documents, None where it is not estimated.

    Returns:
        What holds of the whole: `real_share` of the tokens built, less the residual, and the tail retention `long_run`
        that follows if the generators multiply tails by `generator_tail`; empty where nothing was built.
    """
    known = {row["cluster"]: row for row in mixture.get("clusters", [])}
    found: dict[int, list[tuple[str, Cell]]] = {}
    for (cluster, decision, origin), cell in summary.by("cluster", "cluster", "decision", "origin").items():
        if cluster is not None and origin not in MACHINE:
            found.setdefault(cluster, []).append((decision, cell))
    for row in rows:
        own = found.get(row["cluster"], [])
        kept = sum(cell.tokens for decision, cell in own if decision == "kept")
        row["real_documents"] = sum(cell.documents for _, cell in own)
        row["real_tokens"] = sum(cell.tokens for _, cell in own)
        built = sum(cell.output for _, cell in own)
        row["copies"] = round(built / kept, 6) if kept else None
        given = known.get(row["cluster"], {})
        row |= {name: given[name] for name in COLUMNS if name in given and name not in row}
        row["floor_met"] = None if row["reference"] is None else not row["missing_tokens"]
        row["built_real"] = built
    return _long_run(rows, residual)


def table(report: JsonDict) -> JsonDict:
    """The mixture for the manifest: what holds of the whole, and `COLUMNS` of every cluster by number; or empty."""
    if not report["mixture"]:
        return {}
    rows = sorted(report["clusters"], key=lambda row: row["cluster"])
    return report["mixture"] | {"clusters": [{name: row[name] for name in COLUMNS if name in row} for row in rows]}


def _long_run(rows: list[JsonDict], residual: float | None) -> JsonDict:
    built = [row.pop("built_real") for row in rows]
    total = sum(row["output_tokens"] for row in rows)
    if not total:
        return {}
    human = 1.0 - (residual or 0.0)
    real_share = sum(built) / total * human
    for row, tokens in zip(rows, built, strict=True):
        if row["tail"] and row["reference"]:
            relative = tokens / total * human / row["reference"]
            row["long_run"] = round(float(tail_retention(relative, real_share)), 6)
    return {
        "real_share": round(real_share, 6),
        "residual": residual,
        "generator_tail": GENERATOR_TAIL,
        "long_run": round(float(tail_retention(real_share, real_share)), 6),
    }
