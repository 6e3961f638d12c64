"""How the parts may depend on each other, read from the sources."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = {"curate": ROOT / "curate", "transforms": ROOT / "transforms", "pipelines": ROOT / "pipelines"}
LINKS = {"transforms", "pipelines"}


def sources(folder):
    """The modules of a folder, without what is only linked into it."""
    root = FOLDERS[folder]
    return [
        path
        for path in sorted(root.rglob("*.py"))
        if not (folder == "curate" and path.relative_to(root).parts[0] in LINKS)
    ]


def imports(path):
    """The absolute names that a module imports anywhere in it, and the names that it takes from __future__."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports by a relative name"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def importing(folder, *names):
    return [
        f"{path.relative_to(ROOT)}: {found}"
        for path in sources(folder)
        for found in imports(path)
        if any(found == name or found.startswith(name + ".") for name in names)
    ]


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        ("curate", ("apache_beam", "curate.transforms", "curate.pipelines", "transforms", "pipelines")),
        ("transforms", ("curate.pipelines", "transforms", "pipelines")),
        ("pipelines", ("transforms", "pipelines")),
    ],
)
def test_imports_point_one_way(folder, forbidden):
    assert sources(folder)
    assert importing(folder, *forbidden) == []


@pytest.mark.parametrize("folder", ["transforms", "pipelines"])
def test_annotations_of_beam_modules_are_types(folder):
    """Beam reads type hints from annotations; as strings they would be lost."""
    assert importing(folder, "__future__") == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_code_from_data(folder):
    unsafe = ("pickle", "cPickle", "cloudpickle", "dill", "marshal", "shelve", "joblib")
    assert importing(folder, *unsafe) == []
    for path in sources(folder):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            assert called not in ("eval", "exec", "compile", "__import__", "os.system"), f"{path}: {called}"
            assert called not in ("yaml.load", "yaml.full_load", "yaml.unsafe_load"), f"{path}: {called}"
            if called in ("np.load", "numpy.load"):
                assert "allow_pickle=True" not in ast.unparse(node), f"{path}: {called}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_hashes_and_chance_are_seeded(folder):
    """Never the builtin hash, which differs from process to process, and never a global generator."""
    for path in sources(folder):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        # An object may well have a __hash__ for dictionaries of its own process.
        own = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "__hash__"]
        allowed = {call for function in own for call in ast.walk(function)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node not in allowed:
                called = ast.unparse(node.func)
                assert called != "hash", f"{path}: builtin hash"
                assert not (called.startswith(("np.random.", "random.")) and called not in SEEDED), f"{path}: {called}"


SEEDED = tuple(f"np.random.{name}" for name in ("default_rng", "Generator", "PCG64", "Philox", "RandomState"))
SEEDED += ("random.Random",)


def test_packages_are_those_of_the_tree():
    toml = pytest.importorskip("tomllib" if sys.version_info >= (3, 11) else "tomli")
    listed = toml.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    found = set()
    for folder, root in FOLDERS.items():
        prefix = "curate" if folder == "curate" else f"curate.{folder}"
        for path in sources(folder):
            if path.name == "__init__.py":
                found.add(".".join((prefix, *path.parent.relative_to(root).parts)))
    assert sorted(listed) == sorted(found)


def test_every_folder_with_modules_is_a_package():
    for folder in FOLDERS:
        for path in sources(folder):
            assert (path.parent / "__init__.py").exists(), path


def test_links_are_relative():
    for name in LINKS:
        link = ROOT / "curate" / name
        if link.is_symlink():  # a source distribution may hold the folders themselves
            assert link.readlink() == Path("..") / name


def test_top_level_holds_nothing_else():
    allowed = {
        "curate", "transforms", "pipelines", "tests", "pyproject.toml", "README.md", "LICENSE", "ARCHITECTURE.md",
    }  # fmt: skip
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a Git checkout")
    entries = {name.split("/")[0] for name in listed.stdout.splitlines()}
    assert {entry for entry in entries if not entry.startswith(".")} <= allowed


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("curate", ("apache_beam", "numba", "pyarrow", "numpy")),
        ("curate.pipelines.cli", ("apache_beam", "numba", "pyarrow")),
        ("curate.annotate", ("apache_beam",)),
        ("curate.pipelines.explain", ("apache_beam", "curate.annotate")),
        ("curate.metrics.catalogue", ("scipy.stats",)),
        ("curate.transforms", ("transforms", "pipelines", "curate.pipelines")),
        (
            "curate.pipelines.run",
            ("transforms", "pipelines", "scipy.sparse", "scipy.special", "scipy.linalg", "matplotlib"),
        ),
    ],
)
def test_importing_brings_nothing_more(module, absent):
    code = f"import sys, {module}; print([name for name in {absent!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
