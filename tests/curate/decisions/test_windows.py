"""What windows of both kinds make of a document: evidence, the label mixed, and nothing else."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from curate.decisions.windows import MOST_SPANS
from curate.detector.windows import WindowCounts

MIXED = bytes([60, 60, 250, 250, 60])
HUMAN = bytes([60, 60, 60, 60, 60])
MACHINE = bytes([250, 250, 250, 250, 250])
COUNT = 400


@pytest.fixture
def given(world):
    """Human documents of five windows, most of them at 70, the highest up to 150."""
    highest = np.linspace(100, 150, COUNT).astype(int)
    columns = [pa.array(["en"] * COUNT), pa.array([bytes([70, 70, 70, 100, top]) for top in highest])]
    return replace(world.reference(), windows=WindowCounts.collect(*(pa.chunked_array([each]) for each in columns)))


def told(row):
    return [item for item in row.evidence or () if item["kind"] == "windows"]


def test_a_mixed_document_is_labelled_and_kept(world, given):
    row = {"windows": MIXED, "tokens": 1000, "detector_score": 0.5}
    found = world.decide([{"id": "a", **row}, {"id": "b", **row, "windows": None}], given=given)
    (item,) = told(found["a"])
    assert (item["family"], item["claim"], item["llr"]) == ("detector", "mixed", 0)
    assert item["detail"] == "2 of 5 windows suspect, 3 clearly human; suspect are about the tokens 400-800"
    assert found["a"].origin == "mixed" and found["b"].origin == "unknown"
    for name in ("decision", "reason", "tier", "p_synthetic", "threshold"):
        assert getattr(found["a"], name) == getattr(found["b"], name)
    assert found["a"].decision == "kept"


@pytest.mark.parametrize(
    ("row", "origin", "claims"),
    [
        ({"windows": HUMAN}, "unknown", []),
        ({"windows": MACHINE}, "unknown", ["unknown"]),
        ({"windows": None}, "unknown", []),
        ({"windows": MIXED, "captured": 2015}, "human", []),
        ({"windows": MIXED, "origin": "synthetic"}, "synthetic", []),
        ({"windows": MIXED, "origin": "synthetic", "captured": 2015}, "unknown", []),  # a conflict
        ({"windows": MIXED, "origin": "human"}, "mixed", ["mixed"]),  # a claim, no more
        ({"windows": MIXED, "language": "yo"}, "unknown", []),  # nothing to compare with
        ({"windows": MIXED, "rights": "deny"}, "unknown", []),
    ],
)
def test_what_is_known_is_not_argued_with(world, given, row, origin, claims):
    found = world.decide([{"id": "a", "tokens": 1000, **row}], given=given)["a"]
    assert found.origin == origin
    assert [item["claim"] for item in told(found)] == claims


def test_a_copy_of_a_captured_text_is_not_mixed(world, given):
    rows = [{"id": "a", "text": "t", "windows": MIXED}, {"id": "b", "text": "t", "captured": 2015}]
    found = world.decide(rows, given=given, dedupe={"sources": {"s": {"drop": "none"}}})
    assert found["a"].origin == "human" and not told(found["a"])


def test_zones_decide_as_before(world, given):
    rows = [{"id": f"{score}", "windows": MIXED, "detector_score": score} for score in (0.5, 0.97, 2.0)]
    found = world.decide(rows, given=given)
    assert [found[f"{score}"].decision for score in (0.5, 0.97, 2.0)] == ["kept", "held", "dropped"]
    assert {row.origin for row in found.values()} == {"mixed"}


def test_many_spans_are_counted(world, given):
    windows = bytes([60, 250] * (MOST_SPANS + 2))
    found = world.decide([{"id": "a", "windows": windows, "tokens": 1400}, {"id": "b", "windows": MIXED}], given=given)
    assert told(found["a"])[0]["detail"].endswith("100-200, 300-400, 500-600, 700-800, 900-1000 and 2 more")
    assert told(found["b"])[0]["detail"].endswith("tokens 40-80")


def test_without_the_filter_windows_say_nothing(world, given):
    found = world.decide([{"id": "a", "windows": MIXED}], given=given, synthetic={"enabled": False})["a"]
    assert found.origin == "unknown" and found.evidence is None


def clustered(kinds):
    return [{"id": f"{number:03d}", "cluster": 0, "tokens": 100, "windows": kind} for number, kind in enumerate(kinds)]


@pytest.mark.parametrize(("cap", "weight"), [(0.1, 45 / 9 / 5), (0.05, 45 / 19 / 5), (0.5, 1.0), (1.0, 1.0)])
def test_mixed_documents_share_a_cap(world, given, cap, weight):
    found = world.decide(clustered([MIXED] * 5 + [HUMAN] * 45), given=given, mixture={"mixed_cap": cap}).values()
    mixed = [row.weight for row in found if row.origin == "mixed"]
    assert mixed == pytest.approx([weight] * 5, abs=1e-8)
    assert {row.weight for row in found if row.origin != "mixed"} == {1.0}
    assert {row.decision for row in found} == {"kept"}
    assert sum(mixed) <= cap * sum(row.weight for row in found) + 1e-9


@pytest.mark.parametrize(
    ("kinds", "settings"), [([MIXED] * 3, {}), ([MIXED, HUMAN], {"mixed_cap": 0.0}), ([MIXED, HUMAN], {})]
)
def test_mixed_text_is_dropped_where_the_cap_leaves_nothing_of_it(world, given, kinds, settings):
    found = world.decide(clustered(kinds), given=given, mixture=settings).values()
    for row in found:
        gone = row.origin == "mixed" and "mixed_cap" in settings
        assert (row.decision, row.reason) == (("dropped", "mixed") if gone else ("kept", None))
        assert (row.weight == 0) == gone


def test_without_the_mixture_there_is_a_label_and_no_cap(world, given):
    found = world.decide(clustered([MIXED] * 3), given=given, mixture={"enabled": False}).values()
    assert {(row.origin, row.decision, row.weight) for row in found} == {("mixed", "kept", 1.0)}


def test_decisions_do_not_hang_on_how_the_corpus_is_cut(world, given):
    rows = clustered([MIXED] * 5 + [HUMAN] * 20 + [MACHINE] * 5)
    whole = world.ledger(rows, given=given)
    cut = world.ledger(rows, given=given, parts=[list(range(0, 30, 2)), list(range(1, 30, 2))])
    assert whole.equals(cut)
