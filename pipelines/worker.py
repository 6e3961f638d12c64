"""A worker process of a local run: Beam's own, which ends with its run, and ends itself when it is stuck.

It is kept from logging before it has read the level that it is told, unless it is called with --log.
"""

import contextlib
import io
import logging
import os
import sys
import threading
import time
from typing import Any

STUCK = 75
"""Exit code of a worker that was stuck."""

_INTERVAL = 0.5  # seconds


def main() -> None:
    """Runs Beam's worker until its runner is done with it."""
    parent = os.getppid()
    silent = "--log" not in sys.argv
    if silent:
        logging.disable(logging.ERROR)
    from apache_beam.options.pipeline_options import WorkerOptions
    from apache_beam.runners.worker import sdk_worker_main

    create = sdk_worker_main.create_harness

    def create_watched(environment: Any, dry_run: bool = False) -> Any:
        log, harness, options = create(environment, dry_run)
        minutes = options.view_as(WorkerOptions).element_processing_timeout_minutes or 0
        threading.Thread(target=_watch, args=(parent, harness, 60.0 * minutes), daemon=True).start()
        return log, harness, options

    sdk_worker_main.create_harness = create_watched
    # It prints the traceback of every error that it hands on.
    with contextlib.redirect_stderr(io.StringIO()) if silent else contextlib.nullcontext():
        sdk_worker_main.main(sys.argv)


def _watch(parent: int, harness: Any, limit: float) -> None:
    """Ends this process with the one that started it, which may resume meanwhile, or when it is stuck."""
    while os.getppid() == parent:
        if limit and stuck_for(harness._bundle_processor_cache.active_bundle_processors) > limit:
            os._exit(STUCK)
        time.sleep(_INTERVAL)
    os._exit(1)


def stuck_for(active: dict[str, tuple[str, Any]]) -> float:
    """Seconds since the slowest of the bundles being processed has gone on to another step or element."""
    found = (processor.state_sampler.get_info() for _, processor in list(active.values()))
    return max((info.time_since_transition / 1e9 for info in found if info), default=0.0)


if __name__ == "__main__":
    main()
