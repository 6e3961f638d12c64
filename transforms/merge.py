"""A CombineFn over anything that has a `merge` method: the pure accumulators of `curate`."""

from collections.abc import Iterable
from typing import Any, Optional

import apache_beam as beam


class Merge(beam.CombineFn):
    """Merges values by their own `merge(other)`; None when there is no value."""

    def create_accumulator(self) -> Optional[Any]:
        """Nothing yet."""
        return None

    def add_input(self, accumulator: Optional[Any], element: Any) -> Any:
        """Merges one value."""
        return element if accumulator is None else accumulator.merge(element)

    def merge_accumulators(self, accumulators: Iterable[Optional[Any]]) -> Optional[Any]:
        """Merges partial results."""
        merged = None
        for accumulator in accumulators:
            if accumulator is not None:
                merged = self.add_input(merged, accumulator)
        return merged

    def extract_output(self, accumulator: Optional[Any]) -> Optional[Any]:
        """The merged value."""
        return accumulator
