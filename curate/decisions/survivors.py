"""Who survives among duplicates: the star rule over contents, in rank order."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curate.decisions.contents import ContentGraph
from curate.decisions.earlier import settled
from curate.decisions.policy import Policies
from curate.decisions.verdict import REJECT
from curate.duplicates.star import star

Int64Array = NDArray[np.int64]


@dataclass(frozen=True)
class Survivors:
    """The match of each document.

    Attributes:
        leader: index of the document that each one duplicates, -1 for those that survive; int64[documents].
        kind: exact, near, contained or None; object[documents].
        similarity: Jaccard similarity to the leader, float32[documents]; NaN for survivors.
        containment: share of the document's shingles found in the leader, float32[documents]; NaN for survivors.
    """

    leader: Int64Array
    kind: NDArray[np.object_]
    similarity: NDArray[np.float32]
    containment: NDArray[np.float32]

    def but(self, alone: NDArray[np.bool_]) -> "Survivors":
        """The same, with documents that match none; bool[documents]."""
        found = Survivors(*(getattr(self, name).copy() for name in self.__dataclass_fields__))
        found.leader[alone], found.kind[alone] = -1, None
        found.similarity[alone] = found.containment[alone] = np.nan
        return found


def survivors(
    graph: ContentGraph,
    verdict: NDArray[np.int8],
    rank: Int64Array,
    policies: Policies,
    earlier_class: NDArray[np.int8],
) -> Survivors:
    """Matches every document with the survivor that it duplicates.

    The best document of a unit (documents with the same text under the same rule) stands for it: copies match
    the same leaders. Rejected documents never lead. No transitive closure: each match is a verified pair with a
    survivor.

    Args:
        graph: documents by content, with verified pairs.
        verdict: verdict of each document.
        rank: `curate.decisions.order.survivor_rank`.
        policies: what may be dropped.
        earlier_class: own class of each document of an earlier output, -1 for new ones.
    """
    count = len(graph.node)
    matched = Survivors(
        leader=np.full(count, -1, dtype=np.int64),
        kind=np.full(count, None, dtype=object),
        similarity=np.full(count, np.nan, dtype=np.float32),
        containment=np.full(count, np.nan, dtype=np.float32),
    )
    active = np.flatnonzero(graph.node >= 0)
    if not len(active):
        return matched
    rules = len(policies.exact)
    units, unit = np.unique(graph.node[active] * rules + policies.of[active], return_inverse=True)
    rule = units % rules
    may_lead = verdict[active] != REJECT
    best = _best(len(units), unit[may_lead], active[may_lead], rank)
    edges = _edges(graph, units // rules)
    allowed = np.where(
        edges.same,
        policies.exact[rule[edges.member]],
        (edges.jaccard >= policies.threshold[rule[edges.member]])
        | (edges.containment >= policies.containment[rule[edges.member]]),
    )
    edges = edges.where(allowed & ~settled(best[edges.leads], best[edges.member], earlier_class))
    leader, edge = star(np.where(best >= 0, rank[best], -1), edges.leads, edges.member)

    # Documents of a matched unit go with it.
    of_unit = leader[unit] >= 0
    documents, chosen = active[of_unit], edge[unit[of_unit]]
    matched.leader[documents] = best[leader[unit[of_unit]]]
    matched.similarity[documents], matched.containment[documents] = edges.jaccard[chosen], edges.containment[chosen]
    near = edges.jaccard[chosen] >= policies.threshold[policies.of[documents]]
    matched.kind[documents] = np.where(edges.same[chosen], "exact", np.where(near, "near", "contained"))

    # Within a unit that is not, all but the best are its exact duplicates.
    exact = ~of_unit & (best[unit] >= 0) & (best[unit] != active) & policies.exact[rule[unit]]
    documents = active[exact]
    matched.leader[documents] = best[unit[exact]]
    matched.similarity[documents] = matched.containment[documents] = 1.0
    matched.kind[documents] = "exact"
    return matched


def _best(units: int, unit: Int64Array, documents: Int64Array, rank: Int64Array) -> Int64Array:
    """The best-ranked document of each unit, int64[units]; -1 for a unit without any."""
    worst_first = np.argsort(rank[documents])[::-1]
    best = np.full(units, -1, dtype=np.int64)
    best[unit[worst_first]] = documents[worst_first]  # the last assignment, the best rank, stays
    return best


@dataclass(frozen=True)
class _Edges:
    """Directed edges between units: that one may match another, if the measures allow it.

    Attributes:
        leads, member: units, int64[k].
        same: the units have the same text, bool[k].
        jaccard: float32[k].
        containment: share of the member's shingles found in the leading one, float32[k].
    """

    leads: Int64Array
    member: Int64Array
    same: NDArray[np.bool_]
    jaccard: NDArray[np.float32]
    containment: NDArray[np.float32]

    def where(self, chosen: NDArray[np.bool_]) -> "_Edges":
        """Some of the edges."""
        return _Edges(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


def _edges(graph: ContentGraph, node: Int64Array) -> _Edges:
    """Both directions of every pair, between all units of its two contents, and of units with the same content.

    Args:
        graph: contents and verified pairs.
        node: the content of each unit, ascending.
    """
    starts = np.searchsorted(node, np.arange(graph.count + 1))
    sizes = np.diff(starts)
    pair, left, right = _products(starts, sizes, graph.left, graph.right)
    divided = np.flatnonzero(sizes > 1)
    _, one, other = _products(starts, sizes, divided, divided)
    one, other = one[one != other], other[one != other]
    return _Edges(
        leads=np.concatenate([left, right, one]),
        member=np.concatenate([right, left, other]),
        same=np.repeat([False, True], [2 * len(pair), len(one)]),
        jaccard=np.concatenate([graph.jaccard[pair], graph.jaccard[pair], np.ones(len(one), np.float32)]),
        containment=np.concatenate(
            [graph.right_in_left[pair], graph.left_in_right[pair], np.ones(len(one), np.float32)]
        ),
    )


def _products(
    starts: Int64Array, sizes: Int64Array, left: Int64Array, right: Int64Array
) -> tuple[Int64Array, Int64Array, Int64Array]:
    """For the i-th pair of nodes, every unit of the one with every unit of the other: i, unit, unit."""
    combinations = sizes[left] * sizes[right]
    pair = np.repeat(np.arange(len(left)), combinations)
    number = np.arange(len(pair)) - np.repeat(np.cumsum(combinations) - combinations, combinations)
    across = sizes[right[pair]]
    return pair, starts[left[pair]] + number // across, starts[right[pair]] + number % across
