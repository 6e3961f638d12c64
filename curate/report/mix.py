"""The panel Mix: how much machine text goes in and comes out, and who it comes from.

Limits of the panels are those of the metric catalogue in the project's research notes, named where they are used.
"""

from curate.report.panel import ALERT, DETECTION, WARN, Panel, some
from curate.report.prevalence import option_words, residual_words
from curate.report.review import flag as review_figures
from curate.report.summary import Summary
from curate.report.tables import JsonDict, share
from curate.report.verification import add_figure
from curate.report.words import count, percent, plural

UNDECLARED_GAP = 0.1
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
        "" if cap is None else "the limit is mixture.synthetic_cap",
        band=None if cap is None else (0, cap),
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
    panel.figure("held", "documents waiting for review", share(held, documents), documents, "share", rests_on=DETECTION)
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
        rests_on=DETECTION,
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
        rests_on=DETECTION,
    )
    panel.figure(
        "mixed_out",
        "documents of mixed origin, share of the weighted tokens built",
        share(kept.weighted, weighted),
        kept.documents,
        "share",
        "" if cap is None else "the limit is mixture.mixed_cap",
        band=None if cap is None else (0, cap),
        rests_on=DETECTION,
    )


def _prevalence(panel: Panel, total: JsonDict | None, missing: JsonDict, declared: float | None) -> None:
    if missing["documents"]:
        panel.flag(
            WARN,
            f"machine text is not estimated in {plural(missing['documents'], 'scored document')}, of "
            f"{plural(missing['sources_total'], 'source')} with too few trusted human documents: ",
            missing["documents"],
            some(missing["sources"], of=missing["sources_total"]),
        )
    if total is None:
        return
    panel.figure(
        "prevalence",
        "estimated machine text in the input",
        total["estimate"],
        total["n"],
        "share",
        f"the interval is as wide as it is because machine text of other domains scores otherwise; at least "
        f"{percent(total['least'])}, whatever wrote it",
        band=None if declared is None else (0, declared + UNDECLARED_GAP),
        interval=(total["low"], total["high"]),
        rests_on=DETECTION,
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
        band=(0, residual["cap"]),
        interval=(residual["low"], residual["high"]),
        rests_on=DETECTION,
    )
    if residual["over"]:
        options = "; ".join(map(option_words, residual["options"]))
        panel.flag(WARN, f"{residual_words(residual)}. What can be done: {options}", residual["n"])
