"""Fuzzes targets for long and writes a dated table: `python tests/fuzz/run.py --seconds 600 [--jobs 2] [TARGET…]`."""

import argparse
import hashlib
import platform
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path

from fuzz_engine import HERE, MOST_SECONDS, REGRESSIONS, Outcome, fuzz
from fuzz_targets import TARGETS

RESULTS = HERE / "RESULTS.md"


def fuzzed(name: str, seconds: int) -> Outcome:
    """Fuzzes a target; an input that breaks it is kept among the regressions."""
    with tempfile.TemporaryDirectory() as directory:
        outcome = fuzz(name, seconds, Path(directory))
    if outcome.crash is not None:
        (REGRESSIONS / name).mkdir(parents=True, exist_ok=True)
        (REGRESSIONS / name / hashlib.sha256(outcome.crash).hexdigest()[:16]).write_bytes(outcome.crash)
        print(f"{name}: {outcome.crash[:200]!r}\n{outcome.report}", flush=True)  # noqa: T201
    else:
        print(f"{name}: {outcome.runs:,} inputs", flush=True)  # noqa: T201
    return outcome


def table(outcomes: dict[str, Outcome], seconds: int) -> str:
    """The results as Markdown."""
    made_with = f"Python {platform.python_version()}, atheris {metadata.version('atheris')}"
    lines = [
        f"## {datetime.now(timezone.utc):%Y-%m-%d}: {seconds:,} seconds each",
        "",
        f"{made_with}. An input may take {MOST_SECONDS:g} s of processor time, traced.",
        "",
        "| target | inputs | features covered | slowest input, ms | broke a property |",
        "|---|---|---|---|---|",
    ]
    for name, outcome in outcomes.items():
        broke = "no" if outcome.crash is None else "yes"
        lines.append(f"| {name} | {outcome.runs:,} | {outcome.features:,} | {outcome.slowest * 1000:,.0f} | {broke} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Fuzzes, prints the table and puts it before those in RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", default=list(TARGETS), metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    with ThreadPoolExecutor(arguments.jobs) as pool:
        found = list(pool.map(lambda name: fuzzed(name, arguments.seconds), arguments.targets))
    made = table(dict(zip(arguments.targets, found, strict=True)), arguments.seconds)
    title = "# Fuzzing\n\nEach parser of a stranger's bytes, by `python tests/fuzz/run.py`.\n\n"
    earlier = RESULTS.read_text().removeprefix(title) if RESULTS.exists() else ""
    RESULTS.write_text(title + made + ("\n" + earlier if earlier else ""))
    print(made)  # noqa: T201
    raise SystemExit(any(outcome.crash is not None for outcome in found))


if __name__ == "__main__":
    main()
