"""Matches that are in an earlier output: looked up where the manifest says that a run was made against it."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from curate.report.manifest import JsonDict


def earlier_ids(manifest: JsonDict) -> tuple[pa.ChunkedArray, list[str]]:
    """The ids of the documents in the earlier outputs of a run, and the outputs that cannot be read."""
    found = {output: _ids(output) for output in manifest.get("against", [])}
    chunks = [chunk for ids in found.values() if ids is not None for chunk in ids.chunks]
    return pa.chunked_array(chunks, pa.string()), [output for output, ids in found.items() if ids is None]


def output_of(id: str, manifest: JsonDict) -> str:
    """The earlier output that holds a document; all that may, where none is found to."""
    outputs: list[str] = manifest["against"]
    return next((output for output in outputs if _ids(output, pc.field("curate_id") == id)), " or ".join(outputs))


def _ids(output: str, where: pc.Expression | None = None) -> pa.ChunkedArray | None:
    """The ids of an output on this machine; None where they cannot be read."""
    files = sorted(str(path) for path in Path(output, "data").glob("*.parquet"))
    if not files:
        return None
    try:
        documents = ds.dataset(files, format="parquet").to_table(columns=["curate_id"], filter=where)
    except (OSError, pa.ArrowException):
        return None
    return documents["curate_id"].cast(pa.string())
