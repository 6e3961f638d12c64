"""Checks of an output directory against its manifest: counts, ids, reasons, matches, rows and digests."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from curate.config import make_config
from curate.errors import CurateError, UsageError
from curate.io.filesystem import Files
from curate.report.earlier import earlier_ids
from curate.report.ledgers import open_ledger
from curate.report.manifest import DECISIONS, NAME, JsonDict, digest, is_as_written, load_manifest, reconcile
from curate.report.rows import absent_inputs, changed_inputs
from curate.review.answers import read_answers

COLUMNS = ["id", "decision", "stage", "reason", "matched_id", "similarity", "containment", "weight"]
SUMMED = ["decision", "origin", "tokens", "copies"]
UNREADABLE = (OSError, pa.ArrowException, MemoryError, UnicodeDecodeError)
"""What reading a damaged file may raise."""
LISTED = ("data", "held", "ledger")
MOST_NAMED = 3


class Problem(NamedTuple):
    """Something that is not as it should be: the name of the check, and what was found."""

    check: str
    detail: str


def check_counts(directory: str | Path) -> list[Problem]:
    """Compares the manifest of a local output directory with its files.

    Memory grows with the ids, not with the text.

    Returns:
        The problems in the order of the checks; empty when all is well.

    Raises:
        UsageError: the directory holds no manifest.
    """
    root = Path(directory)
    manifest = load_manifest(root)
    if not is_as_written(root):
        return [Problem("manifest", f"{NAME!r} has changed since the run; nothing can be checked against it")]
    problems = list(_digests(root, manifest))
    try:
        open_ledger(root)
        ledger = read_files(root / "ledger", COLUMNS)
        problems += _ledger(ledger, manifest)
        if "mix" in manifest:
            problems += _mix(read_files(root / "ledger", SUMMED), manifest)
    except (*UNREADABLE, UsageError) as error:
        return [*problems, Problem("ledger", f"cannot be read: {error}")]
    for folder, decision in (("data", "kept"), ("held", "held")):
        problems += _rows(root / folder, ledger, decision)
    return problems + list(_answers(root, ledger))


def _answers(root: Path, ledger: pa.Table) -> Iterator[Problem]:
    """Answers of reviewers come after the run, so that no digest covers them: they are read."""
    try:
        ids = pa.array([answer.id for answer in read_answers(root)], pa.string())
    except UsageError as error:
        yield Problem("review", str(error))
        return
    unknown = pc.invert(pc.is_in(ids, value_set=ledger["id"].combine_chunks()))
    yield from _named("review", "are answered but not in the ledger", ids.filter(unknown))


def check_inputs(directory: str | Path, files: Files) -> list[Problem]:
    """Reads the inputs of an output anew, where all are there, and compares them with their fingerprints.

    Args:
        directory: of the output.
        files: opens the inputs.

    Returns:
        A problem for each input whose rows are not what they were.

    Raises:
        UsageError: the directory holds no manifest.
    """
    manifest = load_manifest(directory)
    if "inputs" not in manifest or not is_as_written(directory) or absent_inputs(manifest, files):
        return []
    try:
        changed = list(changed_inputs(manifest, make_config(manifest["config"]), files))
    except CurateError as error:
        return [Problem("inputs", str(error))]
    return [Problem("inputs", f"{name!r} has changed since the run: {what}") for name, what in changed]


def unchecked(directory: str | Path, files: Files) -> list[str]:
    """What could not be looked up, in words: inputs, and matches in earlier outputs, that are gone."""
    manifest = load_manifest(directory)
    gone = absent_inputs(manifest, files)
    notes = [f"inputs not checked: {_some(gone)} not there"] if gone else []
    return notes + _unmatched(directory, manifest)


def _unmatched(directory: str | Path, manifest: JsonDict) -> list[str]:
    if not manifest.get("against"):
        return []
    copies = _without_leader(read_files(Path(directory) / "ledger", COLUMNS))
    ids, unreadable = earlier_ids(manifest)
    number = pc.sum(pc.invert(pc.is_in(copies["matched_id"], value_set=ids.combine_chunks()))).as_py()
    return [f"{number:,} matches not checked: {', '.join(unreadable)} cannot be read"] if number else []


def read_files(folder: Path, columns: list[str]) -> pa.Table:
    """The named columns of all Parquet files in a folder.

    Raises:
        FileNotFoundError: there is no such folder, or no file in it.
        pyarrow.ArrowInvalid: a file is not Parquet or lacks a column.
    """
    files = sorted(str(path) for path in folder.glob("*.parquet"))
    if not files:
        raise FileNotFoundError(f"no Parquet file in {str(folder)!r}")
    return ds.dataset(files, format="parquet").to_table(columns=columns)


def _digests(root: Path, manifest: JsonDict) -> Iterator[Problem]:
    listed = manifest.get("digests", {})
    for name, expected in listed.items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            yield Problem("digests", f"{name!r} points outside the directory")
            continue
        try:
            with open(root / path, "rb") as file:
                found = digest(file)
        except OSError as error:
            yield Problem("digests", f"{name!r} cannot be read: {error.strerror}")
            continue
        if found["sha256"] != expected["sha256"]:
            yield Problem("digests", f"{name!r} has changed since the run ({found['bytes']:,} bytes)")
    for folder in LISTED if listed else ():
        for file_path in sorted((root / folder).glob("*.parquet")):
            if file_path.relative_to(root).as_posix() not in listed:
                yield Problem("digests", f"{file_path.relative_to(root).as_posix()!r} is not in the manifest")


def _ledger(ledger: pa.Table, manifest: JsonDict) -> Iterator[Problem]:
    counted = pc.value_counts(ledger["decision"]).to_pylist()
    try:
        reconcile(manifest, {str(pair["values"]): pair["counts"] for pair in counted})
    except CurateError as error:
        yield Problem("counts", str(error))
    yield from _named("ids", "occur more than once in the ledger", _repeated(ledger["id"]))
    dropped = ledger.filter(pc.equal(ledger["decision"], "dropped"))
    bare = dropped.filter(pc.or_(pc.is_null(dropped["reason"]), pc.is_null(dropped["stage"])))
    yield from _named("reasons", "are dropped without a stage and reason", bare["id"])
    kept = pc.fill_null(pc.equal(ledger["decision"], "kept"), False)
    weighted = pc.fill_null(pc.greater(ledger["weight"], 0.0), False)
    yield from _named(
        "weights", "are kept without a weight, or not kept with one", ledger["id"].filter(pc.xor(kept, weighted))
    )
    yield from _matches(ledger, manifest)


def _mix(ledger: pa.Table, manifest: JsonDict) -> Iterator[Problem]:
    """What is kept adds up to the mix that the manifest tells, by origin."""
    kept = ledger.filter(pc.fill_null(pc.equal(ledger["decision"], "kept"), False))
    tokens = pc.fill_null(kept["tokens"].cast(pa.int64()), 0)
    output = pc.multiply(tokens, pc.fill_null(kept["copies"].cast(pa.int64()), 0))
    table = pa.table({"origin": kept["origin"], "tokens": tokens, "output_tokens": output})
    sums = table.group_by("origin").aggregate([("origin", "count"), ("tokens", "sum"), ("output_tokens", "sum")])
    found = {
        row["origin"]: {
            "documents": row["origin_count"],
            "tokens": row["tokens_sum"],
            "output_tokens": row["output_tokens_sum"],
        }
        for row in sums.to_pylist()
    }
    told = manifest["mix"]
    for origin in sorted(found.keys() | told.keys()):
        if found.get(origin) != told.get(origin):
            yield Problem("mix", f"{origin}: the ledger sums to {found.get(origin)}, the manifest {told.get(origin)}")


def _matches(ledger: pa.Table, manifest: JsonDict) -> Iterator[Problem]:
    """A duplicate's match is kept, here or in an earlier output, or left out by the mixture, and measured similar."""
    alone = _without_leader(ledger)
    if alone.num_rows:
        ids, unreadable = earlier_ids(manifest)
        if not unreadable:  # else see `unchecked`
            found = pc.is_in(alone["matched_id"], value_set=ids.combine_chunks())
            yield from _named(
                "matches", "are dropped for a document that is not kept", alone["id"].filter(pc.invert(found))
            )
    new = [entry["by"] for entry in manifest.get("supersedes", [])]
    gone = pc.invert(pc.is_in(pa.array(new, pa.string()), value_set=_leaders(ledger)))
    yield from _named("supersedes", "supersede a document but are not kept", pa.array(new, pa.string()).filter(gone))
    copies = ledger.filter(_copies(ledger))
    settings = manifest.get("config", {}).get("dedupe", {})
    if "threshold" in settings and "containment" in settings:
        # The measures are stored as float32: a share equal to the threshold may be one rounding below it.
        alike = pc.greater_equal(pc.fill_null(copies["similarity"], 0.0), settings["threshold"] - 1e-6)
        within = pc.greater_equal(pc.fill_null(copies["containment"], 0.0), settings["containment"] - 1e-6)
        below = pc.and_(
            pc.is_in(copies["reason"], value_set=pa.array(["near", "contained"])), pc.invert(pc.or_(alike, within))
        )
        yield from _named("similarity", "are dropped below both thresholds", copies["id"].filter(below))


def _leaders(ledger: pa.Table) -> pa.Array:
    in_mixture = pc.fill_null(pc.equal(ledger["stage"], "mixture"), False)
    return ledger["id"].filter(pc.or_(pc.equal(ledger["decision"], "kept"), in_mixture)).combine_chunks()


def _copies(ledger: pa.Table) -> pa.ChunkedArray:
    dropped = pc.and_(pc.equal(ledger["decision"], "dropped"), pc.equal(ledger["stage"], "dedupe"))
    return pc.fill_null(dropped, False)


def _without_leader(ledger: pa.Table) -> pa.Table:
    """Copies whose match this output did not keep."""
    copies = ledger.filter(_copies(ledger))
    return copies.filter(pc.invert(pc.is_in(copies["matched_id"], value_set=_leaders(ledger))))


def _rows(folder: Path, ledger: pa.Table, decision: str) -> Iterator[Problem]:
    """The ids in `data/` or `held/` are those of the ledger; an output without text has neither folder."""
    if not folder.is_dir():
        return
    assert decision in DECISIONS
    decided = ledger.filter(pc.fill_null(pc.equal(ledger["decision"], decision), False))
    expected = decided["id"]
    try:
        rows = read_files(folder, ["curate_id", "curate_weight"])
    except FileNotFoundError:
        rows = pa.table({"curate_id": pa.array([], pa.string()), "curate_weight": pa.array([], pa.float64())})
    except UNREADABLE as error:
        yield Problem(folder.name, f"cannot be read: {error}")
        return
    written = rows["curate_id"]
    if len(written) != len(expected):
        yield Problem(folder.name, f"holds {len(written):,} rows, the ledger says {len(expected):,} are {decision}")
    written, expected = written.cast(pa.string()).combine_chunks(), expected.combine_chunks()
    yield from _named(
        folder.name,
        f"are {decision} but not written",
        expected.filter(pc.invert(pc.is_in(expected, value_set=written))),
    )
    yield from _named(
        folder.name, f"are written but not {decision}", written.filter(pc.invert(pc.is_in(written, value_set=expected)))
    )
    if len(written) == len(expected):
        rows, decided = rows.sort_by("curate_id"), decided.sort_by("id")
        other = pc.not_equal(rows["curate_weight"], decided["weight"])
        yield from _named(folder.name, "have another weight than in the ledger", decided["id"].filter(other))


def _repeated(ids: pa.ChunkedArray) -> pa.Array:
    counted = pc.value_counts(ids)
    return counted.field("values").filter(pc.greater(counted.field("counts"), 1))


def _named(check: str, what: str, ids: pa.Array | pa.ChunkedArray) -> Iterator[Problem]:
    if len(ids):
        yield Problem(check, f"{len(ids):,} ids {what}: {_some([str(name) for name in ids.to_pylist()])}")


def _some(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in sorted(names)[:MOST_NAMED])
    return shown + (", …" if len(names) > MOST_NAMED else "")
