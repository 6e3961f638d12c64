"""What earlier runs fitted: read back, and checked before anything is run with it."""

import json
from dataclasses import dataclass
from typing import Any, Optional, Sequence

import pyarrow as pa

from curate.clusters.embedding import Embedding
from curate.clusters.groups import read_clusters
from curate.config import Config, make_config
from curate.decisions.memory import ABOUT, FOLDER
from curate.decisions.reference import Reference
from curate.detector.model import ARRAYS_FILE, detector_files, load_detector
from curate.errors import UsageError
from curate.exclude import load_evaluation
from curate.io.sources import one_line
from curate.pipelines.files import BeamFiles
from curate.provenance.credentials import make_context
from curate.quality.operator import model_scores
from curate.report.manifest import digest
from curate.transforms.models import TextModels
from curate.watermarks.load import load_watermarks

FILES = BeamFiles()
JsonDict = dict[str, Any]
OTHER_DETECTOR = "other_detector.json"
EMBEDDER = "embedder.json"


@dataclass(frozen=True)
class Artefacts:
    """What earlier runs fitted, and with which detector; None where this run fits it itself.

    Attributes:
        detector: path of its model.
        detector_id: its name, of models that are no file of curate's too.
        quality_model: digest of the operator's model of quality, if limits are of one.
        embedder_id: that of the model whose vectors were clustered.
    """

    embedding: Optional[bytes] = None
    centroids: Optional[bytes] = None
    reference: Optional[Reference] = None
    detector: Optional[str] = None
    detector_id: Optional[str] = None
    quality_model: Optional[str] = None
    embedder_id: Optional[str] = None


def load_artefacts(directory: str) -> Artefacts:
    """Reads the artefacts/ of an earlier output.

    Raises:
        UsageError: a file is missing or cannot be read.
    """
    directory = directory.rstrip("/")
    if FILES.stat(f"{directory}/artefacts/reference.json"):
        directory = f"{directory}/artefacts"
    detector = f"{directory}/{ARRAYS_FILE}" if FILES.stat(f"{directory}/{ARRAYS_FILE}") else None
    try:
        other = FILES.read_if_there(f"{directory}/{OTHER_DETECTOR}")
        about = FILES.read_if_there(f"{directory}/{FOLDER}/{ABOUT}")
        embedder = FILES.read_if_there(f"{directory}/{EMBEDDER}")
        return Artefacts(
            embedding=FILES.read_if_there(f"{directory}/embedding.npz"),
            centroids=FILES.read_if_there(f"{directory}/centroids.npz"),
            reference=Reference.from_dict(json.loads(FILES.read_bytes(f"{directory}/reference.json"))),
            detector=detector,
            detector_id=json.loads(other)["id"] if other else detector and load_detector(detector).id,
            quality_model=json.loads(about).get("quality_model") if about else None,
            embedder_id=json.loads(embedder)["id"] if embedder else None,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(
            f"artefacts {directory!r} cannot be read ({one_line(error)}), expected the artefacts/ of a finished run"
        ) from None


def with_detector(config: Config, given: Artefacts) -> Config:
    """The settings with the detector of the artefacts, unless they name one: its thresholds are those given."""
    if given.detector is None or config.synthetic.model is not None or config.synthetic.handler is not None:
        return config
    values = config.to_dict()
    values["synthetic"]["model"] = given.detector
    return make_config(values)


def detector_id(config: Config, models: TextModels) -> Optional[str]:
    """The name of the detector that documents are scored with, None if they are not."""
    if not config.synthetic.enabled:
        return None
    return load_detector(config.synthetic.model).id if models.detector is None else models.detector.id


def write_detector(config: Config, directory: str, name: Optional[str]) -> None:
    """Keeps the detector of a run with its other artefacts: its files, or the name alone of one that is no file."""
    if config.synthetic.enabled and config.synthetic.handler:
        FILES.write_json(f"{directory}/{OTHER_DETECTOR}", {"id": name})
    elif config.synthetic.enabled:
        for name, content in detector_files(config.synthetic.model).items():
            FILES.write_bytes(f"{directory}/{name}", content)


def write_embedder(directory: str, name: Optional[str]) -> None:
    """Names the embedder that the clusters of a run belong to, if there is one."""
    if name is not None:
        FILES.write_json(f"{directory}/{EMBEDDER}", {"id": name})


def resources(config: Config) -> list[str]:
    """The files that the settings name."""
    signers = (config.provenance.trust_anchors, *config.provenance.revocation_lists)
    named = (config.synthetic.model, config.quality.model, *signers, *config.dedupe.exclude, *metadata_files(config))
    named += (config.run.openlineage.path,)
    if config.mixture.embedding_model is not None:
        named += (config.mixture.embedding_model.partition(":")[2],)
    secret = [path for watermark in config.synthetic.watermarks for path in (watermark.tokenizer, watermark.keys)]
    return [path for path in (*named, *secret) if path]


def metadata_files(config: Config) -> list[str]:
    """The metadata of data sets that rules of sources name."""
    return [rule.metadata for rule in config.provenance.sources.values() if rule.metadata is not None]


def resource_digests(config: Config) -> dict[str, JsonDict]:
    """{sha256, bytes} of the model of quality, and of the files that provenance is read with.

    The manifest names others by their own ids.
    """
    settings = config.provenance
    named = (settings.trust_anchors, *settings.revocation_lists, *metadata_files(config)) if settings.enabled else ()
    return file_digests([*named, config.quality.model if config.judges_quality() else None])


def file_digests(paths: Sequence[Optional[str]]) -> dict[str, JsonDict]:
    """{sha256, bytes} of files by path; None names no file."""
    found: dict[str, JsonDict] = {}
    for path in paths:
        if path:
            with FILES.open(path) as file:
                found[path] = digest(file)
    return found


def quality_digest(resources: JsonDict, config: Config) -> Optional[str]:
    """The digest of the operator's model of quality among `resource_digests`; None without one."""
    named = resources.get(config.quality.model or "")
    return named["sha256"] if named else None


def check_unchanged(resources: JsonDict, config: Config) -> None:
    """Checks that the model of quality is still that which annotations were made with.

    Args:
        resources: of the record of the annotations.
        config: settings of the decision, which name the model of the annotations.

    Raises:
        UsageError: its file has changed.
    """
    then, model = quality_digest(resources, config), config.quality.model
    if then and model and FILES.stat(model) and file_digests([model])[model]["sha256"] != then:
        raise UsageError(
            f"quality.model {config.quality.model!r} has changed since it judged the documents; put the model of then "
            f"back, or run `curate run` to annotate anew"
        )


def check_thresholds(given: Artefacts, config: Config, name: Optional[str], resources: JsonDict) -> None:
    """Checks that thresholds and limits of artefacts are those of the models that the documents were judged with.

    Args:
        given: the artefacts.
        config: settings.
        name: id of the detector.
        resources: of the run that annotated.

    Raises:
        UsageError: they are of another one.
    """
    model = quality_digest(resources, config)
    if None not in (given.quality_model, model) and given.quality_model != model:
        raise UsageError(
            f"the documents are judged by quality.model {config.quality.model!r}, but the limits of the artefacts are "
            f"of another model; judge with that one, or leave out --artefacts"
        )
    if config.synthetic.enabled and given.detector_id not in (None, name):
        raise UsageError(
            f"the documents are scored by the detector {name}, but the thresholds of the artefacts are of "
            f"{given.detector_id}; score with that one, or leave out --artefacts"
        )


def check_embedder(given: Artefacts, config: Config, name: Optional[str]) -> None:
    """Checks that the clusters of artefacts are those of the embedder that the documents are embedded with.

    Raises:
        UsageError: they are of another one.
    """
    if config.mixture.asks_embedder() and given.embedder_id not in (None, name):
        raise UsageError(
            f"the documents are embedded by {name}, but the clusters of the artefacts are of {given.embedder_id}; "
            "embed with that one, or leave out --artefacts"
        )


def check_artefacts(given: Artefacts, config: Config) -> None:
    """Checks that a run can use artefacts.

    Raises:
        UsageError: the embedding has another length than the settings say, or there is a reference set besides.
    """
    if given.reference is not None and config.synthetic.human_reference is not None:
        raise UsageError(
            f"human reference {config.synthetic.human_reference!r} and artefacts both bring a calibration; leave out "
            f"--human-reference, or --artefacts"
        )
    if given.centroids is None or not config.mixture.enabled:
        return
    read_clusters(given.centroids, config)
    fitted, asked = config.mixture.fits_embedding(), config.mixture.asks_embedder()
    if (given.embedding is not None) != fitted or (given.embedder_id is not None) != asked:
        raise UsageError(
            "the clusters of the artefacts were not made with this mixture.group_column, mixture.embedding_column, "
            "mixture.embedding_handler and mixture.embedding_model; set them as then, or run without --artefacts"
        )
    if given.embedding is None:
        return
    found = Embedding.from_bytes(given.embedding).dimensions
    if found != config.mixture.dimensions:
        raise UsageError(
            f"mixture.dimensions is {config.mixture.dimensions}, but the embedding of the artefacts has {found}; "
            f"set it to {found}, or run without --artefacts"
        )


def with_exclude(config: Config, paths: Sequence[str]) -> Config:
    """The settings with more files of evaluation texts."""
    values = config.to_dict()
    values["dedupe"]["exclude"] += paths
    return make_config(values)


def with_human_reference(config: Config, path: Optional[str]) -> Config:
    """The settings with a reference set of human documents, if one is given."""
    if path is None:
        return config
    values = config.to_dict()
    values["synthetic"]["human_reference"] = path
    return make_config(values)


def check_exclude(config: Config) -> dict[str, JsonDict]:
    """Reads the files of evaluation texts, so that a wrong one is told before any document is read.

    Returns:
        What the manifest says of each file.

    Raises:
        UsageError: a file cannot be read, or has no text.
    """
    sets = load_evaluation(config, FILES.read_bytes)
    return sets.files if sets else {}


def check_watermarks(config: Config) -> list[str]:
    """Loads the tests for watermarks, so that a wrong file is told before any document is read.

    Returns:
        Their identifiers.

    Raises:
        UsageError: a file cannot be read or holds something else, or the library is missing.
    """
    return list(load_watermarks(config.synthetic, FILES.read_bytes))


def check_resources(config: Config) -> None:
    """Opens what the settings name, so that a wrong path is told before any document is read.

    Raises:
        UsageError: the detector, the model of quality, the trust anchors or the revocation lists cannot be read.
    """
    if config.judges_quality() and config.quality.model is not None:
        model_scores(pa.array([], pa.string()), config.quality.model, config.quality.label)
    if config.synthetic.enabled and not config.synthetic.handler:
        load_detector(config.synthetic.model)
    if config.provenance.enabled:
        make_context(config.provenance)
