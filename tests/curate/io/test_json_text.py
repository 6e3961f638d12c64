import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.io.json_text import json_text

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(SCALARS, lambda part: st.lists(part) | st.dictionaries(st.text(), part), max_leaves=30)


@given(VALUES)
def test_json_reads_what_was_written(content):
    assert json.loads(json_text(content)) == content


@given(VALUES)
def test_the_order_of_keys_does_not_matter(content):
    assert json_text(json.loads(json.dumps(content, sort_keys=True))) == json_text(content)


@pytest.mark.parametrize(
    "content, text",
    [
        ({}, "{}"),
        ([], "[]"),
        ([1, "é"], '[1, "\\u00e9"]'),
        ({"b": [1, 2], "a": {}}, '{\n "a": {},\n "b": [1, 2]\n}'),
        ({"a": [[1], {"c": 2, "b": 3}]}, '{\n "a": [\n  [1],\n  {\n   "b": 3,\n   "c": 2\n  }\n ]\n}'),
        ({"a": {"b": {"c": {"e": 1, "d": 2}}}}, '{\n "a": {\n  "b": {\n   "c": {"d": 2, "e": 1}\n  }\n }\n}'),
    ],
)
def test_upper_levels_have_lines_of_their_own(content, text):
    assert json_text(content).decode() == text


@pytest.mark.parametrize("number", [math.nan, math.inf])
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: {"a": x}, lambda x: [[x]], lambda x: {"a": {"b": {"c": [x]}}}])
def test_what_json_does_not_know_is_refused(number, wrap):
    with pytest.raises(ValueError, match="JSON compliant"):
        json_text(wrap(number))
