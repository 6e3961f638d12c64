"""The examples of the README: one for each public transform, ten lines at most."""

import apache_beam as beam
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to

from curate.transforms import AttachProvenance, Curate, DropDuplicates, FilterSynthetic, ReweightClusters

FOX = "the quick brown fox jumps over the lazy dog near the old mill"
DOCUMENTS = [
    {"id": "a", "text": FOX, "timestamp": "2019-05-01T00:00:00Z"},
    {"id": "b", "text": FOX, "timestamp": "2024-05-01T00:00:00Z"},
    {"id": "c", "text": "an answer written by a model", "origin": "synthetic"},
]


def test_curate():
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        documents = pipeline | beam.Create(DOCUMENTS)
        curated = documents | Curate({"dedupe": {"threshold": 0.85}})
        decided = curated["kept"] | beam.Map(lambda row: (row["curate_id"], row["curate_weight"]))
        assert_that(decided, equal_to([("a", 1.0)]))


def test_drop_duplicates():
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        unique = pipeline | beam.Create(DOCUMENTS) | DropDuplicates(threshold=0.8)
        matches = unique["dropped"] | beam.Map(lambda row: (row["id"], row["curate_matched_id"]))
        assert_that(matches, equal_to([("b", "a")]))


def test_filter_synthetic():
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        filtered = pipeline | beam.Create(DOCUMENTS) | FilterSynthetic(alpha_drop=0.01)
        reasons = filtered["dropped"] | beam.Map(lambda row: (row["id"], row["curate_reason"]))
        assert_that(reasons, equal_to([("c", "declared")]))


def test_attach_provenance():
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        attached = pipeline | beam.Create(DOCUMENTS) | AttachProvenance()
        origins = attached["kept"] | beam.Map(lambda row: (row["id"], row["curate_origin"]))
        assert_that(origins, equal_to([("a", "human"), ("b", "unknown"), ("c", "synthetic")]))


def test_reweight_clusters():
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        weighted = pipeline | beam.Create(DOCUMENTS) | ReweightClusters(max_copies=3)
        copies = weighted["kept"] | beam.Map(lambda row: (row["id"], row["curate_copies"]))
        assert_that(copies, equal_to([("a", 1), ("b", 1)]))
