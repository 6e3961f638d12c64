import pyarrow.parquet as pq
import pytest

from curate.config import Config
from curate.errors import UsageError
from curate.report.explain import OTHERWISE, find, tell
from curate.report.words import REASONS

MANIFEST = {"config": Config().to_dict()}


@pytest.fixture
def run(tmp_path, corpus):
    (tmp_path / "ledger").mkdir()
    half = corpus[0].num_rows // 2
    pq.write_table(corpus[0].slice(0, half), tmp_path / "ledger/part-0.parquet")
    pq.write_table(corpus[0].slice(half), tmp_path / "ledger/part-1.parquet")
    return tmp_path


def test_find_reads_any_file(run):
    assert find(run, "doc-00001")["id"] == "doc-00001"
    assert find(run, "doc-01999")["id"] == "doc-01999"


def test_unknown_id_names_the_nearest(run):
    with pytest.raises(UsageError, match=r"'doc-0100'.*nearest are 'doc-0") as error:
        find(run, "doc-0100")
    assert error.value.exit_code == 2


@pytest.mark.parametrize("id", ["", "zzzzzzz", "é"])
def test_unknown_id_without_neighbours(run, id):
    with pytest.raises(UsageError, match="no document with the id"):
        find(run, id)


def test_directory_without_a_ledger(tmp_path):
    with pytest.raises(UsageError, match="has no ledger"):
        find(tmp_path, "a")


def test_story_of_a_near_duplicate(ledgers):
    match = {"matched_id": "other", "similarity": 0.85, "containment": 0.9}
    row = ledgers.row("x", decision="dropped", stage="dedupe", reason="near", **match, cluster=4)
    story = tell(ledgers.ledger([row]).to_pylist()[0], MANIFEST)
    for words in (
        "x was dropped at stage dedupe, reason near: a near duplicate of a kept document.",
        "compared with other",
        "Jaccard similarity of 0.85 (threshold 0.8)",
        "90.0% of its shingles",
        "dedupe.threshold above 0.85 and dedupe.containment above 0.9; or if other",
        "if other were rejected",
    ):
        assert words in story


@pytest.mark.parametrize(
    ("reason", "similarity", "containment"),
    [("near", 1.0, 1.0), ("near", 0.9999, 0.5), ("near", 0.85, 1.0), ("contained", 0.7, 1.0), ("exact", 1.0, 1.0)],
)
def test_no_setting_beyond_its_range_is_suggested(ledgers, reason, similarity, containment):
    match = {"matched_id": "other", "similarity": similarity, "containment": containment}
    story = tell(ledgers.row("x", decision="dropped", stage="dedupe", reason=reason, **match), MANIFEST)
    assert "What would have changed this: if other were rejected" in story


def test_a_named_setting_is_high_enough(ledgers):
    match = {"matched_id": "other", "similarity": 0.7, "containment": 0.92341}
    story = tell(ledgers.row("x", decision="dropped", stage="dedupe", reason="contained", **match), MANIFEST)
    assert "dedupe.containment above 0.924; or" in story


@pytest.mark.parametrize(("score", "side"), [(1.6, "below"), (1.7, "at"), (1.8, "above")])
def test_the_side_of_the_threshold_is_that_of_the_verdict(ledgers, score, side):
    story = tell(ledgers.row("x", detector_score=score, threshold=1.7), MANIFEST)
    assert f", {side} the threshold 1.7" in story


def test_a_trusted_document_is_told_of_no_score_that_would_change_it(ledgers):
    row = ledgers.row("x", tier="trusted_human", detector_score=1.0, threshold=1.7)
    assert "a detector score" not in tell(row, MANIFEST)


def test_a_probability_without_evidence_is_called_assumed(ledgers):
    assert "at most the detector's limit of 3 nats" in tell(ledgers.row("x", detector_score=9.0), MANIFEST)
    unscored = tell(ledgers.row("x"), MANIFEST)
    assert "was not measured" in unscored and "3 nats" not in unscored
    item = {"family": "lineage", "kind": "capture_date", "claim": "human", "llr": 0.0, "detail": ""}
    assert "not measured" not in tell(ledgers.row("x", detector_score=9.0, evidence=[item]), MANIFEST)


def test_story_of_a_suspect(ledgers):
    item = {"family": "detector", "kind": "fasttext", "claim": "synthetic", "llr": 3.5, "detail": "score 2.1"}
    scored = {"detector_score": 2.1, "threshold": 1.7, "group": "en/long", "group_n": 512, "evidence": [item]}
    story = tell(ledgers.row("x", decision="held", stage="synthetic", reason="suspect", **scored), MANIFEST)
    for words in (
        "held for review",
        "Detector, fasttext: score 2.1. It speaks for synthetic (strong, +3.50 nats towards synthetic).",
        "scored it 2.1 (higher is more machine-like), above the threshold 1.7 "
        "of group en/long, calibrated on 512 human documents",
        "a detector score of at most 1.7",
        "synthetic.alpha_suspect (it is 0.05)",
    ):
        assert words in story


def test_scores_that_the_detector_came_with(ledgers):
    scored = {"detector_score": 2.1, "threshold": 1.7, "group": "shipped/cs", "group_n": 300, "reason": "suspect"}
    story = tell(ledgers.row("x", decision="held", stage="synthetic", **scored), MANIFEST)
    assert "of group shipped/cs, calibrated on 300 human documents that the detector came with" in story


@pytest.mark.parametrize(
    ("containment", "more"), [(0.875, ", or with dedupe.exclude_containment above 0.875."), (1.0, ".")]
)
def test_story_of_an_evaluation_text(ledgers, containment, more):
    match = {"stage": "read", "reason": "evaluation", "matched_id": "q1", "containment": containment}
    story = tell(ledgers.row("x", decision="dropped", **match), MANIFEST)
    assert f"It contains {100 * containment}% of the evaluation text q1 (threshold 80.0%)." in story
    assert story.endswith("this: a run without q1 among the evaluation texts" + more)
    assert "detector" not in story


def test_story_of_a_kept_document(ledgers):
    edit = {"kind": "c2pa", "start": 10, "end": 30}
    row = ledgers.row("x", cluster=3, weight=2.5, copies=3, text_edits=[edit], detector_score=1.0, threshold=1.7)
    story = tell(row, MANIFEST)
    for words in (
        "x was kept.",
        "cluster 3",
        "weight 2.5 it appears 3 times",
        "a C2PA manifest was taken out at characters 10 to 30",
        "higher by more than 0.7",
    ):
        assert words in story


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"reason": "uncalibrated", "threshold": None}, "a threshold for its language"),
        ({"tier": "declared_synthetic", "origin": "synthetic", "threshold": 0.5}, "a smaller mixture.synthetic_cap"),
    ],
)
def test_what_would_have_changed_where_the_score_decided_nothing(ledgers, changes, said):
    row = ledgers.row("x", detector_score=0.2, **changes)
    otherwise = tell(row, MANIFEST).partition("What would have changed this: ")[2]
    assert otherwise.startswith(said) and "higher by more than" not in otherwise


def test_mixed_media_share_no_cap(ledgers):
    cap = "it shares the cap mixture.mixed_cap"
    assert cap in tell(ledgers.row("x", origin="mixed", cluster=3), MANIFEST)
    assert cap not in tell(ledgers.row("x", origin="mixed", cluster=None, tokens=0), MANIFEST)


def test_every_reason_can_be_told(ledgers):
    for reason in REASONS:
        row = ledgers.row(
            "x", decision="dropped", stage="synthetic", reason=reason, tokens=None, language=None, origin=None
        )
        assert "What would have changed this: " in tell(row, {})
    assert set(OTHERWISE) <= set(REASONS)


def test_every_row_of_a_run_can_be_told(corpus):
    for row in corpus[0].slice(0, 300).to_pylist():
        assert tell(row, MANIFEST).startswith(row["id"])


def test_story_of_a_document_of_repeated_lines(ledgers):
    match = {"decision": "dropped", "stage": "dedupe", "reason": "line", "matched_id": "owner", "containment": 1.0}
    rows = [ledgers.row("x", **match), ledgers.row("y", **match, similarity=0.9)]
    first, copy = (tell(row, MANIFEST) for row in ledgers.ledger(rows).to_pylist())
    assert "x was dropped at stage dedupe, reason line: nothing but repeated lines." in first
    assert "All of its lines are kept in other documents, the longest in owner." in first
    assert "What would have changed this: a larger dedupe.lines.min_documents" in first
    assert "a copy of a document of which nothing is left, whose longest line is in owner: " in copy
    assert "Jaccard similarity of 0.9" in copy
