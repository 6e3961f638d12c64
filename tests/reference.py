"""Builds the API reference from docstrings: `python tests/reference.py DIRECTORY`. What pdoc warns of is an error."""

import sys
import warnings
from pathlib import Path

import pdoc
from pdoc import doc, render

from curate import transforms

MODULES = (
    *(f"curate.transforms{name}" for name in ("", ".embedders", ".inference", ".metrics", ".perplexity")),
    *(f"curate.pipelines.{name}" for name in ("run", "explain")),
    *(f"curate.provenance.{name}" for name in ("evidence", "files")),
    "curate.config",
    "curate.detector.model",
    "curate.duplicates",
    "curate.metrics",
    "curate.schema",
    "curate.text.kernel",
)


_found = doc._safe_getattr


def _own(obj: object, name: str, default: object) -> object:
    """An attribute. The bases of a generic class are its own: pdoc would give them to all that derive from it.

    Transforms derive from Beam's PTransform, which is generic, and would have no constructor in the reference.
    """
    return vars(obj).get(name, default) if name == "__orig_bases__" else _found(obj, name, default)


if __name__ == "__main__":
    (directory,) = map(Path, sys.argv[1:])
    warnings.simplefilter("error", UserWarning)
    doc._safe_getattr = _own
    render.configure(docformat="google")
    pdoc.pdoc(*MODULES, output_directory=directory)
    page = (directory / "curate" / "transforms.html").read_text(encoding="utf-8")
    missing = [name for name in transforms.__all__ if f'id="{name}.__init__"' not in page]
    if missing:
        sys.exit(f"the reference has no constructor of {', '.join(missing)}")
