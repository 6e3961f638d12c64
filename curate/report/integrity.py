"""The panel Integrity: what could not be read, scored or calibrated, and who loses most of their documents."""

from curate.report.panel import ALERT, NOTHING, WARN, Panel, some
from curate.report.summary import Summary
from curate.report.tables import REMOVED, JsonDict, share
from curate.report.words import count, decimal, percent, plural

REMOVAL_ALARM = 0.5
ALARMS_SHOWN = 20
REMOVAL_MIN = 5  # documents below which a removed share says nothing


def integrity(summary: Summary, report: JsonDict) -> Panel:
    """Whether everything was read, counted and scored, and who loses more than half of their documents."""
    panel = Panel("Integrity")
    counts, documents = report["counts"], report["totals"]["documents"]
    for name, label, status in (
        ("errors", "records that could not be decoded", WARN),
        ("files_failed", "files that could not be opened", ALERT),
        ("duplicate_ids", "documents whose id was taken and got a suffix", WARN),
    ):
        number = counts.get(name, 0)
        panel.figure(name, label, number, counts.get("read", documents), "count", band=NOTHING)
        if number:
            panel.flag(status, f"{label}: {count(number)}", number)
    decided = counts.get("kept", 0) + counts.get("dropped", 0) + counts.get("held", 0)
    if counts.get("read", documents) != decided + counts.get("errors", 0) or decided != documents:
        panel.flag(
            ALERT,
            f"counts do not reconcile: {count(counts.get('read', documents))} read, "
            f"{count(decided)} decided, {count(documents)} in the ledger",
            documents,
        )
    _earlier(panel, report["duplicates"], documents)
    unresolved = report["duplicates"]["unresolved_pairs"]
    label = "verified duplicate pairs left unresolved"
    panel.figure("unresolved", label, unresolved, documents, "count", band=NOTHING)
    if unresolved:
        panel.flag(
            WARN,
            f"{plural(unresolved, 'verified duplicate pair')} decided nothing, so that both documents may be kept: "
            "their groups were not gathered within dedupe.rounds; raise it (`curate decide --set dedupe.rounds=…`)",
            unresolved,
        )
    scored = sum(row["documents"] for row in report["scores"])
    label = "documents with a detector score"
    panel.figure("scored", label, share(scored, documents), documents, "share", rests_on=["detector"])
    uncalibrated = summary.total("flow", reason="uncalibrated").documents
    panel.figure(
        "uncalibrated",
        "documents without a calibrated threshold (kept)",
        share(uncalibrated, documents),
        documents,
        "share",
        band=NOTHING,
        rests_on=["thresholds"],
    )
    if uncalibrated:
        languages = [
            row["language"]
            for row in report["scores"]
            if summary.total("language", language=row["language"], reason="uncalibrated").documents
        ]
        panel.flag(
            WARN,
            f"{plural(uncalibrated, 'document')} kept without a calibrated threshold, in ",
            uncalibrated,
            some(languages),
        )
    _outside(panel, report["human_reference"])
    _calibration(panel, report["calibration"], report["config"].get("synthetic", {}).get("alpha_suspect", 0.05))
    _quality(panel, summary, report)
    alarms = removal_alarms(report)
    for alarm in alarms[:ALARMS_SHOWN]:
        panel.flag(alarm["status"], alarm["text"], alarm["n"])
    if len(alarms) > ALARMS_SHOWN:
        more = len(alarms) - ALARMS_SHOWN
        panel.flag(WARN, f"{more:,} more sources, languages or clusters lost over half of their documents", more)
    return panel


def removal_alarms(report: JsonDict) -> list[JsonDict]:
    """Sources, languages and clusters that lost over half of their documents, the worst first.

    Where deduplication alone took more than half, the alarm says so, and by which kinds.

    An alert where the detector alone took more than half and trusted human documents show that it errs there: it is
    above the threshold for more than twice `alpha_suspect` of them. Else a warning, since copies and machine text may
    well be most of a source.
    """
    errs = 2 * report["config"].get("synthetic", {}).get("alpha_suspect", 0.05)
    alarms = []
    for table, name in (("sources", "source"), ("languages", "language"), ("clusters", "cluster")):
        for row in report[table]:
            removed, n = row["dropped_share"] or 0.0, row["documents"]
            if n < REMOVAL_MIN or removed <= REMOVAL_ALARM or row[name] is None:
                continue
            text = f"{name} {row[name]} lost {percent(removed)} of its {count(n)} documents, "
            if row["dedupe_share"] > REMOVAL_ALARM:
                kinds = [f"{count(row['kinds'][kind])} {kind}" for kind in REMOVED if row["kinds"][kind]]
                text += f"{percent(row['dedupe_share'])} as duplicates alone ({', '.join(kinds)})"
            else:
                text += f"mostly to {row['main_loss']}"
            by_detector = row["by_detector"] > REMOVAL_ALARM * n
            status = ALERT if by_detector and row["misjudged"] > errs * row["trusted"] else WARN
            if by_detector:
                humans = plural(row["trusted"], "trusted human document")
                told = f"it suspects {count(row['misjudged'])} of {humans} there"
                text += f"; {told if row['trusted'] else 'no trusted human document is there to check it'}"
            alarms.append(
                {
                    "dimension": name,
                    "value": row[name],
                    "removed": removed,
                    "by_dedupe": row["dedupe_share"],
                    "n": n,
                    "status": status,
                    "text": text,
                }
            )
    return sorted(alarms, key=lambda alarm: (alarm["status"], -alarm["n"]))  # alert sorts before warn


def _quality(panel: Panel, summary: Summary, report: JsonDict) -> None:
    """Whether rules of quality take much more of one language or cluster than of others, as they have of small ones."""
    documents, dropped = report["totals"]["documents"], summary.total("flow", reason="quality").documents
    if dropped:
        label = "documents dropped for their quality"
        panel.figure("quality", label, dropped / documents, documents, "share", rests_on=["reference"])
    found = report["quality"]
    alarms = [(name, row) for name in ("language", "cluster") for row in found[f"{name}s"] if row["alarm"]]
    for name, row in alarms[:ALARMS_SHOWN]:
        people = f"{count(row['people_broken'])} of {plural(row['people'], 'trusted human document')} there"
        panel.flag(
            WARN,
            f"{name} {row[name]} lost {percent(row['share'])} of its {count(row['documents'])} documents to the rule "
            f"{row['rule']} of quality.drop, the others {percent(row['others_share'] or 0.0)}; {people} break it: look "
            f"at them before this is trusted",
            row["removed"],
        )
    if found["alarms"] > ALARMS_SHOWN:
        more = found["alarms"] - ALARMS_SHOWN
        panel.flag(WARN, f"{more:,} more languages or clusters lost much more than others to a rule of quality", more)


def _earlier(panel: Panel, duplicates: JsonDict, documents: int) -> None:
    """How the documents compare with those of earlier outputs, where the run was made against some."""
    if "supersedes" not in duplicates:
        return
    matched, superseded = duplicates["matched_earlier"], duplicates["supersedes"]
    panel.figure("matched_earlier", "documents dropped for one in an earlier output", matched, documents, "count")
    label = "documents of an earlier output that a kept one of better known origin duplicates"
    panel.figure("supersedes", label, superseded, documents, "count", band=NOTHING)
    if superseded:
        panel.flag(WARN, f"{label}: {count(superseded)}; supersedes in the manifest names them", superseded)


def _outside(panel: Panel, reference: JsonDict | None) -> None:
    """The human documents from outside the corpus, where there are some."""
    if reference is not None:
        used, documents = reference["counts"]["used"], reference["counts"]["documents"]
        label = "scored human documents from outside the corpus, in thresholds and limits of quality"
        note = f"from {reference['path']}"
        panel.figure("human_reference", label, used, documents, "count", note, rests_on=["reference"])


def _calibration(panel: Panel, calibration: JsonDict, alpha: float) -> None:
    groups = calibration.get("groups", [])
    if groups:
        n = sum(group.get("n", 0) for group in groups)
        panel.figure("groups", "calibrated groups", len(groups), n, "count", rests_on=["thresholds"])
    for row in calibration.get("drift", []):
        if row["drifted"]:
            panel.flag(
                WARN,
                f"trusted human documents in {row['language']} score otherwise than those that thresholds come from "
                f"(Kolmogorov–Smirnov D = {decimal(row['distance'])}, p < .01, n = {count(row['n'])} and "
                f"{count(row['stored_n'])}): more or fewer people than α are suspected; calibrate on this corpus "
                f"(run without --artefacts), or with human documents like its own (--human-reference)",
                row["n"],
            )
    for group in groups:
        rate = group.get("fpr")
        if group.get("frozen"):
            panel.flag(
                ALERT,
                f"group {group['group']} is frozen: {percent(rate)} of its human documents "
                f"were flagged, more than {percent(2 * alpha, 0)}",
                group.get("fpr_n", group.get("n", 0)),
            )
