"""Mutates the modules that decide, and counts the mutants that tests kill: `python tests/mutation/run.py [MODULE…]`.

Needs `pip install cosmic-ray==8.7.0`, which makes the mutants; its sessions (`--sessions DIRECTORY`) can be looked
at with `cr-report` and `cr-html`. A mutant is killed when its module's tests fail or take far more processor time than
without it.

What is left out, by the filters below, since it decides nothing or nothing new:

* decorators and annotations: what is frozen, cached or compiled, and types; the `*` before keyword parameters;
* operators of another kind. Arithmetic is replaced by arithmetic and logic by logic: `<<` of floats or `-` of booleans
  is an error that any test sees, and of booleans `*` is `&` and `+` is `|`;
* identity for comparison: no array and no number is another.
"""

import argparse
import ast
import difflib
import gc
import hashlib
import os
import re
import resource
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from importlib import import_module
from pathlib import Path

import numba
import pytest
from cosmic_ray.commands import init
from cosmic_ray.mutating import use_mutation
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec, TestOutcome, WorkerOutcome, WorkResult
from hypothesis import Phase, settings

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RESULTS = HERE / "RESULTS.md"
PARTS = ("curate", "transforms", "pipelines", "tests")

MODULES = {
    "curate/decisions/survivors.py": ("decisions/test_survivors.py",),
    "curate/decisions/verification.py": ("decisions/test_verification.py",),
    "curate/duplicates/verify.py": ("duplicates/test_verify.py",),
    "curate/detector/calibration.py": ("detector/test_calibration.py", "detector/test_sample.py"),
    "curate/detector/thresholds.py": ("detector/test_thresholds.py",),
    "curate/provenance/origin.py": ("provenance/test_origin.py",),
    "curate/mixture/allocation.py": ("mixture/test_allocation.py",),
    "curate/decisions/documents.py": ("decisions/test_documents.py",),
    "curate/decisions/verdict.py": ("decisions/test_verdict.py",),
    "curate/decisions/groups.py": (
        "decisions/test_reasons.py",
        "decisions/test_documents.py",
        "decisions/test_earlier.py",
        "decisions/test_review.py",
        "decisions/test_watermarks.py",
        "decisions/test_windows.py",
    ),
    "curate/decisions/mixing.py": ("decisions/test_mixing.py",),
}
"""Each module and the tests, below tests/curate, that are to kill its mutants."""

ARITHMETIC, LOGIC = "Add|Sub|Mul|Div|FloorDiv|Mod|Pow", "BitOr|BitAnd|BitXor"
LEFT_OUT = re.compile(
    "core/RemoveDecorator"
    f"|core/ReplaceBinaryOperator_({ARITHMETIC})_({LOGIC}|LShift|RShift)"
    f"|core/ReplaceBinaryOperator_({LOGIC})_({ARITHMETIC}|LShift|RShift)"
    "|core/ReplaceComparisonOperator_(Eq|NotEq|Lt|LtE|Gt|GtE)_(Is|IsNot)"
)

PLUGINS = ("_hypothesis_pytestplugin", "pytest_timeout")
LIBRARIES = ("hypothesis.extra.numpy", "pandas", "pyarrow.parquet", "scipy.stats", "xxhash", "yaml", *PLUGINS)
"""Loaded once, before the tests of every mutant run in a fork."""

MANY, FEW = 300, 60
"""A property that asks for more than many examples gets a few: thousands for every mutant would take days."""

BYTES = 4 << 30
"""Memory that the tests of a mutant may take."""


def tests_pass(module: str, seconds: float | None = None) -> tuple[bool | None, float]:
    """Whether the tests of a module pass in a fork of this process, and the seconds of processor time they took.

    Args:
        module: key of `MODULES`.
        seconds: of processor time, after which they are stopped; then neither True nor False is returned.
    """
    child = os.fork()
    if not child:
        _run_tests(module, seconds)
    _, status, usage = os.wait4(child, 0)
    stopped = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU
    return None if stopped else status == 0, usage.ru_utime + usage.ru_stime


def _run_tests(module: str, seconds: float | None) -> None:
    """Runs the tests of a module and leaves the process with their exit code."""
    code = 1
    try:
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        if seconds is not None:
            sys.dont_write_bytecode = (
                True  # which is kept by file and second: one mutant is not to be taken for another
            )
            resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 10))
            resource.setrlimit(resource.RLIMIT_DATA, (BYTES, BYTES))
        tests = [f"tests/curate/{test}" for test in MODULES[module]]
        code = pytest.main(["-x", "--hypothesis-profile=mutation", *(f"-p{name}" for name in PLUGINS), *tests])
    finally:
        os._exit(code)


def load_what_stays(module: str) -> None:
    """Loads what the tests of a module import, without the module and whatever imports it: forks load these anew."""
    for name in _loaded():
        del sys.modules[name]
    # What is compiled is kept by file, so that a mutant could be taken for another.
    numba.config.DISABLE_JIT = module == "curate/duplicates/verify.py"
    name = module.removesuffix(".py").replace("/", ".")
    import_module(name)
    for test in MODULES[module]:
        path = Path("tests/curate", test)
        for file in (path, path.with_name("conftest.py")):
            for wanted in _imports(file) if file.exists() else ():
                if (ROOT / wanted.replace(".", "/")).with_suffix(".py").exists():
                    import_module(wanted)
    imports = {loaded: _imports(Path(sys.modules[loaded].__file__)) for loaded in _loaded()}
    stale, found = set(), {name}
    while found:
        stale |= found
        found = {loaded for loaded, wanted in imports.items() if wanted & stale} - stale
    for loaded in stale:
        package, _, last = loaded.rpartition(".")
        delattr(sys.modules[package], last)
    for loaded in stale:
        del sys.modules[loaded]
    gc.freeze()  # no fork need look through what is loaded


def _loaded() -> list[str]:
    return [name for name in sys.modules if name.split(".")[0] == "curate"]


def _imports(file: Path) -> set[str]:
    """The modules of curate that a file imports, and what it imports from them, which may be modules as well."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "curate":
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return found


def idle_places(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Where decorators and annotations begin and end, as (line, column)."""
    found: list[ast.expr | None] = []
    for node in ast.walk(ast.parse(source)):
        found += getattr(node, "decorator_list", [])
        found += [getattr(node, name, None) for name in ("annotation", "returns")]
    return [((node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)) for node in found if node]


def leave_out(session: WorkDB, module: str) -> None:
    """Marks the mutants that decide nothing as skipped, as the filters of cosmic-ray do."""
    source = Path(module).read_text()
    idle, lines = idle_places(source), source.splitlines()
    for item in session.work_items:
        (mutation,) = item.mutations
        line, column = mutation.start_pos
        inside = any(start <= (line, column) < end for start, end in idle) or lines[line - 1][column:] == "*,"
        if inside or LEFT_OUT.match(mutation.operator_name):
            session.set_result(item.job_id, WorkResult(WorkerOutcome.SKIPPED))


def outcome(module: str, mutation: MutationSpec, seconds: float) -> WorkResult:
    """What the tests say of a mutant."""
    operator = get_operator(mutation.operator_name)(**mutation.operator_args)
    with use_mutation(mutation.module_path, operator, mutation.occurrence) as (source, mutant):
        passed, _ = tests_pass(module, seconds)
    changed = difflib.unified_diff(source.splitlines(), mutant.splitlines(), lineterm="", n=0)
    found = TestOutcome.SURVIVED if passed else TestOutcome.KILLED
    return WorkResult(WorkerOutcome.NORMAL, "timed out" if passed is None else "", found, "\n".join([*changed][2:]))


def mutated(module: str, session: WorkDB, again: bool, most: int | None) -> Counter[str]:
    """Runs the tests on the mutants of a module, and prints those that survive; how many came to which end.

    Args:
        module: key of `MODULES`.
        session: keeps what became of them; what it has is not run again.
        again: but for those that survived: more tests kill no fewer than before.
        most: mutants to run; the others wait.
    """
    load_what_stays(module)
    passed, _ = tests_pass(module)
    if not passed:
        raise SystemExit(f"the tests of {module} fail without a mutation")
    _, usual = tests_pass(module)  # now that all is compiled
    whole = Path(module).read_text()
    Path(module).write_text("raise AssertionError\n")
    if tests_pass(module)[0]:
        raise SystemExit(f"the tests of {module} do not run it")
    Path(module).write_text(whole)
    if not session.num_work_items:
        init([Path(module)], session, {})
    leave_out(session, module)
    survivors = [item for item, result in session.completed_work_items if result.test_outcome == TestOutcome.SURVIVED]
    for item in [*(survivors if again else ()), *session.pending_work_items][:most]:
        (mutation,) = item.mutations
        result = outcome(module, mutation, 10 + 5 * usual)
        session.set_result(item.job_id, result)
        if not result.is_killed:
            print(f"{module}: {mutation.operator_name}\n{result.diff}\n", flush=True)  # noqa: T201
    results = [result for _, result in session.results if result.worker_outcome != WorkerOutcome.SKIPPED]
    counts = Counter(result.output or result.test_outcome.value for result in results)
    return counts + Counter(waiting=len(session.pending_work_items))


def row(module: str, counts: Counter[str]) -> str:
    """A row of the table: a module and what became of its mutants."""
    killed, survived, late = (counts[name] for name in ("killed", "survived", "timed out"))
    run = killed + survived + late
    mutants = f"{run} drawn from {counts.total()}" if counts["waiting"] else run
    day = f"{datetime.now(timezone.utc):%Y-%m-%d}"
    return f"| {module} | {day} | {mutants} | {killed} | {survived} | {late} | {100 * (killed + late) / run:.1f} |"


def written(text: str, rows: Sequence[str]) -> str:
    """RESULTS.md with new rows in the place of those of the same modules; the remarks around the table stay."""
    for new in rows:
        module = re.escape(new.split(" | ")[0])
        text, known = re.subn(rf"^{module} \|.*$", lambda _, new=new: new, text, flags=re.MULTILINE)
        if not known:
            text = re.sub(r"(\|---.*\n(?:\|.*\n)*)", lambda table, new=new: table[0] + new + "\n", text, count=1)
    return text


def _examples(chosen: settings) -> int:
    return chosen._max_examples if chosen._max_examples <= MANY else FEW


def copied(directory: Path) -> None:
    """A copy of the project to mutate, so that nobody else runs a mutant."""
    for name in PARTS:
        shutil.copytree(ROOT / name, directory / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", directory)


def sessions(directory: Path, modules: Sequence[str]) -> Iterator[tuple[str, WorkDB]]:
    """A session of cosmic-ray for each module as it is."""
    directory.mkdir(parents=True, exist_ok=True)
    for module in modules:
        digest = hashlib.sha256(Path(module).read_bytes()).hexdigest()[:12]
        with use_db(str(directory / f"{Path(module).stem}-{digest}.sqlite")) as session:
            yield module, session


def main() -> None:
    """Mutates modules and puts what became of the mutants into RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "modules", nargs="*", default=list(MODULES), metavar="MODULE", help="e.g. " + next(iter(MODULES))
    )
    parser.add_argument("--sessions", type=Path, help="where to keep the sessions, which are continued")
    parser.add_argument("--survivors", action="store_true", help="run again what survived in the sessions kept")
    parser.add_argument("--most", type=int, help="mutants of a module to run, drawn at random; all unless given")
    arguments = parser.parse_args()
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    for name in LIBRARIES:
        import_module(name)
    settings.register_profile(  # the same examples for every mutant, and no search for a smaller one
        "mutation", deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate]
    )
    # No profile goes before what a test asks for itself.
    type.__setattr__(settings, "max_examples", property(_examples))
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / "project"
        kept = (arguments.sessions or Path(directory) / "sessions").absolute()
        copied(copy)
        os.chdir(copy)
        sys.path.insert(0, str(copy))
        for module, session in sessions(kept, arguments.modules):
            new = row(module, mutated(module, session, arguments.survivors, arguments.most))
            print(new, flush=True)  # noqa: T201
            RESULTS.write_text(written(RESULTS.read_text(), [new]))


if __name__ == "__main__":
    main()
