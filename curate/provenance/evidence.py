"""Evidence: one named observation about where a document comes from, and lists of them in Arrow."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.schema import EVIDENCE, EVIDENCE_LIST

CLAIMS = ("human", "mixed", "synthetic", "procedural", "unknown")

# Families of evidence. Items of one family are correlated, so only the strongest of each counts in a verdict.
CREDENTIALS = "credentials"
METADATA = "metadata"
LINEAGE = "lineage"
WATERMARK = "watermark"
DETECTOR = "detector"
DUPLICATE = "duplicate"
REVIEW = "review"
MARKER = "marker"
RIGHTS = "rights"
QUALITY = "quality"
FAMILIES = (CREDENTIALS, METADATA, LINEAGE, WATERMARK, DETECTOR, DUPLICATE, REVIEW, MARKER, RIGHTS, QUALITY)


MOST_SHOWN = 500
"""Characters of a detail."""


@dataclass(frozen=True)
class Evidence:
    """One observation.

    Attributes:
        family: one of `FAMILIES`.
        kind: what was looked at, for example `c2pa_trusted` or `capture_date`.
        claim: one of `CLAIMS`; of rights, one of `curate.provenance.rights.VERDICTS`.
        llr: log likelihood ratio in nats, positive towards synthetic; 0 for rights and quality, which do not tell.
        detail: what was seen, for people; whatever is given, it is kept as `shown`.
    """

    family: str
    kind: str
    claim: str
    llr: float
    detail: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "detail", shown(self.detail))


def shown(text: str) -> str:
    """A stranger's text as a detail: at most `MOST_SHOWN` characters, printable, on one line."""
    if len(text) <= MOST_SHOWN and text.isprintable():
        return text
    line = " ".join(text[: 4 * MOST_SHOWN].split())[:MOST_SHOWN]
    return "".join(character if character.isprintable() else "\ufffd" for character in line)


def to_lists(rows: Sequence[Sequence[Evidence]]) -> pa.ListArray:
    """The evidence of each row as an EVIDENCE_LIST array; a row without evidence is null."""
    names = EVIDENCE.names
    return pa.array(
        [[dict(zip(names, astuple(item), strict=True)) for item in items] or None for items in rows],
        type=EVIDENCE_LIST,
    )


def from_lists(lists: pa.Array | pa.ChunkedArray) -> list[list[Evidence]]:
    """The inverse of `to_lists`; null and empty lists both give an empty list."""
    return [[Evidence(**item) for item in items or ()] for items in lists.to_pylist()]


def one_per_row(
    selected: NDArray[np.bool_], family: str, kind: str, claim: pa.Array | str, llr: NDArray | float, detail: pa.Array
) -> pa.ListArray:
    """One item for each selected row, null elsewhere, without a Python loop.

    Args:
        selected: bool[n], the rows that have the evidence.
        family: the family of every item.
        kind: the kind of every item.
        claim: string[n], or one claim for all.
        llr: float[n], or one number for all.
        detail: string[n].

    Returns:
        EVIDENCE_LIST array of length n.
    """
    rows = np.flatnonzero(selected)
    if len(rows) == 0:
        return pa.nulls(len(selected), EVIDENCE_LIST)
    values = pa.StructArray.from_arrays(
        [
            pa.repeat(family, len(rows)),
            pa.repeat(kind, len(rows)),
            pa.repeat(claim, len(rows)) if isinstance(claim, str) else claim.take(pa.array(rows)),
            pa.array(np.broadcast_to(np.asarray(llr, dtype=np.float32), len(selected))[rows]),
            _shown(detail.take(pa.array(rows))),
        ],
        fields=list(EVIDENCE),
    )
    return _lists(selected.astype(np.int32), values)


def combine(*arrays: pa.Array | pa.ChunkedArray) -> pa.ListArray:
    """Concatenates the lists of the same row, in the order of the arguments.

    The cost is in the items, not the rows, so mostly-null arrays are cheap.

    Args:
        arrays: EVIDENCE_LIST arrays of one length, at least one.

    Returns:
        EVIDENCE_LIST array; null where every argument is null or empty.
    """
    lists = [one_chunk(array) for array in arrays]
    lengths = [list_lengths(array) for array in lists]
    total = np.asarray(np.sum(lengths, axis=0), dtype=np.int32)
    if not total.any():
        return pa.nulls(len(total), EVIDENCE_LIST)
    starts = np.cumsum(total) - total
    source = np.empty(int(total.sum()), dtype=np.int64)  # for each output item, its place in the concatenated values
    read = 0
    for length in lengths:
        count = int(length.sum())
        within = np.arange(count) - np.repeat(np.cumsum(length) - length, length)
        source[np.repeat(starts, length) + within] = np.arange(read, read + count)
        starts = starts + length
        read += count
    values = pa.concat_arrays([array.flatten() for array in lists])
    return _lists(total, values.take(pa.array(source)))


def list_lengths(lists: pa.Array) -> NDArray[np.int32]:
    """Items in each list, int32[n]; null counts as empty."""
    return pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False).astype(np.int32)


def one_chunk(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The same values as one contiguous Arrow array."""
    if not isinstance(array, pa.ChunkedArray):
        return array
    combined = array.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)


def _shown(details: pa.Array) -> pa.Array:
    """`shown` of each; only what is not short ASCII costs Python, and each such text once."""
    odd = pc.or_(pc.match_substring_regex(details, "[^ -~]"), pc.greater(pc.utf8_length(details), MOST_SHOWN))
    odd = odd.fill_null(False)
    codes = details.filter(odd).dictionary_encode()
    texts = pa.array([shown(text) for text in codes.dictionary.to_pylist()], details.type)
    return pc.replace_with_mask(details, odd, texts.take(codes.indices))


def _lists(lengths: NDArray[np.int32], values: pa.StructArray) -> pa.ListArray:
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(
        pa.array(offsets), values.cast(EVIDENCE), type=EVIDENCE_LIST, mask=pa.array(lengths == 0)
    )
