"""Everything that is written from the outcome of a decision: artefacts, report, Croissant, and the manifest last."""

import json
import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from curate.config import Config
from curate.decisions.reference import Reference
from curate.detector.calibration import conformal_threshold
from curate.detector.groups import is_language
from curate.detector.model import load_detector
from curate.detector.prevalence import beta_res, estimate, histogram
from curate.hashing import stage_seed
from curate.io.filesystem import Files, below
from curate.io.output import digests
from curate.report.build import report_data
from curate.report.croissant import croissant
from curate.report.manifest import build_manifest, digest
from curate.report.overview import Overview
from curate.report.render import render

JsonDict = dict[str, Any]

MOST_PERIODS = 40
"""Sources × months whose prevalence is estimated besides that of whole sources: those with the most documents."""
MOST_GROUPS = 500
"""Calibration groups that the report lists: frozen ones, languages, then the largest."""
LEAST_HUMANS = 100
"""Trusted human documents of a source without which its prevalence is not estimated."""


def write_reports(
    directory: str, record: Mapping[str, Any], config: Config, files: Files, started: str, finished: str
) -> dict[str, int]:
    """Writes artefacts/*.json, report.json, report.html, croissant.json and manifest.json.

    Args:
        directory: of the output, with ledger/ and artefacts/overview.json.
        record: of the annotations: fingerprints, errors, files_failed, exclude, against.
        config: settings of the decision.
        files: reads and writes the directory.
        started: ISO 8601 time.
        finished: likewise.

    Returns:
        The counts of the manifest.

    Raises:
        CurateError: the counts do not reconcile.
    """
    with files.open(f"{directory}/artefacts/overview.json") as file:
        outcome = json.load(file)
    overview = Overview.from_dict(outcome["overview"])
    reference = Reference.from_dict(outcome["reference"])
    _write_json(files, f"{directory}/artefacts/reference.json", outcome["reference"])

    decisions: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for (decision, stage, reason), cell in overview.summary.by("flow", "decision", "stage", "reason").items():
        decisions[decision] += cell.documents
        if stage is not None:
            reasons[f"{stage}/{reason}"] += cell.documents
    counts = {
        "read": sum(decisions.values()) + record["errors"],
        **{name: decisions[name] for name in ("kept", "dropped", "held")},
        "errors": record["errors"],
        "files_failed": len(record["files_failed"]),
        "duplicate_ids": outcome["duplicate_ids"],
    }
    artefacts = _artefact_ids(directory, reference, config, files)
    prevalence = _prevalence(overview, reference, config)
    report = report_data(
        overview.summary,
        overview.groups,
        excerpts=outcome.get("excerpts"),
        unresolved_pairs=outcome["unresolved_pairs"],
        calibration=_calibration(reference, prevalence, config) | {"drift": outcome["drift"]},
        prevalence=prevalence,
        mixture=outcome["mixture"],
        config=config.to_dict(),
        counts=counts,
        artefacts=artefacts,
        earlier=outcome["earlier"] if record["against"] else None,
    )
    _write_json(files, f"{directory}/report.json", report)
    if config.report.enabled:
        # Drawn from what was written, whose keys are sorted: `curate report` draws the same.
        with files.open(f"{directory}/report.json") as file:
            _write(files, f"{directory}/report.html", render(json.load(file)).encode())
    manifest = build_manifest(
        counts=counts,
        reasons=reasons,
        unresolved_pairs=outcome["unresolved_pairs"],
        config=config.to_dict(),
        fingerprints=record["fingerprints"],
        artefacts=artefacts,
        digests=_digests(directory, files),
        started=started,
        finished=finished,
        exclude=record.get("exclude"),
        against=record["against"],
        supersedes=outcome["earlier"]["supersedes"],
        human_reference={"files": record.get("human_reference", {}), "counts": outcome["human"]}
        if outcome["human"]
        else None,
        drift=outcome["drift"],
    )
    schema = _data_schema(directory, files)
    if schema is not None:
        _write_json(files, f"{directory}/croissant.json", croissant(schema, manifest))
        with files.open(f"{directory}/croissant.json") as file:
            manifest["digests"]["croissant.json"] = digest(file)
    _write_json(files, f"{directory}/manifest.json", manifest)
    return counts


def _calibration(reference: Reference, prevalence: list[JsonDict], config: Config) -> JsonDict:
    """The groups as the report lists them, with the false-positive rate of each on humans outside its calibration.

    Left out are parts of a language that are too small to speak alone.
    """
    calibration, settings = reference.calibration, config.synthetic
    groups: list[JsonDict] = []
    for group in sorted(calibration.scores):
        frozen = calibration.frozen(group, settings.alpha_suspect)
        documents = calibration.documents(group)
        if documents < settings.min_group and not frozen and not is_language(group):
            continue
        levels = (settings.alpha_suspect, settings.alpha_drop)
        suspect, drop = (conformal_threshold(calibration.human(group), level) for level in levels)
        above, checked = calibration.realised(group, settings.alpha_suspect)
        groups.append(
            {
                "group": group,
                "language": group.split("/")[0],
                "n": documents,
                "suspect": _number(suspect),
                "drop": _number(drop),
                "fpr": above / checked if checked else None,
                "fpr_n": checked,
                "frozen": frozen,
            }
        )
    groups.sort(key=lambda row: (not row["frozen"], not is_language(row["group"]), -row["n"], row["group"]))
    del groups[MOST_GROUPS:]
    return {"id": calibration.id, "groups": groups, "beta_res": _residual(reference, prevalence, config)}


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _residual(reference: Reference, prevalence: list[JsonDict], config: Config) -> JsonDict | None:
    """β_res of the corpus: the share of machine text left after the filter."""
    sources = [row for row in prevalence if row["month"] is None]
    scored = sum(row["n"] for row in sources)
    human = reference.human_scores()
    if not scored or not len(human):
        return None
    machine = load_detector(config.synthetic.model).reference_scores("machine")
    share = sum(row["estimate"] * row["n"] for row in sources) / scored
    threshold = np.quantile(human, 1 - config.synthetic.alpha_suspect)
    caught = float(np.mean(machine > threshold)) if len(machine) else 0.0
    return {"value": beta_res(share, caught, config.synthetic.alpha_suspect), "n": scored, "tpr": caught}


def _prevalence(overview: Overview, reference: Reference, config: Config) -> list[JsonDict]:
    """Shares of machine text by source, and by source and month.

    Human scores differ from source to source more than human from machine: a source is only estimated against
    trusted human documents of its own, and left out without enough of them.
    """
    if not config.synthetic.enabled:
        return []
    detector = load_detector(config.synthetic.model)
    machine = histogram(detector.reference_scores("machine"), reference.score_edges(config))
    dated = {key: counts for key, counts in overview.histograms.items() if key[1]}
    largest = sorted(dated, key=lambda key: (-int(dated[key].sum()), key))[:MOST_PERIODS]
    observed: dict[tuple[str, str], Any] = {key: dated[key] for key in largest}
    for (source, _), counts in overview.histograms.items():
        observed[source, ""] = observed.get((source, ""), 0) + counts
    rows = []
    for (source, month), counts in sorted(observed.items()):
        human = overview.human.get((source, ""))
        if human is None or human.sum() < LEAST_HUMANS:
            continue
        seed = stage_seed(config.run.seed, f"prevalence {source} {month}")
        found = estimate(counts, human, machine, seed, replicates=100)
        rows.append(
            {
                "source": source or None,
                "month": month or None,
                "n": found.documents,
                "estimate": found.share,
                "low": found.low,
                "high": found.high,
                "least": found.least,
                "human_n": int(human.sum()),
            }
        )
    return rows


def _artefact_ids(directory: str, reference: Reference, config: Config, files: Files) -> dict[str, str]:
    ids = {"reference": reference.id, "thresholds": reference.calibration.id}
    if config.synthetic.enabled:
        ids["detector"] = load_detector(config.synthetic.model).id
    for name in ("embedding", "centroids"):
        path = f"{directory}/artefacts/{name}.npz"
        if files.stat(path):
            with files.open(path) as file:
                ids[name] = digest(file)["sha256"][:32]
    return ids


def _digests(directory: str, files: Files) -> dict[str, JsonDict]:
    """{sha256, bytes, rows} of every file so far, by path relative to the output."""
    found: dict[str, JsonDict] = {}
    sizes = {info.path: info.size for info in below(directory, files)}
    for name, checksum in digests(directory, files).items():
        path = f"{directory.rstrip('/')}/{name}"
        found[name] = {"sha256": checksum, "bytes": sizes[path]}
        if name.endswith(".parquet"):
            with files.open(path) as file:
                found[name]["rows"] = pq.read_metadata(file).num_rows
    return found


def _data_schema(directory: str, files: Files) -> pa.Schema | None:
    parts = below(f"{directory}/data", files)
    if not parts:
        return None
    with files.open(parts[0].path) as file:
        return pq.read_schema(file)


def _write_json(files: Files, path: str, content: Any) -> None:
    _write(files, path, json.dumps(content, indent=1, sort_keys=True, allow_nan=False).encode())


def _write(files: Files, path: str, content: bytes) -> None:
    with files.create(path) as file:
        file.write(content)
