"""Wiring of human documents from outside the corpus: texts are read and annotated like the input, then sampled.

And of what is remembered of trusted documents: recalled, and kept for later runs.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Optional

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.pvalue import AsSingleton

from curate.clusters.groups import read_clusters
from curate.config import Config
from curate.decisions.human import HumanReference, human_config
from curate.decisions.memory import KEPT, kept_texts, remembered
from curate.io.blocks import read_split
from curate.io.filesystem import Files, OpenFile
from curate.io.sources import InputPlan
from curate.mixture.overlap import Totals
from curate.transforms.annotate import Annotate
from curate.transforms.identity import clusters_side
from curate.transforms.merge import Merge
from curate.transforms.models import TextModels
from curate.transforms.tables import NamedCollections


class AnnotateHuman(beam.PTransform):
    """Reads and annotates a reference set.

    Args:
        plan: how to read it.
        config: settings of the run.
        files: opens the set.
        open_file: opens a file of the media_path column.
        embedding: as of `curate.transforms.annotate.Annotate`.
        models: as of `curate.transforms.annotate.Annotate`.

    Returns:
        Tables of `curate.schema.features`.
    """

    def __init__(
        self,
        plan: InputPlan,
        config: Config,
        files: Files,
        open_file: OpenFile,
        embedding: Optional[beam.PCollection],
        models: TextModels,
    ) -> None:
        self._plan = plan
        self._config = config
        self._files = files
        self._open_file = open_file
        self._embedding = embedding
        self._models = models

    def expand(self, begin: beam.pvalue.PBegin) -> beam.PCollection:
        """Applies the transform to a pipeline."""
        splits = begin | "Splits" >> beam.Create(list(range(len(self._plan.splits)))).with_output_types(int)
        blocks = splits | "Read" >> beam.ParDo(_Read(self._plan, self._files))
        config = human_config(self._config)
        models = replace(self._models, verifier=None)
        annotated = blocks | "Annotate" >> Annotate(config, self._open_file, self._embedding, models)
        return annotated["features"]


class _Read(beam.DoFn):
    def __init__(self, plan: InputPlan, files: Files) -> None:
        self._plan = plan
        self._files = files

    def process(self, number: int) -> Iterator[pa.Table]:
        for block in read_split(self._plan.splits[number], self._plan, self._files):
            if block.errors.num_rows:
                file, error = (block.errors[name][0] for name in ("source_file", "error"))
                raise RuntimeError(
                    f"{file} of the human reference cannot be decoded ({error}); mend or remove the record"
                )
            yield block.table


class SampleHuman(beam.PTransform):
    """Gathers the scores of a reference set.

    Args:
        config: settings.
        centroids: PCollection of the bytes of at most one set of centroids, or None when the mixture is off.

    Returns:
        One `curate.decisions.human.HumanReference`; none without a document.
    """

    def __init__(self, config: Config, centroids: Optional[beam.PCollection]) -> None:
        self._config = config
        self._centroids = centroids

    def expand(self, features: beam.PCollection) -> beam.PCollection:
        """Applies the transform to a PCollection of feature tables."""
        return (
            features
            | "Collect" >> beam.ParDo(_Collect(self._config), clusters_side(self._centroids))
            | "Merge" >> beam.CombineGlobally(Merge()).without_defaults()
        )


class _Collect(beam.DoFn):
    def __init__(self, config: Config) -> None:
        self._config = config

    def process(self, features: pa.Table, centroids: bytes) -> Iterator[HumanReference]:
        yield HumanReference.collect(features, read_clusters(centroids, self._config), self._config)


class Recall(beam.PTransform):
    """Gathers what an earlier run remembers: rows from tables, and the totals that they are a sample of.

    Returns:
        One `curate.decisions.human.HumanReference`; none without a table.
    """

    def __init__(self, totals: Totals) -> None:
        self._totals = totals

    def expand(self, rows: beam.PCollection) -> beam.PCollection:
        """Applies the transform to a PCollection of tables of `curate.decisions.memory.REMEMBERED`."""
        recalled = rows | "Collect" >> beam.Map(HumanReference.recall).with_output_types(HumanReference)
        merged = recalled | "Merge" >> beam.CombineGlobally(Merge()).without_defaults()
        return merged | "Totals" >> beam.Map(HumanReference.with_totals, self._totals).with_output_types(HumanReference)


class Remember(beam.PTransform):
    """Chooses the rows to keep of trusted documents, those of this corpus and those remembered before.

    Returns:
        Tables of `curate.decisions.memory.REMEMBERED`; a text that both have is in one of them.
    """

    def expand(self, inputs: NamedCollections) -> beam.PCollection:
        """Applies the transform to {"real", "sample", "human"} of `Decide`, and "remembered", tables."""
        kept = inputs["sample"] | "Kept" >> beam.Map(kept_texts).with_output_types(pa.Table)
        kept = AsSingleton(kept, default_value=KEPT.empty_table())
        human = AsSingleton(inputs["human"], default_value=None)
        rows = inputs["real"] | "Real" >> beam.ParDo(_Remember(), kept, human)
        if "remembered" not in inputs:
            return rows
        again = inputs["remembered"] | "Again" >> beam.ParDo(_Remember(), kept, None)
        return (rows, again) | "Both" >> beam.Flatten()


class _Remember(beam.DoFn):
    def process(self, real: pa.Table, kept: pa.Table, human: Optional[HumanReference]) -> Iterator[pa.Table]:
        yield remembered(real, kept, human.contents if human else np.zeros(0, np.uint64))
