"""What the mixture is held to: the shares of real text per cluster, the tail, and the evidence that allows a boost."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

KAPPA = 0.5  # documents of mean length added to every cluster: none has share 0 for want of a sample

MAX_SOURCE_SHARE = 0.5
MAX_DUPLICATE_SHARE = 0.5
MIN_RELATIVE_COSINE = 0.5  # of the median over the clusters

EVIDENCE = pa.schema(
    [
        ("cluster", pa.int32()),
        ("documents", pa.int64()),  # accepted real documents, duplicates not counted
        ("sources", pa.int64()),  # distinct known sources
        ("top_source_share", pa.float64()),  # of the documents with a known source
        ("duplicate_share", pa.float64()),  # of all documents read in the cluster
        ("cosine", pa.float64()),  # mean cosine to the centroid, null when not given
    ]
)


@dataclass(frozen=True, eq=False)
class ClusterReference:
    """The reference distribution over clusters.

    Attributes:
        share: π, float64[k], positive and summing to 1; all zero without reference documents.
        documents: trusted human documents that it rests on.
        tail: bool[k], the smallest clusters that together hold the tail mass.
    """

    share: NDArray[np.float64]
    documents: int
    tail: NDArray[np.bool_]


def cluster_reference(tokens: ArrayLike, documents: int, tail_mass: float, kappa: float = KAPPA) -> ClusterReference:
    """Smoothed shares π_c = (tokens_c + κ·ℓ) / (Σ tokens + κ·k·ℓ), ℓ the mean length of a document.

    Args:
        tokens: of trusted human documents per cluster, [k].
        documents: their number.
        tail_mass: most that the tail clusters hold together.
        kappa: documents of mean length added to every cluster.
    """
    counts = np.asarray(tokens, dtype=np.float64)
    smoothed = counts + kappa * (counts.sum() / documents if documents else 0.0)
    total = smoothed.sum()
    share = smoothed / total if total > 0 else np.zeros(len(counts))
    return ClusterReference(share, int(documents), tail_clusters(share, tail_mass))


def tail_clusters(tokens: ArrayLike, tail_mass: float) -> NDArray[np.bool_]:
    """The smallest clusters whose tokens together are at most `tail_mass` of the total; ties by number.

    Args:
        tokens: tokens or shares per cluster, [k].
        tail_mass: a share.

    Returns:
        bool[k].
    """
    mass = np.asarray(tokens, dtype=np.float64)
    order = np.argsort(mass, kind="stable")
    tail = np.zeros(len(mass), dtype=bool)
    tail[order] = np.cumsum(mass[order]) <= tail_mass * mass.sum() * (1 + 1e-12)
    return tail & (mass.sum() > 0)


def cluster_evidence(
    cluster: NDArray[np.int32],
    source: pa.Array,
    documents: ArrayLike,
    duplicates: ArrayLike,
    clusters: int,
    cosine: NDArray[np.float64] | None = None,
) -> pa.Table:
    """The table that the evidence gate reads, one row per cluster (`EVIDENCE`).

    Args:
        cluster: int32[m]; rows may be single documents or sums per (cluster, source), in any order.
        source: registrable domain or source of each row, null where unknown.
        documents: accepted real documents of each row, [m].
        duplicates: documents dropped as duplicates of those, [m].
        clusters: k.
        cosine: mean cosine per cluster, float64[k].
    """
    rows = pa.table(
        {
            "cluster": pa.array(cluster, pa.int32()),
            "source": source,
            "documents": pa.array(np.asarray(documents, dtype=np.int64)),
            "duplicates": pa.array(np.asarray(duplicates, dtype=np.int64)),
        }
    )
    everything = np.arange(clusters, dtype=np.int32)
    by_cluster = rows.group_by("cluster").aggregate([("documents", "sum"), ("duplicates", "sum")])
    named = rows.filter(pc.and_(rows["source"].is_valid(), pc.greater(rows["documents"], 0)))
    by_source = named.group_by(["cluster", "source"]).aggregate([("documents", "sum")])
    spread = by_source.group_by("cluster").aggregate(
        [("documents_sum", "count"), ("documents_sum", "max"), ("documents_sum", "sum")]
    )
    count = _scatter(by_cluster, "documents_sum", clusters)
    dropped = _scatter(by_cluster, "duplicates_sum", clusters)
    known = _scatter(spread, "documents_sum_sum", clusters)
    columns = {
        "cluster": everything,
        "documents": count,
        "sources": _scatter(spread, "documents_sum_count", clusters),
        "top_source_share": _scatter(spread, "documents_sum_max", clusters) / np.maximum(known, 1),
        "duplicate_share": dropped / np.maximum(count + dropped, 1),
        "cosine": cosine if cosine is not None else pa.nulls(clusters, pa.float64()),
    }
    return pa.table(columns, schema=EVIDENCE)


def gate_failures(evidence: pa.Table, min_documents: int = 5, min_sources: int = 3) -> dict[str, NDArray[np.bool_]]:
    """What speaks against boosting clusters: rare is not enough, since spam and noise are rare too.

    A cluster passes with enough distinct documents from enough sources, no source holding more than half of
    them, at most half of what was read being duplicates, and a mean cosine of at least half the median over
    the clusters. With `min_sources` 1 the sources are not looked at.

    Returns:
        Condition → bool[k], the clusters that fail it, in the order of the rows.
    """
    column = {name: evidence[name].to_numpy() for name in EVIDENCE.names}
    failed = {
        "documents": column["documents"] < min_documents,
        "sources": column["sources"] < min_sources,
        "one_source": column["top_source_share"] > MAX_SOURCE_SHARE,
        "duplicates": column["duplicate_share"] > MAX_DUPLICATE_SHARE,
    }
    if min_sources == 1:
        del failed["sources"], failed["one_source"]
    cosine = column["cosine"][column["documents"] > 0]
    if len(cosine) and not np.all(np.isnan(cosine)):
        failed["scattered"] = ~(column["cosine"] >= MIN_RELATIVE_COSINE * np.nanmedian(cosine))
    return failed


def _scatter(table: pa.Table, name: str, clusters: int) -> NDArray[np.int64]:
    values: NDArray[Any] = np.zeros(clusters, dtype=np.int64)
    values[table["cluster"].to_numpy()] = table[name].to_numpy()
    return values
