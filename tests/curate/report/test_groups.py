import json
from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.report.groups import LARGEST_GROUPS, MEMBERS, PAIRS_KEPT, PAIRS_SHOWN, Groups
from curate.schema import LEDGER

SIZES = st.lists(st.integers(0, 6), min_size=1, max_size=24)


def group(ledgers, number, copies):
    """A survivor, and copies of every kind of which the reasons, similarities and fates differ."""
    rows = [ledgers.row(f"s{number:02d}")]
    for index in range(copies):
        reason = ("near", "contained", "exact", "duplicate_of_held")[(number + index) % 4]
        similarity = 1.0 if reason == "exact" else 0.5 + (number * 7 + index * 3) % 20 / 64
        match = {"matched_id": f"s{number:02d}", "similarity": similarity, "containment": similarity + 0.125}
        decision = "held" if reason == "duplicate_of_held" else "dropped"
        rows.append(ledgers.row(f"c{number:02d}-{index}", decision=decision, stage="dedupe", reason=reason, **match))
    return rows


def groups_of(ledgers, rows):
    return Groups.of(ledgers.ledger(rows), pa.array([row["id"][:2] for row in rows], pa.string()))


@settings(max_examples=30, deadline=None)
@given(sizes=SIZES, cuts=st.lists(st.integers(0, 3), min_size=24, max_size=24), order=st.randoms(use_true_random=False))
def test_any_spread_of_whole_groups_gives_what_counting_gives(ledgers, sizes, cuts, order):
    every = [group(ledgers, number, size) for number, size in enumerate(sizes)]
    parts = [[row for rows, cut in zip(every, cuts, strict=False) if cut == part for row in rows] for part in range(4)]
    merged = Groups()
    for part in order.sample(parts, len(parts)):
        order.shuffle(part)
        merged = merged.merge(groups_of(ledgers, part))
    whole = groups_of(ledgers, [row for rows in every for row in rows])
    assert merged.to_dict() == whole.to_dict()
    assert Groups.from_dict(json.loads(json.dumps(whole.to_dict()))) == whole
    assert whole.sizes == Counter(size + 1 for size in sizes if size)
    largest = sorted((-size - 1, f"s{number:02d}") for number, size in enumerate(sizes) if size)[:LARGEST_GROUPS]
    assert whole.largest == [(-size, id) for size, id in largest]
    for size, id in whole.largest:
        copies = [row for rows in every for row in rows if row["matched_id"] == id]
        least = sorted((row["similarity"], row["id"]) for row in copies)[:MEMBERS]
        assert len(copies) == size - 1
        assert [(pair.similarity, pair.id) for pair in whole.members[id]] == least
    for reason, measure in (("near", "similarity"), ("contained", "containment")):
        accepted = [row for rows in every for row in rows if row["reason"] == reason]
        least = sorted((row[measure], row["id"], row["matched_id"]) for row in accepted)[:PAIRS_KEPT]
        assert [pair[:3] for pair in whole.least.get(reason, [])] == least


def test_a_pair_says_all_that_is_known_of_it(ledgers):
    groups = groups_of(ledgers, group(ledgers, 0, 1))
    assert groups.least["near"] == [(0.5, "c00-0", "s00", "near", 0.5, 0.625, "c0", "s0")]


def test_a_survivor_of_an_earlier_output_has_no_source(ledgers):
    (pair,) = groups_of(ledgers, group(ledgers, 0, 1)[1:]).least["near"]
    assert pair.matched_source is None


@pytest.mark.parametrize("reason", ["evaluation", "line", "rights"])
def test_what_is_no_copy_of_a_document_forms_no_group(ledgers, reason):
    row = ledgers.row("a", decision="dropped", stage="dedupe", reason=reason, matched_id="item 7", similarity=0.1)
    assert groups_of(ledgers, [row]) == Groups()


def test_shown_are_the_least_similar_and_some_of_the_largest_group_once_each(ledgers):
    groups = groups_of(ledgers, [row for number in range(30) for row in group(ledgers, number, 2 + (number == 4))])
    shown = [pair[1:3] for pair in groups.shown()]
    assert len(set(shown)) == len(shown) <= 2 * PAIRS_SHOWN + MEMBERS
    expected = groups.least["near"][:PAIRS_SHOWN] + groups.least["contained"][:PAIRS_SHOWN] + groups.members["s04"]
    assert set(shown) == {pair[1:3] for pair in expected}
    assert len(expected) > len(shown)  # so that one of them is there for both


def test_empty():
    assert Groups.of(LEDGER.empty_table(), pa.array([], pa.string())) == Groups()
    assert Groups().shown() == []
