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
from curate.provenance.rights import denied, rights_verdict

Int64Array = NDArray[np.int64]

SCALE = (1 << 16) - 1
"""Most keys on a scale of the operator's columns: of more of them, a sample that places the others."""

_SECONDS = (1 << 33) - 1
_CHARS = (1 << 19) - 1


def survivor_rank(
    verdict: NDArray[np.int8],
    own: NDArray[np.int8],
    earlier: NDArray[np.bool_],
    signature_trusted: NDArray[np.bool_],
    preference: Int64Array,
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
    index = np.lexsort((order, -length.astype(np.int64), capture, preference, *settled))
    rank = np.empty(len(index), dtype=np.int64)
    rank[index] = np.arange(len(index))
    return rank


def id_order(documents: pa.Table, seed: int) -> UInt64Array:
    """A hash of the id that each document was given, uint64[documents]: the last word where nothing else differs."""
    return mix(documents["id_hash"].to_numpy(), seed)


def preference(documents: pa.Table) -> Int64Array:
    """The operator's columns as a number, smaller for those preferred: int64[documents], 0 without any column."""
    keys = documents["preference"].combine_chunks().dictionary_encode()
    ranks = pc.rank(keys.dictionary, tiebreaker="dense").to_numpy().astype(np.int64)
    return np.append(ranks, 0)[keys.indices.fill_null(len(ranks)).to_numpy()]


class SurvivalOrder(NamedTuple):
    """An 88-bit number per document, smaller for those that survive: `high` before `low`.

    Attributes:
        high: uint64[n], below 2^24; its two upper bits are the document's class.
        low: uint64[n].
    """

    high: UInt64Array
    low: UInt64Array


def survival_order(features: pa.Table, config: Config, scale: pa.Array) -> SurvivalOrder:
    """The survivor rank as far as it can be told before any verdict, for choosing whom to compare with everybody.

    From the top: own class, or 3 for documents that lead nobody for what they are themselves, being held or dropped
    (2 bits); not of an earlier output (1); no trusted signature (1); the place of the operator's columns on the scale
    (as many as it takes); capture in seconds (33); length turned (19); hash of the id (what is left of 32).

    Args:
        features: `curate.schema.features`.
        config: settings of provenance and dedupe.
        scale: binary, at most `SCALE` keys of the column `preference` of the corpus, ascending.
    """
    count = features.num_rows
    kind, untrusted, new = np.full(count, UNKNOWN), np.ones(count, bool), ~features["earlier"].to_numpy()
    if config.provenance.enabled:
        own = own_class(features, config)
        kind = np.where(own.conflict & new | denied(rights_verdict(own.evidence), config.provenance), 3, own.own_class)
        untrusted = ~features["signature_trusted"].fill_null(False).to_numpy()
    settled = (kind * 4 + new * 2 + untrusted).astype(np.uint64)
    bits = len(scale).bit_length()
    placed = settled << np.uint64(bits) | _places(features, scale)
    middle = _earlier_and_longer(features)
    high = placed << np.uint64(20 - bits) | middle >> np.uint64(32 + bits)
    # What of the middle is in the upper part already is shifted out of the lower one.
    low = middle << np.uint64(32 - bits) | id_order(features, config.run.seed) >> np.uint64(32 + bits)
    return SurvivalOrder(high, low)


def _places(features: pa.Table, scale: pa.Array) -> UInt64Array:
    """How many keys of the scale come before each document's, uint64[n]: all values apart if the scale has them all."""
    if not len(scale):
        return np.zeros(features.num_rows, np.uint64)
    keys = features["preference"].combine_chunks().dictionary_encode()
    known, wanted = (np.array(values.to_pylist(), dtype=object) for values in (scale, keys.dictionary))
    return np.searchsorted(known, wanted).astype(np.uint64)[keys.indices.to_numpy()]


def length(features: pa.Table) -> NDArray[np.int32]:
    """Code points, int32[n]; 0 of documents with hidden characters or look-alikes.

    A copy stuffed with what nobody sees is longer than its original, and should not take its place.
    """
    return np.where(features["markers"].is_valid().to_numpy(), 0, features["chars"].to_numpy())


def _earlier_and_longer(features: pa.Table) -> UInt64Array:
    seconds = np.clip(captures(features) // 1_000_000 + (1 << 32), 0, _SECONDS).astype(np.uint64)
    shorter = _CHARS - np.minimum(length(features), _CHARS)
    return seconds << np.uint64(19) | shorter.astype(np.uint64)
