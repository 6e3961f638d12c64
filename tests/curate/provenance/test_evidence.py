import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.provenance.evidence import CLAIMS, FAMILIES, LINEAGE, Evidence, combine, from_lists, one_per_row, to_lists
from curate.schema import EVIDENCE_LIST

ITEMS = st.builds(
    Evidence,
    st.sampled_from(FAMILIES),
    st.sampled_from(["c2pa_valid", "answer"]),
    st.sampled_from(CLAIMS),
    st.integers(-16, 16).map(lambda n: n / 2),
    st.text(max_size=5),
)
ROWS = st.lists(ITEMS, max_size=3)


@given(st.lists(ROWS, max_size=8))
@settings(max_examples=50, deadline=None)
def test_round_trip(rows):
    lists = to_lists(rows)
    assert lists.type == EVIDENCE_LIST
    assert lists.null_count == sum(not row for row in rows)
    assert from_lists(lists) == rows


@given(st.lists(st.tuples(ROWS, ROWS, ROWS), max_size=8), st.integers(0, 3))
@settings(max_examples=50, deadline=None)
def test_combine_concatenates_rows_of_slices_and_chunks(triples, start):
    columns = [to_lists([triple[k] for triple in triples]) for k in range(3)]
    columns[2] = pa.chunked_array([columns[2].slice(0, 2), columns[2].slice(2)], EVIDENCE_LIST)
    combined = combine(*(column.slice(start) for column in columns))
    assert combined.type == EVIDENCE_LIST
    assert from_lists(combined) == [a + b + c for a, b, c in triples[start:]]
    combined.validate(full=True)


def test_one_per_row():
    selected = np.array([True, False, True])
    detail = pa.array(["a", None, "c"])
    assert from_lists(one_per_row(selected, "lineage", "x", "human", [-1.0, 0.0, -2.0], detail)) == [
        [Evidence("lineage", "x", "human", -1.0, "a")],
        [],
        [Evidence("lineage", "x", "human", -2.0, "c")],
    ]
    assert one_per_row(np.zeros(2, bool), "lineage", "x", "human", 0.0, detail.slice(1)).null_count == 2


@pytest.mark.parametrize(
    "text", ["a\nb", "x" * 501, "\u202ereversed", "tab\there", "\x00", "plain", "日本語", "é " * 400]
)
def test_details_are_one_short_printable_line(text):
    made = Evidence(LINEAGE, "parent", "unknown", 0.0, text)
    selected = np.array([True, False, True])
    rows = from_lists(one_per_row(selected, LINEAGE, "parent", "unknown", 0.0, pa.array([text, None, "b"])))
    assert rows == [[made], [], [Evidence(LINEAGE, "parent", "unknown", 0.0, "b")]]
    raw = one_per_row(selected, LINEAGE, "parent", "unknown", 0.0, pa.array([text, None, "b"])).to_pylist()
    assert raw[0][0]["detail"] == made.detail
    assert made.detail and made.detail.isprintable() and len(made.detail) <= 500
    assert made.detail == text or not text.isprintable() or len(text) > 500
