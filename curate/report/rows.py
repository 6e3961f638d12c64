"""The rows that a run read of each input file, as a count and a sum of hashes that any change of a value changes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from curate.config import Config
from curate.hashing import UInt64Array
from curate.io.blocks import read_split
from curate.io.filesystem import Files
from curate.io.rowhash import row_hashes
from curate.io.sources import InputPlan, plan


@dataclass(frozen=True)
class RowSums:
    """Rows by input file. Mergeable, and the same for any order of rows and files.

    A sum modulo 2^64 of 64-bit hashes (`curate.io.rowhash`) misses an accidental change with probability 2^-64. It is
    no cryptographic digest, and says nothing of bytes that no row holds, nor of media in files of their own.

    Attributes:
        files: file → (decodable rows, sum of their hashes modulo 2^64).
    """

    files: dict[str, tuple[int, int]] = field(default_factory=dict)

    @staticmethod
    def of(source_file: pa.ChunkedArray | pa.Array, row_hash: UInt64Array) -> "RowSums":
        """Sums the rows of a table.

        Args:
            source_file: string[n].
            row_hash: uint64[n].
        """
        encoded = source_file.combine_chunks() if isinstance(source_file, pa.ChunkedArray) else source_file
        encoded = encoded.dictionary_encode()
        codes, names = encoded.indices.to_numpy(), encoded.dictionary.to_pylist()
        sums = np.zeros(len(names), dtype=np.uint64)
        np.add.at(sums, codes, row_hash)
        counts = np.bincount(codes, minlength=len(names))
        return RowSums(dict(zip(names, zip(counts.tolist(), sums.tolist(), strict=True), strict=True)))

    def merge(self, other: "RowSums") -> "RowSums":
        """The sums of both parts."""
        merged = dict(self.files)
        for name, (rows, total) in other.files.items():
            own_rows, own_total = merged.get(name, (0, 0))
            merged[name] = own_rows + rows, (own_total + total) % 2**64
        return RowSums(merged)

    def to_dict(self) -> dict[str, Any]:
        """File → {rows, row_sum}, the sum as 16 hexadecimal digits; files in order."""
        return {name: {"rows": rows, "row_sum": f"{total:016x}"} for name, (rows, total) in sorted(self.files.items())}

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> "RowSums":
        """The inverse of `to_dict`."""
        return RowSums({name: (value["rows"], int(value["row_sum"], 16)) for name, value in values.items()})


NO_ROWS = {"rows": 0, "row_sum": f"{0:016x}"}


def fingerprints(ends: Mapping[str, Any], rows: RowSums) -> dict[str, Any]:
    """What identifies each input: its size, a digest of both ends, and its rows.

    Args:
        ends: file → {size, digest}, from `curate.io.sources.plan`.
        rows: of the ledger.
    """
    found = rows.to_dict()
    return {name: {**fingerprint, **found.get(name, NO_ROWS)} for name, fingerprint in ends.items()}


def changed_inputs(manifest: Mapping[str, Any], config: Config, files: Files) -> Iterator[tuple[str, str]]:
    """Compares the inputs of a run with what they were, reading them anew.

    Args:
        manifest: of the run.
        config: its settings.
        files: opens the inputs.

    Yields:
        (input, what of it has changed); nothing where all is as it was.
    """
    given, paths = manifest["fingerprints"], manifest["inputs"]
    planned = plan([file for name in given if (file := files.stat(paths[name]))], config, files)
    yield from planned.failed
    rows = _rows_of(planned, files).to_dict()
    for name, was in given.items():
        path = paths[name]
        now = {**planned.fingerprints.get(path, {}), **rows.get(path, NO_ROWS)}
        differs = [key for key in was if was[key] != now.get(key)]
        if path in planned.fingerprints and differs:
            yield name, f"{differs[0]} is {now[differs[0]]}, was {was[differs[0]]}"


def absent_inputs(manifest: Mapping[str, Any], files: Files) -> list[str]:
    """The inputs of a run that are no longer there."""
    paths: Mapping[str, str] = manifest.get("inputs", {})
    return [name for name, path in paths.items() if files.stat(path) is None]


def _rows_of(planned: InputPlan, files: Files) -> RowSums:
    total = RowSums()
    for sums in _sums(planned, files):
        total = total.merge(sums)
    return total


def _sums(planned: InputPlan, files: Files) -> Iterable[RowSums]:
    for split in planned.splits:
        for block in read_split(split, planned, files):
            names = pa.repeat(block.source_file, block.table.num_rows)
            yield RowSums.of(names, row_hashes(block.table))
