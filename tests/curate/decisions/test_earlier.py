"""Documents of an earlier output among new ones."""

import numpy as np
import pyarrow as pa
import pytest

from curate.config import make_config
from curate.decisions.earlier import EarlierMatches, new_documents
from curate.decisions.groups import decide_group, real_leaders
from curate.decisions.mixing import ClusterSums
from curate.decisions.order import survival_order, survivor_rank

NEAR = (0.9, 0.95, 0.95)
REAL, UNKNOWN, SYNTHETIC = {"captured": 2015}, {"captured": 2024}, {"captured": 2024, "origin": "synthetic"}
OLD = {"earlier": True, "source_file": "out/1/data/part-00000.parquet"}
ONLY_DUPLICATES = {"mixture": {"enabled": False}, "synthetic": {"enabled": False}}


@pytest.fixture
def decide(world):
    """Rows by id, and what the new ones have to do with the earlier ones."""

    def decide(rows, pairs=(), **settings):
        config = make_config(settings)
        documents, verified = world.document_table(rows, config), world.pair_table(pairs)
        table = decide_group(documents, verified, world.reference(), config)
        return world.by_id(table), EarlierMatches.collect(table).to_dict(), table

    return decide


def test_rank_of_earlier_documents():
    """Verdict and own class come before, all else after."""
    verdict, own = np.array([0, 0, 0, 1], np.int8), np.array([1, 1, 0, 1], np.int8)
    earlier = np.array([False, True, False, True])
    trusted, capture = np.array([True, False, False, False]), np.array([1, 9, 9, 1])
    length, order = np.array([9, 1, 1, 9]), np.arange(4, dtype=np.uint64)
    rank = survivor_rank(verdict, own, earlier, trusted, np.array([0, 9, 9, 0]), capture, length, order)
    assert rank.tolist() == [2, 1, 0, 3]


@pytest.mark.parametrize("scale", [[], [b"0", b"1", b"9"]])
def test_earlier_documents_are_compared_first_in_their_class(world, scale):
    rows = [
        {"id": "real", **REAL, "preference": b"9"},
        {"id": "old", **UNKNOWN, **OLD, "preference": b"1"},
        {"id": "early", "captured": 2023, "signature_trusted": True, "chars": 10**6, "preference": b"0"},
    ]
    order = survival_order(world.feature_table(rows), make_config({}), pa.array(scale, pa.binary()))
    assert np.lexsort((order.low, order.high)).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "settings", [{}, ONLY_DUPLICATES, {"mixture": {"enabled": False}}], ids=["all", "few", "filter"]
)
@pytest.mark.parametrize("own", [REAL, UNKNOWN, SYNTHETIC], ids=["real", "unknown", "synthetic"])
def test_an_earlier_document_leads_in_its_class(decide, own, settings):
    """Whatever capture and length say, and whatever would become of it as a new document."""
    rows = [
        {"id": "old", **own, "captured": own["captured"] + 1, "chars": 10, **OLD},
        {"id": "copy", **own, "text": "old", "chars": 900},
        {"id": "near", **own, "chars": 900},
    ]
    found, matches, _ = decide(rows, [("old", "near", *NEAR)], **settings)
    for id, reason in (("copy", "exact"), ("near", "near")):
        assert (found[id].decision, found[id].stage, found[id].reason) == ("dropped", "dedupe", reason)
        assert found[id].matched_id == "old" and found[id].matched_earlier
    assert found["old"].matched_id is None
    assert matches == {"matched": 2, "supersedes": []}


@pytest.mark.parametrize(("new", "old"), [(REAL, UNKNOWN), (REAL, SYNTHETIC)], ids=["unknown", "synthetic"])
def test_an_earlier_document_of_lower_class_does_not_beat_a_new_one(decide, new, old):
    rows = [
        {"id": "old", **old, **OLD},
        {"id": "older", **old, **OLD, "text": "new"},
        {"id": "new", **new},
        {"id": "third", **UNKNOWN},
    ]
    pairs = [("old", "new", *NEAR), ("old", "third", *NEAR)]
    found, matches, _ = decide(rows, pairs)
    assert found["new"].decision is None and found["new"].matched_id is None
    assert [(entry["id"], entry["by"], entry["reason"]) for entry in matches["supersedes"]] == [
        ("old", "new", "near"),
        ("older", "new", "exact"),
    ]
    assert matches["supersedes"][0]["output"] == "out/1"
    assert matches["supersedes"][0]["similarity"] == np.float32(0.9)
    assert found["third"].matched_id is None, "a superseded document does not lead, as in one run"


def test_a_held_document_waits_for_no_earlier_one(decide):
    rows = [{"id": "old", **UNKNOWN, **OLD}, {"id": "suspect", "text": "old", "detector_score": 0.97}]
    found, _, _ = decide(rows)
    assert (found["suspect"].decision, found["suspect"].stage) == ("dropped", "dedupe")


def test_evidence_travels_from_earlier_documents(decide):
    rows = [
        {"id": "captured", **REAL, **OLD},
        {"id": "like-captured", "captured": 2024, "detector_score": 0.999},
        {"id": "machine", **SYNTHETIC, **OLD},
        {"id": "like-machine", "captured": 2025},
    ]
    pairs = [("captured", "like-captured", *NEAR), ("machine", "like-machine", *NEAR)]
    found, _, _ = decide(rows, pairs)
    assert [item["kind"] for item in found["like-captured"].evidence] == ["copy_of_capture"]
    assert [item["kind"] for item in found["like-machine"].evidence] == ["copy_of_synthetic"]
    assert found["like-captured"].origin == "human"


def test_pairs_between_earlier_documents_decide_nothing_in_one_class(decide):
    """Both were kept, under a higher threshold perhaps: both lead."""
    rows = [{"id": name, **UNKNOWN, **OLD} for name in ("a", "b")] + [
        {"id": "like-a", **UNKNOWN},
        {"id": "like-b", **UNKNOWN},
    ]
    found, matches, _ = decide(rows, [("a", "b", *NEAR), ("a", "like-a", *NEAR), ("b", "like-b", *NEAR)])
    assert (found["like-a"].matched_id, found["like-b"].matched_id) == ("a", "b")
    assert matches == {"matched": 2, "supersedes": []}


def test_of_earlier_documents_the_superseded_does_not_lead(decide):
    """`weak` was kept first, `strong` in a later run that superseded it, and both are compared with now."""
    rows = [{"id": "weak", **UNKNOWN, **OLD}, {"id": "strong", **REAL, **OLD}, {"id": "new", **UNKNOWN}]
    found, matches, _ = decide(rows, [("weak", "strong", *NEAR), ("weak", "new", *NEAR)])
    assert found["new"].matched_id is None
    assert matches["supersedes"] == [], "that was told by the run that did it"


def test_rights_exclude_earlier_documents_too(decide):
    rows = [{"id": "old", **OLD, "rights": "deny"}, {"id": "new", "text": "old"}]
    found, _, _ = decide(rows)
    assert found["new"].matched_id is None


def test_evaluation_texts_exclude_earlier_documents_too(decide):
    """The match of such a document is no document."""
    excluded = {"read_reason": "evaluation", "evaluation": "item", "evaluation_containment": 1.0}
    found, matches, _ = decide([{"id": "old", **OLD, **excluded}, {"id": "new", "text": "old"}])
    assert found["old"].matched_id == "item" and found["new"].matched_id is None
    assert matches == {"matched": 0, "supersedes": []}


def test_rows_and_sums_are_of_new_documents(decide):
    rows = [
        {"id": "old", **UNKNOWN, **OLD},
        {"id": "copy", "text": "old", **UNKNOWN, "cluster": 0},
        {"id": "kept", **UNKNOWN, "cluster": 0},
        {"id": "again", "text": "kept", **UNKNOWN, "cluster": 0},
    ]
    _, _, table = decide(rows)
    new = new_documents(table)
    assert sorted(new["id"].to_pylist()) == ["again", "copy", "kept"]
    sums = ClusterSums.collect(new).table.to_pylist()
    assert [(row["accepted_documents"], row["duplicates"]) for row in sums] == [(1, 1)], "the copy of `old` is no spam"


def test_the_reference_is_of_new_documents(world):
    config = make_config({})
    rows = [{"id": "old", **REAL, **OLD}, {"id": "copy", "text": "old", **REAL}, {"id": "new", **REAL}]
    leaders = real_leaders(world.document_table(rows, config), world.pair_table([]), config)
    assert leaders["id"].to_pylist() == ["new"]


def test_several_earlier_outputs_may_use_one_id(world):
    """Which of them is first in the input decides nothing."""
    config = make_config({})
    rows = [
        {"id": "same", "text": "x", **UNKNOWN, **OLD},
        {"id": "same", "text": "y", **UNKNOWN, **OLD, "chars": 700},
        {"id": "new", "text": "z", **UNKNOWN},
    ]
    pairs = world.pair_table([("x", "z", *NEAR), ("y", "z", 0.85, 0.9, 0.9)])
    documents = world.document_table(rows, config)
    tables = [
        new_documents(decide_group(documents.take(pa.array(order)), pairs, world.reference(), config))
        for order in ([0, 1, 2], [2, 1, 0])
    ]
    assert tables[0].equals(tables[1])


def test_matches_merge(decide):
    rows = [{"id": "old", **UNKNOWN, **OLD}, {"id": "new", "text": "old", **REAL}]
    _, _, table = decide(rows)
    one = EarlierMatches.collect(table)
    both = EarlierMatches.none().merge(one).merge(one)
    assert len(both.to_dict()["supersedes"]) == 2 and both.matched == 0
