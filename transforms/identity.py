"""Wiring of ids: documents that could share an id meet, and leave with ids of their own."""

from collections.abc import Iterable, Iterator
from typing import Optional, Tuple

import apache_beam as beam
import pyarrow as pa
from apache_beam.pvalue import AsSingleton

from curate.clusters.groups import read_clusters
from curate.config import Config
from curate.decisions.documents import DOCUMENTS, prepare_documents
from curate.decisions.identity import partition_hashes, resolve_ids
from curate.review.evidence import with_answers
from curate.transforms.tables import KeyedTable, NamedCollections, concat, split_by


def clusters_side(centroids: beam.PCollection | None) -> AsSingleton | bytes:
    """The bytes of clusters as a side input, empty where there are none; `curate.clusters.groups.read_clusters`."""
    return b"" if centroids is None else AsSingleton(centroids, default_value=b"")


class PrepareDocuments(beam.PTransform):
    """Features become documents with unique ids (`curate.decisions.documents.DOCUMENTS`).

    Args:
        config: settings.
        centroids: PCollection of the bytes of at most one set of centroids, or None when the mixture is off.
        partitions: partitions of the id space.
        answers: of reviewers (`curate.review.answers.SETTLED`), None without any.

    Returns:
        {"documents": tables, "renamed": the number of renamed documents in each partition}.
    """

    def __init__(
        self, config: Config, centroids: beam.PCollection | None, partitions: int, answers: Optional[pa.Table] = None
    ) -> None:
        self._config = config
        self._centroids = centroids
        self._partitions = partitions
        self._answers = answers

    def expand(self, features: beam.PCollection) -> NamedCollections:
        """Applies the transform to a PCollection of feature tables."""
        prepare = _Prepare(self._config, self._partitions)
        outputs = (
            features
            | "Prepare" >> beam.ParDo(prepare, clusters_side(self._centroids))
            | "GroupIds" >> beam.GroupByKey()
            | "Resolve"
            >> beam.ParDo(_Resolve(self._answers))
            .with_output_types(pa.Table, renamed=int)
            .with_outputs("renamed", main="documents")
        )
        return {"documents": outputs.documents, "renamed": outputs.renamed}


class _Prepare(beam.DoFn):
    def __init__(self, config: Config, partitions: int) -> None:
        self._config = config
        self._partitions = partitions

    def process(self, features: pa.Table, centroids: bytes) -> Iterator[KeyedTable]:
        documents = prepare_documents(features, read_clusters(centroids, self._config), self._config)
        yield from split_by(documents, partition_hashes(documents["id"]), self._partitions)


class _Resolve(beam.DoFn):
    def __init__(self, answers: Optional[pa.Table]) -> None:
        self._answers = answers

    def process(self, element: Tuple[int, Iterable[pa.Table]]) -> Iterator[pa.Table]:
        documents, renamed = resolve_ids(concat(element[1], DOCUMENTS))
        yield with_answers(documents, self._answers)
        yield beam.pvalue.TaggedOutput("renamed", renamed)
