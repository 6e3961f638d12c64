"""The star rule: a document goes only if a better-ranked survivor was verified similar to it.

There is no transitive closure. That A resembles B and B resembles C removes C only if C resembles A itself,
so chains of small edits and shared templates cannot eat a whole group.
"""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray


def star(
    n: int,
    rank: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    jaccard: NDArray[np.float32],
    left_in_right: NDArray[np.float32],
    right_in_left: NDArray[np.float32],
    threshold: float,
    containment: float,
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Greedy in rank order: whoever is not matched yet leads and matches all similar ones ranked below.

    A leader matches a member when their Jaccard similarity reaches the threshold or when the share of the
    member's shingles found in the leader reaches the containment. Of several leaders the best ranked counts.
    One sort and one pass over the pairs.

    Args:
        n: number of nodes.
        rank: int64[n], distinct, lower is better; -1 for nodes that may never lead, but can be matched.
        left: k indices of nodes; a pair occurs once, in either order.
        right: k indices of nodes.
        jaccard: float32[k].
        left_in_right: float32[k], share of left's shingles found in right.
        right_in_left: float32[k].
        threshold: least Jaccard similarity.
        containment: least containment of the member in the leader.

    Returns:
        leader: int64[n], index of the leader that a node is matched to, -1 for none.
        similarity: float32[n], Jaccard similarity to the leader; 0 for none.
        containment: float32[n], share of the node's shingles found in the leader; 0 for none.
    """
    leads = np.concatenate([left, right]).astype(np.int64)
    member = np.concatenate([right, left]).astype(np.int64)
    similar = np.concatenate([jaccard, jaccard]).astype(np.float32)
    contained = np.concatenate([right_in_left, left_in_right]).astype(np.float32)
    ranked_below = (rank[member] > rank[leads]) | (rank[member] < 0)
    close = (similar >= np.float32(threshold)) | (contained >= np.float32(containment))
    usable = np.flatnonzero((rank[leads] >= 0) & ranked_below & close)
    usable = usable[np.argsort(rank[leads[usable]], kind="stable")]
    edge = _matches(n, leads[usable], member[usable])
    matched = edge >= 0
    chosen = usable[edge[matched]]
    leader = np.full(n, -1, np.int64)
    similarity, share = np.zeros(n, np.float32), np.zeros(n, np.float32)
    leader[matched], similarity[matched], share[matched] = leads[chosen], similar[chosen], contained[chosen]
    return leader, similarity, share


@numba.njit(cache=True, nogil=True)
def _matches(n: int, leads: Any, member: Any) -> Any:
    """The number of the pair that matched each node, -1 for none; pairs are in rank order of who leads.

    When a pair comes up, all pairs of better-ranked leaders are done, so whether this one leads is settled.
    """
    edge = np.full(n, -1, np.int64)
    for i in range(leads.size):
        if edge[leads[i]] < 0 and edge[member[i]] < 0:
            edge[member[i]] = i
    return edge
