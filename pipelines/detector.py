"""Training and measuring detectors from files (`curate detector train` and `evaluate`)."""

import os
from typing import Optional, Sequence

import pyarrow as pa

from curate.detector.evaluate import evaluate_detector, format_evaluation, read_documents
from curate.detector.model import load_detector
from curate.detector.train import train_detector
from curate.errors import UsageError
from curate.io.output import prepare_output
from curate.pipelines.files import BeamFiles


def train_from_files(
    inputs: Sequence[str],
    human: Sequence[str],
    machine: Sequence[str],
    dev: Sequence[str],
    output: str,
    seed: int,
    notes: Optional[str] = None,
) -> str:
    """Trains a detector from Parquet files into a directory.

    Args:
        inputs: files with the columns text and label.
        human: files whose texts are all by people.
        machine: files whose texts are all by machines.
        dev: labelled files that the detector is measured and calibrated on; none: a tenth of the training documents.
        output: new or empty directory.
        seed: of the training.
        notes: Markdown file on the origin and licences of the data, for the model card.

    Returns:
        The evaluation on dev and the directory, as text.

    Raises:
        UsageError: no or unreadable input, a class without documents, or an output that may not be written.
    """
    labelled = ((inputs, None), (human, "human"), (machine, "machine"))
    tables = [read_documents(paths, label) for paths, label in labelled if paths]
    if not tables:
        raise UsageError("no documents to train on; give --input, or both --human and --machine")
    documents = pa.concat_tables(tables, promote_options="default")
    held_out = read_documents(dev) if dev else None
    about = _read_notes(notes) if notes else ""
    with prepare_output(output, False, BeamFiles(), [*inputs, *human, *machine, *dev]) as staging:
        metrics = train_detector(documents, staging.path, held_out, seed, notes=about)
        staging.commit()
    card = os.path.join(output, "MODEL_CARD.md")
    return f"{format_evaluation(metrics)}\n\ndetector: {output}\nmodel card: {card}"


def evaluate_files(inputs: Sequence[str], model: Optional[str]) -> str:
    """Measures a detector on labelled Parquet files.

    Args:
        inputs: files with the columns text and label.
        model: the directory that training wrote; the shipped one where None.

    Returns:
        The evaluation as a table.

    Raises:
        UsageError: an input or the model cannot be read.
    """
    return format_evaluation(evaluate_detector(load_detector(model), read_documents(inputs)))


def _read_notes(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise UsageError(f"notes {path!r} cannot be read ({reason}), expected a Markdown file") from None
