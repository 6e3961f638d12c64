"""The invariants of decisions on random documents and random verified pairs."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curate.config import make_config
from curate.provenance.origin import REAL as REAL_CLASS

THRESHOLD, CONTAINMENT = 0.8, 0.9
TEXTS = list("uvwxyz")
YEARS = st.sampled_from([None, 2015, 2023, 2024])
SLOW = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
BOOSTS = {"min_cluster_docs": 1, "min_cluster_sources": 1}

COMMON = {
    "text": st.sampled_from(TEXTS),
    "captured": YEARS,
    "chars": st.integers(1, 3),
    "tokens": st.sampled_from([0, 10, 500]),
    "cluster": st.sampled_from([None, 0, 1, 2, 9]),
    "detector_score": st.sampled_from([None, 0.5, 0.96, 1.5]),
    "language": st.sampled_from(["en", "xx", None]),
    "source": st.sampled_from([None, "s"]),
}
ANY = st.fixed_dictionaries(
    {
        **COMMON,
        "origin": st.sampled_from([None, None, "human", "synthetic", "mixed"]),
        "rights": st.sampled_from([None, None, None, "allow", "deny"]),
        "read_reason": st.sampled_from([None, None, None, None, "too_long"]),
        "signature_trusted": st.sampled_from([None, True]),
    }
)
REAL = st.fixed_dictionaries({**COMMON, "captured": st.just(2015)})
SYNTHETIC = st.fixed_dictionaries({**COMMON, "captured": st.just(2024), "origin": st.just("synthetic")})
UNKNOWN = st.fixed_dictionaries({**COMMON, "captured": st.sampled_from([None, 2023, 2024])})

RATIO = st.sampled_from([0.5, 0.8, 0.85, 0.95, 1.0])
MEASURE = st.tuples(RATIO, RATIO, RATIO).filter(
    lambda measured: measured[0] >= THRESHOLD or max(measured[1:]) >= CONTAINMENT
)
PAIRS = st.dictionaries(st.sampled_from([(a, b) for a in TEXTS for b in TEXTS if a < b]), MEASURE, max_size=8).map(
    lambda found: [(*ends, *measured) for ends, measured in found.items()]
)
SETTINGS = st.fixed_dictionaries(
    {
        "mixture": st.sampled_from([{"enabled": False}, BOOSTS, {"token_budget": 700}, {"min_reference": 1, **BOOSTS}]),
        "synthetic": st.sampled_from([{}, {"enabled": False}]),
        "provenance": st.sampled_from([{}, {}, {"enabled": False}]),
    }
)
ANSWERS = st.dictionaries(
    st.sampled_from([str(number) for number in range(12)]), st.sampled_from(["human", "synthetic", "keep", "drop"])
)


def named(rows, prefix=""):
    return [{"id": f"{prefix}{number}", **row} for number, row in enumerate(rows)]


def real_ids(world, rows, answers=None, **config):
    """Documents of own class real."""
    documents = world.answered(world.document_table(rows, make_config(config)), answers or {})
    return {
        key
        for key, own in zip(documents["id"].to_pylist(), documents["own"].to_pylist(), strict=True)
        if own == REAL_CLASS
    }


@pytest.fixture(scope="module")
def reference(world):
    return world.reference({0: 60_000, 1: 30_000, 2: 10_000}, 300)


@SLOW
@given(rows=st.lists(ANY, max_size=12), pairs=PAIRS, config=SETTINGS, answers=ANSWERS)
def test_every_document_is_decided_once_and_with_a_reason(world, reference, rows, pairs, config, answers):
    rows = named(rows)
    ledger = world.ledger(rows, pairs, reference, answers=answers, **config)
    assert ledger["id"].to_pylist() == sorted(row["id"] for row in rows)
    found = world.by_id(ledger)
    for row in found.values():
        assert (row.decision == "kept") == (row.weight > 0)
        assert row.copies >= (1 if row.weight >= 1 else 0) and row.copies <= 4
        if row.decision != "kept":
            assert row.copies == 0 and row.stage and row.reason
        else:
            assert row.stage is None and row.reason in (None, "suspect", "uncalibrated") and row.matched_id is None
        if row.stage == "dedupe":
            match = found[row.matched_id]
            assert match.id != row.id and match.matched_id is None
            assert row.similarity >= THRESHOLD - 1e-6 or row.containment >= CONTAINMENT - 1e-6
            if row.decision == "dropped":
                assert match.decision == "kept" or match.stage == "mixture"
                assert row.reason in ("exact", "near", "contained")
            else:
                assert match.decision == "held" and row.reason == "duplicate_of_held"
        if row.stage not in ("read", "rights") and answers.get(row.id) == "drop":
            assert (row.decision, row.stage, row.reason, row.matched_id) == ("dropped", "synthetic", "review", None)


@SLOW
@given(rows=st.lists(ANY, max_size=12), pairs=PAIRS, config=SETTINGS, answers=ANSWERS)
def test_no_real_document_goes_for_one_that_is_not(world, reference, rows, pairs, config, answers):
    found = world.decide(named(rows), pairs, reference, answers=answers, **config)
    real = real_ids(world, named(rows), answers, **config)
    for row in (found[key] for key in real):
        assert row.tier == "trusted_human"
        if row.stage not in ("read", "rights", "mixture") and row.reason != "review":
            assert row.decision == "kept" or row.matched_id in real


@SLOW
@given(rows=st.lists(ANY, max_size=8), more=st.lists(st.one_of(SYNTHETIC, UNKNOWN), max_size=6), pairs=PAIRS)
def test_machine_text_never_changes_the_decision_on_real_text(world, reference, rows, more, pairs):
    before = world.decide(named(rows), pairs, reference, mixture=BOOSTS)
    after = world.decide(named(rows) + named(more, "new "), pairs, reference, mixture=BOOSTS)
    for key in real_ids(world, named(rows)):
        row, same = before[key], after[key]
        assert (row.decision, row.reason, row.matched_id) == (same.decision, same.reason, same.matched_id)
        assert (row.evidence, row.p_synthetic, row.origin) == (same.evidence, same.p_synthetic, same.origin)


@SLOW
@given(rows=st.lists(st.one_of(REAL, SYNTHETIC), max_size=8), more=st.lists(SYNTHETIC, max_size=6), pairs=PAIRS)
def test_declared_machine_text_never_changes_the_weight_of_real_text(world, reference, rows, more, pairs):
    before = world.decide(named(rows), pairs, reference, mixture=BOOSTS)
    after = world.decide(named(rows) + named(more, "new "), pairs, reference, mixture=BOOSTS)
    for key in real_ids(world, named(rows)):
        assert (before[key].weight, before[key].copies) == (after[key].weight, after[key].copies)


def components(rows, pairs):
    """Indices of the rows whose texts hang together."""
    root = {text: text for text in TEXTS}

    def find(text):
        return text if root[text] == text else find(root[text])

    for left, right, *_ in pairs:
        root[find(left)] = find(right)
    groups = {}
    for index, row in enumerate(rows):
        groups.setdefault(find(row["text"]), []).append(index)
    return list(groups.values())


@SLOW
@given(rows=st.lists(ANY, max_size=12), pairs=PAIRS, config=SETTINGS, partitions=st.integers(1, 3), random=st.randoms())
def test_order_and_partitions_do_not_matter(world, reference, rows, pairs, config, partitions, random):
    rows = named(rows)
    whole = world.ledger(rows, pairs, reference, **config)
    parts = [[] for _ in range(partitions)]
    for component in components(rows, pairs):
        random.choice(parts).extend(component)
    for part in parts:
        random.shuffle(part)
    random.shuffle(pairs)
    apart = world.ledger(rows, pairs, reference, parts=parts, **config)
    assert apart.to_pylist() == whole.to_pylist()
