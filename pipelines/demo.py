"""The demo: a corpus whose truth is known is built, curated by the ordinary run, and compared with its truth."""

import os
import shutil
from pathlib import Path

import pyarrow.parquet as pq

from curate.config import make_config
from curate.demo.compare import compare
from curate.demo.corpus import build_demo, training_table
from curate.detector.train import train_detector
from curate.errors import UsageError
from curate.pipelines.progress import say
from curate.pipelines.run import curate_inputs

PARTS = ("input", "media", "truth.parquet", "anchors.pem", "detector", "curated")
"""What a demo consists of; nothing else in its directory is ever touched."""


def run_demo(directory: str, seed: int = 1, overwrite: bool = False, debug: bool = False) -> str:
    """Builds, curates and compares.

    Args:
        directory: new or empty; or, with `overwrite`, that of an earlier demo.
        seed: of the corpus.
        overwrite: replace an earlier demo.
        debug: let the runner log.

    Returns:
        What the run did, and the comparison with the truth, as text.

    Raises:
        UsageError: the directory is not empty or cannot be written.
    """
    root = Path(directory)
    _make_room(root, overwrite)
    say("build a corpus of Python's own prose, with machine text, copies, spam and signed images …")
    paths = build_demo(root, seed)
    say("train a detector on prose and machine text that the corpus does not hold …")
    train_detector(training_table(seed), str(root / "detector"), seed=seed)
    config = make_config(
        {
            "synthetic": {"model": str(root / "detector")},
            "provenance": {"trust_anchors": str(paths.anchors)},
        }
    )
    output = str(root / "curated")
    result = curate_inputs([str(paths.input)], output, config, debug=debug)
    truth = pq.read_table(paths.truth)
    found = compare(
        truth, pq.read_table(os.path.join(output, "ledger")), config.dedupe.threshold, config.dedupe.containment
    )
    return f"{found.to_text()}\n\n{result.text}"


def _make_room(root: Path, overwrite: bool) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
        present = sorted(path.name for path in root.iterdir())
        if present and not overwrite:
            raise UsageError(
                f"{str(root)!r} is not empty, expected a new or empty directory; add --overwrite to replace a demo"
            )
        foreign = [name for name in present if name not in PARTS and not name.startswith(".curated.curate-")]
        if present and not foreign and "truth.parquet" not in present:
            foreign = present  # `input` and `media` are names that others use too
        if foreign:
            raise UsageError(
                f"{str(root)!r} holds {foreign[0]!r}, which is not of a demo; name another directory, or remove it"
            )
        for name in present:
            path = root / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    except OSError as error:
        raise UsageError(
            f"{str(root)!r} cannot be written ({error.strerror}), expected a writable directory; name another"
        ) from None
