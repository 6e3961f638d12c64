"""Rows that fail: in the form of Beam's own transforms, for whoever handles errors of a pipeline in one place."""

import traceback
from typing import Any, Dict, List, Optional, Tuple, TypeVar

import apache_beam as beam
from apache_beam.transforms.error_handling import ErrorHandler

Failure = Tuple[Any, Tuple[Any, str, List[str]]]
"""A row and (type, message, lines of the traceback) of its error, as `with_exception_handling` gives them."""

Handling = TypeVar("Handling", bound="HandlesErrors")


def failure(row: Any, error: Exception) -> Failure:
    """What is told of a row that fails."""
    return row, (type(error), " ".join(str(error).split()), traceback.format_exception(error))


def _told(failed: Failure) -> Tuple[Any, str]:
    row, (_, message, _) = failed
    return row, message


class HandlesErrors(beam.PTransform):
    """A transform that hands failed rows to an error handler if it is given one."""

    _error_handler: Optional[ErrorHandler] = None

    def with_error_handler(self: Handling, error_handler: Optional[ErrorHandler]) -> Handling:
        """Sends failed rows to a handler of `apache_beam.transforms.error_handling`, and to no output `errors`.

        Args:
            error_handler: gets pairs of a row and (type, message, lines of the traceback) of its error, as of Beam's
                own transforms; None for the output `errors` instead.
        """
        self._error_handler = error_handler
        return self

    def handle(self, failures: beam.PCollection) -> Dict[str, beam.PCollection]:
        """The output `errors`, pairs of a row and a message; without a handler only.

        Args:
            failures: PCollection of `Failure`.
        """
        if self._error_handler is not None:
            self._error_handler.add_error_pcollection(failures)
            return {}
        return {"errors": failures | "Errors" >> beam.Map(_told).with_output_types(Tuple[Any, str])}
