"""A few of the trials of crash.py; RESULTS.md has more."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks processes that have threads")
def test_killed_runs_lose_nothing(tmp_path):
    command = [sys.executable, "tests/faults/crash.py", "--trials", "10", "--seed", "2", "--place", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "losses: 0" in done.stdout
