"""A TaskManager or the Python workers are killed in the middle of both jobs of a run: one ledger."""

import os
import signal
import time
from collections.abc import Sequence

import pyarrow.parquet as pq
import pytest

from . import servers

STEPS = (r"(\{Annotate,[^\n]* to RUNNING)", r"(Decide[^\n]* to RUNNING)")
"""What Flink says when a step of each job is running."""
WORKING = "Beam Fn Data client connected"
"""What a TaskManager says when a worker of its begins to work."""
RESTARTED = "tasks will be restarted to recover the failed task"


def kill_task_manager(cluster: servers.FlinkCluster, working: servers.Server) -> None:
    working.kill()
    cluster.start_task_manager()  # as whoever runs a cluster has it restarted


def kill_workers(cluster: servers.FlinkCluster, working: servers.Server) -> None:
    for worker in cluster.pool.children():
        os.kill(worker, signal.SIGKILL)


def next_to_work(task_managers: Sequence[servers.Server], seconds: float) -> servers.Server:
    """The first TaskManager whose next worker begins to work: without it the job cannot go on."""
    before = [one.said().count(WORKING) for one in task_managers]
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for one, count in zip(task_managers, before, strict=True):
            if one.said().count(WORKING) > count:
                return one
        time.sleep(0.05)
    raise AssertionError("no worker began to work")


@pytest.mark.runners
@pytest.mark.parametrize("kill", [kill_task_manager, kill_workers])
def test_a_run_survives(kill, installed, start, as_bytes, expected, tmp_path):
    with servers.flink_cluster(installed("flink"), tmp_path, task_managers=2) as cluster:

        def restarts() -> int:
            return cluster.job_manager.said().count(RESTARTED)

        process = start(tmp_path / "out", *cluster.options)
        for step in STEPS:
            cluster.job_manager.wait_for(step, seconds=300)
            working = next_to_work(cluster.task_managers, seconds=120)
            before = restarts()
            kill(cluster, working)
            # Beam waits three minutes for a worker that was killed before it had connected.
            until = time.monotonic() + 240
            while restarts() == before:
                assert time.monotonic() < until and process.poll() is None, "killed too late"
                time.sleep(0.05)
        said, _ = process.communicate()
        assert process.returncode == 0, said
    assert as_bytes(pq.read_table(tmp_path / "out" / "ledger")) == expected
