"""Every parser of ours, fuzzed: by coverage on some thousand inputs (slow), and always on what it started from.

Seed and number of inputs are fixed, so that a change fails for what it changed; `run.py` searches on, with other seeds.
"""

import pytest
from fuzz_engine import REGRESSIONS, fuzz, known, timed
from fuzz_targets import TARGETS

RUNS = 5_000
SECONDS = 60


@pytest.mark.parametrize("name", TARGETS)
def test_known_inputs(name):
    run = TARGETS[name].build()
    for data in known(name):
        run(data)  # what is compiled or loaded at first use is no input's fault
        timed(run, data)


def test_regressions_are_of_targets():
    assert {path.name for path in REGRESSIONS.iterdir() if path.is_dir()} <= set(TARGETS)


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_fuzz(name, tmp_path):
    pytest.importorskip("atheris")
    outcome = fuzz(name, SECONDS, tmp_path, seed=1, runs=RUNS)
    assert outcome.crash is None, f"{outcome.crash!r}\n{outcome.report}"
    assert outcome.runs > 100 and outcome.features
