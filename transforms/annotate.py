"""Wiring of annotation: artefacts fitted on a sample of the corpus, then the features of every block.

A block is a `pa.Table` of documents. Where it lies travels in its schema metadata (`located`), so that blocks need
no type and no coder of their own.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any, List, Optional, Tuple, Union

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from apache_beam.pvalue import AsSingleton
from numpy.typing import NDArray

from curate.annotate import annotate, annotate_lines, features_schema, find_evaluation, readable_texts
from curate.clusters.embedding import Embedding, SparseFeatures, document_features, fit_embedding
from curate.clusters.groups import MOST_GROUPS, VALUES, Groups, hashed_values
from curate.clusters.kmeans import Centroids, choose_k, fit_centroids
from curate.clusters.terms import DRAWN, bucket_words, draw_words, least_draws
from curate.columns import text_column
from curate.config import Config
from curate.decisions.verification import with_answers, with_questions
from curate.duplicates.evaluation import EvaluationIndex
from curate.exclude import evaluation_index
from curate.hashing import hash_strings, stage_seed, uniform
from curate.io.filesystem import OpenFile, read_with
from curate.metrics.sample import sample_documents
from curate.text.kernel import text_features
from curate.transforms.counters import counter, distribution
from curate.transforms.inference import AskModel, take_column
from curate.transforms.models import NO_MODELS, TextModels
from curate.transforms.overlap import OverlappedDoFn
from curate.transforms.sample import ReducedTables, SmallestHashes
from curate.transforms.tables import NamedCollections
from curate.watermarks.load import load_watermarks
from curate.watermarks.protocol import WatermarkDetector

SAMPLED = pa.schema(
    [("key", pa.uint64()), ("indices", pa.large_list(pa.uint16())), ("counts", pa.large_list(pa.uint16()))]
)


def located(table: pa.Table, source_file: str, start: int) -> pa.Table:
    """Notes in the schema metadata of a block where its first row lies."""
    place = {b"curate.source_file": source_file.encode(), b"curate.start": str(start).encode()}
    return table.replace_schema_metadata({**(table.schema.metadata or {}), **place})


def location(table: pa.Table) -> Tuple[str, Optional[int]]:
    """The (source_file, start) of a block; ("", None) where `located` was not applied."""
    metadata = table.schema.metadata or {}
    start = metadata.get(b"curate.start")
    return metadata.get(b"curate.source_file", b"").decode(), None if start is None else int(start)


class FitEmbedding(beam.PTransform):
    """Fits the embedding on a hash-chosen sample of the blocks.

    Args:
        config: settings.
        open_file: opens a file of evaluation texts.
        share: share of the documents to look at, where their number is known to exceed the sample; it only saves
            work, since the sample is cut to size afterwards.

    Returns:
        One element, the bytes of the artefact; none when there is no document.
    """

    def __init__(self, config: Config, open_file: OpenFile, share: float = 1.0) -> None:
        self._config = config
        self._open_file = open_file
        self._share = share

    def expand(self, blocks: beam.PCollection) -> beam.PCollection:
        """Applies the transform to a PCollection of blocks."""
        size, seed = self._config.mixture.sample, stage_seed(self._config.run.seed, "embedding")
        sampled = blocks | "Features" >> beam.ParDo(
            _SampledText(self._config, self._open_file, seed, self._share)
        ).with_output_types(pa.Table, words=pa.Table).with_outputs("words", main="features")
        words = sampled.words | "Words" >> beam.CombineGlobally(_LeastDraws()).without_defaults()
        return (
            sampled.features
            | "Sample" >> beam.CombineGlobally(SmallestHashes(size, seed, SAMPLED)).without_defaults()
            | "Fit" >> beam.ParDo(_FitEmbedding(self._config), AsSingleton(words))
        )


class _SampledText(OverlappedDoFn):
    def __init__(self, config: Config, open_file: OpenFile, seed: int, share: float) -> None:
        self._config = config
        self._open_file = open_file
        self._seed = seed
        self._share = share
        self._evaluation: EvaluationIndex | None = None

    def setup(self) -> None:
        self._evaluation = evaluation_index(self._config, read_with(self._open_file))

    def process(
        self, block: pa.Table, timestamp: Any = beam.DoFn.TimestampParam, window: Any = beam.DoFn.WindowParam
    ) -> Iterator[pa.Table]:
        yield from self.overlap(partial(self._sampled, block), timestamp, window)

    def _sampled(self, block: pa.Table) -> List[Union[pa.Table, beam.pvalue.TaggedOutput]]:
        keys = hash_strings(text_column(block, self._config))  # of texts as they are: the others are not looked at
        chosen = uniform(keys, self._seed) < self._share
        texts = readable_texts(block.filter(pa.array(chosen)), self._config).texts
        keys, drawn = keys[chosen][texts.is_valid().to_numpy(zero_copy_only=False)], texts.drop_null()
        kernel = text_features(
            drawn,
            shingle=self._config.dedupe.shingle,
            permutations=0,
            seed=self._config.run.seed,
            with_tokens=True,
        )
        features = document_features(kernel.token_hashes, kernel.token_offsets, drawn)
        offsets = pa.array(features.offsets)
        lists = [pa.LargeListArray.from_arrays(offsets, pa.array(part)) for part in (features.indices, features.counts)]
        clean = find_evaluation(kernel, self._evaluation, self._config).item < 0
        sampled = pa.table([pa.array(keys), *lists], schema=SAMPLED).filter(pa.array(clean))
        words = draw_words(drawn.filter(pa.array(clean)), keys[clean])
        return [sampled, beam.pvalue.TaggedOutput("words", words)]


class _FitEmbedding(beam.DoFn):
    def __init__(self, config: Config) -> None:
        self._config = config

    def process(self, sample: pa.Table, words: pa.Table) -> Iterator[bytes]:
        indices, counts = (sample[name].combine_chunks() for name in ("indices", "counts"))
        features = SparseFeatures(indices.flatten().to_numpy(), counts.flatten().to_numpy(), _offsets(indices))
        if sample.num_rows:
            fitted = fit_embedding(features, self._config.mixture.dimensions, self._config.run.seed)
            yield fitted.with_words(bucket_words(words)).to_bytes()


class _LeastDraws(ReducedTables):
    """Merges the words drawn for the buckets."""

    def __init__(self) -> None:
        super().__init__(DRAWN, gathered=1 << 20)

    def reduce(self, table: pa.Table) -> pa.Table:
        return least_draws(table)


def _offsets(lists: pa.LargeListArray) -> NDArray[np.int64]:
    lengths = pc.list_value_length(lists).to_numpy()
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


class Annotate(beam.PTransform):
    """Computes the features of every document of every block.

    Args:
        config: settings; disabled steps leave nulls.
        open_file: opens a file of the media_path column, one of evaluation texts, and those of watermarks.
        embedding: PCollection of the bytes of at most one embedding, or None where none is fitted.
        models: models of the user's that are asked about the texts.
        share: of the documents that metrics are measured on (`curate.metrics.sample`).

    Returns:
        {"features": tables of `curate.schema.features`, one per block that has rows, and, where repeated lines are
        removed, "units": tables of `curate.duplicates.lines.UNITS`, and, where a share is given, "sample": tables of
        `curate.metrics.sample.SAMPLE`}.
    """

    def __init__(
        self,
        config: Config,
        open_file: OpenFile,
        embedding: beam.PCollection | None,
        models: TextModels = NO_MODELS,
        share: float = 0.0,
    ) -> None:
        self._config = config
        self._open_file = open_file
        self._embedding = embedding
        self._models = models
        self._share = share

    def expand(self, blocks: beam.PCollection) -> NamedCollections:
        """Applies the transform to a PCollection of blocks."""
        if self._models.detector is not None:
            blocks = blocks | "ScoreTexts" >> AskModel(self._models.detector, self._config)
        if self._models.embedder is not None:
            blocks = blocks | "EmbedTexts" >> AskModel(self._models.embedder, self._config)
        side = b"" if self._embedding is None else AsSingleton(self._embedding, default_value=b"")
        annotate = beam.ParDo(_Annotate(self._config, self._open_file, self._models, self._share), side)
        more = ["units"] * self._config.removes_lines() + ["sample"] * bool(self._share)
        if not more:
            return {"features": self._verified(blocks | "Features" >> annotate)}
        types = dict.fromkeys(more, pa.Table)
        outputs = blocks | "Features" >> annotate.with_output_types(pa.Table, **types).with_outputs(
            *more, main="features"
        )
        return {"features": self._verified(outputs.features), **{name: outputs[name] for name in more}}

    def _verified(self, features: beam.PCollection) -> beam.PCollection:
        if self._models.verifier is None:
            return features
        answered = features | "VerifyTexts" >> AskModel(self._models.verifier, self._config)
        return answered | "Answers" >> beam.Map(with_answers).with_output_types(pa.Table)


class _Annotate(OverlappedDoFn):
    def __init__(self, config: Config, open_file: OpenFile, models: TextModels, share: float) -> None:
        self._config = config
        self._open_file = open_file
        self._models = models
        self._share = share
        self._evaluation: EvaluationIndex | None = None
        self._watermarks: dict[str, WatermarkDetector] = {}
        self._documents = counter("documents")
        self._rows = distribution("block_documents")
        self._bytes = distribution("block_bytes")

    def setup(self) -> None:
        self._evaluation = evaluation_index(self._config, read_with(self._open_file))
        self._watermarks = load_watermarks(self._config.synthetic, read_with(self._open_file))

    def process(
        self,
        block: pa.Table,
        embedding: bytes,
        timestamp: Any = beam.DoFn.TimestampParam,
        window: Any = beam.DoFn.WindowParam,
    ) -> Iterator[pa.Table]:
        self._documents.inc(block.num_rows)
        self._rows.update(block.num_rows)
        self._bytes.update(block.nbytes)
        if block.num_rows:
            yield from self.overlap(partial(self._annotated, block, embedding), timestamp, window)

    def _annotated(self, block: pa.Table, embedding: bytes) -> List[Union[pa.Table, beam.pvalue.TaggedOutput]]:
        block, vectors = take_column(block, self._models.embedder)
        block, scores = take_column(block, self._models.detector)
        source_file, start = location(block)
        features = annotate(
            block,
            start,
            source_file,
            self._config,
            Embedding.from_bytes(embedding) if embedding else None,
            self._open_file,
            self._evaluation,
            scores,
            self._watermarks,
            vectors,
        )
        outputs = []
        if self._config.removes_lines():
            outputs.append(beam.pvalue.TaggedOutput("units", annotate_lines(block, features, self._config)))
        if self._share:
            sampled = sample_documents(block, features, self._config, self._share)
            outputs.append(beam.pvalue.TaggedOutput("sample", sampled))
        if self._models.verifier is not None:
            features = with_questions(features, readable_texts(block, self._config).texts, self._config)
        # The features come last: a block whose features are written is finished (`curate.pipelines.resume`).
        return [*outputs, features]


class FitCentroids(beam.PTransform):
    """Fits the clusters on a hash-chosen sample of the embeddings, or takes the values of a grouping column for them.

    Args:
        config: settings.
        known: bytes of the groups of an earlier run, which keep their numbers.

    Returns:
        One element, the bytes of the artefact; none when no document has an embedding, or a group.
    """

    def __init__(self, config: Config, known: bytes | None = None) -> None:
        self._config = config
        self._known = known

    def expand(self, features: beam.PCollection) -> beam.PCollection:
        """Applies the transform to a PCollection of feature tables."""
        config = self._config
        if config.mixture.group_column is not None:
            values = features | "Values" >> beam.ParDo(_GroupValues())
            known = Groups.from_bytes(self._known) if self._known else None
            if known is not None:
                given = features.pipeline | "Known" >> beam.Create([hashed_values(known.names)])
                values = (values, given) | "WithKnown" >> beam.Flatten()
            combine = beam.CombineGlobally(SmallestHashes(MOST_GROUPS + 1, 0, VALUES)).without_defaults()
            return values | "Sample" >> combine | "Fit" >> beam.ParDo(_FitGroups(config.mixture.group_column, known))
        schema = pa.schema([("key", pa.uint64()), features_schema(config).field("embedding")])
        size, seed = config.mixture.sample, stage_seed(config.run.seed, "centroids")
        embedded = features | "Embedded" >> beam.ParDo(_Embedded(schema))
        rows = embedded | "Rows" >> beam.Map(_rows).with_output_types(int)
        count = rows | "Count" >> beam.CombineGlobally(sum).without_defaults()
        return (
            embedded
            | "Sample" >> beam.CombineGlobally(SmallestHashes(size, seed, schema)).without_defaults()
            | "Fit" >> beam.ParDo(_FitCentroids(config), AsSingleton(count))
        )


class _GroupValues(beam.DoFn):
    def process(self, features: pa.Table) -> Iterator[pa.Table]:
        yield hashed_values(features["group"].unique().drop_null())


class _FitGroups(beam.DoFn):
    def __init__(self, column: str, known: Groups | None) -> None:
        self._column = column
        self._known = known

    def process(self, values: pa.Table) -> Iterator[bytes]:
        if values.num_rows:
            yield Groups.of(values["group"].combine_chunks(), self._column, self._known).to_bytes()


class _Embedded(beam.DoFn):
    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema

    def process(self, features: pa.Table) -> Iterator[pa.Table]:
        features = features.filter(features["embedding"].is_valid())
        yield pa.table([features["content"], features["embedding"]], schema=self._schema)


class _FitCentroids(beam.DoFn):
    def __init__(self, config: Config) -> None:
        self._config = config

    def process(self, sample: pa.Table, documents: int) -> Iterator[bytes]:
        if sample.num_rows:
            clusters = self._config.mixture.clusters or choose_k(documents)
            embeddings = sample["embedding"].combine_chunks().flatten().to_numpy().reshape(sample.num_rows, -1)
            vectors = fit_centroids(embeddings, sample["key"].to_numpy(), clusters, self._config.run.seed)
            yield Centroids(vectors).to_bytes()


def _rows(table: pa.Table) -> int:
    return table.num_rows
