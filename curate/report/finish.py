"""Everything that is written from the outcome of a decision: artefacts, report, Croissant, and the manifest last."""

import json
import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from curate.clusters.embedding import Embedding
from curate.clusters.groups import Groups, read_clusters
from curate.clusters.kmeans import Centroids
from curate.clusters.terms import cluster_terms
from curate.config import Config
from curate.decisions.reference import Reference
from curate.detector.calibration import conformal_threshold
from curate.detector.groups import is_language
from curate.io.filesystem import Files, below
from curate.io.json_text import json_text
from curate.io.output import digests
from curate.metrics.corpus import CorpusMetrics
from curate.report.build import report_data
from curate.report.croissant import croissant
from curate.report.manifest import build_manifest, digest, to_bytes
from curate.report.metrics import metrics_section
from curate.report.mixture import table
from curate.report.overview import Overview
from curate.report.prevalence import estimates, warnings
from curate.report.render import render
from curate.report.rows import fingerprints
from curate.report.shortages import NAME as SHORTAGES
from curate.report.shortages import shortages
from curate.report.summary import Summary
from curate.review.answers import FILE as ANSWERS

JsonDict = dict[str, Any]

MOST_GROUPS = 500
"""Calibration groups that the report lists: frozen ones, languages, then the largest."""

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Of the scores of a calibration group's trusted human documents, by which the report shows their distribution."""


def write_reports(
    directory: str, record: Mapping[str, Any], config: Config, files: Files, started: str, finished: str
) -> tuple[dict[str, int], list[str]]:
    """Writes artefacts/*.json, report.json, report.html, croissant.json and manifest.json.

    Args:
        directory: of the output, with ledger/ and artefacts/overview.json.
        record: of the annotations and the command: arguments, inputs, fingerprints, resources, errors, files_failed,
            exclude, against, detector (its id), watermarks.
        config: settings of the decision.
        files: reads and writes the directory.
        started: ISO 8601 time.
        finished: likewise.

    Returns:
        The counts and the warnings of the manifest.

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
    artefacts = _artefact_ids(directory, record["detector"], reference, config, files)
    if config.mixture.enabled and record.get("embedder"):
        artefacts["embedder"] = record["embedder"]
    if config.mixture.asks_verifier():
        artefacts["verifier"] = record["verifier"]
        if outcome["mixture"]:
            outcome["mixture"]["verification"] = overview.verification.told(record["verifier"])
    artefacts |= {f"watermark {test.partition('/')[0]}": test for test in record.get("watermarks", ())}
    named = {"path": config.synthetic.human_reference, "files": record.get("human_reference", {})}
    human_reference = named | {"counts": outcome["human"]} if outcome["human"] else None
    found = estimates(overview.scores, reference, config)
    clusters = read_clusters(_artefact(directory, "centroids", files), config)
    measured = CorpusMetrics.from_dict(outcome["metrics"]) if outcome.get("metrics") else None
    report = report_data(
        overview.summary,
        overview.groups,
        excerpts=outcome.get("excerpts"),
        unresolved_pairs=outcome["unresolved_pairs"],
        calibration=_calibration(reference, config) | {"beta_res": found["beta_res"], "drift": outcome["drift"]},
        prevalence=found["prevalence"],
        prevalence_total=found["total"],
        not_estimated=found["not_estimated"],
        watermarks=overview.marks.watermark_rows(reference.watermarks, config.synthetic.watermark_q),
        markers=overview.marks.marker_rows(),
        provenance=overview.provenance.rows(),
        metrics=metrics_section(measured, overview.slices, overview.groups.sizes, artefacts),
        mixture=outcome["mixture"],
        terms=_cluster_terms(clusters, directory, files),
        centroids=clusters.vectors if isinstance(clusters, Centroids) else None,
        passages=outcome.get("passages"),
        config=config.to_dict(),
        counts=counts,
        artefacts=artefacts,
        earlier=outcome["earlier"] if record["against"] else None,
        human_reference=human_reference,
        quality=overview.quality.table(config.quality.drop) if config.judges_quality() else None,
        review=record.get("review"),
    )
    _write_json(files, f"{directory}/report.json", report)
    _write_json(files, f"{directory}/{SHORTAGES}", shortages(report, outcome["mixture"], overview.styles))
    if config.report.enabled:
        # Drawn from what was written, whose keys are sorted: `curate report` draws the same.
        with files.open(f"{directory}/report.json") as file:
            _write(files, f"{directory}/report.html", render(json.load(file)).encode())
    manifest = build_manifest(
        counts=counts,
        reasons=reasons,
        unresolved_pairs=outcome["unresolved_pairs"],
        config=config.to_dict(),
        fingerprints=fingerprints(record["fingerprints"], overview.rows),
        artefacts=artefacts,
        digests=_digests(directory, files),
        started=started,
        finished=finished,
        arguments=record["arguments"],
        inputs=record["inputs"],
        mix=_mix(overview.summary),
        resources=record["resources"],
        trust=record.get("trust"),
        exclude=record.get("exclude"),
        against=record["against"],
        supersedes=outcome["earlier"]["supersedes"],
        human_reference=human_reference,
        drift=outcome["drift"],
        prevalence=found,
        mixture=table(report),
        quality=report["quality"],
        review=record.get("review"),
        warnings=warnings(found["beta_res"]),
    )
    schema = _data_schema(directory, files)
    if schema is not None:
        _write_json(files, f"{directory}/croissant.json", croissant(schema, manifest, config.report.dataset))
        with files.open(f"{directory}/croissant.json") as file:
            manifest["digests"]["croissant.json"] = digest(file)
    _write(files, f"{directory}/manifest.json", to_bytes(manifest))
    return counts, manifest["warnings"]


def _calibration(reference: Reference, config: Config) -> JsonDict:
    """The groups as the report lists them, with the false-positive rate of each on humans outside its calibration.

    Parts of a language that are too small to speak alone are left out, but for those that their parent's threshold errs
    on: their rate is that under it, and they are frozen where they are too few for a threshold of their own.
    """
    calibration, settings = reference.calibration, config.synthetic
    groups: list[JsonDict] = []
    for group in sorted(calibration.scores):
        documents = calibration.documents(group)
        small = documents < settings.min_group and not is_language(group)
        errs = calibration.frozen_under_parent if small else calibration.frozen
        erring = errs(group, settings.alpha_suspect)
        if small and not erring:
            continue
        levels = (settings.alpha_suspect, settings.alpha_drop)
        scores = calibration.human(group)
        suspect, drop = (conformal_threshold(scores, level) for level in levels)
        checks = calibration.under_parent if small else calibration.realised
        above, checked = checks(group, settings.alpha_suspect)
        groups.append(
            {
                "group": group,
                "language": group.split("/")[0],
                "n": documents,
                "suspect": _number(suspect),
                "drop": _number(drop),
                "quantiles": np.quantile(scores, QUANTILES).round(6).tolist() if len(scores) else [],
                "fpr": above / checked if checked else None,
                "fpr_n": checked,
                "frozen": erring and (math.isnan(suspect) or not small),
            }
        )
    groups.sort(key=lambda row: (not row["frozen"], not is_language(row["group"]), -row["n"], row["group"]))
    del groups[MOST_GROUPS:]
    return {"id": calibration.id, "groups": groups}


def _mix(summary: Summary) -> JsonDict:
    """Origin as judged → {documents, tokens, output_tokens} of the kept documents."""
    kept = summary.by("tier", "origin", "decision")
    return {
        origin: {"documents": cell.documents, "tokens": cell.tokens, "output_tokens": cell.output}
        for (origin, decision), cell in kept.items()
        if decision == "kept"
    }


def _cluster_terms(clusters: Centroids | Groups | None, directory: str, files: Files) -> list[list[str]]:
    """The key terms of each cluster, from the artefacts of a run: the names of groups; none of embeddings given."""
    if isinstance(clusters, Groups):
        return [[name] for name in clusters.names.to_pylist()]
    if clusters is None:
        return []
    embedding = _artefact(directory, "embedding", files)
    return cluster_terms(Embedding.from_bytes(embedding), clusters) if embedding else []


def _artefact(directory: str, name: str, files: Files) -> bytes:
    """The contents of artefacts/{name}.npz; none where it is missing."""
    path = f"{directory}/artefacts/{name}.npz"
    if not files.stat(path):
        return b""
    with files.open(path) as file:
        return file.read()


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _artefact_ids(directory: str, detector: str, reference: Reference, config: Config, files: Files) -> dict[str, str]:
    ids = {"reference": reference.id, "thresholds": reference.calibration.id}
    if config.synthetic.enabled:
        ids["detector"] = detector
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
        if name == ANSWERS:
            continue  # the file grows while people review
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
    _write(files, path, json_text(content))


def _write(files: Files, path: str, content: bytes) -> None:
    with files.create(path) as file:
        file.write(content)
