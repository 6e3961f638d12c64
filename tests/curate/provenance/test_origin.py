from datetime import datetime, timezone

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
        ({"lineage": 0.1}, [item("lineage", "origin_column", "synthetic", 5.0)], UNKNOWN, 0.5),
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
