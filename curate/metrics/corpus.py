"""All metrics of a sample of documents, by slices of the corpus."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.columns import plain_column, source_column, string_column
from curate.config import Config
from curate.io.ids import document_ids
from curate.metrics.measures import BySlice, compressibility, spectra, surprises, vendi_scores
from curate.metrics.parts import Measured
from curate.metrics.poisoning import SharedRun, shared_runs
from curate.metrics.sample import SAMPLE, sample_texts
from curate.metrics.slices import ACCEPTED, HUMAN, INPUT, SLICES, SUSPECTED, SliceSums
from curate.metrics.tail import contained
from curate.metrics.types import Text
from curate.schema import TIMESTAMP

MEMBERS = pa.schema(
    [
        ("location", pa.uint64()),
        ("id", pa.string()),
        ("source", pa.string()),
        ("cluster", pa.int32()),
        *((name, pa.bool_()) for name in SLICES),
    ]
)
"""Which slices of the corpus a document belongs to."""

DOCUMENTS = pa.schema([*SAMPLE, *(field for field in MEMBERS if field.name != "location")])
"""Sampled documents, and which slices they belong to."""


ORDER = ("key", "location", "id")
"""Columns whose order documents are taken in."""


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
        documents = documents.sort_by([(name, "ascending") for name in ORDER]).combine_chunks()
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


def labelled(table: pa.Table, column: str, config: Config) -> pa.Table:
    """`DOCUMENTS` of a table whose rows say which slice each belongs to, and in `curate_cluster` perhaps the cluster.

    Args:
        table: documents with the columns that `config.documents.columns` names; those without text are left out.
        column: of their slices: human, suspected, or anything else, which counts as accepted.
        config: settings.
    """
    sample = sample_texts(table, config)
    given = string_column(table, column)
    human, suspected = (pc.equal(given, name).fill_null(False) for name in (HUMAN, SUSPECTED))
    columns = {
        **{name: sample[name] for name in SAMPLE.names},
        "id": document_ids(table, config).ids,
        "source": source_column(table, config),
        "cluster": plain_column(table, "curate_cluster").cast(pa.int32()),
        HUMAN: human,
        ACCEPTED: pc.invert(pc.or_(human, suspected)),
        INPUT: pa.repeat(True, table.num_rows),
        SUSPECTED: suspected,
    }
    documents = pa.table([columns[name] for name in DOCUMENTS.names], schema=DOCUMENTS)
    return documents.filter(pc.greater(pc.list_value_length(documents["codes"]), 0))


def sums_of(documents: pa.Table) -> SliceSums:
    """The sums of the slices of `labelled` documents; only the tokens that were read of each count."""
    count = documents.num_rows
    columns = {
        "cluster": documents["cluster"],
        "source": documents["source"],
        "timestamp": pa.nulls(count, TIMESTAMP),
        "tokens": pc.list_value_length(documents["codes"]),
        "copies": pa.repeat(1, count),
    }
    return SliceSums.of(pa.table(columns), {name: documents[name].to_numpy() for name in SLICES})


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
