"""The panel Tail: whether the rare clusters still have their share, and whether they have too much of it."""

from curate.metrics.shares import js_divergence
from curate.mixture.retention import FRAGILE_DOCUMENTS
from curate.report.panel import ALERT, DETECTION, MIXTURE, NOTHING, WARN, Panel, some
from curate.report.summary import Summary
from curate.report.tables import JsonDict, share
from curate.report.words import count, decimal, percent, plural

TAIL_WARN, TAIL_ALERT, TAIL_EXCESS = 0.9, 0.75, 1.5
DIVERGENCE_WARN = 0.02


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
        band=(TAIL_WARN, TAIL_EXCESS),
        rests_on=MIXTURE,
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
    panel.figure(
        "clusters_lost",
        "clusters that lost every document",
        len(lost),
        len(rows),
        "count",
        band=NOTHING,
        rests_on=["centroids"],
    )
    if lost:
        panel.flag(ALERT, f"{plural(len(lost), 'cluster')} lost every document: ", len(lost), some(lost))
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
        band=NOTHING,
        rests_on=MIXTURE,
    )
    if short:
        panel.flag(
            WARN,
            f"{plural(len(short), 'cluster')} left below the floor, {count(missing)} tokens short: ",
            len(short),
            some([row["cluster"] for row in short]),
        )
    fragile = sum(1 for row in rows if 0 < row["kept"] < FRAGILE_DOCUMENTS)
    label = f"clusters with fewer than {FRAGILE_DOCUMENTS} kept documents"
    panel.figure("fragile", label, fragile, len(rows), "count", rests_on=["centroids"])
    divergence = js_divergence([row["after"] for row in rows], [row[base] for row in rows])
    panel.figure(
        "divergence",
        "Jensen–Shannon divergence of the output from the reference (bits)",
        divergence,
        len(rows),
        "number",
        band=(0, DIVERGENCE_WARN),
        rests_on=MIXTURE,
    )
    if divergence is not None and divergence > DIVERGENCE_WARN:
        panel.flag(
            WARN,
            f"cluster shares diverge from the reference by {decimal(divergence)} bits, more than {DIVERGENCE_WARN}",
            len(rows),
        )
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
    panel.figure("reference", label, documents, documents, "count", note, band=(needed, None), rests_on=["reference"])
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
            rests_on=(*MIXTURE, *DETECTION),
        )
