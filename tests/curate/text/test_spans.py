import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.schema import TEXT_EDITS
from curate.text.spans import edit_column, original_positions, remove_spans

TYPES = [
    pa.string(),
    pa.large_string(),
    pa.string_view(),
    pa.dictionary(pa.int8(), pa.string()),
    pa.dictionary(pa.int32(), pa.large_string()),
    pa.binary(),
]
CHARACTERS = "ab \n\r\u00e9\u4e2d\u2028\U0001d4b3\U0001f36a"


def edits_of(spans):
    return pa.array(
        [None if some is None else [{"kind": "line", "start": a, "end": b} for a, b in some] for some in spans],
        TEXT_EDITS,
    )


def without(text, spans):
    """The definition: a code point stays if no span has it."""
    if text is None:
        return None
    return "".join(c for i, c in enumerate(text) if not any(a <= i < b for a, b in spans or ()))


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.none() | st.text(CHARACTERS, max_size=12),
            st.none() | st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=3),
        ),
        max_size=6,
    ),
    skip=st.integers(0, 2),
    kind=st.sampled_from(TYPES),
)
def test_the_code_points_outside_the_spans_stay(rows, skip, kind):
    texts = pa.array([text for text, _ in rows], pa.string()).cast(kind).slice(skip)
    edits = edits_of([spans for _, spans in rows]).slice(skip)
    found = remove_spans(texts, edits)
    assert found.type == kind
    assert found.cast(pa.large_string()).to_pylist() == [without(*row) for row in rows[skip:]]


def test_chunks_do_not_matter():
    texts, edits = pa.array(["abc", None, "def"]), edits_of([[(0, 1)], None, [(1, 9)]])
    chunks = pa.chunked_array([texts.slice(0, 1), texts.slice(1)])
    assert remove_spans(chunks, pa.chunked_array([edits])).to_pylist() == ["bc", None, "d"]
    assert remove_spans(pa.chunked_array([], pa.string()), edits_of([])).to_pylist() == []


@pytest.mark.parametrize("edits", [[None, None], [[], None]])
def test_a_column_without_edits_is_as_it_was(edits):
    table = pa.table({"text": pa.array(["a", "b"]).dictionary_encode(), "n": [1, 2]})
    assert edit_column(table, "text", edits_of(edits)).equals(table)


def test_the_field_of_an_edited_column_is_as_it_was():
    field = pa.field("text", pa.string(), metadata={"unit": "page"})
    table = pa.table([pa.array([1]), pa.array(["ab"])], schema=pa.schema([("n", pa.int64()), field]))
    edited = edit_column(table, "text", edits_of([[(0, 1)]]))
    assert edited.schema.equals(table.schema, check_metadata=True)
    assert edited["text"].to_pylist() == ["b"]
    assert edit_column(table.drop_columns("text"), "text", edits_of([[(0, 1)]])).column_names == ["n"]


@settings(deadline=None)
@given(st.text(CHARACTERS, max_size=30), st.data())
def test_positions_in_an_edited_text_are_found_again(text, data):
    places = st.integers(0, len(text))
    spans = data.draw(st.lists(st.tuples(places, places).map(sorted), max_size=4))
    edits = [{"kind": "c2pa", "start": start, "end": end} for start, end in spans]
    left = [place for place in range(len(text)) if not any(start <= place < end for start, end in spans)]
    found = original_positions(np.arange(len(left)), edits)
    assert found.tolist() == left
    # The end of the text is behind whatever was taken out there.
    assert original_positions(np.array([len(left)]), edits).tolist() == [len(text)]
