"""The star rule: a document goes only if a better-ranked survivor was verified similar to it.

There is no transitive closure. That A resembles B and B resembles C removes C only if C resembles A itself,
so chains of small edits and shared templates cannot eat a whole group.
"""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray


def star(
    rank: NDArray[np.int64], leads: NDArray[np.int64], member: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Greedy in rank order: whoever is not matched yet leads and matches all ranked below that it may match.

    Of several leaders the best ranked counts. One sort and one pass over the edges.

    Args:
        rank: int64[n], distinct, lower is better; -1 for nodes that may never lead, but can be matched.
        leads: int64[k], the node that an edge says may match another.
        member: int64[k], the node to be matched; an edge to a better-ranked one is of no use.

    Returns:
        leader: int64[n], the node that each is matched to, -1 for none.
        edge: int64[n], the number of the edge that says so, -1 for none.
    """
    ranked_below = (rank[member] > rank[leads]) | (rank[member] < 0)
    usable = np.flatnonzero((rank[leads] >= 0) & ranked_below)
    usable = usable[np.argsort(rank[leads[usable]], kind="stable")]
    found = _matches(len(rank), leads[usable], member[usable])
    matched = found >= 0
    leader, edge = np.full(len(rank), -1, np.int64), np.full(len(rank), -1, np.int64)
    edge[matched] = usable[found[matched]]
    leader[matched] = leads[edge[matched]]
    return leader, edge


@numba.njit(cache=True, nogil=True)
def _matches(n: int, leads: Any, member: Any) -> Any:
    """The number of the edge that matched each node, -1 for none; edges are in rank order of who leads.

    When an edge comes up, all edges of better-ranked leaders are done, so whether this one leads is settled.
    """
    edge = np.full(n, -1, np.int64)
    for i in range(leads.size):
        if edge[leads[i]] < 0 and edge[member[i]] < 0:
            edge[member[i]] = i
    return edge
