"""What the report counts: one mergeable accumulator over ledger tables.

All sums are integers (weights in ten-thousandths of a token), so that merging is exact in any order.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.hashing import hash_strings
from curate.report.bounded import Lowest

WEIGHT_UNIT = 10_000
SCORE_BINS = 20  # bins per unit of detector score (log-odds)
EXAMPLES_MOST = 100  # what the settings allow, so that an empty summary is neutral

CUBES: dict[str, tuple[str, ...]] = {
    "flow": ("decision", "stage", "reason"),
    "source": ("source", "decision", "stage", "reason"),
    "language": ("language", "decision", "stage", "reason"),
    "cluster": ("cluster", "decision", "stage", "reason", "origin"),
    "month": ("month", "decision"),
    "tier": ("tier", "origin", "decision"),
    "rights": ("rights", "decision"),
    "score": ("language", "tier", "bin"),
}


class Cell(NamedTuple):
    """What one cell of a cube adds up.

    Attributes:
        documents: documents.
        tokens: their tokens, each document once.
        output: tokens × copies of the kept ones.
        weighted: tokens × weight of the kept ones, in units of 1 / WEIGHT_UNIT tokens.
        trusted: trusted human documents.
        misjudged: those of them whose detector score is above the threshold.
    """

    documents: int
    tokens: int
    output: int
    weighted: int
    trusted: int
    misjudged: int


class Edits(NamedTuple):
    """How many kept documents lost spans of one kind, how many spans, and of how many characters."""

    documents: int
    spans: int
    characters: int


Key = tuple[Any, ...]
Cube = dict[Key, Cell]


@dataclass
class Summary:
    """Counts and bounded samples of any part of a ledger.

    Attributes:
        cubes: name of a cube in `CUBES` → key (values of its dimensions, None for null) → sums.
        examples: (decision, stage, reason) → (hash of the id, id), the lowest hashes.
        cluster_examples: cluster → (hash of the id, id) of kept documents.
        edits: kind of the text edits of kept documents → their sums.
    """

    cubes: dict[str, Cube] = field(default_factory=lambda: {name: {} for name in CUBES})
    examples: Lowest = field(default_factory=lambda: Lowest(EXAMPLES_MOST))
    cluster_examples: Lowest = field(default_factory=lambda: Lowest(EXAMPLES_MOST))
    edits: dict[str, Edits] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        ledger: pa.Table,
        sources: pa.Array | pa.ChunkedArray | None = None,
        months: pa.Array | pa.ChunkedArray | None = None,
        examples: int = 5,
    ) -> "Summary":
        """Summarises one table.

        Args:
            ledger: n rows with the columns of `curate.schema.LEDGER`.
            sources: n strings, the source of each document, or None.
            months: n strings such as 2024-05, the month of capture, or None.
            examples: ids kept per reason and per cluster.
        """
        summary = cls(examples=Lowest(examples), cluster_examples=Lowest(examples))
        if ledger.num_rows == 0:
            return summary
        rows = _with_measures(ledger, sources, months)
        for name, dimensions in CUBES.items():
            summary.cubes[name] = _cube(rows, dimensions)
        _add_examples(summary, ledger)
        summary.edits = _edits(ledger)
        return summary

    def merge(self, other: "Summary") -> "Summary":
        """The summary of both parts. Associative and commutative; `Summary()` is neutral."""
        return Summary(
            cubes={name: _merge_cubes(self.cubes[name], other.cubes[name]) for name in CUBES},
            examples=self.examples.merge(other.examples),
            cluster_examples=self.cluster_examples.merge(other.cluster_examples),
            edits=_merge_edits(self.edits, other.edits),
        )

    def total(self, cube: str, **where: Any) -> Cell:
        """Sum of the cells of `cube` whose dimensions have the given values."""
        total = Cell(*[0] * len(Cell._fields))
        for key, cell in self.cubes[cube].items():
            named = dict(zip(CUBES[cube], key, strict=True))
            if all(named[dimension] == value for dimension, value in where.items()):
                total = _add(total, cell)
        return total

    def by(self, cube: str, *dimensions: str) -> Cube:
        """`cube` summed over all but the given dimensions, keys in order (None first)."""
        positions = [CUBES[cube].index(dimension) for dimension in dimensions]
        sums: Cube = {}
        for key, cell in self.cubes[cube].items():
            short = tuple(key[position] for position in positions)
            sums[short] = _add(sums[short], cell) if short in sums else cell
        return dict(sorted(sums.items(), key=lambda item: _sortable(item[0])))

    def to_dict(self) -> dict[str, Any]:
        """The summary as JSON types; equal summaries give equal values in equal order."""
        return {
            "cubes": {name: [[*key, *cell] for key, cell in _ordered(cube)] for name, cube in self.cubes.items()},
            "examples": _lowest_to_dict(self.examples),
            "cluster_examples": _lowest_to_dict(self.cluster_examples),
            "edits": {kind: list(edits) for kind, edits in sorted(self.edits.items())},
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Summary":
        """The inverse of `to_dict`."""
        cells = len(Cell._fields)
        return cls(
            cubes={name: {tuple(row[:-cells]): Cell(*row[-cells:]) for row in values["cubes"][name]} for name in CUBES},
            examples=_lowest_from_dict(values["examples"]),
            cluster_examples=_lowest_from_dict(values["cluster_examples"]),
            edits={kind: Edits(*sums) for kind, sums in values["edits"].items()},
        )


def _with_measures(
    ledger: pa.Table, sources: pa.Array | pa.ChunkedArray | None, months: pa.Array | pa.ChunkedArray | None
) -> pa.Table:
    rows = ledger.num_rows
    kept = pc.fill_null(pc.equal(ledger["decision"], "kept"), False).to_numpy()
    tokens = pc.fill_null(ledger["tokens"], 0).to_numpy().astype(np.int64)
    copies = pc.fill_null(ledger["copies"], 0).to_numpy().astype(np.int64)
    weight = pc.fill_null(ledger["weight"], 0.0).to_numpy()
    trusted = pc.fill_null(pc.equal(ledger["tier"], "trusted_human"), False).to_numpy()
    above = pc.fill_null(pc.greater(ledger["detector_score"], ledger["threshold"]), False).to_numpy()
    columns = {name: ledger[name] for name in ("decision", "stage", "reason", "language", "origin", "tier", "rights")}
    empty = pa.nulls(rows, pa.string())
    return pa.table(
        columns
        | {
            "cluster": ledger["cluster"],
            "source": empty if sources is None else pc.cast(sources, pa.string()),
            "month": empty if months is None else pc.cast(months, pa.string()),
            "bin": _score_bins(ledger["detector_score"]),
            "documents": pa.array(np.ones(rows, np.int64)),
            "tokens": tokens,
            "output": tokens * copies * kept,
            "weighted": tokens * np.rint(weight * WEIGHT_UNIT).astype(np.int64) * kept,
            "trusted": trusted.astype(np.int64),
            "misjudged": (trusted & above).astype(np.int64),
        }
    )


def _score_bins(scores: pa.ChunkedArray) -> pa.ChunkedArray:
    """⌊score × SCORE_BINS⌋ as int32, null where there is no score; the scale of the score is left open."""
    return pc.cast(pc.floor(pc.multiply(pc.cast(scores, pa.float64()), float(SCORE_BINS))), pa.int32())


def _cube(rows: pa.Table, dimensions: Sequence[str]) -> Cube:
    sums = rows.group_by(list(dimensions), use_threads=False).aggregate([(name, "sum") for name in Cell._fields])
    keys = zip(*(sums[name].to_pylist() for name in dimensions), strict=True)
    cells = zip(*(sums[f"{name}_sum"].to_pylist() for name in Cell._fields), strict=True)
    return {key: Cell(*cell) for key, cell in zip(keys, cells, strict=True)}


def _add_examples(summary: Summary, ledger: pa.Table) -> None:
    rows = pa.table({"value": pa.array(hash_strings(ledger["id"])), "id": ledger["id"]})
    summary.examples.add([ledger[name] for name in CUBES["flow"]], rows)
    in_cluster = pc.and_(pc.equal(ledger["decision"], "kept"), pc.is_valid(ledger["cluster"]))
    summary.cluster_examples.add([ledger["cluster"].filter(in_cluster)], rows.filter(in_cluster))


def _edits(ledger: pa.Table) -> dict[str, Edits]:
    lists = ledger.filter(pc.equal(ledger["decision"], "kept"))["text_edits"].combine_chunks()
    edits = lists.flatten()
    start, end = edits.field("start"), edits.field("end")
    rows = pa.table(
        {"kind": edits.field("kind"), "row": pc.list_parent_indices(lists), "characters": pc.subtract(end, start)}
    )
    sums = rows.group_by("kind").aggregate([("row", "count_distinct"), ("row", "count"), ("characters", "sum")])
    values = (sums[name].to_pylist() for name in ("row_count_distinct", "row_count", "characters_sum"))
    return {kind: Edits(*value) for kind, *value in zip(sums["kind"].to_pylist(), *values, strict=True)}


def _merge_edits(left: dict[str, Edits], right: dict[str, Edits]) -> dict[str, Edits]:
    none = Edits(0, 0, 0)
    kinds = sorted(left.keys() | right.keys())
    return {
        kind: Edits(*(a + b for a, b in zip(left.get(kind, none), right.get(kind, none), strict=True)))
        for kind in kinds
    }


def _merge_cubes(left: Cube, right: Cube) -> Cube:
    merged = dict(left)
    for key, cell in right.items():
        merged[key] = _add(merged[key], cell) if key in merged else cell
    return merged


def _add(left: Cell, right: Cell) -> Cell:
    return Cell(*(a + b for a, b in zip(left, right, strict=True)))


def _sortable(key: Any) -> Any:
    """An order over keys that hold None: None comes first."""
    return tuple((part is not None, part) for part in (key if isinstance(key, tuple) else (key,)))


def _ordered(mapping: dict[Any, Any]) -> Iterator[tuple[Any, Any]]:
    return iter(sorted(mapping.items(), key=lambda item: _sortable(item[0])))


def _lowest_to_dict(lowest: Lowest) -> dict[str, Any]:
    return {
        "limit": lowest.limit,
        "entries": [
            [list(key) if isinstance(key, tuple) else key, [list(entry) for entry in entries]]
            for key, entries in _ordered(lowest.entries)
        ],
    }


def _lowest_from_dict(values: dict[str, Any]) -> Lowest:
    return Lowest(
        values["limit"],
        {
            tuple(key) if isinstance(key, list) else key: [tuple(entry) for entry in entries]
            for key, entries in values["entries"]
        },
    )
