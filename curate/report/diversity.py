"""The panel Diversity: how many effective clusters and sources remain, and how concentrated the copies are."""

from collections.abc import Sequence

from curate.metrics.shares import effective_number
from curate.report.panel import MIXTURE, WARN, Panel
from curate.report.summary import Summary
from curate.report.tables import JsonDict, share
from curate.report.words import decimal, percent, plural

EFFECTIVE_LOSS = 0.05
CONCENTRATION_RISE = 0.1
GROUP_ALARM, GROUP_ALARM_MIN = 0.05, 10


def diversity(summary: Summary, report: JsonDict) -> Panel:
    """How many effective clusters and sources remain, and how concentrated the copies are."""
    panel = Panel("Diversity")
    rows, totals = report["clusters"], report["totals"]
    if rows:
        before, after = (effective_number([row[name] for row in rows]) for name in ("before", "after"))
        least = None if before is None else (1 - EFFECTIVE_LOSS) * before
        for name, part, value, band in (
            ("effective_before", "input", before, None),
            ("effective_after", "output", after, (least, None)),
        ):
            label = f"effective number of clusters, {part}"
            panel.figure(name, label, value, len(rows), "number", band=band, rests_on=["centroids"])
        if least and after and after < least:
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
        size, most = largest[0]["documents"], max(GROUP_ALARM * totals["documents"], GROUP_ALARM_MIN)
        label = "documents in the largest duplicate group"
        panel.figure("largest_group", label, size, report["duplicates"]["groups"], "count", band=(0, most))
        if size > most:
            panel.flag(
                WARN,
                f"one text makes up {percent(size / totals['documents'])} of the documents",
                size,
                f" ({largest[0]['id']})",
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
    label = "tokens built per distinct kept token"
    panel.figure("repetition", label, repeated, totals["kept_tokens"], "number", rests_on=MIXTURE)
    _concentration(panel, report["sources"])
    return panel


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
        band=(0, before + CONCENTRATION_RISE),
        rests_on=MIXTURE,
    )
    if after - before > CONCENTRATION_RISE:
        panel.flag(
            WARN,
            f"source {top['source']} rose from {percent(before)} to {percent(after)} of the tokens",
            top["documents"],
        )
