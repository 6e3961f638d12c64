"""The last stage: sums over the survivors of each cluster, their allocation, and what it makes of every document."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.clusters.groups import Groups
from curate.clusters.kmeans import Centroids
from curate.config import Config
from curate.config import Mixture as MixtureSettings
from curate.decisions.reference import Reference
from curate.decisions.verdict import ACCEPT, FILL
from curate.decisions.verification import REASON as UNVERIFIED
from curate.hashing import hash_strings
from curate.mixture.allocation import Allocation, AllocationOptions, allocate
from curate.mixture.causes import floor_causes, named
from curate.mixture.grades import GRADES, UNCOPIED, copyable, grade_weights, grades
from curate.mixture.intervals import share_intervals
from curate.mixture.mixed import allocate_capped
from curate.mixture.reference import KAPPA, ClusterReference, cluster_evidence, cluster_reference, gate_failures
from curate.mixture.retention import FRAGILE_DOCUMENTS
from curate.mixture.sampling import BudgetSearch, Tokens, budget_copies, copies, in_validation, loss_weight
from curate.schema import LEDGER, WATERMARKS

Floats = NDArray[np.float64]

FINISHED = pa.schema(
    [
        *LEDGER,
        ("place", pa.uint64()),  # hash of the unique id
        ("location", pa.uint64()),
        ("id_hash", pa.uint64()),
        ("row_hash", pa.uint64()),
        ("source", pa.string()),
        ("watermarks", WATERMARKS),
        ("verification", pa.float32()),
        ("timestamp", pa.timestamp("us", tz="UTC")),
        ("own", pa.int8()),
        ("loss_weight", pa.float64()),
        ("split", pa.string()),
    ]
)
"""The ledger, and what writers, report and joins need besides."""

ODD = 0.1
"""Share of the human documents of a language that are as odd as the oddest of good quality."""

MOSTLY = 0.75
"""Share of odd documents above which a cluster is not boosted: what is rare and real has many, junk hardly another."""

WEIGHT_UNIT = 1_000_000
"""Weighted tokens are summed as integers of this part of a token, so that the order does not matter."""

SITES_LISTED = 10
"""Sites named of a cluster that is short of text."""

SUMS = pa.schema(
    [
        ("cluster", pa.int32()),
        ("site", pa.string()),
        ("grade", pa.int8()),  # `curate.mixture.grades`
        ("accepted", pa.int64()),  # weighted tokens of accepted survivors, in `WEIGHT_UNIT`
        ("mixed", pa.int64()),  # of these, the tokens of documents of mixed origin
        ("accepted_documents", pa.int64()),
        ("fill", pa.int64()),  # tokens of declared synthetic survivors that pass quality gate and verifier
        ("odd", pa.int64()),  # accepted documents odder than nine in ten human documents of their language
        ("unfit", pa.int64()),  # accepted documents that fail the quality gate
        ("duplicates", pa.int64()),  # documents accepted for themselves, and dropped as duplicates
    ]
)


@dataclass(frozen=True, eq=False)
class ClusterSums:
    """Sums per cluster, site and grade; merging is associative and commutative.

    Attributes:
        table: `SUMS`, one row for each of them that has a document, sorted.
    """

    table: pa.Table

    @staticmethod
    def collect(decided: pa.Table) -> "ClusterSums":
        """Sums over `curate.decisions.groups.DECIDED`."""
        rows = decided.filter(decided["cluster"].is_valid())
        verdict, tokens = rows["verdict"].to_numpy(), rows["tokens"].to_numpy().astype(np.int64)
        surviving = rows["decision"].is_null().to_numpy()
        merged = pc.equal(rows["stage"], "dedupe").fill_null(False).to_numpy()
        merged &= ~rows["matched_earlier"].to_numpy()  # not a copy of anything that is counted here
        units = np.rint(rows["weight"].to_numpy() * WEIGHT_UNIT).astype(np.int64)
        accepted = surviving & (verdict == ACCEPT)
        columns = {
            "cluster": rows["cluster"],
            "site": rows["site"],
            "grade": _grades(rows),
            "accepted": accepted * units * tokens,
            "mixed": (accepted & _is_mixed(rows)) * units * tokens,
            "accepted_documents": accepted.astype(np.int64),
            "fill": (surviving & (verdict == FILL) & ~_unfit(rows)) * tokens,
            "odd": (accepted & (_quality(rows) < ODD)).astype(np.int64),
            "unfit": (accepted & ~rows["quality_passed"].to_numpy()).astype(np.int64),
            # Copies that are rejected, held or declared synthetic do not count against a boost: whoever adds machine
            # text must not move the weight of real documents.
            "duplicates": (merged & (verdict == ACCEPT)).astype(np.int64),
        }
        return ClusterSums(_summed(pa.table(columns, schema=SUMS)))

    def merge(self, other: "ClusterSums") -> "ClusterSums":
        """The sums of both parts of a corpus."""
        return ClusterSums(_summed(pa.concat_tables([self.table, other.table])))

    def clusters(self) -> int:
        """One more than the largest cluster number."""
        return (pc.max(self.table["cluster"]).as_py() or 0) + 1 if self.table.num_rows else 0

    def by_cluster(self, name: str, clusters: int) -> NDArray[np.int64]:
        """One sum per cluster, int64[clusters]."""
        totals = np.zeros(clusters, dtype=np.int64)
        np.add.at(totals, self.table["cluster"].to_numpy(), self.table[name].to_numpy())
        return totals

    def by_grade(self, name: str, clusters: int) -> NDArray[np.int64]:
        """One sum per cluster and grade, int64[clusters, GRADES]."""
        totals = np.zeros((clusters, GRADES), dtype=np.int64)
        np.add.at(
            totals, (self.table["cluster"].to_numpy(), self.table["grade"].to_numpy()), self.table[name].to_numpy()
        )
        return totals


def _summed(table: pa.Table) -> pa.Table:
    keys, names = SUMS.names[:3], SUMS.names[3:]
    totals = table.group_by(keys).aggregate([(name, "sum") for name in names])
    columns = [*(totals[key] for key in keys), *(totals[f"{name}_sum"] for name in names)]
    return pa.table(columns, schema=SUMS).sort_by([(key, "ascending") for key in keys]).combine_chunks()


@dataclass(frozen=True)
class Mixture:
    """What the mixture decided; None when it is off or nothing has a cluster.

    Attributes:
        allocation: tokens and mean weights per cluster.
        grade_weights: of accepted documents by cluster and grade, float64[k, GRADES]; 1 where nothing is accepted.
        details: what the table says of each cluster besides: column → its values, plain JSON types.
        tail_mass: share of the reference that the tail holds.
        mixed_weight: weight of documents of mixed origin, that their cap allows.
        mixed_tokens: of them, before that weight.
        unknown_caps: names that `mixture.cluster_caps` gives and no cluster has.
    """

    allocation: Allocation | None
    grade_weights: Floats
    details: dict[str, list[Any]]
    tail_mass: float
    mixed_weight: float = 1.0
    mixed_tokens: float = 0.0
    unknown_caps: Sequence[str] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types for the report."""
        if self.allocation is None:
            return {}
        values = self.allocation.to_dict()
        for row, *details in zip(values["clusters"], *self.details.values(), strict=True):
            row |= dict(zip(self.details, details, strict=True))
            # The report takes these shares from the ledger, where they count every document that was read.
            del row["before"], row["after"]
        mixed = {"mixed_weight": self.mixed_weight, "mixed_tokens": round(self.mixed_tokens, 3)}
        return {**values, **mixed, "tail_mass": self.tail_mass, "unknown_caps": list(self.unknown_caps)}


def mix(
    sums: ClusterSums | None, reference: Reference, config: Config, clustering: Centroids | Groups | None = None
) -> Mixture:
    """Allocates tokens to the clusters.

    Args:
        sums: over the survivors; None when there is no document.
        reference: real tokens per cluster.
        config: settings of the mixture.
        clustering: groups, whose names settings may give.
    """
    settings = config.mixture
    reference_tokens = reference.token_array(sums.clusters() if sums else 0)
    clusters = len(reference_tokens)
    if not settings.enabled or sums is None or clusters == 0:
        return Mixture(None, np.ones((0, GRADES)), {}, settings.tail_mass)
    accepted_documents = sums.by_cluster("accepted_documents", clusters)
    accepted, mixed = (sums.by_cluster(name, clusters) / WEIGHT_UNIT for name in ("accepted", "mixed"))
    failures = gate_failures(
        cluster_evidence(
            sums.table["cluster"].to_numpy(),
            sums.table["site"].combine_chunks(),
            sums.table["accepted_documents"].to_numpy(),
            sums.table["duplicates"].to_numpy(),
            clusters,
        ),
        settings.min_cluster_docs,
        settings.min_cluster_sources,
    )
    odd, unfit = (sums.by_cluster(name, clusters) for name in ("odd", "unfit"))
    failures["quality"] = (odd > MOSTLY * accepted_documents) | (2 * unfit > accepted_documents)
    frozen = reference.frozen_clusters(clusters, config)
    tokens = sums.by_grade("accepted", clusters) / WEIGHT_UNIT
    options = AllocationOptions(
        alpha=settings.alpha,
        max_head_loss=settings.max_head_loss,
        synthetic_cap=settings.synthetic_cap,
        token_budget=settings.token_budget,
        max_copies=settings.max_copies,
        growth=settings.growth,
        min_reference=settings.min_reference,
    )
    caps, unknown = _caps(clusters, clustering, settings)
    allocate_with = partial(
        allocate,
        _shares(reference, reference_tokens, accepted_documents, settings.tail_mass),
        synthetic=sums.by_cluster("fill", clusters),
        gate=~np.logical_or.reduce(list(failures.values())),
        frozen=frozen,
        options=options,
        caps=caps,
        copyable=copyable(tokens),
    )
    allocation, weight = allocate_capped(allocate_with, accepted - mixed, mixed, settings.mixed_cap)
    details: dict[str, list[Any]] = {
        "accepted_documents": accepted_documents.tolist(),
        "reference_documents": [reference.documents.get(cluster, 0) for cluster in range(clusters)],
        "fragile": ((accepted_documents > 0) & (accepted_documents < FRAGILE_DOCUMENTS)).tolist(),
        "frozen": frozen.tolist(),
        "gate_failed": named(failures, clusters),
        "causes": floor_causes(allocation, frozen, options),
    }
    details |= _sites(sums.table, allocation.missing > 0) | _intervals(reference, allocation)
    tokens[:, UNCOPIED] = np.maximum(tokens[:, UNCOPIED] - (1.0 - weight) * mixed, 0.0)
    most = np.where(allocation.boosted, float(settings.max_copies), 1.0)
    weights = grade_weights(tokens, allocation.real_weight, most)
    weights[allocation.accepted == 0] = 1.0
    return Mixture(allocation, weights.round(9), details, settings.tail_mass, weight, float(mixed.sum()), unknown)


def _caps(clusters: int, clustering: Centroids | Groups | None, settings: MixtureSettings) -> tuple[Floats, list[str]]:
    """Most that the synthetic share of each cluster may be, and the names that no cluster has."""
    names = clustering.names.to_pylist() if isinstance(clustering, Groups) else list(map(str, range(clusters)))
    caps = np.full(clusters, settings.synthetic_cap)
    for cluster, name in enumerate(names[:clusters]):
        caps[cluster] = settings.cluster_caps.get(name, settings.synthetic_cap)
    return caps, sorted(set(settings.cluster_caps) - set(names))


def _sites(table: pa.Table, wanted: NDArray[np.bool_]) -> dict[str, list[Any]]:
    """How many known sites the accepted documents of each cluster are from, and the largest of the clusters wanted."""
    found: list[list[dict[str, Any]]] = [[] for _ in wanted]
    rows = table.filter(pc.and_(table["site"].is_valid(), pc.greater(table["accepted_documents"], 0)))
    rows = rows.group_by(["cluster", "site"]).aggregate([("accepted_documents", "sum")])
    for row in rows.to_pylist():
        found[row["cluster"]].append({"site": row["site"], "documents": row["accepted_documents_sum"]})
    for sites in found:
        sites.sort(key=lambda site: (-site["documents"], site["site"]))
    top = [sites[:SITES_LISTED] if wanted[cluster] else [] for cluster, sites in enumerate(found)]
    return {"sites": [len(sites) for sites in found], "top_sites": top}


def _intervals(reference: Reference, allocation: Allocation) -> dict[str, list[Any]]:
    """Between which shares each π lies, smoothed as π is; none where π is not that of reference documents."""
    if not (allocation.anchored and reference.squares):
        return {}
    live = np.flatnonzero(allocation.reference)
    tokens, documents, squares = (
        np.array([column.get(cluster, 0) for cluster in live.tolist()])
        for column in (reference.tokens, reference.documents, reference.squares)
    )
    found = share_intervals(tokens, documents, squares)
    sampled = allocation.reference_documents / (allocation.reference_documents + KAPPA * len(live))
    intervals = np.zeros((2, len(allocation.reference)))
    intervals[:, live] = sampled * np.array(found) + (1.0 - sampled) / len(live)
    return dict(zip(("reference_low", "reference_high"), intervals.round(9).tolist(), strict=True))


def _shares(
    reference: Reference, tokens: NDArray[np.float64], accepted_documents: NDArray[np.int64], tail_mass: float
) -> ClusterReference:
    """Reference shares of the clusters that hold anything real; the others have none.

    Shares are smoothed over these clusters alone: a cluster of machine text must not take from their shares.
    """
    live = (tokens > 0) | (accepted_documents > 0)
    found = cluster_reference(tokens[live], sum(reference.documents.values()), tail_mass)
    share, tail = np.zeros(len(tokens)), np.zeros(len(tokens), dtype=bool)
    share[live], tail[live] = found.share, found.tail
    return ClusterReference(share, found.documents, tail)


def document_weights(decided: pa.Table, mixture: Mixture) -> NDArray[np.float64]:
    """The weight of every survivor in the built corpus, 0 for others; float64[n], rounded to nine digits.

    Args:
        decided: `curate.decisions.groups.DECIDED`, n rows.
        mixture: from `mix`.
    """
    mixed = _capped(decided)
    base = decided["weight"].to_numpy() * np.where(mixed, mixture.mixed_weight, 1.0)
    taken = decided["decision"].is_null().to_numpy() & ~_unfit(decided)
    return np.where(taken, base * _factors(decided, mixture), 0.0).round(9)


def tally_budget(decided: pa.Table, mixture: Mixture, search: BudgetSearch, config: Config) -> Tokens:
    """What the next step of the search for a token budget's threshold asks of some documents; media have no tokens.

    Args:
        decided: `curate.decisions.groups.DECIDED`.
        mixture: from `mix`.
        search: as far as it is.
        config: settings.
    """
    tokens = decided["tokens"].fill_null(0).to_numpy().astype(np.int64)
    weights = np.where(decided["media"].to_numpy(), 0.0, document_weights(decided, mixture))
    return search.tally(weights, hash_strings(decided["id"]), tokens, config.run.seed)


def finish(decided: pa.Table, mixture: Mixture, config: Config, threshold: int | None = None) -> pa.Table:
    """Gives every document its decision, weight and copies.

    Kept documents have a weight above 0. Below 1 it is a chance, so that copies may be 0. What a token budget leaves
    out is dropped.

    Args:
        decided: `curate.decisions.groups.DECIDED`, n rows.
        mixture: from `mix`.
        config: settings.
        threshold: of a finished `BudgetSearch`, at which the token budget is spent; None draws every document apart.

    Returns:
        `FINISHED`, n rows in the same order.
    """
    decision, stage, reason = (decided[name].to_numpy(zero_copy_only=False).copy() for name in _OUTCOME)
    verdict = decided["verdict"].to_numpy()
    keys = hash_strings(decided["id"])
    surviving = decided["decision"].is_null().to_numpy()
    mixed = _capped(decided)
    weight = document_weights(decided, mixture)
    seed = config.run.seed
    drawn = copies(weight, keys, seed) if threshold is None else budget_copies(weight, keys, threshold, seed)

    left_over = surviving & (verdict == FILL) & (weight == 0)
    decision[left_over], stage[left_over], reason[left_over] = "dropped", "mixture", "no_shortage"
    reason[left_over & _unfit(decided)] = UNVERIFIED
    reason[left_over & ~decided["quality_passed"].to_numpy()] = "quality"
    barred = surviving & mixed & (mixture.mixed_weight == 0)
    decision[barred], stage[barred], reason[barred] = "dropped", "mixture", "mixed"
    if config.mixture.token_budget:
        beyond = surviving & ~left_over & ~barred & (drawn == 0) & (_factors(decided, mixture) < 1)
        decision[beyond], stage[beyond], reason[beyond] = "dropped", "mixture", "budget"
        weight[beyond] = 0.0
    decision[surviving & (decision == None)] = "kept"  # noqa: E711

    validation = in_validation(keys, config.run.validation_share, config.run.seed)
    derived = {
        "decision": pa.array(decision, pa.string()),
        "stage": pa.array(stage, pa.string()),
        "reason": pa.array(reason, pa.string()),
        "weight": pa.array(weight),
        "copies": pa.array(drawn),
        "place": pa.array(keys),
        "loss_weight": pa.array(_loss_weights(verdict, mixture)),
        "split": pa.array(np.where(validation, "validation", "train")),
    }
    columns = [derived[name] if name in derived else decided[name] for name in FINISHED.names]
    return pa.table(columns, schema=FINISHED)


def _unfit(decided: pa.Table) -> NDArray[np.bool_]:
    """Declared synthetic documents that fail the quality gate, or that a verifier did not accept: they fill nothing."""
    fit = decided["quality_passed"].to_numpy() & decided["verified"].to_numpy()
    return (decided["verdict"].to_numpy() == FILL) & ~fit


def _quality(decided: pa.Table) -> NDArray[np.float64]:
    """The quality of documents; 1 where nothing is known."""
    return decided["quality"].fill_null(1.0).to_numpy().astype(np.float64)


def _grades(decided: pa.Table) -> NDArray[np.int8]:
    """The grade of documents. Suspects, mixed ones and those that fail the gate of quality are not copied."""
    suspected = pc.equal(decided["reason"], "suspect").fill_null(False).to_numpy()
    copied = decided["quality_passed"].to_numpy() & ~_is_mixed(decided) & ~suspected
    return grades(1.0 - decided["p_synthetic"].to_numpy().astype(np.float64), copied)


def _is_mixed(decided: pa.Table) -> NDArray[np.bool_]:
    return pc.equal(decided["origin"], "mixed").to_numpy()


_OUTCOME = ("decision", "stage", "reason")


def _capped(decided: pa.Table) -> NDArray[np.bool_]:
    """Accepted documents that share the cap of mixed text; media stand outside it."""
    return _is_mixed(decided) & (decided["verdict"].to_numpy() == ACCEPT) & ~decided["media"].to_numpy()


def _factors(decided: pa.Table, mixture: Mixture) -> NDArray[np.float64]:
    """What the allocation multiplies the weight of each document with; media stand outside it."""
    verdict = decided["verdict"].to_numpy()
    if mixture.allocation is None:
        return np.ones(len(verdict))
    cluster = decided["cluster"].fill_null(-1).to_numpy()
    media = decided["media"].to_numpy()
    # Accepted text without tokens, or in no cluster (the last entry), keeps its weight; synthetic text has none.
    allocation = mixture.allocation
    real = np.vstack([mixture.grade_weights, np.ones(GRADES)])[cluster, _grades(decided)]
    synthetic = np.append(allocation.synthetic_weight, 0.0)[cluster]
    return np.where(media, 1.0, np.where(verdict == FILL, synthetic, real))


def _loss_weights(verdict: NDArray[np.int8], mixture: Mixture) -> NDArray[np.float64]:
    if mixture.allocation is None:
        return np.ones(len(verdict))
    real, synthetic = mixture.allocation.real.sum(), mixture.allocation.synthetic.sum()
    return np.where(verdict == FILL, round(float(loss_weight(real, synthetic)), 9), 1.0)
