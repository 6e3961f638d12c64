from datetime import datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.config import make_config
from curate.provenance.evidence import CLAIMS, FAMILIES, Evidence, to_lists
from curate.provenance.origin import CLEAR, DROP, REAL, SUSPECT, SYNTHETIC, TIERS, UNKNOWN, fuse, own_class, prior
from curate.schema import TIMESTAMP

OLD, NEW = datetime(2020, 1, 1, tzinfo=timezone.utc), datetime(2025, 1, 1, tzinfo=timezone.utc)
CONFIG = make_config({"provenance": {"human_sources": ["gazette"], "synthetic_sources": ["bot"]}})
RULES = CONFIG.provenance


def item(family, kind, claim, llr):
    return Evidence(family, kind, claim, llr, "")


CAPTURE = item("credentials", "c2pa_trusted", "human", -5.0)
OPEN_CAPTURE = item("credentials", "c2pa_trusted", "human", -2.5)
CREATION = item("credentials", "c2pa_trusted", "human", -2.0)
UNTRUSTED_CAPTURE = item("credentials", "c2pa_valid", "human", -0.5)
GENERATED = item("credentials", "c2pa_trusted", "synthetic", 8.0)
UNTRUSTED_GENERATED = item("credentials", "c2pa_valid", "synthetic", 5.0)
PARTLY = item("credentials", "c2pa_trusted", "mixed", 2.0)
INVALID = item("credentials", "c2pa_invalid", "unknown", 0.0)
PROMPT = item("metadata", "png_parameters", "synthetic", 6.0)


def judge(findings=(), source=None, timestamp=None, published=None, origin=None, **fusion):
    features = pa.table(
        {
            "findings": to_lists([list(findings)]),
            "source": pa.array([source], pa.string()),
            "timestamp": pa.array([timestamp], TIMESTAMP),
            "published": pa.array([published], TIMESTAMP),
            "origin_claim": pa.array([origin], pa.string()),
        }
    )
    own = own_class(features, CONFIG)
    told = {"own": own.own_class, "conflict": own.conflict, "prior": prior(features, CONFIG)}
    fused = fuse(own.evidence, **told, rules=RULES, **fusion)
    return own.own_class[0], bool(own.conflict[0]), fused.origin[0].as_py(), fused.tier[0].as_py(), fused.p_synthetic[0]


@pytest.mark.parametrize(
    ("inputs", "own", "conflict", "origin", "tier"),
    [
        ({}, UNKNOWN, False, "unknown", "uncertain"),
        ({"findings": [CAPTURE]}, REAL, False, "human", "trusted_human"),
        ({"findings": [OPEN_CAPTURE]}, REAL, False, "human", "trusted_human"),
        ({"findings": [CREATION]}, UNKNOWN, False, "human", "likely_human"),
        ({"findings": [UNTRUSTED_CAPTURE]}, UNKNOWN, False, "human", "uncertain"),
        ({"findings": [GENERATED]}, SYNTHETIC, False, "synthetic", "declared_synthetic"),
        ({"findings": [UNTRUSTED_GENERATED]}, SYNTHETIC, False, "synthetic", "declared_synthetic"),
        ({"findings": [PARTLY]}, UNKNOWN, False, "mixed", "uncertain"),
        ({"findings": [INVALID]}, UNKNOWN, False, "unknown", "uncertain"),
        ({"findings": [PROMPT]}, SYNTHETIC, False, "synthetic", "declared_synthetic"),
        ({"findings": [CAPTURE, PROMPT]}, UNKNOWN, True, "unknown", "uncertain"),
        ({"timestamp": OLD}, REAL, False, "human", "trusted_human"),
        ({"timestamp": NEW, "published": OLD}, UNKNOWN, False, "unknown", "uncertain"),
        ({"timestamp": OLD, "origin": "ai"}, UNKNOWN, True, "unknown", "uncertain"),
        ({"timestamp": OLD, "findings": [GENERATED]}, UNKNOWN, True, "unknown", "uncertain"),
        ({"timestamp": OLD, "findings": [PARTLY]}, UNKNOWN, False, "mixed", "uncertain"),
        ({"source": "gazette"}, REAL, False, "human", "trusted_human"),
        ({"source": "bot"}, SYNTHETIC, False, "synthetic", "declared_synthetic"),
        ({"source": "bot", "timestamp": OLD}, UNKNOWN, True, "unknown", "uncertain"),
        ({"origin": "synthetic"}, SYNTHETIC, False, "synthetic", "declared_synthetic"),
        ({"origin": "human"}, UNKNOWN, False, "human", "uncertain"),
        ({"origin": "mixed"}, UNKNOWN, False, "mixed", "uncertain"),
        ({"origin": "procedural"}, UNKNOWN, False, "procedural", "uncertain"),
    ],
)
def test_verdicts(inputs, own, conflict, origin, tier):
    verdict = judge(**inputs)
    assert verdict[:4] == (own, conflict, origin, tier)
    if own != UNKNOWN:
        assert (verdict[4] > 0.5) == (own == SYNTHETIC)


@pytest.mark.parametrize("zone", [CLEAR, SUSPECT, DROP])
@pytest.mark.parametrize("score", [-50.0, 0.0, 50.0])
@pytest.mark.parametrize("pi", [0.01, 0.2, 0.99])
def test_the_detector_alone_gives_neither_end_nor_an_origin(zone, score, pi):
    nothing = pa.nulls(1, to_lists([]).type)
    told = {"own": np.array([UNKNOWN]), "conflict": np.array([False]), "prior": np.array([pi])}
    fused = fuse(nothing, **told, rules=RULES, detector=np.array([score]), zone=np.array([zone]))
    assert fused.tier[0].as_py() in TIERS[1:4]
    assert fused.origin[0].as_py() == "unknown"


def test_zones_and_abstention():
    assert judge(zone=np.array([CLEAR]))[3] == "likely_human"
    assert judge(zone=np.array([SUSPECT]))[3] == "uncertain"
    assert judge(zone=np.array([DROP]))[3] == "likely_synthetic"
    assert judge(zone=np.array([DROP]), timestamp=OLD)[3] == "trusted_human"
    assert judge(detector=np.array([np.nan]))[4] == judge()[4]
    assert judge(detector=np.array([99.0]), timestamp=OLD)[4] == judge(timestamp=OLD)[4]


def test_prior_by_date():
    def at(year, month=6):
        return datetime(year, month, 1, tzinfo=timezone.utc)

    rows = [
        (at(2022, 11), None, 0.01),
        (at(2025), at(2022, 11), 0.10),
        (None, at(2020), 0.10),
        (at(2022, 12), None, 0.25),
        (at(2025), at(2023), 0.25),
        (at(2023), at(2025), 0.25),
        (at(2024), None, 0.20),
        (None, None, 0.20),
    ]
    table = pa.table(
        {
            "timestamp": pa.array([row[0] for row in rows], TIMESTAMP),
            "published": pa.array([row[1] for row in rows], TIMESTAMP),
        }
    )
    assert prior(table, CONFIG).tolist() == [row[2] for row in rows]


def test_prior_by_source_holds_for_what_is_not_dated_before_the_cutoff():
    config = make_config({"provenance": {"prior": {"later": 0.3, "sources": {"mill": 0.6}}}})
    rows = [
        ("mill", NEW, None, 0.6),
        ("mill", None, None, 0.6),
        ("mill", OLD, None, 0.01),
        ("mill", NEW, OLD, 0.10),
        ("other", NEW, None, 0.3),
        (None, None, None, 0.3),
    ]
    names = ("source", "timestamp", "published")
    kinds = (pa.string(), TIMESTAMP, TIMESTAMP)
    columns = [pa.array(values, kind) for values, kind in zip(list(zip(*rows, strict=True))[:3], kinds, strict=True)]
    assert prior(pa.table(columns, names=names), config).tolist() == [row[3] for row in rows]


def test_empty():
    own = own_class(pa.table({"findings": to_lists([])}), CONFIG)
    fused = fuse(own.evidence, own=own.own_class, conflict=own.conflict, prior=np.empty(0), rules=RULES)
    assert len(fused.p_synthetic) == len(fused.origin) == len(fused.tier) == 0


SOFT = st.builds(
    Evidence,
    st.sampled_from(FAMILIES),
    st.just("soft"),
    st.sampled_from(CLAIMS),
    st.integers(-30, 30).map(lambda n: n / 4),
    st.just(""),
)


def fuse_one(items, own=UNKNOWN, pi=0.2):
    fused = fuse(to_lists([items]), own=np.array([own]), conflict=np.array([False]), prior=np.array([pi]), rules=RULES)
    return float(fused.p_synthetic[0]), fused.origin[0].as_py(), fused.tier[0].as_py()


@given(st.lists(SOFT, max_size=6), st.randoms(use_true_random=False), st.sampled_from([REAL, UNKNOWN, SYNTHETIC]))
@settings(max_examples=60, deadline=None)
def test_the_order_of_items_does_not_matter(items, random, own):
    shuffled = list(items)
    random.shuffle(shuffled)
    assert fuse_one(items, own) == fuse_one(shuffled, own)


@given(st.lists(SOFT, min_size=1, max_size=6), st.integers(1, 30), st.sampled_from([0.01, 0.2, 0.5]))
@settings(max_examples=60, deadline=None)
def test_more_towards_synthetic_never_lowers_p(items, step, pi):
    first = items[0]
    raised = [Evidence(first.family, first.kind, first.claim, first.llr + step / 4, ""), *items[1:]]
    assert fuse_one(raised, pi=pi)[0] >= fuse_one(items, pi=pi)[0]


@given(st.lists(SOFT, min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_only_the_strongest_of_a_family_counts(items):
    strongest = max(items, key=lambda e: (abs(e.llr), e.llr))
    same = [Evidence("watermark", e.kind, e.claim, e.llr, "") for e in items]
    assert fuse_one(same)[0] == fuse_one([Evidence("watermark", "soft", "unknown", strongest.llr, "")])[0]


def test_unsigned_evidence_is_limited():
    weak = [item(family, "soft", "synthetic", 7.0) for family in ("metadata", "watermark", "duplicate")]
    assert fuse_one(weak)[0] == fuse_one([item("watermark", "soft", "synthetic", 6.0)])[0]


def test_rows_are_independent():
    rows = [[CAPTURE], [], [GENERATED, PROMPT], [PARTLY], []]
    features = pa.table({"findings": to_lists(rows), "origin_claim": ["ai", None, "human", None, "ai"]})
    together = own_class(features, CONFIG)
    alone = [own_class(features.slice(i, 1), CONFIG) for i in range(5)]
    assert together.own_class.tolist() == [int(one.own_class[0]) for one in alone]
    assert together.conflict.tolist() == [True, False, False, False, False]
    assert together.evidence.to_pylist() == [one.evidence[0].as_py() for one in alone]


@pytest.mark.parametrize(
    ("reliability", "items", "own", "llr"),
    [
        ({}, [PROMPT], SYNTHETIC, 6.0),
        ({"metadata": 0.5}, [PROMPT], SYNTHETIC, 3.0),
        ({"metadata": 0.4}, [PROMPT], UNKNOWN, 2.4),
        ({"credentials": 0.4}, [PROMPT], SYNTHETIC, 6.0),
        ({"credentials": 0.4}, [GENERATED], UNKNOWN, 3.2),
        ({"credentials": 0.0}, [CAPTURE, PROMPT], SYNTHETIC, 6.0),
        ({"lineage": 0.1}, [item("lineage", "source_list", "synthetic", 8.0)], SYNTHETIC, 8.0),
        ({"lineage": 0.1}, [item("lineage", "source_list", "synthetic", 9.0)], SYNTHETIC, 9.0),
        ({"lineage": 0.1}, [item("lineage", "source_list", "synthetic", 7.75)], UNKNOWN, 0.775),
        ({"lineage": 0.1}, [item("lineage", "origin_column", "synthetic", 5.0)], UNKNOWN, 0.5),
        ({"watermark": 0.1}, [item("watermark", "soft", "unknown", 9.0)], UNKNOWN, 0.9),
        ({}, [item("lineage", "dataset", "synthetic", 5.0)], SYNTHETIC, 5.0),
        ({}, [item("lineage", "origin_column", "synthetic", 2.0)], UNKNOWN, 2.0),
    ],
)
def test_reliability_of_families(reliability, items, own, llr):
    config = make_config({"provenance": {"reliability": reliability}})
    found = own_class(pa.table({"findings": to_lists([items])}), config)
    assert found.own_class.tolist() == [own] and not found.conflict[0]
    told = {"own": found.own_class, "conflict": found.conflict, "prior": np.array([0.5])}
    p = fuse(found.evidence, **told, rules=config.provenance).p_synthetic[0]
    expected = 0.5 if items[0] is CAPTURE and own == UNKNOWN else 1 / (1 + np.exp(-llr))
    assert p == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("found", "own"),
    [
        (item("credentials", "c2pa_trusted", "human", -2.25), UNKNOWN),
        (item("credentials", "c2pa_trusted", "human", -9.0), REAL),
        (item("credentials", "c2pa_valid", "human", -5.0), UNKNOWN),
        (item("credentials", "c2pa_trusted", "unknown", -5.0), UNKNOWN),
        (item("credentials", "c2pa_trusted", "synthetic", 0.5), SYNTHETIC),
        (item("credentials", "c2pa_valid", "synthetic", 0.5), SYNTHETIC),
        (item("credentials", "c2pa_invalid", "synthetic", 6.0), UNKNOWN),
        (item("credentials", "c2pa_trusted", "human", 0.5), UNKNOWN),
        # overrides, whatever they claim
        (item("lineage", "source_list", "unknown", -8.0), REAL),
        (item("lineage", "source_list", "unknown", -9.0), REAL),
        (item("lineage", "source_list", "unknown", -7.75), UNKNOWN),
        (item("lineage", "source_list", "unknown", 8.0), SYNTHETIC),
        (item("lineage", "source_list", "unknown", 9.0), SYNTHETIC),
        (item("lineage", "source_list", "unknown", 7.75), UNKNOWN),
        (item("lineage", "capture_date", "human", 0.0), REAL),
        (item("lineage", "declared_date", "human", 0.0), UNKNOWN),
        # what a file says of itself
        (item("metadata", "png_parameters", "synthetic", 5.0), SYNTHETIC),
        (item("metadata", "png_parameters", "synthetic", 4.75), UNKNOWN),
        (item("metadata", "png_parameters", "human", 6.0), UNKNOWN),
        (item("watermark", "png_parameters", "synthetic", 6.0), UNKNOWN),
        # what is said of it
        (item("lineage", "origin_column", "synthetic", 2.5), SYNTHETIC),
        (item("lineage", "origin_column", "synthetic", 2.25), UNKNOWN),
        (item("lineage", "dataset", "synthetic", 2.5), SYNTHETIC),
        (item("lineage", "dataset", "synthetic", 2.25), UNKNOWN),
        (item("lineage", "dataset", "human", 5.0), UNKNOWN),
        (item("lineage", "parent", "synthetic", 5.0), UNKNOWN),
        # no other detector or neighbour has a say
        (item("detector", "curate", "synthetic", 5.0), UNKNOWN),
        (item("duplicate", "copy_of_synthetic", "synthetic", 5.0), UNKNOWN),
    ],
)
def test_what_settles_an_own_class(found, own):
    assert judge([found])[:2] == (own, False)


@pytest.mark.parametrize(
    ("claim", "found", "hard"),
    [
        ("mixed", ("credentials", "c2pa_trusted", 2.0), True),
        ("mixed", ("credentials", "c2pa_valid", 2.0), True),
        ("mixed", ("credentials", "c2pa_invalid", 2.0), False),
        ("mixed", ("lineage", "origin_column", 1.0), True),
        ("mixed", ("lineage", "source_list", 0.0), True),
        ("mixed", ("lineage", "dataset", 1.0), False),
        ("mixed", ("metadata", "xmp", 5.0), True),
        ("mixed", ("metadata", "xmp", 4.75), False),
        ("procedural", ("credentials", "c2pa_trusted", 0.0), True),
        ("procedural", ("credentials", "c2pa_valid", 0.0), True),
        ("procedural", ("lineage", "origin_column", 0.0), True),
        ("procedural", ("lineage", "source_list", 0.0), True),
        ("procedural", ("metadata", "xmp", 6.0), False),
        ("unknown", ("credentials", "c2pa_trusted", 0.0), False),
    ],
)
def test_hard_claims_of_another_origin(claim, found, hard):
    """They leave the tier uncertain where a soft claim would let the detector decide, and mixed ones bar a capture."""
    family, kind, llr = found
    other = item(family, kind, claim, llr)
    _, conflict, origin, tier, _ = judge([other], zone=np.array([DROP]))
    assert (conflict, origin, tier) == (False, claim, "uncertain" if hard else "likely_synthetic")
    assert judge([other], timestamp=OLD)[0] == (UNKNOWN if hard and claim == "mixed" else REAL)
    weak = make_config({"provenance": {"reliability": {family: 0.4}}}).provenance
    told = {"own": np.array([UNKNOWN]), "conflict": np.array([False]), "prior": np.array([0.2])}
    assert fuse(to_lists([[other]]), **told, rules=weak, zone=np.array([DROP])).tier[0].as_py() == "likely_synthetic"


def test_two_hard_claims_of_other_origins_leave_it_uncertain_as_one_does():
    both = [PARTLY, item("lineage", "origin_column", "procedural", 0.0)]
    assert judge(both, zone=np.array([DROP]))[2:4] == ("mixed", "uncertain")


def test_findings_come_before_lineage_in_the_evidence():
    rows = pa.table({"findings": to_lists([[CAPTURE]]), "timestamp": pa.array([OLD], TIMESTAMP)})
    assert [found["kind"] for found in own_class(rows, CONFIG).evidence[0].as_py()] == ["c2pa_trusted", "capture_date"]


def soft(family, llr):
    return item(family, "soft", "unknown", llr)


@pytest.mark.parametrize(
    ("items", "own", "detector", "total"),
    [
        ([soft("metadata", 2.0), soft("watermark", 3.0)], UNKNOWN, None, 5),
        ([soft("metadata", 4.0), soft("duplicate", 5.0)], UNKNOWN, None, 6),
        ([soft("metadata", -4.0), soft("duplicate", -5.0)], UNKNOWN, None, -6),
        ([soft("credentials", 9.0), soft("duplicate", 5.0)], UNKNOWN, None, 14),
        ([soft("credentials", -9.0), soft("duplicate", -5.0)], UNKNOWN, None, -14),
        ([soft("lineage", 8.0), soft("duplicate", 7.0)], UNKNOWN, None, 14),
        ([soft("lineage", -8.0), soft("duplicate", -7.0)], UNKNOWN, None, -14),
        ([soft("lineage", 9.0)], UNKNOWN, None, 9),
        ([soft("lineage", 7.75)], UNKNOWN, None, 6),
        ([soft("lineage", -7.75)], UNKNOWN, None, -6),
        ([soft("credentials", -9.0), soft("lineage", 8.0), soft("metadata", 2.0)], UNKNOWN, None, 1),
        # the strongest of a family, of two equally strong the one towards synthetic
        ([soft("metadata", 2.0), soft("metadata", -3.0)], UNKNOWN, None, -3),
        ([soft("metadata", -3.0), soft("metadata", 3.0)], UNKNOWN, None, 3),
        # the detector, given or among the items
        ([], UNKNOWN, 2.0, 2),
        ([], UNKNOWN, 50.0, 3),
        ([], UNKNOWN, -50.0, -3),
        ([], UNKNOWN, np.nan, 0),
        ([soft("detector", 5.0)], UNKNOWN, None, 3),
        ([soft("detector", -2.0)], UNKNOWN, None, -2),
        ([soft("detector", 1.0)], UNKNOWN, 2.0, 2),
        ([soft("metadata", 5.0)], UNKNOWN, 3.0, 6),
        ([soft("metadata", 5.0)], UNKNOWN, -3.0, 2),
        ([soft("credentials", 9.0), soft("metadata", -5.0)], UNKNOWN, -3.0, 3),
        # what speaks against a settled class does not count, nor does the detector
        ([soft("metadata", 5.0), soft("duplicate", -4.0)], REAL, 2.0, -4),
        ([soft("metadata", 5.0), soft("duplicate", -4.0)], SYNTHETIC, -2.0, 5),
        ([soft("credentials", 5.0), soft("duplicate", -4.0)], REAL, None, -4),
        ([soft("credentials", -5.0), soft("duplicate", 4.0)], SYNTHETIC, None, 4),
    ],
)
def test_what_is_added_up(items, own, detector, total):
    """A prior against which the sum weighs just as much leaves both as likely."""
    fused = fuse(
        to_lists([items]),
        own=np.array([own]),
        conflict=np.array([False]),
        prior=np.array([1 / (1 + np.exp(total))]),
        rules=RULES,
        detector=None if detector is None else np.array([detector]),
    )
    assert fused.p_synthetic.dtype == np.float32
    assert fused.p_synthetic[0] == pytest.approx(0.5, abs=2e-6)


TOLD_HUMAN = item("lineage", "origin_column", "human", 0.0)


@pytest.mark.parametrize(
    ("items", "pi", "zone", "detector", "tier"),
    [
        ([], 0.95, None, None, "likely_synthetic"),
        ([], 0.949, None, None, "uncertain"),
        ([], 0.05, None, None, "likely_human"),
        ([], 0.051, None, None, "uncertain"),
        ([], 0.5, CLEAR, None, "likely_human"),
        ([], 0.01, SUSPECT, None, "uncertain"),
        ([], 0.96, SUSPECT, None, "likely_synthetic"),
        ([], 0.96, CLEAR, None, "likely_synthetic"),
        ([], 0.01, DROP, None, "likely_synthetic"),
        ([TOLD_HUMAN], 0.0199, None, None, "trusted_human"),
        ([TOLD_HUMAN], 0.0201, None, None, "likely_human"),
        ([TOLD_HUMAN], 0.0199, SUSPECT, None, "trusted_human"),
        ([TOLD_HUMAN], 0.02, DROP, None, "likely_synthetic"),
        ([TOLD_HUMAN], 0.019, None, 1.0, "uncertain"),  # the detector speaks against it
        ([TOLD_HUMAN], 0.021, None, -1.0, "likely_human"),  # but not for it
        ([item("lineage", "declared_date", "human", 0.0)], 0.02, None, None, "likely_human"),
        ([item("metadata", "declared_date", "human", 0.0)], 0.0199, None, None, "trusted_human"),
        ([item("watermark", "declared_date", "human", 0.0)], 0.0199, None, None, "trusted_human"),
        ([item("duplicate", "copy_of_capture", "human", 0.0)], 0.0199, None, None, "trusted_human"),
        ([item("detector", "other", "human", 0.0)], 0.0199, None, None, "likely_human"),
        ([TOLD_HUMAN, soft("duplicate", -2.0)], 0.05, None, None, "trusted_human"),
        ([TOLD_HUMAN, soft("duplicate", 2.0)], 0.01, None, None, "uncertain"),
    ],
)
def test_tiers_of_what_is_not_settled(items, pi, zone, detector, tier):
    fused = fuse(
        to_lists([items]),
        own=np.array([UNKNOWN]),
        conflict=np.array([False]),
        prior=np.array([pi]),
        rules=RULES,
        detector=None if detector is None else np.array([detector]),
        zone=None if zone is None else np.array([zone]),
    )
    assert fused.tier[0].as_py() == tier


@pytest.mark.parametrize(
    ("claims", "pi", "origin"),
    [
        (["human"], 0.49, "human"),
        (["human"], 0.5, "unknown"),
        (["human"], 0.9, "unknown"),
        (["synthetic"], 0.5, "synthetic"),
        (["synthetic"], 0.49, "unknown"),
        (["human", "synthetic"], 0.1, "mixed"),
        (["human", "synthetic"], 0.9, "mixed"),
        (["mixed"], 0.1, "mixed"),
        (["mixed", "human"], 0.1, "mixed"),
        (["mixed", "human", "synthetic"], 0.9, "mixed"),
        (["procedural"], 0.1, "procedural"),
        (["procedural", "human"], 0.1, "procedural"),
        (["procedural", "synthetic"], 0.9, "synthetic"),
        (["procedural", "synthetic"], 0.1, "procedural"),
        (["unknown"], 0.1, "unknown"),
        (["allow"], 0.1, "unknown"),  # rights tell nothing of origin
    ],
)
def test_origin_of_what_is_told_softly(claims, pi, origin):
    items = [item("watermark", "soft", claim, 0.0) for claim in claims]
    assert fuse_one(items, pi=pi)[1] == origin
    assert fuse_one([item("detector", "soft", claim, 0.0) for claim in claims], pi=pi)[1] == "unknown"


@pytest.mark.parametrize(
    ("own", "conflict", "origin", "tier"),
    [
        (REAL, False, "human", "trusted_human"),
        (SYNTHETIC, False, "synthetic", "declared_synthetic"),
        (REAL, True, "unknown", "uncertain"),
        (SYNTHETIC, True, "unknown", "uncertain"),
        (UNKNOWN, True, "unknown", "uncertain"),
    ],
)
@pytest.mark.parametrize("items", [[PARTLY], [item("lineage", "origin_column", "procedural", 0.0)], [TOLD_HUMAN]])
def test_a_settled_class_goes_before_other_claims(own, conflict, origin, tier, items):
    told = {"own": np.array([own]), "conflict": np.array([conflict]), "prior": np.array([0.01])}
    fused = fuse(to_lists([items]), **told, rules=RULES, zone=np.array([DROP]))
    assert (fused.origin[0].as_py(), fused.tier[0].as_py()) == (origin, tier)


def test_probabilities_have_six_decimals():
    assert fuse_one([], pi=1 / 3)[0] == np.float32(0.333333)


def test_classes_are_in_the_order_of_survival():
    assert 0 <= REAL < UNKNOWN < SYNTHETIC < 3  # which stands for documents that lead nobody


def test_the_year_of_the_prior_begins_at_midnight():
    midnight = datetime(2024, 1, 1, tzinfo=timezone.utc)
    times = pa.array([midnight, midnight - timedelta(microseconds=1)], TIMESTAMP)
    assert prior(pa.table({"timestamp": times}), CONFIG).tolist() == [0.20, 0.25]
