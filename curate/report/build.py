"""report.json: every number of the report, with its n, before any of it is drawn."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from curate.report import diversity, integrity, mix, panel, tables, tail
from curate.report.cluster_map import cluster_map
from curate.report.groups import Groups
from curate.report.metrics import NO_METRICS, judge_metrics
from curate.report.mixture import complete
from curate.report.prevalence import NOTHING_LEFT_OUT
from curate.report.review import table as review_table
from curate.report.summary import Summary
from curate.report.tables import JsonDict
from curate.report.words import count, listing, percent, plural, reason_words

FORMAT = 1


def report_data(
    summary: Summary,
    groups: Groups,
    *,
    excerpts: Sequence[JsonDict] | None = None,
    unresolved_pairs: int = 0,
    calibration: JsonDict,
    prevalence: Sequence[JsonDict],
    prevalence_total: JsonDict | None = None,
    not_estimated: JsonDict | None = None,
    watermarks: Sequence[JsonDict] = (),
    markers: Sequence[JsonDict] = (),
    provenance: Sequence[JsonDict] = (),
    metrics: JsonDict | None = None,
    mixture: JsonDict,
    terms: Sequence[Sequence[str]] = (),
    centroids: NDArray[np.float32] | None = None,
    passages: Mapping[str, JsonDict] | None = None,
    config: JsonDict,
    counts: JsonDict,
    artefacts: JsonDict,
    earlier: JsonDict | None = None,
    human_reference: JsonDict | None = None,
    quality: JsonDict | None = None,
    review: JsonDict | None = None,
) -> JsonDict:
    """Everything the report says, as JSON types. Missing optional keys leave their figures out.

    Args:
        summary: of the whole ledger.
        groups: of duplicates, likewise.
        excerpts: passages of some pairs (`curate.report.excerpts.excerpts`); None where no text was read.
        unresolved_pairs: verified pairs that were left open and decided nothing.
        calibration: `groups`, a list of {group, language, n, suspect, drop (thresholds or None), quantiles (of the
            scores of its human documents), fpr (realised false-positive rate or None), fpr_n, frozen}, and `beta_res`
            (`curate.detector.residual.residual`) or None.
        prevalence: {source, month, n, estimate, low, high, sampled_low, sampled_high, least} for each source (month
            None) and its months (`curate.detector.prevalence.Prevalence`).
        prevalence_total: {n, sources, estimate, low, high, least} of all of these sources; None without any.
        not_estimated: {sources (the largest), sources_total, documents} without
            enough trusted human documents to be estimated against.
        watermarks: what each test found (`curate.report.marks.Marks.watermark_rows`).
        markers: hidden characters by kind (`Marks.marker_rows`).
        provenance: what was found by kind (`curate.report.provenance.ProvenanceCounts.rows`).
        metrics: of the slices (`curate.report.metrics.metrics_section`); None leaves them out.
        mixture: `clusters`, a list of {cluster, reference (share), accepted (tokens), missing (tokens below
            the floor), tail, boosted}, `reference_documents`, `tail_mass`; or empty
            (`curate.decisions.mixing.Mixture.to_dict`).
        terms: key terms of each cluster, by number (`curate.clusters.terms`).
        centroids: float32[clusters, dimensions]; None where clusters are given groups.
        passages: openings of documents of the rarest clusters by id (`curate.report.excerpts.opening`); None where no
            text was read.
        config: the settings, `Config.to_dict()`.
        counts: read, kept, dropped, held, errors, files_failed, duplicate_ids.
        artefacts: name → id of what was fitted or loaded.
        earlier: `matched` (documents dropped for one in an earlier output) and `supersedes` (documents there that
            a new one supersedes); None where there is no earlier output.
        human_reference: {path, counts} of human documents from outside the corpus, as of the manifest; None without.
        quality: what rules of quality remove (`curate.report.quality.QualityCounts.table`).
        review: what reviewers answered (`curate.review.outcome.Review.told`); None where the run knew of no answers.
    """
    clusters = tables.clusters(summary, mixture, terms)
    overall = complete(clusters, summary, mixture, (calibration.get("beta_res") or {}).get("value"))
    sources, languages = tables.fates(summary, "source"), tables.fates(summary, "language")
    report: JsonDict = {
        "format": FORMAT,
        "counts": dict(counts),
        "totals": tables.totals(summary),
        "flow": tables.flow(summary),
        "sources": sources,
        "languages": languages,
        "clusters": clusters,
        "cluster_map": cluster_map(clusters, centroids, passages),
        "months": tables.months(summary),
        "tiers": tables.tiers(summary),
        "scores": tables.scores(summary, calibration),
        "duplicates": tables.duplicates(summary, groups, excerpts, unresolved_pairs)
        | ({"matched_earlier": earlier["matched"], "supersedes": len(earlier["supersedes"])} if earlier else {}),
        "prevalence": sorted(prevalence, key=lambda row: (str(row.get("source") or ""), str(row.get("month") or ""))),
        "prevalence_total": prevalence_total,
        "not_estimated": not_estimated or NOTHING_LEFT_OUT,
        "watermarks": list(watermarks),
        "markers": list(markers),
        "provenance": list(provenance),
        "metrics": metrics or NO_METRICS,
        "examples": tables.examples(summary),
        "review": review_table(review, summary, clusters),
        "calibration": dict(calibration),
        "human_reference": human_reference,
        "quality": quality or {"rules": [], "languages": [], "clusters": [], "alarms": 0},
        "mixture": {name: value for name, value in mixture.items() if name != "clusters"}
        | (overall if mixture else {}),
        "config": config,
        "artefacts": dict(artefacts),
    }
    makers = (mix.mix, tail.tail, diversity.diversity, integrity.integrity)
    made = [make(summary, report) for make in makers]
    for one in made:
        judge_metrics(one, report["metrics"])
    report["panels"] = [one.to_dict(report["artefacts"]) for one in made]
    report["removal_alarms"] = integrity.removal_alarms(report)[: tables.ROWS_LISTED]
    report["status"] = panel.worst([part["status"] for part in report["panels"]])
    report["headline"] = headline(report)
    # The panels have seen every source; the file lists the largest and says how many there were.
    for name in ("sources", "languages"):
        report[f"{name}_total"] = len(report[name])
        report[name] = report[name][: tables.ROWS_LISTED]
    return report


def headline(report: JsonDict) -> str:
    """One paragraph: what was read, kept, held and dropped, and why."""
    counts, totals = report["counts"], report["totals"]
    read = counts.get("read", totals["documents"])
    if not read:
        return "The input held no documents, so the output is empty."
    kept = counts.get("kept", totals["kept_documents"])
    sentences = [f"Of {plural(read, 'document')}, {count(kept)} ({percent(kept / read)}) were kept."]
    for decision, verb in (("dropped", "dropped"), ("held", "held for review")):
        parts: dict[str | None, int] = {}
        for row in report["flow"]:
            if row["decision"] == decision:
                parts[row["reason"]] = parts.get(row["reason"], 0) + row["documents"]
        if parts:
            listed = sorted(parts.items(), key=lambda part: (-part[1], part[0] or ""))
            reasons = listing([f"{count(number)} {reason_words(reason, number)}" for reason, number in listed])
            number = sum(parts.values())
            sentences.append(f"{count(number)} {'was' if number == 1 else 'were'} {verb}: {reasons}.")
    if counts.get("errors"):
        sentences.append(f"{plural(counts['errors'], 'record')} could not be read.")
    if counts.get("files_failed"):
        sentences.append(f"{plural(counts['files_failed'], 'file')} could not be opened.")
    sentences.append(
        f"The kept documents hold {plural(totals['kept_tokens'], 'token')}; "
        f"with copies the corpus to train on has {count(totals['output_tokens'])}."
    )
    return " ".join(sentences)
