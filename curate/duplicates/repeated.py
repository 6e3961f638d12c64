"""Which lines are repeated, which document keeps each, and which spans the others lose.

The rule is that of C4 (Raffel et al. 2020, section 2.2: text that occurs again is removed but once) as TFDS builds it,
where a hash says who keeps a line (`tensorflow_datasets/text/c4_utils.py`), with two bounds: on the number of documents
that share it, as Llama 3 has it (2024, section 3.1.1: "more than 6 times"), and on its length.
"""

import numpy as np
import pyarrow as pa

from curate.arrays import changes, lookup
from curate.hashing import UInt64Array
from curate.schema import TEXT_EDITS

HOLDERS = pa.schema(
    [
        ("document", pa.uint64()),  # location
        ("rank", pa.uint64()),  # the document's class in the upper two bits, and its place within it: 0 comes first
        ("tokens", pa.int32()),
        ("id", pa.string()),
    ]
)
"""Documents that survived and whose lines count."""

CLASS_SHIFT = np.uint64(62)
"""A rank shifted by this is the class: documents lose a line only to documents of their own class or a better one."""

_PLACE = [("start", pa.int32()), ("end", pa.int32()), ("before", pa.int32()), ("after", pa.int32())]
"""`before` is the end of the unit before, `after` the start of the one behind; -1 where there is none."""

OCCURRENCES = pa.schema(
    [("unit", pa.uint64()), ("document", pa.uint64()), ("rank", pa.uint64()), ("tokens", pa.int32()), *_PLACE]
)
REMOVED = pa.schema([("document", pa.uint64()), ("owner", pa.uint64()), ("tokens", pa.int32()), *_PLACE])
"""What documents lose, and the location of the document that keeps it."""

EDITS = pa.schema([("document", pa.uint64()), ("tokens", pa.int32()), ("text_edits", TEXT_EDITS)])


def occurrences(units: pa.Table, holders: pa.Table, min_tokens: int) -> pa.Table:
    """The units of surviving documents that are long enough to be removed.

    Args:
        units: `UNITS`, with all units of every document that it has; rows of equal documents may be repeated.
        holders: `HOLDERS`.
        min_tokens: tokens of the shortest unit that may be removed.

    Returns:
        `OCCURRENCES`.
    """
    units = _in_order(units)
    document, start, end = (units[name].to_numpy() for name in ("document", "start", "end"))
    follows = document[1:] == document[:-1]
    before, after = np.full(len(start), -1, np.int32), np.full(len(start), -1, np.int32)
    before[1:][follows] = end[:-1][follows]
    after[:-1][follows] = start[1:][follows]
    holders = holders.sort_by([("document", "ascending"), ("rank", "ascending")])
    place, found = lookup(holders["document"].to_numpy(), document)
    chosen = np.flatnonzero(found & (units["tokens"].to_numpy() >= min_tokens))
    columns = {
        "rank": holders["rank"].to_numpy()[place[chosen]],
        "before": before[chosen],
        "after": after[chosen],
    }
    units = units.take(pa.array(chosen))
    return pa.table(
        [pa.array(columns[name]) if name in columns else units[name] for name in OCCURRENCES.names], schema=OCCURRENCES
    )


def removed_units(found: pa.Table, min_documents: int) -> pa.Table:
    """The occurrences of repeated units that are not those of the unit's owner.

    The owner is the document of the least rank, so that one document owns all that a set of documents shares. A unit is
    repeated for a document if so many documents of its class or a better one have it: what is added to a
    class changes nothing for the better ones.

    Args:
        found: `OCCURRENCES`, with all occurrences of every unit that it has.
        min_documents: documents that share a unit before it is removed.

    Returns:
        `REMOVED`.
    """
    unit, document, rank = (found[name].to_numpy() for name in ("unit", "document", "rank"))
    order = np.lexsort((document, rank, unit))
    unit, document, rank = unit[order], document[order], rank[order]
    new_unit = changes(unit)
    new_document = new_unit | changes(document)
    new_class = new_unit | changes(rank >> CLASS_SHIFT)
    first = np.flatnonzero(new_unit)[np.cumsum(new_unit) - 1]
    nth = np.cumsum(new_document)
    nth = nth - nth[first] + 1
    # The documents up to the last one of the same class.
    class_ends = np.flatnonzero(np.roll(new_class, -1))
    sharing = nth[class_ends[np.cumsum(new_class) - 1]]
    owner = document[first]
    lost = np.flatnonzero((sharing >= min_documents) & (document != owner))
    rows = found.take(pa.array(order[lost]))
    return pa.table(
        [pa.array(owner[lost]) if name == "owner" else rows[name] for name in REMOVED.names], schema=REMOVED
    )


def emptied(removed: pa.Table, holders: pa.Table) -> tuple[UInt64Array, UInt64Array]:
    """The documents that would be left without a token, and the owner of the longest unit that each lost.

    Args:
        removed: `REMOVED`, with all that every document loses.
        holders: `HOLDERS`.

    Returns:
        Locations of the documents and of the owners, uint64[k] each.
    """
    document, tokens = removed["document"].to_numpy(), removed["tokens"].to_numpy().astype(np.int64)
    order = np.lexsort((removed["start"].to_numpy(), -tokens, document))
    document, tokens = document[order], tokens[order]
    first = np.flatnonzero(changes(document))
    if not len(first):
        return document, document
    holders = holders.sort_by([("document", "ascending"), ("rank", "ascending")])
    place, _ = lookup(holders["document"].to_numpy(), document[first])
    empty = np.add.reduceat(tokens, first) >= holders["tokens"].to_numpy()[place]
    return document[first[empty]], removed["owner"].to_numpy()[order[first[empty]]]


def spans(removed: pa.Table, kind: str) -> pa.Table:
    """What each document loses, units next to each other as one span.

    A span ends after the line break. Blank lines that would be left twice, or at an end of the text, go with it.

    Args:
        removed: `REMOVED`, with all that every document loses.
        kind: of the edits, line or paragraph.

    Returns:
        `EDITS`, sorted by document: the tokens and the spans that go.
    """
    removed = _in_order(removed)
    columns = (removed[name].to_numpy() for name in ("document", "tokens", "start", "end", "before", "after"))
    document, tokens, start, end, before, after = columns
    new_document = changes(document)
    new_run = new_document.copy()
    new_run[1:] |= after[:-1] != start[1:]
    first = np.flatnonzero(new_run)
    last = np.flatnonzero(np.roll(new_run, -1))
    stands_apart = (before[first] < 0) | (before[first] < start[first])
    at_end = after[last] < 0
    begins = np.where(at_end & (before[first] >= 0), before[first], start[first])
    ends = np.where(stands_apart & ~at_end, after[last], end[last])

    documents = np.flatnonzero(new_document)
    runs = np.append(np.searchsorted(first, documents), len(first)).astype(np.int32)
    edits = pa.StructArray.from_arrays(
        [pa.repeat(kind, len(first)), pa.array(begins.astype(np.int64)), pa.array(ends.astype(np.int64))],
        fields=list(TEXT_EDITS.value_type),
    )
    sums = np.add.reduceat(tokens, documents) if len(documents) else tokens
    lists = pa.ListArray.from_arrays(pa.array(runs), edits, type=TEXT_EDITS)
    return pa.table([pa.array(document[documents]), pa.array(sums.astype(np.int32)), lists], schema=EDITS)


def _in_order(rows: pa.Table) -> pa.Table:
    """Rows by document and place in the text, each once."""
    document, start = rows["document"].to_numpy(), rows["start"].to_numpy()
    order = np.lexsort((start, document))
    distinct = changes(document[order]) | changes(start[order])
    return rows.take(pa.array(order[distinct]))
