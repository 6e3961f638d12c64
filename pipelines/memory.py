"""What an earlier run remembers of trusted documents: recalled, checked, copied among the annotations, and kept on."""

import hashlib
from dataclasses import replace
from typing import Any, Optional

from curate.config import Config
from curate.decisions.memory import ABOUT, FOLDER, About, check_memory, space
from curate.detector.model import load_detector
from curate.errors import UsageError
from curate.io.human import Memory, read_memory
from curate.mixture.overlap import Totals
from curate.pipelines.artefacts import Artefacts, load_artefacts, quality_digest
from curate.pipelines.files import BeamFiles

FILES = BeamFiles()
JsonDict = dict[str, Any]


def recalled(memory: Memory, config: Config) -> Artefacts:
    """What documents are remembered with: all artefacts of their run but its reference.

    Raises:
        UsageError: the clusters that the rows are numbered by are missing or others; or a file cannot be read.
    """
    found = replace(load_artefacts(memory.artefacts), reference=None, embedder_id=memory.about.embedder)
    if memory.about.clusters != _clusters_id(found.embedding, found.centroids):
        raise UsageError(
            f"human reference {memory.folder!r} remembers clusters of another embedding and other centroids than those "
            f"in {memory.artefacts!r}; give the output of the run, or its artefacts/ as it left them"
        )
    own = None if config.synthetic.handler else load_detector(config.synthetic.model).id
    # What the settings name already is not named by a path that may go.
    return replace(found, detector=None) if found.detector_id == own else found


def check_recalled(
    memory: Memory, config: Config, detector: Optional[str], resources: JsonDict, embedder: Optional[str]
) -> None:
    """Checks that a run can go on from what an earlier one remembers.

    Args:
        memory: what it remembers.
        config: settings of the run.
        detector: id of the run's.
        resources: digests of the files that the settings name (`resource_digests`).
        embedder: id of the run's.

    Raises:
        UsageError: scores, signals or clusters of both would not be comparable.
    """
    check_memory(memory.about, config, detector, quality_digest(resources, config), embedder)


def write_memory(
    directory: str,
    record: JsonDict,
    config: Config,
    totals: JsonDict,
    reviewed: dict[str, float],
    memory: Optional[Memory],
) -> None:
    """Writes what a later run must know of the rows that this one remembers.

    Args:
        directory: of the artefacts, those of the clusters among them.
        record: of the annotations: detector, embedder, resources.
        config: settings.
        totals: of the documents remembered (`Totals.to_dict`).
        reviewed: thresholds that reviewers' answers ask for, in this run and before.
        memory: what was remembered before, which stays true of its rows.
    """
    made = (FILES.read_if_there(f"{directory}/{name}.npz") for name in ("embedding", "centroids"))
    about = About(
        detector=record["detector"] or (memory.about.detector if memory else None),
        quality_model=quality_digest(record["resources"], config) or (memory.about.quality_model if memory else None),
        embedder=record["embedder"] or (memory.about.embedder if memory else None),
        clusters=_clusters_id(*made),
        space=space(config),
        totals=Totals.from_dict(totals),
        reviewed=reviewed,
        alpha=config.synthetic.alpha_suspect,
    )
    FILES.write_json(f"{directory}/{FOLDER}/{ABOUT}", about.to_dict())


def _clusters_id(embedding: Optional[bytes], centroids: Optional[bytes]) -> Optional[str]:
    """A digest of what gives documents their clusters; None without clusters."""
    return hashlib.sha256((embedding or b"") + centroids).hexdigest()[:32] if centroids else None


def copy_memory(memory: Memory, given: Artefacts, annotations: str) -> None:
    """Copies what is remembered, so that a decision from the annotations needs the earlier run no more."""
    for path in memory.files:
        name = path.rpartition("/")[2]
        FILES.write_bytes(f"{annotations}/{FOLDER}/{name}", FILES.read_bytes(path))
    for name, content in (("embedding", given.embedding), ("centroids", given.centroids)):
        if content is not None:
            FILES.write_bytes(f"{annotations}/{name}.npz", content)


def annotated_memory(annotations: str) -> Optional[Memory]:
    """What an earlier run remembers, of which annotations have a copy; None where they were made without."""
    folder = f"{annotations}/{FOLDER}"
    return read_memory(folder, FILES) if FILES.stat(f"{folder}/{ABOUT}") else None
