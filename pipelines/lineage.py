"""Telling a run to OpenLineage: nothing that goes wrong with the telling changes what becomes of the run."""

import contextlib
import importlib
import json
import os
from typing import Any, Callable, Iterator, Mapping, Optional

import pyarrow as pa

from curate.config import Config, OpenLineage
from curate.errors import UsageError
from curate.io.filesystem import is_remote
from curate.io.sources import InputPlan
from curate.pipelines.annotations import absolute
from curate.pipelines.files import BeamFiles
from curate.pipelines.progress import say
from curate.pipelines.writing import output_schema
from curate.schema import LEDGER


def check_lineage(settings: OpenLineage) -> None:
    """Checks that events can be written, before any document is read.

    Raises:
        UsageError: the extra is missing, or the file cannot be appended to, or holds something else.
    """
    path = settings.path
    if path is None:
        return
    key = f"run.openlineage.path is {path!r}"
    try:
        importlib.import_module("openlineage.client")
    except ImportError:
        remedy = "pip install 'curate[openlineage]'"
        raise UsageError(f"{key}, which needs the package openlineage-python; {remedy}") from None
    if is_remote(path):
        raise UsageError(f"{key}, expected a file of this machine; copy the events after the run")
    try:
        if os.path.isfile(path) and not _holds_events(path):
            raise UsageError(f"{key}, a file of something else that events would spoil; name another file")
        existed = os.path.exists(path)
        with open(path, "ab"):
            pass
        if not existed:
            os.remove(path)
    except OSError as error:
        remedy = "name a file in a directory that is there"
        raise UsageError(f"{key}, which cannot be written ({error.strerror}); {remedy}") from None


def _holds_events(path: str) -> bool:
    """Whether a file is empty or begins with an event, whose keys clients of OpenLineage write in order."""
    with open(path, "rb") as file:
        head = file.read(1 << 12)
    return not head or (head.startswith(b"{") and b'"eventType"' in head)


class Told:
    """The events of a run, or nothing where none are wanted.

    Args:
        config: settings.
        record: of the annotations and the command.
        started: ISO 8601 time.
    """

    def __init__(self, config: Config, record: Mapping[str, Any], started: str) -> None:
        self._config = config
        self._events: Any = None
        if config.run.openlineage.path is not None:
            from curate.report.openlineage import Events

            inputs = {record["inputs"][name]: found for name, found in record["fingerprints"].items()}
            command, seed = record["arguments"]["command"], config.run.seed
            self._events = Events(config.run.openlineage, command, seed, inputs, started)

    def start(self) -> None:
        """The run begins."""
        self._tell("START", lambda events: events.start())

    def complete(self, output: str, planned: Optional[InputPlan]) -> None:
        """The run is complete.

        Args:
            output: its directory, with the manifest.
            planned: the inputs, if the decisions were applied.
        """
        self._tell("COMPLETE", lambda e: e.complete(_manifest(output), self._schemas(planned), absolute(output)))

    def fail(self, error: BaseException) -> None:
        """The run is left by an exception: it has failed, or was told to stop."""
        stopped = (error, error.__context__)  # an interrupt, or one as Beam hands it on
        aborted = any(isinstance(cause, KeyboardInterrupt) for cause in stopped)
        self._tell("ABORT" if aborted else "FAIL", lambda events: events.fail(error, aborted))

    def _tell(self, name: str, write: Callable[[Any], None]) -> None:
        if self._events is not None:
            try:
                write(self._events)
            except Exception as error:
                say(f"{self._config.run.openlineage.path}: the event {name} was not written ({error})")

    def _schemas(self, planned: Optional[InputPlan]) -> dict[str, pa.Schema]:
        if planned is None:
            return {"ledger": LEDGER}
        documents = output_schema(planned.schema, self._config)
        return {"ledger": LEDGER, "input": planned.schema, "data": documents, "held": documents}


def _manifest(directory: str) -> dict[str, Any]:
    return json.loads(BeamFiles().read_bytes(f"{directory.rstrip('/')}/manifest.json"))


@contextlib.contextmanager
def lineage(config: Config, record: Mapping[str, Any], started: str) -> Iterator[Told]:
    """Tells that a run starts, and, when the block is left by an exception, that it has failed."""
    told = Told(config, record, started)
    told.start()
    try:
        yield told
    except BaseException as error:
        told.fail(error)
        raise
