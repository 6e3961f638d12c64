"""Finding and planning a reference set of human documents (`curate run --human-reference PATH`)."""

from dataclasses import replace

import pyarrow as pa

from curate.config import Config
from curate.decisions.human import human_config
from curate.errors import UnreadableInputError, UsageError
from curate.io.filesystem import Files
from curate.io.inputs import find_inputs
from curate.io.sources import InputPlan, plan


def human_reference(config: Config, files: Files) -> InputPlan | None:
    """Plans how to read the reference set, of which only the columns that annotation knows are read.

    Args:
        config: settings of the run.
        files: opens the set.

    Returns:
        The plan, None where no set is named.

    Raises:
        UsageError: nothing is found, a file cannot be read, there is no text or no document, or the detector is off.
    """
    path = config.synthetic.human_reference
    if path is None:
        return None
    if not config.synthetic.enabled:
        raise UsageError(
            f"human reference {path!r} has nothing to do while synthetic.enabled is false; enable it, or leave out "
            f"--human-reference"
        )
    try:
        planned = plan(find_inputs([path], files), human_config(config), files)
    except (UsageError, UnreadableInputError) as error:
        raise UsageError(f"human reference {path!r}: {error}") from None
    if planned.failed:
        name, reason = planned.failed[0]
        raise UsageError(f"human reference {path!r}: {name} cannot be read ({reason}); mend it, or name the others")
    if not planned.rows:
        raise UsageError(f"human reference {path!r} has no documents, expected at least one; check --human-reference")
    if config.documents.columns.text not in planned.schema.names:
        raise UsageError(
            f"human reference {path!r} has no text column {config.documents.columns.text!r} among the columns "
            f"{', '.join(planned.schema.names)}; rename it, or set documents.columns.text"
        )
    read = {name for _, name in config.documents.columns}
    return replace(planned, schema=pa.schema([field for field in planned.schema if field.name in read]))
