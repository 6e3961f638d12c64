"""A TaskManager or the Python workers are killed in the middle of both jobs of a run: one ledger."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable

import pyarrow.parquet as pq
import pytest

from . import servers

STEPS = (r"(\{Annotate,[^\n]* to RUNNING)", r"(Decide[^\n]* to RUNNING)")
"""What Flink says when a step of each job is running."""
WORKING = "Beam Fn Data client connected"
"""What a TaskManager says when a worker of its begins to work."""
EXPIRATION = "--environment_expiration_millis=30000"
"""Beam forgets to let go of a worker where the start of another one was interrupted, and would give the dead one to
every restart from then on: no worker is given out for longer."""
RESTARTED = "tasks will be restarted to recover the failed task"


def kill_task_manager(cluster: servers.FlinkCluster) -> None:
    """One whose loss stops the job, since another one may have done its part; workers stand still until it is found."""
    workers, before = cluster.pool.children(), restarts(cluster)
    send(signal.SIGSTOP, workers)
    for task_manager in [one for one in cluster.task_managers if one.popen.poll() is None]:
        task_manager.kill()
        cluster.start_task_manager()  # as whoever runs a cluster has it restarted
        if becomes_true(lambda: restarts(cluster) > before, seconds=20):  # twice what Flink takes to miss it
            break
    send(signal.SIGCONT, workers)


def kill_workers(cluster: servers.FlinkCluster) -> None:
    send(signal.SIGKILL, cluster.pool.children())


def send(number: signal.Signals, processes: Iterable[int]) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def working(cluster: servers.FlinkCluster) -> int:
    """Workers that have begun to work so far."""
    return sum(one.said().count(WORKING) for one in cluster.task_managers)


def restarts(cluster: servers.FlinkCluster) -> int:
    return cluster.job_manager.said().count(RESTARTED)


def becomes_true(condition: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.runners
@pytest.mark.parametrize("kill", [kill_task_manager, kill_workers])
def test_a_run_survives(kill, installed, start, as_bytes, expected, tmp_path):
    with servers.flink_cluster(installed("flink"), tmp_path, task_managers=2) as cluster:
        process = start(tmp_path / "out", *cluster.options, EXPIRATION)
        for step in STEPS:
            cluster.job_manager.wait_for(step, seconds=300)
            workers = working(cluster)
            assert becomes_true(lambda before=workers: working(cluster) > before, seconds=120)
            restarted = restarts(cluster)
            kill(cluster)
            # Beam waits three minutes for a worker that was killed before it had connected.
            assert becomes_true(lambda before=restarted: restarts(cluster) > before, seconds=240)
        said, _ = process.communicate()
        assert process.returncode == 0, said
    assert as_bytes(pq.read_table(tmp_path / "out" / "ledger")) == expected
