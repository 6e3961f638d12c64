"""Unique ids: documents that share an id are told apart by a hash of all their columns (DESIGN section 3)."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.hashing import UInt64Array, hash_strings

_SUFFIX = re.compile(r"(#\d+)+$")


def partition_hashes(ids: pa.Array | pa.ChunkedArray) -> UInt64Array:
    """A hash of each id without its `#2` suffixes, uint64[n].

    Documents that could end up with the same id meet in the same partition: copies of `a` are renamed
    to `a#2`, which somebody may have named a document already.
    """
    return hash_strings(pa.array([_SUFFIX.sub("", i) if "#" in i else i for i in ids.to_pylist()], pa.string()))


def resolve_ids(documents: pa.Table) -> tuple[pa.Table, int]:
    """Makes the ids of one partition unique; no row is lost.

    Of documents with equal ids, the first by (row_hash, location) keeps the id; the others take the next free
    `id#2`, `id#3`, ….

    Args:
        documents: columns id, row_hash and location besides others; all documents whose
            `partition_hashes` fall in this partition.

    Returns:
        The documents sorted by (id, row_hash), with unique ids, and the number of renamed ones.
    """
    order = np.lexsort((_u64(documents, "location"), _u64(documents, "row_hash"), _ranks(documents["id"])))
    documents = documents.take(pa.array(order))
    ids = documents["id"].to_pylist()
    repeated = [i for i in range(1, len(ids)) if ids[i] == ids[i - 1]]
    if not repeated:
        return documents, 0
    column = documents.schema.get_field_index("id")
    renamed = pa.array(_rename(ids, repeated), pa.string())
    return documents.set_column(column, "id", renamed), len(repeated)


def _rename(ids: list[str], repeated: list[int]) -> list[str]:
    taken = set(ids)
    numbers: dict[str, int] = {}
    renamed = list(ids)
    for i in repeated:
        number = numbers.get(ids[i], 2)
        while f"{ids[i]}#{number}" in taken:
            number += 1
        numbers[ids[i]] = number + 1
        renamed[i] = f"{ids[i]}#{number}"
    return renamed


def _ranks(strings: pa.ChunkedArray) -> NDArray[np.int64]:
    """The order of strings as dense integers, so that they sort together with other columns."""
    encoded = strings.combine_chunks().dictionary_encode()
    order = pc.rank(encoded.dictionary, tiebreaker="dense").to_numpy()
    return order[encoded.indices.to_numpy()].astype(np.int64)


def _u64(documents: pa.Table, name: str) -> UInt64Array:
    return documents[name].to_numpy().astype(np.uint64, copy=False)
