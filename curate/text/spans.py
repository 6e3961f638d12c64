"""Spans cut out of texts."""

from collections.abc import Mapping, Sequence
from typing import Any

import numba
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.columns import one_array

Span = tuple[int, int]
"""The first code point and one after the last."""


def remove_spans(texts: pa.Array | pa.ChunkedArray, edits: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The texts without the spans that were edited out.

    Args:
        texts: n strings of any of Arrow's types, dictionary-encoded or not, or n binary UTF-8.
        edits: `curate.schema.TEXT_EDITS`[n]; spans are in code points of the text, in any order, and may overlap.

    Returns:
        Array of the type of `texts`; what has no edit, or is null, is as it was.
    """
    texts, edits = one_array(texts), one_array(edits)
    edited = pc.fill_null(pc.greater(pc.list_value_length(edits), 0), False)
    if not pc.any(edited).as_py():
        return texts
    lists = edits.filter(edited)
    spans = lists.flatten()
    row = pc.list_parent_indices(lists).to_numpy()
    start, end = (spans.field(name).to_numpy() for name in ("start", "end"))
    order = np.lexsort((start, row))
    plain = texts.cast(pa.large_string())
    old = plain.filter(edited)
    _, offsets, data = old.buffers()
    kept, bounds = _cut(
        np.frombuffer(data, np.uint8),
        np.frombuffer(offsets, np.int64)[old.offset : old.offset + len(old) + 1],
        np.searchsorted(row, np.arange(len(old) + 1)),
        start[order],
        end[order],
    )
    new = pa.LargeStringArray.from_buffers(len(old), pa.py_buffer(bounds), pa.py_buffer(kept))
    new = pc.if_else(old.is_valid(), new, pa.scalar(None, new.type))
    return _encoded(pc.replace_with_mask(plain, edited, new), texts.type)


def edit_column(table: pa.Table, name: str, edits: pa.Array | pa.ChunkedArray) -> pa.Table:
    """A table whose text column is without the spans that were edited out; the same table where there are none.

    Args:
        table: n rows.
        name: of the text column, which documents of media alone may lack.
        edits: `curate.schema.TEXT_EDITS`[n].
    """
    place = table.schema.get_field_index(name)
    if place < 0 or edits.null_count == len(edits):
        return table
    return table.set_column(place, table.schema.field(place), remove_spans(table[name], edits))


def original_positions(positions: NDArray[np.integer], edits: Sequence[Mapping[str, int]]) -> NDArray[np.integer]:
    """Places in an edited text as places in the text as it was, in the same order and as far apart or farther.

    Args:
        positions: int[k], code points of the edited text.
        edits: the spans that were taken out, which may overlap.
    """
    spans: list[list[int]] = []
    for edit in sorted(edits, key=lambda edit: edit["start"]):
        if spans and edit["start"] <= spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], edit["end"])
        else:
            spans.append([edit["start"], edit["end"]])
    start, end = np.array(spans, dtype=np.int64).reshape(-1, 2).T
    removed = np.cumsum(end - start)
    places = start - np.concatenate([[0], removed[:-1]])  # where each gap is in the edited text
    return positions + np.concatenate([[0], removed])[np.searchsorted(places, positions, side="right")]


def _encoded(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    return texts.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else texts.cast(kind)


@numba.njit(cache=True, nogil=True)
def _cut(data: Any, offsets: Any, first: Any, start: Any, end: Any) -> Any:
    """The bytes outside the spans, and where each text starts in them; a span counts code points of its text."""
    kept = np.empty(offsets[-1] - offsets[0], np.uint8)
    bounds = np.zeros(offsets.size, np.int64)
    used = 0
    for i in range(offsets.size - 1):
        span, points = first[i], -1
        for at in range(offsets[i], offsets[i + 1]):
            if data[at] & 0xC0 != 0x80:  # a code point begins
                points += 1
            while span < first[i + 1] and end[span] <= points:
                span += 1
            if span == first[i + 1] or points < start[span]:
                kept[used] = data[at]
                used += 1
        bounds[i + 1] = used
    return kept[:used].copy(), bounds
