"""The two Beam jobs of a run: annotate the inputs, then decide and apply. Each is built here, and only here."""

import json
from collections.abc import Iterator
from typing import Any, Dict, List, Mapping, Optional, Sequence

import apache_beam as beam
import pyarrow as pa
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pvalue import AsList, AsSingleton

from curate.annotate import features_schema
from curate.config import Config
from curate.decisions.earlier import EarlierMatches
from curate.decisions.human import HumanReference
from curate.decisions.memory import FOLDER, REMEMBERED
from curate.decisions.mixing import Mixture, mix
from curate.decisions.reference import Reference, ReferenceSample
from curate.detector.drift import Drift
from curate.duplicates.lines import UNITS
from curate.io.sources import InputPlan
from curate.metrics.corpus import CorpusMetrics
from curate.metrics.sample import SAMPLE, sample_share
from curate.mixture.overlap import Totals
from curate.pipelines.artefacts import Artefacts
from curate.pipelines.earlier import AnnotateEarlier
from curate.pipelines.files import BeamFiles
from curate.pipelines.memory import annotated_memory
from curate.pipelines.reading import ReadBlocks, ReadShingles, ReadTables
from curate.pipelines.runner import make_runner, run
from curate.pipelines.writing import Apply, WriteErrors, WriteFeatures, WriteTables, table_name
from curate.report.cluster_map import examples
from curate.report.excerpts import excerpts, opening
from curate.report.overview import Overview
from curate.report.tables import clusters
from curate.review.outcome import Review
from curate.schema import LEDGER, PAIRS
from curate.transforms.annotate import Annotate, FitCentroids, FitEmbedding
from curate.transforms.decide import Decide
from curate.transforms.duplicates import FindPairs
from curate.transforms.human import AnnotateHuman, Recall, Remember
from curate.transforms.merge import Merge
from curate.transforms.metrics import MeasureSlices
from curate.transforms.models import NO_MODELS, TextModels

OVERVIEW = "artefacts/overview.json"
HUMAN = "human"
"""Where the features of a reference set lie among the annotations."""
SAMPLED = "sample"
"""Where the sample that metrics are measured on lies among the annotations."""
ROWS_PER_PARTITION = 250_000
"""Documents whose decision columns one worker holds at a time: a few hundred bytes each."""
TEXT_PER_PART = 64 * 2**20
"""Bytes of text whose shingle sets one worker holds at a time, if all of it is to be verified: somewhat more bytes."""


def partitions_for(rows: int, workers: int) -> int:
    """Partitions of the key spaces. Decisions do not depend on it."""
    return max(workers, -(-rows // ROWS_PER_PARTITION))


def parts_for(plans: Sequence[InputPlan], partitions: int) -> int:
    """Parts in which candidates are verified, so that memory does not grow with the text. Pairs do not depend on it."""
    return max(partitions, -(-sum(plan.text_bytes for plan in plans) // TEXT_PER_PART))


def annotate_inputs(
    plan: InputPlan,
    config: Config,
    artefacts: Artefacts,
    directory: str,
    options: PipelineOptions,
    partitions: int,
    earlier: Sequence[InputPlan] = (),
    human: Optional[InputPlan] = None,
    models: TextModels = NO_MODELS,
    finished: Optional[Mapping[int, int]] = None,
) -> None:
    """Runs the job that writes annotations and errors.

    Args:
        plan: the inputs.
        config: settings.
        artefacts: embedding and centroids to use instead of fitted ones.
        directory: of the output; gets annotations/features, sample, pairs, lines and *.npz, and errors.
        options: Beam's options.
        partitions: partitions of the key spaces.
        earlier: documents of earlier outputs, to be compared with those of the inputs.
        human: a reference set of human documents.
        models: those of the user's that are asked about the texts.
        finished: rows of the blocks that are annotated there already, by location.
    """
    target = f"{directory}/annotations"
    pipeline = beam.Pipeline(runner=make_runner(options), options=options)
    embedding = None
    if config.mixture.fits_embedding():
        if artefacts.embedding is not None:
            embedding = pipeline | "GivenEmbedding" >> beam.Create([artefacts.embedding])
        else:
            share = min(1.0, 1.25 * config.mixture.sample / max(plan.rows, 1))
            sampled = pipeline | "ReadForSample" >> ReadBlocks(plan)
            embedding = sampled["blocks"] | "FitEmbedding" >> FitEmbedding(config, BeamFiles().open, share)
        _ = embedding | "WriteEmbedding" >> beam.ParDo(_WriteBytes(f"{target}/embedding.npz"))

    read = pipeline | "Read" >> ReadBlocks(plan, finished=finished)
    _ = read["errors"] | "Errors" >> WriteErrors(f"{directory}/errors")
    annotated = read["blocks"] | "Annotate" >> Annotate(
        config, BeamFiles().open, embedding, models, sample_share(plan.rows)
    )
    features = annotated["features"] | "WriteFeatures" >> WriteFeatures(f"{target}/features", config)
    if finished:
        there = [f"{target}/features/{table_name([location])}" for location in sorted(finished)]
        kept = pipeline | "ReadFinished" >> ReadTables(there, features_schema(config))
        features = (features, kept) | "WithFinished" >> beam.Flatten()
    _ = annotated["sample"] | "WriteSample" >> WriteTables(f"{target}/{SAMPLED}", ["location"], SAMPLE)
    if human is not None:
        files = BeamFiles()
        _ = (
            pipeline
            | "Human" >> AnnotateHuman(human, config, files, files.open, embedding, models)
            | "WriteHuman" >> WriteFeatures(f"{target}/{HUMAN}", config)
        )
    if config.removes_lines():
        _ = annotated["units"] | "WriteLines" >> WriteTables(f"{target}/lines", ["document"], UNITS)
    if config.mixture.enabled:
        # Groups that the run which remembers did not see come after its own.
        grows = artefacts.reference is None and config.mixture.group_column is not None
        if artefacts.centroids is not None and not grows:
            centroids = pipeline | "GivenCentroids" >> beam.Create([artefacts.centroids])
        else:
            centroids = features | "FitCentroids" >> FitCentroids(config, artefacts.centroids)
        _ = centroids | "WriteCentroids" >> beam.ParDo(_WriteBytes(f"{target}/centroids.npz"))
    if config.dedupe.enabled:
        plans = [plan, *earlier]
        if earlier:
            annotated = pipeline | "Earlier" >> AnnotateEarlier(plans, config, f"{target}/features")
            features = (features, annotated) | "WithEarlier" >> beam.Flatten()
        shingles = ReadShingles(plans, config, features, partitions)
        _ = (
            features
            | "FindPairs" >> FindPairs(config, partitions, parts_for(plans, partitions), shingles)
            | "WritePairs" >> WriteTables(f"{target}/pairs", ["left", "right"], PAIRS)
        )
    run(pipeline)


def decide_annotated(
    annotations: str,
    config: Config,
    artefacts: Artefacts,
    directory: str,
    options: PipelineOptions,
    partitions: int,
    plan: Optional[InputPlan] = None,
    review: Optional[Review] = None,
) -> None:
    """Runs the job that reads annotations and writes the ledger, its overview, and, given the inputs, the documents.

    Args:
        annotations: directory that `annotate_inputs` wrote.
        config: settings of the decision.
        artefacts: centroids of the annotations, and a reference to use instead of this corpus's own.
        directory: of the output; gets ledger, overview.json and, if applied, data and held.
        options: Beam's options.
        partitions: partitions of the key spaces.
        plan: the inputs, as they were annotated, to apply the decisions to.
        review: the answers of reviewers; None without any.
    """
    files = BeamFiles()
    pipeline = beam.Pipeline(runner=make_runner(options), options=options)
    features = [file.path for file in files.match(f"{annotations}/features/*.parquet")]
    pairs = [file.path for file in files.match(f"{annotations}/pairs/*.parquet")] if config.dedupe.enabled else []
    # No decision reads the bands, and how many there are depends on a threshold that a decision may raise.
    schema = features_schema(config)
    schema = schema.remove(schema.get_field_index("bands"))
    inputs = {
        "features": pipeline | "ReadFeatures" >> ReadTables(features, schema),
        "pairs": pipeline | "ReadPairs" >> ReadTables(pairs, PAIRS),
    }
    if config.removes_lines():
        lines = [file.path for file in files.match(f"{annotations}/lines/*.parquet")]
        inputs["units"] = pipeline | "ReadLines" >> ReadTables(lines, UNITS)
    memory = annotated_memory(annotations) if artefacts.reference is None else None
    if memory:
        rows = pipeline | "ReadRemembered" >> ReadTables(memory.parts, REMEMBERED)
        inputs["remembered"] = rows | "Recall" >> Recall(memory.about.totals)
    elif config.synthetic.human_reference is not None and artefacts.reference is None:
        human = [file.path for file in files.match(f"{annotations}/{HUMAN}/*.parquet")]
        inputs["human"] = pipeline | "ReadHuman" >> ReadTables(human, schema)
    given: Dict[str, Optional[beam.PCollection]] = {"centroids": None, "reference": None}
    for name, value in (("centroids", artefacts.centroids), ("reference", artefacts.reference)):
        if value is not None and (name == "reference" or config.mixture.enabled):
            given[name] = pipeline | f"Given{name.title()}" >> beam.Create([value])
    reviewed = memory.about.least_thresholds(config) if memory else None
    decided = inputs | "Decide" >> Decide(config, given["centroids"], given["reference"], partitions, review, reviewed)
    ledger = decided["ledger"] | "WriteLedger" >> WriteTables(f"{directory}/ledger", ["place"], LEDGER)
    people = {name: decided[name] for name in ("real", "sample", "human")} | ({"remembered": rows} if memory else {})
    _ = (
        people
        | "Remember" >> Remember()
        | "WritePeople" >> WriteTables(f"{directory}/artefacts/{FOLDER}", ["content"], REMEMBERED)
    )
    overview = (
        ledger
        | "Overview" >> beam.ParDo(_Overview(config), AsSingleton(decided["reference"]))
        | "MergeOverviews" >> beam.CombineGlobally(Merge()).without_defaults()
    )
    sampled = [file.path for file in files.match(f"{annotations}/{SAMPLED}/*.parquet")]
    measured = {
        "sample": pipeline | "ReadSample" >> ReadTables(sampled, SAMPLE),
        "ledger": ledger,
    } | "Measure" >> MeasureSlices()
    nothing = Reference.of(None, config)
    mixture = AsSingleton(decided["mixture"], default_value=mix(None, nothing, config))
    texts = None
    if plan is not None:
        shown = overview | "Shown" >> beam.Map(_shown, mixture, config).with_output_types(List[str])
        texts = AsList(ledger | "Apply" >> Apply(plan, directory, config, shown))
    unresolved = decided["unresolved"] | "UnresolvedPairs" >> beam.CombineGlobally(sum).without_defaults()
    renamed = decided["renamed"] | "DuplicateIds" >> beam.CombineGlobally(sum).without_defaults()
    matches = decided["earlier"] | "MergeEarlier" >> beam.CombineGlobally(Merge()).without_defaults()
    _ = (
        pipeline
        | "Once" >> beam.Create([f"{directory}/{OVERVIEW}"])
        | "WriteOverview"
        >> beam.Map(
            _write_overview,
            AsSingleton(overview, default_value=Overview.empty()),
            AsSingleton(renamed, default_value=0),
            AsSingleton(unresolved, default_value=0),
            AsSingleton(decided["reference"], default_value=nothing),
            mixture,
            texts,
            AsSingleton(matches, default_value=EarlierMatches.none()),
            AsSingleton(decided["human"], default_value=None),
            AsSingleton(decided["drift"], default_value=[]),
            AsSingleton(decided["sample"], default_value=None),
            AsSingleton(measured, default_value=None),
        )
    )
    run(pipeline)


class _WriteBytes(beam.DoFn):
    def __init__(self, path: str) -> None:
        self._path = path

    def process(self, content: bytes) -> Iterator[str]:
        with BeamFiles().create(self._path) as file:
            file.write(content)
        yield self._path


class _Overview(beam.DoFn):
    def __init__(self, config: Config) -> None:
        self._config = config

    def process(self, ledger: pa.Table, reference: Reference) -> Iterator[Overview]:
        yield Overview.of(ledger, reference, self._config)


def _shown(overview: Overview, mixture: Mixture, config: Config) -> List[str]:
    """The ids of the documents whose texts the report shows."""
    pairs = overview.groups.shown() if config.report.examples else []
    of_rarest = examples(clusters(overview.summary, mixture.to_dict()))
    return sorted({*of_rarest, *(id for pair in pairs for id in (pair.id, pair.matched_id))})


def _write_overview(
    path: str,
    overview: Overview,
    renamed: int,
    unresolved: int,
    reference: Reference,
    mixture: Mixture,
    texts: Optional[Sequence[Dict[str, str]]],
    matches: EarlierMatches,
    human: Optional[HumanReference],
    drift: List[Drift],
    sample: Optional[ReferenceSample],
    measured: Optional[CorpusMetrics],
) -> None:
    content: Dict[str, Any] = {
        "duplicate_ids": renamed,
        "unresolved_pairs": unresolved,
        "overview": overview.to_dict(),
        "reference": reference.to_dict(),
        "mixture": mixture.to_dict(),
        "earlier": matches.to_dict(),
        "human": dict(human.counts) if human else {},
        "remembered": (sample.totals if sample else Totals.none()).to_dict(),
        "drift": [found.to_dict() for found in drift],
        "metrics": measured.to_dict() if measured else None,
    }
    if texts is not None:
        by_id = {id: text for part in texts for id, text in part.items()}
        content["excerpts"] = excerpts(overview.groups.shown(), by_id)
        of_rarest = examples(clusters(overview.summary, content["mixture"]))
        content["passages"] = {id: opening(by_id[id]) for id in of_rarest if id in by_id}
    with BeamFiles().create(path) as file:
        file.write(json.dumps(content, sort_keys=True).encode())
