"""All metrics of a sample of documents, by slices of the corpus."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curate.metrics import diversity, parts
from curate.metrics.compression import BLOCK
from curate.metrics.parts import Measured, Text, compare
from curate.metrics.poisoning import SharedRun, shared_runs
from curate.metrics.sample import SAMPLE
from curate.metrics.slices import ACCEPTED, HUMAN, INPUT, SLICES
from curate.metrics.tail import contained, tail_coverage
from curate.metrics.templates import SHARED, template_share
from curate.metrics.types import SampledTypes, ngrams
from curate.metrics.vendi import VendiSums
from curate.quality.catalogue import NAMES
from curate.quality.signals import of_level

MEMBERS = pa.schema(
    [("location", pa.uint64()), ("id", pa.string()), ("source", pa.string()), *((name, pa.bool_()) for name in SLICES)]
)
"""Which slices of the corpus a document belongs to."""

DOCUMENTS = pa.schema([*SAMPLE, *(field for field in MEMBERS if field.name != "location")])
"""Sampled documents, and which slices they belong to."""

ORDERS = (1, 2, 3)
TAIL_ORDERS = (1, 2)
_TAIL_PARTS = 3  # parts that rare n-grams of one part are looked for in
_SMOOTH, _NOISE = 0.05, 0.95
_NATS = np.log(2.0)

Floats = NDArray[np.float64]
BySlice = dict[str, Measured]

_OF_TYPES: Mapping[str, Callable[[list[SampledTypes]], float]] = {
    **{f"distinct_{n}": lambda types, n=n: diversity.distinct(types[n - 1]) for n in ORDERS},
    **{f"entropy_{n}": lambda types, n=n: diversity.entropy(types[n - 1]) for n in ORDERS},
    "hapax": lambda types: diversity.hapax(types[0]),
    **{f"coverage_{n}": lambda types, n=n: diversity.coverage(types[n - 1]) for n in (1, 2)},
    "zipf_head": lambda types: diversity.zipf(types[0], diversity.HEAD_RANKS),
    "zipf_tail": lambda types: diversity.zipf(types[0], diversity.TAIL_RANKS),
    "heaps": lambda types: diversity.heaps(types[0]),
}


@dataclass(frozen=True)
class CorpusMetrics:
    """What was measured on a sample of documents.

    Attributes:
        slices: metric (`curate.metrics.catalogue`) → slice → what was measured.
        runs: of words that may have been planted in what was accepted.
        documents: in the sample.
    """

    slices: Mapping[str, BySlice]
    runs: Sequence[SharedRun]
    documents: int

    @staticmethod
    def of(documents: pa.Table) -> "CorpusMetrics":
        """Measures `DOCUMENTS`, in any order: they are taken in that of their keys."""
        documents = documents.sort_by([(name, "ascending") for name in ("key", "location", "id")]).combine_chunks()
        members = {name: documents[name].to_numpy() for name in SLICES}
        text = Text.of(documents)
        found = _of_parts(text, members)
        found["compression"] = _compression(documents, members)
        if documents["surprise"].null_count < documents.num_rows:
            found |= _surprise(documents, members)
        if documents["embedding"].null_count < documents.num_rows:
            found["vendi"] = _vendi(documents, members)
        runs = shared_runs(
            text.codes,
            text.documents,
            members[HUMAN],
            members[ACCEPTED],
            documents["source"].combine_chunks(),
            documents["language"].combine_chunks(),
            documents["id"].combine_chunks(),
        )
        return CorpusMetrics(found, runs, documents.num_rows)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "slices": {
                metric: {name: measured._asdict() for name, measured in by_slice.items()}
                for metric, by_slice in self.slices.items()
            },
            "runs": [run._asdict() for run in self.runs],
            "documents": self.documents,
        }

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> "CorpusMetrics":
        """Reads what `to_dict` gave."""
        slices = {
            metric: {name: Measured(**measured) for name, measured in by_slice.items()}
            for metric, by_slice in values["slices"].items()
        }
        return CorpusMetrics(slices, [SharedRun(**run) for run in values["runs"]], values["documents"])


def join(sample: pa.Table, members: pa.Table) -> pa.Table:
    """`DOCUMENTS` of a sample and of what is known of its documents, by location; those that lack either are left out.

    Args:
        sample: `SAMPLE`.
        members: `MEMBERS`, each location once.
    """
    members = members.sort_by("location").combine_chunks()
    known, asked = members["location"].to_numpy(), sample["location"].to_numpy()
    both = contained(asked, known)
    places = pa.array(np.searchsorted(known, asked[both]))
    sample = sample.filter(pa.array(both))
    columns = [sample[name] if name in SAMPLE.names else members[name].take(places) for name in DOCUMENTS.names]
    return pa.table(columns, schema=DOCUMENTS)


def _of_parts(text: Text, members: Mapping[str, NDArray[np.bool_]]) -> dict[str, BySlice]:
    chosen = {name: members[name][text.documents] for name in SLICES}
    size = parts.part_tokens(int(chosen[HUMAN].sum()), int(chosen[INPUT].sum()))
    cuts: dict[str, list[Text]] = {}
    types: dict[str, list[list[SampledTypes]]] = {}
    for name in SLICES:
        cuts[name] = parts.cut(text.of_tokens(chosen[name]), size)
        types[name] = [[SampledTypes.of(ngrams(*part, n)[0]) for n in ORDERS] for part in cuts[name]]
    found: dict[str, BySlice] = {}
    for metric, of_part in _OF_TYPES.items():
        values = {name: [of_part(part) for part in types[name]] for name in SLICES}
        found[metric] = _compared(values, {name: size * len(cuts[name]) for name in SLICES})
    values = {name: [template_share(*part) for part in cuts[name]] for name in SLICES}
    numbers = {name: len(np.unique(_owners(cuts[name]))) for name in SLICES}
    step = SHARED * len(cuts[HUMAN]) / max(numbers[HUMAN], 1)  # documents that one more template makes, of a part
    found["templates"] = _compared(values, numbers, step)
    for n in TAIL_ORDERS:
        found[f"tail_{n}"] = _tail(cuts, types, n, size)
    return found


def _tail(cuts: Mapping[str, list[Text]], types: Mapping[str, list[list[SampledTypes]]], n: int, size: int) -> BySlice:
    """How much of the rare n-grams of each human part is in three parts of a slice that share no document with it.

    Of human documents as of others, so that what is expected is what was measured.
    """
    values: dict[str, list[float]] = {}
    for name in SLICES:
        values[name] = []
        for place, (part, own) in enumerate(zip(cuts[HUMAN], types[HUMAN], strict=True)):
            turned = [*range(place + 1, len(cuts[name])), *range(min(place + 1, len(cuts[name])))]
            apart = [other for other in turned if not np.isin(cuts[name][other].documents, part.documents).any()]
            if len(apart) >= _TAIL_PARTS:
                where = SampledTypes.of(
                    np.concatenate([ngrams(*cuts[name][other], n)[0] for other in apart[:_TAIL_PARTS]]),
                    limit=size * _TAIL_PARTS,
                )
                values[name].append(tail_coverage(own[n - 1], where))
    return _compared(values, {name: size * len(cuts[name]) for name in SLICES})


def _compression(documents: pa.Table, members: Mapping[str, NDArray[np.bool_]]) -> BySlice:
    left = documents["compressed"].cast(pa.float64()).to_numpy()
    values = {name: BLOCK / left[members[name] & ~np.isnan(left)] for name in SLICES}
    return _compared(values, {name: len(values[name]) for name in SLICES})


def _surprise(documents: pa.Table, members: Mapping[str, NDArray[np.bool_]]) -> dict[str, BySlice]:
    """Means, and the shares beyond the 5th and the 95th percentile of human documents."""
    levels = documents["surprise"].cast(pa.float64()).to_numpy()
    values = {name: levels[members[name] & ~np.isnan(levels)] for name in SLICES}
    numbers = {name: len(values[name]) for name in SLICES}
    bits = {name: of_level(NAMES.index("surprise"), values[name]) / _NATS for name in SLICES}
    found = {"surprise": _compared(bits, numbers)}
    if numbers[HUMAN]:
        low, high = np.quantile(values[HUMAN], [_SMOOTH, _NOISE])
        found["smooth"] = _compared({name: (values[name] < low).astype(float) for name in SLICES}, numbers)
        found["noise"] = _compared({name: (values[name] > high).astype(float) for name in SLICES}, numbers)
    return found


def _vendi(documents: pa.Table, members: Mapping[str, NDArray[np.bool_]]) -> BySlice:
    vectors = documents["embedding"].combine_chunks()
    known = vectors.is_valid().to_numpy(zero_copy_only=False)
    dense = vectors.drop_null().flatten().to_numpy().reshape(int(known.sum()), -1)
    row = np.cumsum(known) - 1
    chosen = {name: row[members[name] & known] for name in SLICES}
    size = parts.part_documents(len(chosen[HUMAN]), len(chosen[INPUT]))
    values = {}
    for name in SLICES:
        groups = min(parts.PARTS, len(chosen[name]) // size)
        values[name] = [VendiSums.of(dense[chosen[name][i * size : (i + 1) * size]]).score() for i in range(groups)]
    return _compared(values, {name: size * len(values[name]) for name in SLICES})


def _compared(
    values: Mapping[str, list[float] | Floats], numbers: Mapping[str, int], least_spread: float = 0.0
) -> BySlice:
    return {name: compare(values[name], values[HUMAN], numbers[name], least_spread) for name in SLICES}


def _owners(cuts: list[Text]) -> NDArray[np.int64]:
    return np.concatenate([np.empty(0, np.int64), *(part.documents for part in cuts)])
