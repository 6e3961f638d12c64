"""Elements of a bundle worked on side by side, where a process has threads (`curate.threads`)."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Tuple

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput
from apache_beam.transforms.window import BoundedWindow
from apache_beam.utils.timestamp import Timestamp
from apache_beam.utils.windowed_value import WindowedValue

from curate.threads import Overlapped

Outputs = Iterable[Any]
Placed = Tuple[Outputs, Timestamp, BoundedWindow]


class OverlappedDoFn(beam.DoFn):
    """A DoFn whose `process` yields from `overlap`; outputs keep time and window of their element.

    An output may come with a later element than its own, or when the bundle ends.
    """

    def start_bundle(self) -> None:
        """Begins without any work under way."""
        self._calls: Overlapped[Placed] = Overlapped()

    def overlap(self, function: Callable[[], Outputs], timestamp: Timestamp, window: BoundedWindow) -> Iterator[Any]:
        """Begins the work on an element; yields what earlier work put out.

        Args:
            function: gives the outputs; called in a thread.
            timestamp: of the element.
            window: likewise.
        """
        for done in self._calls.run(lambda: (function(), timestamp, window)):
            yield from _placed(*done)

    def finish_bundle(self) -> Iterator[Any]:
        """Yields what the rest of the work puts out."""
        for done in self._calls.rest():
            yield from _placed(*done)


def _placed(outputs: Outputs, timestamp: Timestamp, window: BoundedWindow) -> Iterator[Any]:
    for output in outputs:
        if isinstance(output, TaggedOutput):
            yield TaggedOutput(output.tag, WindowedValue(output.value, timestamp, (window,)))
        else:
            yield WindowedValue(output, timestamp, (window,))
