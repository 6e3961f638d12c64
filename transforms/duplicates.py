"""Wiring of near-duplicate search: band keys, candidates, verification, and the gathering of linked documents."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Dict, Tuple

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from apache_beam.pvalue import AsSingleton

from curate.config import Config
from curate.decisions.order import SCALE, survival_order
from curate.duplicates.candidates import Pairs, band_entries, candidate_pairs, spread, unique_pairs
from curate.duplicates.components import contract, large_star
from curate.duplicates.verify import similarities, verified
from curate.hashing import UInt64Array, hash_strings, stage_seed
from curate.schema import PAIRS
from curate.transforms.counters import counter, distribution
from curate.transforms.sample import SmallestHashes
from curate.transforms.tables import (
    KeyedTable,
    NamedCollections,
    concat,
    partition_numbers,
    split_by,
    split_by_number,
)

BANDS = pa.schema([("entry", pa.uint64()), ("content", pa.uint64()), ("order", pa.uint64())])
CANDIDATES = pa.schema([("left", pa.uint64()), ("right", pa.uint64())])
PLACED = CANDIDATES.append(pa.field("part", pa.int64()))
REQUESTS = pa.schema([("content", pa.uint64()), ("part", pa.int64())])
SHINGLES = pa.schema([("content", pa.uint64()), ("shingles", pa.large_list(pa.uint64()))])
PREFERENCES = pa.schema([("key", pa.uint64()), ("preference", pa.binary())])
EDGES = pa.schema([("node", pa.uint64()), ("root", pa.uint64())])

Grouped = Tuple[int, Dict[str, Iterable[pa.Table]]]


class FindPairs(beam.PTransform):
    """Verified duplicate pairs of the documents whose features are given.

    LSH proposes, exact comparison of shingle sets decides. No text is shuffled: 24 bytes per document and band,
    and 8 bytes per shingle of the candidates.

    Args:
        config: thresholds, bands and rows.
        partitions: partitions of the key space.
        parts: parts that the candidates are verified in, each with its shingle sets in memory.
        shingles: turns requests (`REQUESTS`, contents by the part that asks) into (part, `SHINGLES`) tables.

    Returns:
        Tables of `curate.schema.PAIRS`, each pair once.
    """

    def __init__(self, config: Config, partitions: int, parts: int, shingles: beam.PTransform) -> None:
        self._config = config
        self._partitions = partitions
        self._parts = parts
        self._shingles = shingles

    def expand(self, features: beam.PCollection) -> beam.PCollection:
        """Applies the transform to a PCollection of feature tables."""
        candidates = (
            features
            | "BandKeys" >> beam.ParDo(_BandKeys(self._config, self._partitions), self._scale(features))
            | "GroupBands" >> beam.GroupByKey()
            | "Candidates" >> beam.ParDo(_Candidates(self._partitions))
            | "GroupCandidates" >> beam.GroupByKey()
            | "Unique"
            >> beam.ParDo(_Unique(self._parts))
            .with_output_types(KeyedTable, placed=pa.Table)
            .with_outputs("placed", main="by_part")
        )
        shingles = candidates.placed | "Requests" >> beam.ParDo(_Requests()) | "Shingles" >> self._shingles
        return (
            {"candidates": candidates.by_part, "shingles": shingles}
            | "GroupForVerification" >> beam.CoGroupByKey()
            | "Verify" >> beam.ParDo(_Verify(self._config.dedupe.threshold, self._config.dedupe.containment))
        )

    def _scale(self, features: beam.PCollection) -> Any:
        """The keys of `dedupe.prefer`, or a sample of them, as a side input: what documents are placed by."""
        empty = PREFERENCES.empty_table()
        if not self._config.dedupe.prefer:
            return empty
        sample = SmallestHashes(SCALE, stage_seed(self._config.run.seed, "preferences"), PREFERENCES)
        scale = (
            features
            | "Preferences" >> beam.ParDo(_Preferences())
            | "Scale" >> beam.CombineGlobally(sample).without_defaults()
        )
        return AsSingleton(scale, default_value=empty)


class _Preferences(beam.DoFn):
    def process(self, features: pa.Table) -> Iterator[pa.Table]:
        keys = pc.unique(features["preference"])
        yield pa.table([pa.array(hash_strings(keys)), keys], schema=PREFERENCES)


class _BandKeys(beam.DoFn):
    def __init__(self, config: Config, partitions: int) -> None:
        self._config = config
        self._partitions = partitions

    def process(self, features: pa.Table, scale: pa.Table) -> Iterator[KeyedTable]:
        features = features.filter(features["bands"].is_valid())
        bands = features["bands"].combine_chunks()
        each = bands.type.list_size
        keys = bands.flatten().to_numpy()
        order = survival_order(features, self._config, scale["preference"].combine_chunks().sort())
        row = np.repeat(np.arange(features.num_rows), each)
        entries = band_entries(keys, order.high[row])
        columns = [pa.array(column) for column in (entries, features["content"].to_numpy()[row], order.low[row])]
        table = pa.table(columns, schema=BANDS)
        yield from split_by(table, keys, self._partitions)


class _Candidates(beam.DoFn):
    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._found = counter("candidate_pairs")
        self._each = distribution("partition_candidate_pairs")

    def process(self, element: Tuple[int, Iterable[pa.Table]]) -> Iterator[KeyedTable]:
        bands = concat(element[1], BANDS)
        columns = candidate_pairs(*(bands[name].to_numpy() for name in BANDS.names))
        pairs = pa.table([pa.array(column) for column in columns], schema=CANDIDATES)
        self._found.inc(pairs.num_rows)
        self._each.update(pairs.num_rows)
        yield from split_by(pairs, columns[0], self._partitions)


class _Unique(beam.DoFn):
    """Sends each pair to the part that verifies it."""

    def __init__(self, parts: int) -> None:
        self._parts = parts

    def process(self, element: Tuple[int, Iterable[pa.Table]]) -> Iterator[Any]:
        pairs = concat(element[1], CANDIDATES)
        found = unique_pairs(Pairs(*(pairs[name].to_numpy() for name in CANDIDATES.names)))
        parts = partition_numbers(spread(found), self._parts)
        placed = pa.table([pa.array(column) for column in (*found, parts)], schema=PLACED)
        # One table for all parts: one for each would be cut again by content, into a table for each part and partition.
        yield beam.pvalue.TaggedOutput("placed", placed)
        yield from split_by_number(placed.select(CANDIDATES.names), parts)


class _Requests(beam.DoFn):
    """Asks for the shingle sets of both ends of each pair, for the part that verifies it."""

    def process(self, placed: pa.Table) -> Iterator[pa.Table]:
        ends = [pa.table([placed[end], placed["part"]], schema=REQUESTS) for end in CANDIDATES.names]
        yield distinct_requests(ends)


class _Verify(beam.DoFn):
    def __init__(self, threshold: float, containment: float) -> None:
        self._threshold = threshold
        self._containment = containment
        self._verified = counter("verified_pairs")

    def process(self, element: Grouped) -> Iterator[pa.Table]:
        pairs = concat(element[1]["candidates"], CANDIDATES)
        sets = concat(element[1]["shingles"], SHINGLES)
        contents = sets["content"].to_numpy()
        order = np.argsort(contents)  # of the contents only: the sets are as large as the texts
        lists = sets["shingles"].combine_chunks()
        left, right = pairs["left"].to_numpy(), pairs["right"].to_numpy()
        measures = similarities(
            lists.flatten().to_numpy(),
            lists.offsets.to_numpy() - lists.offsets[0].as_py() if len(lists) else np.zeros(1, dtype=np.int64),
            order[np.searchsorted(contents, left, sorter=order)],
            order[np.searchsorted(contents, right, sorter=order)],
        )
        table = pa.table([pa.array(column) for column in (left, right, *measures)], schema=PAIRS)
        table = table.filter(pa.array(verified(*measures, self._threshold, self._containment)))
        self._verified.inc(table.num_rows)
        yield table


class JoinShingles(beam.PTransform):
    """Answers requests from the shingle sets of all documents, where the input cannot be read twice.

    Args:
        shingles: PCollection of `SHINGLES` tables.
        partitions: partitions of the content space.

    Returns:
        (part of the request, `SHINGLES` table).
    """

    def __init__(self, shingles: beam.PCollection, partitions: int) -> None:
        self._shingles = shingles
        self._partitions = partitions

    def expand(self, requests: beam.PCollection) -> beam.PCollection:
        """Applies the transform to tables of `REQUESTS`."""
        return (
            {
                "requests": requests | "RequestsByContent" >> beam.ParDo(SplitBy("content", self._partitions)),
                "shingles": self._shingles | "ByContent" >> beam.ParDo(SplitBy("content", self._partitions)),
            }
            | "Join" >> beam.CoGroupByKey()
            | "Answer" >> beam.ParDo(_Answer())
        )


class _Answer(beam.DoFn):
    def process(self, element: Grouped) -> Iterator[KeyedTable]:
        requests = distinct_requests(element[1]["requests"])
        if requests.num_rows:
            sets = rows_of(concat(element[1]["shingles"], SHINGLES), requests)
            yield from split_by_number(sets, requests["part"].to_numpy())


def distinct_requests(requests: Iterable[pa.Table]) -> pa.Table:
    """`REQUESTS`, each once: several tables of pairs ask for a part."""
    return concat(requests, REQUESTS).group_by(REQUESTS.names, use_threads=False).aggregate([])


def rows_of(table: pa.Table, requests: pa.Table) -> pa.Table:
    """For each request the first row of its content, of which there is one."""
    contents, first = np.unique(table["content"].to_numpy(), return_index=True)
    return table.take(pa.array(first[np.searchsorted(contents, requests["content"].to_numpy())]))


class CloseGroups(beam.PTransform):
    """Brings every document together with all that it is linked to by verified pairs.

    Linked contents are found by rounds of large star and small star (`curate.duplicates.components`). A pair whose
    ends still have different roots after the last round is left out: its documents are kept.

    Args:
        schema: schema of the documents, with a column `content`.
        rounds: rounds of contraction.
        partitions: partitions of the key space. One partition is closed by itself and needs no round.

    Returns:
        (partition, {"documents": tables, "pairs": tables}), closed under the pairs.
    """

    def __init__(self, schema: pa.Schema, rounds: int, partitions: int) -> None:
        self._schema = schema
        self._rounds = rounds
        self._partitions = partitions

    def expand(self, inputs: NamedCollections) -> beam.PCollection:
        """Applies the transform to {"documents": …, "pairs": …}, PCollections of tables."""
        documents, pairs = inputs["documents"], inputs["pairs"]
        if self._partitions == 1:
            return {
                "documents": documents | "OneDocuments" >> beam.Map(_in_one_partition).with_output_types(KeyedTable),
                "pairs": pairs | "OnePairs" >> beam.Map(_in_one_partition).with_output_types(KeyedTable),
            } | "Group" >> beam.CoGroupByKey()
        edges = pairs | "Edges" >> beam.ParDo(_Edges())
        for number in range(self._rounds):
            edges = (
                edges
                | f"ToBothEnds{number}" >> beam.ParDo(_ToBothEnds(self._partitions))
                | f"GroupBothEnds{number}" >> beam.GroupByKey()
                | f"LargeStar{number}" >> beam.ParDo(_Star(large_star))
                | f"ToLargerEnd{number}" >> beam.ParDo(SplitBy("node", self._partitions))
                | f"GroupLargerEnd{number}" >> beam.GroupByKey()
                | f"SmallStar{number}" >> beam.ParDo(_Star(contract))
            )
        roots = edges | "ByNode" >> beam.ParDo(SplitBy("node", self._partitions))
        rooted = {
            name: (
                {"rows": rows | f"{name}ByContent" >> beam.ParDo(SplitBy(column, self._partitions)), "roots": roots}
                | f"{name}JoinRoots" >> beam.CoGroupByKey()
                | f"{name}ByRoot" >> beam.ParDo(_ByRoot(column, schema, self._partitions))
            )
            for name, rows, column, schema in (
                ("documents", documents, "content", self._schema),
                ("pairs", pairs, "left", PAIRS),
            )
        }
        return rooted | "Group" >> beam.CoGroupByKey()


def _in_one_partition(table: pa.Table) -> KeyedTable:
    return 0, table


class _Edges(beam.DoFn):
    def process(self, pairs: pa.Table) -> Iterator[pa.Table]:
        yield pa.table([pairs["right"], pairs["left"]], schema=EDGES)


class _ToBothEnds(beam.DoFn):
    def __init__(self, partitions: int) -> None:
        self._partitions = partitions

    def process(self, edges: pa.Table) -> Iterator[KeyedTable]:
        turned = pa.table([edges["root"], edges["node"]], schema=EDGES)
        for table in (edges, turned):
            yield from split_by(table, table["node"].to_numpy(), self._partitions)


class _Star(beam.DoFn):
    """One step of a round: replaces the edges of a partition."""

    def __init__(self, step: Callable[[UInt64Array, UInt64Array], Tuple[UInt64Array, UInt64Array]]) -> None:
        self._step = step

    def process(self, element: Tuple[int, Iterable[pa.Table]]) -> Iterator[pa.Table]:
        edges = concat(element[1], EDGES)
        node, root = self._step(edges["node"].to_numpy(), edges["root"].to_numpy())
        yield pa.table([pa.array(node), pa.array(root)], schema=EDGES)


class SplitBy(beam.DoFn):
    """Cuts tables into partitions by a column of 64-bit keys."""

    def __init__(self, column: str, partitions: int) -> None:
        self._column = column
        self._partitions = partitions

    def process(self, table: pa.Table) -> Iterator[KeyedTable]:
        """Yields the rows of each partition."""
        yield from split_by(table, table[self._column].to_numpy(), self._partitions)


class _ByRoot(beam.DoFn):
    """Sends rows to the partition of the root of their content: the content itself where it has no edge."""

    def __init__(self, column: str, schema: pa.Schema, partitions: int) -> None:
        self._column = column
        self._schema = schema
        self._partitions = partitions

    def process(self, element: Grouped) -> Iterator[KeyedTable]:
        rows = concat(element[1]["rows"], self._schema)
        edges = concat(element[1]["roots"], EDGES).sort_by([("node", "ascending"), ("root", "ascending")])
        nodes, roots = edges["node"].to_numpy(), edges["root"].to_numpy()
        keys = rows[self._column].to_numpy()
        if len(nodes):
            # The first edge of a node leads to its smallest root, should the rounds have left it several.
            place = np.minimum(np.searchsorted(nodes, keys), len(nodes) - 1)
            keys = np.where(nodes[place] == keys, roots[place], keys)
        yield from split_by(rows, keys, self._partitions)
