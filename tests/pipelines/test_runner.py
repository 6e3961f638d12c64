import contextlib
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from apache_beam.options.pipeline_options import DirectOptions, SetupOptions, StandardOptions
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc
from apache_beam.runners.portability.fn_api_runner import fn_runner
from apache_beam.transforms import environments

from curate.errors import UsageError
from curate.pipelines.processes import WatchedProcess
from curate.pipelines.runner import beam_options, make_runner


def test_the_runner_is_always_named():
    options = beam_options([], workers=1)
    assert options.view_as(StandardOptions).runner == "FnApiRunner"
    assert options.view_as(SetupOptions).pickle_library == "cloudpickle"
    assert isinstance(make_runner(options), fn_runner.FnApiRunner)


def test_workers_are_processes():
    direct = beam_options([], workers=3).view_as(DirectOptions)
    assert direct.direct_num_workers == 3
    for workers, kind in ((1, environments.EmbeddedPythonEnvironment), (3, WatchedProcess)):
        assert type(make_runner(beam_options([], workers))._default_environment) is kind


def test_another_runner_is_left_to_beam():
    options = beam_options(["--runner", "DirectRunner"], workers=1)
    assert make_runner(options) is None


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--bogus"], "unknown option '--bogus'"),
        (["--job_nam", "x"], "unknown option '--job_nam'"),
        (["--job_name", "x", "stray"], "unexpected argument 'stray'"),
        (["--direct_num_workers", "x"], "invalid int value"),
    ],
)
def test_what_beam_does_not_know_is_refused(arguments, expected, capsys):
    with pytest.raises(UsageError, match=expected):
        beam_options(arguments, workers=1)
    assert capsys.readouterr().err == ""


class JobServer(beam_job_api_pb2_grpc.JobServiceServicer):
    """Tells options that Beam's Java runners have and Beam in Python does not."""

    def DescribePipelineOptions(self, request, context):
        kinds = beam_job_api_pb2.PipelineOptionType
        described = [
            ("environment_expiration_millis", kinds.INTEGER),
            ("eager", kinds.BOOLEAN),
            ("runner", kinds.STRING),
        ]
        options = [beam_job_api_pb2.PipelineOptionDescriptor(name=name, type=kind) for name, kind in described]
        return beam_job_api_pb2.DescribePipelineOptionsResponse(options=options)


@pytest.fixture
def job_server():
    @contextlib.contextmanager
    def serve(servicer):
        server = grpc.server(ThreadPoolExecutor(1))
        beam_job_api_pb2_grpc.add_JobServiceServicer_to_server(servicer, server)
        port = server.add_insecure_port("localhost:0")
        server.start()
        yield "--runner=PortableRunner", f"--job_endpoint=localhost:{port}", "--environment_type=LOOPBACK"
        server.stop(None)

    return serve


def test_options_of_a_job_server_are_known(job_server):
    with job_server(JobServer()) as given:
        for more in (["--environment_expiration_millis=30000"], ["--eager", "--environment_expiration_millis", "3"]):
            assert beam_options([*given, *more], workers=1)._flags == [*given, *more]
        with pytest.raises(UsageError, match="unknown option '--bogus'"):
            beam_options([*given, "--eager", "--bogus"], workers=1)


def test_a_job_server_that_tells_no_options_has_none(job_server):
    with job_server(beam_job_api_pb2_grpc.JobServiceServicer()) as given:
        assert beam_options(given, workers=1)
        with pytest.raises(UsageError, match="unknown option '--eager'"):
            beam_options([*given, "--eager"], workers=1)


def test_a_job_server_that_does_not_answer_is_told():
    given = ["--runner=PortableRunner", "--job_endpoint=localhost:1", "--job_server_timeout=1"]
    with pytest.raises(UsageError, match="job server 'localhost:1' does not answer"):
        beam_options([*given, "--eager"], workers=1)
