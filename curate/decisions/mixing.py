"""The last stage: sums over the survivors of each cluster, their allocation, and what it makes of every document."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.config import Config
from curate.decisions.reference import Reference
from curate.decisions.verdict import ACCEPT, FILL
from curate.hashing import hash_strings
from curate.mixture.allocation import Allocation, AllocationOptions, allocate
from curate.mixture.reference import cluster_evidence, cluster_reference, evidence_gate
from curate.mixture.sampling import copies, in_validation, loss_weight
from curate.schema import LEDGER

FINISHED = pa.schema(
    [
        *LEDGER,
        ("place", pa.uint64()),  # hash of the unique id
        ("location", pa.uint64()),
        ("id_hash", pa.uint64()),
        ("row_hash", pa.uint64()),
        ("source", pa.string()),
        ("timestamp", pa.timestamp("us", tz="UTC")),
        ("loss_weight", pa.float64()),
        ("split", pa.string()),
    ]
)
"""The ledger, and what writers, report and joins need besides."""

WEIGHT_UNIT = 1_000_000
"""Weighted tokens are summed as integers of this part of a token, so that the order does not matter."""


@dataclass(frozen=True)
class ClusterSums:
    """Sums per (cluster, source, what); merging is associative and commutative.

    Attributes:
        counts: (cluster, source or None, name) → sum; the names are accepted, accepted_documents, fill, duplicates.
    """

    counts: Counter[tuple[int, str | None, str]] = field(default_factory=Counter)

    @staticmethod
    def collect(decided: pa.Table) -> "ClusterSums":
        """Sums over `curate.decisions.groups.DECIDED`."""
        clustered = decided.filter(decided["cluster"].is_valid())
        surviving = clustered["decision"].is_null()
        accepted = clustered.filter(pc.and_(surviving, pc.equal(clustered["verdict"], ACCEPT)))
        fill = clustered.filter(pc.and_(surviving, pc.equal(clustered["verdict"], FILL)))
        duplicates = clustered.filter(pc.equal(clustered["stage"], "dedupe").fill_null(False))
        units = pc.round(pc.multiply(accepted["weight"], float(WEIGHT_UNIT))).cast(pa.int64())
        counts: Counter[tuple[int, str | None, str]] = Counter()
        for name, rows, values in (
            ("accepted", accepted, pc.multiply(units, accepted["tokens"].cast(pa.int64()))),
            ("accepted_documents", accepted, None),
            ("fill", fill, fill["tokens"].cast(pa.int64())),
            ("duplicates", duplicates, None),
        ):
            ones = pa.chunked_array([np.ones(rows.num_rows, dtype=np.int64)])
            table = pa.table({"cluster": rows["cluster"], "source": rows["source"], "value": values or ones})
            totals = table.group_by(["cluster", "source"]).aggregate([("value", "sum")])
            for row in totals.to_pylist():
                counts[row["cluster"], row["source"], name] += row["value_sum"]
        return ClusterSums(counts)

    def merge(self, other: "ClusterSums") -> "ClusterSums":
        """The sums of both parts of a corpus."""
        return ClusterSums(self.counts + other.counts)

    def by_cluster(self, name: str, clusters: int) -> NDArray[np.float64]:
        """One sum per cluster, float64[clusters]."""
        totals = [0] * clusters
        for (cluster, _, kind), value in self.counts.items():
            if kind == name:
                totals[cluster] += value
        return np.array(totals, dtype=np.float64)


@dataclass(frozen=True)
class Mixture:
    """What the mixture decided; None when it is off or nothing has a cluster.

    Attributes:
        allocation: tokens and weights per cluster.
        documents: accepted documents per cluster.
        tail_mass: share of the reference that the tail holds.
    """

    allocation: Allocation | None
    documents: NDArray[np.float64]
    tail_mass: float

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types for the report."""
        if self.allocation is None:
            return {}
        values = self.allocation.to_dict()
        for row, documents in zip(values["clusters"], self.documents.tolist(), strict=True):
            row["documents"] = int(documents)
            # The report takes these shares from the ledger, where they count every document that was read.
            del row["before"], row["after"]
        return {**values, "tail_mass": self.tail_mass}


def mix(sums: ClusterSums | None, reference: Reference, config: Config) -> Mixture:
    """Allocates tokens to the clusters (science.md 2.2).

    Args:
        sums: over the survivors; None when there is no document.
        reference: real tokens per cluster.
        config: settings of the mixture.
    """
    settings = config.mixture
    counts = sums.counts if sums else {}
    known = max((cluster for cluster, _, _ in counts), default=-1) + 1
    reference_tokens = reference.token_array(known)
    clusters = len(reference_tokens)
    if not settings.enabled or sums is None or clusters == 0:
        return Mixture(None, np.zeros(0), settings.tail_mass)
    keys = sorted({(cluster, source or "") for cluster, source, _ in counts})
    allocation = allocate(
        cluster_reference(reference_tokens, sum(reference.documents.values()), settings.tail_mass),
        sums.by_cluster("accepted", clusters) / WEIGHT_UNIT,
        sums.by_cluster("fill", clusters),
        evidence_gate(
            cluster_evidence(
                np.array([cluster for cluster, _ in keys], dtype=np.int32),
                pa.array([source or None for _, source in keys], pa.string()),
                [counts[cluster, source or None, "accepted_documents"] for cluster, source in keys],
                [counts[cluster, source or None, "duplicates"] for cluster, source in keys],
                clusters,
            ),
            settings.min_cluster_docs,
            settings.min_cluster_sources,
        ),
        reference.frozen_clusters(clusters, config),
        AllocationOptions(
            alpha=settings.alpha,
            max_head_loss=settings.max_head_loss,
            synthetic_cap=settings.synthetic_cap,
            token_budget=settings.token_budget,
            max_copies=settings.max_copies,
            growth=settings.growth,
            min_reference=settings.min_reference,
        ),
    )
    return Mixture(allocation, sums.by_cluster("accepted_documents", clusters), settings.tail_mass)


def finish(decided: pa.Table, mixture: Mixture, config: Config) -> pa.Table:
    """Gives every document its decision, weight and copies.

    Kept documents have a weight above 0. Below 1 it is a chance, so that copies may be 0. What a token budget leaves
    out is dropped.

    Args:
        decided: `curate.decisions.groups.DECIDED`, n rows.
        mixture: from `mix`.
        config: settings.

    Returns:
        `FINISHED`, n rows in the same order.
    """
    decision, stage, reason = (decided[name].to_numpy(zero_copy_only=False).copy() for name in _OUTCOME)
    verdict = decided["verdict"].to_numpy()
    keys = hash_strings(decided["id"])
    surviving = decided["decision"].is_null().to_numpy()
    weight = np.where(surviving, _weights(decided, verdict, mixture), 0.0).round(9)
    drawn = copies(weight, keys, config.run.seed)

    left_over = surviving & (verdict == FILL) & (weight == 0)
    decision[left_over], stage[left_over], reason[left_over] = "dropped", "mixture", "no_shortage"
    if config.mixture.token_budget:
        beyond = surviving & ~left_over & (drawn == 0)
        decision[beyond], stage[beyond], reason[beyond] = "dropped", "mixture", "budget"
        weight[beyond] = 0.0
    decision[surviving & (decision == None)] = "kept"  # noqa: E711

    validation = in_validation(keys, config.run.validation_share, config.run.seed)
    derived = {
        "decision": pa.array(decision, pa.string()),
        "stage": pa.array(stage, pa.string()),
        "reason": pa.array(reason, pa.string()),
        "weight": pa.array(weight),
        "copies": pa.array(np.where(weight > 0, drawn, 0).astype(np.int32)),
        "place": pa.array(keys),
        "loss_weight": pa.array(_loss_weights(verdict, mixture)),
        "split": pa.array(np.where(validation, "validation", "train")),
    }
    columns = [derived[name] if name in derived else decided[name] for name in FINISHED.names]
    return pa.table(columns, schema=FINISHED)


_OUTCOME = ("decision", "stage", "reason")


def _weights(decided: pa.Table, verdict: NDArray[np.int8], mixture: Mixture) -> NDArray[np.float64]:
    """Base weight × the allocation's factor of the cluster; media stand outside the allocation."""
    base = decided["weight"].to_numpy()
    if mixture.allocation is None:
        return base
    cluster = decided["cluster"].fill_null(-1).to_numpy()
    media = decided["media"].to_numpy()
    # The last entry serves cluster -1: accepted text that no cluster holds keeps its weight, synthetic has none.
    real = np.append(mixture.allocation.real_weight, 1.0)[cluster]
    synthetic = np.append(mixture.allocation.synthetic_weight, 0.0)[cluster]
    return base * np.where(media, 1.0, np.where(verdict == FILL, synthetic, real))


def _loss_weights(verdict: NDArray[np.int8], mixture: Mixture) -> NDArray[np.float64]:
    if mixture.allocation is None:
        return np.ones(len(verdict))
    real, synthetic = mixture.allocation.real.sum(), mixture.allocation.synthetic.sum()
    return np.where(verdict == FILL, round(float(loss_weight(real, synthetic)), 9), 1.0)
