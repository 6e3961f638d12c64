import itertools

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.config import make_config
from curate.provenance.evidence import Evidence, from_lists, to_lists
from curate.provenance.origin import fuse, own_class
from curate.provenance.rights import (
    VERDICTS,
    content_usage,
    denied,
    rights_item,
    rights_verdict,
    rights_word,
    robots,
    tdm_reservation,
    training_mining,
)
from curate.provenance.rights_columns import column_rights


@pytest.mark.parametrize(
    ("use", "explained", "valid", "expected"),
    [
        (None, True, False, "unknown"),
        ("allowed", True, True, "allow"),
        ("allowed", True, False, "unknown"),
        ("constrained", True, True, "constrained"),
        ("constrained", False, True, "deny"),
        ("notAllowed", True, True, "deny"),
        ("notAllowed", True, False, "deny"),
        ("somewhat", True, True, "unknown"),
    ],
)
def test_training_mining(use, explained, valid, expected):
    assert training_mining(use, explained=explained, valid=valid) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("train-ai=n", "deny"),
        ("train-ai=y", "allow"),
        ("Content-Usage: train-ai=n", "deny"),
        ("search=y", "unknown"),
        ("search=n, train-ai=y", "allow"),
        ("train-ai=y;exp=2027, search=n", "allow"),
        ("TRAIN-AI = N", "deny"),
        ("train-ai=y, train-ai=n", "deny"),
        ("train-ai=n, train-ai=y", "deny"),
        ("train-ai=y, train-genai=n", "deny"),
        ("train-ai=n, train-genai=y", "deny"),
        ("bots=n", "deny"),
        ("bots=n, train-ai=y", "allow"),
        ("bots=y", "allow"),
        ("train-ai", "unknown"),
        ("train-ai=maybe", "unknown"),
        ("train-ai=nein", "unknown"),
        ("not-train-ai=n", "unknown"),
        ("train-ai=?0", "deny"),
        ("", "unknown"),
        (",,,=;", "unknown"),
    ],
)
def test_content_usage(value, expected):
    assert content_usage(value) == expected


@pytest.mark.parametrize(
    ("value", "text", "image"),
    [
        ("noai", "deny", "deny"),
        ("noindex, NoAI", "deny", "deny"),
        ("noimageai", "unknown", "deny"),
        ("otherbot: noindex, noai", "deny", "deny"),
        ("noindex, nofollow", "unknown", "unknown"),
        ("all", "unknown", "unknown"),
        ("true", "deny", "deny"),
        (" 1 ", "deny", "deny"),
        ("max-snippet:1", "unknown", "unknown"),
        ("false", "unknown", "unknown"),
        ("nonoai", "unknown", "unknown"),
        ("", "unknown", "unknown"),
    ],
)
def test_robots(value, text, image):
    assert (robots(value), robots(value, media=True)) == (text, image)


@pytest.mark.parametrize(
    ("reservation", "policy", "expected"),
    [
        ("1", None, "deny"),
        ("1", " ", "deny"),
        ("1", "https://example.org/policy.json", "constrained"),
        ("true", None, "deny"),
        ("tdm-reservation: 1", None, "deny"),
        ("0", None, "allow"),
        ("0", "https://example.org/policy.json", "allow"),
        ("false", None, "allow"),
        ("2", None, "unknown"),
        ("", None, "unknown"),
    ],
)
def test_tdm_reservation(reservation, policy, expected):
    assert tdm_reservation(reservation, policy) == expected


def test_words():
    words = ["allow", " NotAllowed", "noai", "constrained", "train-ai=n", "whatever", ""]
    assert [rights_word(word) for word in words] == [
        "allow", "deny", "deny", "constrained", "deny", "unknown", "unknown",
    ]  # fmt: skip
    for word in ("Disallowed", "not_allowed", "not allowed", "opt-out", "prohibited", "forbidden"):
        assert rights_word(word) == "deny"
    assert (rights_word("restricted"), rights_word("permitted")) == ("constrained", "allow")


@given(st.text(), st.text())
def test_every_value_has_a_verdict(value, other):
    found = {content_usage(value), robots(value, media=True), tdm_reservation(value, other), rights_word(value)}
    assert found <= set(VERDICTS)


def test_the_most_restrictive_holds_in_any_order():
    claims = [*VERDICTS, "human"]
    for pair in itertools.product(claims, repeat=2):
        items = [
            rights_item("a", pair[0], ""),
            Evidence("metadata", "m", "deny", 0.0, ""),
            rights_item("b", pair[1], ""),
        ]
        known = [claim for claim in pair if claim in VERDICTS]
        expected = max(known, key=VERDICTS.index, default="unknown")
        assert rights_verdict(to_lists([[], items, []])).to_pylist() == ["unknown", expected, "unknown"]
    assert rights_verdict(to_lists([])).to_pylist() == []


def test_columns_become_items_with_their_basis():
    table = pa.table(
        {
            "rights": ["deny", None, "allow", None, None],
            "content_usage": [None, "train-ai=n", "train-ai=y", "search=n", None],
            "robots": pa.array([["noindex", "noai"], None, [], ["noimageai"], ["noimageai"]]),
            "tdm_reservation": pa.array([None, 1, 0, 1, None], pa.int8()),
            "tdm_policy": [None, None, None, "https://example.org/p", None],
        }
    )
    media = pa.array([False, False, False, False, True])
    rows = from_lists(column_rights(table, media, make_config({})))
    assert [[(item.kind, item.claim, item.detail) for item in row] for row in rows] == [
        [("rights_column", "deny", "deny"), ("robots", "deny", "noindex, noai")],
        [("content_usage", "deny", "train-ai=n"), ("tdm_reservation", "deny", "1")],
        [("rights_column", "allow", "allow"), ("content_usage", "allow", "train-ai=y"),
         ("tdm_reservation", "allow", "0")],
        [("tdm_reservation", "constrained", "1; policy https://example.org/p")],
        [("robots", "deny", "noimageai")],
    ]  # fmt: skip
    assert {item.family for row in rows for item in row} == {"rights"}


@pytest.mark.parametrize("values", [pa.array([True, False, None]), pa.array(["true", "false", None])])
def test_a_boolean_column_refuses_use_by_ai(values):
    rows = from_lists(column_rights(pa.table({"robots": values}), pa.array([False] * 3), make_config({})))
    assert [[item.claim for item in row] for row in rows] == [["deny"], [], []]


def test_types_that_libraries_make_of_columns():
    robots = [["noai"], None]
    for kind in (pa.large_list(pa.large_string()), pa.list_(pa.string(), 1)):
        table = pa.table(
            {"robots": pa.array(robots, kind), "tdm_reservation": [None, 1.0]}
        )  # pandas: nulls make floats
        rows = from_lists(column_rights(table, pa.array([False, False]), make_config({})))
        assert [[(item.claim, item.detail) for item in row] for row in rows] == [[("deny", "noai")], [("deny", "1")]]


def test_words_that_nobody_knows_are_told_as_unknown():
    table = pa.table({"rights": ["no-train-please", " ", "", None], "robots": ["index", None, None, None]})
    rows = from_lists(column_rights(table, pa.array([False] * 4), make_config({})))
    assert [[(item.claim, item.detail) for item in row] for row in rows] == [
        [("unknown", "no-train-please")], [], [], [],
    ]  # fmt: skip


def test_columns_of_other_types_and_missing_ones_say_nothing():
    table = pa.table({"rights": [b"deny", None], "tdm_reservation": [b"1", b"0"], "id": ["a", "b"]})
    assert from_lists(column_rights(table, pa.array([False, True]), make_config({}))) == [[], []]


@given(st.lists(st.sampled_from(VERDICTS), max_size=3))
def test_rights_never_move_the_verdict_on_origin(verdicts):
    config = make_config({})
    items = [Evidence("metadata", "generator", "synthetic", 6.0, "")]
    for findings in ([], items):
        without, with_rights = (
            own_class(pa.table({"findings": to_lists([row])}), config)
            for row in (findings, findings + [rights_item(f"k{i}", v, "") for i, v in enumerate(verdicts)])
        )
        told = [
            fuse(own.evidence, own=own.own_class, conflict=own.conflict, prior=[0.3], rules=config.provenance)
            for own in (without, with_rights)
        ]
        assert [(f.origin[0].as_py(), f.tier[0].as_py(), float(f.p_synthetic[0])) for f in told[:1]] == [
            (f.origin[0].as_py(), f.tier[0].as_py(), float(f.p_synthetic[0])) for f in told[1:]
        ]


def test_what_is_denied_is_the_operators_choice():
    rights = pa.array(["unknown", "allow", "constrained", "deny", None])
    for drop, expected in (
        (["deny", "constrained"], [False, False, True, True, False]),
        (["unknown"], [True, False, False, False, True]),
        ([], [False] * 5),
    ):
        assert denied(rights, make_config({"provenance": {"drop_rights": drop}}).provenance).tolist() == expected
