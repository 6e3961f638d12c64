"""Kills runs at any moment, and checks what is there, and that going on gives what an undisturbed run gives.

    python tests/faults/crash.py --trials 200 --seed 1 [--workers 2]

A trial forks a process that has all modules loaded already, which runs one command and is killed with SIGKILL: either
after a random time, or before a random one of its operations on files, as Python's audit events tell them, every fourth
of these among the last. The command is taken up again, with --resume where it is `run`, and killed again, up to four
times, until it ends. Then:

1. after each kill the output is the old one or the new one, whole by `curate verify`, or, without an old one, none;
2. at the end there are the ledger and the documents of an undisturbed run, byte for byte, whole by `curate verify`, and
   nothing is left beside the output, nor of curate's among the temporary files.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from curate.io.output import digests
from curate.pipelines.cli import main
from curate.pipelines.files import BeamFiles
from curate.report.verify import check_counts

COMPARED = ("ledger/", "data/", "held/", "errors/")
SETTINGS = ("run.block_rows=30", "dedupe.lines.enabled=true", "report.enabled=false")
LATE = 25  # operations on files from the report on
MOST_SECONDS = 300
MOST_KILLS = 4  # of one command

EVENTS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree", "os.truncate"}


@dataclass(frozen=True)
class Scenario:
    """A command, and what is there before it."""

    name: str
    arguments: tuple[str, ...]
    replaces: bool

    @property
    def resumes(self):
        return self.arguments[0] == "run"


@dataclass(frozen=True)
class Undisturbed:
    """What a command gives when nobody disturbs it."""

    digests: dict[str, str]
    seconds: float
    operations: int


@dataclass(frozen=True)
class Kill:
    """When a command is killed: after a time, or before an operation on files."""

    seconds: float | None = None
    operation: int | None = None


@dataclass(frozen=True)
class Trial:
    """A command that was killed: how, how far it had come, whether it had been taken up after an earlier kill."""

    scenario: str
    by: str
    stage: str
    resumed: bool
    seconds: float


def documents(number, seed):
    """A few documents with copies among them; enough for every step of a run to have something to do."""
    chance = random.Random(seed)
    words = ["".join(chance.choices("aeioubdfgklmnprstvz", k=chance.randint(2, 8))) for _ in range(600)]
    texts = [" ".join(chance.choices(words, k=chance.randint(30, 90))) for _ in range(number)]
    texts[1::10] = [text + " otherwise" for text in texts[0::10]]
    origins = ["synthetic" if index % 15 == 7 else None for index in range(number)]
    columns = {"id": [f"d{index:04d}" for index in range(number)], "text": texts, "origin": origins}
    return pa.table(columns | {"source": [f"site-{index % 4}" for index in range(number)]})


class Laboratory:
    """Inputs, the commands that are killed, and what they give undisturbed."""

    def __init__(self, place, settings=(), workers=1):
        self.place = Path(place)
        self.workers = ["--workers", str(workers)]
        pq.write_table(documents(240, 1), self.place / "in.parquet", row_group_size=30)
        pq.write_table(documents(60, 2), self.place / "before.parquet")
        self.settings = [f"--set={setting}" for setting in (*SETTINGS, *settings)]
        run = ("run", "--input", str(self.place / "in.parquet"))
        before = ("run", "--input", str(self.place / "before.parquet"))
        for arguments, output in ((before, self.place / "before"), (run, self.place / "annotated")):
            code, *_ = self.command(arguments, output)
            assert code == 0, (code, arguments)
        decide = ("decide", "--annotations", str(self.place / "annotated"), "--apply")
        self.scenarios = [
            Scenario("run", run, replaces=False),
            Scenario("run --overwrite", run, replaces=True),
            Scenario("decide --apply", decide, replaces=False),
            Scenario("decide --apply --overwrite", decide, replaces=True),
        ]
        self.undisturbed = {scenario.name: self._undisturbed(scenario) for scenario in self.scenarios}

    def command(self, arguments, output, more=(), kill=None, trial=None):
        """Runs a command in a fork; returns its exit code (negative: the signal), seconds and operations on files."""
        settings = self.settings if arguments[0] == "run" else []
        counted = self.place / "operations"
        started = time.monotonic()
        child = os.fork()
        if not child:
            line = [*arguments, "--output", str(output), *self.workers, *settings, *more]
            _run_here(line, output, kill or Kill(), counted, trial)
        code = _wait(child)
        operations = int(counted.read_text() or 0) if code == 0 else 0
        return code, time.monotonic() - started, operations

    def chain(self, scenario, chance):
        """A command, killed and taken up again until it has ended; a trial for each time that it was killed."""
        folder = Path(tempfile.mkdtemp(prefix="chain-", dir=self.place))
        output, undisturbed = folder / "out", self.undisturbed[scenario.name]
        if scenario.replaces:
            shutil.copytree(self.place / "before", output)
        more, problems, trials = ["--overwrite"] * scenario.replaces, [], []
        for number in range(MOST_KILLS + 1):
            kill = _moment(undisturbed, chance) if number < MOST_KILLS else Kill()
            again = ["--resume"] * (number > 0 and scenario.resumes)
            code, seconds, _ = self.command(scenario.arguments, output, [*more, *again], kill, folder)
            if code >= 0:
                break
            by = "time" if kill.operation is None else "operation"
            done = _compared(output) == undisturbed.digests
            trials.append(Trial(scenario.name, by, _stage(output, done), bool(number), round(seconds, 1)))
            problems += self._wrong(output, scenario)
            if done:
                code = 0
                break
        if code:
            problems.append(f"going on ended with {code}: {(folder / 'log').read_text()[-300:]}")
        elif _compared(output) != undisturbed.digests:
            problems.append("going on gave another output")
        elif found := check_counts(output):
            problems.append(f"verify after going on: {found[0]}")
        if trials and trials[-1].stage != "put in place":
            left = {path.name for path in (*folder.iterdir(), *folder.glob("tmp/curate-*"))} - {"out", "log", "tmp"}
            problems += [f"left behind: {sorted(left)}"] * bool(left)
        if not problems:
            shutil.rmtree(folder)
        return trials, problems

    def _undisturbed(self, scenario):
        output = Path(tempfile.mkdtemp(prefix="undisturbed-", dir=self.place)) / "out"
        if scenario.replaces:
            shutil.copytree(self.place / "before", output)
        code, seconds, operations = self.command(
            scenario.arguments, output, ["--overwrite"] if scenario.replaces else []
        )
        assert code == 0, code
        return Undisturbed(_compared(output), seconds, operations)

    def _wrong(self, output, scenario):
        """What is wrong with what a killed command has left at the output's place."""
        if not output.exists() or not any(output.iterdir()):
            return ["the old output is gone"] if scenario.replaces else []
        old = [_compared(self.place / "before")] * scenario.replaces
        if _compared(output) not in [self.undisturbed[scenario.name].digests, *old]:
            return ["the output is neither the old nor the new one"]
        return [f"verify of what was left: {problem}" for problem in check_counts(output)]


def run_trials(laboratory, trials, seed, tell):
    """Chains at moments drawn with the seed, until so many commands were killed."""
    chance = random.Random(seed)
    done = 0
    for scenario in cycle(laboratory.scenarios):
        if done >= trials:
            return
        killed, problems = laboratory.chain(scenario, chance)
        done += len(killed)
        tell(killed, problems)


def _moment(undisturbed, chance):
    if chance.random() < 0.4:
        return Kill(seconds=chance.uniform(0, undisturbed.seconds))
    first = max(0, undisturbed.operations - LATE) if chance.random() < 0.25 else 0
    return Kill(operation=chance.randrange(first, undisturbed.operations))


def _run_here(arguments, output, kill, counted, folder):
    """In the fork: runs a command until its end or its death."""
    log = os.open(folder / "log" if folder else counted.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    if folder:
        tempfile.tempdir = str(folder / "tmp")
        os.makedirs(tempfile.tempdir, exist_ok=True)
    operations = 0
    beside = os.path.dirname(str(output))

    def hook(event, arguments):
        nonlocal operations
        if event in EVENTS and isinstance(arguments[0], str) and arguments[0].startswith(beside):
            if operations == kill.operation:
                os.kill(os.getpid(), signal.SIGKILL)
            operations += 1

    sys.addaudithook(hook)
    if kill.seconds is not None:
        _kill_after(kill.seconds)
    code = 1
    try:
        main(arguments)
    except SystemExit as stop:
        code = stop.code
    finally:
        counted.write_text(str(operations))
        os._exit(code)


def _kill_after(seconds):
    """Kills this process with SIGKILL from another one: no thread of this one needs to get its turn for it."""
    target = os.getpid()
    if not os.fork():
        time.sleep(seconds)
        if os.getppid() == target:
            os.kill(target, signal.SIGKILL)
        os._exit(0)


def _wait(child):
    until = time.monotonic() + MOST_SECONDS
    while time.monotonic() < until:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -signal.SIGALRM


def _compared(output):
    """Digest by name of the files that decisions are in."""
    if not output.is_dir():
        return {}
    return {name: value for name, value in digests(str(output), BeamFiles()).items() if name.startswith(COMPARED)}


def _stage(output, done):
    """How far a killed command had come, by what it has left."""
    staging = output.with_name(f".{output.name}.curate-staging")
    for stage, pattern in (
        ("manifest", "manifest.json"),
        ("report", "report.json"),
        ("apply", "data/*"),
        ("decide", "ledger/*"),
        ("annotated", "annotations/annotations.json"),
        ("annotate", "annotations/features/*"),
        ("begun", "*"),
    ):
        if any(staging.glob(pattern)):
            return stage
    return "put in place" if done else "before"


def table(trials, problems):
    """The trials by command and stage, in Markdown."""
    counted = Counter((trial.scenario, trial.stage) for trial in trials)
    again = Counter((trial.scenario, trial.stage) for trial in trials if trial.resumed)
    head = ["| command | killed at | trials | of these taken up before |", "|---|---|---|---|"]
    rows = [f"| {' | '.join(key)} | {counted[key]} | {again[key]} |" for key in sorted(counted)]
    return "\n".join([*head, *rows, f"| all | | {len(trials)} | {sum(again.values())} |", "", f"losses: {problems}"])


def say(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1, help="processes of each command; its own one is killed")
    parser.add_argument("--place", help="directory to work in, which is kept")
    given = parser.parse_args()
    place = given.place or tempfile.mkdtemp(prefix="crash-")
    os.makedirs(place, exist_ok=True)
    laboratory = Laboratory(place, workers=given.workers)
    say(json.dumps({name: [round(u.seconds, 1), u.operations] for name, u in laboratory.undisturbed.items()}))
    trials, problems = [], []

    def tell(killed, wrong):
        trials.extend(killed)
        problems.extend(wrong)
        for line in (*killed, *wrong):
            say(line)

    with contextlib.suppress(KeyboardInterrupt):
        run_trials(laboratory, given.trials, given.seed, tell)
    say(table(trials, len(problems)))
    sys.exit(bool(problems))
