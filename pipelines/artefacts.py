"""What earlier runs fitted: read back, and checked before anything is run with it."""

import json
from dataclasses import dataclass
from typing import Optional

from curate.clusters.embedding import Embedding
from curate.config import Config
from curate.decisions.reference import Reference
from curate.detector.model import load_detector
from curate.errors import UsageError
from curate.io.sources import one_line
from curate.pipelines.files import BeamFiles
from curate.provenance.credentials import make_context

FILES = BeamFiles()


@dataclass(frozen=True)
class Artefacts:
    """Bytes of what earlier runs fitted; None where this run fits it itself."""

    embedding: Optional[bytes] = None
    centroids: Optional[bytes] = None
    reference: Optional[Reference] = None


def load_artefacts(directory: str) -> Artefacts:
    """Reads the artefacts/ of an earlier output.

    Raises:
        UsageError: a file is missing or cannot be read.
    """
    directory = directory.rstrip("/")
    if FILES.stat(f"{directory}/artefacts/reference.json"):
        directory = f"{directory}/artefacts"
    try:
        return Artefacts(
            embedding=FILES.read_if_there(f"{directory}/embedding.npz"),
            centroids=FILES.read_if_there(f"{directory}/centroids.npz"),
            reference=Reference.from_dict(json.loads(FILES.read_bytes(f"{directory}/reference.json"))),
        )
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(
            f"artefacts {directory!r} cannot be read ({one_line(error)}), expected the artefacts/ of a finished run"
        ) from None


def check_artefacts(given: Artefacts, config: Config) -> None:
    """Checks that a run can use artefacts.

    Raises:
        UsageError: the embedding has another length than the settings say.
    """
    if given.embedding is None or not config.mixture.enabled:
        return
    found = Embedding.from_bytes(given.embedding).dimensions
    if found != config.mixture.dimensions:
        raise UsageError(
            f"mixture.dimensions is {config.mixture.dimensions}, but the embedding of the artefacts has {found}; "
            f"set it to {found}, or run without --artefacts"
        )


def check_resources(config: Config) -> None:
    """Opens what the settings name, so that a wrong path is told before any document is read.

    Raises:
        UsageError: the detector or the trust anchors cannot be read.
    """
    if config.synthetic.enabled:
        load_detector(config.synthetic.model)
    if config.provenance.enabled:
        make_context(config.provenance)
