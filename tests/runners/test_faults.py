"""A TaskManager or the Python workers are killed in the middle of both jobs of a run: one ledger."""

import os
import signal
import time
from collections.abc import Callable

import pyarrow.parquet as pq
import pytest

from . import servers

STEPS = (r"(\{Annotate,[^\n]* to RUNNING)", r"(Decide[^\n]* to RUNNING)")
"""What Flink says when a step of each job is running."""
WORKING = "Beam Fn Data client connected"
"""What a TaskManager says when a worker of its begins to work."""
RESTARTED = "tasks will be restarted to recover the failed task"


def kill_task_manager(cluster: servers.FlinkCluster) -> None:
    next(one for one in cluster.task_managers if one.popen.poll() is None).kill()
    cluster.start_task_manager()  # as whoever runs a cluster has it restarted


def kill_workers(cluster: servers.FlinkCluster) -> None:
    for worker in cluster.pool.children():
        os.kill(worker, signal.SIGKILL)


def wait_until(count: Callable[[], int], more_than: int, seconds: float) -> None:
    until = time.monotonic() + seconds
    while count() <= more_than:
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.runners
@pytest.mark.parametrize("kill", [kill_task_manager, kill_workers])
def test_a_run_survives(kill, installed, start, as_bytes, expected, tmp_path):
    with servers.flink_cluster(installed("flink"), tmp_path, task_managers=2) as cluster:

        def working() -> int:
            return sum(one.said().count(WORKING) for one in cluster.task_managers)

        def restarts() -> int:
            return cluster.job_manager.said().count(RESTARTED)

        process = start(tmp_path / "out", *cluster.options)
        for step in STEPS:
            cluster.job_manager.wait_for(step, seconds=300)
            wait_until(working, working(), seconds=120)
            before = restarts()
            kill(cluster)
            # Beam waits three minutes for a worker that was killed before it had connected.
            wait_until(restarts, before, seconds=240)
        said, _ = process.communicate()
        assert process.returncode == 0, said
    assert as_bytes(pq.read_table(tmp_path / "out" / "ledger")) == expected
