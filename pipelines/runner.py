"""Which Beam runner a job uses: the one named by Beam's options, else FnApiRunner in one or N processes."""

import argparse
import contextlib
import importlib
import io
import logging
import os
import shlex
from typing import Iterable, Optional, Sequence

import apache_beam as beam
import grpc
from apache_beam.options.pipeline_options import (
    DirectOptions,
    PipelineOptions,
    PipelineOptionsT,
    PortableOptions,
    SetupOptions,
    StandardOptions,
    WorkerOptions,
)
from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
from apache_beam.portability.api import beam_job_api_pb2, beam_provision_api_pb2
from apache_beam.runners.portability.fn_api_runner import fn_runner
from apache_beam.runners.portability.portable_runner import JobServiceHandle, PortableRunner
from apache_beam.runners.runner import PipelineRunner
from apache_beam.transforms import environments

from curate.errors import UsageError
from curate.pipelines.frugal import spare
from curate.pipelines.processes import WatchedProcess, deaths_told
from curate.processes import python_command
from curate.threads import use_threads
from curate.transforms.spool import spooled

LOCAL_RUNNERS = (None, "FnApiRunner")
STUCK_MINUTES = 60
"""After so long with one block a worker process of a local run ends, unless Beam's options say otherwise."""


class _Options(PipelineOptions):
    """Beam's options with views that are made once.

    Beam asks for a view at each of hundreds of type checks, and would parse all flags anew for every one.
    """

    def view_as(self, cls: type[PipelineOptionsT]) -> PipelineOptionsT:
        """The options as a view of this class; changes in it are seen by all views."""
        views = self.__dict__.setdefault("_views", {})
        if cls not in views:
            views[cls] = super().view_as(cls)
        return views[cls]


def beam_options(arguments: Sequence[str], workers: int) -> PipelineOptions:
    """Beam's options from the arguments that curate did not take itself.

    The runner is always named: Beam's own default would first look for a Prism binary to download.

    Raises:
        UsageError: Beam does not know an option either.
    """
    options = _Options(list(arguments))
    try:
        with contextlib.redirect_stderr(io.StringIO()) as complaint:
            known = options.get_all_options(drop_default=False)
            unknown = _unknown(arguments)
            if unknown and known["job_endpoint"] not in (None, "embed"):
                unknown = _unknown(arguments, _options_of_job_server(options))
    except SystemExit:
        reason = " ".join(complaint.getvalue().split()).rpartition("error: ")[2]
        raise UsageError(f"Beam cannot read its options {' '.join(arguments)!r} ({reason}); mend them") from None
    if unknown and unknown[0].startswith("-"):
        raise UsageError(
            f"unknown option {unknown[0]!r}: neither curate nor Beam has it; `curate run --help` lists curate's"
        )
    if unknown:
        raise UsageError(
            f"unexpected argument {unknown[0]!r}, expected options; quote globs, and put --input before each input"
        )
    runner = _check_runner(known["runner"])
    if known["runner"] in LOCAL_RUNNERS:
        options.view_as(StandardOptions).runner = "FnApiRunner"
        if workers > 1:
            direct = options.view_as(DirectOptions)
            direct.direct_num_workers = workers
            if known["element_processing_timeout_minutes"] is None:
                options.view_as(WorkerOptions).element_processing_timeout_minutes = STUCK_MINUTES
            if known["default_sdk_harness_log_level"] is None:
                options.view_as(WorkerOptions).default_sdk_harness_log_level = "CRITICAL"  # see `quiet`
    options.view_as(SetupOptions).pickle_library = "cloudpickle"
    _check_complete(options, runner)
    return options


def _check_runner(name: Optional[str]) -> PipelineRunner:
    try:
        return beam.runners.create_runner(name or "FnApiRunner")
    except (ValueError, ImportError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"runner {name!r}: {reason}; name one of Beam's runners, or none for a local run") from None


def _check_complete(options: PipelineOptions, runner: PipelineRunner) -> None:
    """Refuses before anything is read what Beam and Dataflow would refuse once the job is submitted."""
    name = type(runner).__name__
    if errors := PipelineOptionsValidator(options, runner).validate():
        raise UsageError(f"{name} refuses Beam's options: {' '.join(' '.join(errors).split())}; mend them")
    if name == "DataflowRunner":
        try:
            importlib.import_module("apache_beam.runners.dataflow.internal.apiclient")
        except ImportError as error:
            raise UsageError(
                f"{name} needs Google's client libraries ({error}); install them: pip install 'apache-beam[gcp]'"
            ) from None


def _unknown(
    arguments: Sequence[str], of_job_server: Iterable[beam_job_api_pb2.PipelineOptionDescriptor] = ()
) -> list[str]:
    """What Beam would discard, in order."""
    parser = beam.options.pipeline_options._BeamArgumentParser(allow_abbrev=False)
    for options in PipelineOptions.__subclasses__():
        options._add_argparse_args(parser)
    for option in of_job_server:
        with contextlib.suppress(argparse.ArgumentError):  # Beam has it in Python too
            is_flag = option.type == beam_job_api_pb2.PipelineOptionType.BOOLEAN
            parser.add_argument(f"--{option.name}", action="store_true" if is_flag else "store")
    return parser.parse_known_args(list(arguments))[1]


def _options_of_job_server(options: PipelineOptions) -> Iterable[beam_job_api_pb2.PipelineOptionDescriptor]:
    """Options that Beam has in Java only, such as `environment_expiration_millis`; none where the server tells none.

    Raises:
        UsageError: nobody answers.
    """
    endpoint = options.view_as(PortableOptions).job_endpoint
    try:
        server = PortableRunner().create_job_service(options).job_service
        return server.DescribePipelineOptions(beam_job_api_pb2.DescribePipelineOptionsRequest()).options
    except grpc.FutureTimeoutError:
        raise UsageError(
            f"job server {endpoint!r} does not answer, expected one for Flink, Spark or Prism; start it, or mend "
            "--job_endpoint"
        ) from None
    except grpc.RpcError:
        return ()


def is_local(options: PipelineOptions) -> bool:
    """Whether a job runs on this machine, in this process or in processes of its own."""
    return options.view_as(StandardOptions).runner == "FnApiRunner"


def make_runner(options: PipelineOptions) -> Optional[PipelineRunner]:
    """The runner object for local runs, which delivers the options to worker processes; None lets Beam choose."""
    if not is_local(options):
        return None
    spare()
    # FnApiRunner by name keeps the options to itself: file systems, picklers and plugins would be lost.
    encoded = JobServiceHandle.encode_pipeline_options(options.get_all_options())
    return fn_runner.FnApiRunner(
        default_environment=_worker_processes(options),
        provision_info=fn_runner.ExtendedProvisionInfo(beam_provision_api_pb2.ProvisionInfo(pipeline_options=encoded)),
    )


def _worker_processes(options: PipelineOptions) -> Optional[environments.Environment]:
    """Watched worker processes, quiet unless somebody asked for Beam's log; None for a run in this process."""
    direct = options.view_as(DirectOptions)
    if direct.direct_running_mode != "in_memory" or direct.direct_num_workers == 1:
        return None
    silent = options.view_as(WorkerOptions).default_sdk_harness_log_level == "CRITICAL"
    command = [*python_command("curate.pipelines.worker"), *([] if silent else ["--log"])]
    return WatchedProcess.from_command_string(shlex.join(command))


def quiet() -> None:
    """Silences Beam's local runner: its lines tell a user of curate nothing, and what fails is raised besides."""
    for name in ("apache_beam", "root"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def run(pipeline: beam.Pipeline) -> None:
    """Runs a pipeline to its end.

    A local run keeps large tables on disk between its steps. One in this process has all cores to itself, and lets
    compiled loops use them.

    Raises:
        RuntimeError: it did not finish successfully.
    """
    options = pipeline.options
    local = is_local(options)
    use_threads(len(os.sched_getaffinity(0)) if local and not _worker_processes(options) else 1)
    with spooled() if local else contextlib.nullcontext(), deaths_told():
        state = pipeline.run().wait_until_finish()
    if state != beam.runners.runner.PipelineState.DONE:
        raise RuntimeError(f"the Beam job ended in state {state}")
