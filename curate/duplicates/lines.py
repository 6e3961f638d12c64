"""The lines, or paragraphs, of texts: what they say as a hash, how long they are and where they stand."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.arrays import changes
from curate.hashing import UInt64Array
from curate.text.kernel import text_features
from curate.text.spans import original_positions

UNITS = pa.schema(
    [
        ("document", pa.uint64()),  # location of the document
        ("unit", pa.uint64()),  # upper half of the hash of the normalised line or paragraph
        ("tokens", pa.int32()),
        ("start", pa.int32()),  # in code points of the text, at the start of a line
        ("end", pa.int32()),  # after the line break, if there is one
    ]
)

_NEWLINE = 10


def find_units(texts: pa.Array, documents: UInt64Array, unit: str) -> pa.Table:
    """Takes texts apart.

    A line ends after a newline or with the text (a carriage return before the newline is white space of the line).
    A paragraph is a maximal run of lines that are not blank.

    Args:
        texts: string or large_string[n]; null texts have no units.
        documents: uint64[n], location of each document.
        unit: line or paragraph.

    Returns:
        `UNITS`, one row for each line that is not blank or each paragraph, in the order of documents and text. The
        tokens of a document's units add up to those of its text.
    """
    documents = documents[texts.is_valid().to_numpy(zero_copy_only=False)]
    texts = texts.drop_null().cast(pa.large_string())
    _, offsets_buffer, data = texts.buffers()
    if data is None or data.size == 0:
        return UNITS.empty_table()
    offsets = np.frombuffer(offsets_buffer, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    newlines = np.flatnonzero(np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]] == _NEWLINE) + offsets[0]
    bounds = np.sort(np.concatenate([offsets, newlines + 1]), kind="stable")  # two ascending runs: merged
    bounds = bounds[changes(bounds)]
    lines = _cut(data, bounds)
    document = np.searchsorted(offsets, bounds[:-1], side="right") - 1
    ends = np.cumsum(pc.utf8_length(lines).to_numpy())
    starts = np.concatenate([[0], ends[:-1]])
    base = starts[np.searchsorted(document, document)]

    filled = pc.binary_length(pc.utf8_trim_whitespace(lines)).to_numpy() > 0
    first, last = _runs(filled, document) if unit == "paragraph" else (np.flatnonzero(filled),) * 2
    # Each unit and what follows it are cut out in turn; every other piece is a unit.
    pieces = _cut(data, np.stack([bounds[first], bounds[last + 1]], axis=1).reshape(-1))
    features = text_features(pieces.take(pa.array(np.arange(0, len(pieces), 2))), shingle=1, permutations=0, seed=0)
    columns = {
        "document": documents[document[first]],
        "unit": features.content,
        "tokens": features.tokens,
        "start": (starts - base)[first],
        "end": (ends - base)[last],
    }
    return pa.table([pa.array(columns[field.name], field.type) for field in UNITS], schema=UNITS)


def in_texts_as_given(units: pa.Table, edits: Mapping[int, Sequence[Mapping[str, int]]]) -> pa.Table:
    """Units of texts from which spans were taken out before, with their places in the texts as they were.

    Args:
        units: `UNITS`, those of each document in a row.
        edits: the spans by location of the document.

    Returns:
        `UNITS`; the order of places, and which are equal, is as it was.
    """
    document = units["document"].to_numpy()
    bounds = np.append(np.flatnonzero(changes(document)), len(document))
    places = {name: units[name].to_numpy().copy() for name in ("start", "end")}
    for begin, end in pairwise(bounds):
        spans = edits.get(int(document[begin]))
        if spans:
            for positions in places.values():
                positions[begin:end] = original_positions(positions[begin:end], spans)
    columns = [pa.array(places[name]) if name in places else units[name] for name in UNITS.names]
    return pa.table(columns, schema=UNITS)


def _cut(data: pa.Buffer, bounds: NDArray[np.int64]) -> pa.Array:
    """The strings between the bounds, on the same bytes."""
    offsets = pa.py_buffer(np.ascontiguousarray(bounds, dtype=np.int64))
    return pa.LargeStringArray.from_buffers(max(len(bounds) - 1, 0), offsets, data)


def _runs(filled: NDArray[np.bool_], document: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the runs of filled lines of one document begin and where they end."""
    joined = filled[1:] & filled[:-1] & (document[1:] == document[:-1])
    opens, closes = filled.copy(), filled.copy()
    opens[1:] &= ~joined
    closes[:-1] &= ~joined
    return np.flatnonzero(opens), np.flatnonzero(closes)
