"""Evidence travels one hop along verified duplicates.

A text that was also captured before the cut-off was not written by a chat model; a copy of a declared machine
text, captured no earlier, is a machine text. Only own evidence travels, and only to unknown documents.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curate.decisions.contents import ContentGraph
from curate.hashing import UInt64Array
from curate.provenance.origin import REAL, SYNTHETIC, UNKNOWN

NEVER = np.iinfo(np.int64).max
"""Capture time, in microseconds, of a document that has none: null counts as latest."""


@dataclass(frozen=True)
class Travelled:
    """For each document, the document whose evidence reached it, or -1; int64[documents] each."""

    synthetic_from: NDArray[np.int64]
    capture_from: NDArray[np.int64]


def captures(documents: pa.Table) -> NDArray[np.int64]:
    """Capture times in microseconds since the epoch, `NEVER` where null; int64[documents]."""
    return documents["timestamp"].cast(pa.int64()).fill_null(int(NEVER)).to_numpy()


def travel(
    graph: ContentGraph,
    own: NDArray[np.int8],
    capture: NDArray[np.int64],
    order: UInt64Array,
    cutoff: NDArray[np.int64],
    threshold: float,
    containment: float,
) -> Travelled:
    """Carries claims from document to document.

    Args:
        graph: documents by content, with verified pairs.
        own: own class of each document.
        capture: `captures`.
        order: a hash of each document's id; breaks ties.
        cutoff: start of the cut-off day of each document's source in microseconds since the epoch.
        threshold: least Jaccard similarity along which evidence travels.
        containment: least share of a document found in a captured one for the capture to travel to it.
    """
    active = graph.node >= 0
    synthetic = _first_of_node(graph, active & (own == SYNTHETIC), capture, order)
    # Of a document that contradicts itself, or says that it is mixed, neither claim travels.
    captured = _first_of_node(graph, active & (own == REAL) & (capture < cutoff), capture, order)

    similar = graph.jaccard >= np.float32(threshold)
    ends = [(graph.left[similar], graph.right[similar]), (graph.right[similar], graph.left[similar])]
    near_synthetic = _first_along(synthetic, ends, capture, order)
    inside = graph.left_in_right >= np.float32(containment)
    holds = graph.right_in_left >= np.float32(containment)
    ends += [(graph.right[inside], graph.left[inside]), (graph.left[holds], graph.right[holds])]
    near_captured = _first_along(captured, ends, capture, order)

    unknown = active & (own == UNKNOWN)
    synthetic_from = _of_documents(near_synthetic, graph, unknown)
    later = synthetic_from >= 0
    later[later] = capture[later] >= capture[synthetic_from[later]]
    synthetic_from[~later] = -1
    return Travelled(synthetic_from, _of_documents(near_captured, graph, unknown))


def _first_of_node(
    graph: ContentGraph, chosen: NDArray[np.bool_], capture: NDArray[np.int64], order: UInt64Array
) -> NDArray[np.int64]:
    """The chosen document of each node that was captured first; -1 where none is chosen."""
    documents = np.flatnonzero(chosen)
    documents = documents[np.lexsort((order[documents], capture[documents]))[::-1]]
    first = np.full(graph.count, -1, dtype=np.int64)
    first[graph.node[documents]] = documents  # the last assignment, the earliest capture, stays
    return first


def _first_along(
    first: NDArray[np.int64],
    ends: list[tuple[NDArray[np.int64], NDArray[np.int64]]],
    capture: NDArray[np.int64],
    order: UInt64Array,
) -> NDArray[np.int64]:
    """The earliest of a node's own document and those of the nodes with an edge to it."""
    tells = first >= 0
    nodes = np.flatnonzero(tells)
    source = np.concatenate([nodes, *(start[tells[start]] for start, _ in ends)])
    target = np.concatenate([nodes, *(end[tells[start]] for start, end in ends)])
    document = first[source]
    latest_first = np.lexsort((order[document], capture[document]))[::-1]
    result = np.full(len(first), -1, dtype=np.int64)
    result[target[latest_first]] = document[latest_first]
    return result


def _of_documents(near: NDArray[np.int64], graph: ContentGraph, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    result = np.full(len(graph.node), -1, dtype=np.int64)
    result[chosen] = near[graph.node[chosen]]
    return result
