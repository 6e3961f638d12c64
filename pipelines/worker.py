"""A worker process of a local run: Beam's own, which would otherwise log before it reads the level it is told."""

import contextlib
import io
import logging
import sys


def main() -> None:
    """Runs Beam's worker until its runner is done with it."""
    logging.disable(logging.ERROR)
    from apache_beam.runners.worker import sdk_worker_main

    with contextlib.redirect_stderr(io.StringIO()):  # it prints the traceback of every error that it hands on
        sdk_worker_main.main(sys.argv)


if __name__ == "__main__":
    main()
