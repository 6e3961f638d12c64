"""What watermarks and hidden characters do to decisions."""

from dataclasses import replace

import pytest

from curate.provenance.evidence import Evidence
from curate.watermarks.discoveries import Discoveries

TEST = "house/synthid/1/00ff"
MARKED = [{"detector": TEST, "statistic": 0.6, "p_value": 1e-12, "n": 200}]
NULL = [{"detector": TEST, "statistic": 0.5, "p_value": 0.3, "n": 200}]


@pytest.fixture
def given(world):
    return replace(world.reference(), watermarks={TEST: Discoveries(tested=100, found=3, threshold=1e-5)})


def test_a_watermarked_document_is_held_for_it(world, given):
    found = world.decide([{"id": "a", "watermarks": MARKED}, {"id": "b", "watermarks": NULL}, {"id": "c"}], given=given)
    marked = found["a"]
    assert (marked.decision, marked.stage, marked.reason) == ("held", "synthetic", "suspect")
    assert (marked.origin, marked.tier) == ("synthetic", "likely_synthetic") and marked.p_synthetic > 0.95
    assert [item["family"] for item in marked.evidence] == ["watermark"]
    for other in (found["b"], found["c"]):
        assert (other.decision, other.reason, other.evidence) == ("kept", None, None)


@pytest.mark.parametrize(
    ("row", "decision", "reason"),
    [
        ({"captured": 2015}, "kept", None),  # quoted machine text of today, or chance: what is known is not argued with
        ({"origin": "synthetic", "cluster": 0}, "dropped", "no_shortage"),
        ({"origin": "synthetic", "captured": 2015}, "held", "conflict"),
        ({"detector_score": 2.0}, "dropped", "detector"),
        ({"detector_score": 0.97}, "held", "suspect"),
        ({"rights": "deny"}, "dropped", "rights"),
        ({"language": "yo", "detector_score": 2.0}, "held", "suspect"),  # without calibration the detector spares it
        ({"tokens": 20}, "held", "suspect"),
    ],
)
def test_harder_evidence_comes_first(world, given, row, decision, reason):
    found = world.decide([{"id": "a", "watermarks": MARKED, **row}], given=given)["a"]
    assert (found.decision, found.reason) == (decision, reason)


def test_a_copy_of_a_captured_text_is_no_machine_text(world, given):
    rows = [{"id": "a", "watermarks": MARKED, "captured": 2024, "source": "s"}, {"id": "b", "captured": 2015}]
    spared = {"sources": {"s": {"drop": "none"}}}
    found = world.decide(rows, [("a", "b", 0.95, 1.0, 1.0)], given=given, dedupe=spared)
    assert found["a"].decision == found["b"].decision == "kept"


def test_copies_of_a_watermarked_document_wait_with_it(world, given):
    rows = [{"id": "a", "watermarks": MARKED}, {"id": "b", "watermarks": MARKED}]
    found = world.decide(rows, [("a", "b", 0.95, 1.0, 1.0)], given=given)
    assert sorted((row.decision, row.reason) for row in found.values()) == [
        ("held", "duplicate_of_held"),
        ("held", "suspect"),
    ]


def test_without_the_step_watermarks_and_markers_are_not_looked_at(world, given):
    marker = [Evidence("marker", "tags", "unknown", 0.0, "tag characters: 3")]
    rows = [{"id": "a", "watermarks": MARKED, "markers": marker_lists(marker)}]
    found = world.decide(rows, given=given, synthetic={"enabled": False})["a"]
    assert (found.decision, found.evidence) == ("kept", None)


def test_markers_are_listed_and_move_nothing(world):
    marker = [Evidence("marker", "tags", "unknown", 0.0, "tag characters: 3")]
    rows = [{"id": "a", "markers": marker_lists(marker)}, {"id": "b"}]
    found = world.decide(rows)
    assert [item["kind"] for item in found["a"].evidence] == ["tags"] and found["b"].evidence is None
    for name in ("decision", "reason", "origin", "tier", "p_synthetic", "weight"):
        assert getattr(found["a"], name) == getattr(found["b"], name)


def marker_lists(items):
    return [vars(item) for item in items]
