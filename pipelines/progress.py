"""What a person sees while a run works: a bar with rate and time left on a terminal, else one line per phase.

Beam's local runner reports nothing before a job ends, and other runners report elsewhere, so progress is read off
the files that the workers have written.
"""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator

from curate.io.filesystem import is_remote
from curate.io.sources import InputPlan
from curate.pipelines.files import BeamFiles

_INTERVAL = 0.5  # seconds between looks at the directory

Measure = Callable[[], int]


def say(message: str) -> None:
    """Prints a line to standard error, where progress goes."""
    print(f"curate: {message}", file=sys.stderr, flush=True)  # noqa: T201


@contextlib.contextmanager
def phase(name: str, total: int, measure: Measure | None = None) -> Iterator[None]:
    """Shows the progress of a phase while the block runs.

    Args:
        name: of the phase.
        total: documents that it will go through.
        measure: documents done so far; None where that cannot be told.
    """
    started = time.monotonic()
    if measure is not None and sys.stderr.isatty():
        with _bar(name, total, measure):
            yield
        return
    say(f"{name} …")
    yield
    seconds = time.monotonic() - started
    say(f"{name}: {total:,} documents in {seconds:.1f} s ({total / max(seconds, 1e-9):,.0f}/s)")


@contextlib.contextmanager
def _bar(name: str, total: int, measure: Measure) -> Iterator[None]:
    from tqdm import tqdm

    stop = threading.Event()
    with tqdm(total=total, desc=name, unit=" docs", unit_scale=True, dynamic_ncols=True) as bar:

        def follow() -> None:
            while not stop.wait(_INTERVAL):
                bar.update(max(0, min(measure(), total) - bar.n))

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        try:
            yield
            bar.update(total - bar.n)
        finally:
            stop.set()
            thread.join()


def annotated_documents(directory: str, plan: InputPlan) -> Measure | None:
    """Documents whose features are on disk, told from the names of the parts; None for remote directories."""
    if is_remote(directory):
        return None

    def measure() -> int:
        reached: dict[int, int] = {}
        for file in BeamFiles().match(f"{directory}/*.parquet"):
            location = int(file.path.rsplit("-", 1)[1].removesuffix(".parquet"), 16)
            split, row = location >> 32, location & 0xFFFFFFFF
            reached[split] = max(reached.get(split, 0), row + plan.block_rows)
        own = [(split, row) for split, row in reached.items() if split < len(plan.splits)]  # not of an earlier output
        return sum(min(row, plan.splits[split].rows) for split, row in own)

    return measure


def applied_documents(directory: str, plan: InputPlan) -> Measure | None:
    """Documents of the splits whose part is in the output; None for remote directories."""
    if is_remote(directory):
        return None

    def measure() -> int:
        parts = BeamFiles().match(f"{directory}/part-*.parquet")
        numbers = {int(file.path.rsplit("/part-", 1)[1].split("-")[0]) for file in parts}
        return sum(plan.splits[number].rows for number in numbers)

    return measure
