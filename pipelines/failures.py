"""What failed while documents were annotated: undecodable records, and texts that models of the user's failed on."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curate.config import Config
from curate.decisions.reference import scores_of
from curate.detector.other import unscored
from curate.errors import UnreadableInputError
from curate.io.filesystem import below
from curate.io.sources import InputPlan
from curate.pipelines.files import BeamFiles
from curate.pipelines.progress import say
from curate.transforms.models import TextModels

FILES = BeamFiles()


def count_errors(directory: str, planned: InputPlan, config: Config) -> int:
    """Counts the records that an annotating run could not decode.

    Raises:
        UnreadableInputError: they are more than `run.max_error_rate` of all.
    """
    errors = 0
    for part in below(f"{directory}/errors", FILES):
        with FILES.open(part.path) as file:
            errors += pq.read_metadata(file).num_rows
    share = errors / max(planned.rows, 1)
    if share > config.run.max_error_rate:
        raise UnreadableInputError(
            f"{errors:,} of {planned.rows:,} records ({share:.0%}) cannot be decoded, expected at most "
            f"run.max_error_rate ({config.run.max_error_rate:.0%}); mend the input, or raise the rate"
        )
    return errors


def copy_errors(annotations: str, directory: str) -> None:
    """Copies the undecodable records that the annotating run wrote: a decision counts them as well."""
    for part in below(f"{annotations.rpartition('/')[0] or '.'}/errors", FILES):
        name = part.path.rpartition("/")[2]
        FILES.write_bytes(f"{directory}/errors/{name}", FILES.read_bytes(part.path))


def tell_failures(directory: str, models: TextModels, config: Config) -> None:
    """Tells how many texts the models of the user's failed on.

    Args:
        directory: of the features that they were annotated with.
        models: those that were asked.
        config: settings.
    """
    if models.detector is not None:
        _tell_unscored(directory, config, models.detector.id)
    if models.embedder is not None:
        _tell_unembedded(directory, models.embedder.id)
    if models.verifier is not None:
        _tell_unverified(directory, models.verifier.id)


def _tell_unscored(directory: str, config: Config, detector: str) -> None:
    failed = scored = 0
    for texts in _read(directory, "tokens", "detector_score"):
        failed += int(unscored(texts["tokens"].to_numpy(), scores_of(texts), config).sum())
        scored += texts.num_rows - texts["detector_score"].null_count
    if failed:
        say(
            f"detector {detector} failed on {failed:,} of {failed + scored:,} texts: kept, reason uncalibrated; "
            "--debug tells why"
        )


def _tell_unembedded(directory: str, embedder: str) -> None:
    asked = failed = 0
    for read in _read(directory, "media", "embedding"):
        texts = read.filter(pc.invert(read["media"]))
        asked += texts.num_rows
        failed += texts["embedding"].null_count
    if failed:
        say(
            f"embedder {embedder} gave no vector for {failed:,} of {asked:,} texts, failing or zero: they have no "
            "cluster; --debug tells why"
        )


def _tell_unverified(directory: str, verifier: str) -> None:
    asked = failed = 0
    for texts in _read(directory, "verification"):
        answers = texts["verification"].drop_null()
        asked += len(answers)
        failed += pc.sum(pc.is_nan(answers)).as_py() or 0
    if failed:
        say(f"verifier {verifier} failed on {failed:,} of {asked:,} texts: they fill nothing; --debug tells why")


def _read(directory: str, *names: str) -> Iterator[pa.Table]:
    """Columns of the features of the run's own documents that were read, part by part."""
    for part in below(directory, FILES):
        with FILES.open(part.path) as file:
            columns = pq.read_table(file, columns=["earlier", "read_reason", *names])
        yield columns.filter(pc.and_(pc.invert(columns["earlier"]), columns["read_reason"].is_null()))
