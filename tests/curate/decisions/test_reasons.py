"""Every reason of the ledger, and what leads to it."""

import numpy as np
import pytest

from curate.provenance.evidence import Evidence

SAME = (0.9, 0.95, 0.95)
INSIDE = (0.3, 0.95, 0.3)  # the left one lies in the right one
OFF = {"mixture": {"enabled": False}}
TAIL = {"tokens": {0: 90_000, 1: 10_000}, "documents": 500}

HUMAN = {"captured": 2015}
MACHINE = {"origin": "synthetic", "captured": 2023}

# name: (rows, pairs, reference, settings, expected (decision, stage, reason, matched_id, weight) by id)
CASES = {
    "accepted": ([{"id": "a", "score": 0.5}], [], {}, {}, {"a": ("kept", None, None, None, 1.0)}),
    "no_text": (
        [{"id": "a", "read_reason": "no_text", "tokens": 0, "rights": "deny"}],
        [], {}, {}, {"a": ("dropped", "read", "no_text", None, 0.0)},
    ),
    "too_long": (
        [{"id": "a", "read_reason": "too_long", "text": "t"}, {"id": "b", "text": "t"}],
        [], {}, {}, {"a": ("dropped", "read", "too_long", None, 0.0), "b": ("kept", None, None, None, 1.0)},
    ),
    "evaluation leaves first, and no copy with it": (
        [{"id": "a", "read_reason": "evaluation", "evaluation": "q", "text": "t", "rights": "deny", **HUMAN},
         {"id": "b", "text": "t", "captured": 2024}],
        [], {}, {}, {"a": ("dropped", "read", "evaluation", "q", 0.0), "b": ("kept", None, None, None, 1.0)},
    ),
    "rights leave first": (
        [{"id": "a", "text": "t", "rights": "deny", **HUMAN}, {"id": "b", "text": "t", "rights": "allow"}],
        [], {}, {}, {"a": ("dropped", "rights", "rights", None, 0.0), "b": ("kept", None, None, None, 1.0)},
    ),
    "rights: constrained": (
        [{"id": "a", "rights": "constrained"}, {"id": "b", "rights": "unknown"}, {"id": "c"}],
        [], {}, {},
        {"a": ("dropped", "rights", "rights", None, 0.0), "b": ("kept", None, None, None, 1.0),
         "c": ("kept", None, None, None, 1.0)},
    ),
    "rights: only what is allowed": (
        [{"id": "a", "rights": "allow"}, {"id": "b", "rights": "unknown"}, {"id": "c"}],
        [], {}, {"provenance": {"drop_rights": ["unknown"]}},
        {"a": ("kept", None, None, None, 1.0), "b": ("dropped", "rights", "rights", None, 0.0),
         "c": ("dropped", "rights", "rights", None, 0.0)},
    ),
    "rights: provenance off": (
        [{"id": "a", "rights": "deny"}],
        [], {}, {"provenance": {"enabled": False}}, {"a": ("kept", None, None, None, 1.0)},
    ),
    "exact": (
        [{"id": "a", "text": "t", "captured": 2024}, {"id": "b", "text": "t", "captured": 2023}],
        [], {}, {}, {"a": ("dropped", "dedupe", "exact", "b", 0.0), "b": ("kept", None, None, None, 1.0)},
    ),
    "exact: null captures come last": (
        [{"id": "a", "text": "t"}, {"id": "b", "text": "t", "captured": 2025, "chars": 1}],
        [], {}, {}, {"a": ("dropped", "dedupe", "exact", "b", 0.0), "b": ("kept", None, None, None, 1.0)},
    ),
    "exact: a trusted signature goes before an earlier capture": (
        [{"id": "a", "text": "t", "captured": 2023}, {"id": "b", "text": "t", "signature_trusted": True}],
        [], {}, {}, {"a": ("dropped", "dedupe", "exact", "b", 0.0), "b": ("kept", None, None, None, 1.0)},
    ),
    "exact: the longer one": (
        [{"id": "a", "text": "t", "chars": 9}, {"id": "b", "text": "t", "chars": 10}],
        [], {}, {}, {"a": ("dropped", "dedupe", "exact", "b", 0.0), "b": ("kept", None, None, None, 1.0)},
    ),
    "near": (
        [{"id": "a", "chars": 10}, {"id": "b", "chars": 11}],
        [("a", "b", 0.8, 0.85, 0.85)], {}, {},
        {"a": ("dropped", "dedupe", "near", "b", 0.0), "b": ("kept", None, None, None, 1.0)},
    ),
    "contained": (
        [{"id": "a", "chars": 10}, {"id": "b", "chars": 30}],
        [("a", "b", *INSIDE)], {}, {},
        {"a": ("dropped", "dedupe", "contained", "b", 0.0), "b": ("kept", None, None, None, 1.0)},
    ),
    "contained: never the container": (
        [{"id": "a", **HUMAN}, {"id": "b", "chars": 3000}],
        [("a", "b", *INSIDE)], {}, {},
        {"a": ("kept", None, None, None, 1.0), "b": ("kept", None, None, None, 1.0)},
    ),
    "no chain": (
        [{"id": "a", "captured": 2023}, {"id": "b", "captured": 2024}, {"id": "c", "captured": 2025}],
        [("a", "b", *SAME), ("b", "c", *SAME)], {}, {},
        {"a": ("kept", None, None, None, 1.0), "b": ("dropped", "dedupe", "near", "a", 0.0),
         "c": ("kept", None, None, None, 1.0)},
    ),
    "below a raised threshold": (
        [{"id": "a"}, {"id": "b"}],
        [("a", "b", 0.85, 0.85, 0.85)], {}, {"dedupe": {"threshold": 0.9}},
        {"a": ("kept", None, None, None, 1.0), "b": ("kept", None, None, None, 1.0)},
    ),
    "dedupe off": (
        [{"id": "a", "text": "t"}, {"id": "b", "text": "t"}],
        [], {}, {"dedupe": {"enabled": False}},
        {"a": ("kept", None, None, None, 1.0), "b": ("kept", None, None, None, 1.0)},
    ),
    "suspect": (
        [{"id": "a", "detector_score": 0.96}, {"id": "b", "detector_score": 0.94}],
        [], {}, {}, {"a": ("held", "synthetic", "suspect", None, 0.0), "b": ("kept", None, None, None, 1.0)},
    ),
    "detector": (
        [{"id": "a", "detector_score": 1.5}], [], {}, {}, {"a": ("dropped", "synthetic", "detector", None, 0.0)},
    ),
    "the detector never moves a document of known origin": (
        [{"id": "a", "detector_score": 1.5, **HUMAN}], [], {}, {}, {"a": ("kept", None, None, None, 1.0)},
    ),
    "synthetic off": (
        [{"id": "a", "detector_score": 1.5}],
        [], {}, {"synthetic": {"enabled": False}}, {"a": ("kept", None, None, None, 1.0)},
    ),
    "uncalibrated": (
        [{"id": "a", "detector_score": 9.0, "language": "xx"}],
        [], {}, {}, {"a": ("kept", None, "uncalibrated", None, 1.0)},
    ),
    "tail": (
        [{"id": "a", "detector_score": 1.5, "cluster": 1}, {"id": "b", "detector_score": 1.5, "cluster": 0}],
        [], TAIL, {"synthetic": {"suspect_weight": 0.99}},
        {"a": ("kept", None, "suspect", None, 0.99), "b": ("dropped", "synthetic", "detector", None, 0.0)},
    ),
    "declared, without a mixture": (
        [{"id": "a", **MACHINE}], [], {}, OFF, {"a": ("dropped", "synthetic", "declared", None, 0.0)},
    ),
    "declared, with nothing to fill": (
        [{"id": "a", **MACHINE, "cluster": 0}, {"id": "b", "cluster": 0}],
        [], {}, {}, {"a": ("dropped", "mixture", "no_shortage", None, 0.0), "b": ("kept", None, None, None, 1.0)},
    ),
    "declared, provenance only": (
        [{"id": "a", **MACHINE}],
        [], {}, {**OFF, "synthetic": {"enabled": False}}, {"a": ("kept", None, None, None, 1.0)},
    ),
    "a survivor of dedupe that the mixture leaves out": (
        [{"id": "a", "text": "t", **MACHINE, "cluster": 0}, {"id": "b", "text": "t", "captured": 2024}],
        [], {}, {},
        {"a": ("dropped", "mixture", "no_shortage", None, 0.0), "b": ("dropped", "dedupe", "exact", "a", 0.0)},
    ),
    "copy_of_synthetic": (
        [{"id": "a", **MACHINE}, {"id": "b", "captured": 2024}],
        [("a", "b", *SAME)], {}, OFF,
        {"a": ("dropped", "synthetic", "declared", None, 0.0),
         "b": ("dropped", "synthetic", "copy_of_synthetic", None, 0.0)},
    ),
    "copy_of_synthetic: captured earlier": (
        [{"id": "a", **MACHINE}, {"id": "b", "captured": 2022, "published": 2024}, {"id": "c", "captured": 2023}],
        [("a", "c", *SAME)], {}, {**OFF, "provenance": {"capture_cutoff": "2022-01-01"}},
        {"a": ("dropped", "synthetic", "declared", None, 0.0), "b": ("kept", None, None, None, 1.0),
         "c": ("dropped", "synthetic", "copy_of_synthetic", None, 0.0)},
    ),
    "conflict": (
        [{"id": "a", **HUMAN, "origin": "synthetic"}],
        [], {}, OFF, {"a": ("held", "synthetic", "conflict", None, 0.0)},
    ),
    "conflict of what travelled": (
        [{"id": "a", **MACHINE}, {"id": "b", **HUMAN}, {"id": "c", "captured": 2024}],
        [("a", "c", *SAME), ("b", "c", 0.5, 0.5, 0.92)], {}, {**OFF, "dedupe": {"containment": 0.92}},
        {"a": ("dropped", "synthetic", "declared", None, 0.0), "b": ("kept", None, None, None, 1.0),
         "c": ("dropped", "dedupe", "contained", "b", 0.0)},
    ),
    "duplicate_of_held": (
        [{"id": "a", "detector_score": 0.96, "captured": 2023}, {"id": "b", "detector_score": 0.96},
         {"id": "c", "detector_score": 1.5}],
        [("a", "b", *SAME), ("a", "c", *SAME)], {}, {},
        {"a": ("held", "synthetic", "suspect", None, 0.0), "b": ("held", "dedupe", "duplicate_of_held", "a", 0.0),
         "c": ("held", "dedupe", "duplicate_of_held", "a", 0.0)},
    ),
    "accepted leads held": (
        [{"id": "a", "detector_score": 0.96, "captured": 2023, "text": "t"}, {"id": "b", "text": "t"}],
        [], {}, {}, {"a": ("dropped", "dedupe", "exact", "b", 0.0), "b": ("kept", None, None, None, 1.0)},
    ),
    "rejected never lead": (
        [{"id": "a", "detector_score": 1.5, "text": "t"}, {"id": "b", "detector_score": 1.5, "text": "t"}],
        [], {}, {},
        {"a": ("dropped", "synthetic", "detector", None, 0.0), "b": ("dropped", "synthetic", "detector", None, 0.0)},
    ),
    "a captured text protects its part": (
        [{"id": "a", "captured": 2015, "chars": 900}, {"id": "b", "detector_score": 1.5}],
        [("b", "a", *INSIDE)], {}, {}, 
        {"a": ("kept", None, None, None, 1.0), "b": ("dropped", "dedupe", "contained", "a", 0.0)},
    ),
    "media": (
        [{"id": "a", "text": "i", "media": True, "tokens": 0, "captured": 2024},
         {"id": "b", "text": "i", "media": True, "tokens": 0, "captured": 2023}],
        [], TAIL, {}, {"a": ("dropped", "dedupe", "exact", "b", 0.0), "b": ("kept", None, None, None, 1.0)},
    ),
    "media: outside the token accounting": (
        [{"id": "a", "media": True, "tokens": 0}, {"id": "t", "cluster": 0, "tokens": 500}],
        [], {}, {"mixture": {"token_budget": 1}},
        {"a": ("kept", None, None, None, 1.0), "t": ("dropped", "mixture", "budget", None, 0.0)},
    ),
    "no tokens": (
        [{"id": "a", "tokens": 0, "cluster": 2}, {"id": "b", "tokens": 0, "cluster": None}],
        [], TAIL, {}, {"a": ("kept", None, None, None, 1.0), "b": ("kept", None, None, None, 1.0)},
    ),
    "held in a cluster of its own": (
        [{"id": "a", "detector_score": 0.96, "cluster": 40}, {"id": "b", "cluster": 0}],
        [], TAIL, {}, {"a": ("held", "synthetic", "suspect", None, 0.0), "b": ("kept", None, None, None, 1.0)},
    ),
    "a language named like a group": (
        [{"id": "a", "detector_score": 1.5, "language": "en/cluster-x"}],
        [], {**TAIL, "groups": ("en", "en-cluster-x")}, {}, {"a": ("dropped", "synthetic", "detector", None, 0.0)},
    ),
    "mixed claim": (
        [{"id": "a", "origin": "mixed", "captured": 2015, "detector_score": 1.5}],
        [], {}, {}, {"a": ("dropped", "synthetic", "detector", None, 0.0)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_reason(world, name):
    rows, pairs, given, settings, expected = CASES[name]
    rows = [{"detector_score": row.get("score"), **row} for row in rows]
    decided = world.decide(rows, pairs, world.reference(**given), **settings)
    found = {key: (row.decision, row.stage, row.reason, row.matched_id, row.weight) for key, row in decided.items()}
    assert found == expected
    assert all((row.copies or 0) <= 1 for row in decided.values())


def test_copy_is_measured(world):
    decided = world.decide([{"id": "a", "chars": 10}, {"id": "b", "chars": 30}], [("a", "b", *INSIDE)])
    assert (round(decided["a"].similarity, 6), round(decided["a"].containment, 6)) == (0.3, 0.95)
    assert decided["b"].similarity is None and decided["b"].containment is None


def test_a_suspect_that_is_kept_weighs_as_much_as_it_is_likely_a_persons(world):
    rows = [{"id": "a", "detector_score": 0.96}]
    row = world.decide(
        rows, synthetic={"suspect_action": "weight", "suspect_weight": 0.01}, mixture={"enabled": False}
    )["a"]
    assert (row.decision, row.reason) == ("kept", "suspect")
    assert row.weight == round(1 - float(row.p_synthetic), 6) and 0.01 < row.weight < 0.99
    assert row.p_synthetic == np.float32(round(float(row.p_synthetic), 6))


def test_containment_of_an_evaluation_text_is_in_the_ledger(world):
    text = {"read_reason": "evaluation", "evaluation": "q", "evaluation_containment": 0.875}
    decided = world.decide([{"id": "a", **text}, {"id": "b"}])
    assert (decided["a"].containment, decided["a"].similarity) == (0.875, None)
    assert (decided["b"].containment, decided["b"].matched_id) == (None, None)


def test_ledger_of_a_suspect(world):
    decided = world.decide([{"id": "a", "detector_score": 0.96}, {"id": "b", "detector_score": 1.5}, {"id": "c"}])
    assert [round(decided[key].threshold, 6) for key in "ab"] == [0.95, 0.99]
    assert (decided["a"].group, decided["a"].group_n) == ("en", 400)
    assert (decided["c"].detector_score, decided["c"].threshold, decided["c"].group, decided["c"].group_n) == (
        None,
    ) * 4


def test_evidence_travels_one_hop(world):
    rows = [{"id": "a", "captured": 2015}, {"id": "b", "captured": 2024}, {"id": "c", "captured": 2025}]
    decided = world.decide(rows, [("a", "b", *SAME), ("b", "c", *SAME)])
    assert [item["kind"] for item in decided["b"].evidence] == ["copy_of_capture"]
    assert (decided["b"].evidence[0]["detail"], decided["b"].evidence[0]["llr"]) == ("a", -5.0)
    assert decided["b"].origin == "human"
    assert not decided["c"].evidence


@pytest.mark.parametrize(
    ("source", "target", "travels"),
    [
        ({"captured": 2024}, {"captured": 2023}, False),
        ({"captured": 2024}, {"captured": 2024}, True),
        ({"captured": 2024}, {"captured": 2025}, True),
        ({"captured": 2024}, {"captured": None}, True),
        ({"captured": None}, {"captured": 2025}, False),
        ({"captured": None}, {"captured": None}, True),
        ({"captured": 2024}, {"captured": 2015}, False),  # own class real
        ({"captured": 2024}, {"captured": 2025, "origin": "synthetic"}, False),  # own class synthetic
    ],
)
@pytest.mark.parametrize("exact", [True, False])
def test_synthetic_claims_travel_to_later_captures(world, source, target, travels, exact):
    rows = [
        {"id": "a", "origin": "synthetic", "text": "t", **source},
        {"id": "b", "text": "t" if exact else "u", **target},
    ]
    decided = world.decide(rows, [] if exact else [("t", "u", *SAME)])
    found = [item for item in decided["b"].evidence or [] if item["kind"] == "copy_of_synthetic"]
    assert [(item["family"], item["claim"], item["llr"], item["detail"]) for item in found] == (
        [("duplicate", "synthetic", 5.0, "a")] if travels else []
    )


def test_claims_do_not_travel_by_containment_but_captures_do(world):
    rows = [
        {"id": "machine", "origin": "synthetic", "captured": 2023},
        {"id": "real", "captured": 2015},
        {"id": "part of machine", "captured": 2024},
        {"id": "part of real", "captured": 2024},
        {"id": "holds real", "captured": 2024},
    ]
    pairs = [
        ("part of machine", "machine", *INSIDE),
        ("part of real", "real", *INSIDE),
        ("real", "holds real", *INSIDE),
    ]
    decided = world.decide(rows, pairs)
    kinds = {key: [item["kind"] for item in row.evidence or []] for key, row in decided.items()}
    assert kinds["part of real"] == ["copy_of_capture"]
    assert not kinds["part of machine"] and not kinds["holds real"]


@pytest.mark.parametrize(("source", "copy"), [("a", "b"), ("b", "a")])
def test_what_travels_settles_a_copy_that_its_source_may_not_lose(world, source, copy):
    settings = {"mixture": {"enabled": False}, "dedupe": {"sources": {"s": {"drop": "none"}}}}
    suspect = {"id": copy, "captured": 2024, "detector_score": 1.5, "source": "s"}
    for known, expected in ((HUMAN, ("kept", None)), (MACHINE, ("dropped", "copy_of_synthetic"))):
        row = world.decide([{"id": source, **known}, suspect], [("a", "b", *SAME)], **settings)[copy]
        assert (row.decision, row.reason) == expected


@pytest.mark.parametrize("origin", ["synthetic", "mixed"])
def test_a_contradictory_or_mixed_capture_does_not_travel(world, origin):
    rows = [
        {"id": "a", "text": "t", "captured": 2015, "origin": origin},
        {"id": "b", "text": "t", "captured": 2016, "origin": origin},
        {"id": "c", "text": "t", "captured": 2024},
    ]
    decided = world.decide(rows)
    kinds = {item["kind"] for row in decided.values() for item in row.evidence or []}
    assert kinds == {"capture_date", "origin_column"}


def test_contradiction_that_travelled_is_a_conflict(world):
    rows = [
        {"id": "machine", "text": "t", "origin": "synthetic", "captured": 2023},
        {"id": "real", "text": "t", "captured": 2015},
        {"id": "copy", "captured": 2024},
    ]
    decided = world.decide(rows, [("t", "copy", *SAME)], mixture={"enabled": False})
    row = decided["copy"]
    assert {item["kind"] for item in row.evidence} == {"copy_of_synthetic", "copy_of_capture"}
    assert (row.tier, row.origin) == ("uncertain", "unknown")
    assert (row.decision, row.reason, row.matched_id) == ("dropped", "near", "real")


@pytest.mark.parametrize(
    ("claim", "off", "on"),
    [
        (None, ("kept", None), ("kept", None)),
        ("synthetic", ("dropped", "declared"), ("kept", None)),
    ],
)
def test_images(world, claim, off, on):
    credentials = [Evidence("credentials", "c2pa_trusted", claim, 8.0, "ai")] if claim else []
    rows = [{"id": "a", "media": True, "tokens": 0, "language": None, "findings": credentials}]
    for settings, expected in (({"mixture": {"enabled": False}}, off), ({}, on)):
        row = world.decide(rows, **settings)["a"]
        assert (row.decision, row.reason) == expected
        assert row.cluster is None and row.origin == (claim or "unknown")
        assert row.weight == (1.0 if expected[0] == "kept" else 0.0)


def test_fill_and_boost(world):
    """A tail cluster short of text is boosted, then filled with declared machine text."""
    reference = world.reference({0: 50_000, 1: 50_000}, 500)
    rows = [{"id": f"head {i}", "cluster": 0, "tokens": 1000, "captured": 2015} for i in range(10)]
    rows += [{"id": f"tail {i}", "cluster": 1, "tokens": 1000, "captured": 2015} for i in range(2)]
    rows += [{"id": f"machine {i}", "cluster": 1, "tokens": 100, "origin": "synthetic"} for i in range(8)]
    options = {"min_cluster_docs": 1, "min_cluster_sources": 1, "max_copies": 2, "synthetic_cap": 0.1}
    decided = world.decide(rows, given=reference, mixture=options)
    assert {decided[f"tail {i}"].weight for i in range(2)} == {2.0}
    assert {decided[f"tail {i}"].copies for i in range(2)} == {2}
    fills = [row for key, row in decided.items() if key.startswith("machine")]
    assert {row.decision for row in fills} == {"kept"} and all(0 < row.weight < 1 for row in fills)
    assert {row.copies for row in fills} <= {0, 1}
    plain = world.decide(rows, given=reference, mixture={**options, "min_reference": 10_000})
    assert {row.weight for key, row in plain.items() if "machine" not in key} == {1.0}


def test_budget(world):
    rows = [{"id": f"a{i}", "cluster": i % 2, "tokens": 100, "captured": 2015} for i in range(400)]
    decided = world.decide(rows, given=world.reference({0: 50_000, 1: 50_000}, 500), mixture={"token_budget": 10_000})
    kept = [row for row in decided.values() if row.decision == "kept"]
    assert 60 <= len(kept) <= 140
    assert all(row.copies >= 1 and row.weight > 0 for row in kept)
    left_out = [row for row in decided.values() if row.decision != "kept"]
    assert {(row.stage, row.reason, row.weight, row.copies) for row in left_out} == {("mixture", "budget", 0.0, 0)}


def test_budget_above_the_supply_leaves_no_suspect_out(world):
    rows = [{"id": f"a{i}", "cluster": 1, "tokens": 10, "detector_score": 1.5, "captured": 2024} for i in range(40)]
    settings = {"mixture": {"token_budget": 10**6}, "synthetic": {"suspect_weight": 0.25}}
    decided = world.decide(rows, given=world.reference(**TAIL), **settings)
    assert {row.decision for row in decided.values()} == {"kept"}
    assert {row.copies for row in decided.values()} == {0, 1}
