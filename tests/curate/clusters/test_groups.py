import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.clusters.groups import MOST_GROUPS, Groups, check_columns, given_vectors, group_values, read_clusters
from curate.config import make_config
from curate.errors import UsageError

BY_TOPIC = make_config({"mixture": {"group_column": "topic"}})
GIVEN = make_config({"mixture": {"embedding_column": "vector", "dimensions": 8}})
ZEROS = [0] * 5


def texts(count):
    return pa.array(["text"] * count)


def of_topic(topics, config=BY_TOPIC):
    table = pa.table({"topic": topics, "text": texts(len(topics))})
    language = pa.array(["en"] * len(topics))
    return group_values(table, language, texts(len(topics)), config).to_pylist()


def vectors_of(values, kind=None):
    return given_vectors(pa.table({"vector": pa.array(values, kind)}), texts(len(values)), GIVEN)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(), unique=True), st.randoms())
def test_numbers_follow_the_names_in_any_order_and_survive_the_archive(names, random):
    shuffled = random.sample(names, len(names))
    groups = Groups.of(pa.array(shuffled, pa.string()), "topic")
    assert groups.names.to_pylist() == sorted(names, key=str.encode)
    copy = Groups.from_bytes(groups.to_bytes())
    assert copy.assign(pa.array([*names, None, "unseen \0"], pa.string())).to_pylist() == [
        *(sorted(names, key=str.encode).index(name) for name in names),
        None,
        names.index("unseen \0") if "unseen \0" in names else None,
    ]


def test_too_many_groups_are_told():
    values = pa.array([str(number) for number in range(MOST_GROUPS + 1)])
    with pytest.raises(UsageError, match="'url' has more than 10,000 values"):
        Groups.of(values, "url")
    assert len(Groups.of(values[1:], "url").names) == MOST_GROUPS


def test_an_artefact_of_other_clusters_is_refused():
    groups = Groups.of(pa.array(["a"]), "topic").to_bytes()
    assert read_clusters(groups, BY_TOPIC).names.to_pylist() == ["a"]
    assert read_clusters(b"", BY_TOPIC) is None
    with pytest.raises(UsageError, match="not a usable artefact"):
        read_clusters(groups, make_config({}))


@pytest.mark.parametrize(
    ("topics", "expected"),
    [
        (["b", None, ""], ["b", None, ""]),
        (pa.array([3, None]), ["3", None]),
        (pa.array(["x", "y"]).dictionary_encode(), ["x", "y"]),
        (pa.array([True]), ["true"]),
        (pa.nulls(2), [None, None]),
    ],
)
def test_values_of_a_column_are_groups(topics, expected):
    assert of_topic(topics) == expected


def test_groups_of_languages_are_those_identified():
    by_language = make_config({"mixture": {"group_column": "language"}})
    assert of_topic(["a"], by_language) == ["en"]
    assert of_topic(["a"], make_config({})) == [None]
    off = make_config({"mixture": {"group_column": "topic", "enabled": False}})
    assert of_topic(["a"], off) == [None]


def test_what_takes_no_part_has_no_group():
    table = pa.table({"topic": ["a", "b"]})
    assert group_values(table, pa.nulls(2), pa.array([None, "t"]), BY_TOPIC).to_pylist() == [None, "b"]


@pytest.mark.parametrize("topics", [pa.array([1.5]), pa.array([["a"]])])
def test_groups_of_other_types_are_told(topics):
    with pytest.raises(UsageError, match="expected strings or whole numbers"):
        of_topic(topics)


@pytest.mark.parametrize(
    "kind", [pa.list_(pa.float32()), pa.large_list(pa.float64()), pa.list_(pa.float16(), 8), pa.list_(pa.int8())]
)
def test_vectors_are_made_unit(kind):
    vectors, valid = vectors_of([[0, 3, 4, *ZEROS], None, [0, 0, 0, *ZEROS]], kind)
    assert valid.tolist() == [True, False, False]
    assert vectors.dtype == np.float16
    assert np.allclose(vectors[0], [0, 0.6, 0.8, *ZEROS], atol=1e-3)
    assert not vectors[1:].any()


@pytest.mark.parametrize("bad", [[float("nan"), 1, 1], [float("inf"), 1, 1], [None, 1.0, 1.0], [0.0, -0.0, 0.0]])
def test_invalid_vectors_are_none(bad):
    vectors, valid = vectors_of([[*bad, *ZEROS], [1e300, 0, 0, *ZEROS]], pa.list_(pa.float64()))
    assert valid.tolist() == [False, True]
    assert vectors.tolist() == [[0] * 8, [1, *[0] * 7]]


def test_vectors_of_another_length_are_told():
    with pytest.raises(UsageError, match=r"length 2, expected that of mixture.dimensions, 8"):
        vectors_of([[1.0] * 8, [1.0, 2.0]])
    assert not vectors_of([None, None])[1].any()


def test_what_takes_no_part_has_no_vector():
    table = pa.table({"vector": [[1.0] * 8]})
    assert given_vectors(table, pa.array([None], pa.string()), GIVEN)[1].tolist() == [False]


@pytest.mark.parametrize(
    ("mixture", "message"),
    [
        ({"group_column": "tpic"}, "names the column 'tpic', expected one of topic, vector"),
        ({"group_column": "vector"}, "expected strings or whole numbers"),
        ({"embedding_column": "topic"}, "expected lists of numbers"),
    ],
)
def test_wrong_columns_are_told_before_reading(mixture, message):
    schema = pa.table({"topic": ["a"], "vector": [[1.0]]}).schema
    with pytest.raises(UsageError, match=message):
        check_columns(schema, make_config({"mixture": mixture}))
    check_columns(schema, make_config({"mixture": {**mixture, "enabled": False}}))


@pytest.mark.parametrize(
    "mixture", [{}, {"group_column": "topic"}, {"group_column": "language"}, {"embedding_column": "vector"}]
)
def test_right_columns_pass(mixture):
    check_columns(pa.table({"topic": ["a"], "vector": [[1.0]]}).schema, make_config({"mixture": mixture}))
