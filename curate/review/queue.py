"""The queue of held documents: who is asked about first, and what a reviewer is told of each."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from curate.decisions.identity import partition_hashes, resolve_ids
from curate.errors import UsageError
from curate.report.ledgers import open_ledger
from curate.report.manifest import JsonDict, load_manifest
from curate.review.calibration import queue_hash
from curate.review.evidence import content_names

WAITING = "duplicate_of_held"
"""Why documents are held that follow the answer to another one."""


@dataclass(frozen=True)
class Queue:
    """Documents that wait for an answer, in the order in which they should be asked about.

    Attributes:
        ledger: their rows.
        contents: id → hash of the content that an answer is about.
        copies: id → ids of the held documents that follow its answer.
        terms: cluster → key terms.
        reference: id of the reference that the documents were decided with.
    """

    ledger: pa.Table
    contents: Mapping[str, str]
    copies: Mapping[str, list[str]]
    terms: Mapping[int, list[str]]
    reference: str

    def some(self, ids: Sequence[str]) -> "Queue":
        """The queue of some of its documents, in their order."""
        return replace(
            self, ledger=self.ledger.take(pc.index_in(pa.array(ids, pa.string()), self.ledger["id"].combine_chunks()))
        )


def load_queue(directory: str | Path) -> Queue:
    """The queue of an output on this machine.

    Raises:
        UsageError: it is no finished output with documents, or its annotations are gone.
    """
    root = Path(directory)
    manifest = load_manifest(root)
    if not (root / "held").is_dir():
        raise UsageError(
            f"{str(directory)!r} has no held/: it was decided without writing documents; `curate decide --apply` does"
        )
    ledger = read_ledger(root, pc.field("decision") == "held")
    waiting = pc.equal(ledger["reason"], WAITING)
    copies: dict[str, list[str]] = {}
    for row in ledger.filter(waiting).select(["id", "matched_id"]).to_pylist():
        copies.setdefault(row["matched_id"], []).append(row["id"])
    asked = ledger.filter(pc.invert(waiting))
    clusters = _clusters(root)
    shares = {row["cluster"]: row["before"] if row["reference"] is None else row["reference"] for row in clusters}
    queue = asked.take(pa.array(order(asked, shares, manifest["config"]["run"]["seed"])))
    return Queue(
        ledger=queue,
        contents=contents_of(root, manifest, queue["id"]),
        copies=copies,
        terms={row["cluster"]: row.get("terms", []) for row in clusters},
        reference=manifest["artefacts"].get("reference", ""),
    )


def order(held: pa.Table, shares: Mapping[int, float], seed: int) -> np.ndarray:
    """Round by round one document of every cluster, rare clusters first; int64[n], numbers of rows.

    However few of them are looked at, all clusters have their turn. Within a cluster the order is that of a hash, so
    that the first ones are a random sample.

    Args:
        held: columns id and cluster.
        shares: cluster → its reference share; documents without a cluster come last in each round.
        seed: of the run.
    """
    cluster = held["cluster"].fill_null(-1).to_numpy()
    share = np.array([shares.get(number, 0.0) if number >= 0 else np.inf for number in cluster.tolist()])
    place = queue_hash(held["id"], seed)
    by_cluster = np.lexsort((place, cluster))
    _, first, counts = np.unique(cluster[by_cluster], return_index=True, return_counts=True)
    turn = np.empty(len(cluster), dtype=np.int64)
    turn[by_cluster] = np.arange(len(cluster)) - np.repeat(first, counts)
    return np.lexsort((place, cluster, share, turn))


def read_ledger(root: Path, where: pc.Expression | None = None, columns: Sequence[str] | None = None) -> pa.Table:
    """Rows of the ledger of a local output.

    Raises:
        UsageError: it has none that this version can read.
    """
    return open_ledger(root).to_table(columns=columns, filter=where)


def contents_of(root: Path, manifest: JsonDict, ids: pa.ChunkedArray) -> dict[str, str]:
    """The hash of the content of each document, as `identified` finds it.

    Raises:
        UsageError: the annotations are gone.
    """
    documents = identified(root, manifest, ids)
    return dict(zip(documents["id"].to_pylist(), content_names(documents), strict=True))


def identified(root: Path, manifest: JsonDict, ids: pa.ChunkedArray) -> pa.Table:
    """What the annotations know of documents.

    Args:
        root: of the output.
        manifest: of the output; names the annotations of one that was decided again.
        ids: of documents, as in the ledger.

    Returns:
        Columns id, row_hash, location, earlier, content and content_low of these documents, as far as they are there,
        and of some others.

    Raises:
        UsageError: the annotations are gone.
    """
    folder = annotations_of(root, manifest) / "features"
    files = sorted(str(path) for path in folder.glob("*.parquet"))
    if not files:
        raise UsageError(
            f"{str(folder)!r} is gone, and with it what answers are about: the annotations that {str(root)!r} was "
            "decided from; put them back, or run `curate run` anew"
        )
    names = ["id", "row_hash", "location", "earlier", "content", "content_low"]
    features = ds.dataset(files, format="parquet").to_table(columns=names)
    # Documents with equal ids got theirs in a run: here as there.
    family = np.isin(partition_hashes(features["id"]), partition_hashes(ids))
    documents, _ = resolve_ids(features.filter(pa.array(family)))
    return documents


def annotations_of(root: Path, manifest: JsonDict) -> Path:
    """The annotations that an output was decided from: its own, or those of the run that was decided again."""
    return Path(manifest["arguments"].get("annotations", root / "annotations"))


def _clusters(root: Path) -> list[dict[str, Any]]:
    try:
        return list(json.loads((root / "report.json").read_text(encoding="utf-8"))["clusters"])
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(f"{str(root)!r} has no report.json; give the output directory of a finished run") from None
