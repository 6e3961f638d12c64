import json

import pyarrow as pa
import pytest

from curate.demo.compare import compare
from curate.demo.corpus import TRUTH
from curate.schema import LEDGER

# id, kind, copy_of, similarity, containment | decision, stage, reason, matched_id, origin, tier, weight
CASES = [
    (("h1", "human"), ("kept", None, None, None, "human", "trusted_human", 1.0)),
    (("h2", "human"), ("dropped", "dedupe", "exact", "x2", "unknown", "likely_human", 0.0)),
    (("h3", "human"), ("dropped", "synthetic", "detector", None, "unknown", "likely_synthetic", 0.0)),
    (("h4", "human"), ("held", "synthetic", "suspect", None, "unknown", "uncertain", 0.0)),
    (("h5", "human"), ("dropped", "dedupe", "near", "h1", "unknown", "likely_human", 0.0)),
    (("t1", "rare_topic"), ("kept", None, None, None, "unknown", "likely_human", 1.4)),
    (("l1", "rare_language"), ("kept", None, None, None, "unknown", "uncertain", 1.0)),
    (("l2", "rare_language"), ("held", "synthetic", "suspect", None, "unknown", "uncertain", 0.0)),
    (("m1", "machine"), ("dropped", "synthetic", "detector", None, "synthetic", "likely_synthetic", 0.0)),
    (("m2", "machine"), ("kept", None, None, None, "synthetic", "declared_synthetic", 0.3)),
    (("m3", "machine"), ("kept", None, None, None, "unknown", "uncertain", 1.0)),
    (("m4", "machine"), ("held", "synthetic", "suspect", None, "unknown", "uncertain", 0.0)),
    (("x1", "exact_copy", "h1", 1.0, 1.0), ("dropped", "dedupe", "exact", "h1", "human", "likely_human", 0.0)),
    (("x2", "exact_copy", "h2", 1.0, 1.0), ("kept", None, None, None, "unknown", "likely_human", 1.0)),
    (("x3", "exact_copy", "m1", 1.0, 1.0), ("dropped", "synthetic", "detector", None, "synthetic", "uncertain", 0.0)),
    (("x4", "exact_copy", "m3", 1.0, 1.0), ("kept", None, None, None, "unknown", "uncertain", 1.0)),
    (("n1", "near_copy", "h1", 0.85, 0.92), ("dropped", "dedupe", "near", "x1", "human", "likely_human", 0.0)),
    (("n2", "near_copy", "t1", 0.75, 0.91), ("kept", None, None, None, "unknown", "likely_human", 1.0)),
    (("n3", "near_copy", "m3", 0.6, 0.7), ("kept", None, None, None, "unknown", "uncertain", 1.0)),
    (("s1", "spam"), ("kept", None, None, None, "unknown", "likely_human", 1.2)),
    (("s2", "spam"), ("dropped", "dedupe", "near", "s1", "unknown", "likely_human", 0.0)),
    (("i1", "image_ai"), ("kept", None, None, None, "synthetic", "declared_synthetic", 1.0)),
    (("i2", "image_camera"), ("kept", None, None, None, "human", "trusted_human", 1.0)),
    (("i3", "image_unsigned"), ("kept", None, None, None, "human", "trusted_human", 1.0)),
    (("i4", "image_tampered"), ("kept", None, None, None, "human", "trusted_human", 1.0)),
    (("i5", "image_denied"), ("dropped", "rights", "rights", None, "human", "trusted_human", 0.0)),
]


def tables(cases):
    truth, ledger = [], []
    for known, decided in cases:
        key, kind, copy_of, similarity, containment = (*known, None, None, None)[:5]
        truth.append(
            {"id": key, "kind": kind, "copy_of": copy_of, "similarity": similarity, "containment": containment}
        )
        names = ("decision", "stage", "reason", "matched_id", "origin", "tier", "weight")
        ledger.append({"id": key} | dict(zip(names, decided, strict=True)))
    return pa.Table.from_pylist(truth, TRUTH), pa.Table.from_pylist(ledger, LEDGER)


@pytest.fixture
def result():
    return compare(*tables(CASES))


@pytest.mark.parametrize(
    ("kind", "documents", "kept", "merged", "held", "dropped"),
    [
        ("human", 5, 1, 1, 1, 2),
        ("rare_topic", 1, 1, 0, 0, 0),
        ("rare_language", 2, 1, 0, 1, 0),
        ("machine", 4, 2, 0, 1, 1),
        ("spam", 2, 1, 1, 0, 0),
    ],
)
def test_fates(result, kind, documents, kept, merged, held, dropped):
    fate = result.fates[kind]
    assert (fate.documents, fate.kept, fate.merged, fate.held, fate.dropped) == (documents, kept, merged, held, dropped)
    assert fate.survival == (kept + merged) / documents


@pytest.mark.parametrize(
    ("kind", "documents", "found", "moot", "recall"),
    [("exact_copy", 4, 2, 1, 2 / 3), ("near_copy", 2, 1, 0, 0.5), ("loose_copy", 1, 0, 0, 0.0)],
)
def test_copies(result, kind, documents, found, moot, recall):
    copies = result.copies[kind]
    assert (copies.documents, copies.found, copies.moot, copies.recall) == (documents, found, moot, recall)


def test_a_drop_for_an_unrelated_document_is_wrong(result):
    assert result.right_drops == {"exact": 2, "near": 2}
    assert result.wrong_drops == {"near": 1}
    assert result.precision("exact") == 1
    assert result.precision() == 4 / 5


def test_synthetic_text_known_as_such_and_boosts(result):
    assert result.fates["machine"].marked == 1
    assert result.fates["spam"].boosted == result.fates["rare_topic"].boosted == 1


def test_suspects_that_are_kept_are_marked():
    result = compare(*tables([(("m", "machine"), ("kept", None, "suspect", None, "unknown", "uncertain", 0.25))]))
    assert (result.fates["machine"].marked, result.fates["machine"].weight) == (1, 0.25)


def test_images(result):
    assert result.images == {
        "image_ai": (1, 1),
        "image_camera": (1, 1),
        "image_unsigned": (1, 0),
        "image_tampered": (1, 0),
        "image_denied": (1, 1),
    }


def test_the_order_of_the_ledger_does_not_matter(result):
    assert compare(*tables(CASES[::-1])) == result


def test_text_and_dict(result):
    text = result.to_text()
    assert "2 of 3 exact copies found (66.7%)" in text
    assert "40.0% of the human texts wrongly dropped, 20.0% wrongly held" in text
    assert "1 of 2 spam pages given more weight" in text
    assert max(map(len, text.splitlines())) <= 105
    values = result.to_dict()
    assert values == json.loads(json.dumps(values)) | {"images": values["images"]}
    assert values["duplicate_drops"]["near"] == {"right": 2, "wrong": 1, "precision": 2 / 3}
    assert values["groups"]["human"]["survival"] == 0.4


def test_a_demo_without_some_kinds_is_compared_too():
    result = compare(*tables(CASES[:1]))
    assert result.copies["exact_copy"].recall == result.precision() == result.fates["machine"].survival == 1
    assert "none of the machine texts" in result.to_text()


def test_a_ledger_of_another_run_is_refused():
    truth, ledger = tables(CASES)
    with pytest.raises(ValueError, match="'h1' is not in the ledger"):
        compare(truth, ledger.slice(1))
