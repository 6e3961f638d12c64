"""The public transforms: the whole of curate, or one of its steps, inside somebody's own pipeline."""

from collections.abc import Iterator
from typing import Any, BinaryIO, Dict, List, Optional, Tuple, cast

import apache_beam as beam
import pyarrow as pa

from curate.annotate import readable_texts
from curate.config import Config, make_config
from curate.decisions.human import HumanReference, joined
from curate.decisions.reference import Reference
from curate.errors import UsageError
from curate.exclude import load_evaluation
from curate.io.filesystem import LocalFiles, read_with
from curate.io.human import find_memory, human_reference
from curate.io.sources import InputPlan
from curate.provenance.datasets import with_said
from curate.text.kernel import shingle_sets, text_features
from curate.transforms.annotate import Annotate, FitCentroids, FitEmbedding
from curate.transforms.configured import configured_models, shown, with_models
from curate.transforms.corpora import check_corpora, is_windowed
from curate.transforms.decide import Decide
from curate.transforms.duplicates import SHINGLES, FindPairs, JoinShingles
from curate.transforms.elements import as_settings
from curate.transforms.failures import Failure, HandlesErrors
from curate.transforms.human import AnnotateHuman, SampleHuman
from curate.transforms.models import TextDetector, TextEmbedder, TextModels, TextVerifier
from curate.transforms.rows import JoinRows, JoinTables, RowsToTables
from curate.transforms.stream import DecideEach
from curate.transforms.tables import NamedCollections
from curate.watermarks.load import load_watermarks

PARTITIONS = 8
"""Partitions of the shuffles; results do not depend on it."""


class Curate(HandlesErrors):
    """Curates a bounded PCollection of documents; each window of it is a corpus of its own.

    Elements are dicts, beam.Rows, NamedTuples, dataclasses or pyarrow Tables with the columns that `documents.columns`
    names; outputs hold elements of the same kind, with `curate_…` columns added (a NamedTuple or dataclass
    gets those that it declares).

    Guarantees: the same documents give the same decisions, whatever their order, bundles, retries or runner. Rows cross
    one shuffle; besides it, features of about 1 KB per document and 8 bytes per token do, the latter twice for
    candidates (`tests/benchmarks/bench_shuffle.py`).

    Args:
        config: settings as in the configuration file, for example `{"dedupe": {"threshold": 0.9}}`.
        detector: a model that scores texts instead of curate's own.
        embedder: a model whose vectors are clustered instead of curate's own.
        verifier: a model that says which declared machine text may fill shortages.

    Returns:
        A dict of PCollections: `kept`, `dropped`, `held` (for review), `errors` (pairs of a row that Arrow cannot
        hold and the reason; not with an error handler) and `ledger` (pyarrow Tables, `curate.schema.LEDGER` and more).

    Raises:
        UsageError: a bad setting, or a file of evaluation texts or of human documents that cannot be read.
        TypeError: the elements are of another kind.
        ValueError: the input is unbounded, its windows merge, or their trigger is not the default one.
    """

    _sections: Tuple[str, ...] = ("dedupe", "provenance", "synthetic", "mixture")
    _outputs: Tuple[str, ...] = ("kept", "dropped", "held", "errors", "ledger")

    def __init__(
        self,
        config: Optional[Dict[str, Any]] = None,
        detector: Optional[TextDetector] = None,
        embedder: Optional[TextEmbedder] = None,
        verifier: Optional[TextVerifier] = None,
    ) -> None:
        given = TextModels(detector, embedder, verifier)
        self._settings = with_models(self._only_own_sections(as_settings(config or {})), given)
        self._config = with_said(make_config(self._settings), read_with(open_file))
        self._models = configured_models(self._config, given)

    def expand(self, documents: beam.PCollection) -> NamedCollections:
        """Applies the transform to a PCollection of documents."""
        config = self._config
        load_evaluation(config, read_with(open_file))  # a file that cannot be read is told here, not by a worker
        load_watermarks(config.synthetic, read_with(open_file))
        if not documents.is_bounded and self._decides_each():
            return self._stream(documents)
        check_corpora(documents, self.label)
        of_tables = documents.element_type is pa.Table
        if of_tables:
            blocks = documents
        else:
            converted = documents | "RowsToTables" >> RowsToTables(config)
            blocks = converted["blocks"]
        embedding = None
        if config.mixture.fits_embedding():
            embedding = blocks | "FitEmbedding" >> FitEmbedding(config, open_file)
        annotated = blocks | "Annotate" >> Annotate(config, open_file, embedding, self._models)
        features = annotated["features"]
        centroids = features | "FitCentroids" >> FitCentroids(config) if config.mixture.enabled else None
        inputs = {**annotated, "pairs": self._pairs(blocks, features)}
        people = self._people()
        if people is not None:
            if is_windowed(documents) and config.mixture.enabled:
                raise ValueError(
                    f"the input of {self.label} is windowed, so that each window has clusters of its own, which "
                    "synthetic.human_reference cannot join; use FilterSynthetic with it, or no windows"
                )
            inputs["human"] = documents.pipeline | "Human" >> AnnotateHuman(
                people, config, LocalFiles(), open_file, embedding, self._models
            )
        decided = inputs | "Decide" >> Decide(config, centroids, None, PARTITIONS)
        ledger = decided["ledger"]
        if of_tables:
            outputs = {"tables": blocks, "ledger": ledger} | "JoinTables" >> JoinTables(config, PARTITIONS)
            failures = documents | "NoErrors" >> beam.FlatMap(_nothing).with_output_types(Failure)
        else:
            outputs = {"rows": converted["rows"], "ledger": ledger} | "JoinRows" >> JoinRows(
                config, documents.element_type
            )
            failures = converted["failures"]
        outputs = {**outputs, **self.handle(failures), "ledger": ledger}
        return {name: outputs[name] for name in self._outputs if name in outputs}

    def display_data(self) -> Dict[str, Any]:
        """The settings that differ from the defaults."""
        return shown(self._settings)

    def _people(self) -> Optional[InputPlan]:
        config = self._config
        if find_memory(config, LocalFiles()):
            raise UsageError(
                f"synthetic.human_reference {config.synthetic.human_reference!r} is what a run remembers, which only "
                f"`curate run` reads with the clusters it needs; name a file of texts"
            )
        return human_reference(config, LocalFiles()) if config.synthetic.enabled else None

    def _decides_each(self) -> bool:
        """Whether documents can be decided one by one, as those of a stream must be."""
        config = self._config
        compared = config.dedupe.enabled and not config.dedupe.exclude
        return not (compared or config.mixture.enabled or config.removes_lines() or self._models.detector)

    def _stream(self, documents: beam.PCollection) -> NamedCollections:
        config, people = self._config, self._people()
        reference = None
        if people is not None:
            reference = (
                documents.pipeline
                | "Human" >> AnnotateHuman(people, config, LocalFiles(), open_file, None, self._models)
                | "SampleHuman" >> SampleHuman(config, None)
                | "Reference" >> beam.Map(_reference_of, config).with_output_types(Reference)
            )
        outputs = documents | "DecideEach" >> DecideEach(config, open_file, reference)
        failures = outputs.pop("failures")
        outputs = {**outputs, **self.handle(failures)}
        return {name: outputs[name] for name in self._outputs if name in outputs}

    def _pairs(self, blocks: beam.PCollection, features: beam.PCollection) -> beam.PCollection:
        if not self._config.dedupe.enabled:
            return features | "NoPairs" >> beam.FlatMap(_nothing).with_output_types(pa.Table)
        shingles = blocks | "Shingles" >> beam.ParDo(_Shingles(self._config))
        return features | "FindPairs" >> FindPairs(
            self._config, PARTITIONS, PARTITIONS, JoinShingles(shingles, PARTITIONS)
        )

    def _only_own_sections(self, config: Dict[str, Any]) -> Dict[str, Any]:
        settings = {name: dict(values) for name, values in config.items()}
        for section in Curate._sections:
            if section not in self._sections:
                settings[section] = {**settings.get(section, {}), "enabled": False}
        return settings


class DropDuplicates(Curate):
    """Drops exact and near duplicates, each verified against the survivor it is named after.

    Args:
        threshold: least Jaccard similarity of the shingle sets.
        containment: least share of a document's shingles found in the survivor.
        config: further settings as in the configuration file.

    Returns:
        A dict of PCollections: `kept`, `dropped` (with `curate_matched_id`), `errors`, `ledger`.
    """

    _sections = ("dedupe",)
    _outputs = ("kept", "dropped", "errors", "ledger")

    def __init__(
        self, threshold: float = 0.8, containment: float = 0.9, config: Optional[Dict[str, Any]] = None
    ) -> None:
        super().__init__(_with(config, "dedupe", threshold=threshold, containment=containment))


class FilterSynthetic(Curate):
    """Drops and holds suspected machine text, by thresholds calibrated on the corpus's own trusted human documents.

    Args:
        alpha_suspect: share of human documents accepted to be held.
        alpha_drop: share of human documents accepted to be dropped.
        config: further settings as in the configuration file.
        detector: a model that scores texts instead of curate's own.

    Returns:
        A dict of PCollections: `kept`, `dropped`, `held`, `errors`, `ledger`.
    """

    _sections = ("provenance", "synthetic")

    def __init__(
        self,
        alpha_suspect: float = 0.05,
        alpha_drop: float = 0.01,
        config: Optional[Dict[str, Any]] = None,
        detector: Optional[TextDetector] = None,
    ) -> None:
        super().__init__(_with(config, "synthetic", alpha_suspect=alpha_suspect, alpha_drop=alpha_drop), detector)


class AttachProvenance(Curate):
    """Reads content credentials, lineage and capture dates; drops what its rights exclude.

    Args:
        drop_rights: rights verdicts whose documents are dropped; an empty list drops none.
        config: further settings as in the configuration file.

    Returns:
        A dict of PCollections: `kept` (with `curate_origin` and `curate_p_synthetic`), `dropped`, `held` (evidence
        contradicts), `errors`, `ledger`.
    """

    _sections = ("provenance",)

    def __init__(self, drop_rights: Optional[List[str]] = None, config: Optional[Dict[str, Any]] = None) -> None:
        super().__init__(_with(config, "provenance", **({} if drop_rights is None else {"drop_rights": drop_rights})))


class ReweightClusters(Curate):
    """Gives documents weights and copies that hold the corpus to the clusters of its trusted human documents.

    Args:
        synthetic_cap: most of the tokens that declared synthetic documents may fill.
        max_copies: most copies of one document.
        config: further settings as in the configuration file.
        embedder: a model whose vectors are clustered instead of curate's own.
        verifier: a model that says which declared machine text may fill shortages.

    Returns:
        A dict of PCollections: `kept` (with `curate_weight`, `curate_copies`, `curate_cluster`), `dropped`, `held`
        (evidence contradicts), `errors`, `ledger`.
    """

    _sections = ("provenance", "mixture")

    def __init__(
        self,
        synthetic_cap: float = 0.30,
        max_copies: int = 4,
        config: Optional[Dict[str, Any]] = None,
        embedder: Optional[TextEmbedder] = None,
        verifier: Optional[TextVerifier] = None,
    ) -> None:
        settings = _with(config, "mixture", synthetic_cap=synthetic_cap, max_copies=max_copies)
        super().__init__(settings, embedder=embedder, verifier=verifier)


class _Shingles(beam.DoFn):
    def __init__(self, config: Config) -> None:
        self._config = config

    def process(self, block: pa.Table) -> Iterator[pa.Table]:
        shingle = self._config.dedupe.shingle
        texts = readable_texts(block, self._config).texts
        features = text_features(texts, shingle=shingle, permutations=0, seed=self._config.run.seed)
        values, offsets = shingle_sets(texts, shingle=shingle)
        lists = pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(values))
        table = pa.table([pa.array(features.content), lists], schema=SHINGLES)
        yield table.filter(pa.array(features.shingles > 0))


def _with(config: Optional[Dict[str, Any]], section: str, **values: Any) -> Dict[str, Any]:
    """The settings with arguments of a transform in their section."""
    settings = as_settings(config or {})
    return {**settings, section: {**settings.get(section, {}), **values}}


def _reference_of(human: HumanReference, config: Config) -> Reference:
    return Reference.of(joined(None, human), config)


def _nothing(table: pa.Table) -> List[Any]:
    return []


def open_file(path: str) -> BinaryIO:
    """Opens a file on any of Beam's filesystems for reading; nothing is decompressed."""
    uncompressed = beam.io.filesystem.CompressionTypes.UNCOMPRESSED
    return cast(BinaryIO, beam.io.filesystems.FileSystems.open(path, compression_type=uncompressed))
