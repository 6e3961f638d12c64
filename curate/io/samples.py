"""Training samples from an output directory, each document as often as its weight asks.

A weight is the expected number of appearances in an epoch. `curate_copies` is one draw of it; here every epoch draws
anew from the weights with the same function, so that over epochs a document of weight 0.25 is seen in one of four and
not always or never. Nothing but the seed, the epoch and the id decides how often, so shards and machines agree.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curate.errors import UsageError
from curate.hashing import UInt64Array, hash_strings, mix, stage_seed
from curate.io.filesystem import Files, LocalFiles
from curate.io.inputs import find_inputs
from curate.mixture.sampling import copies

ID, WEIGHT, SPLIT = "curate_id", "curate_weight", "curate_split"
_ROWS = 1024  # turned into Python objects at a time


@dataclass(frozen=True)
class WeightedSamples:
    """An iterable of dict rows for a data loader; each iteration gives the same rows in the same order.

    All shards of an epoch together give what one shard would, no row twice; a shard is a worker's of a loader, or a
    rank's, or both. Order is by hash: row groups first, then the rows of `buffer` row groups together, which are what
    is held in memory (a row group has at most 10,000 rows). The second copy of a document comes near the first.

    Attributes:
        directory: an output of curate, with data/.
        seed: of all draws.
        epoch: from 0; another epoch draws and orders anew.
        shard: which part of the rows, in [0, shards).
        shards: how many parts there are.
        columns: those of the rows; by default all.
        split: only documents of this `curate_split`, such as train.
        buffer: row groups that are shuffled together.
        files: opens the data.
    """

    directory: str
    seed: int = 0
    epoch: int = 0
    shard: int = 0
    shards: int = 1
    columns: Sequence[str] | None = None
    split: str | None = None
    buffer: int = 4
    files: Files = field(default_factory=LocalFiles)

    def __post_init__(self) -> None:
        if not 0 <= self.shard < self.shards:
            raise UsageError(f"shard {self.shard} of {self.shards}, expected one from 0 to {self.shards - 1}; mend it")

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The rows of the shard.

        Raises:
            UsageError: the directory is no output with data, or lacks a column.
        """
        pieces = self._pieces()
        for start in range(0, len(pieces), self.buffer):
            table, drawn = self._draw(pieces[start : start + self.buffer])
            for rows in range(0, len(drawn), _ROWS):
                yield from table.take(drawn[rows : rows + _ROWS]).to_pylist()

    @property
    def _seed(self) -> int:
        return stage_seed(self.seed, f"epoch {self.epoch}")

    def _pieces(self) -> list[tuple[str, int, int, int]]:
        """(file, row group, part, parts) of this shard; row groups are divided where they are fewer than shards."""
        groups = []
        for file in find_inputs([self.directory], self.files):
            with self.files.open(file.path) as stream:
                parquet = pq.ParquetFile(stream)
                self._check(parquet.schema_arrow)
                groups += [(file.path, group) for group in range(parquet.num_row_groups)]
        parts = math.ceil(self.shards / max(1, len(groups)))
        pieces = [(*group, part, parts) for group in groups for part in range(parts)]
        order = np.argsort(mix(np.arange(len(pieces), dtype=np.uint64), stage_seed(self._seed, "pieces")))
        return [pieces[index] for index in order[self.shard :: self.shards]]

    def _check(self, schema: pa.Schema) -> None:
        needed = [ID, WEIGHT, *([SPLIT] if self.split else []), *(self.columns or ())]
        missing = [name for name in needed if name not in schema.names]
        if missing:
            raise UsageError(
                f"directory {self.directory!r} has no column {missing[0]!r} among {', '.join(schema.names)}; "
                f"name an output of curate, and columns of its data/"
            )

    def _draw(self, pieces: Sequence[tuple[str, int, int, int]]) -> tuple[pa.Table, pa.Array]:
        """The columns asked for of the pieces, and the numbers of the rows to give, in order and repeated."""
        table = pa.concat_tables(map(partial(_read, self), pieces))
        keys = hash_strings(table[ID])
        drawn = copies(table[WEIGHT].to_numpy().astype(np.float64), keys, self._seed)
        if self.split:
            drawn[~pc.equal(table[SPLIT], self.split).fill_null(False).to_numpy()] = 0
        rows = np.repeat(np.arange(len(keys)), drawn)
        if self.columns is not None:
            table = table.select(list(self.columns))
        return table, pa.array(rows[np.argsort(_order(keys, drawn, self._seed), kind="stable")])


def _read(samples: WeightedSamples, piece: tuple[str, int, int, int]) -> pa.Table:
    path, group, part, parts = piece
    wanted = {*(samples.columns or ()), ID, WEIGHT, *([SPLIT] if samples.split else [])}
    columns = None if samples.columns is None else sorted(wanted)
    with samples.files.open(path) as stream:
        table = pq.ParquetFile(stream).read_row_group(group, columns=columns, use_threads=False)
    return table.take(np.arange(part, table.num_rows, parts)) if parts > 1 else table


def _order(keys: UInt64Array, drawn: np.ndarray, seed: int) -> UInt64Array:
    """What the rows are sorted by: a hash of the key and the number of the copy."""
    ends = np.cumsum(drawn)
    copy = np.arange(int(drawn.sum())) - np.repeat(ends - drawn, drawn)
    return mix(mix(np.repeat(keys, drawn), stage_seed(seed, "order")) + copy.astype(np.uint64))
