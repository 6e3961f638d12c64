"""What prevalence and the machine text left are computed from: histograms of detector scores. Mergeable by adding."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.config import Config
from curate.decisions.reference import Reference, scores_of
from curate.detector.groups import LENGTH_BINS, LENGTH_EDGES
from curate.detector.prevalence import Counts, cells_of
from curate.provenance.origin import REAL, SYNTHETIC, UNKNOWN

OPEN, HUMAN, MACHINE = "open", "human", "machine"
"""What is known of a document's origin, the detector left aside: nothing, by hard evidence or as a verified copy."""
KEPT_OPEN, KEPT_HUMAN = "kept open", "kept human"
MULTIPLES = (1, 2, 4)
"""Thresholds are tried at these multiples of `synthetic.alpha_suspect`."""

_MOST_ALPHA = 0.5

Key = tuple[str, str, str]


def alphas(config: Config) -> tuple[float, ...]:
    """The levels that thresholds are tried at: α and its multiples, up to ½."""
    alpha = config.synthetic.alpha_suspect
    return tuple(max(alpha, min(multiple * alpha, _MOST_ALPHA)) for multiple in MULTIPLES)


@dataclass(frozen=True)
class ScoreCounts:
    """Scored documents by source and month.

    Attributes:
        cells: (kind, source, month as YYYY-MM or empty) → int64[lengths, bins] over `Reference.score_edges`. The kinds
            `OPEN`, `HUMAN` and `MACHINE` hold every document once; `KEPT_OPEN` and `KEPT_HUMAN` those that are kept,
            without month.
        levels: source → int64[2, 1 + len(MULTIPLES)]: the open documents that the detector may hold, and how many of
            them are above its threshold at each multiple of α; in the second row those that are kept.
    """

    cells: dict[Key, Counts] = field(default_factory=dict)
    levels: dict[str, NDArray[np.int64]] = field(default_factory=dict)

    @staticmethod
    def of(ledger: pa.Table, reference: Reference, config: Config) -> "ScoreCounts":
        """Counts finished documents (`curate.decisions.mixing.FINISHED`)."""
        scores = scores_of(ledger)
        scored = pa.array(~np.isnan(scores))
        if not pc.any(scored).as_py():
            return ScoreCounts()
        ledger, scores = ledger.filter(scored), scores[~np.isnan(scores)]
        edges = reference.score_edges(config)
        lengths = np.searchsorted(LENGTH_EDGES, ledger["tokens"].to_numpy(), side="right")
        origin = _known_origin(ledger)
        rows = pa.table(
            {
                "kind": origin,
                "source": ledger["source"].fill_null(""),
                "month": pc.strftime(ledger["timestamp"], format="%Y-%m").fill_null(""),
                "cell": cells_of(scores, lengths, edges),
            }
        )
        kept = rows.filter(pc.equal(ledger["decision"], "kept")).drop_columns("month")
        shape = (len(LENGTH_BINS), len(edges) + 1)
        cells = dict(_histograms(rows, shape))
        for kind, name in ((OPEN, KEPT_OPEN), (HUMAN, KEPT_HUMAN)):
            chosen = kept.filter(pc.equal(kept["kind"], kind))
            named = chosen.set_column(0, "kind", pa.repeat(name, len(chosen)))
            cells |= dict(_histograms(named.append_column("month", pa.repeat("", len(chosen))), shape))
        return ScoreCounts(cells, _levels(ledger.filter(pc.equal(origin, OPEN)), reference, config))

    def merge(self, other: "ScoreCounts") -> "ScoreCounts":
        """The counts of both parts of a corpus; associative and commutative."""
        return ScoreCounts(_added(self.cells, other.cells), _added(self.levels, other.levels))

    def total(self, kind: str, month: str | None = None) -> Counts:
        """The histogram of a kind, int64[lengths, bins]; of all months where none is given."""
        found = [counts for (name, _, when), counts in self.cells.items() if name == kind and month in (None, when)]
        return np.sum([np.zeros_like(next(iter(self.cells.values()))), *found], axis=0)

    def by_source(self) -> dict[str, "ScoreCounts"]:
        """The counts of each source, in the order of their names."""
        parts: dict[str, ScoreCounts] = {}
        for key, counts in sorted(self.cells.items()):
            parts.setdefault(key[1], ScoreCounts()).cells[key] = counts
        nothing = np.zeros((2, 1 + len(MULTIPLES)), dtype=np.int64)
        return {
            source: ScoreCounts(part.cells, {source: self.levels.get(source, nothing)})
            for source, part in parts.items()
        }

    def months(self) -> list[tuple[str, str]]:
        """(source, month) of all dated documents, those with the most scored documents first."""
        sizes: dict[tuple[str, str], int] = {}
        for (_, source, month), counts in self.cells.items():
            if month:
                sizes[source, month] = sizes.get((source, month), 0) + int(counts.sum())
        return sorted(sizes, key=lambda key: (-sizes[key], key))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; histograms as their filled cells."""
        return {
            "cells": [[*key, *_sparse(counts)] for key, counts in sorted(self.cells.items())],
            "shape": list(next((counts.shape for counts in self.cells.values()), (0, 0))),
            "levels": {source: counts.tolist() for source, counts in sorted(self.levels.items())},
        }

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "ScoreCounts":
        """Reads what `to_dict` gave."""
        shape = tuple(values["shape"])
        return ScoreCounts(
            {(kind, source, month): _dense(at, of, shape) for kind, source, month, at, of in values["cells"]},
            {source: np.array(counts, dtype=np.int64) for source, counts in values["levels"].items()},
        )


def _known_origin(ledger: pa.Table) -> pa.Array:
    """`OPEN`, `HUMAN` or `MACHINE` of each document.

    Not by tier: that of a document without hard evidence hangs on its score, and people chosen by score are no sample.
    """
    own = ledger["own"].to_numpy()
    evidence = ledger["evidence"].combine_chunks()
    rows, kinds = pc.list_parent_indices(evidence), pc.struct_field(evidence.flatten(), "kind")
    reached = {}
    for kind in ("copy_of_capture", "copy_of_synthetic"):
        reached[kind] = np.zeros(len(own), dtype=bool)
        reached[kind][rows.filter(pc.equal(kinds, kind)).to_numpy()] = True
    agreed = (own == UNKNOWN) & (reached["copy_of_capture"] != reached["copy_of_synthetic"])
    human = (own == REAL) | (agreed & reached["copy_of_capture"])
    machine = (own == SYNTHETIC) | (agreed & reached["copy_of_synthetic"])
    return pa.array(np.select([human, machine], [HUMAN, MACHINE], OPEN))


def _levels(documents: pa.Table, reference: Reference, config: Config) -> dict[str, NDArray[np.int64]]:
    """Open documents above the thresholds at multiples of α, by source."""
    settings = config.synthetic
    above = []
    judged = np.ones(len(documents), dtype=bool)
    changed = [settings.model_copy(update={"alpha_suspect": alpha}) for alpha in alphas(config)]
    for found in reference.suspicions(documents, [config.model_copy(update={"synthetic": each}) for each in changed]):
        above.append(found.suspected())
        judged &= ~found.protected & ~found.uncalibrated()
    judged &= ~pc.is_in(documents["stage"], value_set=pa.array(["read", "rights"])).to_numpy()
    kept = judged & pc.equal(documents["decision"], "kept").to_numpy()
    sources = pc.dictionary_encode(documents["source"].fill_null("").combine_chunks())
    codes, names = sources.indices.to_numpy(), sources.dictionary.to_pylist()
    columns = np.stack([np.ones(len(codes), dtype=bool), *above])
    counts = np.array(
        [[np.bincount(codes[rows & column], minlength=len(names)) for column in columns] for rows in (judged, kept)],
        dtype=np.int64,
    ).reshape(2, len(columns), len(names))
    return {name: counts[:, :, code] for code, name in enumerate(names)}


def _histograms(rows: pa.Table, shape: tuple[int, int]) -> Iterator[tuple[Key, Counts]]:
    """The histogram of every (kind, source, month)."""
    sums = rows.group_by(["kind", "source", "month", "cell"], use_threads=False).aggregate([([], "count_all")])
    found: dict[Key, Counts] = {}
    for kind, source, month, cell, count in zip(*(column.to_pylist() for column in sums.columns), strict=True):
        found.setdefault((kind, source, month), np.zeros(shape, dtype=np.int64)).flat[cell] = count
    yield from sorted(found.items())


def _added(left: dict[Any, Any], right: dict[Any, Any]) -> dict[Any, Any]:
    sums = dict(left)
    for key, counts in right.items():
        sums[key] = sums[key] + counts if key in sums else counts
    return sums


def _sparse(counts: Counts) -> tuple[list[int], list[int]]:
    filled = np.flatnonzero(counts)
    return filled.tolist(), counts.flat[filled].tolist()


def _dense(cells: list[int], counts: list[int], shape: tuple[int, ...]) -> Counts:
    histogram = np.zeros(shape, dtype=np.int64)
    histogram.flat[cells] = counts
    return histogram
