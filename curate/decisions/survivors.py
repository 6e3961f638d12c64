"""Who survives among duplicates: the star rule over contents, in rank order."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curate.decisions.contents import ContentGraph
from curate.decisions.verdict import REJECT
from curate.duplicates.star import star
from curate.hashing import UInt64Array


@dataclass(frozen=True)
class Survivors:
    """The match of each document.

    Attributes:
        leader: index of the document that each one duplicates, -1 for those that survive; int64[documents].
        kind: exact, near, contained or None; object[documents].
        similarity: Jaccard similarity to the leader, float32[documents]; NaN for survivors.
        containment: share of the document's shingles found in the leader, float32[documents]; NaN for survivors.
    """

    leader: NDArray[np.int64]
    kind: NDArray[np.object_]
    similarity: NDArray[np.float32]
    containment: NDArray[np.float32]


def survivor_rank(
    verdict: NDArray[np.int8],
    own: NDArray[np.int8],
    signature_trusted: NDArray[np.bool_],
    capture: NDArray[np.int64],
    length: NDArray[np.int32],
    order: UInt64Array,
) -> NDArray[np.int64]:
    """The place of each document in the order of survival, 0 first; int64[documents], all different.

    Accept before fill before hold before reject; own class; trusted signature; earlier capture; longer; a hash
    of the id, with equal hashes told apart by the order of the documents (callers sort them by id).
    """
    index = np.lexsort((order, -length.astype(np.int64), capture, ~signature_trusted, own, verdict))
    rank = np.empty(len(index), dtype=np.int64)
    rank[index] = np.arange(len(index))
    return rank


def survivors(
    graph: ContentGraph,
    verdict: NDArray[np.int8],
    rank: NDArray[np.int64],
    threshold: float,
    containment: float,
) -> Survivors:
    """Matches every document with the survivor that it duplicates.

    The best document of a content stands for it: copies with the same text match the same leaders. Rejected
    documents never lead. No transitive closure: each match is a verified pair with a survivor.

    Args:
        graph: documents by content, with verified pairs.
        verdict: verdict of each document.
        rank: `survivor_rank`.
        threshold: least Jaccard similarity of a near duplicate.
        containment: least share of a document's shingles in the leader of a contained one.
    """
    count = len(graph.node)
    active = graph.node >= 0
    best = _best_of_nodes(graph, active & (verdict != REJECT), rank)
    node_rank = np.where(best >= 0, rank[best], -1) if count else np.zeros(0, dtype=np.int64)
    node_leader, node_similarity, node_containment = star(
        graph.count,
        node_rank,
        graph.left,
        graph.right,
        graph.jaccard,
        graph.left_in_right,
        graph.right_in_left,
        threshold,
        containment,
    )

    leader = np.full(count, -1, dtype=np.int64)
    kind = np.full(count, None, dtype=object)
    similarity = np.full(count, np.nan, dtype=np.float32)
    contained = np.full(count, np.nan, dtype=np.float32)
    if not graph.count:
        return Survivors(leader, kind, similarity, contained)

    node = np.where(active, graph.node, 0)
    near = active & (node_leader[node] >= 0)
    leader[near] = best[node_leader[node[near]]]
    similarity[near] = node_similarity[node[near]]
    contained[near] = node_containment[node[near]]
    kind[near] = np.where(similarity[near] >= np.float32(threshold), "near", "contained")

    exact = active & ~near & (best[node] >= 0) & (best[node] != np.arange(count))
    leader[exact] = best[node[exact]]
    similarity[exact] = contained[exact] = 1.0
    kind[exact] = "exact"
    return Survivors(leader, kind, similarity, contained)


def _best_of_nodes(graph: ContentGraph, may_lead: NDArray[np.bool_], rank: NDArray[np.int64]) -> NDArray[np.int64]:
    documents = np.flatnonzero(may_lead)
    documents = documents[np.argsort(rank[documents])[::-1]]
    best = np.full(graph.count, -1, dtype=np.int64)
    best[graph.node[documents]] = documents  # the last assignment, the best rank, stays
    return best
