"""manifest.json: what a run read, decided and wrote, so that anybody can check it and do it again."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from curate.errors import CurateError, UsageError
from curate.report.environment import environment, installed_versions

FORMAT = 2
"""1 had no digest of its own."""
COUNTS = ("read", "kept", "dropped", "held", "errors", "files_failed", "duplicate_ids")
DECISIONS = ("kept", "dropped", "held")
NAME = "manifest.json"

JsonDict = dict[str, Any]


def build_manifest(
    *,
    counts: Mapping[str, int],
    reasons: Mapping[str, int],
    unresolved_pairs: int,
    config: JsonDict,
    fingerprints: Mapping[str, Any],
    artefacts: Mapping[str, str],
    digests: Mapping[str, JsonDict],
    started: str,
    finished: str,
    arguments: JsonDict,
    inputs: Mapping[str, str],
    mix: Mapping[str, JsonDict],
    resources: Mapping[str, JsonDict] | None = None,
    trust: JsonDict | None = None,
    exclude: Mapping[str, JsonDict] | None = None,
    versions: Mapping[str, str] | None = None,
    against: Sequence[str] = (),
    supersedes: Sequence[JsonDict] = (),
    human_reference: JsonDict | None = None,
    drift: Sequence[JsonDict] = (),
    prevalence: Mapping[str, Any] | None = None,
    mixture: JsonDict | None = None,
    quality: JsonDict | None = None,
    review: JsonDict | None = None,
    warnings: Sequence[str] = (),
) -> JsonDict:
    """The manifest as JSON types, keys in order.

    Args:
        counts: exactly the names in `COUNTS`.
        reasons: "stage/reason" → documents, of what was dropped or held.
        unresolved_pairs: verified duplicate pairs that decided nothing: their documents were not gathered in time.
        config: the settings, `Config.to_dict()`.
        fingerprints: input file → {size, digest, rows, row_sum} (`curate.report.rows.fingerprints`).
        artefacts: name → id of detector, thresholds, centroids, reference.
        digests: path relative to the output, with forward slashes → {sha256, bytes, rows}; rows may be missing.
        started: ISO 8601 time, given by the caller.
        finished: likewise.
        arguments: {command, …} as the operator gave them, `inputs` among them. With `config` they make the run again.
        inputs: input file → its absolute path.
        mix: origin as judged → {documents, tokens, output_tokens} of the kept documents.
        resources: file that the settings name → {sha256, bytes}.
        trust: whose signatures counted as trusted (`curate.provenance.trust_list.trust_list_id`); None where none
            were read.
        exclude: file of evaluation texts → {sha256, bytes, items, whole}; whole counts the texts so short that they
            were compared with whole documents.
        versions: of what made the output; those installed by default.
        against: earlier outputs that the documents were compared with.
        supersedes: {id, output, by, reason, similarity, containment} of each document of theirs that a kept one
            of higher own class duplicates.
        human_reference: {path, files, counts} of the human documents from outside the corpus that calibrated: file →
            whatever identifies it, and how many were used; `remembered` of them, from an earlier run, count for the
            mixture too.
        drift: {language, distance, p, n, stored_n, drifted}, the corpus's trusted documents against those.
        prevalence: machine text by source and month, in all, and what was left of it
            (`curate.report.prevalence.estimates`).
        mixture: the table of the clusters (`curate.report.mixture.table`).
        quality: what rules of quality remove, by language and cluster (`curate.report.quality.QualityCounts.table`).
        review: the answers that were decided with (`curate.review.outcome.Review.told`), None without any.
        warnings: what the run told its operator.

    Raises:
        ValueError: counts has other names than `COUNTS`.
        CurateError: the counts do not add up.
    """
    if set(counts) != set(COUNTS):
        raise ValueError(f"counts has the names {sorted(counts)}, expected {sorted(COUNTS)}")
    manifest = {
        "format": FORMAT,
        "counts": {name: int(counts[name]) for name in COUNTS},
        "reasons": dict(sorted(reasons.items())),
        "unresolved_pairs": unresolved_pairs,
        "started": started,
        "finished": finished,
        "arguments": arguments,
        "versions": dict(installed_versions() if versions is None else versions),
        "environment": environment(),
        "config": config,
        "inputs": dict(sorted(inputs.items())),
        "fingerprints": dict(sorted(fingerprints.items())),
        "resources": dict(sorted((resources or {}).items())),
        "trust": trust,
        "mix": dict(sorted(mix.items())),
        "exclude": dict(sorted((exclude or {}).items())),
        "artefacts": dict(sorted(artefacts.items())),
        "against": list(against),
        "supersedes": list(supersedes),
        "human_reference": human_reference,
        "drift": list(drift),
        "prevalence": dict(prevalence or {}),
        "mixture": mixture or {},
        "quality": quality or {},
        "review": review,
        "warnings": list(warnings),
        "digests": dict(sorted(digests.items())),
    }
    reconcile(manifest, {name: counts[name] for name in DECISIONS})
    return manifest


def to_bytes(manifest: JsonDict) -> bytes:
    """A manifest as its file holds it, with the digest of the rest in it."""
    rest = {name: value for name, value in manifest.items() if name != "digest"}
    checksum = hashlib.sha256(_dump(rest)).hexdigest()
    return _dump({**rest, "digest": checksum})


def is_as_written(directory: str | Path) -> bool:
    """Whether the manifest of an output has not changed since the run; of format 1 that cannot be told: it has not.

    Raises:
        UsageError: there is none, or it is not a manifest of curate.
    """
    manifest = load_manifest(directory)
    if manifest.get("format") == 1:
        return True
    return manifest.get("format") == FORMAT and (Path(directory) / NAME).read_bytes() == to_bytes(manifest)


def _dump(content: JsonDict) -> bytes:
    return json.dumps(content, indent=1, sort_keys=True, allow_nan=False).encode()


def reconcile(manifest: JsonDict, ledger_counts: Mapping[str, int]) -> None:
    """Checks read = kept + dropped + held + errors, and that the ledger says the same.

    Args:
        manifest: with `counts`.
        ledger_counts: decision → rows of the ledger; decisions without rows may be missing.

    Raises:
        CurateError: names the numbers that differ.
    """
    counts = manifest["counts"]
    decided = sum(counts[name] for name in DECISIONS)
    if counts["read"] != decided + counts["errors"]:
        raise CurateError(
            f"counts do not reconcile: read is {counts['read']}, expected kept {counts['kept']} + dropped "
            f"{counts['dropped']} + held {counts['held']} + errors {counts['errors']} = {decided + counts['errors']}"
        )
    for name in DECISIONS:
        found = ledger_counts.get(name, 0)
        if counts[name] != found:
            raise CurateError(f"counts do not reconcile: the manifest says {counts[name]} {name}, the ledger {found}")
    unknown = sorted(set(ledger_counts) - set(DECISIONS))
    if unknown:
        raise CurateError(f"the ledger holds the decisions {unknown}, expected only {list(DECISIONS)}")


def digest(stream: BinaryIO) -> JsonDict:
    """{sha256, bytes} of what is left in a binary stream, read in pieces of 1 MiB."""
    checksum, size = hashlib.sha256(), 0
    while piece := stream.read(2**20):
        checksum.update(piece)
        size += len(piece)
    return {"sha256": checksum.hexdigest(), "bytes": size}


def load_manifest(directory: str | Path) -> JsonDict:
    """Reads the manifest of an output directory.

    Raises:
        UsageError: there is none, or it is not a manifest of curate.
    """
    path = Path(directory) / NAME
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{str(directory)!r} has no {NAME}; give the output directory of a finished run") from None
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(
            f"{str(path)!r} cannot be read ({error}); give the output directory of a finished run"
        ) from None
    if not isinstance(manifest, dict) or set(COUNTS) - set(manifest.get("counts") or ()):
        raise UsageError(f"{str(path)!r} is not a manifest of curate: counts has not the names {', '.join(COUNTS)}")
    lacking = {"arguments", "config", "digests", "fingerprints"} - manifest.keys()
    if lacking:
        raise UsageError(f"{str(path)!r} lacks {min(lacking)!r}; make the output anew with this version of curate")
    return manifest
