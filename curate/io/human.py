"""Finding human documents from outside the corpus (`curate run --human-reference PATH`).

They are texts, planned like an input, or what a run remembers, told by the `ABOUT` beside its rows.
"""

import json
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.parquet as pq

from curate.config import Config
from curate.decisions.human import human_config
from curate.decisions.memory import ABOUT, FOLDER, REMEMBERED, About
from curate.errors import UnreadableInputError, UsageError
from curate.io.filesystem import Files, below
from curate.io.inputs import find_inputs
from curate.io.sources import InputPlan, one_line, plan


@dataclass(frozen=True)
class Memory:
    """What an earlier run remembers.

    Attributes:
        folder: where it lies.
        parts: Parquet files of its rows, in order.
        about: the rest.
    """

    folder: str
    parts: list[str]
    about: About

    @property
    def files(self) -> list[str]:
        """All of its files."""
        return [f"{self.folder}/{ABOUT}", *self.parts]

    @property
    def artefacts(self) -> str:
        """The directory with the embedding and the centroids that its clusters are of."""
        return self.folder.rpartition("/")[0] or "."


def find_memory(config: Config, files: Files) -> Memory | None:
    """What an earlier run remembers, if that is what the settings name: an output, its artefacts/, or the folder there.

    Args:
        config: settings of the run.
        files: lists and opens the files.

    Raises:
        UsageError: it cannot be read.
    """
    path = config.synthetic.human_reference
    if path is None:
        return None
    root = path.rstrip("/")
    for folder in (f"{root}/artefacts/{FOLDER}", f"{root}/{FOLDER}", root):
        if files.stat(f"{folder}/{ABOUT}"):
            return read_memory(folder, files)
    if files.stat(f"{root}/manifest.json"):
        raise UsageError(
            f"human reference {path!r} is an output without artefacts/{FOLDER}/{ABOUT}, of an earlier version of "
            f"curate; run it again, or name its data/ as texts"
        )
    return None


def read_memory(folder: str, files: Files) -> Memory:
    """What lies in a folder.

    Raises:
        UsageError: it cannot be read.
    """
    parts = [file.path for file in below(folder, files) if file.path.endswith(".parquet")]
    try:
        with files.open(f"{folder}/{ABOUT}") as file:
            about = About.from_dict(json.load(file))
        for part in parts:
            with files.open(part) as file:
                if not pq.read_schema(file).equals(REMEMBERED):
                    raise UsageError(f"{part.rpartition('/')[2]} has other columns than this version of curate writes")
    except (OSError, ValueError, KeyError, AttributeError, TypeError, pa.ArrowException, UsageError) as error:
        raise UsageError(
            f"human reference {folder!r} cannot be read ({one_line(error)}), expected the artefacts/{FOLDER}/ of a "
            f"finished run"
        ) from None
    return Memory(folder, parts, about)


def human_reference(config: Config, files: Files) -> InputPlan | None:
    """Plans how to read a reference set of texts, of which only the columns that annotation knows are read.

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
