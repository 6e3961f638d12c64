"""Beam's pool of worker processes, for several TaskManagers on one machine: `python pool.py PORT`.

TaskManagers name their workers alike, and expect a pool each on a machine of their own. Beam's pool would stop one
TaskManager's worker when another asks for it; here a worker ends when its runner hangs up.
"""

import sys

from apache_beam.portability.api import beam_fn_api_pb2
from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer


class Pool(BeamFnExternalWorkerPoolServicer):
    """Starts a process for each worker, and stops none by its name."""

    def StopWorker(self, stop_worker_request, unused_context):
        return beam_fn_api_pb2.StopWorkerResponse()


if __name__ == "__main__":
    _, server = Pool.start(use_process=True, port=int(sys.argv[1]))
    server.wait_for_termination()
