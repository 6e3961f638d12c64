"""Documents with the same normalised text are one node of the duplicate graph.

Everything about duplicates is then computed on distinct contents, so that a text repeated 200,000 times
costs one node and no pairs.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curate.arrays import distinct, lookup
from curate.hashing import UInt64Array

Int64Array = NDArray[np.int64]


@dataclass(frozen=True)
class ContentGraph:
    """The duplicate graph of a closed set of documents: every verified pair has both its ends in it.

    Attributes:
        node: the content of each document as an index, int64[documents]; -1 for documents without one.
        count: number of nodes.
        left, right: node indices of the verified pairs, int64[pairs].
        jaccard, left_in_right, right_in_left: measured similarities, float32[pairs].
    """

    node: Int64Array
    count: int
    left: Int64Array
    right: Int64Array
    jaccard: NDArray[np.float32]
    left_in_right: NDArray[np.float32]
    right_in_left: NDArray[np.float32]


def content_graph(documents: pa.Table, pairs: pa.Table, active: NDArray[np.bool_]) -> ContentGraph:
    """Groups the active documents by content and attaches the verified pairs.

    Pairs name contents by the upper half of their 128-bit hash. Where two contents share that half
    (a chance of 3 % for one such case among 10^9 documents) their pairs are left out: they stay unresolved.

    Args:
        documents: columns content and content_low (uint64).
        pairs: `curate.schema.PAIRS`; pairs with an end that no active document has are left out.
        active: documents that still take part, bool[documents].
    """
    high = documents["content"].to_numpy()
    low = documents["content_low"].to_numpy()
    node = np.full(len(high), -1, dtype=np.int64)
    contents, node[active] = _group(high[active], low[active])
    unique, first, size = np.unique(contents, return_index=True, return_counts=True)
    unique, first = unique[size == 1], first[size == 1]
    left, left_found = lookup(unique, pairs["left"].to_numpy())
    right, right_found = lookup(unique, pairs["right"].to_numpy())
    known = left_found & right_found
    return ContentGraph(
        node=node,
        count=len(contents),
        left=first[left[known]],
        right=first[right[known]],
        jaccard=pairs["jaccard"].to_numpy()[known],
        left_in_right=pairs["left_in_right"].to_numpy()[known],
        right_in_left=pairs["right_in_left"].to_numpy()[known],
    )


def unresolved_pairs(documents: pa.Table, pairs: pa.Table) -> int:
    """The number of pairs that have an end which no document at hand has, taking part or not.

    Linked contents that were still apart after the last round of gathering are decided apart, so such pairs decide
    nothing and both their ends may be kept.

    Args:
        documents: column content (uint64).
        pairs: `curate.schema.PAIRS`, at hand where the documents of their left end are.
    """
    at_hand = distinct(documents["content"].to_numpy())
    found = [lookup(at_hand, pairs[end].to_numpy())[1] for end in ("left", "right")]
    return int(np.count_nonzero(~(found[0] & found[1])))


def _group(high: UInt64Array, low: UInt64Array) -> tuple[UInt64Array, Int64Array]:
    """Distinct (high, low) in ascending order: their upper halves, and the index of each document's."""
    order = np.lexsort((low, high))
    starts = np.ones(len(order), dtype=bool)
    starts[1:] = (np.diff(high[order]) != 0) | (np.diff(low[order]) != 0)
    index = np.empty(len(order), dtype=np.int64)
    index[order] = np.cumsum(starts) - 1
    return high[order][starts], index
