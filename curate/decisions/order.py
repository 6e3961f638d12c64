"""The order of survival: which of several duplicates stays."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.config import Config
from curate.decisions.travel import captures
from curate.hashing import UInt64Array, mix
from curate.provenance.origin import UNKNOWN, own_class

Int64Array = NDArray[np.int64]

_LAST = np.iinfo(np.int64).max
_SECONDS = (1 << 33) - 1
_CHARS = (1 << 20) - 1
_HASH = np.uint64(0xFFFFFFFF)


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
    """The operator's columns as numbers, smaller ones preferred, null last: int64[documents] for each column."""
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
        high: uint64[n], below 2^24.
        low: uint64[n].
    """

    high: UInt64Array
    low: UInt64Array


def survival_order(features: pa.Table, config: Config) -> SurvivalOrder:
    """The survivor rank as far as it can be told before any verdict, for choosing whom to compare with everybody.

    From the top: own class (2 bits), no trusted signature (1), capture in seconds (33), length turned (20), hash of
    the id (32); where the operator prefers columns, the first one's leading 53 bits instead of capture and length.
    Documents of an earlier output have zeros there but for class and hash, and so come first in their class.

    Args:
        features: `curate.schema.features`.
        config: settings of provenance and dedupe.
    """
    count = features.num_rows
    own, untrusted = np.full(count, UNKNOWN, np.uint64), np.ones(count, np.uint64)
    if config.provenance.enabled:
        own = own_class(features, config).own_class.astype(np.uint64)
        untrusted = (~features["signature_trusted"].fill_null(False).to_numpy()).astype(np.uint64)
    middle = _preferred(features, config) if config.dedupe.prefer else _earlier_and_longer(features)
    earlier = features["earlier"].to_numpy()
    untrusted[earlier], middle[earlier] = 0, 0
    low = middle << np.uint64(32) | id_order(features, config.run.seed) >> np.uint64(32)
    return SurvivalOrder(own << np.uint64(22) | untrusted << np.uint64(21) | middle >> np.uint64(32), low)


def _earlier_and_longer(features: pa.Table) -> UInt64Array:
    seconds = np.clip(captures(features) // 1_000_000 + (1 << 32), 0, _SECONDS).astype(np.uint64)
    shorter = _CHARS - np.minimum(features["chars"].to_numpy(), _CHARS)
    return seconds << np.uint64(20) | shorter.astype(np.uint64)


def _preferred(features: pa.Table, config: Config) -> UInt64Array:
    """The leading 53 bits of the first preferred column, all ones where it is null."""
    values = pc.list_element(features["preference"], 0)
    padded = pc.binary_slice(pc.binary_join_element_wise(values, b"\0" * 8, b""), 0, 8).fill_null(b"\xff" * 8)
    leading = np.frombuffer(padded.combine_chunks().cast(pa.binary(8)).buffers()[1], ">u8").astype(np.uint64)
    if config.dedupe.prefer[0].startswith("-"):
        leading = np.where(values.is_valid().to_numpy(), ~leading, leading)
    return leading >> np.uint64(11)
