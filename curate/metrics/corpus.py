"""All metrics of a sample of documents, by slices of the corpus."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from curate.metrics.measures import BySlice, compressibility, spectra, surprises, vendi_scores
from curate.metrics.parts import Measured
from curate.metrics.poisoning import SharedRun, shared_runs
from curate.metrics.sample import SAMPLE
from curate.metrics.slices import ACCEPTED, HUMAN, SLICES
from curate.metrics.tail import contained
from curate.metrics.types import Text

MEMBERS = pa.schema(
    [("location", pa.uint64()), ("id", pa.string()), ("source", pa.string()), *((name, pa.bool_()) for name in SLICES)]
)
"""Which slices of the corpus a document belongs to."""

DOCUMENTS = pa.schema([*SAMPLE, *(field for field in MEMBERS if field.name != "location")])
"""Sampled documents, and which slices they belong to."""


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
        text = Text.of(documents["codes"].combine_chunks())
        found = {
            **spectra(text, members),
            **compressibility(documents["compressed"], members),
            **surprises(documents["surprise"], members),
            **vendi_scores(documents["embedding"].combine_chunks(), members),
        }
        runs = shared_runs(
            text,
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
