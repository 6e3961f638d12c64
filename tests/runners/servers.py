"""Runners on this machine: Flink (embedded, or a JobManager with TaskManagers), Spark and Prism, and workers for them.

`install` puts them into a directory; each is started here as a user would start it, and stopped with its processes.
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

MODULES = ("lang", "lang.invoke", "util", "util.concurrent", "io", "net", "nio", "time")
"""What Flink and Spark reach into of java.base on Java 17, besides INNER."""
INNER = ("sun.nio.ch", "sun.security.action")

FLINK = """
jobmanager.rpc.address: localhost
jobmanager.rpc.port: {rpc}
jobmanager.memory.process.size: 1g
rest.address: localhost
rest.bind-address: localhost
rest.port: {rest}
blob.server.port: 0
taskmanager.host: localhost
taskmanager.numberOfTaskSlots: 1
taskmanager.cpu.cores: 1.0
taskmanager.memory.framework.heap.size: 128m
taskmanager.memory.framework.off-heap.size: 128m
taskmanager.memory.jvm-metaspace.size: 256m
taskmanager.memory.jvm-overhead.min: 192m
taskmanager.memory.jvm-overhead.max: 192m
taskmanager.memory.task.heap.size: 640m
taskmanager.memory.task.off-heap.size: 128m
taskmanager.memory.managed.size: {managed}
taskmanager.memory.network.min: 512m
taskmanager.memory.network.max: 512m
heartbeat.interval: 1000
heartbeat.timeout: 10000
jobmanager.execution.failover-strategy: full
restart-strategy.type: fixed-delay
restart-strategy.fixed-delay.attempts: 10
restart-strategy.fixed-delay.delay: 20 s
io.tmp.dirs: {directory}
classloader.resolve-order: parent-first
"""


@dataclass
class Server:
    """A process and its log.

    Attributes:
        address: where it listens; empty for one that nobody asks.
    """

    popen: "subprocess.Popen[bytes]"
    log: Path
    address: str = ""

    def said(self) -> str:
        """Its log so far."""
        return self.log.read_text(errors="replace")

    def wait_for(self, pattern: str, seconds: float = 120) -> str:
        """What the first group of a pattern is in the log, as soon as it is there.

        Raises:
            RuntimeError: the server ended, or said nothing of it in time.
        """
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.popen.poll() is None:
            if found := re.search(pattern, self.said()):
                return found.group(1)
            time.sleep(0.05)
        raise RuntimeError(f"{self.log.name} does not say {pattern!r}:\n{self.said()[-3000:]}")

    def wait_for_port(self, port: int, seconds: float = 60) -> None:
        """Waits until it listens on a port of this machine, which becomes its address.

        Raises:
            RuntimeError: it ended, or does not listen in time.
        """
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.popen.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("localhost", port)) == 0:
                    self.address = f"localhost:{port}"
                    return
            time.sleep(0.2)
        raise RuntimeError(f"nobody listens on port {port}:\n{self.said()[-3000:]}")

    def children(self) -> list[int]:
        """The processes that it started."""
        found = subprocess.run(["pgrep", "-P", str(self.popen.pid)], capture_output=True, text=True, check=False)
        return [int(line) for line in found.stdout.split()]

    def kill(self) -> None:
        """Ends it at once, with all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()


@dataclass
class FlinkCluster:
    """A JobManager, its TaskManagers, and what runs jobs of Python on them.

    Attributes:
        options: of a job that goes there.
        job_manager: its log names what runs.
        pool: starts the Python workers of all TaskManagers.
        task_managers: in the order of their start.
        start_task_manager: starts another one.
    """

    options: tuple[str, ...]
    job_manager: Server
    pool: Server
    task_managers: list[Server]
    start_task_manager: Callable[[], Server]


@contextlib.contextmanager
def started(name: str, command: Sequence[str], directory: Path, **environment: str) -> Iterator[Server]:
    """A process with its log `name`.log in a directory; killed at the end."""
    log = directory / f"{name}.log"
    with log.open("wb") as output:
        popen = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=directory,
            env={**os.environ, **environment},
        )
    server = Server(popen, log)
    try:
        yield server
    finally:
        server.kill()


def java(jars: Path, main: str, *arguments: str) -> list[str]:
    """The command that runs a class of a directory of jars."""
    modules = [*(f"java.{name}" for name in MODULES), *INNER]
    opened = [f"--add-opens=java.base/{module}=ALL-UNNAMED" for module in modules]
    return ["java", "-Xmx1g", *opened, "-cp", f"{jars}/*", main, *arguments]


@contextlib.contextmanager
def job_server(jars: Path, directory: Path, *arguments: str) -> Iterator[Server]:
    """Beam's job server for Flink or Spark."""
    kind = "spark.Spark" if any(jars.glob("beam-runners-spark-*")) else "flink.Flink"
    ports = ["--job-port=0", "--artifact-port=0", "--expansion-port=0", f"--artifacts-dir={directory}/artifacts"]
    main = f"org.apache.beam.runners.{kind}JobServerDriver"
    with started("job-server", java(jars, main, "--job-host=localhost", *ports, *arguments), directory) as server:
        server.wait_for_port(int(server.wait_for(r"JobService started on localhost:([0-9]+)")))
        yield server


@contextlib.contextmanager
def prism(binary: Path, directory: Path) -> Iterator[Server]:
    """Beam's Prism."""
    port = free_port()
    with started("prism", [str(binary), f"--job_port={port}", "--web_port=0"], directory) as server:
        server.wait_for_port(port)
        yield server


@contextlib.contextmanager
def flink_cluster(jars: Path, directory: Path, task_managers: int = 2, managed: str = "256m") -> Iterator[FlinkCluster]:
    """A standalone Flink cluster of processes on this machine, with a job server and a pool of workers.

    Combiners of a TaskManager share its `managed` memory, and each must hold the largest of its records: the sample
    that the embedding is fitted on has 2 KB for each of `mixture.sample` documents.
    """
    rest = free_port()
    settings = FLINK.format(rest=rest, rpc=free_port(), directory=directory, managed=managed)
    (directory / "flink-conf.yaml").write_text(settings)
    runtime, configured = "org.apache.flink.runtime", f"--configDir={directory}"
    with contextlib.ExitStack() as stack:
        command = java(jars, f"{runtime}.entrypoint.StandaloneSessionClusterEntrypoint", configured)
        manager = stack.enter_context(started("job-manager", command, directory))
        manager.wait_for_port(rest)
        running: list[Server] = []

        def start_task_manager() -> Server:
            command = java(jars, f"{runtime}.taskexecutor.TaskManagerRunner", configured)
            running.append(stack.enter_context(started(f"task-manager-{len(running)}", command, directory)))
            return running[-1]

        for _ in range(task_managers):
            start_task_manager()
        for server in running:
            server.wait_for(r"(Successful registration at resource manager)")
        jobs = stack.enter_context(job_server(jars, directory, f"--flink-master={manager.address}"))
        pool = stack.enter_context(worker_pool(directory))
        options = *portable(jobs), *external(pool), f"--parallelism={task_managers}"
        yield FlinkCluster(options, manager, pool, running, start_task_manager)


@contextlib.contextmanager
def worker_pool(directory: Path) -> Iterator[Server]:
    """A pool that starts a Python process for each worker that a runner asks for."""
    port = free_port()
    command = [sys.executable, str(Path(__file__).with_name("pool.py")), str(port)]
    # It starts workers as `python`.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    with started("worker-pool", command, directory, PATH=path) as server:
        server.wait_for_port(port)
        yield server


@contextlib.contextmanager
def expansion_service(directory: Path, pool: Server) -> Iterator[Server]:
    """Beam's expansion service with the transforms of curate, whose steps run on workers of a pool."""
    port = free_port()
    service = [sys.executable, "-m", "apache_beam.runners.portability.expansion_service_main", f"--port={port}"]
    command = [*service, "--fully_qualified_name_glob=curate.transforms.*", *external(pool)]
    with started("expansion-service", command, directory) as server:
        server.wait_for_port(port)
        yield server


def portable(server: Server) -> tuple[str, ...]:
    """Options of a job that goes to a job server."""
    return "--runner=PortableRunner", f"--job_endpoint={server.address}"


def external(pool: Server) -> tuple[str, ...]:
    """Options of a job whose workers are processes of a pool, and stay for its next stage.

    They stay for less than Flink waits before it restarts what failed: Beam would give it the dead worker again.
    """
    return "--environment_type=EXTERNAL", f"--environment_config={pool.address}", "--environment_cache_millis=5000"


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])
