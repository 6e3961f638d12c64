"""The section `metrics` of the report: every metric of every slice, and what of it is a reason for concern."""

import math
from collections.abc import Mapping

import pyarrow.compute as pc

from curate.metrics.catalogue import BY_NAME, OK, WARN, Metric, change, status
from curate.metrics.composition import compose
from curate.metrics.corpus import CorpusMetrics
from curate.metrics.parts import Measured
from curate.metrics.poisoning import born_clusters
from curate.metrics.shares import bursts
from curate.metrics.slices import ACCEPTED, SLICES, SUSPECTED, SliceSums
from curate.report.panel import NOTHING, Panel, some
from curate.report.tables import JsonDict
from curate.report.words import count, decimal, percent, plural

BURST = 6.0
"""z from which on a month of a source is told."""

BURST_SHARE = 0.01
"""Share of the documents that such a month has at least."""

BURSTS_LISTED = 20
_DIGITS = 6

SIZES = ("documents", "tokens")
"""Of the slices."""

NO_METRICS: JsonDict = {"sample": 0, "rows": [], "runs": [], "born": [], "bursts": []}
NO_METRICS["slices"] = {part: dict.fromkeys(SIZES, 0) for part in SLICES}


def metrics_section(
    measured: CorpusMetrics | None, sums: SliceSums, duplicates: Mapping[int, int], artefacts: Mapping[str, str]
) -> JsonDict:
    """`metrics` of report.json.

    Args:
        measured: on the sample; None where there is none, as in annotations of an earlier version.
        sums: of the slices.
        duplicates: documents in a group of duplicates → such groups.
        artefacts: name → id of what was fitted or loaded.

    Returns:
        `sample` (documents), `slices` (slice → its documents and tokens), `rows` (one for each metric: name, label,
        panel, kind, and `slices`: slice → value, n, band, z, change, status, artefacts), `runs` (rare runs of words
        that sources share), `born` (clusters of one source) and `bursts` (months of a source).
    """
    found = {**(measured.slices if measured else {}), **compose(sums, duplicates)}
    rows = [
        {
            "name": name,
            "label": metric.label,
            "panel": metric.panel,
            "kind": metric.kind,
            "slices": {
                part: _number(metric, part, found[name][part], artefacts) for part in SLICES if part in found[name]
            },
        }
        for name, metric in BY_NAME.items()
        if name in found
    ]
    names = ("cluster", "source", "input_documents", "human_documents")
    clusters = [
        row for row in zip(*(sums.table[name].to_pylist() for name in names), strict=True) if row[0] is not None
    ]
    least = BURST_SHARE * sum(sums.table["input_documents"].to_pylist())
    return {
        "sample": measured.documents if measured else 0,
        "slices": {
            part: {name: pc.sum(sums.table[f"{part}_{name}"]).as_py() or 0 for name in SIZES} for part in SLICES
        },
        "rows": rows,
        "runs": [run._asdict() for run in measured.runs] if measured else [],
        "born": [born._asdict() for born in born_clusters(clusters)],
        "bursts": [
            {"source": source, "month": month, "documents": documents, "z": round(z, 1)}
            for source, month, documents, z in bursts(sums.months)
            if z > BURST and documents >= least
        ][:BURSTS_LISTED],
    }


def judge_metrics(panel: Panel, section: JsonDict) -> None:
    """Adds to a panel what its metrics say of the accepted documents."""
    for row in section["rows"]:
        found = row["slices"].get(ACCEPTED)
        if row["panel"] == panel.name and found and found["status"] != OK:
            write = percent if row["kind"] == "share" else decimal
            low, high = (write(edge) for edge in found["band"])
            text = f"{row['label']}: {write(found['value'])} in what was accepted, {low} to {high} in human documents"
            panel.flag(found["status"], text, found["n"])
    if panel.name == "Integrity":
        _judge_planted(panel, section)


def _judge_planted(panel: Panel, section: JsonDict) -> None:
    runs, born, months = section["runs"], section["born"], section["bursts"]
    label = "runs of words that documents of three sources share, and no human one has"
    panel.figure("shared_runs", label, len(runs), section["sample"], "count", band=NOTHING)
    if runs:
        text = f"{label}: {count(len(runs))}, in up to {plural(runs[0]['documents'], 'accepted document')}"
        panel.flag(WARN, text, runs[0]["documents"], f" ({some(runs[0]['examples'])})")
    for row in born[:3]:
        text = (
            f"cluster {row['cluster']} has no human document, and source {row['source']} makes up "
            f"{percent(row['share'])} of it"
        )
        panel.flag(WARN, text, row["documents"])
    for row in months[:3]:
        text = f"source {row['source']} gave {plural(row['documents'], 'document')} in {row['month']}"
        panel.flag(WARN, f"{text}, far more than before (z = {decimal(row['z'], 1)})", row["documents"])


def _number(metric: Metric, part: str, found: Measured, artefacts: Mapping[str, str]) -> JsonDict:
    """A number with its n, its band and the artefacts that it depends on."""
    depends = [metric.fitted] if metric.fitted else []
    depends += ["detector", "thresholds"] if part in (ACCEPTED, SUSPECTED) else []
    depends += ["reference"] if found.band is not None else []
    least, most = (0.0, 1.0) if metric.kind == "share" else (-math.inf, math.inf)
    return {
        "value": _rounded(found.value),
        "n": found.n,
        "band": None if found.band is None else [_rounded(min(max(edge, least), most)) for edge in found.band],
        "z": _rounded(found.z),
        "change": _rounded(change(metric, found)),
        "status": status(metric, found),
        "artefacts": list(dict.fromkeys(artefacts[name] for name in depends if name in artefacts)),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), _DIGITS)
