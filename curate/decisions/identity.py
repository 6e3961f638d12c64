"""Unique ids: documents that share an id are told apart by a hash of all their columns."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.arrays import repeated
from curate.hashing import UInt64Array, hash_strings

_SUFFIX = r"(#[0-9]+)+$"


def partition_hashes(ids: pa.Array | pa.ChunkedArray) -> UInt64Array:
    """A hash of each id without its `#2` suffixes, uint64[n].

    Documents that could end up with the same id meet in the same partition: copies of `a` are renamed
    to `a#2`, which somebody may have named a document already.
    """
    return hash_strings(pc.replace_substring_regex(ids, _SUFFIX, ""))


def resolve_ids(documents: pa.Table) -> tuple[pa.Table, int]:
    """Makes the ids of one partition unique; no row is lost.

    Of documents with equal ids, the first by (row_hash, location) keeps the id; the others take the next free
    `id#2`, `id#3`, …. Documents of an earlier output come first, and all of them keep theirs.

    Args:
        documents: columns id, row_hash, location and earlier besides others; all documents whose
            `partition_hashes` fall in this partition.

    Returns:
        The documents in the same order, with unique ids, and the number of renamed ones.
    """
    shared = np.sort(repeated(hash_strings(documents["id"])))
    few = documents.select(["id", "row_hash", "location", "earlier"]).take(pa.array(shared))
    earlier = few["earlier"].to_numpy()
    order = np.lexsort((few["location"].to_numpy(), few["row_hash"].to_numpy(), ~earlier, _ranks(few["id"])))
    ids, kept = few["id"].take(pa.array(order)).to_pylist(), earlier[order].tolist()
    renaming = [i for i in range(1, len(ids)) if ids[i] == ids[i - 1] and not kept[i]]
    if not renaming:
        return documents, 0
    all_ids = documents["id"].combine_chunks()
    renamed = _rename(ids, renaming, set(all_ids.filter(pc.match_substring(all_ids, "#")).to_pylist()))
    changed = np.zeros(documents.num_rows, dtype=bool)
    changed[shared] = True
    values = pa.array(renamed, pa.string()).take(pa.array(np.argsort(order)))
    unique = pc.replace_with_mask(all_ids, pa.array(changed), values)
    return documents.set_column(documents.schema.get_field_index("id"), "id", unique), len(renaming)


def _rename(ids: list[str], repeated: list[int], taken: set[str]) -> list[str]:
    """Gives each repeated id the next number whose name is not taken; repeats follow each other in `ids`."""
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
