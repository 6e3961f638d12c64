"""Actions of the zones: everywhere, by source, and never beyond weight where a document is protected."""

import pyarrow as pa
import pytest

from curate.config import make_config
from curate.decisions.actions import DROP, HOLD, KEEP, WEIGHT, actions
from curate.errors import UsageError

SOURCES = {"law": {"suspect": "keep", "condemned": "keep"}, "wiki": {"condemned": "hold"}}


def test_actions_of_sources():
    settings = make_config({"synthetic": {"suspect_action": "weight", "sources": SOURCES}}).synthetic
    found = actions(pa.chunked_array([["law", None, "wiki", "other"]]), settings)
    assert found.suspect.tolist() == [KEEP, WEIGHT, WEIGHT, WEIGHT]
    assert found.condemned.tolist() == [KEEP, DROP, HOLD, DROP]


def test_no_source_is_named():
    found = actions(pa.chunked_array([[None, "a"]], pa.string()), make_config({}).synthetic)
    assert found.suspect.tolist() == [HOLD, HOLD] and found.condemned.tolist() == [DROP, DROP]


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"condemned_action": "weight"}, "the condemned action is 'weight', milder than the suspect action 'hold'"),
        ({"sources": {"law": {"condemned": "keep"}}}, "the condemned action of synthetic.sources.law is 'keep'"),
    ],
)
def test_condemned_is_no_milder_than_suspect(settings, place):
    with pytest.raises(UsageError, match=place):
        make_config({"synthetic": settings})


CASES = [
    # action for suspects and condemned; expected of a score of .96 and of one of 1.5
    (("hold", "drop"), ("held", "suspect", 0.0), ("dropped", "detector", 0.0)),
    (("hold", "hold"), ("held", "suspect", 0.0), ("held", "detector", 0.0)),
    (("weight", "drop"), ("kept", "suspect", 0.9), ("dropped", "detector", 0.0)),
    (("weight", "weight"), ("kept", "suspect", 0.9), ("kept", "detector", 0.9)),
    (("keep", "keep"), ("kept", "suspect", 1.0), ("kept", "detector", 1.0)),
]


@pytest.mark.parametrize(("rule", "suspect", "condemned"), CASES)
@pytest.mark.parametrize("everywhere", [True, False])
def test_what_becomes_of_suspects(world, rule, suspect, condemned, everywhere):
    rows = [{"id": "s", "detector_score": 0.96, "source": "law"}, {"id": "c", "detector_score": 1.5, "source": "law"}]
    settings = {"suspect_weight": 0.9}
    if everywhere:
        settings |= {"suspect_action": rule[0], "condemned_action": rule[1]}
    else:
        settings["sources"] = {"law": {"suspect": rule[0], "condemned": rule[1]}}
    decided = world.decide(rows, synthetic=settings)
    assert {id: (row.decision, row.reason, row.weight) for id, row in decided.items()} == {"s": suspect, "c": condemned}
    assert [round(decided[id].threshold, 5) for id in "sc"] == [0.95, 0.99]


def test_protected_documents_keep_a_weight_at_worst(world):
    rows = [{"id": "s", "detector_score": 1.5, "cluster": 1, "source": name} for name in ("law", "other")]
    rows[1]["id"] = "o"
    given = world.reference(tokens={0: 900, 1: 100}, documents=200)
    decided = world.decide(
        rows, given=given, synthetic={"suspect_weight": 0.9, "sources": {"law": {"suspect": "keep"}}}
    )
    assert {id: (row.decision, row.reason, row.weight) for id, row in decided.items()} == {
        "s": ("kept", "suspect", 1.0), "o": ("kept", "suspect", 0.9),
    }  # fmt: skip
