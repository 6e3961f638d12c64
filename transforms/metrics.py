"""Metrics of a corpus: the combiners of `curate.metrics` for any pipeline, and how a run measures its slices."""

from collections.abc import Iterable, Iterator
from typing import Any, Dict, List, Optional

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from apache_beam.pvalue import AsList, AsSingleton

from curate.columns import plain_column, text_column
from curate.config import Config, make_config
from curate.metrics.catalogue import worst_status
from curate.metrics.corpus import DOCUMENTS, MEMBERS, ORDER, CorpusMetrics, join, labelled, sums_of
from curate.metrics.sample import DOCUMENTS as SAMPLED
from curate.metrics.sample import SAMPLE, smallest
from curate.metrics.slices import SliceSums, slices_of
from curate.metrics.types import TYPES, SampledTypes, Text, ngrams
from curate.metrics.vendi import VendiSums
from curate.report.collapse import OF_DOCUMENTS, collapse_words
from curate.report.metrics import metrics_section
from curate.transforms.configured import shown
from curate.transforms.corpora import check_corpora
from curate.transforms.counters import counter
from curate.transforms.elements import as_settings
from curate.transforms.failures import HandlesErrors
from curate.transforms.merge import Merge
from curate.transforms.rows import RowsToTables
from curate.transforms.sample import ReducedTables
from curate.transforms.tables import NamedCollections, concat


class MeasureCorpus(HandlesErrors):
    """Tells whether a corpus collapses: its diversity, tails and concentration against those of human documents.

    Elements are dicts, beam.Rows, NamedTuples, dataclasses or pyarrow Tables with the columns that
    `documents.columns` names, and `curate_cluster` where `Curate` has given them clusters. The result depends on the
    documents alone, not on their order, bundles or runner.

    Args:
        slice_column: column that says "human" of the documents to compare with and "suspected" of suspected machine
            text; all else is the corpus that is judged.
        config: settings as in the configuration file; `mixture.embedding_column` names vectors for the Vendi score.

    Returns:
        One dict of plain JSON types: `metrics` of report.json; `status`, ok, warn, alert, or unknown where human
        documents are missing to compare with; `words`, the lines that tell it. None for no document.
        Rows that Arrow cannot hold are left out, and go to the error handler if there is one.
    """

    def __init__(self, slice_column: str = "slice", config: Optional[Dict[str, Any]] = None) -> None:
        self._column = slice_column
        self._settings = as_settings(config or {})
        self._config = make_config(self._settings)

    def display_data(self) -> Dict[str, Any]:
        """The column and the settings that differ from the defaults."""
        return {"slice_column": self._column, **shown(self._settings)}

    def expand(self, documents: beam.PCollection) -> beam.PCollection:
        """Applies the transform to a PCollection of documents."""
        check_corpora(documents, self.label)
        blocks = documents
        if documents.element_type is not pa.Table:
            converted = documents | "RowsToTables" >> RowsToTables(self._config)
            self.handle(converted["failures"])
            blocks = converted["blocks"]
        found = blocks | "Label" >> beam.ParDo(_Label(self._column, self._config)).with_output_types(
            pa.Table, sums=SliceSums
        ).with_outputs("sums", main="documents")
        sums = found.sums | "MergeSums" >> beam.CombineGlobally(Merge()).without_defaults()
        return (
            found.documents
            | "Sample" >> beam.CombineGlobally(_Sample()).without_defaults()
            | "Measure" >> beam.ParDo(_Describe(), AsSingleton(sums)).with_output_types(Dict[str, Any])
        )


class _CombineTables(beam.CombineFn):
    """Merges what is made of each table."""

    def of(self, table: pa.Table) -> Any:
        """What is made of a table: anything with a `merge` method."""
        raise NotImplementedError

    def create_accumulator(self) -> Any:
        """What is made of nothing."""
        raise NotImplementedError

    def add_input(self, accumulator: Any, table: pa.Table) -> Any:
        """Takes in a table."""
        if not isinstance(table, pa.Table):
            raise TypeError(
                f"{type(self).__name__} got a {type(table).__name__}, expected a pyarrow.Table; make tables of dicts "
                "before it: beam.BatchElements() | beam.Map(lambda rows: pa.Table.from_pylist(rows))"
            )
        return accumulator.merge(self.of(table))

    def merge_accumulators(self, accumulators: Iterable[Any]) -> Any:
        """Merges partial results."""
        merged = self.create_accumulator()
        for accumulator in accumulators:
            merged = merged.merge(accumulator)
        return merged

    def extract_output(self, accumulator: Any) -> Any:
        """What was merged."""
        return accumulator


class CountTypes(_CombineTables):
    """Counts the n-grams of tables of texts: `SampledTypes`, of which `curate.metrics.diversity` makes its measures.

    Args:
        n: tokens in an n-gram.
        text: text column of the tables.
        limit: types kept, with exact counts (`curate.metrics.types`).
    """

    def __init__(self, n: int = 1, text: str = "text", limit: int = TYPES) -> None:
        self._n = n
        self._config = make_config({"documents": {"columns": {"text": text}}})
        self._limit = limit

    def of(self, table: pa.Table) -> SampledTypes:
        """The n-grams of a table."""
        hashes, _ = ngrams(Text.of_texts(text_column(table, self._config)), self._n)
        return SampledTypes.of(hashes, self._limit)

    def create_accumulator(self) -> SampledTypes:
        """No n-gram."""
        return SampledTypes.of(np.empty(0, np.uint64), self._limit)


class VendiScore(_CombineTables):
    """The Vendi score of a column of vectors, in one pass over tables of any number of documents.

    Args:
        dimensions: length of the vectors.
        vectors: list column of the tables; null is no vector.
    """

    def __init__(self, dimensions: int, vectors: str = "embedding") -> None:
        self._dimensions = dimensions
        self._vectors = vectors

    def of(self, table: pa.Table) -> VendiSums:
        """The sums over a table."""
        values = plain_column(table, self._vectors).drop_null().flatten()
        return VendiSums.of(values.to_numpy(zero_copy_only=False).reshape(-1, self._dimensions))

    def create_accumulator(self) -> VendiSums:
        """No vector."""
        return VendiSums.of(np.empty((0, self._dimensions)))

    def extract_output(self, accumulator: VendiSums) -> float:
        """The score; NaN without a vector."""
        return accumulator.score()


class SumSlices(_CombineTables):
    """Sums the tables of a ledger, such as `Curate` gives it, by slices, clusters and sources.

    Returns `curate.metrics.slices.SliceSums`: `curate.metrics.composition.compose` makes measures of them, and
    `curate.metrics.poisoning.born_clusters` and `curate.metrics.shares.bursts` look for what was planted or flooded.
    """

    def of(self, table: pa.Table) -> SliceSums:
        """The sums over a table."""
        return SliceSums.of(table)

    def create_accumulator(self) -> SliceSums:
        """No document."""
        return SliceSums()


class MeasureSlices(beam.PTransform):
    """Measures the slices of a decided corpus on its sample.

    Returns:
        One `CorpusMetrics`; none where nothing was sampled.
    """

    def expand(self, inputs: NamedCollections) -> beam.PCollection:
        """Applies the transform to {"sample": `curate.metrics.sample.SAMPLE`, "ledger": finished documents}."""
        sample = inputs["sample"]
        places = sample | "Places" >> beam.Map(_places).with_output_types(pa.Table)
        members = inputs["ledger"] | "Members" >> beam.ParDo(_Members(), AsList(places))
        once = sample.pipeline | "Once" >> beam.Create([0])
        return once | "Measure" >> beam.ParDo(_Measure(), AsList(sample), AsList(members))


class _Label(beam.DoFn):
    def __init__(self, column: str, config: Config) -> None:
        self._column = column
        self._config = config
        self._documents = counter("documents")

    def process(self, block: pa.Table) -> Iterator[pa.Table]:
        self._documents.inc(block.num_rows)
        documents = labelled(block, self._column, self._config)
        yield documents
        yield beam.pvalue.TaggedOutput("sums", sums_of(documents))


class _Sample(ReducedTables):
    def __init__(self) -> None:
        super().__init__(DOCUMENTS, gathered=2 * SAMPLED)

    def reduce(self, table: pa.Table) -> pa.Table:
        return smallest(table, SAMPLED, ORDER)


class _Describe(beam.DoFn):
    def process(self, documents: pa.Table, sums: SliceSums) -> Iterator[Dict[str, Any]]:
        if documents.num_rows:
            section = metrics_section(CorpusMetrics.of(documents), sums, {}, {})
            words = collapse_words(section, OF_DOCUMENTS)
            yield section | {"status": worst_status(section["rows"]), "words": words}


class _Members(beam.DoFn):
    def process(self, ledger: pa.Table, places: List[pa.Table]) -> Iterator[pa.Table]:
        known = concat(places, _PLACES)["location"].combine_chunks()
        own = ledger.filter(pc.is_in(ledger["location"], value_set=known))
        slices = {name: pa.array(member) for name, member in slices_of(own).items()}
        yield pa.table([slices[name] if name in slices else own[name] for name in MEMBERS.names], schema=MEMBERS)


class _Measure(beam.DoFn):
    def process(self, _: int, sample: List[pa.Table], members: List[pa.Table]) -> Iterator[CorpusMetrics]:
        documents = join(concat(sample, SAMPLE), concat(members, MEMBERS))
        if documents.num_rows:
            yield CorpusMetrics.of(documents)


def _places(sample: pa.Table) -> pa.Table:
    return sample.select(["location"])


_PLACES = pa.schema([SAMPLE.field("location")])
