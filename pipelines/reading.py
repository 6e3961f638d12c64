"""Wiring of reading: splits become blocks, and locations become the shingle sets of the texts that lie there."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Mapping, Optional, Tuple

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from curate.columns import text_column
from curate.config import Config
from curate.io.blocks import SPLIT_BITS, read_split, split_start
from curate.io.sources import InputPlan, Split
from curate.pipelines.files import BeamFiles
from curate.provenance.text.find import strip_manifests
from curate.text.kernel import shingle_sets
from curate.transforms.annotate import located
from curate.transforms.duplicates import REQUESTS, SHINGLES, Grouped, SplitBy, distinct_requests, rows_of
from curate.transforms.tables import KeyedTable, NamedCollections, concat, split_by_number


def first_splits(plans: Sequence[InputPlan]) -> list[int]:
    """The number of each plan's first split, where their splits are numbered on from one to the next."""
    return list(accumulate((len(plan.splits) for plan in plans[:-1]), initial=0))


class ReadBlocks(beam.PTransform):
    """Reads the splits of the input, each time it is applied: blocks go from the reader into the next step.

    Args:
        plan: what to read.
        first: number of its first split, where splits of another plan come before (`first_splits`).
        finished: rows of the blocks that are not wanted, by location.

    Returns:
        {"blocks": tables with their place (`curate.transforms.annotate.located`),
        "errors": tables of `curate.schema.ERRORS`}.
    """

    def __init__(self, plan: InputPlan, first: int = 0, finished: Optional[Mapping[int, int]] = None) -> None:
        self._plan = plan
        self._first = first
        self._finished = finished or {}

    def expand(self, begin: beam.pvalue.PBegin) -> NamedCollections:
        """Applies the transform to a pipeline."""
        rows = Counter[int]()
        for location, number in self._finished.items():
            rows[(location >> SPLIT_BITS) - self._first] += number
        splits = [split.number for split in self._plan.splits if rows[split.number] < split.rows]
        outputs = (
            begin
            | "Splits" >> beam.Create(splits).with_output_types(int)
            | "Read"
            >> beam.ParDo(_ReadBlocks(self._plan, self._first, self._finished))
            .with_output_types(pa.Table, errors=pa.Table)
            .with_outputs("errors", main="blocks")
        )
        return {"blocks": outputs.blocks, "errors": outputs.errors}


class _ReadBlocks(beam.DoFn):
    def __init__(self, plan: InputPlan, first: int, finished: Mapping[int, int]) -> None:
        self._plan = plan
        self._first = first
        self._finished = finished

    def process(self, number: int) -> Iterator[pa.Table]:
        for block in read_split(self._plan.splits[number], self._plan, BeamFiles()):
            if block.errors.num_rows:
                yield beam.pvalue.TaggedOutput("errors", block.errors)
            start = split_start(self._first + number, block.location_start)
            if block.table.num_rows and start not in self._finished:
                yield located(block.table, block.source_file, start)


class ReadTables(beam.PTransform):
    """Reads small Parquet files that an earlier job wrote, each as one table.

    Args:
        paths: of the files.
        schema: columns to read, in this order.
    """

    def __init__(self, paths: Sequence[str], schema: pa.Schema) -> None:
        self._paths = list(paths)
        self._schema = schema

    def expand(self, begin: beam.pvalue.PBegin) -> beam.PCollection:
        """Applies the transform to a pipeline."""
        paths = begin | "Paths" >> beam.Create(self._paths).with_output_types(str)
        return paths | "ReadTable" >> beam.ParDo(_ReadTable(self._schema))


class _ReadTable(beam.DoFn):
    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema

    def process(self, path: str) -> Iterator[pa.Table]:
        with BeamFiles().open(path) as file:
            table = pq.read_table(file, columns=self._schema.names, use_threads=False)
        yield table.cast(self._schema)


PLACES = pa.schema([("content", pa.uint64()), ("location", pa.uint64())])
LOCATED = pa.schema([*REQUESTS, PLACES.field("location")])


class ReadShingles(beam.PTransform):
    """Finds where the texts of candidates lie, reads them again and computes their shingle sets.

    Args:
        plans: what was read; splits are numbered on from one to the next.
        config: settings.
        features: PCollection of the feature tables, which know the locations.
        partitions: partitions of the content space.

    Returns:
        (part of the request, tables of `curate.transforms.duplicates.SHINGLES`).
    """

    def __init__(self, plans: Sequence[InputPlan], config: Config, features: beam.PCollection, partitions: int) -> None:
        self._plans = list(plans)
        self._config = config
        self._features = features
        self._partitions = partitions

    def expand(self, requests: beam.PCollection) -> beam.PCollection:
        """Applies the transform to tables of `curate.transforms.duplicates.REQUESTS`."""
        by_content = beam.ParDo(SplitBy("content", self._partitions))
        return (
            {
                "requests": requests | "RequestsByContent" >> by_content,
                "places": self._features | "Places" >> beam.ParDo(_Places()) | "PlacesByContent" >> by_content,
            }
            | "Join" >> beam.CoGroupByKey()
            | "Locate" >> beam.ParDo(_Locate())
            | "GroupSplits" >> beam.GroupByKey()
            | "ReadAgain" >> beam.ParDo(_ReadShingles(self._plans, self._config))
        )


class _Places(beam.DoFn):
    def process(self, features: pa.Table) -> Iterator[pa.Table]:
        yield features.filter(features["bands"].is_valid()).select(PLACES.names)


class _Locate(beam.DoFn):
    def process(self, element: Grouped) -> Iterator[KeyedTable]:
        requests = distinct_requests(element[1]["requests"])
        if requests.num_rows:
            # The first of the places, so that the same text is read again whichever block came first.
            places = rows_of(concat(element[1]["places"], PLACES).sort_by("location"), requests)
            located = requests.append_column("location", places["location"])
            yield from split_by_number(located, split_numbers(located))


class _ReadShingles(beam.DoFn):
    def __init__(self, plans: Sequence[InputPlan], config: Config) -> None:
        self._plans = plans
        self._first = first_splits(plans)
        self._config = config

    def process(self, element: Tuple[int, Iterable[pa.Table]]) -> Iterator[KeyedTable]:
        number, tables = element
        requests = concat(tables, LOCATED).sort_by("location")
        locations = requests["location"].to_numpy()
        which = bisect_right(self._first, number) - 1
        plan = self._plans[which]
        split: Split = plan.splits[number - self._first[which]]
        for block in read_split(split, plan, BeamFiles()):
            start = split_start(number, block.location_start)
            first, last = np.searchsorted(locations, [start, start + block.table.num_rows])
            wanted = requests.slice(first, last - first)
            if not wanted.num_rows:
                continue
            texts = text_column(block.table, self._config).take(pa.array(locations[first:last] - start))
            texts = strip_manifests(texts).texts
            values, offsets = shingle_sets(texts, shingle=self._config.dedupe.shingle)
            lists = pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(values))
            shingles = pa.table([wanted["content"], lists], schema=SHINGLES)
            yield from split_by_number(shingles, wanted["part"].to_numpy())


def split_numbers(table: pa.Table) -> np.ndarray:
    """The split that each row of a table with a `location` column lies in, int64."""
    return (table["location"].to_numpy() >> np.uint64(SPLIT_BITS)).astype(np.int64)
