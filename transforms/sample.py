"""Bounded parts of tables, the same whatever the order of rows: a sample of those with the smallest hashed keys."""

from collections.abc import Iterable
from typing import List

import apache_beam as beam
import numpy as np
import pyarrow as pa

from curate.hashing import mix
from curate.transforms.tables import TableCoder, concat


@beam.typehints.with_input_types(pa.Table)
@beam.typehints.with_output_types(pa.Table)
class ReducedTables(beam.CombineFn):
    """What `reduce` leaves of all rows: a bounded part of them, the same whatever their order.

    Args:
        schema: schema of the tables.
        gathered: rows that are gathered before they are reduced.
    """

    def __init__(self, schema: pa.Schema, gathered: int) -> None:
        self._schema = schema
        self._gathered = gathered

    def reduce(self, table: pa.Table) -> pa.Table:
        """The rows that matter, in their order; reducing what was reduced, with more rows, is reducing all at once."""
        raise NotImplementedError

    def get_accumulator_coder(self) -> beam.coders.Coder:
        """Accumulators are lists of tables."""
        return beam.coders.ListCoder(TableCoder())

    def create_accumulator(self) -> List[pa.Table]:
        """No rows."""
        return []

    def add_input(self, accumulator: List[pa.Table], element: pa.Table) -> List[pa.Table]:
        """Adds rows; cuts back whenever many have gathered."""
        accumulator.append(element)
        many = sum(table.num_rows for table in accumulator) > self._gathered
        return self.compact(accumulator) if many else accumulator

    def merge_accumulators(self, accumulators: Iterable[List[pa.Table]]) -> List[pa.Table]:
        """Joins parts."""
        return self.compact([table for tables in accumulators for table in tables])

    def compact(self, accumulator: List[pa.Table]) -> List[pa.Table]:
        """Cuts back before the rows are shuffled."""
        return [self.extract_output(accumulator)]

    def extract_output(self, accumulator: List[pa.Table]) -> pa.Table:
        """What is left of all rows."""
        return self.reduce(concat(accumulator, self._schema))


class SmallestHashes(ReducedTables):
    """Keeps the rows whose `key` column (uint64) has the smallest hashes, sorted by key.

    Rows with equal keys count once, so that a document repeated many times does not fill the sample.

    Args:
        size: rows kept.
        seed: seed of the hash.
        schema: schema of the tables, with a column `key`.
    """

    def __init__(self, size: int, seed: int, schema: pa.Schema) -> None:
        super().__init__(schema, gathered=2 * size)
        self._size = size
        self._seed = seed

    def reduce(self, table: pa.Table) -> pa.Table:
        """See `ReducedTables.reduce`."""
        keys, first = np.unique(table["key"].to_numpy(), return_index=True)
        if len(keys) > self._size:
            first = first[np.sort(np.argpartition(mix(keys, self._seed), self._size)[: self._size])]
        return table.take(pa.array(first))
