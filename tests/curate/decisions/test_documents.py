import numpy as np
import pyarrow as pa
import pytest

from curate.clusters.groups import Groups
from curate.clusters.kmeans import Centroids
from curate.config import make_config
from curate.decisions.documents import DOCUMENTS, prepare_documents
from curate.decisions.groups import decide_group, real_leaders
from curate.decisions.mixing import FINISHED, ClusterSums, finish, mix
from curate.decisions.reference import Reference, ReferenceSample
from curate.detector.calibration import Calibration
from curate.provenance.evidence import Evidence
from curate.quality.catalogue import SIGNALS

CREDENTIALS = [Evidence("credentials", "c2pa_trusted", "synthetic", 8.0, "generator")]


def test_schema(world):
    table = world.feature_table([{"id": "a"}])
    assert prepare_documents(table, None, make_config({})).schema == DOCUMENTS


def test_what_a_disabled_step_annotated_is_left_out(world):
    row = {"id": "a", "findings": CREDENTIALS, "signature_trusted": True, "rights": "deny", "detector_score": 2.0}
    on = prepare_documents(world.feature_table([row]), None, make_config({})).to_pylist()[0]
    assert (on["own"], on["signature_trusted"], on["rights"], on["detector_score"]) == (2, True, "deny", 2.0)
    off = make_config({"provenance": {"enabled": False}, "synthetic": {"enabled": False}})
    without = prepare_documents(world.feature_table([row]), None, off).to_pylist()[0]
    assert (without["own"], without["conflict"], without["evidence"]) == (1, False, None)
    assert (without["signature_trusted"], without["rights"], without["detector_score"]) == (None, None, None)


WATERMARK = [{"detector": "d", "statistic": 1.0, "p_value": 0.5, "n": 9}]
MARKER = [{"family": "marker", "kind": "hidden", "claim": "unknown", "llr": 0.5, "detail": "zero width"}]
ANNOTATED = {
    "detector_score": 2.0,
    "windows": b"ab",
    "watermarks": WATERMARK,
    "quality": bytes(len(SIGNALS)),
    "verification": 0.75,
    "signature_trusted": True,
    "rights": "allow",
    "markers": MARKER,
    "group": "law",
}
SYNTHETIC_OFF, PROVENANCE_OFF = {"synthetic": {"enabled": False}}, {"provenance": {"enabled": False}}
VERIFIER = {"mixture": {"verifier": "a:b"}}


@pytest.mark.parametrize(
    ("name", "settings", "value"),
    [
        *((name, {}, ANNOTATED[name]) for name in ("detector_score", "windows", "watermarks", "quality", "rights")),
        *((name, SYNTHETIC_OFF, None) for name in ("detector_score", "windows", "watermarks")),
        *((name, PROVENANCE_OFF, None) for name in ("signature_trusted", "rights")),
        *((name, PROVENANCE_OFF, ANNOTATED[name]) for name in ("detector_score", "windows", "watermarks")),
        ("signature_trusted", {}, True),
        ("rights", SYNTHETIC_OFF, "allow"),
        ("quality", {"quality": {"enabled": False}}, None),
        ("verification", {}, None),
        ("verification", VERIFIER, 0.75),
        ("answer", {}, None),
        ("tokens", {}, 100),
        ("chars", {}, 0),  # of a document with hidden characters
        ("conflict", {}, False),
    ],
)
def test_columns_of_a_document(world, name, settings, value):
    table = prepare_documents(world.feature_table([{"id": "a", **ANNOTATED}]), None, make_config(settings))
    assert table.schema == DOCUMENTS
    assert table[name].to_pylist() == [value]


def test_evidence_of_a_document(world):
    def kinds(row, settings):
        table = prepare_documents(world.feature_table([{"id": "a", **row}]), None, make_config(settings))
        return [item["kind"] for item in table["evidence"][0].as_py() or ()]

    row = {"findings": CREDENTIALS, "markers": MARKER}
    assert kinds(row, {}) == ["c2pa_trusted", "hidden"]
    assert kinds(row, SYNTHETIC_OFF) == ["c2pa_trusted"]
    assert kinds(row, PROVENANCE_OFF) == ["hidden"]
    assert kinds(row, SYNTHETIC_OFF | PROVENANCE_OFF) == []


def test_groups_of_a_column_are_clusters(world):
    table = world.feature_table([{"id": "a", "group": "law"}, {"id": "b"}, {"id": "c", "group": "new"}])
    documents = prepare_documents(table, Groups(pa.array(["art", "law"])), make_config({}))
    assert documents["cluster"].to_pylist() == [1, None, None]


def test_vectors_of_zeros_belong_to_no_cluster(world):
    table = world.feature_table([{"id": "a"}, {"id": "b"}, {"id": "c"}])
    vectors = pa.array([[0.0] * 8, [1.0] + [0.0] * 7, None], table.schema.field("embedding").type)
    table = table.set_column(table.schema.get_field_index("embedding"), "embedding", vectors)
    centroids = Centroids(np.eye(2, 8, dtype=np.float32))
    documents = prepare_documents(table, centroids, make_config({}))
    assert documents["cluster"].to_pylist() == [None, 0, None]
    without = prepare_documents(table.slice(2), centroids, make_config({}))
    assert without["cluster"].to_pylist() == [None]
    turned = prepare_documents(
        table.take(pa.array([2, 1])), Centroids(np.eye(8)[[3, 0]].astype(np.float32)), make_config({})
    )
    assert turned["cluster"].to_pylist() == [None, 1]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_tiny_corpora(world, count):
    config = make_config({})
    rows = [{"id": f"d{i}", "language": None} for i in range(count)]
    documents, pairs = world.document_table(rows, config), world.pair_table([])
    sample = ReferenceSample.collect(real_leaders(documents, pairs, config), documents, config)
    for found in (Reference.of(sample, config), Reference.of(None, config)):
        decided = decide_group(documents, pairs, found, config)
        for sums in (ClusterSums.collect(decided), None):
            mixture = mix(sums, found, config)
            assert mixture.to_dict() == {}
            finished = finish(decided, mixture, config)
            assert finished.schema == FINISHED and finished.num_rows == count
            assert finished["decision"].to_pylist() == ["kept"] * count
            assert finished["weight"].to_pylist() == [1.0] * count


def test_reference_is_of_surviving_real_documents(world):
    config = make_config({})
    rows = [
        {"id": "a", "text": "t", "captured": 2015, "cluster": 3, "tokens": 70, "detector_score": -1.0},
        {"id": "b", "text": "t", "captured": 2016, "cluster": 3, "tokens": 70, "detector_score": -1.0},
        {"id": "c", "captured": 2015, "cluster": 1, "tokens": 30, "rights": "deny"},
        {"id": "d", "captured": 2015, "cluster": 1, "tokens": 0},
        {"id": "e", "captured": 2024, "cluster": 1},
        {"id": "f", "captured": 2015, "origin": "synthetic", "cluster": 1},
        {"id": "g", "captured": 2015, "cluster": 1, "read_reason": "too_long"},
    ]
    documents = world.document_table(rows, config)
    leaders = real_leaders(documents, world.pair_table([]), config)
    assert leaders["id"].to_pylist() == ["a", "d"]
    sample = ReferenceSample.collect(leaders, documents, config)
    assert dict(sample.tokens) == {3: 70, 1: 0} and dict(sample.documents) == {3: 1, 1: 1}
    assert dict(sample.contents) == {3: 1, 1: 5}


def test_tail_clusters_that_machine_text_has_filled_are_not_protected():
    config = make_config({})
    documents = {0: 900, 1: 40, 2: 30, 3: 30}
    tokens = {cluster: 100 * count for cluster, count in documents.items()}
    contents = {0: 4500, 1: 200, 2: 3000, 3: 320}  # two is a hundred times more of the corpus than of the reference
    reference = Reference(Calibration({}, {}), tokens, documents, contents)
    assert reference.tail(config).tolist() == [1, 2, 3]
    assert reference.protected_clusters(config).tolist() == [1, 3]


@pytest.mark.parametrize("suspects", [80, 5])
def test_tail_clusters_with_more_suspects_than_errors_explain_are_not_protected(suspects):
    human = np.linspace(-2, 0, 1_000, dtype=np.float32)  # the threshold is -0.1
    clear, suspect = 256 + 128 - 8, 256 + 128 + 8  # cells of cluster one, of -1 and of 1 nats
    reference = Reference(
        Calibration({"en": human}, {}),
        {0: 9_000, 1: 500},
        {0: 900, 1: 50},
        {0: 4_500, 1: 250},
        scores={suspect: suspects, clear: 100 - suspects},
        scores_of_people={clear: 50},
    )
    assert reference.tail(make_config({})).tolist() == [1]
    assert reference.protected_clusters(make_config({})).tolist() == ([1] if suspects == 5 else [])


def test_merging_references_loses_nothing(world):
    config = make_config({})
    rows = [{"id": f"{i}", "captured": 2015, "cluster": i % 3, "tokens": 10 * (i % 3)} for i in range(9)]
    rows = [{**row, "detector_score": float(i)} for i, row in enumerate(rows)]
    documents, pairs = world.document_table(rows, config), world.pair_table([])
    leaders = real_leaders(documents, pairs, config)
    whole = Reference.of(ReferenceSample.collect(leaders, leaders, config), config)
    slices = [leaders.slice(start, 3) for start in (6, 0, 3)]
    parts = [ReferenceSample.collect(part, part, config) for part in slices]
    merged = Reference.of(parts[0].merge(parts[1]).merge(parts[2]), config)
    assert merged.id == whole.id and merged.to_dict() == whole.to_dict()
    assert Reference.from_dict(whole.to_dict()).to_dict() == whole.to_dict()
    assert merged.tokens == {0: 0, 1: 30, 2: 60} and merged.tail(config).tolist() == [0]


def test_duplicates_of_other_standing_do_not_count_against_a_boost(world):
    config = make_config({})
    rows = [
        {"id": "a", "text": "t", "captured": 2015, "cluster": 0},
        {"id": "b", "text": "t", "captured": 2016, "cluster": 0},
        {"id": "c", "text": "t", "captured": 2024, "cluster": 0, "origin": "synthetic"},
        {"id": "d", "text": "t", "captured": 2024, "cluster": 0},
    ]
    documents = world.document_table(rows, config)
    sums = ClusterSums.collect(decide_group(documents, world.pair_table([]), world.reference(), config))
    assert sums.by_cluster("duplicates", 1).tolist() == [1]
    assert sums.by_cluster("accepted_documents", 1).tolist() == [1]
    assert sums.by_cluster("accepted", 1).tolist() == [100_000_000]
