"""Worker processes of a local run. One that dies ends the run: Beam's runner would wait for its answers for ever."""

import contextlib
import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import grpc
from apache_beam.portability.api import beam_fn_api_pb2
from apache_beam.runners.portability.fn_api_runner import worker_handlers
from apache_beam.transforms import environments
from google.protobuf import json_format, text_format

from curate.pipelines.worker import STUCK

URN = "curate:env:watched_process:v1"

_INTERVAL = 0.2  # seconds

_deaths: ContextVar[list[str]] = ContextVar("_deaths")


@contextlib.contextmanager
def deaths_told() -> Iterator[None]:
    """Lets what fails because a worker process has died say so, instead of what Beam makes of it.

    Raises:
        RuntimeError: how a process ended, where one did and the block failed.
    """
    found: list[str] = []
    token, hook = _deaths.set(found), threading.excepthook
    threading.excepthook = lambda failed: None if issubclass(failed.exc_type, grpc.RpcError) else hook(failed)
    try:
        yield
    except Exception as error:
        if found:
            raise RuntimeError(found[0]) from error
        raise
    finally:
        threading.excepthook = hook
        _deaths.reset(token)


@environments.Environment.register_urn(URN, bytes)
class WatchedProcess(environments.SubprocessSDKEnvironment):
    """Workers as processes of this machine that run a command."""

    def to_runner_api_parameter(self, context: Any) -> tuple[str, bytes]:
        """See Beam: what names the environment in a pipeline's messages."""
        return URN, self.command_string.encode()

    @staticmethod
    def from_runner_api_parameter(payload: bytes, *rest: Any) -> "WatchedProcess":
        """See Beam: the environment that messages name."""
        return WatchedProcess(payload.decode(), *rest[:-1])


@worker_handlers.WorkerHandler.register_environment(URN, bytes)
class WatchedProcessHandler(worker_handlers.GrpcWorkerHandler):
    """Starts a worker process, and answers in its place once it is gone."""

    def __init__(self, command: bytes, state: Any, provision_info: Any, grpc_server: Any) -> None:
        super().__init__(state, provision_info, grpc_server)
        self._command = shlex.split(command.decode())
        self._stopped = threading.Event()
        self._deaths = _deaths.get([])

    def start_worker(self) -> None:
        """Starts the process."""
        env = {
            **os.environ,
            "CONTROL_API_SERVICE_DESCRIPTOR": text_format.MessageToString(self.control_api_service_descriptor()),
            "LOGGING_API_SERVICE_DESCRIPTOR": text_format.MessageToString(self.logging_api_service_descriptor()),
            "PIPELINE_OPTIONS": json_format.MessageToJson(self.provision_info.provision_info.pipeline_options),
            "WORKER_ID": self.worker_id,
        }
        with worker_handlers.SUBPROCESS_LOCK:
            self._process = subprocess.Popen(self._command, env=env)
        self._watch = threading.Thread(target=self._answer_for_the_dead, daemon=True)
        self._watch.start()

    def stop_worker(self) -> None:
        """Waits until the process, which was told to end, has done so."""
        self._process.wait()
        self._stopped.set()
        self._watch.join()

    def _answer_for_the_dead(self) -> None:
        code = self._process.wait()
        error = death(self._process.pid, code)
        if code:
            self._deaths.append(error)
        while code and not self._stopped.wait(_INTERVAL):  # requests may come after its death
            unanswered = self.control_conn._futures_by_id
            for instruction in list(unanswered):
                unanswered.pop(instruction).set(
                    beam_fn_api_pb2.InstructionResponse(instruction_id=instruction, error=error)
                )


def death(process: int, code: int) -> str:
    """Tells in words how a worker process ended."""
    if code == STUCK:
        return (
            f"worker process {process} was stuck with one block for longer than --element_processing_timeout_minutes "
            f"and has ended itself; mend what it waits for, or give it more minutes"
        )
    if code < 0:
        name = signal.Signals(-code).name
        hint = ": the system may have run out of memory; use fewer --workers" if name == "SIGKILL" else ""
        return f"worker process {process} was killed ({name}){hint}"
    return f"worker process {process} ended with exit code {code}"
