"""A bounded sample of the scores of trusted human documents, per group; mergeable.

Flat columns, since a corpus may name as many sources as it has documents.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.detector.calibration import HELD_OUT, Calibration
from curate.detector.groups import GroupNames, is_language
from curate.hashing import UInt64Array, stage_seed, uniform

SAMPLE = pa.schema([("group", pa.large_string()), ("key", pa.uint64()), ("score", pa.float32())])

_MOST_SCORES = 20_000  # per language, source and length bin
_MOST_CLUSTER_SCORES = 2_000  # there may be thousands of clusters
_LEAST_SCORES = 20  # of a part of a language; fewer have no threshold at α = .05


@dataclass(frozen=True, eq=False)
class CalibrationSample:
    """Scores of trusted human documents per group: those with the smallest hashes of their texts.

    Such a sample is uniform, and merging is associative, commutative and idempotent.

    Attributes:
        table: `SAMPLE`, sorted by group and key, each key once in a group.
    """

    table: pa.Table

    @staticmethod
    def collect(names: GroupNames, scores: NDArray[np.float32], keys: UInt64Array) -> "CalibrationSample":
        """Samples a block of trusted human documents.

        Args:
            names: the groups of each document.
            scores: float32[n]; NaN (not scored) is left out.
            keys: uint64[n], hashes of the texts.
        """
        documents = pa.table({"key": keys, "score": scores})
        scored, levels = pa.array(~np.isnan(scores)), []
        for level in names:
            table = documents.add_column(0, "group", level.cast(pa.large_string()))
            levels.append(table.filter(pc.and_(scored, level.is_valid())).cast(SAMPLE))
        return CalibrationSample(_smallest(pa.concat_tables(levels)))

    def merge(self, other: "CalibrationSample") -> "CalibrationSample":
        """The sample of both parts of a corpus."""
        return CalibrationSample(_smallest(pa.concat_tables([self.table, other.table])))

    def groups(self, least: int = _LEAST_SCORES) -> Iterator[tuple[str, UInt64Array, NDArray[np.float32]]]:
        """Name, keys and scores of the languages, and of their parts with enough scores, in order of the names."""
        names, keys, scores = (self.table[name].combine_chunks() for name in SAMPLE.names)
        runs = pc.run_end_encode(names)
        ends = runs.run_ends.to_numpy()
        for name, start, end in zip(runs.values.to_pylist(), [0, *ends], ends, strict=False):
            if end - start >= least or is_language(name):
                yield name, keys.to_numpy()[start:end], scores.to_numpy()[start:end]

    def calibrate(self, seed: int) -> Calibration:
        """Parts every group by hash into scores and those that check the threshold of the first."""
        check = stage_seed(seed, "calibration-check")
        groups, checks = {}, {}
        for name, keys, scores in self.groups():
            held_out = uniform(keys, check) < HELD_OUT
            groups[name] = np.sort(scores[~held_out])
            checks[name] = np.sort(scores[held_out])
        return Calibration(groups, checks)


def _smallest(table: pa.Table) -> pa.Table:
    """The rows with the smallest keys of every group, each key once, sorted by group and key."""
    names = pc.dictionary_encode(table["group"].combine_chunks())
    keys, scores = (table[name].to_numpy() for name in ("key", "score"))
    by_name = pc.sort_indices(names.dictionary).to_numpy()
    place = np.empty(len(by_name), dtype=np.int64)
    place[by_name] = np.arange(len(by_name))
    most = np.where(pc.match_substring(names.dictionary, "/cluster-"), _MOST_CLUSTER_SCORES, _MOST_SCORES)[by_name]
    group = place[names.indices.to_numpy()]
    order = np.lexsort((scores, keys, group))
    group, keys = group[order], keys[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (group[1:] != group[:-1]) | (keys[1:] != keys[:-1])
    order, group = order[first], group[first]
    within = np.arange(len(order)) - np.searchsorted(group, group)
    return table.take(pa.array(order[within < most[group]])).combine_chunks()
