"""Wiring of earlier outputs: their documents become features, to be compared with those of the input."""

from collections.abc import Iterator, Sequence
from typing import NoReturn

import apache_beam as beam
import pyarrow as pa

from curate.config import Config
from curate.decisions.earlier import as_earlier
from curate.io.earlier import earlier_config
from curate.io.sources import InputPlan
from curate.pipelines.files import BeamFiles
from curate.pipelines.reading import ReadBlocks, first_splits
from curate.pipelines.writing import WriteFeatures
from curate.transforms.annotate import Annotate


class AnnotateEarlier(beam.PTransform):
    """Annotates the documents of earlier outputs for duplicates and own evidence, and writes their features.

    Args:
        plans: of the input, then of the earlier outputs; their splits are numbered on in this order.
        config: settings of the run.
        directory: that features are written to.

    Returns:
        Tables of `curate.schema.features`.
    """

    def __init__(self, plans: Sequence[InputPlan], config: Config, directory: str) -> None:
        self._plans = list(plans)
        self._config = config
        self._directory = directory

    def expand(self, begin: beam.pvalue.PBegin) -> beam.PCollection:
        """Applies the transform to a pipeline."""
        config, features = earlier_config(self._config), []
        for number, first in list(enumerate(first_splits(self._plans)))[1:]:
            read = begin | f"Read{number}" >> ReadBlocks(self._plans[number], first)
            _ = read["errors"] | f"Whole{number}" >> beam.Map(_refuse_damage).with_output_types(int)
            # Runners may write what they flatten: that must not be texts.
            annotated = read["blocks"] | f"Annotate{number}" >> Annotate(config, BeamFiles().open, None)
            features.append(annotated["features"])
        return (
            features
            | "Flatten" >> beam.Flatten()
            | "Mark" >> beam.ParDo(_Mark())
            | "Write" >> WriteFeatures(self._directory, self._config)
        )


class _Mark(beam.DoFn):
    def process(self, features: pa.Table) -> Iterator[pa.Table]:
        yield as_earlier(features)


def _refuse_damage(errors: pa.Table) -> NoReturn:
    raise RuntimeError(
        f"{errors['source_file'][0]} of an earlier output cannot be decoded ({errors['error'][0]}); "
        f"`curate verify` tells more"
    )
