"""Fuzzes one target with coverage guidance (atheris, which is libFuzzer) in a process of its own.

As a program, `fuzz_engine.py TARGET SECONDS DIRECTORY SEED RUNS` fuzzes and never returns; `fuzz` runs it and reads
what it says.
"""

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from fuzz_targets import TARGETS, Run

HERE = Path(__file__).parent
REGRESSIONS = HERE / "regressions"
COMPILED = [
    str(path.relative_to(HERE.parents[1])).removesuffix(".py").replace("/", ".")
    for path in (HERE.parents[1] / "curate").rglob("*.py")
    if "njit" in path.read_text(encoding="utf-8")
]
"""Modules with functions that Numba compiles, which cannot be traced."""
MOST_SECONDS = 1.0
"""Of processor time that an input may take, traced as it is."""


@dataclass(frozen=True)
class Outcome:
    """What a process of fuzzing found.

    Attributes:
        runs: inputs that were tried.
        features: of coverage that were reached: edges with how often, and compared values.
        slowest: processor seconds of the slowest input.
        crash: the input that broke a property, None without.
        report: the end of the traceback, or of what the process said.
    """

    runs: int
    features: int
    slowest: float
    crash: bytes | None
    report: str


def timed(run: Run, data: bytes) -> float:
    """Runs a target on one input; the seconds of processor time that it took.

    Raises:
        AssertionError: it took more than `MOST_SECONDS`; or whatever the target raises.
    """
    start = time.process_time()
    run(data)
    seconds = time.process_time() - start
    assert seconds <= MOST_SECONDS, f"{seconds:.2f} s for {len(data):,} bytes"
    return seconds


def known(name: str) -> list[bytes]:
    """The inputs that a target starts from: its seeds, and those that once broke a property."""
    found = sorted((REGRESSIONS / name).glob("*"))
    return [*TARGETS[name].seeds, *(path.read_bytes() for path in found)]


def words(seeds: list[bytes]) -> list[str]:
    """The words of a format, which mutations put in; what parsers in C compare with is not traced."""
    found = {word for seed in seeds for word in re.findall(rb"[<&@]?[\w:/.-]{3,60}", seed)}
    return sorted(word.decode() for word in found if word.isascii())


def fuzz(name: str, seconds: int, directory: Path, seed: int = 0, runs: int = -1) -> Outcome:
    """Fuzzes a target for so many seconds or inputs, whichever are over first.

    Args:
        name: of the target.
        seconds: to spend.
        directory: an empty one to work in.
        seed: of the mutations; with 0 every run tries others.
        runs: inputs to try; -1 is any number. With a seed these are nearly the same each time (addresses count too).
    """
    command = [sys.executable, __file__, name, str(seconds), str(directory), str(seed), str(runs)]
    environment = {**os.environ, "PYTHONHASHSEED": str(seed or "random")}  # the order of sets is coverage too
    done = subprocess.run(command, capture_output=True, timeout=seconds * 2 + 300, check=False, env=environment)
    told = done.stderr.decode("utf-8", "replace")
    executed = re.search(r"stat::number_of_executed_units:\s*(\d+)", told)
    features = re.findall(r"\bft: (\d+)", told)
    crashes = sorted((directory / "findings").glob("*"))
    slowest = directory / "slowest"
    assert crashes or done.returncode == 0, told[-3000:]
    return Outcome(
        runs=int(executed[1]) if executed else 0,
        features=int(features[-1]) if features else 0,
        slowest=float(slowest.read_text()) if slowest.exists() else 0.0,
        crash=crashes[0].read_bytes() if crashes else None,
        report=done.stdout.decode("utf-8", "replace")[-3000:] or told[-3000:],
    )


def main(name: str, seconds: str, directory: str, seed: str, runs: str) -> None:
    """Fuzzes until the time or the inputs are over or a property is broken."""
    import atheris

    with atheris.instrument_imports(include=["curate"], exclude=COMPILED):
        run = TARGETS[name].build()
    corpus, findings = Path(directory) / "corpus", Path(directory) / "findings"
    corpus.mkdir()
    findings.mkdir()
    for number, start in enumerate(known(name)):
        (corpus / f"{number:04d}").write_bytes(start)
        run(start)  # what is compiled or loaded at first use is no input's fault
    slowest = 0.0

    def one(data: bytes) -> None:
        nonlocal slowest
        took = timed(run, data)
        if took > slowest * 1.1:  # libFuzzer ends the process without another word
            slowest = took
            (Path(directory) / "slowest").write_text(str(took))

    dictionary = Path(directory) / "dictionary"
    dictionary.write_text("".join(f'"{word}"\n' for word in words(known(name))))
    options = (
        f"-seed={seed}",
        f"-runs={runs}",
        f"-max_total_time={seconds}",
        "-max_len=16384",
        "-len_control=20",
        "-timeout=20",
    )
    written = ("-rss_limit_mb=4096", f"-dict={dictionary}", f"-artifact_prefix={findings}/", "-print_final_stats=1")
    atheris.Setup([sys.argv[0], *options, *written, str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
