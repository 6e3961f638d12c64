"""Which results of a test are discoveries: Benjamini and Hochberg (1995) over the corpus, for each test apart.

Of m p-values let k be the largest i with p₍ᵢ₎ ≤ q·i/m. The k smallest are discoveries, and of those at most the share
q is false on average, however few texts are watermarked. The copies of a text count once, by the largest of their
p-values: otherwise a template with a low p-value would be its own confirmation.

P-values are uniform over keys. With one key and little context, texts share n-grams, the frequent ones fall on one
side for all of them, and results lean together. Where the corpus has trusted human documents enough, they tell:
z = Φ⁻¹(1 − p) is taken relative to their mean (if above 0) and spread (if above 1), as in genomic control (Devlin
and Roeder 1999), so that p-values only grow.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy
from numpy.typing import NDArray

SURE = 1e-9
"""A p-value (z = 6) that is a discovery without asking the corpus, as the procedure would say of any corpus of up
to q / SURE texts; with thresholds of an earlier run, all there is for a test that was not made then."""

LEAST_HUMANS = 200
"""Trusted human documents from which a test is corrected."""
_MOST_Z = 4.0  # counts of a human document, so that a few that are not do no harm
_UNIT = 1_000_000  # z is summed as integers of this part, so that the order does not matter


@dataclass(frozen=True)
class Discoveries:
    """What one test found in a corpus.

    Attributes:
        tested: distinct texts tested.
        found: discoveries among them.
        threshold: the largest corrected p-value of a discovery; 0 if there is none.
        humans: trusted human documents tested.
        shift: their mean z, at least 0; 0 for too few of them.
        scale: their spread of z, at least 1; 1 for too few of them.
    """

    tested: int
    found: int
    threshold: float
    humans: int = 0
    shift: float = 0.0
    scale: float = 1.0

    def correct(self, p_values: NDArray[np.float64]) -> NDArray[np.float64]:
        """P-values relative to trusted human documents."""
        return _corrected(p_values, self.shift, self.scale)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)


class _Part(NamedTuple):
    """The results of one test: distinct texts, their p-values of at most q, and the humans' n, Σz and Σz²."""

    tested: int
    small: NDArray[np.float64]
    humans: int
    sum: int
    squares: int


@dataclass(frozen=True)
class Results:
    """Results over part of a corpus; merging is associative and commutative but for the order of p-values.

    Attributes:
        parts: test → its results.
    """

    parts: dict[str, _Part] = field(default_factory=dict)

    @staticmethod
    def collect(documents: pa.Table, real: pa.Table, q: float) -> "Results":
        """Gathers the results of one closed set of documents; a text is in no other set.

        Args:
            documents: columns `watermarks` (`curate.schema.WATERMARKS`) and `content`.
            real: likewise, trusted human documents, each of another text.
            q: largest share of false discoveries, at most ½.
        """
        texts = _distinct_texts(documents)
        humans = flat_results(real["watermarks"])
        parts = {}
        for name in pc.unique(texts["detector"]).to_pylist():
            p_values = _of(texts, name, "p_value_max")
            z = np.clip(-scipy.special.ndtri(_of(humans, name, "p_value")), -_MOST_Z, _MOST_Z)
            units = np.rint(z * _UNIT).astype(np.int64)
            squares = np.rint(z * z * _UNIT).astype(np.int64)
            parts[name] = _Part(len(p_values), p_values[p_values <= q], len(z), int(units.sum()), int(squares.sum()))
        return Results(parts)

    def merge(self, other: "Results") -> "Results":
        """The results of both parts."""
        names = self.parts.keys() | other.parts.keys()
        given = {name: [part.parts[name] for part in (self, other) if name in part.parts] for name in names}
        return Results({name: _merged(parts) for name, parts in given.items()})

    def discoveries(self, q: float) -> dict[str, Discoveries]:
        """What each test found."""
        return {name: _discoveries(self.parts[name], q) for name in sorted(self.parts)}


def bh_threshold(small: NDArray[np.float64], tested: int, q: float) -> tuple[int, float]:
    """The procedure on one test.

    Args:
        small: p-values in any order, at least those of at most q.
        tested: how many there are with the larger ones.
        q: largest share of false discoveries.

    Returns:
        The number of discoveries and the largest p-value among them, 0 without any.
    """
    ordered = np.sort(small)
    passing = np.flatnonzero(ordered <= q * np.arange(1, len(ordered) + 1) / max(tested, 1))
    return (int(passing[-1]) + 1, float(ordered[passing[-1]])) if len(passing) else (0, 0.0)


def _discoveries(part: _Part, q: float) -> Discoveries:
    shift, scale = 0.0, 1.0
    if part.humans >= LEAST_HUMANS:
        mean = part.sum / part.humans / _UNIT
        shift = max(mean, 0.0)
        scale = max(part.squares / part.humans / _UNIT - mean**2, 1.0) ** 0.5
    found, threshold = bh_threshold(_corrected(part.small, shift, scale), part.tested, q)
    return Discoveries(part.tested, found, threshold, part.humans, shift, scale)


def _corrected(p_values: NDArray[np.float64], shift: float, scale: float) -> NDArray[np.float64]:
    if (shift, scale) == (0.0, 1.0):
        return p_values
    return scipy.special.ndtr((scipy.special.ndtri(p_values) + shift) / scale)


def _merged(parts: Iterable[_Part]) -> _Part:
    tested, small, *sums = zip(*parts, strict=True)
    return _Part(sum(tested), np.concatenate(small), *map(sum, sums))


def _distinct_texts(documents: pa.Table) -> pa.Table:
    rows = flat_results(documents["watermarks"])
    content = documents["content"].combine_chunks().take(rows["row"].combine_chunks())
    return rows.append_column("content", content).group_by(["detector", "content"]).aggregate([("p_value", "max")])


def _of(rows: pa.Table, name: str, column: str) -> NDArray[np.float64]:
    return rows.filter(pc.equal(rows["detector"], name))[column].to_numpy()


def flat_results(lists: pa.ChunkedArray) -> pa.Table:
    """One row for each result, with the columns of `curate.schema.WATERMARKS` and `row`, the document's number."""
    results = lists.combine_chunks()
    values = results.flatten()
    columns = {name: pc.struct_field(values, name) for name in values.type.names}
    return pa.table({**columns, "row": pc.list_parent_indices(results)})
