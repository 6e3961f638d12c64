"""The panels Mix, Tail and Diversity, with warnings in both directions.

Limits are those of the metric catalogue in the project's research notes, named here once.
"""

from collections.abc import Sequence

from curate.metrics.shares import effective_number, js_divergence
from curate.mixture.retention import FRAGILE_DOCUMENTS
from curate.report.panel import ALERT, WARN, Panel, some
from curate.report.prevalence import option_words, residual_words
from curate.report.review import flag as review_figures
from curate.report.summary import Summary
from curate.report.tables import JsonDict, share
from curate.report.verification import add_figure
from curate.report.words import count, decimal, percent, plural

UNDECLARED_GAP = 0.1
TAIL_WARN, TAIL_ALERT, TAIL_EXCESS = 0.9, 0.75, 1.5
DIVERGENCE_WARN = 0.02
EFFECTIVE_LOSS = 0.05
CONCENTRATION_RISE = 0.1
GROUP_ALARM, GROUP_ALARM_MIN = 0.05, 10
COPIES = ("exact", "near", "contained", "line")


def mix(summary: Summary, report: JsonDict) -> Panel:
    """How much machine text goes in and comes out, and who it comes from."""
    panel = Panel("Mix")
    documents, output = report["totals"]["documents"], report["totals"]["output_tokens"]
    cap = report["config"].get("mixture", {}).get("synthetic_cap")
    declared_in = summary.total("tier", tier="declared_synthetic").documents
    declared_out = summary.total("tier", decision="kept", tier="declared_synthetic").output
    declared = share(declared_out, output)
    panel.figure(
        "declared_in",
        "declared machine text, share of the documents read",
        share(declared_in, documents),
        documents,
        "share",
    )
    panel.figure(
        "declared_out",
        "declared machine text, share of the tokens built",
        declared,
        output,
        "share",
        f"at most {percent(cap, 0)} by mixture.synthetic_cap",
    )
    if cap is not None and declared is not None and declared > cap + 1e-6:
        panel.flag(
            ALERT,
            f"declared machine text fills {percent(declared)} of the output, over the cap of {percent(cap, 0)}",
            output,
        )
    _prevalence(panel, report["prevalence_total"], report["not_estimated"], share(declared_in, documents))
    for name in report["mixture"].get("unknown_caps", []):
        panel.flag(WARN, f"mixture.cluster_caps names {name!r}, which is no cluster here", len(report["clusters"]))
    _residual(panel, report["calibration"].get("beta_res"))
    _mixed(panel, summary, documents, report["config"].get("mixture", {}).get("mixed_cap"))
    add_figure(panel, report["mixture"].get("verification"))
    held = summary.total("flow", decision="held").documents
    panel.figure("held", "documents waiting for review", share(held, documents), documents, "share")
    review_figures(panel, report["review"], documents)
    trusted = summary.total("flow").trusted
    lost = trusted - summary.total("flow", decision="kept").trusted
    copies = sum(summary.total("flow", decision="dropped", reason=reason).trusted for reason in COPIES)
    panel.figure(
        "human_loss",
        "trusted human documents not kept",
        share(lost, trusted),
        trusted,
        "share",
        f"as copies of kept documents {count(copies)}, otherwise {count(lost - copies)}",
    )
    return panel


def _mixed(panel: Panel, summary: Summary, documents: int, cap: float | None) -> None:
    """Documents with human and machine passages; their tokens by weight, since chance alone draws the copies."""
    found, kept = summary.total("tier", origin="mixed"), summary.total("tier", origin="mixed", decision="kept")
    weighted = summary.total("tier", decision="kept").weighted
    panel.figure(
        "mixed_in",
        "documents of mixed origin, share of the documents read",
        share(found.documents, documents),
        documents,
        "share",
    )
    panel.figure(
        "mixed_out",
        "documents of mixed origin, share of the weighted tokens built",
        share(kept.weighted, weighted),
        kept.documents,
        "share",
        "" if cap is None else f"at most {percent(cap, 0)} by mixture.mixed_cap",
    )


def tail(summary: Summary, report: JsonDict) -> Panel:
    """Whether the rare clusters still have their share."""
    panel = Panel("Tail")
    rows = report["clusters"]
    if not rows:
        panel.flag(WARN, "no clusters were fitted, so the tail was not measured", 0)
        return panel
    tokens = report["totals"]["output_tokens"]
    base = "before" if any(row["reference"] is None for row in rows) else "reference"
    _reference(panel, report, base)
    tails = [row for row in rows if row["tail"]]
    expected = sum(row[base] for row in tails)
    retained = share(sum(row["after"] for row in tails), expected)
    label = "of their share before curation" if base == "before" else "of their reference share"
    panel.figure(
        "tail_retained",
        f"tail clusters keep this part {label}",
        retained,
        tokens,
        "share",
        plural(len(tails), "tail cluster"),
    )
    if retained is not None and retained < TAIL_WARN:
        panel.flag(ALERT if retained < TAIL_ALERT else WARN, f"the tail keeps {percent(retained)} {label}", len(tails))
    if retained is not None and retained > TAIL_EXCESS:
        panel.flag(
            WARN,
            f"the tail is lifted to {percent(retained)} {label}: check that the rare clusters are not noise",
            len(tails),
        )
    _long_run(panel, report["mixture"], tokens)
    lost = [row["cluster"] for row in rows if row["documents"] and row[base] and not row["kept"]]
    panel.figure("clusters_lost", "clusters that lost every document", len(lost), len(rows), "count")
    if lost:
        panel.flag(ALERT, f"{plural(len(lost), 'cluster')} lost every document: {some(lost)}", len(lost))
    short = [row for row in rows if row["missing_tokens"]]
    missing = sum(row["missing_tokens"] for row in short)
    limited = sum(1 for row in short if row.get("cause") == "limit")
    panel.figure(
        "below_floor",
        "clusters below their floor",
        len(short),
        len(rows),
        "count",
        f"{count(missing)} tokens missing; {count(len(short) - limited)} for lack of text, "
        f"{count(limited)} for the limit on growth or budget",
    )
    if short:
        panel.flag(
            WARN,
            f"{plural(len(short), 'cluster')} left below the floor, {count(missing)} tokens short: "
            + some([row["cluster"] for row in short]),
            len(short),
        )
    fragile = sum(1 for row in rows if 0 < row["kept"] < FRAGILE_DOCUMENTS)
    panel.figure("fragile", f"clusters with fewer than {FRAGILE_DOCUMENTS} kept documents", fragile, len(rows), "count")
    divergence = js_divergence([row["after"] for row in rows], [row[base] for row in rows])
    panel.figure(
        "divergence",
        "Jensen–Shannon divergence of the output from the reference (bits)",
        divergence,
        len(rows),
        "number",
    )
    if divergence is not None and divergence > DIVERGENCE_WARN:
        panel.flag(
            WARN,
            f"cluster shares diverge from the reference by {decimal(divergence)} bits, more than {DIVERGENCE_WARN}",
            len(rows),
        )
    return panel


def diversity(summary: Summary, report: JsonDict) -> Panel:
    """How many effective clusters and sources remain, and how concentrated the copies are."""
    panel = Panel("Diversity")
    rows, totals = report["clusters"], report["totals"]
    if rows:
        before, after = (effective_number([row[name] for row in rows]) for name in ("before", "after"))
        panel.figure("effective_before", "effective number of clusters, input", before, len(rows), "number")
        panel.figure("effective_after", "effective number of clusters, output", after, len(rows), "number")
        if before and after and after < (1 - EFFECTIVE_LOSS) * before:
            panel.flag(
                WARN,
                f"the effective number of clusters fell from {decimal(before, 1)} to {decimal(after, 1)}",
                len(rows),
            )
    copied = summary.total("flow", decision="dropped", stage="dedupe").documents
    panel.figure(
        "duplicates",
        "documents dropped as duplicates",
        share(copied, totals["documents"]),
        totals["documents"],
        "share",
    )
    largest = report["duplicates"]["largest"]
    if largest:
        size = largest[0]["documents"]
        panel.figure(
            "largest_group", "documents in the largest duplicate group", size, report["duplicates"]["groups"], "count"
        )
        if size > GROUP_ALARM * totals["documents"] and size > GROUP_ALARM_MIN:
            panel.flag(
                WARN,
                f"one text makes up {percent(size / totals['documents'])} of the documents ({largest[0]['id']})",
                size,
            )
    for edits in report["duplicates"]["edits"]:
        panel.figure(
            f"removed_{edits['kind']}s",
            f"kept documents that lost a repeated {edits['kind']}",
            share(edits["documents"], totals["kept_documents"]),
            totals["kept_documents"],
            "share",
            f"{plural(edits['spans'], 'span')} of {plural(edits['characters'], 'character')} in all",
        )
    repeated = share(totals["output_tokens"], totals["kept_tokens"])
    panel.figure("repetition", "tokens built per distinct kept token", repeated, totals["kept_tokens"], "number")
    _concentration(panel, report["sources"])
    return panel


def _reference(panel: Panel, report: JsonDict, base: str) -> None:
    if base == "before":
        panel.flag(WARN, "no mixture was fitted, so the output is compared with the input", len(report["clusters"]))
        return
    documents = report["mixture"].get("reference_documents", 0)
    needed = report["config"].get("mixture", {}).get("min_reference", 200)
    label = "trusted human documents that the reference shares rest on"
    outside = report["human_reference"] or {"counts": {}}
    remembered = outside["counts"].get("remembered")
    note = "" if remembered is None else f"{count(remembered)} of them remembered from {outside['path']}"
    panel.figure("reference", label, documents, documents, "count", note)
    if documents < needed:
        text = (
            f"the reference rests on {plural(documents, 'trusted human document')}, fewer than {count(needed)}: "
            "nothing was boosted or filled, and shares are compared with those of accepted real text"
        )
        panel.flag(WARN, text, documents)


def _long_run(panel: Panel, mixture: JsonDict, tokens: int) -> None:
    if "long_run" in mixture:
        left = "" if mixture["residual"] is None else f", {percent(mixture['residual'])} of it unseen machine text off"
        panel.figure(
            "long_run",
            "predicted part of its share that the tail keeps in the long run (ρ)",
            mixture["long_run"],
            tokens,
            "share",
            f"if every generation trains on {percent(mixture['real_share'])} real text{left}, "
            f"and its generator leaves {percent(mixture['generator_tail'], 0)} of the tail",
        )


def _prevalence(panel: Panel, total: JsonDict | None, missing: JsonDict, declared: float | None) -> None:
    if missing["documents"]:
        panel.flag(
            WARN,
            f"machine text is not estimated in {plural(missing['documents'], 'scored document')}, of "
            f"{plural(len(missing['sources']), 'source')} with too few trusted human documents: "
            f"{some(missing['sources'])}",
            missing["documents"],
        )
    if total is None:
        return
    panel.figure(
        "prevalence",
        "estimated machine text in the input",
        total["estimate"],
        total["n"],
        "share",
        f"{percent(total['low'])} to {percent(total['high'])}, as wide as it is because machine text of other domains "
        f"scores otherwise; at least {percent(total['least'])}, whatever wrote it",
    )
    if declared is not None and total["estimate"] - declared > UNDECLARED_GAP:
        panel.flag(
            WARN,
            f"an estimated {percent(total['estimate'])} of the input is machine text, "
            f"but only {percent(declared)} is declared",
            total["n"],
        )


def _residual(panel: Panel, residual: JsonDict | None) -> None:
    if residual is None:
        return
    panel.figure(
        "beta_res",
        "estimated machine text left among the kept documents (β_res)",
        residual["value"],
        residual["n"],
        "share",
        f"{percent(residual['low'])} to {percent(residual['high'])}",
    )
    if residual["over"]:
        options = "; ".join(map(option_words, residual["options"]))
        panel.flag(WARN, f"{residual_words(residual)}. What can be done: {options}", residual["n"])


def _concentration(panel: Panel, sources: Sequence[JsonDict]) -> None:
    tokens_in = sum(row["tokens"] for row in sources)
    tokens_out = sum(row["output_tokens"] for row in sources)
    named = [row for row in sources if row["source"] is not None]
    if not named or not tokens_in or not tokens_out:
        return
    top = max(named, key=lambda row: (row["output_tokens"], row["source"]))
    after, before = top["output_tokens"] / tokens_out, top["tokens"] / tokens_in
    panel.figure(
        "top_source",
        "share of the largest source in the output",
        after,
        tokens_out,
        "share",
        f"{top['source']}, {percent(before)} before",
    )
    if after - before > CONCENTRATION_RISE:
        panel.flag(
            WARN,
            f"source {top['source']} rose from {percent(before)} to {percent(after)} of the tokens",
            top["documents"],
        )
