"""What Beam is spared: the same answers, and none kept for functions that are gone."""

import gc
import weakref

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.worker.statecache import StateCache
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.transforms import core, userstate

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


class Counts(beam.DoFn):
    SEEN = userstate.CombiningValueStateSpec("seen", sum)
    END = userstate.TimerSpec("end", beam.TimeDomain.WATERMARK)

    def process(self, element, seen=beam.DoFn.StateParam(SEEN), end=beam.DoFn.TimerParam(END)):  # noqa: B008
        yield element

    @userstate.on_timer(END)
    def ended(self):
        return []


@pytest.mark.parametrize("of", [*dofns(), Counts], ids=lambda of: of.__name__)
def test_the_same_state_and_timers_as_beam_finds(of, spared):
    known, dofn = userstate.get_dofn_specs, object.__new__(of)
    expected = known.__wrapped__(dofn)
    for _ in range(2):
        found = known(dofn)
        assert found == expected and bool(found[0]) == bool(found[1]) == (of is Counts)
        found[0].add("more")


def test_methods_of_ones_own_are_looked_at_each_time(spared):
    plain, counting = decide._Finish(None), decide._Finish(None)
    counting.counted = Counts().process
    assert userstate.get_dofn_specs(plain) == (set(), set())
    assert userstate.get_dofn_specs(counting) == ({Counts.SEEN}, {Counts.END})


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
