"""Rules of sources: what may be dropped as a duplicate, and what may not."""

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curate.config import make_config
from curate.decisions.policy import NEVER, policies

ALL = ("near", "exact", "none")


def test_policies_of_sources():
    sources = {"a": {"drop": "none"}, "b": {"drop": "exact"}, "c": {"threshold": 0.95}}
    found = policies(
        pa.chunked_array([["a", None, "c", "other", "b"]]), make_config({"dedupe": {"sources": sources}}).dedupe
    )
    assert found.of.tolist() == [0, 3, 2, 3, 1]
    assert found.exact.tolist() == [False, True, True, True]
    assert found.threshold.tolist() == pytest.approx([NEVER, NEVER, 0.95, 0.8])
    assert found.containment.tolist() == pytest.approx([NEVER, NEVER, 0.9, 0.9])


def world_of(drop):
    """An original, an exact copy, an edited one and an excerpt, all but the first of source s."""
    rows = [
        {"id": "original", "text": "t", "captured": 2015},
        {"id": "exact", "text": "t", "source": "s"},
        {"id": "near", "text": "n", "source": "s"},
        {"id": "excerpt", "text": "e", "source": "s"},
    ]
    pairs = [("t", "n", 0.85, 0.9, 0.9), ("e", "t", 0.5, 0.96, 0.5)]
    return rows, pairs, {"mixture": {"enabled": False}, "dedupe": {"sources": {"s": drop}}}


@pytest.mark.parametrize(
    ("rule", "dropped"),
    [
        ({}, {"exact": "exact", "near": "near", "excerpt": "contained"}),
        ({"drop": "exact"}, {"exact": "exact"}),
        ({"drop": "none"}, {}),
        ({"threshold": 0.9}, {"exact": "exact", "excerpt": "contained"}),
        ({"threshold": 0.9, "containment": 0.97}, {"exact": "exact"}),
    ],
)
def test_a_rule_limits_what_is_dropped(world, rule, dropped):
    rows, pairs, config = world_of(rule)
    config["dedupe"]["containment"] = 0.95
    decided = world.decide(rows, pairs, **config)
    assert {id: row.reason for id, row in decided.items() if row.decision == "dropped"} == dropped
    assert all(decided[id].matched_id == "original" for id in dropped)


def test_documents_of_an_exempt_source_lead_others(world):
    rows = [
        {"id": "law", "text": "t", "source": "s", "chars": 900},
        {"id": "copy", "text": "t"},
        {"id": "near", "text": "n"},
    ]
    decided = world.decide(rows, [("t", "n", 0.9, 0.9, 0.9)], dedupe={"sources": {"s": {"drop": "none"}}})
    assert {id: row.matched_id for id, row in decided.items()} == {"law": None, "copy": "law", "near": "law"}


def test_exempt_copies_of_one_text_all_stay(world):
    rows = [{"id": str(i), "text": "t", "source": "s"} for i in range(4)] + [{"id": "x", "text": "t"}]
    decided = world.decide(rows, dedupe={"sources": {"s": {"drop": "none"}}}, mixture={"enabled": False})
    assert [id for id, row in decided.items() if row.decision == "kept"] in (
        ["0", "1", "2", "3"],
        ["0", "1", "2", "3", "x"],
    )
    assert decided["x"].decision == "dropped" or all(decided[str(i)].matched_id is None for i in range(4))


ROWS = st.lists(
    st.fixed_dictionaries(
        {"text": st.sampled_from("tuv"), "source": st.sampled_from(["p", "q", "r", None]), "chars": st.integers(1, 3)}
    ),
    min_size=1,
    max_size=9,
)
PAIR = st.tuples(st.sampled_from([0.8, 0.9, 1.0]), st.sampled_from([0.5, 0.9, 1.0]), st.sampled_from([0.5, 0.9, 1.0]))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS, st.dictionaries(st.sampled_from(["tu", "tv", "uv"]), PAIR), st.sampled_from(ALL), st.sampled_from(ALL))
def test_any_rules_are_kept(world, rows, found, first, second):
    rows = [{"id": str(number), **row} for number, row in enumerate(rows)]
    pairs = [(*ends, *measures) for ends, measures in found.items()]
    rules = {"p": {"drop": first}, "q": {"drop": second, "threshold": 0.9}}
    decided = world.decide(rows, pairs, dedupe={"sources": rules}, mixture={"enabled": False})
    given = {row["id"]: row for row in rows}
    for id, row in decided.items():
        rule = rules.get(given[id]["source"], {"drop": "near"})
        if row.decision == "kept":
            continue
        leader = decided[row.matched_id]
        assert leader.decision == "kept"
        assert row.reason == "exact" if rule["drop"] == "exact" else rule["drop"] == "near"
        same = given[id]["text"] == given[row.matched_id]["text"]
        assert same == (row.reason == "exact")
        if row.reason == "near":
            assert row.similarity >= rule.get("threshold", 0.8) - 1e-6
    kept = [id for id, row in decided.items() if row.decision == "kept"]
    for id in kept:  # whoever stays has no kept twin with a better claim, unless its rule says so
        rule = rules.get(given[id]["source"], {"drop": "near"})
        twins = [other for other in kept if other != id and given[other]["text"] == given[id]["text"]]
        assert rule["drop"] == "none" or all(
            rules.get(given[twin]["source"], {"drop": "near"})["drop"] == "none" for twin in twins
        )
