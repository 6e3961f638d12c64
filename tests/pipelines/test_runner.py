import pytest
from apache_beam.options.pipeline_options import DirectOptions, SetupOptions, StandardOptions
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
