"""Work that overlaps within a bundle keeps the time and window of each element."""

from functools import partial

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.transforms.window import FixedWindows, TimestampedValue

from curate.threads import use_threads
from curate.transforms.overlap import OverlappedDoFn


class Doubled(OverlappedDoFn):
    def process(self, number, timestamp=beam.DoFn.TimestampParam, window=beam.DoFn.WindowParam):
        yield from self.overlap(partial(self.doubled, number), timestamp, window)

    def doubled(self, number):
        return [2 * number, beam.pvalue.TaggedOutput("odd", number % 2)]


class Placed(beam.DoFn):
    def process(self, value, timestamp=beam.DoFn.TimestampParam, window=beam.DoFn.WindowParam):
        yield value, timestamp.micros // 10**6, window.end.micros // 10**6


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_outputs_keep_time_and_window(threads):
    numbers = range(25)
    use_threads(threads)
    try:
        with beam.Pipeline(runner="FnApiRunner") as pipeline:
            found = (
                pipeline
                | beam.Create([TimestampedValue(number, number) for number in numbers])
                | beam.WindowInto(FixedWindows(10))
                | beam.ParDo(Doubled()).with_outputs("odd", main="twice")
            )
            twice, odd = found.twice | "TwicePlaced" >> beam.ParDo(Placed()), found.odd | beam.ParDo(Placed())
            assert_that(twice, equal_to([(2 * n, n, n // 10 * 10 + 10) for n in numbers]), "Twice")
            assert_that(odd, equal_to([(n % 2, n, n // 10 * 10 + 10) for n in numbers]), "Odd")
    finally:
        use_threads(1)
