"""Each group of metrics on a sample of documents: of every slice, on equal parts, against the human ones."""

from collections.abc import Mapping, Sequence

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
    cuts = {name: parts.cut(text, members[name], size) for name in SLICES}
    tokens = {name: size * len(cuts[name]) for name in SLICES}
    documents = {name: [np.unique(part.documents) for part in cuts[name]] for name in SLICES}
    types = {name: [[SampledTypes.of(ngrams(part, n)[0]) for n in ORDERS] for part in cuts[name]] for name in SLICES}
    of_parts = {name: [_spectrum(part) for part in types[name]] for name in SLICES}
    metrics = of_parts[INPUT][0] if of_parts[INPUT] else {}
    found: dict[str, BySlice] = {
        metric: _compared({name: [part[metric] for part in of_parts[name]] for name in SLICES}, tokens)
        for metric in metrics
    }
    for n in TAIL_ORDERS:
        own = {name: [part[n - 1] for part in types[name]] for name in SLICES}
        values = {name: _tail(own[HUMAN], documents[HUMAN], own[name], documents[name]) for name in SLICES}
        found[f"tail_{n}"] = _compared(values, tokens)
    numbers = {name: sum(map(len, documents[name])) for name in SLICES}
    step = SHARED * len(cuts[HUMAN]) / max(numbers[HUMAN], 1)  # what one more template makes of a part
    shares = {name: [template_share(part) for part in cuts[name]] for name in SLICES}
    return found | {"templates": _compared(shares, numbers, step)}


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


def _tail(
    people: Sequence[SampledTypes], of_people: Sequence[Rows], parts: Sequence[SampledTypes], of_parts: Sequence[Rows]
) -> list[float]:
    """How much of the rare n-grams of each human part is in three parts of a slice that share no document with it.

    Of human documents as of others, so that what is expected is measured in the same way.

    Args:
        people: types of the human parts.
        of_people: their documents, ascending.
        parts: types of the parts of the slice.
        of_parts: likewise.
    """
    values = []
    for place, (types, documents) in enumerate(zip(people, of_people, strict=True)):
        turned = [(place + step) % len(parts) for step in range(1, len(parts) + 1)]
        apart = [other for other in turned if not contained(of_parts[other], documents).any()][:_TAIL_PARTS]
        if len(apart) == _TAIL_PARTS:
            values.append(tail_coverage(types, *(parts[other] for other in apart)))
    return values


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
        vectors: list<float16>[d], the embeddings of documents, of one length; null without one.
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
