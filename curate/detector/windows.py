"""Pages of mixed origin: the scores of a text's windows, and those that human documents have.

A window of a text is *suspect* above what a share α of the windows of human documents exceed, *clearly human* at or
below their median. It is *clearly machine* above what the **highest** window of a share α of human documents with as
many windows exceeds. Of a person's document no window is clearly machine then, with probability 1 - α (split-conformal,
as in `curate.detector.calibration`), however many windows it has and however much they hang together. A text is mixed
if it has a clearly machine window and at least `HUMAN_SHARE` of its windows are clearly human.
"""

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.columns import one_array
from curate.detector.model import Judgement

LEVELS = 256
STEPS_PER_NAT = 16
"""Of log-odds: a window's score is kept as round(16 · score) + 128, which reaches from -8 to 7.9. Those of the shipped
detector lie within ±5."""

MOST_WINDOWS = 256
"""Bytes of a document, at most; in longer ones a byte is the mean of several windows in a row."""

HUMAN_SHARE = 0.2
"""Share of a mixed text's windows that are clearly human, at least."""

_SIZE_EDGES = (4, 8, 16, 32, 64, 128)
"""Numbers of windows at which sizes part: the more windows, the higher the highest."""
_DOCUMENT = 720_720
"""What the windows of one document weigh together: divisible by all numbers up to 16."""
_NO_LEVEL = -1  # no window is at or below it
_TOP_LEVEL = LEVELS  # no window is above it

Levels = NDArray[np.uint8]


def window_column(judged: Judgement) -> pa.Array:
    """The scores of windows as one value for each text.

    Args:
        judged: scores of n texts.

    Returns:
        binary[n], one byte for each window, at most `MOST_WINDOWS`; null for texts without windows.
    """
    counts = np.diff(judged.offsets)
    together = np.maximum(-(-counts // MOST_WINDOWS), 1)
    kept = -(-counts // together)
    text = np.repeat(np.arange(len(counts)), kept)
    first = np.arange(len(text)) - np.repeat(np.cumsum(kept) - kept, kept)
    starts = judged.offsets[text] + first * together[text]
    scores = judged.windows.astype(np.float64)
    sizes = np.minimum(together[text], judged.offsets[text + 1] - starts)
    means = np.add.reduceat(scores, starts) / sizes if len(starts) else scores
    levels = np.clip(np.rint(STEPS_PER_NAT * means) + LEVELS // 2, 0, LEVELS - 1).astype(np.uint8)
    offsets = np.concatenate([[0], np.cumsum(kept)]).astype(np.int32)
    lists = pa.Array.from_buffers(
        pa.binary(), len(counts), [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(levels.tobytes())]
    )
    return pc.if_else(pa.array(counts > 0), lists, None)


class Windows(NamedTuple):
    """The windows of n documents.

    Attributes:
        levels: uint8[m], of all documents.
        offsets: int64[n + 1], where each document's start.
    """

    levels: Levels
    offsets: NDArray[np.int64]

    @staticmethod
    def of(column: pa.Array | pa.ChunkedArray) -> "Windows":
        """Reads binary[n] of `window_column`."""
        if not len(column):
            return Windows(np.empty(0, np.uint8), np.zeros(1, np.int64))
        plain = pc.fill_null(one_array(column), b"")
        _, offsets, values = plain.buffers()
        ends = np.frombuffer(offsets, dtype=np.int32)[plain.offset : plain.offset + len(plain) + 1].astype(np.int64)
        levels = np.frombuffer(values if values else b"", dtype=np.uint8)
        return Windows(levels[ends[0] : ends[-1]], ends - ends[0])

    def counts(self) -> NDArray[np.int64]:
        """Windows of each document, int64[n]."""
        return np.diff(self.offsets)

    def documents(self) -> NDArray[np.int64]:
        """The document of each window, int64[m]."""
        return np.repeat(np.arange(len(self.offsets) - 1), self.counts())

    def each(self, selected: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Selected windows of each document, int64[n]."""
        return np.bincount(self.documents()[selected], minlength=len(self.offsets) - 1)


COUNTS = pa.schema(
    [
        ("language", pa.string()),
        ("size", pa.int8()),  # of the document, by `_SIZE_EDGES`
        ("level", pa.uint8()),
        ("windows", pa.int64()),  # at this level, those of a document weighing `_DOCUMENT` together
        ("documents", pa.int64()),  # whose highest window is at this level
    ]
)


@dataclass(frozen=True, eq=False)
class WindowCounts:
    """Histograms of the windows of human documents; merging is associative and commutative.

    Attributes:
        table: `COUNTS`, sorted, one row for each language, size and level that occurs.
    """

    table: pa.Table = field(default_factory=COUNTS.empty_table)

    @staticmethod
    def collect(language: pa.ChunkedArray, column: pa.ChunkedArray) -> "WindowCounts":
        """Counts human documents.

        Args:
            language: string[n], null counts as und.
            column: binary[n], their windows.
        """
        windowed = column.is_valid()
        windows = Windows.of(column.filter(windowed))
        names = _languages(language.filter(windowed))
        counts, of = windows.counts(), windows.documents()
        size = _sizes(counts)
        highest = np.maximum.reduceat(windows.levels, windows.offsets[:-1]) if len(counts) else windows.levels
        rows = pa.table(
            {
                "language": pa.concat_arrays([names.take(pa.array(of)), names]),
                "size": np.concatenate([size[of], size]),
                "level": np.concatenate([windows.levels, highest]),
                "windows": np.concatenate([_DOCUMENT // counts[of], np.zeros_like(counts)]),
                "documents": np.concatenate([np.zeros_like(of), np.ones_like(counts)]),
            }
        )
        return WindowCounts(_summed(rows))

    def merge(self, other: "WindowCounts") -> "WindowCounts":
        """The counts of both parts of a corpus."""
        return WindowCounts(_summed(pa.concat_tables([self.table, other.table])))

    def limits(self, language: str, alpha: float, min_group: int) -> "Limits":
        """What the windows of documents of a language are compared with.

        A size with fewer than `min_group` human documents is judged with the longer ones together, whose highest
        windows are higher; if all of them are too few, no window is clearly machine.

        Args:
            language: its name.
            alpha: share of human windows to be suspect, and of human documents to have a clearly machine window.
            min_group: human documents with windows that a language needs.
        """
        rows = self.table.filter(pc.equal(self.table["language"], language))
        size, level = rows["size"].to_numpy(), rows["level"].to_numpy()
        highest = np.zeros((len(_SIZE_EDGES) + 1, LEVELS), dtype=np.int64)
        np.add.at(highest, (size, level), rows["documents"].to_numpy())
        machine = np.full(len(highest), _TOP_LEVEL)
        if highest.sum() < min_group:
            return Limits(_NO_LEVEL, _TOP_LEVEL, machine)
        for own in range(len(highest)):
            pooled = highest[own:].cumsum(axis=0)
            enough = np.flatnonzero(pooled.sum(axis=1) >= min_group)
            if len(enough):
                machine[own] = _conformal_level(pooled[enough[0]], alpha)
        windows = np.bincount(level, rows["windows"].to_numpy(), LEVELS).cumsum()
        human, suspect = (int(np.searchsorted(windows, part * windows[-1])) for part in (0.5, 1 - alpha))
        return Limits(human, suspect, machine)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return self.table.to_pydict()

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "WindowCounts":
        """Reads what `to_dict` gave."""
        return WindowCounts(pa.table(values, schema=COUNTS))


class Limits(NamedTuple):
    """Levels that tell the windows of a language apart.

    Attributes:
        human: a window at or below it is clearly human.
        suspect: one above it is suspect.
        machine: int64[sizes], one above that of its document's size is clearly machine.
    """

    human: int
    suspect: int
    machine: NDArray[np.int64]


class Found(NamedTuple):
    """What the windows of n documents say.

    Attributes:
        suspect: bool[m], windows that are suspect.
        human: int64[n], clearly human windows of each document.
        mixed: bool[n].
    """

    suspect: NDArray[np.bool_]
    human: NDArray[np.int64]
    mixed: NDArray[np.bool_]


def judge_windows(
    windows: Windows, language: pa.ChunkedArray, people: WindowCounts, alpha: float, min_group: int
) -> Found:
    """Tells mixed documents from others.

    Args:
        windows: of n documents.
        language: string[n], null counts as und.
        people: windows of human documents.
        alpha: as for `WindowCounts.limits`.
        min_group: likewise.
    """
    names = pc.dictionary_encode(_languages(language))
    found = [people.limits(name, alpha, min_group) for name in names.dictionary.to_pylist()]
    code, counts, of = names.indices.to_numpy(), windows.counts(), windows.documents()
    levels = windows.levels.astype(np.int64)
    human = np.array([limits.human for limits in found], dtype=np.int64)[code]
    suspect = np.array([limits.suspect for limits in found], dtype=np.int64)[code]
    by_size = np.array([limits.machine for limits in found], dtype=np.int64).reshape(-1, len(_SIZE_EDGES) + 1)
    machine = by_size[code, _sizes(counts)]
    clearly_human = windows.each(levels <= human[of])
    mixed = (windows.each(levels > machine[of]) > 0) & (clearly_human >= HUMAN_SHARE * counts)
    return Found(levels > suspect[of], clearly_human, mixed)


def _languages(names: pa.ChunkedArray) -> pa.Array:
    return pc.fill_null(one_array(names.cast(pa.string())), "und")


def _sizes(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.searchsorted(_SIZE_EDGES, counts, side="right")


def _conformal_level(documents: NDArray[np.int64], alpha: float) -> int:
    """The level of the ⌈(n + 1)(1 - α)⌉-th smallest of n, counted by level; none above all where there is no such."""
    rank = math.ceil((documents.sum() + 1) * (1 - alpha) - 1e-9)
    return int(np.searchsorted(documents.cumsum(), rank)) if rank <= documents.sum() else _TOP_LEVEL


def _summed(rows: pa.Table) -> pa.Table:
    keys, sums = COUNTS.names[:3], COUNTS.names[3:]
    totals = rows.cast(COUNTS).group_by(keys).aggregate([(name, "sum") for name in sums])
    columns = [totals[name] for name in keys] + [totals[f"{name}_sum"] for name in sums]
    return pa.table(columns, schema=COUNTS).sort_by([(name, "ascending") for name in keys]).combine_chunks()
