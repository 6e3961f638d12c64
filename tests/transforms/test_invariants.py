"""The promises of the decisions, on a corpus that takes all their paths."""

from collections import Counter

import pytest

from curate.transforms import Curate

PATHS = {
    ("dropped", "read", "no_text"),
    ("dropped", "dedupe", "exact"),
    ("dropped", "dedupe", "near"),
    ("dropped", "dedupe", "contained"),
    ("dropped", "synthetic", "detector"),
    ("dropped", "mixture", "no_shortage"),
    ("held", "synthetic", "suspect"),
    ("held", "synthetic", "conflict"),
    ("held", "dedupe", "duplicate_of_held"),
    ("kept", None, None),
}


@pytest.fixture(scope="module")
def by_id(ledger):
    return {row["id"]: row for row in ledger}


def test_the_corpus_takes_every_path(ledger):
    assert {(row["decision"], row["stage"], row["reason"]) for row in ledger} >= PATHS
    kinds = {item["kind"] for row in ledger for item in row["evidence"] or ()}
    assert {"copy_of_synthetic", "copy_of_capture", "capture_date"} <= kinds
    filled = [row for row in ledger if row["decision"] == "kept" and row["tier"] == "declared_synthetic"]
    assert filled


def test_counts_reconcile_and_every_id_is_there_once(documents, ledger, by_id):
    assert len(ledger) == len(by_id) == len(documents)
    given = Counter(row["id"] for row in documents if row["id"])
    assert {i for i in by_id if i.split("#")[0] in given} == {
        f"{i}#{n}" if n > 1 else i for i, count in given.items() for n in range(1, count + 1)
    }


def test_everything_but_a_kept_document_has_stage_and_reason(ledger):
    for row in ledger:
        if row["decision"] == "kept":
            assert row["stage"] is None and row["matched_id"] is None and row["weight"] > 0
        else:
            assert row["stage"] and row["reason"]
            assert (row["weight"], row["copies"]) == (0, 0)


def test_duplicates_name_a_survivor_that_was_measured_to_be_similar(ledger, by_id):
    duplicates = [row for row in ledger if row["stage"] == "dedupe"]
    assert len(duplicates) > 50
    for row in duplicates:
        survivor = by_id[row["matched_id"]]
        if row["reason"] == "duplicate_of_held":
            assert survivor["decision"] == "held"
        else:
            assert survivor["decision"] == "kept" or survivor["stage"] == "mixture"
        least = {"exact": (1.0, 1.0), "near": (0.8, 0.0), "contained": (0.0, 0.9), "duplicate_of_held": (0.8, 0.0)}
        similarity, containment = least[row["reason"]]
        assert row["similarity"] >= similarity - 1e-6
        assert row["containment"] >= containment - 1e-6
    for row in ledger:
        assert row["stage"] == "dedupe" or (row["matched_id"], row["similarity"], row["containment"]) == (None,) * 3


def test_a_chain_is_not_closed_transitively(by_id):
    chain = [by_id[f"chain-{number}"] for number in range(16)]
    assert 1 < sum(row["decision"] == "kept" for row in chain) < 10


def test_real_documents_are_dropped_for_real_ones_only(ledger):
    real = [row for row in ledger if row["id"].startswith("real-")]
    dropped = [row for row in real if row["decision"] != "kept"]
    assert {row["tier"] for row in real} == {"trusted_human"}
    assert [row["matched_id"] for row in dropped] == [f"real-{topic}-copy" for topic in range(4)]


def test_evidence_travels_along_verified_pairs(by_id):
    assert by_id["machine-0-1-copy"]["matched_id"] == "machine-0-1"
    for suffix, kind in (("machine-0-1-copy", "copy_of_synthetic"), ("recent-0-1-near", "copy_of_capture")):
        assert kind in {item["kind"] for item in by_id[suffix]["evidence"]}
    details = [
        item["detail"] for row in by_id.values() for item in row["evidence"] or () if item["family"] == "duplicate"
    ]
    assert set(details) <= set(by_id)
    for name, row in by_id.items():
        assert name not in {item["detail"] for item in row["evidence"] or () if item["family"] == "duplicate"}


def test_adding_machine_text_changes_nothing_for_real_documents(
    apply, documents, more_machine_text, settings, ledger_of, by_id
):
    after = {row["id"]: row for row in ledger_of(apply(Curate(settings), documents + more_machine_text)["ledger"])}
    names = ("decision", "stage", "reason", "matched_id", "similarity", "origin", "tier")
    for name, row in by_id.items():
        if name.startswith("real-"):
            assert [after[name][column] for column in names] == [row[column] for column in names]
    added = [after[row["id"]] for row in more_machine_text]
    assert {row["decision"] for row in added if not row["id"].endswith("new")} == {"dropped"}


def test_a_token_budget_leaves_out_with_a_reason(apply, documents, settings, ledger_of):
    settings = {**settings, "mixture": {**settings["mixture"], "token_budget": 3_000}}
    rows = ledger_of(apply(Curate(settings), documents)["ledger"])
    assert "budget" in {row["reason"] for row in rows}
    by_id = {row["id"]: row for row in rows}
    for row in rows:
        assert row["decision"] != "dropped" or (row["stage"] and row["reason"])
        if row["stage"] == "dedupe" and row["decision"] == "dropped":
            survivor = by_id[row["matched_id"]]
            assert survivor["decision"] == "kept" or survivor["stage"] == "mixture"
