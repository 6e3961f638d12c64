"""The arithmetic behind `pipelines/SCALE.md` (`tests/benchmarks/scale_model.py`), and that the page has its tables."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import scale_model as model
from hypothesis import given
from hypothesis import strategies as st

from curate.decisions.documents import DOCUMENTS
from curate.pipelines.reading import LOCATED, PLACES
from curate.pipelines.writing import DECISIONS
from curate.schema import PAIRS
from curate.transforms import duplicates
from curate.transforms.tables import TableCoder, split_by

PAGE = Path(__file__).parents[2] / "pipelines" / "SCALE.md"
KINDS = {
    "bands": (model.BAND, duplicates.BANDS),
    "candidates": (model.CANDIDATE, duplicates.CANDIDATES),
    "requests": (model.REQUEST, duplicates.REQUESTS),
    "places": (model.PLACE, PLACES),
    "located": (model.LOCATED, LOCATED),
    "edges": (model.EDGE, duplicates.EDGES),
    "pairs": (model.PAIR, PAIRS),
    "documents": (model.DOCUMENT, DOCUMENTS),
    "decisions": (model.DECISION, DECISIONS),
}


@pytest.mark.parametrize(("tables", "rows", "places"), [(20, 2_000, 7), (20, 2_000, 400), (5, 10, 1_000), (3, 300, 1)])
def test_tables_sent_are_those_that_cutting_gives(tables, rows, places):
    rng = np.random.default_rng(1)
    whole = pa.table({"key": rng.integers(0, 1 << 62, rows // tables).astype(np.uint64)})
    found = 0
    for _ in range(tables):
        keys = rng.integers(0, 1 << 62, rows // tables).astype(np.uint64)
        found += len(list(split_by(whole, keys, places)))
    assert model.Exchange("", tables, rows, places, model.EDGE).sent == pytest.approx(found, rel=0.05)


COUNTS = st.floats(1, 1e10)


@given(COUNTS, COUNTS, st.integers(1, 10**6))
def test_no_more_tables_are_sent_than_rows_or_places_allow(tables, rows, places):
    exchange = model.Exchange("", min(tables, rows), rows, places, model.EDGE)
    assert exchange.sent <= min(rows, exchange.tables * places) * (1 + 1e-9)
    assert exchange.bytes >= exchange.rows * model.EDGE.row


def test_large_tables_are_compressed_and_small_ones_have_their_schema():
    rows = model.Rows(100, 20.0, 5.0)
    assert rows.bytes(10) == 100 + 10 * 20
    assert rows.bytes(10_000) == 100 + 10_000 * 5


@pytest.mark.parametrize("name", KINDS)
def test_a_small_table_has_as_many_bytes_as_the_model_says(name):
    kind, schema = KINDS[name]
    row = pa.table([pa.nulls(1, field.type) for field in schema], schema=schema)
    assert len(TableCoder().encode(row)) == pytest.approx(kind.bytes(1), rel=0.15)


def test_a_corpus_is_cut_as_curate_cuts_it():
    small, large = model.Corpus(1e5), model.Corpus(1e9)
    assert (small.partitions, small.parts, small.blocks) == (1, 3, 12)
    assert large.partitions == 1e9 / 250_000
    assert large._replace(per_partition=1e6).partitions == 1_000
    assert large.splits == pytest.approx(1e9 * 2_000 / 2**26, rel=1e-4)


@pytest.mark.parametrize("partitions", model.COUNTED)
def test_the_model_says_what_was_counted(partitions):
    corpus = model.Corpus(29_069, 3_162, 29_069 / partitions)
    assert model.features_shuffled(corpus) == pytest.approx(model.COUNTED[partitions], rel=0.1)


def test_whole_runs_take_about_what_their_steps_say():
    for text, seconds in model.RUNS.values():
        assert model.processor_seconds(text) == pytest.approx(seconds, rel=0.4)


def test_every_exchange_carries_its_rows():
    for corpus in (model.Corpus(1e5), model.Corpus(1e9)):
        for exchange in model.exchanges(corpus):
            assert 0 < exchange.sent <= exchange.rows
            assert exchange.bytes > 0
    assert {each.name for each in model.exchanges(model.Corpus(1e5))} >= {"documents", "pairs", "bands"}


def test_money_is_what_is_used_times_prices():
    bill = model.bill(model.Corpus(1e9))
    assert bill.money(model.Prices(0, 0, 0, 0, 0)) == 0
    hours = (bill.core_hours + bill.runner_hours + bill.table_hours) / model.UTILISED
    assert bill.money(model.Prices(2.0, 0, 0, 0, 0)) == pytest.approx(2 * hours)
    assert bill.money(model.Prices(0, 0, 3.0, 0, 0)) == pytest.approx(3 * bill.shuffled / 1e9)
    assert bill.money(model.Prices(0, 0, 0, 0, 5.0)) == pytest.approx(bill.files / 200)
    assert bill.cores * 24 == pytest.approx(hours)


def test_a_limit_is_passed_where_its_amount_is():
    for limit in model.LIMITS:
        reached = limit.reached()
        assert limit.amount(model.Corpus(reached / 1.1)) <= limit.bound < limit.amount(model.Corpus(reached * 1.1))
    assert model.Limit("", lambda corpus: 1.0, "", 2.0).reached() == float("inf")


def test_collisions_are_those_of_birthdays():
    rng = np.random.default_rng(2)
    found = [1_000 - len(np.unique(rng.integers(0, 1 << 16, 1_000))) for _ in range(400)]
    assert model.collisions(1_000, 16) == pytest.approx(np.mean(found), rel=0.1)


@pytest.mark.parametrize(
    ("value", "told"),
    [(0, "0"), (0.00321, "0.0032"), (2.7e-8, "2.7e-08"), (0.5, "0.500"), (12.34, "12.3"), (123_456.7, "123,457")],
)
def test_numbers_have_three_digits_or_all_before_the_point(value, told):
    assert model._number(value) == told


@pytest.mark.parametrize(("value", "told"), [(1e6, "10⁶"), (3.4e7, "3.4·10⁷"), (float("inf"), "> 10¹²")])
def test_powers(value, told):
    assert model._power(value) == told


def test_the_page_has_the_tables():
    page = PAGE.read_text(encoding="utf-8")
    for line in model.tables():
        assert line in page, f"{line!r} is not in {PAGE.name}: paste what `scale_model.py` prints"
