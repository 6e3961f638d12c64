"""Review on the command line: queues out, answers in, and the page between them."""

import contextlib
import getpass
import os
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Optional

import pyarrow as pa
import pyarrow.parquet as pq

from curate.config import Config, make_config
from curate.errors import UsageError
from curate.io.filesystem import below, is_remote
from curate.pipelines.files import BeamFiles
from curate.report.manifest import load_manifest
from curate.report.words import listing, percent, plural
from curate.review.answers import FILE, Answer, append_answers, parse_answers, read_answers, settle
from curate.review.export import as_csv, as_parquet, as_tasks, exported
from curate.review.importing import match_answers, read_file
from curate.review.label_studio import labelling_config
from curate.review.outcome import LEDGER_COLUMNS, Review, review_of
from curate.review.queue import contents_of, load_queue
from curate.review.server import Server
from curate.review.session import Session

FILES = BeamFiles()
WRITERS = {"csv": as_csv, "parquet": as_parquet, "label-studio": as_tasks}
ENDINGS = {".csv": "csv", ".parquet": "parquet", ".json": "label-studio"}


def export_queue(directory: str, target: str, format: Optional[str], limit: Optional[int], everything: bool) -> str:
    """Writes the queue of an output to a file (`curate review export`).

    Args:
        directory: of the output.
        target: file to write; an old one is replaced.
        format: of `WRITERS`; by default that of the file's name.
        limit: most documents.
        everything: those that are answered too.

    Raises:
        UsageError: there is no queue, the format is not known, or the file cannot be written.
    """
    directory = _local(directory)
    form = format or ENDINGS.get(Path(target).suffix)
    if form is None:
        raise UsageError(f"file {target!r} ends in none of {', '.join(ENDINGS)}; name the format with --format")
    if Path(os.path.realpath(target)).is_relative_to(os.path.realpath(directory)):
        raise UsageError(
            f"file {target!r} lies in the output {directory!r}, which holds only its own; name another place"
        )
    queue = load_queue(directory)
    answered = set() if everything else set(settle(read_answers(directory))["id"].to_pylist())
    ids = [id for id in queue.ledger["id"].to_pylist() if id not in answered]
    chosen = queue.some(ids[:limit])
    content = WRITERS[form](exported(directory, chosen, _config(directory)))
    _write(target, content)
    told = f"{plural(len(ids[:limit]), 'document')} of {len(ids):,} that wait: {target}"
    if form == "label-studio":
        path = str(Path(target).with_suffix(".xml"))
        _write(path, labelling_config().encode())
        told += f"\nlabelling configuration for its project: {path}"
    return told


def import_answers(path: str, directory: str, reviewer: Optional[str] = None) -> str:
    """Adds the answers of a file to those of an output (`curate review import`).

    Raises:
        UsageError: the file has something else than answers to documents of the output. Nothing is added then.
    """
    directory = _local(directory)
    manifest = load_manifest(directory)
    answers = read_file(path, reviewer or reviewer_name(), now())
    ids = pa.chunked_array([[answer.id for answer in answers]], pa.string())
    contents = contents_of(Path(directory), manifest, ids) if answers else {}
    reference = manifest["artefacts"].get("reference", "")
    given = match_answers(answers, contents, read_answers(directory), reference, path)
    if given.answers:
        append_answers(directory, given.answers)
    said = [f"{plural(len(given.answers), 'answer')} added to {os.path.join(directory, FILE)}"]
    if given.known:
        said.append(f"{given.known:,} were there already")
    if given.stale:
        said.append(f"{given.stale:,} left out, since another text has that id now")
    review = kept_review(os.path.join(directory, "annotations"), _config(directory))
    return "; ".join(said) + (f"\n{told(review)}" if review else "")


def serve_queue(
    directory: str, port: int, reviewer: Optional[str], second_opinion: bool, say: Callable[[str], None]
) -> None:
    """Serves the page of an output until it is interrupted (`curate review serve`).

    Raises:
        UsageError: there is no queue, or the port is taken.
    """
    directory = _local(directory)
    path, name = Path(directory), reviewer or reviewer_name()
    session = Session(path, load_queue(directory), _config(directory), name, now, second_opinion)
    try:
        server = Server(session, port)
    except OSError as error:
        raise UsageError(f"port {port} cannot be had ({error.strerror}); name another, or leave out --port") from None
    state = session.state()
    say(f"{state['answered']:,} of {plural(state['documents'], 'document')} answered; answers go to {path / FILE}")
    say(f"open {server.address} (Ctrl-C ends it)")
    with server, contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()


def told(review: Review) -> str:
    """What the answers say, in a few lines."""
    total = review.told["overrides_total"]
    lines = [f"{plural(review.told['answers'], 'document')} answered: {_verdicts(review)}"]
    if total["n"]:
        lines.append(
            f"{percent(total['rate'])} of {plural(total['n'], 'answer')} contradict the machine "
            f"({percent(total['low'])} to {percent(total['high'])})"
        )
    lines += [
        f"{' and '.join(pair['reviewers'])} agree on {percent(pair['agreement'])} of {plural(pair['n'], 'document')}"
        + ("" if pair["kappa"] is None else f", κ {pair['kappa']:.2f}")
        for pair in review.told["agreement"]
    ]
    return "\n".join(lines)


def _verdicts(review: Review) -> str:
    return listing([f"{number:,} {verdict}" for verdict, number in sorted(review.told["verdicts"].items())])


def kept_review(annotations: str, config: Config, calibrates: bool = True) -> Optional[Review]:
    """The answers kept with annotations, and what they mean for a decision; None without any.

    Args:
        annotations: directory within the output that annotated.
        config: settings of the decision.
        calibrates: whether the decision draws thresholds of its own, which answers may raise.

    Raises:
        UsageError: the file of answers has something else.
    """
    directory = annotations.rstrip("/").rpartition("/")[0] or "."
    content = FILES.read_if_there(f"{directory}/{FILE}")
    if content is None or not config.review.enabled:
        return None
    answers = parse_answers(content, f"{directory}/{FILE}")
    return review_of(answers, _ledger(directory), config, calibrates) if answers else None


def _ledger(directory: str) -> Optional[pa.Table]:
    parts = []
    for part in below(f"{directory}/ledger", FILES):
        with FILES.open(part.path) as file:
            parts.append(pq.read_table(file, columns=LEDGER_COLUMNS))
    return pa.concat_tables(parts) if parts else None


def refuse_loss(output: str, kept: Sequence[Answer]) -> None:
    """Keeps answers of people from being replaced with their output.

    Args:
        output: to be replaced.
        kept: answers that are kept elsewhere.

    Raises:
        UsageError: the output has others.
    """
    content = FILES.read_if_there(f"{output.rstrip('/')}/{FILE}")
    others = set(parse_answers(content, f"{output}/{FILE}")) - set(kept) if content else set()
    if others:
        raise UsageError(
            f"output {output!r} holds {plural(len(others), 'review answer')} that would be lost; move its {FILE} to "
            "another place, and import it afterwards"
        )


def reviewer_name() -> str:
    """The name of the user of this process."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "reviewer"


def now() -> str:
    """This second, ISO 8601, UTC."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _config(directory: str) -> Config:
    return make_config(load_manifest(directory)["config"])


def _local(directory: str) -> str:
    if is_remote(directory):
        raise UsageError(f"{directory!r} is not on this machine; copy the output here for its review")
    return directory.rstrip("/") or "/"


def _write(path: str, content: bytes) -> None:
    try:
        FILES.write_bytes(path, content)
    except OSError as error:
        raise UsageError(f"file {path!r} cannot be written ({error.strerror}); name another path") from None
