import itertools
import json

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.report.bounded import Lowest
from curate.report.summary import Summary
from curate.schema import LEDGER

KEY_TYPES = (pa.string(), pa.int32())


def parts(corpus, cuts):
    ledger, sources, months = corpus
    edges = [0, *sorted(cuts), ledger.num_rows]
    for start, end in itertools.pairwise(edges):
        size = end - start
        yield Summary.of(ledger.slice(start, size), sources.slice(start, size), months.slice(start, size))


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(0, 2000), max_size=4), order=st.randoms(use_true_random=False))
def test_any_split_in_any_order_gives_the_same_summary(corpus, cuts, order):
    whole = Summary.of(*corpus)
    pieces = list(parts(corpus, cuts))
    order.shuffle(pieces)
    merged = Summary()
    for piece in pieces:
        merged = merged.merge(piece)
    assert merged.to_dict() == whole.to_dict()


@settings(max_examples=10, deadline=None)
@given(cuts=st.tuples(st.integers(0, 2000), st.integers(0, 2000)))
def test_merge_is_associative_and_commutative(corpus, cuts):
    a, b, c = parts(corpus, cuts)
    assert a.merge(b).merge(c).to_dict() == a.merge(b.merge(c)).to_dict()
    assert a.merge(b).to_dict() == b.merge(a).to_dict()


def test_row_order_does_not_matter(corpus):
    ledger, sources, months = corpus
    backwards = pa.array(range(ledger.num_rows - 1, -1, -1))
    turned = Summary.of(ledger.take(backwards), sources.take(backwards), months.take(backwards))
    assert turned.to_dict() == Summary.of(*corpus).to_dict()


def test_round_trip_through_json(corpus):
    summary = Summary.of(*corpus)
    assert Summary.from_dict(json.loads(json.dumps(summary.to_dict()))).to_dict() == summary.to_dict()


def test_sums(ledgers):
    table = ledgers.ledger(
        [
            ledgers.row("a", tokens=10, weight=2.5, copies=3, cluster=1),
            ledgers.row("b", tokens=7, weight=0.5, copies=0, cluster=1, language=None),
            ledgers.row(
                "c", tokens=5, decision="dropped", stage="dedupe", reason="near", matched_id="a", similarity=0.9
            ),
        ]
    )
    summary = Summary.of(table, pa.array(["x", "x", None]))
    assert summary.total("flow") == (3, 22, 30, 285_000, 0, 0)
    assert summary.total("flow", decision="kept") == (2, 17, 30, 285_000, 0, 0)
    assert summary.by("source", "source", "decision") == {
        (None, "dropped"): (1, 5, 0, 0, 0, 0),
        ("x", "kept"): (2, 17, 30, 285_000, 0, 0),
    }
    assert summary.total("language", language=None).documents == 1
    assert {entry[1] for entry in summary.cluster_examples.entries[1]} == {"a", "b"}


def test_trusted_documents_above_the_threshold_are_counted(ledgers):
    trusted = {"tier": "trusted_human", "threshold": 1.0}
    rows = [ledgers.row(f"d{i}", **trusted, detector_score=score) for i, score in enumerate((0.9, 1.0, 1.1, None))]
    rows.append(ledgers.row("other", tier="uncertain", threshold=1.0, detector_score=2.0))
    total = Summary.of(ledgers.ledger(rows)).total("flow")
    assert (total.trusted, total.misjudged) == (4, 1)


@pytest.mark.parametrize("examples", [0, 1, 30, 100])
def test_empty_summary_is_neutral(corpus, examples):
    summary = Summary.of(*corpus, examples=examples)
    assert Summary().merge(summary).to_dict() == summary.to_dict() == summary.merge(Summary()).to_dict()


def test_empty_ledger():
    assert Summary.of(LEDGER.empty_table(), examples=100).to_dict() == Summary().to_dict()


@settings(max_examples=40, deadline=None)
@given(
    values=st.lists(
        st.tuples(
            st.tuples(st.sampled_from("pq"), st.sampled_from([None, 1, 2])),
            st.integers(0, 5) | st.integers(0, 2**64 - 1),
            st.integers(0, 99),
        ),
        max_size=60,
    )
)
def test_lowest_equals_sorting_everything(values):
    rows = list(dict.fromkeys((key, value, f"{name:02d}") for key, value, name in values))
    lowest = Lowest(3)
    for start in range(0, len(rows), 7):
        part = rows[start : start + 7]
        table = pa.table({"value": pa.array([r[1] for r in part], pa.uint64()), "id": [r[2] for r in part]})
        keys = zip(*(r[0] for r in part), strict=True)
        lowest.add([pa.chunked_array([list(key)], kind) for key, kind in zip(keys, KEY_TYPES, strict=True)], table)
    for key in {r[0] for r in rows}:
        assert lowest.entries[key] == sorted(r[1:] for r in rows if r[0] == key)[:3]


def test_edits_of_kept_documents_are_counted(ledgers):
    def edits(*spans, kind="line"):
        return [{"kind": kind, "start": start, "end": end} for start, end in spans]

    rows = [
        ledgers.row("a", text_edits=edits((0, 10), (20, 25))),
        ledgers.row("b", text_edits=edits((3, 4))),
        ledgers.row("c", text_edits=edits((0, 7), kind="paragraph")),
        ledgers.row("d", text_edits=None),
        ledgers.row("e", text_edits=edits((0, 90)), decision="dropped", stage="mixture", reason="budget"),
    ]
    whole = Summary.of(ledgers.ledger(rows))
    assert whole.edits == {"line": (2, 3, 16), "paragraph": (1, 1, 7)}
    parts = [Summary.of(ledgers.ledger(part)) for part in (rows[1:], rows[:1])]
    assert parts[0].merge(parts[1]).to_dict() == whole.to_dict()
    assert Summary.from_dict(json.loads(json.dumps(whole.to_dict()))).edits == whole.edits
