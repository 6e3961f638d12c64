import json

import pyarrow as pa
import pytest

from curate.report.build import report_data
from curate.report.explain import tell
from curate.report.groups import Groups
from curate.report.marks import Marks
from curate.report.render import render
from curate.report.summary import Summary
from curate.schema import WATERMARKS
from curate.watermarks.discoveries import Discoveries

TEST = "house/synthid/1/00ff"
FOUND = {TEST: Discoveries(tested=9, found=2, threshold=1e-4)}
MARKER = {"family": "marker", "kind": "zero_width", "claim": "unknown", "llr": 0.0, "detail": "places: 3"}
WATERMARK = {
    "family": "watermark",
    "kind": "synthid",
    "claim": "synthetic",
    "llr": 6.0,
    "detail": "house: statistic .6",
}


@pytest.fixture
def ledger(ledgers):
    rows = [
        ledgers.row("a", decision="held", stage="synthetic", reason="suspect", evidence=[WATERMARK]),
        ledgers.row("b", decision="dropped", stage="synthetic", reason="detector", evidence=[MARKER, WATERMARK]),
        ledgers.row("c", tier="trusted_human", evidence=[MARKER]),
        ledgers.row("d"),
        ledgers.row("e", evidence=None),
    ]
    p_values = [1e-9, 1e-4, 0.5, 2e-4, None]
    results = [None if p is None else [{"detector": TEST, "statistic": 0.5, "p_value": p, "n": 80}] for p in p_values]
    return ledgers.ledger(rows).append_column("watermarks", pa.array(results, WATERMARKS))


def test_tested_and_found_documents_are_counted(ledger):
    (row,) = Marks.of(ledger, FOUND).watermark_rows(FOUND, 0.01)
    assert row == {
        "name": "house", "kind": "synthid", "digest": "00ff", "tested": 4, "watermarked": 2,
        "kept": 0, "held": 1, "dropped": 1, "q": 0.01, "corpus": FOUND[TEST].to_dict(),
    }  # fmt: skip
    assert Marks.of(ledger, FOUND).marker_rows() == [{"kind": "zero_width", "documents": 2, "trusted": 1}]


def test_parts_merge_to_the_whole_through_json(ledger):
    whole = Marks.of(ledger, FOUND)
    parts = [Marks.of(ledger.slice(start, 2), FOUND) for start in (4, 0, 2)]
    merged = Marks().merge(parts[0]).merge(parts[1]).merge(parts[2])
    assert merged == whole == Marks.from_dict(json.loads(json.dumps(whole.to_dict())))


def test_the_report_shows_both(ledger):
    marks = Marks.of(ledger, FOUND)
    counts = {"read": 5, "kept": 3, "dropped": 1, "held": 1, "errors": 0, "files_failed": 0, "duplicate_ids": 0}
    given = {"calibration": {}, "prevalence": [], "mixture": {}, "config": {}, "counts": counts, "artefacts": {}}
    groups = Groups.of(ledger, pa.nulls(5, pa.string()))
    rows = {"watermarks": marks.watermark_rows(FOUND, 0.01), "markers": marks.marker_rows()}
    html = render(report_data(Summary.of(ledger), groups, **given, **rows))
    assert "false discovery rate of 1.0%" in html and "zero width" in html
    assert "Watermarks and hidden characters" not in render(report_data(Summary.of(ledger), groups, **given))


def test_story_of_a_watermarked_document(ledgers):
    row = ledgers.row("x", decision="held", stage="synthetic", reason="suspect", evidence=[WATERMARK, MARKER])
    story = tell(row, {"config": {"synthetic": {"watermark_q": 0.01}}})
    assert (
        "Watermark, synthid: house: statistic .6. It speaks for synthetic (strong, +6.00 nats towards synthetic)."
        in story
    )
    assert "Marker, zero_width: places: 3. It says nothing of origin." in story
    assert "no longer testing for the watermark house, or a smaller synthetic.watermark_q (it is 0.01)" in story


def test_a_marker_is_no_evidence_of_origin(ledgers):
    assert "That probability was not measured" in tell(ledgers.row("x", evidence=[MARKER]), {})
