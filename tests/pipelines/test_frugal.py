"""What Beam is spared: the same answers, and none kept for functions that are gone."""

import gc
import weakref

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.worker.statecache import StateCache
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.transforms import core

from curate.pipelines import frugal, runner
from curate.transforms import annotate, decide, duplicates


def dofns():
    return [
        found
        for module in (annotate, decide, duplicates)
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, beam.DoFn)
    ]


@pytest.fixture
def spared():
    runner.make_runner(runner.beam_options([], 1))


@pytest.mark.parametrize("of", dofns(), ids=lambda of: of.__name__)
def test_the_same_arguments_as_beam_finds(of, spared):
    known = core.get_function_args_defaults
    for name in ("process", "setup", "start_bundle", "finish_bundle"):
        method = getattr(of, name).__get__(object.__new__(of))
        assert known(method) == known.__wrapped__(method)


def test_answers_are_the_callers_own(spared):
    method = decide._Finish(None).process
    core.get_function_args_defaults(method)[0].append("more")
    assert "more" not in core.get_function_args_defaults(method)[0]


def test_functions_are_not_kept_alive():
    look_up = frugal.remembering(lambda function: (["element"], []))

    def make():
        class Short(beam.DoFn):
            def process(self, element):
                yield element

        look_up(Short().process)
        return weakref.ref(Short.process)

    gone = make()
    gc.collect()
    assert gone() is None


def test_sparing_twice_is_sparing_once(spared):
    before = core.get_function_args_defaults
    frugal.spare()
    assert core.get_function_args_defaults is before


def test_no_state_is_measured(spared, monkeypatch):
    monkeypatch.setattr(StateCache, "get", lambda *_: pytest.fail("a side input went through the state cache"))
    options = PipelineOptions(["--runner=FnApiRunner"])
    pipeline = beam.Pipeline(runner=runner.make_runner(options), options=options)
    side = beam.pvalue.AsSingleton(pipeline | "Side" >> beam.Create([2]))
    seen = pipeline | beam.Create([1]) | beam.Map(lambda one, two: one + two, side)
    assert_that(seen, equal_to([3]))
    runner.run(pipeline)
