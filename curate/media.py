"""The media of a block: what their content credentials say, and a hash of their bytes for exact duplicates."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from numpy.typing import NDArray

from curate.columns import plain_column, string_column
from curate.config import Config
from curate.hashing import UInt64Array
from curate.io.filesystem import OpenFile, is_remote
from curate.io.schemas import is_bytes
from curate.provenance.archives import Assets
from curate.provenance.files import block_provenance
from curate.schema import EVIDENCE_LIST


def has_media(table: pa.Table, config: Config) -> pa.Array:
    """Rows with media bytes or a media path, neither of them empty; bool[n]."""
    media, paths = _media_columns(table, config)
    return pc.or_(media.is_valid(), paths.is_valid())


def _media_columns(table: pa.Table, config: Config) -> tuple[pa.Array, pa.Array]:
    """Media bytes (large_binary[n]) and paths (string[n]); null where missing, empty or of another type."""
    media, paths = (
        plain_column(table, config.documents.columns.media),
        string_column(table, config.documents.columns.media_path),
    )
    media = media.cast(pa.large_binary()) if is_bytes(media.type) else pa.nulls(table.num_rows, pa.large_binary())
    return _null_if_empty(media), _null_if_empty(paths)


def _null_if_empty(values: pa.Array) -> pa.Array:
    empty = pc.equal(pc.binary_length(values), 0)
    return pc.if_else(empty, None, values) if pc.any(empty).as_py() else values  # if_else copies every byte


@dataclass(frozen=True)
class MediaFacts:
    """What the media of a block say: evidence, and a 128-bit hash of the bytes for exact duplicates."""

    findings: pa.Array
    signature_trusted: pa.Array
    hash: UInt64Array
    hash_low: UInt64Array


def media_facts(
    table: pa.Table, is_text: NDArray[np.bool_], source_file: str, config: Config, open_file: OpenFile
) -> MediaFacts:
    """Reads the media of every row for their credentials, and hashes those of rows without text.

    Args:
        table: n rows.
        is_text: bool[n], rows with a text.
        source_file: the file that the rows came from.
        config: settings of provenance, names of the columns.
        open_file: opens a file of the media_path column, or the archive that its member is in.
    """

    def open_allowed(path: str) -> BinaryIO:
        refuse_foreign(path, source_file, config)
        return open_file(path)

    with Assets(open_allowed, config.provenance.max_media_bytes) as assets:
        return _media_facts(table, is_text, config, assets.read)


def _media_facts(
    table: pa.Table, is_text: NDArray[np.bool_], config: Config, read: Callable[[str], bytes]
) -> MediaFacts:
    count = table.num_rows
    media, paths = _media_columns(table, config)
    high, low = np.zeros(count, dtype=np.uint64), np.zeros(count, dtype=np.uint64)
    nothing = MediaFacts(pa.nulls(count, EVIDENCE_LIST), pa.nulls(count, pa.bool_()), high, low)
    if media.null_count + paths.null_count == 2 * count:
        return nothing

    opened: dict[str, tuple[int, int]] = {}

    def open_and_hash(path: str) -> bytes:
        data = read(path)
        opened[path] = _hash_bytes(data)
        return data

    facts = nothing
    if config.provenance.enabled:
        found = block_provenance(media, paths, config=config, read_file=open_and_hash)
        facts = MediaFacts(found["findings"], found["signature_trusted"], high, low)
    for row in np.flatnonzero(~is_text):
        if media[row].is_valid:
            high[row], low[row] = _hash_bytes(media[row].as_buffer())
        elif paths[row].is_valid:
            high[row], low[row] = _hash_file(paths[row].as_py(), opened, open_and_hash)
    return facts


def _hash_file(path: str, opened: dict[str, tuple[int, int]], open_and_hash: Callable[[str], bytes]) -> tuple[int, int]:
    """The hash of a file, or, where it cannot be read, of its path: it then has no duplicate under another path."""
    if path not in opened:
        try:
            open_and_hash(path)
        except Exception:  # filesystems raise errors of many kinds
            opened[path] = _hash_bytes(path.encode())
    return opened[path]


def _hash_bytes(data: bytes | pa.Buffer) -> tuple[int, int]:
    digest = xxhash.xxh3_128_intdigest(data)
    return digest >> 64, digest & 0xFFFFFFFFFFFFFFFF


def refuse_foreign(path: str, source_file: str, config: Config) -> None:
    """Keeps data from making a run read what its operator did not point it at.

    Raises:
        OSError: the path names a filesystem that the input is not on, and `provenance.network` is off; or it is no
            regular file, such as a device that never ends.
    """
    if is_remote(path):
        if not config.provenance.network and path.split("://")[0] != source_file.split("://")[0]:
            raise OSError(f"{path} is on another filesystem than the input; set provenance.network to fetch it")
    elif os.path.exists(path) and not os.path.isfile(path):
        raise OSError(f"{path} is not a regular file")
