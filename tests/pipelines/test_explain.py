"""Explaining a document from Python: its text is found again, and compared with that of its match."""

import shutil

import pytest

from curate.pipelines.explain import explain_document


@pytest.fixture(scope="module")
def pairs(finished, output_of):
    """A near duplicate and an exact one of the corpus: (copy, survivor) each."""
    rows = output_of(finished).rows.values()
    found = {row["reason"]: (row["id"], row["matched_id"]) for row in rows if row["stage"] == "dedupe"}
    return found["near"], found["exact"]


def test_a_copy_is_compared_word_by_word(finished, curate, pairs):
    (copy, survivor), (same, _) = pairs
    found = explain_document(finished, copy)
    assert found.row["id"] == copy and found.matched_id == survivor and found.missing == {}
    changed = [(kind, text) for kind, text in found.difference if kind != "="]
    assert "otherwise" in [text for _, text in changed] and len(changed) == 2
    assert "otherwise" in found.story and f"[-only in {survivor}-]" in found.story
    assert str(found) == found.story == curate("explain", finished, copy).out.rstrip("\n")
    assert "no word differs" in explain_document(finished, same).story


def test_it_says_so_when_a_text_is_gone(corpus_file, curate, pairs, tmp_path):
    moved = tmp_path / "corpus.parquet"
    shutil.copy(corpus_file, moved)
    (copy, _), _ = pairs
    for name, options in (("bare", ()), ("whole", ("--set", "run.write_dropped=true"))):
        quick = ("--set", "mixture.enabled=false", "--set", "synthetic.enabled=false")
        outcome = curate("run", "--input", moved, "--output", tmp_path / name, *quick, *options)
        assert outcome.code == 0, outcome.err
    assert explain_document(tmp_path / "bare", copy).difference
    moved.unlink()
    found = explain_document(tmp_path / "bare", copy)
    assert found.difference is None and set(found.missing) == {copy}
    assert f"The text of {copy} cannot be shown: it was not written (run.write_dropped)" in found.story
    assert "is gone since it was annotated" in found.story
    assert explain_document(tmp_path / "whole", copy).difference
    assert curate("verify", tmp_path / "whole").code == 0


def test_what_was_decided_again_is_explained_from_the_same_inputs(finished, curate, pairs, tmp_path):
    (copy, _), _ = pairs
    assert curate("decide", "--annotations", finished, "--output", tmp_path / "decided").code == 0
    assert explain_document(tmp_path / "decided", copy).difference == explain_document(finished, copy).difference


def test_a_document_without_a_match(finished, output_of):
    kept = next(id for id, row in output_of(finished).rows.items() if row["decision"] == "kept")
    found = explain_document(finished, kept)
    assert (found.matched_id, found.difference, found.missing) == (None, None, {})
    assert "Word by word" not in found.story
