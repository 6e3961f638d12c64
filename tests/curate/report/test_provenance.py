import json

from curate.report.provenance import ProvenanceCounts


def item(family, kind, claim):
    return {"family": family, "kind": kind, "claim": claim, "llr": 0.0, "detail": ""}


VALID, DENY = item("credentials", "c2pa_valid", "synthetic"), item("rights", "robots", "deny")
SEEN = item("detector", "windows", "unknown")


def test_documents_are_counted_once_for_each_kind(ledgers):
    rows = [
        ledgers.row("a", evidence=[VALID, VALID, SEEN]),
        ledgers.row("b", decision="dropped", stage="rights", reason="rights", evidence=[DENY, VALID]),
        ledgers.row("c", decision="held", stage="synthetic", reason="conflict", evidence=[VALID]),
        ledgers.row("d", evidence=None),
    ]
    ledger = ledgers.ledger(rows)
    whole = ProvenanceCounts.of(ledger)
    assert whole.rows() == [
        {"family": "credentials", "kind": "c2pa_valid", "claim": "synthetic", "documents": 3, "kept": 1, "held": 1,
         "dropped": 1},
        {"family": "rights", "kind": "robots", "claim": "deny", "documents": 1, "kept": 0, "held": 0, "dropped": 1},
    ]  # fmt: skip
    parts = [ProvenanceCounts.of(ledger.slice(start, 2)) for start in (2, 0)]
    assert parts[0].merge(parts[1]) == whole == ProvenanceCounts.from_dict(json.loads(json.dumps(whole.to_dict())))
    assert ProvenanceCounts().rows() == []
