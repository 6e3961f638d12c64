"""The ledger of a finished output, for those who ask it something."""

from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from curate.errors import UsageError
from curate.io.sources import one_line
from curate.schema import LEDGER


def open_ledger(directory: str | Path) -> ds.Dataset:
    """The ledger of a local output, whose files have the columns that this version writes.

    Raises:
        UsageError: there is none, a file cannot be read, or it lacks a column or has it of another type.
    """
    files = sorted(str(path) for path in (Path(directory) / "ledger").glob("*.parquet"))
    if not files:
        raise UsageError(f"{str(directory)!r} has no ledger; give the output directory of a finished run")
    for file in files:
        try:
            schema = pq.read_schema(file)
        except (OSError, pa.ArrowException) as error:
            raise UsageError(f"{file!r} cannot be read ({one_line(error)}); make the output anew") from None
        for field in LEDGER:
            found = schema.field(field.name).type if field.name in schema.names else "missing"
            if found != field.type:
                raise UsageError(
                    f"{file!r}: the column {field.name!r} is {found}, expected {field.type}; make the output anew with "
                    "this version of curate"
                )
    return ds.dataset(files, format="parquet")
