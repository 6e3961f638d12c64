"""Each group of metrics on a sample of documents: of every slice, on equal parts, against the human ones."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curate.metrics import diversity, parts
from curate.metrics.compression import BLOCK
from curate.metrics.parts import Measured, compare
from curate.metrics.slices import HUMAN, INPUT, SLICES
from curate.metrics.tail import contained, tail_coverage
from curate.metrics.templates import SHARED, template_share
from curate.metrics.types import SampledTypes, Text, ngrams
from curate.metrics.vendi import VendiSums
from curate.quality.catalogue import NAMES
from curate.quality.signals import of_level
from curate.threads import in_threads

ORDERS = (1, 2, 3)
TAIL_ORDERS = (1, 2)

_TAIL_PARTS = 3  # parts that rare n-grams of one part are looked for in
_SMOOTH, _NOISE = 0.05, 0.95  # quantiles of human documents

BySlice = Mapping[str, Measured]
Rows = NDArray[np.int64]
Members = Mapping[str, NDArray[np.bool_]]
Values = Sequence[float] | NDArray[np.float64]


def spectra(text: Text, members: Members) -> dict[str, BySlice]:
    """The metrics of n-grams, on parts of as many tokens.

    Args:
        text: of d documents, in the order of their keys.
        members: slice → bool[d].
    """
    lengths = np.bincount(text.documents, minlength=len(members[INPUT]))
    size = parts.part_tokens(int(lengths[members[HUMAN]].sum()), int(lengths[members[INPUT]].sum()))
    counted = {name: in_threads(_Part.of, parts.cut(text, members[name], size)) for name in SLICES}
    tokens = {name: size * len(counted[name]) for name in SLICES}
    metrics = counted[INPUT][0].spectrum if counted[INPUT] else {}
    found: dict[str, BySlice] = {
        metric: _compared({name: [part.spectrum[metric] for part in counted[name]] for name in SLICES}, tokens)
        for metric in metrics
    }
    for n in TAIL_ORDERS:
        found[f"tail_{n}"] = _compared({name: _tail(n, counted[HUMAN], counted[name]) for name in SLICES}, tokens)
    numbers = {name: sum(len(part.documents) for part in counted[name]) for name in SLICES}
    step = SHARED * len(counted[HUMAN]) / max(numbers[HUMAN], 1)  # what one more template makes of a part
    shares = {name: [part.templates for part in counted[name]] for name in SLICES}
    return found | {"templates": _compared(shares, numbers, step)}


class _Part(NamedTuple):
    """What is counted in a part: its documents, ascending, its types of each order, and what is made of them."""

    documents: Rows
    types: Sequence[SampledTypes]
    spectrum: Mapping[str, float]
    templates: float

    @staticmethod
    def of(text: Text) -> "_Part":
        types = [SampledTypes.of(ngrams(text, n)[0]) for n in ORDERS]
        return _Part(np.unique(text.documents), types, _spectrum(types), template_share(text))


def _spectrum(types: Sequence[SampledTypes]) -> dict[str, float]:
    words, pairs = types[0], types[1]
    return {
        **{f"distinct_{n}": diversity.distinct(of_order) for n, of_order in zip(ORDERS, types, strict=True)},
        **{f"entropy_{n}": diversity.entropy(of_order) for n, of_order in zip(ORDERS, types, strict=True)},
        "hapax": diversity.hapax(words),
        "coverage_1": diversity.coverage(words),
        "coverage_2": diversity.coverage(pairs),
        "zipf_head": diversity.zipf(words, diversity.HEAD_RANKS),
        "zipf_tail": diversity.zipf(words, diversity.TAIL_RANKS),
        "heaps": diversity.heaps(words),
    }


def _tail(n: int, people: Sequence[_Part], slice_parts: Sequence[_Part]) -> list[float]:
    """How much of the rare n-grams of each human part is in three parts of a slice that share no document with it.

    Of human documents as of others, so that what is expected is measured in the same way.
    """

    def of_place(place: int) -> float | None:
        own = people[place]
        turned = [slice_parts[(place + step) % len(slice_parts)] for step in range(1, len(slice_parts) + 1)]
        apart = [part for part in turned if not contained(part.documents, own.documents).any()][:_TAIL_PARTS]
        if len(apart) < _TAIL_PARTS:
            return None
        return tail_coverage(own.types[n - 1], *(part.types[n - 1] for part in apart))

    return [value for value in in_threads(of_place, range(len(people))) if value is not None]


def compressibility(compressed: pa.ChunkedArray, members: Members) -> dict[str, BySlice]:
    """The compression ratio of the blocks of documents.

    Args:
        compressed: uint16[d], bytes left (`curate.metrics.compression`).
        members: slice → bool[d].
    """
    left = compressed.cast(pa.float64()).to_numpy()
    values = {name: BLOCK / left[members[name] & ~np.isnan(left)] for name in SLICES}
    return {"compression": _compared(values, _sizes(values))}


def surprises(levels: pa.ChunkedArray, members: Members) -> dict[str, BySlice]:
    """Mean perplexity, and the shares of documents beyond the 5th and the 95th percentile of human ones.

    Args:
        levels: uint8[d] of the signal of quality `surprise`; all null where it was not computed.
        members: slice → bool[d].
    """
    given = levels.cast(pa.float64()).to_numpy()
    own = {name: given[members[name] & ~np.isnan(given)] for name in SLICES}
    numbers = _sizes(own)
    if not numbers[INPUT]:
        return {}
    bits = {name: of_level(NAMES.index("surprise"), own[name]) / np.log(2.0) for name in SLICES}
    found: dict[str, BySlice] = {"surprise": _compared(bits, numbers)}
    if numbers[HUMAN]:
        low, high = np.quantile(own[HUMAN], [_SMOOTH, _NOISE])
        found["smooth"] = _compared({name: (own[name] < low).astype(float) for name in SLICES}, numbers)
        found["noise"] = _compared({name: (own[name] > high).astype(float) for name in SLICES}, numbers)
    return found


def vendi_scores(vectors: pa.Array, members: Members) -> dict[str, BySlice]:
    """Vendi scores, on groups of as many documents: the score grows with their number.

    Args:
        vectors: lists of float16[d], the embeddings of documents, of one length; null without one.
        members: slice → bool[d].
    """
    known = vectors.is_valid().to_numpy(zero_copy_only=False)
    if not known.any():
        return {}
    dense = vectors.drop_null().flatten().to_numpy().reshape(int(known.sum()), -1)
    rows = np.cumsum(known) - 1
    own = {name: rows[members[name] & known] for name in SLICES}
    size = parts.part_documents(len(own[HUMAN]), len(own[INPUT]))
    groups = {name: min(parts.PARTS, len(own[name]) // size) for name in SLICES}
    values = {
        name: [VendiSums.of(dense[own[name][i * size : (i + 1) * size]]).score() for i in range(groups[name])]
        for name in SLICES
    }
    return {"vendi": _compared(values, {name: size * groups[name] for name in SLICES})}


def _compared(values: Mapping[str, Values], numbers: Mapping[str, int], least_spread: float = 0.0) -> BySlice:
    return {name: compare(values[name], values[HUMAN], numbers[name], least_spread) for name in SLICES}


def _sizes(values: Mapping[str, NDArray[np.float64]]) -> dict[str, int]:
    return {name: len(found) for name, found in values.items()}
