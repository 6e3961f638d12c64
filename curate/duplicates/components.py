"""Connected components of the verified pairs: in memory, and as steps of a distributed computation.

Distributed, the edges live in partitions and a round has two steps (Kiveris, Lattanzi, Mirrokni, Rastogi and
Vassilvitskii, "Connected Components in MapReduce and Beyond", 2014):

1. *large star*: every edge goes to the partitions of both its ends, so each node meets all its neighbours, and
   links every larger neighbour to the smallest one (`large_star`).
2. *small star*: every edge goes to the partition of its larger end, where the edges at hand are replaced by an
   equivalent forest of stars (`contract`; the paper does it node by node, a whole partition shortens more).

Both steps keep what is connected connected and never add an edge, and labels only fall, so the rounds end: when
every edge leads from a node to the smallest node of its component, after O(log² n) rounds by proof and about
log n in practice. Memory per partition is bounded by its edges.
"""

import numpy as np
import scipy

from curate.arrays import changes
from curate.hashing import UInt64Array


def connected_components(left: UInt64Array, right: UInt64Array) -> tuple[UInt64Array, UInt64Array]:
    """The components of a graph held in memory.

    Args:
        left: uint64[k], one end of each edge.
        right: uint64[k], the other end.

    Returns:
        nodes: all ends, ascending.
        roots: the smallest node of each one's component.
    """
    nodes, ends = np.unique(np.concatenate([left, right]), return_inverse=True)
    if not len(nodes):
        return nodes, nodes
    one, other = np.split(ends, 2)
    graph = scipy.sparse.coo_array((np.ones(len(one), np.bool_), (one, other)), shape=(len(nodes), len(nodes)))
    _, labels = scipy.sparse.csgraph.connected_components(graph, directed=False)
    _, first = np.unique(labels, return_index=True)
    return nodes, nodes[first[labels]]


def contract(left: UInt64Array, right: UInt64Array) -> tuple[UInt64Array, UInt64Array]:
    """Small star: replaces the edges of one partition by stars (node, root) with the smallest node as root.

    There are fewer edges after than before unless they were a forest already, and the same nodes are connected.
    """
    nodes, roots = connected_components(left, right)
    inner = nodes != roots
    return nodes[inner], roots[inner]


def large_star(node: UInt64Array, neighbour: UInt64Array) -> tuple[UInt64Array, UInt64Array]:
    """Large star: links each larger neighbour of a node to the smallest of the node and its neighbours.

    Args:
        node: uint64[k], ends that belong to this partition; all edges of such a node are here, once for each
            of its ends that belongs here.
        neighbour: uint64[k], the other ends.

    Returns:
        Edges (node, root), root < node; as many as there are edges whose smaller end belongs here.
    """
    if not len(node):
        return node, neighbour
    order = np.argsort(node, kind="stable")
    node, neighbour = node[order], neighbour[order]
    begins = np.flatnonzero(changes(node))
    least = np.minimum(np.minimum.reduceat(neighbour, begins), node[begins])
    root = np.repeat(least, np.diff(np.append(begins, len(node))))
    larger = neighbour > node
    return neighbour[larger], root[larger]
