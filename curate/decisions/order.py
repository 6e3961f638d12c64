"""The order of survival: which of several duplicates stays."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.arrays import changes
from curate.config import Config
from curate.decisions.travel import captures
from curate.hashing import UInt64Array, mix
from curate.provenance.origin import UNKNOWN, own_class
from curate.provenance.rights import denied

Int64Array = NDArray[np.int64]

_LAST = np.iinfo(np.int64).max
_SECONDS = (1 << 33) - 1
_CHARS = (1 << 19) - 1
_SETTLED = np.uint64(20)
"""Bits of `SurvivalOrder.high` below what comes before the operator's columns."""


def survivor_rank(
    verdict: NDArray[np.int8],
    own: NDArray[np.int8],
    earlier: NDArray[np.bool_],
    signature_trusted: NDArray[np.bool_],
    preference: list[Int64Array],
    capture: Int64Array,
    length: NDArray[np.int32],
    order: UInt64Array,
) -> Int64Array:
    """The place of each document in the order of survival, 0 first; int64[documents], all different.

    Accept before fill before hold before reject; own class; documents of an earlier output; trusted signature; the
    operator's columns, if any; earlier capture; longer; a hash of the id, with equal hashes told apart by the order of
    the documents (callers sort them by id).
    """
    settled = (~signature_trusted, ~earlier, own, verdict)
    index = np.lexsort((order, -length.astype(np.int64), capture, *preference[::-1], *settled))
    rank = np.empty(len(index), dtype=np.int64)
    rank[index] = np.arange(len(index))
    return rank


def id_order(documents: pa.Table, seed: int) -> UInt64Array:
    """A hash of the id that each document was given, uint64[documents]: the last word where nothing else differs."""
    return mix(documents["id_hash"].to_numpy(), seed)


def preference(documents: pa.Table, config: Config) -> list[Int64Array]:
    """The operator's columns as numbers that hold among the given documents, smaller ones preferred, null last.

    Args:
        documents: column `preference`, n rows.
        config: settings of dedupe.

    Returns:
        int64[n] for each column of `dedupe.prefer`.
    """
    ranks = []
    for number, name in enumerate(config.dedupe.prefer):
        values = pc.list_element(documents["preference"], number).combine_chunks().dictionary_encode()
        dense = pc.rank(values.dictionary, tiebreaker="dense").to_numpy().astype(np.int64)
        if name.startswith("-"):
            dense = -dense
        found = values.indices.fill_null(len(dense)).to_numpy()
        ranks.append(np.append(dense, _LAST)[found])
    return ranks


class SurvivalOrder(NamedTuple):
    """An 88-bit number per document, smaller for those that survive: `high` before `low`.

    Attributes:
        high: uint64[n], below 2^24; its two upper bits are the document's class.
        low: uint64[n].
    """

    high: UInt64Array
    low: UInt64Array


def survival_order(features: pa.Table, config: Config) -> SurvivalOrder:
    """The survivor rank as far as it can be told before any verdict, for choosing whom to compare with everybody.

    From the top: own class, or 3 for documents that lead nobody for what they are themselves, being held or dropped
    (2 bits); not of an earlier output (1); no trusted signature (1); capture in seconds (33); length turned (19); hash
    of the id (32). The operator's columns, which are of any length, are put in by `preferred_order`.

    Args:
        features: `curate.schema.features`.
        config: settings of provenance and dedupe.
    """
    count = features.num_rows
    kind, untrusted, new = np.full(count, UNKNOWN), np.ones(count, bool), ~features["earlier"].to_numpy()
    if config.provenance.enabled:
        own = own_class(features, config)
        kind = np.where(own.conflict & new | denied(features["rights"], config.provenance), 3, own.own_class)
        untrusted = ~features["signature_trusted"].fill_null(False).to_numpy()
    settled = (kind * 4 + new * 2 + untrusted).astype(np.uint64)
    seconds = np.clip(captures(features) // 1_000_000 + (1 << 32), 0, _SECONDS).astype(np.uint64)
    shorter = (_CHARS - np.minimum(features["chars"].to_numpy(), _CHARS)).astype(np.uint64)
    middle = seconds << np.uint64(19) | shorter
    low = middle << np.uint64(32) | id_order(features, config.run.seed) >> np.uint64(32)
    return SurvivalOrder(settled << _SETTLED | middle >> np.uint64(32), low)


def preferred_order(order: SurvivalOrder, preferred: list[Int64Array]) -> SurvivalOrder:
    """The order with the operator's columns before capture and length: one that holds among the given documents.

    Args:
        order: `survival_order` of n documents.
        preferred: `preference` of the same.
    """
    settled = order.high >> _SETTLED
    columns = (settled, *preferred, order.high, order.low)
    index = np.lexsort(columns[::-1])
    place = np.empty(len(index), np.uint64)
    place[index] = np.cumsum(np.logical_or.reduce([changes(column[index]) for column in columns]))
    return SurvivalOrder(settled << _SETTLED, place)
