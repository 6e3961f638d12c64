"""A bounded sample of documents, the same whatever their order: those with the smallest hashed keys."""

from collections.abc import Iterable
from typing import List

import apache_beam as beam
import numpy as np
import pyarrow as pa

from curate.hashing import mix
from curate.transforms.tables import TableCoder, concat


@beam.typehints.with_input_types(pa.Table)
@beam.typehints.with_output_types(pa.Table)
class SmallestHashes(beam.CombineFn):
    """Keeps the rows whose `key` column (uint64) has the smallest hashes.

    Rows with equal keys count once, so that a document repeated many times does not fill the sample.

    Args:
        size: rows kept.
        seed: seed of the hash.
        schema: schema of the tables, with a column `key`.
    """

    def __init__(self, size: int, seed: int, schema: pa.Schema) -> None:
        self._size = size
        self._seed = seed
        self._schema = schema

    def get_accumulator_coder(self) -> beam.coders.Coder:
        """Accumulators are lists of tables."""
        return beam.coders.ListCoder(TableCoder())

    def create_accumulator(self) -> List[pa.Table]:
        """An empty sample."""
        return []

    def add_input(self, accumulator: List[pa.Table], element: pa.Table) -> List[pa.Table]:
        """Adds rows; cuts back whenever twice the sample has gathered."""
        accumulator.append(element)
        if sum(table.num_rows for table in accumulator) > 2 * self._size:
            return [self._smallest(accumulator)]
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[List[pa.Table]]) -> List[pa.Table]:
        """Joins samples."""
        return [self._smallest([table for tables in accumulators for table in tables])]

    def compact(self, accumulator: List[pa.Table]) -> List[pa.Table]:
        """Cuts back before the sample is shuffled."""
        return [self._smallest(accumulator)]

    def extract_output(self, accumulator: List[pa.Table]) -> pa.Table:
        """The sample, sorted by key."""
        sample = self._smallest(accumulator)
        return sample.take(pa.array(np.argsort(sample["key"].to_numpy(), kind="stable")))

    def _smallest(self, tables: List[pa.Table]) -> pa.Table:
        table = concat(tables, self._schema)
        keys, first = np.unique(table["key"].to_numpy(), return_index=True)
        if len(keys) > self._size:
            first = first[np.argpartition(mix(keys, self._seed), self._size)[: self._size]]
        return table.take(pa.array(first))
