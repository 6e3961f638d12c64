"""Metrics of a corpus: the combiners of `curate.metrics` for any pipeline, and how a run measures its slices."""

from collections.abc import Iterator
from typing import List

import apache_beam as beam
import pyarrow as pa
import pyarrow.compute as pc
from apache_beam.pvalue import AsList

from curate.metrics.corpus import MEMBERS, CorpusMetrics, join
from curate.metrics.sample import SAMPLE
from curate.metrics.slices import slices_of
from curate.transforms.tables import NamedCollections, concat


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


class _Members(beam.DoFn):
    def process(self, ledger: pa.Table, places: List[pa.Table]) -> Iterator[pa.Table]:
        sampled = concat(places, _PLACES)["location"]
        own = ledger.filter(pc.is_in(ledger["location"], value_set=sampled.combine_chunks()))
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
